"""`daybreak new --from-table`: a pipeline from a table that is in the warehouse, of which nothing is changed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from daybreak.cli.arguments import open_workspace
from daybreak.cli.display import out, print_table
from daybreak.declaration.cadence import CADENCES, DAILY, Cadence
from daybreak.declaration.partition import Calendar, Partition, start_of_day
from daybreak.errors import ConfigurationError
from daybreak.settings import read_settings
from daybreak.starting.target_kinds import refuse_unknown_kind

if TYPE_CHECKING:
    from daybreak.starting.dated_rows import DatedRows
    from daybreak.starting.dated_table import DatedTable, Readable
    from daybreak.starting.dated_target import DatedTarget

# So many partitions are held out of the training, and may be backfilled by its model.
_BACK = 8


@dataclass(frozen=True)
class DatedWanted:
    """What is asked for: the pipeline's name, the table or files, and their columns, as far as they were said."""

    name: str
    table: str | None
    keys: list[str] | None
    target: str | None
    time: str | None
    every: str | None
    timezone: str
    positive: str | None
    measures: str | None
    parquet: str | None = None
    source: str | None = None


def new_from_table(wanted: DatedWanted, *, yes: bool, dry_run: bool) -> None:
    """Look at the table, propose the pipeline's files and put them in their places."""
    from daybreak.starting.dated_files import render_dated
    from daybreak.starting.dated_rows import look_at
    from daybreak.starting.dated_table import find_table
    from daybreak.starting.dated_target import told_target
    from daybreak.starting.places import Places
    from daybreak.starting.scaffold_files import Scaffold
    from daybreak.starting.time_zones import refuse_unknown_zone

    settings = read_settings()
    refuse_unknown_kind(wanted.measures)
    refuse_unknown_zone(wanted.timezone)
    places = Places.of(settings)
    scaffold = Scaffold(places, wanted.name)
    scaffold.refuse_name()
    name, timezone, (keys, target, time, every) = wanted.name, wanted.timezone, _asked_columns(wanted, yes=yes)
    cadence = _cadence(every)
    with scaffold.alone():
        scaffold.refuse_name()
        with _opened(wanted) as readable:
            table = find_table(readable, keys, target, time)
            rows = look_at(readable.read, table, cadence, timezone)
            unlikely = _unlikely(readable, table, cadence)
        found = told_target(table, rows, wanted.positive, wanted.measures)
        files = render_dated(name, settings.pipelines, timezone, table, rows, found)
        _print_table(table, rows, found, timezone)
        for told in unlikely:
            out.print(f"Warning: {told}", soft_wrap=True, markup=False)
        if not dry_run:
            scaffold.place(files)
    out.print("Would write:" if dry_run else "Written:")
    for path, text in files.items():
        out.print(f"  {places.shown(places.place(path))}  ({len(text.splitlines())} lines)", soft_wrap=True)
    out.print(f"{'Would change' if dry_run else 'Changed'}: {places.shown(places.register)}", soft_wrap=True)
    if not dry_run:
        out.print("Next:\n" + "\n".join(_steps(name, table, rows, timezone)), soft_wrap=True, markup=False)


@contextmanager
def _opened(wanted: DatedWanted) -> "Iterator[Readable]":
    """Open the table of the warehouse, or the files."""
    if wanted.parquet is not None:
        from daybreak.starting.parquet_files import in_files

        with in_files(read_settings(), wanted.name, wanted.parquet, wanted.source) as found:
            yield found
        return
    from daybreak.starting.dated_table import in_warehouse

    with open_workspace() as workspace, workspace.warehouse.read() as connection:
        yield in_warehouse(connection, str(wanted.table))


def _asked_columns(wanted: DatedWanted, *, yes: bool) -> tuple[list[str], str, str, str]:
    """Return the columns of key, target and time and the cadence; what is not given, somebody is asked for.

    How far apart the times are can be seen: where nobody can be asked for the cadence, it is what they show.
    """
    from daybreak.cli.asking import answer, asks, refuse_unasked
    from daybreak.starting import guesses

    keys, target, time, every = list(wanted.keys or ()), wanted.target, wanted.time, wanted.every
    if every is not None:
        _cadence(every)
    if keys and target is not None and time is not None and every is not None:
        return keys, target, time, every
    for option, given in (("--time", time), ("--key", keys), ("--target", target)):
        if not given:
            refuse_unasked(option, yes=yes)
    with _opened(wanted) as table:
        names = [column.name for column in table.columns]
        if time is None:
            guess = guesses.time_of_table(table.columns)
            [time] = answer("--time", f"Which column of {table.shown} says of when a row is?", guess, names, yes=yes)
        if not keys:
            question = f"Which columns tell the rows of one {time} apart?"
            keys = answer("--key", question, guesses.key_of_table(table, time), names, yes=yes, several=True)
        if target is None:
            guess = guesses.target_of_table(table, keys, time)
            [target] = answer("--target", "Which column is to be predicted?", guess, names, yes=yes)
        if every is None:
            question = "How long is a partition, whose next one is predicted?"
            guess = guesses.every_of_table(table, time)
            if not (yes or asks()):
                return keys, target, time, guess.values[0] if guess else DAILY.word
            [every] = answer("--every", question, guess, list(CADENCES), yes=yes)
    return keys, target, time, every


def _unlikely(readable: "Readable", table: "DatedTable", cadence: Cadence) -> list[str]:
    """Say what of the answers is hardly meant, going by the rows."""
    from daybreak.starting import guesses

    told, every, target = [], cadence.word, table.target.name
    keys = [column.name for column in table.keys]
    guess = guesses.every_of_table(readable, table.time.name)
    if guess is not None and guesses.longer_than(every, guess):
        told.append(
            f"{guess.reason}, so most {every}s have no row and their runs are refused. Next: `--every "
            f"{guess.values[0]}`, if that is what is predicted."
        )
    if not guesses.changes(readable, keys, target):
        told.append(
            f"{target} never changes for the same {', '.join(keys)}: its last value is all there is to know. Next: "
            "choose another `--target`."
        )
    return told


def _cadence(every: str) -> Cadence:
    if every not in CADENCES:
        raise ConfigurationError(f"There is no `--every {every}`.", next_step=f"choose from {', '.join(CADENCES)}.")
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
    if target.classes:
        what = f"one of {len(target.classes)} classes: {', '.join(map(str, list(target.classes)[:10]))}"
    if target.rare:
        rare = ", ".join(f"{label} ({count:,})" for label, count in list(target.rare.items())[:10])
        out.print(f"Too few rows to learn from: {rare}. They are measured as wrong.", markup=False, soft_wrap=True)
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


def _steps(name: str, table: "DatedTable", rows: "DatedRows", timezone: str) -> list[str]:
    calendar = Calendar(timezone, rows.periods.every)
    last = min(_holding(calendar, rows.last), calendar.last_complete(datetime.now(UTC)))
    before = first = calendar.before(last)
    for _ in range(_BACK - 2):
        first = calendar.before(first)
    steps = [
        f"train {name}",
        f"run {name} --partition {last.key}",
        f"backfill {name} {first.key} {before.key} --missing",
        f"measure {name}",
        f"show {name} {last.key}",
    ]
    told = [f"  {table.files.setting}"] if table.files and table.files.setting else []
    return [*told, *(f"  daybreak {step}" for step in steps)]


def _holding(calendar: Calendar, when: date | datetime) -> Partition:
    return calendar.at(when if isinstance(when, datetime) else start_of_day(when, calendar.timezone))
