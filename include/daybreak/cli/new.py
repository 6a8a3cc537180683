"""The commands that start a pipeline: `new` from a CSV file or a table, `load-csv` for the files that come after it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from daybreak.cli.arguments import Name, open_workspace
from daybreak.errors import ConfigurationError

if TYPE_CHECKING:
    from datetime import date

    from daybreak.declaration.pipeline import Pipeline

starting = typer.Typer()

AsOf = Annotated[
    str | None, typer.Option("--as-of", help="Day at whose end it was as the file tells; default: the last one.")
]
Delimiter = Annotated[
    str | None, typer.Option(help="What separates the columns, such as `;` or tab; default: told by the file.")
]
Decimal = Annotated[
    str | None, typer.Option(help="What stands before the decimals, `.` or `,`; default: told by the file.")
]
Thousands = Annotated[
    str | None, typer.Option(help="What stands between the thousands, such as `.` or space; default: told by the file.")
]
Encoding = Annotated[
    str | None, typer.Option(help="How letters are encoded, such as latin-1; default: told by the file.")
]
Empty = Annotated[
    list[str] | None,
    typer.Option(metavar="TEXT", help="A text that means nothing, as a blank does; may be repeated. Default: ?, n/a."),
]


@starting.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the new pipeline, for example churn.")],
    key: Annotated[
        list[str] | None, typer.Option(help="Column that tells the rows apart; repeated where it takes several.")
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(help="Column to predict: one of two values, one of several, or a number, as its values tell."),
    ] = None,
    from_csv: Annotated[
        Path | None, typer.Option("--from-csv", help="The file; its first line names the columns.")
    ] = None,
    from_table: Annotated[
        str | None,
        typer.Option("--from-table", metavar="SCHEMA.TABLE", help="A table of the warehouse with a row for each time."),
    ] = None,
    from_parquet: Annotated[
        str | None,
        typer.Option(
            "--from-parquet",
            metavar="URI",
            help="Parquet with a row for each time, read where it is: a file, a folder, or a pattern with * and {day}.",
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            help="The source in whose folder the Parquet is, as DAYBREAK_SOURCE_<NAME> says; else all of URI."
        ),
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option(help="A file of rows whose target is known, to learn from, where the other one has new rows."),
    ] = None,
    time: Annotated[str | None, typer.Option(help="The table's column that says of when a row is.")] = None,
    every: Annotated[
        str | None,
        typer.Option(help="How long a partition is: hour, day, week or month; default: as far as the times are apart."),
    ] = None,
    measures: Annotated[
        str | None, typer.Option(help="What the target is: amounts, counts or class; default: told by its values.")
    ] = None,
    positive: Annotated[
        str | None, typer.Option(help="The target's value whose probability is predicted; default: yes, true or 1.")
    ] = None,
    timezone: Annotated[str, typer.Option(help="Time zone of the partitions' days.")] = "UTC",
    as_of: AsOf = None,
    delimiter: Delimiter = None,
    decimal: Decimal = None,
    thousands: Thousands = None,
    encoding: Encoding = None,
    empty: Empty = None,
    load: Annotated[bool, typer.Option(help="Load the file's rows into the warehouse.")] = True,
    yes: Annotated[
        bool, typer.Option("--yes", help="Take what is proposed for key, target, time and every where not said.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be written.")] = False,
) -> None:
    """Make a pipeline from a CSV file, which is loaded, or a table or Parquet that is there: its files.

    Everything is proposed from the rows there are, and is yours to edit. Nothing that exists is overwritten. On a
    terminal it asks for key, target, time and every where they are not given.
    """
    of_files = (from_csv, history, as_of, delimiter, decimal, thousands, encoding, empty, None if load else "--no-load")
    named = [each for each in (from_csv, from_table, from_parquet) if each is not None]
    if named[1:] or (source is not None and from_parquet is None):
        raise ConfigurationError(
            "More than one source is named." if named[1:] else "A source is named, and no files of it.",
            next_step="name one of `--from-csv`, `--from-table` and `--from-parquet`; the last may have a `--source`.",
        )
    if from_table is not None or from_parquet is not None:
        from daybreak.cli.new_from_table import DatedWanted, new_from_table

        if history is not None:
            raise ConfigurationError(
                "`--history` is a CSV file beside that of `--from-csv`; no pipeline is made of two tables.",
                next_step="write its queries by hand, extract.sql on the one and training.sql on the other: "
                "docs/pipeline-by-hand.md has each file.",
            )
        if any(option is not None for option in of_files):
            raise ConfigurationError("A table takes no option of a CSV file.", next_step="leave it out.")
        of_table = DatedWanted(
            name, from_table, key, target, time, every, timezone, positive, measures, from_parquet, source
        )
        new_from_table(of_table, yes=yes, dry_run=dry_run)
        return
    if from_csv is None or time is not None or every is not None:
        raise ConfigurationError(
            "A file is of the day that it is loaded as of." if from_csv else "No source is named.",
            next_step="leave `--time` and `--every` out."
            if from_csv
            else "name a file with `--from-csv`, a table with `--from-table`, or files with `--from-parquet`.",
        )
    from daybreak.cli.display import out
    from daybreak.cli.new_from_file import Wanted, asked_columns, new_from_file
    from daybreak.starting.csv_format import asked_format
    from daybreak.starting.target_kinds import refuse_unknown_kind

    refuse_unknown_kind(measures)
    asked = asked_format(delimiter, decimal, thousands, encoding, empty or ())
    day = _day(as_of, timezone)
    keys, of_file = asked_columns(name, from_csv, history, asked, key, target, yes=yes)
    wanted = Wanted(name, timezone, keys, of_file, positive, measures)
    steps = new_from_file(wanted, from_csv, history, asked, day, load=load, dry_run=dry_run)
    if not dry_run:
        steps += [f"train {name}", f"run {name}", f"show {name} {_day(None, timezone)}"]
        out.print("Next:\n" + "\n".join(f"  daybreak {step}" for step in steps), soft_wrap=True, markup=False)


@starting.command("load-csv")
def load_csv(
    pipeline: Name,
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A file with the columns of the pipeline's first one.")],
    as_of: AsOf = None,
    delimiter: Delimiter = None,
    decimal: Decimal = None,
    thousands: Thousands = None,
    encoding: Encoding = None,
    empty: Empty = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Also where more than a tenth of the day's keys are not in the file.")
    ] = False,
    history: Annotated[
        bool, typer.Option("--history", help="It is of rows whose target is known, where these are kept apart.")
    ] = False,
    widen: Annotated[
        bool, typer.Option("--widen", help="Let the table take further columns, and decimals for whole numbers.")
    ] = False,
) -> None:
    """Load a newer CSV file into the source table of a pipeline, which is made where it is missing.

    Partitions from its day on read it; those before keep reading what they read. The table's types decide how it is
    read. The column of the target may be empty or missing where nobody knows it yet.
    """
    from daybreak.cli.display import out
    from daybreak.cli.files import print_comparison, print_outcomes_left_out, print_reading
    from daybreak.starting.csv_file import read_texts, with_types
    from daybreak.starting.csv_for_table import for_table
    from daybreak.starting.csv_format import asked_format
    from daybreak.starting.two_files import without
    from daybreak.tables.source_table import load_rows, source_schema
    from daybreak.training.outcomes import outcomes

    asked = asked_format(delimiter, decimal, thousands, encoding, empty or ())
    with open_workspace() as workspace:
        declared = workspace.pipeline(pipeline)
        table = _source_table(declared, history=history)
        day = _day(as_of, declared.timezone)
        read = read_texts(path, declared.entity_key, asked)
        if not history and _history(declared) and declared.target:
            # Of new rows nobody asks what came of them.
            print_outcomes_left_out(read, declared.target)
            read = without(read, declared.target)
        schema = source_schema(workspace.warehouse, table)
        if schema is None:
            file = with_types(read)
        else:
            target = None if history else declared.target
            file = for_table(read, f"sources.{table}", schema, target=target, widen=widen)
        print_reading(file)
        if declared.positive is not None and declared.target in file.rows.column_names:
            # Refused where it is written in other letters: it would count as what did not happen.
            outcomes(file.rows.column(declared.target), declared.positive)
        difference = load_rows(
            workspace.warehouse,
            table,
            file.rows,
            day,
            key=file.keys,
            originals=file.originals,
            replace=replace,
            widen=widen,
            announce=lambda found: print_comparison(table, day, found),
        )
    told = f" {difference.leave:,} keys left, {difference.come:,} came, {difference.change:,} changed."
    out.print(
        f"sources.{table}: {difference.rows:,} rows as of {day}.{told if difference.day == day else ''}", markup=False
    )


def _history(pipeline: "Pipeline") -> str | None:
    from daybreak.declaration.source_tables import StateTable

    return pipeline.reads.history if isinstance(pipeline.reads, StateTable) else None


def _source_table(pipeline: "Pipeline", *, history: bool) -> str:
    from daybreak.declaration.source_tables import StateTable

    reads = pipeline.reads
    if history and not _history(pipeline):
        raise ConfigurationError(
            f"{pipeline.name} keeps no history apart.",
            next_step="leave `--history` out: a row whose target is known is learned from.",
            pipeline=pipeline.name,
        )
    if isinstance(reads, StateTable) and reads.as_of == StateTable.as_of:
        schema, _, table = (reads.told if history else reads.table).partition(".")
        # Rows of any other schema are somebody else's, and not ours to replace.
        if schema == "sources":
            return table
    raise ConfigurationError(
        f"{pipeline.name} does not read from a CSV file.",
        next_step="load its source as its extract.sql says, or declare "
        f'`reads=StateTable(table="sources.{pipeline.name}")` and query that table.',
        pipeline=pipeline.name,
    )


def _day(as_of: str | None, timezone: str) -> "date":
    from daybreak.declaration.partition import day_calendar
    from daybreak.starting.time_zones import refuse_unknown_zone

    refuse_unknown_zone(timezone)
    return day_calendar(timezone).resolve(as_of, as_of=datetime.now(UTC)).first_day
