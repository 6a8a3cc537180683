"""Target kinds: what a column of values can be predicted as, and how a declaration says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from daybreak.declaration.prediction import RESERVED, Label, Prediction
from daybreak.errors import ConfigurationError, SourceRefused
from daybreak.starting.plain_names import plain_names
from daybreak.starting.proposals import laid_out, literal, proposed_range

Kind = Literal["amounts", "counts", "probability", "class"]
# What can be said of a target whose values leave it open; two values are a probability.
ASKED = ("amounts", "counts", "class")
YES = ("yes", "y", "true", "t", "1", "1.0")
# So few whole numbers may well be codes.
FEW = 10
# Fewer rows of a class say nothing of it; of more classes one number in a hundred rows is no help to anybody.
LEAST_ROWS = 10
MOST_CLASSES = 50
# A longer text is a note.
_LETTERS = 60
# PostgreSQL cuts longer names.
_LONGEST_NAME = 63
_SHOWN = 4
_WIDTH = 120


@dataclass(frozen=True)
class Classes:
    """The classes that are predicted, with how many rows each has, and those that too few rows have."""

    kept: Mapping[Label, int]
    rare: Mapping[Label, int]


def refuse_unknown_kind(asked: str | None) -> None:
    """Refuse what no target can be measured as."""
    if asked is not None and asked not in ASKED:
        raise ConfigurationError(f"There is no `--measures {asked}`.", next_step=f"choose {', '.join(ASKED)}.")


def number_kind(target: str, distinct: int, low: float, asked: str | None, *, whole: bool) -> Kind:
    """Tell what numbers of several values are; ``asked`` decides where they leave it open. Raises SourceRefused."""
    if asked == "class":
        return "class"
    if whole and distinct < FEW and asked is None:
        raise SourceRefused(
            f"{target} has {distinct} different whole numbers, which may be codes or counts.",
            next_step="say `--measures class` where they are codes, else `--measures counts` or `--measures amounts`.",
        )
    if asked == "counts" and (low < 0 or not whole):
        raise SourceRefused(
            f"{target} is {f'{low:g} in some row' if low < 0 else 'no whole number in some row'}, which is no count.",
            next_step="say `--measures amounts`.",
        )
    return "counts" if asked == "counts" or (asked is None and whole and low >= 0) else "amounts"


def predicted_range(kind: Kind, low: float, high: float) -> str:
    """Propose what a predicted number may be; a line through the past may lie below what was ever seen."""
    if kind == "counts":
        return proposed_range(low, high)
    return proposed_range(min(low, (low - high) / 2), max(high, (high - low) / 2))


def told_classes(target: str, counts: Mapping[Label, int], late: Mapping[Label, int] | None = None) -> Classes:
    """Choose the classes that can be learnt; ``late`` counts the rows that are too new to learn from.

    Raises SourceRefused where fewer than two can be, or too many are there.
    """
    late = late or {}
    kept = {label: count for label, count in counts.items() if count - late.get(label, 0) >= LEAST_ROWS}
    rare = {label: count for label, count in counts.items() if label not in kept}
    if len(kept) < 2:
        shown = ", ".join(f"{label!r:.40}" for label in list(counts)[:_SHOWN])
        raise SourceRefused(
            f"{target} has {len(counts):,} different values ({shown}), {len(kept)} of them in {LEAST_ROWS} rows or "
            "more; two classes are needed to learn from.",
            next_step="choose a `--target` whose values come again, or load more rows.",
        )
    if len(kept) > MOST_CLASSES:
        raise SourceRefused(
            f"{target} has {len(kept):,} different values in {LEAST_ROWS} rows or more; at most {MOST_CLASSES} classes "
            "are predicted.",
            next_step="choose a `--target` with fewer values, or put the rarer ones together.",
        )
    if long := [label for label in kept if len(str(label)) > _LETTERS]:
        raise SourceRefused(
            f"{target} is a text of {len(str(long[0]))} letters in some row ({long[0]!r:.40}…), which names no class.",
            next_step="choose a `--target` of short texts, or shorten them.",
        )
    return Classes(dict(sorted(kept.items(), key=lambda item: str(item[0]))), rare)


def class_prediction(column: str, classes: Sequence[Label], beside: Sequence[str]) -> str:
    """Write a prediction of all classes, whose columns are named where their names make none."""
    names = Prediction(column, 0, 1, method="predict_proba", classes=tuple(classes)).further
    taken = {*beside, *RESERVED, column, f"{column}_"}
    fits = all(len(name) <= _LONGEST_NAME and name not in taken for name in names)
    if fits and len(set(names)) == len(names):
        opening, items, closing = "classes=(", [literal(label) for label in classes], ")"
    else:
        unique = plain_names([*taken, *(f"{column[:20]} {label}" for label in classes)])[len(taken) :]
        pairs = zip(classes, unique, strict=True)
        opening, items, closing = "classes={", [f"{literal(label)}: {literal(name)}" for label, name in pairs], "}"
    return _laid_out_call([literal(column), "low=0", "high=1", 'method="predict_proba"'], opening, items, closing)


def _laid_out_call(arguments: list[str], opening: str, items: list[str], closing: str) -> str:
    """Lay a prediction out as the formatter would: on one line, its arguments on one, or each on one."""
    on_one = ", ".join([*arguments, f"{opening}{', '.join(items)}{closing}"])
    if len(line := f"prediction=Prediction({on_one}),") + 4 <= _WIDTH:
        return line
    if len(on_one) + 8 <= _WIDTH:
        return f"prediction=Prediction(\n        {on_one}\n    ),"
    listed = laid_out(opening, items, f"{closing},", 8).replace("\n", "\n        ")
    return "\n        ".join(["prediction=Prediction(", *(f"{each}," for each in arguments), listed]) + "\n    ),"


def sql_text(text: str) -> str:
    """Quote a text for a query."""
    return "'" + text.replace("'", "''") + "'"
