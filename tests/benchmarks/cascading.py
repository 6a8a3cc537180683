"""Measure a cascade of four segments against the same rows through one model, and the shadow of a challenger."""

from collections.abc import Callable
from datetime import date, timedelta
from statistics import median
from typing import Any

from benchmark_pipeline import SEGMENTS
from rows import TRAINED_BEFORE

from daybreak.cli.display import print_table
from daybreak.declaration.segments import ModelRef
from daybreak.errors import ModelRefused
from daybreak.models.aliases import Decision
from daybreak.training.past import Past
from daybreak.workspace import Workspace

FITTED_DAYS = 28
WANTED = {"cascade": 0.7, "shadow": 1.1, "champion": 0.3}


def prepare_segments(workspace: Workspace, last_day: date, say: Callable[[str], None]) -> None:
    """Fit a model for each segment and a challenger, on real rows; does nothing where they are there."""
    try:
        workspace.registry.resolve(ModelRef("of_fourth"))
        return
    except ModelRefused:
        say("training the models of four segments, and a challenger")
    from retail.demand_forecast import DEMAND_FORECAST
    from retail.demand_forecast.training import CATEGORIES, NUMBERS, TARGET, build

    through = last_day - timedelta(days=TRAINED_BEFORE + 28)
    past = Past(workspace, DEMAND_FORECAST, through)
    rows = past.rows(through - timedelta(days=FITTED_DAYS), through - timedelta(days=1)).to_pandas()
    wanted = {ModelRef(f"of_{segment}"): rows[rows["store_id"] % 4 == place] for place, segment in enumerate(SEGMENTS)}
    for model, fitted_on in {ModelRef("demand_forecast", "challenger"): rows, **wanted}.items():
        inputs = fitted_on[CATEGORIES + NUMBERS]
        version = workspace.registry.register(
            model.name,
            build().fit(inputs, fitted_on[TARGET]),
            inputs.head(100),
            trained_through=through,
        )
        workspace.aliases(model).move(version.version, Decision("benchmark"))


def cascade_relations(measured: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put the ways into relation, each ratio within one turn."""
    by = {(m["way"], m["turn"]): m["wall"] for m in measured}
    turns = sorted({m["turn"] for m in measured})
    ratios = {
        "four segments / one model, rows per second": (
            [by["one_model", t] / by["four_segments", t] for t in turns],
            f"at least {WANTED['cascade']}",
        ),
        "shadow / the challenger's own predict, seconds": (
            [by["shadow", t] / by["challenger", t] for t in turns],
            f"at most {WANTED['shadow']}",
        ),
        "resolving and loading the champion, seconds": (
            [by["champion", t] for t in turns],
            f"at most {WANTED['champion']}",
        ),
    }
    return [
        {"what": what, "value": median(values), "lowest": min(values), "highest": max(values), "wanted": wanted}
        for what, (values, wanted) in ratios.items()
    ]


def show_cascade(measured: list[dict[str, Any]]) -> None:
    """Print what was measured as tables."""
    print_table(
        "Cascade, shadow and champion",
        ["way", "rows", "turn", "seconds"],
        [[m["way"].replace("_", " "), m["rows"], m["turn"], m["wall"]] for m in measured],
    )
    print_table(
        "In relation",
        ["what", "measured", "lowest", "highest", "wanted"],
        [[r["what"], r["value"], r["lowest"], r["highest"], r["wanted"]] for r in cascade_relations(measured)],
    )
