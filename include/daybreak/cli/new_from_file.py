"""`daybreak new --from-csv`: a pipeline from a file whose rows are loaded, or from two, a history and new rows."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from daybreak.cli.arguments import open_workspace
from daybreak.cli.display import out
from daybreak.cli.files import print_file, print_two, repeated
from daybreak.settings import Settings, read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from daybreak.starting.csv_file import CsvFile
    from daybreak.starting.csv_format import CsvFormat
    from daybreak.starting.scaffold import Target
    from daybreak.starting.two_files import TwoFiles


@dataclass(frozen=True)
class Wanted:
    """What is asked for: the pipeline's name and zone, its columns, and what the target is where that is said."""

    name: str
    timezone: str
    keys: list[str]
    target: str
    positive: str | None = None
    measures: str | None = None


def asked_columns(
    name: str,
    path: Path,
    history: Path | None,
    asked: "CsvFormat",
    keys: list[str] | None,
    target: str | None,
    *,
    yes: bool,
) -> tuple[list[str], str]:
    """Return the columns of key and target; where they are not given, somebody is asked for them."""
    keys = list(dict.fromkeys(keys or ()))
    if keys and target is not None:
        return keys, target
    from daybreak.cli.asking import answer, refuse_unasked
    from daybreak.starting.csv_rows import read_rows
    from daybreak.starting.csv_text import read_text
    from daybreak.starting.guesses import key_of_file, target_of_file
    from daybreak.starting.places import Places
    from daybreak.starting.scaffold_files import Scaffold

    refuse_unasked("--target" if keys else "--key", yes=yes)
    # Nobody is asked anything for a name that is refused.
    Scaffold(Places.of(read_settings()), name).refuse_name()
    known = history or path
    file = read_rows(known, read_text(known, asked.encoding), asked.delimiter, keys)
    new = read_rows(path, read_text(path, asked.encoding), asked.delimiter, keys).header if history else None
    if not keys:
        guess = key_of_file(file.header, file.cells)
        question = f"Which columns tell the rows of {known.name} apart?"
        keys = answer("--key", question, guess, file.header, yes=yes, several=True)
    if target is None:
        others = [column for column in file.header if column not in keys]
        guess = target_of_file(file.header, file.cells, keys, new)
        [target] = answer("--target", "Which column is to be predicted?", guess, others, yes=yes)
    return keys, target


def new_from_file(
    wanted: Wanted,
    path: Path,
    history: Path | None,
    asked: "CsvFormat",
    day: "date",
    *,
    load: bool,
    dry_run: bool,
) -> list[str]:
    """Read the file, or both, propose the pipeline's files, load the rows and put the files in their places.

    Returns the commands that come next.
    """
    from daybreak.starting.csv_file import read_csv, read_texts
    from daybreak.starting.places import Places
    from daybreak.starting.proposals import propose
    from daybreak.starting.scaffold import find_target, render
    from daybreak.starting.scaffold_files import Scaffold
    from daybreak.starting.two_files import with_history

    settings, name = read_settings(), wanted.name
    places = Places.of(settings)
    scaffold = Scaffold(places, name)
    with scaffold.alone():
        scaffold.refuse_name()
        told = read_csv(history or path, wanted.keys, asked)
        chosen = find_target(told, wanted.target, wanted.positive, wanted.measures)
        if history is None:
            files = render(name, settings.pipelines, wanted.timezone, told, chosen)
            print_file(told, chosen, propose(told, chosen.column))
            loads = {name: told}
        else:
            both = with_history(told, read_texts(path, wanted.keys, asked), chosen.column)
            files = _of_two(wanted, settings, both, chosen)
            print_two(both, chosen)
            loads = {f"{name}_history": told, name: both.new}
        if not dry_run:
            if load:
                _load(wanted, loads, day)
            scaffold.place(files)
    out.print("Would write:" if dry_run else "Written:")
    for written, text in files.items():
        out.print(f"  {places.shown(places.place(written))}  ({len(text.splitlines())} lines)", soft_wrap=True)
    out.print(f"{'Would change' if dry_run else 'Changed'}: {places.shown(places.register)}", soft_wrap=True)
    tables = " and ".join(f"sources.{table}" for table in loads)
    out.print(f"{'Would load' if dry_run else 'Loaded'}: {tables}, as of {day}" if load else "Nothing loaded.")
    if load or dry_run:
        return []
    told_history = [f"load-csv {name} {history} --history --as-of {day}{repeated(asked)}"] if history else []
    return [*told_history, f"load-csv {name} {path} --as-of {day}{repeated(asked)}"]


def _of_two(wanted: Wanted, settings: Settings, both: "TwoFiles", chosen: "Target") -> dict[str, str]:
    from daybreak.starting.scaffold import render

    return render(
        wanted.name,
        settings.pipelines,
        wanted.timezone,
        both.history,
        chosen,
        rows=both.new.rows.num_rows,
        proposal=both.proposal(chosen),
    )


def _load(wanted: Wanted, loads: "Mapping[str, CsvFile]", day: "date") -> None:
    from daybreak.tables.source_table import load_rows

    with open_workspace() as workspace:
        for table, file in loads.items():
            further = " --history" if table != wanted.name else ""
            other = f"make the pipeline with `--no-load`, then `daybreak load-csv {wanted.name} {file.read.path}"
            load_rows(
                workspace.warehouse,
                table,
                file.rows,
                day,
                key=file.keys,
                originals=file.originals,
                to_replace=f"{other}{further} --replace`",
            )
