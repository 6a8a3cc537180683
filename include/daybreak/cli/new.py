"""The commands that start a pipeline: `new` from a CSV file or a table, `load-csv` for the files that come after it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from daybreak.cli.arguments import Name, open_workspace
from daybreak.declaration.cadence import DAILY
from daybreak.errors import ConfigurationError
from daybreak.settings import Settings

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
    key: Annotated[list[str], typer.Option(help="Column that tells the rows apart; repeated where it takes several.")],
    target: Annotated[str, typer.Option(help="Column to predict; of a file it has two values.")],
    from_csv: Annotated[
        Path | None, typer.Option("--from-csv", help="The file; its first line names the columns.")
    ] = None,
    from_table: Annotated[
        str | None,
        typer.Option("--from-table", metavar="SCHEMA.TABLE", help="A table of the warehouse with a row for each time."),
    ] = None,
    time: Annotated[str | None, typer.Option(help="The table's column that says of when a row is.")] = None,
    every: Annotated[str, typer.Option(help="How long a partition is: hour, day, week or month.")] = DAILY.word,
    measures: Annotated[
        str | None, typer.Option(help="What the table's target is: amounts or counts; default: told by its values.")
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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be written.")] = False,
) -> None:
    """Make a pipeline from a CSV file, which is loaded, or from a table that is there: declaration, queries and DAG.

    Everything is proposed from the rows there are, and is yours to edit. Nothing that exists is overwritten.
    """
    if from_table is not None:
        from daybreak.cli.new_from_table import new_from_table

        of_files = (from_csv, as_of, delimiter, decimal, thousands, encoding, empty, None if load else "--no-load")
        if time is None or any(option is not None for option in of_files):
            raise ConfigurationError(
                "A table takes no option of a file." if time else "Nothing says of when a row of the table is.",
                next_step="leave it out." if time else "name its column of dates or times as `--time`.",
            )
        new_from_table(name, from_table, key, target, time, every, timezone, positive, measures, dry_run=dry_run)
        return
    if from_csv is None or time is not None or measures is not None or every != DAILY.word:
        raise ConfigurationError(
            "A file is of the day that it is loaded as of." if from_csv else "No source is named.",
            next_step="leave `--time`, `--every` and `--measures` out."
            if from_csv
            else "name a file with `--from-csv`, or a table with `--from-table`.",
        )
    from daybreak.cli.display import out
    from daybreak.cli.files import print_file, repeated
    from daybreak.starting.csv_file import read_csv
    from daybreak.starting.csv_format import asked_format
    from daybreak.starting.places import Places
    from daybreak.starting.proposals import propose
    from daybreak.starting.scaffold import find_target, render
    from daybreak.starting.scaffold_files import Scaffold
    from daybreak.tables.source_table import load_rows

    settings = Settings()
    places = Places.of(settings)
    asked = asked_format(delimiter, decimal, thousands, encoding, empty or ())
    scaffold = Scaffold(places, name)
    with scaffold.alone():
        scaffold.refuse_name()
        day = _day(as_of, timezone)
        file = read_csv(from_csv, key, asked)
        chosen = find_target(file, target, positive)
        files = render(name, settings.pipelines, timezone, file, chosen)
        print_file(file, chosen, propose(file, chosen.column))
        if not dry_run:
            if load:
                other = f"make the pipeline with `--no-load`, then `daybreak load-csv {name} {from_csv} --replace`"
                with open_workspace() as workspace:
                    load_rows(
                        workspace.warehouse,
                        name,
                        file.rows,
                        day,
                        key=file.keys,
                        originals=file.originals,
                        to_replace=other,
                    )
            scaffold.place(files)
    out.print("Would write:" if dry_run else "Written:")
    for path, text in files.items():
        out.print(f"  {places.shown(places.place(path))}  ({len(text.splitlines())} lines)", soft_wrap=True)
    out.print(f"{'Would change' if dry_run else 'Changed'}: {places.shown(places.register)}", soft_wrap=True)
    out.print(f"{'Would load' if dry_run else 'Loaded'}: sources.{name}, as of {day}" if load else "Nothing loaded.")
    if not dry_run:
        steps = [f"train {name}", f"run {name}", f"show {name} {_day(None, timezone)}"]
        steps = steps if load else [f"load-csv {name} {from_csv} --as-of {day}{repeated(asked)}", *steps]
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
    widen: Annotated[
        bool, typer.Option("--widen", help="Let the table take further columns, and decimals for whole numbers.")
    ] = False,
) -> None:
    """Load a newer CSV file into the source table of a pipeline, which is made where it is missing.

    Partitions from its day on read it; those before keep reading what they read. The table's types decide how it is
    read. The column of the target may be empty or missing where nobody knows it yet.
    """
    from daybreak.cli.display import out
    from daybreak.cli.files import print_comparison, print_reading
    from daybreak.starting.csv_file import read_texts, with_types
    from daybreak.starting.csv_for_table import for_table
    from daybreak.starting.csv_format import asked_format
    from daybreak.tables.source_table import load_rows, source_schema

    asked = asked_format(delimiter, decimal, thousands, encoding, empty or ())
    with open_workspace() as workspace:
        declared = workspace.pipeline(pipeline)
        table = _source_table(declared)
        day = _day(as_of, declared.timezone)
        read = read_texts(path, declared.entity_key, asked)
        schema = source_schema(workspace.warehouse, table)
        if schema is None:
            file = with_types(read)
        else:
            file = for_table(read, f"sources.{table}", schema, target=declared.target, widen=widen)
        print_reading(file)
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


def _source_table(pipeline: "Pipeline") -> str:
    from daybreak.declaration.source_tables import StateTable

    reads = pipeline.reads
    if isinstance(reads, StateTable) and reads.as_of == StateTable.as_of:
        schema, _, table = reads.table.partition(".")
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
