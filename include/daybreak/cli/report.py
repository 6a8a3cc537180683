"""Report: one run in full, for people."""

from typing import Any

from daybreak.cli.display import out, print_facts, print_table

_CHOSEN = {
    "as_of": "the champion at the end of the partition",
    "as_of_declared": "the champion at the end of the partition, as was declared",
    "pinned": "the version that was asked for",
    "same_as": "the version of an earlier run",
}


def print_run(found: dict[str, Any]) -> None:
    """Print what ``history.show_partition`` found."""
    run = found["run"]
    out.print(f"[bold]{run['pipeline']} {run['partition_key']}[/bold], run {run['run_id']} (attempt {run['attempt']})")
    print_facts(
        {
            "state": run["state"],
            "error": run["error"],
            "trigger": f"{run['trigger']} {run['origin'] or ''}".strip(),
            "window": f"{run['window_start']} to {run['window_end']} ({run['timezone']})"
            if run["window_start"]
            else None,
            "model": f"{run['model_name']} version {run['model_version']}" if run["model_name"] else None,
            "chosen as": _CHOSEN.get(run["model_policy"]),
            "upstream run": str(run["upstream_run_id"]) if run["upstream_run_id"] else None,
            "trained through": run["trained_through"],
            "leakage allowed": run["leakage_allowed"] or None,
            "rows extracted": run["rows_extracted"],
            "rows quarantined": run["rows_quarantined"],
            "rows failed": run["rows_failed"],
            "rows scored": run["rows_scored"],
            "rows kept": run["rows_kept"],
            "seconds": ", ".join(f"{stage} {value}" for stage, value in run["seconds"].items()) or None,
            "snapshot": run["snapshot_uri"],
            "replay of run": str(run["parent_run_id"]) if run["parent_run_id"] else None,
            "libraries": ", ".join(f"{name} {version}" for name, version in (run["libraries"] or {}).items()) or None,
            **{
                f"{what} digest": run[f"{what}_digest"]
                for what in ("query", "snapshot", "expectations", "model", "code")
            },
        }
    )
    if found["segments"]:
        counts = ("rows_extracted", "rows_quarantined", "rows_failed", "rows_scored")
        print_table(
            "Segments",
            ["segment", "model", "version", *(name.removeprefix("rows_") for name in counts)],
            [
                [
                    row["segment"] or "(any other)",
                    row["model_name"] or "none: quarantined",
                    str(row["model_version"] or "-"),
                    *(row[name] for name in counts),
                ]
                for row in found["segments"]
            ],
        )
    if found["expectations"]:
        print_table(
            "Expectations",
            ["expectation", "on", "level", "severity", "met", "evaluated", "unexpected", "observed"],
            [
                [
                    row["expectation"].removeprefix("expect_"),
                    _subject(row["arguments"]),
                    row["level"],
                    row["severity"],
                    row["success"],
                    row["evaluated"],
                    row["unexpected"],
                    row["observed"],
                ]
                for row in found["expectations"]
            ],
        )
    if found["quarantine"]:
        rows = [[row["stage"], row["reason"], row["rows"]] for row in found["quarantine"]]
        print_table("Quarantine", ["stage", "reason", "rows"], rows)
    if found["publications"]:
        columns = ("run_id", "reason", "published_at", "withdrawn_at")
        rows = [[str(row["run_id"]), *(row[c] for c in columns[1:])] for row in found["publications"]]
        print_table("Publications of this partition", ["run", "reason", "published", "withdrawn"], rows)


def _subject(arguments: dict[str, Any]) -> str:
    named = [str(arguments[k]) for k in ("column", "column_A", "column_B") if arguments.get(k)]
    return ", ".join([*named, *map(str, arguments.get("column_list") or [])]) or "batch"


def print_stale(found: list[dict[str, Any]]) -> None:
    """Print stale publications, and how each is made anew."""
    print_table(
        "Stale publications",
        ["pipeline", "partition", "run", "made from", "its run", "which is now", "since"],
        [
            [
                row["pipeline"],
                row["partition_key"],
                str(row["run_id"]),
                row["upstream"],
                str(row["upstream_run_id"]),
                str(row["upstream_current_run_id"] or "withdrawn"),
                row["stale_since"],
            ]
            for row in found
        ],
    )
    for row in found:
        out.print(f"Next: `daybreak run {row['pipeline']} --partition {row['partition_key']}`", markup=False)
