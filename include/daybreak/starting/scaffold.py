"""Scaffold: what a new pipeline's files say, proposed from the columns of a CSV file."""

from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from daybreak.errors import SourceRefused
from daybreak.starting.csv_file import CsvFile
from daybreak.starting.proposals import Proposal, laid_out, literal, propose

TEMPLATES = Path(__file__).parent / "templates"
YES = ("yes", "y", "true", "t", "1", "1.0")


@dataclass(frozen=True)
class Target:
    """The column that is predicted, and which of its two values counts as positive, in how many rows."""

    column: str
    positive: str | float
    positives: int


def find_target(file: CsvFile, wanted: str, positive: str | None) -> Target:
    """Find the target's two values; without ``positive`` it is yes, true, 1 or the rarer one."""
    import pyarrow as pa

    column = file.column(wanted)
    if column is None or column in file.keys:
        others = [original for plain, original in file.originals.items() if plain not in file.keys]
        raise SourceRefused(
            f"The file has no column {wanted!r} besides its key.",
            next_step=f"choose `--target` from {', '.join(others)}.",
        )
    counts = {row["values"]: row["counts"] for row in file.rows[column].drop_null().value_counts().to_pylist()}
    if len(counts) != 2:
        shown = ", ".join(repr(value) for value in list(counts)[:4])
        raise SourceRefused(
            f"{wanted} has {len(counts):,} different values{f' ({shown})' if shown else ''}; two are needed.",
            next_step="choose a `--target` that has exactly two values, such as Yes and No.",
        )
    if pa.types.is_temporal(file.rows.schema.field(column).type):
        raise SourceRefused(f"{wanted} is a time.", next_step="choose a `--target` that is a text or a number.")
    named = {str(value): value for value in counts}
    if positive is not None and positive not in named:
        raise SourceRefused(
            f"{wanted} is never {positive!r}.", next_step=f"choose `--positive` from {', '.join(map(repr, named))}."
        )
    said_yes = [value for text, value in named.items() if text.lower() in YES]
    chosen: Any = named[positive] if positive else (said_yes or sorted(counts, key=lambda value: counts[value]))[0]
    return Target(column, chosen, counts[chosen])


def render(name: str, package: str, timezone: str, file: CsvFile, target: Target) -> dict[str, str]:
    """Write the pipeline's files: their texts by path below the project's folder."""
    proposal = propose(file, target.column)
    values = _values(name, package, timezone, file, target, proposal)

    def filled(template: str) -> str:
        return Template((TEMPLATES / f"{template}.template").read_text(encoding="utf-8")).substitute(values)

    return {
        f"include/{package.replace('.', '/')}/{name}.py": filled("declaration.py"),
        f"sql/{name}/extract.sql": filled("extract.sql"),
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
    probability = f"{target.column}_probability"
    prediction = probability if probability not in file.keys else f"predicted_{probability}"
    count = file.rows.num_rows
    modules = [f"{package}.{name} import {name.upper()}", "daybreak_airflow import scoring_dag"]
    return {
        "name": name,
        "timezone": timezone,
        "constant": name.upper(),
        "description": f"How likely {target.column} is {plainly(target.positive)} for each {' and '.join(file.keys)}.",
        "key": ", ".join(file.keys),
        "entity_key": entity_key(file.keys),
        "target": target.column,
        "prediction": prediction,
        "positive": literal(target.positive),
        "features": ",\n    ".join([*file.keys, *proposal.selected]),
        "left_out": "".join(f"\n-- Left out: {column}, {reason}." for column, reason in proposal.left_out.items()),
        "rows": f"{count:,}",
        "most": f"{count * 10:_}",
        "rules": "".join(f"\n    {line}" for line in proposal.rules),
        "imports": "\n".join(f"from {module}" for module in sorted(modules, key=lambda m: m.split()[0])),
    }
