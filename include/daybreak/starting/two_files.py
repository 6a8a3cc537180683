"""Two files: rows whose outcome is known, and new ones to be scored, as they are alike.

The history decides the types, and what both have can be a feature: a column that the new rows lack is known too late.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from daybreak.errors import SourceRefused
from daybreak.starting.csv_file import CsvFile, CsvTexts
from daybreak.starting.csv_for_table import for_table
from daybreak.starting.proposals import Proposal, propose
from daybreak.starting.scaffold import Target

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class TwoFiles:
    """A history and new rows of the same names and types, and how many keys are in both."""

    history: CsvFile
    new: CsvFile
    in_both: int

    def proposal(self, target: Target) -> Proposal:
        """Propose features and rules from the history's columns that the new rows have too."""
        import pyarrow as pa

        both = [name for name in self.history.rows.column_names if name in (*self.new.rows.column_names, target.column)]
        found = propose(replace(self.history, rows=self.history.rows.select(both)), target.column)
        for name in both:
            if name in found.left_out and pa.types.is_temporal(self.history.rows.schema.field(name).type):
                # The day of the run is near every new row and far from the old ones: what is reckoned from it differs.
                found.left_out[name] = "a time; make a number of it: the days between it and another date of the row"
        for name in self.history.rows.column_names:
            if name not in both:
                found.left_out[name] = "which the new rows do not have"
        for name in self.new.rows.column_names:
            if name not in self.history.rows.column_names:
                found.left_out[name] = "which the history does not have"
        return found


def with_history(history: CsvFile, read: CsvTexts, target: str) -> TwoFiles:
    """Read new rows by the history's types. Raises SourceRefused where they are not alike."""
    new = without(_named_alike(read, history.read), target)
    known = {name: name for name in history.rows.column_names if name in new.texts}
    if set(known) <= set(history.keys):
        raise SourceRefused(
            f"{read.path.name} has no column of {history.read.path.name} besides the key.",
            next_step="name the file of new rows as `--from-csv`, and that of known outcomes as `--history`.",
        )
    schema = history.rows.schema
    wanted = [field for field in schema if field.name in known]
    found = for_table(new, history.read.path.name, _schema(wanted), widen=True)
    return TwoFiles(history, found, _shared_keys(history, found))


def without(read: CsvTexts, target: str) -> CsvTexts:
    """Leave a column out: of new rows nobody asks what came of them."""
    texts = {name: texts for name, texts in read.texts.items() if name != target}
    originals = {name: original for name, original in read.originals.items() if name != target}
    return replace(read, texts=texts, originals=originals)


def _named_alike(read: CsvTexts, other: CsvTexts) -> CsvTexts:
    """Give columns that are called the same in both files the same plain name."""
    by_original = {original: name for name, original in other.originals.items()}
    names: dict[str, str] = {}
    for name, original in read.originals.items():
        plain, number = by_original.get(original, name), 2
        while original not in by_original and (plain in other.originals or plain in names.values()):
            plain, number = f"{name}_{number}", number + 1
        names[name] = plain
    return replace(
        read,
        texts={names[name]: texts for name, texts in read.texts.items()},
        originals={names[name]: original for name, original in read.originals.items()},
        keys=tuple(names[key] for key in read.keys),
        padded={names[name]: count for name, count in read.padded.items()},
        emptied={names[name]: told for name, told in read.emptied.items()},
    )


def _schema(fields: "list[pa.Field]") -> "pa.Schema":
    import pyarrow as pa

    return pa.schema(fields)


def _shared_keys(history: CsvFile, new: CsvFile) -> int:
    keys = list(history.keys)
    return int(new.rows.select(keys).join(history.rows.select(keys), keys, join_type="left semi").num_rows)
