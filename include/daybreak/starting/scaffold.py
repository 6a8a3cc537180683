"""Scaffold: what a new pipeline's files say, proposed from the columns of a CSV file."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

from daybreak.declaration.prediction import RESERVED, Label
from daybreak.errors import SourceRefused
from daybreak.starting.csv_file import CsvFile
from daybreak.starting.proposals import Proposal, laid_out, literal, propose
from daybreak.starting.target_kinds import YES, Kind, class_prediction, number_kind, predicted_range, told_classes

TEMPLATES = Path(__file__).parent / "templates"
_SHOWN = 4
_TRAINED = {
    "probability": "Three classifiers are compared on held-out rows, and the best by log loss is registered.",
    "class": "Three classifiers are compared by the log loss of all classes, and have to beat their frequencies.",
    "amounts": "Three regressions are compared on held-out rows by squared error, and have to beat the mean.",
    "counts": "Three regressions are compared on held-out rows by Poisson deviance, and have to beat the mean.",
}


@dataclass(frozen=True)
class Target:
    """The column that is predicted, and as what.

    Of two values which counts as ``positive``, in how many rows; of several the ``classes`` with how many rows each,
    and those that are ``rare``; of numbers the range of what is predicted.
    """

    column: str
    kind: Kind
    positive: str | float | None = None
    positives: int = 0
    classes: Mapping[Label, int] = field(default_factory=dict)
    rare: Mapping[Label, int] = field(default_factory=dict)
    predicted: str = "(0, 1)"


def find_target(file: CsvFile, wanted: str, positive: str | None, asked: str | None = None) -> Target:
    """Tell what the target's values can be predicted as; ``asked`` says it where they leave it open.

    Of two values without ``positive``, it is yes, true, 1 or the rarer one.
    """
    import pyarrow as pa

    column = file.column(wanted)
    if column is None or column in file.keys:
        others = [original for plain, original in file.originals.items() if plain not in file.keys]
        raise SourceRefused(
            f"{file.read.path.name} has no column {wanted!r} besides its key.",
            next_step=f"choose `--target` from {', '.join(others)}.",
        )
    kind = file.rows.schema.field(column).type
    counts = {row["values"]: row["counts"] for row in file.rows[column].drop_null().value_counts().to_pylist()}
    if len(counts) < 2:
        shown = ", ".join(repr(value) for value in list(counts)[:_SHOWN])
        raise SourceRefused(
            f"{wanted} has {len(counts):,} different values{f' ({shown})' if shown else ''}; two are needed.",
            next_step="choose a `--target` that has two values, such as Yes and No, several classes, or numbers.",
        )
    if pa.types.is_temporal(kind):
        raise SourceRefused(f"{wanted} is a time.", next_step="choose a `--target` that is a text or a number.")
    if len(counts) == 2 and asked is None:
        return _of_two(column, wanted, positive, counts)
    if positive is not None:
        raise SourceRefused(
            f"{wanted} has {len(counts):,} different values, of which none can be the positive one of two.",
            next_step="leave `--positive` out.",
        )
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return _of_numbers(column, wanted, counts, asked)
    if asked in ("amounts", "counts"):
        raise SourceRefused(f"{wanted} is no number.", next_step="leave `--measures` out.")
    return _of_classes(column, wanted, counts)


def _of_two(column: str, wanted: str, positive: str | None, counts: Mapping[Any, int]) -> Target:
    named = {str(value): value for value in counts}
    if positive is not None and positive not in named:
        raise SourceRefused(
            f"{wanted} is never {positive!r}.", next_step=f"choose `--positive` from {', '.join(map(repr, named))}."
        )
    said_yes = [value for text, value in named.items() if text.lower() in YES]
    chosen: Any = named[positive] if positive else (said_yes or sorted(counts, key=lambda value: counts[value]))[0]
    return Target(column, "probability", chosen, counts[chosen])


def _of_numbers(column: str, wanted: str, counts: Mapping[Any, int], asked: str | None) -> Target:
    if not all(map(math.isfinite, counts)):
        raise SourceRefused(
            f"{wanted} is infinite or not a number in some row.", next_step="mend the file, or leave these rows out."
        )
    low, high, whole = min(counts), max(counts), all(value == int(value) for value in counts)
    kind = number_kind(wanted, len(counts), low, asked, whole=whole)
    if kind == "class":
        return _of_classes(column, wanted, {int(v) if whole else v: count for v, count in counts.items()})
    low, high = (int(low), int(high)) if whole else (low, high)
    return Target(column, kind, predicted=predicted_range(kind, low, high))


def _of_classes(column: str, wanted: str, counts: Mapping[Any, int]) -> Target:
    found = told_classes(wanted, counts)
    return Target(column, "class", classes=found.kept, rare=found.rare)


def render(
    name: str,
    package: str,
    timezone: str,
    file: CsvFile,
    target: Target,
    *,
    rows: int | None = None,
    proposal: Proposal | None = None,
) -> dict[str, str]:
    """Write the pipeline's files: their texts by path below the project's folder.

    Where the file is a history, ``rows`` are those that are to be scored, and ``proposal`` goes by what they have.
    """
    values = _values(name, package, timezone, file, target, proposal or propose(file, target.column))
    if rows is not None:
        values |= {"most": f"{rows * 10:_}", "history": f', history="sources.{name}_history"'}

    def filled(template: str) -> str:
        return Template((TEMPLATES / f"{template}.template").read_text(encoding="utf-8")).substitute(values)

    training = {} if rows is None else {f"sql/{name}/training.sql": filled("history_training.sql")}
    return {
        f"include/{package.replace('.', '/')}/{name}.py": filled("declaration.py"),
        f"sql/{name}/extract.sql": filled("extract.sql"),
        **training,
        f"dags/{name}.py": filled("dag.py"),
    }


def entity_key(keys: tuple[str, ...]) -> str:
    """Write the entity key of a declaration."""
    if len(keys) == 1:
        return f"entity_key=({literal(keys[0])},),"
    return laid_out("entity_key=(", list(map(literal, keys)), "),", 4).replace("\n", "\n    ")


def plainly(positive: str | float) -> str:
    """Return the positive value as a sentence may name it."""
    said = str(positive)
    return said if said.isascii() and said.replace(" ", "").isalnum() and len(said) <= 12 else "positive"


def _values(
    name: str, package: str, timezone: str, file: CsvFile, target: Target, proposal: Proposal
) -> dict[str, object]:
    count = file.rows.num_rows
    modules = [f"{package}.{name} import {name.upper()}", "daybreak_airflow import scoring_dag"]
    return {
        "name": name,
        "timezone": timezone,
        "constant": name.upper(),
        "description": described(target, " and ".join(file.keys)),
        "key": ", ".join(file.keys),
        "entity_key": entity_key(file.keys),
        "target": target.column,
        "prediction": _prediction(target, file.keys),
        "positive": "" if target.positive is None else f"\n    positive={literal(target.positive)},",
        "training_name": "Regression" if target.kind in ("amounts", "counts") else "Classification",
        "trained": _TRAINED[target.kind],
        "measures": target.kind,
        "history": "",
        "features": ",\n    ".join([*file.keys, *proposal.selected]),
        "left_out": "".join(f"\n-- Left out: {column}, {reason}." for column, reason in proposal.left_out.items()),
        "rows": f"{count:,}",
        "most": f"{count * 10:_}",
        "rules": "".join(f"\n    {line}" for line in proposal.rules),
        "imports": "\n".join(f"from {module}" for module in sorted(modules, key=lambda m: m.split()[0])),
    }


def described(target: Target, key: str) -> str:
    """Say in one sentence what is predicted."""
    if target.kind == "probability":
        return f"How likely {target.column} is {plainly(str(target.positive))} for each {key}."
    if target.kind == "class":
        return f"How likely each {target.column} is for each {key}."
    return f"The {target.column} of each {key}."


def _prediction(target: Target, keys: tuple[str, ...]) -> str:
    """Write the prediction, whose column has a name that no key has."""
    taken = {*keys, *RESERVED}
    if target.kind == "probability":
        name = f"{target.column}_probability"
        name = f"predicted_{name}" if name in taken else name
        return f'prediction=Prediction({literal(name)}, low=0, high=1, method="predict_proba"),'
    name = f"predicted_{target.column}"
    name = f"{name}_value" if name in taken else name
    if target.kind == "class":
        return class_prediction(name, list(target.classes), keys)
    low, high = target.predicted[1:-1].split(", ")
    return f"prediction=Prediction({literal(name)}, low={low}, high={high}),"
