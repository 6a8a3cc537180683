"""Files: what was found out of a CSV file, and how its rows differ from those that are there."""

from datetime import date
from typing import TYPE_CHECKING

from daybreak.cli.display import out, print_table

# So many classes are named; of the others their number.
_CLASSES = 10

if TYPE_CHECKING:
    import pyarrow as pa

    from daybreak.starting.csv_file import CsvFile, CsvTexts
    from daybreak.starting.csv_format import CsvFormat
    from daybreak.starting.proposals import Proposal
    from daybreak.starting.scaffold import Target
    from daybreak.starting.two_files import TwoFiles
    from daybreak.tables.source_table import Difference


def print_file(file: "CsvFile", target: "Target", proposal: "Proposal") -> None:
    """Print how a file was read, column by column, with what each is for, or why it is left out."""
    _print_whole(file)
    uses = dict.fromkeys(file.keys, "key") | {target.column: "target"} | proposal.reasons
    rows = [
        [
            original,
            _type(file.rows.schema.field(name).type),
            file.rows[name].null_count,
            "; ".join(filter(None, (uses.get(name, "feature"), _note(file, name)))),
        ]
        for name, original in file.originals.items()
    ]
    print_table("Columns", ["column", "read as", "empty", "use"], rows)
    _print_target(file, target)


def print_two(both: "TwoFiles", target: "Target") -> None:
    """Print how a history and new rows were read, and which columns of the history are features."""
    print_file(both.history, target, both.proposal(target))
    print_reading(both.new)
    if both.in_both:
        rows = f"{both.in_both:,} of the {both.new.rows.num_rows:,} new rows"
        out.print(f"{rows} are in the history too, and are scored all the same.", markup=False)


def print_outcomes_left_out(read: "CsvTexts", target: str) -> None:
    """Say of new rows whose outcome is filled that it is left out: it may be the history that is loaded."""
    known = len(read.texts[target]) - read.texts[target].null_count if target in read.texts else 0
    if known:
        out.print(
            f"{read.originals[target]} is filled in {known:,} of the {len(read.texts[target]):,} rows, which are taken "
            "for new ones without it. Rows whose outcome is known are loaded with `--history`.",
            markup=False,
        )


def _print_target(file: "CsvFile", target: "Target") -> None:
    """Print what the target is, in how many rows."""
    name, known = file.originals[target.column], file.rows.num_rows - file.rows[target.column].null_count
    rows = f"{known:,} rows" if known == file.rows.num_rows else f"{known:,} rows that have it"
    if target.kind == "probability":
        told = f"is {target.positive} in {target.positives:,} of the {rows} ({target.positives / known:.1%})"
    elif target.kind == "class":
        shares = sorted(target.classes.items(), key=lambda item: -item[1])
        shown = [f"{label} in {count:,} ({count / known:.1%})" for label, count in shares[:_CLASSES]]
        more = [f"{len(shares) - _CLASSES} more"] * (len(shares) > _CLASSES)
        told = f"is one of {len(shares)} classes in the {rows}: {', '.join([*shown, *more])}"
    else:
        told = f"is a number, measured as {target.kind}, in the {rows}"
    out.print(f"{name} {told}.", markup=False, soft_wrap=True)
    if target.rare:
        rare = ", ".join(f"{label} ({count:,})" for label, count in list(target.rare.items())[:_CLASSES])
        out.print(f"Too few rows to be a class: {rare}. They are measured as wrong.", markup=False, soft_wrap=True)


def print_reading(file: "CsvFile") -> None:
    """Print how a later file was read, as far as it is not just what it says."""
    _print_whole(file)
    for name, original in file.originals.items():
        if note := _note(file, name):
            out.print(f"  {original}: {note}.", markup=False)
    if missing := [name for name in file.rows.column_names if name not in file.originals]:
        out.print(f"  {', '.join(missing)}: not in the file, and so not known yet.", markup=False)


def print_comparison(table: str, day: date, found: "Difference") -> None:
    """Print what rows will do to those that are there."""
    if found.day is None:
        return
    out.print(
        f"sources.{table} has {found.before:,} rows as of {found.day}. Of their keys {found.leave:,} "
        f"{'leave' if found.day == day else 'are not in the file'}, {found.come:,} come, {found.change:,} change.",
        markup=False,
    )


def repeated(asked: "CsvFormat") -> str:
    """Write the options that a file was read with, for the command that reads it again."""
    from shlex import quote

    from daybreak.starting.csv_format import spoken

    told = {name: getattr(asked, name) for name in ("delimiter", "decimal", "thousands", "encoding")}
    options = [f" --{name} {spoken(value)}" for name, value in told.items() if value]
    return "".join([*options, *(f" --empty {quote(text)}" for text in asked.empty or ())])


def _print_whole(file: "CsvFile") -> None:
    from daybreak.starting.csv_format import shown
    from daybreak.starting.number_format import PLAIN

    read, numbers = file.read, file.numbers
    written = "" if numbers == PLAIN else f", numbers as by `{numbers.says()}`"
    out.print(
        f"{read.path.name}: {file.rows.num_rows:,} rows, {len(read.originals)} columns, separated by "
        f"{shown(read.file.delimiter)}, {read.file.source.says}{written}.",
        markup=False,
    )


def _note(file: "CsvFile", name: str) -> str:
    import pyarrow as pa

    from daybreak.starting.csv_values import without_nothing
    from daybreak.starting.number_format import in_other_formats

    read, notes = file.read, []
    if pa.types.is_string(file.rows.schema.field(name).type):
        if read.padded[name]:
            notes.append(f"blanks around it taken away in {read.padded[name]:,} rows")
        if name not in read.keys and (formats := in_other_formats(without_nothing(read.texts[name]).drop_null())):
            notes.append(f"numbers, perhaps, by {' or '.join(f'`{each.says()}`' for each in formats)}")
    elif infinite := _infinite(file.rows[name]):
        notes.append(f"infinite in {infinite:,} rows, which no model can be trained on")
    if read.emptied[name]:
        notes.append(f"{', '.join(map(repr, read.emptied[name]))} read as empty")
    return "; ".join(notes)


def _infinite(column: "pa.ChunkedArray") -> int:
    import pyarrow as pa
    import pyarrow.compute as pc

    return int(pc.sum(pc.is_inf(column)).as_py() or 0) if pa.types.is_floating(column.type) else 0


def _type(kind: "pa.DataType") -> str:
    import pyarrow as pa

    if pa.types.is_timestamp(kind):
        return "time with offset" if kind.tz else "time"
    names = {pa.int64(): "whole number", pa.float64(): "number", pa.bool_(): "true or false", pa.date32(): "day"}
    return names.get(kind, "text")
