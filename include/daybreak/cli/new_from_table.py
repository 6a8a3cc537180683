"""`daybreak new --from-table`: a pipeline from a table that is in the warehouse, of which nothing is changed."""

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from daybreak.cli.arguments import open_workspace
from daybreak.cli.display import out, print_table
from daybreak.declaration.cadence import CADENCES, Cadence
from daybreak.declaration.partition import Calendar, Partition, start_of_day
from daybreak.errors import ConfigurationError
from daybreak.settings import Settings

if TYPE_CHECKING:
    from daybreak.starting.dated_rows import DatedRows
    from daybreak.starting.dated_table import DatedTable
    from daybreak.starting.dated_target import DatedTarget

# So many partitions are held out of the training, and may be backfilled by its model.
_BACK = 8


def new_from_table(
    name: str,
    wanted: str,
    keys: list[str],
    target: str,
    time: str,
    every: str,
    timezone: str,
    positive: str | None,
    measures: str | None,
    *,
    dry_run: bool,
) -> None:
    """Look at the table, propose the pipeline's files and put them in their places."""
    from daybreak.starting.dated_files import render_dated
    from daybreak.starting.dated_rows import look_at
    from daybreak.starting.dated_table import find_table
    from daybreak.starting.dated_target import told_target
    from daybreak.starting.places import Places
    from daybreak.starting.scaffold_files import Scaffold
    from daybreak.starting.time_zones import refuse_unknown_zone

    settings = Settings()
    places = Places.of(settings)
    cadence = _cadence(every, measures)
    refuse_unknown_zone(timezone)
    scaffold = Scaffold(places, name)
    with scaffold.alone():
        scaffold.refuse_name()
        with open_workspace() as workspace, workspace.warehouse.read() as connection:
            table = find_table(connection, wanted, keys, target, time)
            rows = look_at(connection, table, cadence, timezone)
        found = told_target(table, rows, positive, measures)
        files = render_dated(name, settings.pipelines, timezone, table, rows, found)
        _print_table(table, rows, found, timezone)
        if not dry_run:
            scaffold.place(files)
    out.print("Would write:" if dry_run else "Written:")
    for path, text in files.items():
        out.print(f"  {places.shown(places.place(path))}  ({len(text.splitlines())} lines)", soft_wrap=True)
    out.print(f"{'Would change' if dry_run else 'Changed'}: {places.shown(places.register)}", soft_wrap=True)
    if not dry_run:
        out.print("Next:\n" + "\n".join(f"  daybreak {step}" for step in _steps(name, rows, timezone)), soft_wrap=True)


def _cadence(every: str, measures: str | None) -> Cadence:
    if every not in CADENCES:
        raise ConfigurationError(f"There is no `--every {every}`.", next_step=f"choose from {', '.join(CADENCES)}.")
    if measures not in (None, "amounts", "counts"):
        raise ConfigurationError(f"There is no `--measures {measures}`.", next_step="choose amounts or counts.")
    return CADENCES[every]


def _print_table(table: "DatedTable", rows: "DatedRows", target: "DatedTarget", timezone: str) -> None:
    periods, word = rows.periods, rows.periods.every.word
    out.print(
        f"{table.shown}: {rows.rows:,} rows of {rows.keys:,} keys and {rows.partitions:,} {word}s, {rows.first} to "
        f"{rows.last}.{f' {table.comment}' if table.comment else ''}",
        markup=False,
        soft_wrap=True,
    )
    if rows.unknown:
        out.print(f"{rows.unknown:,} further rows have no {table.target.name} and are left out.", markup=False)
    what = f"probability of {target.positive}" if target.kind == "probability" else target.kind
    time = f"time, first day of its {word}" if periods.dated_first else "time"
    zone = f", taken as of {timezone}" if table.time.type == "timestamp without time zone" else ""
    uses = [
        *((column, "key") for column in table.keys),
        (table.time, f"{time}{zone}"),
        (table.target, f"target: {what}"),
        *((column, "left out: when it is known is not said") for column in table.others),
    ]
    print_table(
        "Columns",
        ["column", "type", "use", "comment"],
        [[column.name, column.type, use, column.comment or ""] for column, use in uses],
    )


def _steps(name: str, rows: "DatedRows", timezone: str) -> list[str]:
    calendar = Calendar(timezone, rows.periods.every)
    last = min(_holding(calendar, rows.last), calendar.last_complete(datetime.now(UTC)))
    before = first = calendar.before(last)
    for _ in range(_BACK - 2):
        first = calendar.before(first)
    return [
        f"train {name}",
        f"run {name} --partition {last.key}",
        f"backfill {name} {first.key} {before.key} --missing",
        f"measure {name}",
        f"show {name} {last.key}",
    ]


def _holding(calendar: Calendar, when: date | datetime) -> Partition:
    return calendar.at(when if isinstance(when, datetime) else start_of_day(when, calendar.timezone))
