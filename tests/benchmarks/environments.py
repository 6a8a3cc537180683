"""Measure a whole run with the model in an environment of its own against the same in this process."""

from statistics import median
from typing import Any

from daybreak.cli.display import print_table

WANTED = 0.8


def environment_relations(measured: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put both into relation, each ratio within one turn."""
    by = {(m["way"], m["turn"]): m["wall"] for m in measured}
    turns = sorted({m["turn"] for m in measured})
    steady = [by["daybreak", t] / by["own_environment", t] for t in turns]
    first = [by["first_run", t] / by["first_run_of_its_own", t] for t in turns]
    return [
        {"what": what, "value": median(values), "lowest": min(values), "highest": max(values), "wanted": wanted}
        for what, values, wanted in (
            ("own environment / in place, rows per second of the whole run", steady, f"at least {WANTED}"),
            ("the same for the first run of a process, which starts the child", first, f"at least {WANTED}"),
        )
    ]


def show_environments(measured: list[dict[str, Any]]) -> None:
    """Print what was measured as tables."""
    print_table(
        "Environments of models' own",
        ["way", "rows", "turn", "seconds"],
        [[m["way"].replace("_", " "), m["rows"], m["turn"], m["wall"]] for m in measured],
    )
    print_table(
        "In relation",
        ["", "median", "lowest", "highest", "wanted"],
        [[r["what"], r["value"], r["lowest"], r["highest"], r["wanted"]] for r in environment_relations(measured)],
    )
