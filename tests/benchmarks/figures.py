"""What the figures say: the machine, how the ways relate to each other, and both as tables."""

import os
import platform
import threading
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from daybreak.cli.display import out, print_facts, print_table

LIBRARIES = ("pandas", "pyarrow", "numpy", "scikit-learn", "great-expectations", "adbc-driver-postgresql", "sqlalchemy")
LETTERS = {"tutorial": "(a) tutorial", "daybreak": "(b) daybreak", "predict": "(c) predict"}
MIB = 1 << 20


class ServerPeak:
    """Watch the memory of the PostgreSQL server's processes, pages they share counted once."""

    def __init__(self, home: Path) -> None:
        self._pid = int((home / "postgres" / "postmaster.pid").read_text().split()[0])
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.found = {"postgres_peak_bytes": 0}

    def __enter__(self) -> "ServerPeak":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.5):
            server = psutil.Process(self._pid)
            used = sum(_proportional_bytes(process.pid) for process in [server, *server.children(recursive=True)])
            self.found["postgres_peak_bytes"] = max(self.found["postgres_peak_bytes"], used)


def _proportional_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (ProcessLookupError, FileNotFoundError):  # it has ended
        return 0
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def machine() -> dict[str, str]:
    """Describe what it was measured on and with."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "processor": f"{os.cpu_count()} cores, {models[0].partition(':')[2].strip() if models else platform.machine()}",
        "memory": f"{psutil.virtual_memory().total / (1 << 30):.1f} GiB",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "libraries": ", ".join(f"{name} {version(name)}" for name in LIBRARIES),
    }


def relations(measured: list[dict[str, Any]], backfill: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Put the ways into relation: of ratios the median of the turns, each within one turn; of peaks the largest."""
    found = []
    sizes = sorted({m["rows"] for m in measured})
    for rows in sizes:
        for other, letter, least in (("tutorial", "a", 4), ("predict", "c", 0.35)):
            values = _ratios(measured, rows, other)
            if values:
                found.append(
                    {
                        "rows": rows,
                        "what": f"(b) / ({letter}), rows per second",
                        "value": median(values),
                        "lowest": min(values),
                        "highest": max(values),
                        "wanted": f"at least {least}",
                    }
                )
    peaks = {rows: max(m["peak_bytes"] for m in _of(measured, rows, "daybreak")) for rows in sizes}
    for rows, peak in peaks.items():
        found.append({"rows": rows, "what": "(b) peak memory, MiB", "value": peak / MIB, "wanted": "at most 1,024"})
        if rows > sizes[0]:
            found.append(
                {
                    "rows": rows,
                    "what": f"(b) peak memory / that of {sizes[0]:,} rows",
                    "value": peak / peaks[sizes[0]],
                    "wanted": "at most 1.2",
                }
            )
    if backfill:
        what = f"backfill of {backfill['days']} days, seconds"
        found.append({"rows": backfill["rows"], "what": what, "value": backfill["seconds"], "wanted": "at most 120"})
        what = f"measuring {backfill['days'] - 1} of them against the actuals, seconds"
        found.append({"rows": backfill["rows"], "what": what, "value": backfill["measuring"], "wanted": "at most 60"})
    return found


def show(report: dict[str, Any]) -> None:
    """Print a report as tables."""
    print_facts(report["machine"])
    measured = report["measured"]
    rows = []
    for size in sorted({m["rows"] for m in measured}):
        for way, letter in LETTERS.items():
            if of_way := _of(measured, size, way):
                middle = {name: median(m[name] for m in of_way) for name in of_way[0] if name in _SUMMED}
                peaks = [max(m[name] for m in of_way) // MIB for name in ("peak_bytes", "postgres_peak_bytes")]
                rows.append([size, letter, len(of_way), round(size / middle["wall"]), *middle.values(), *peaks])
    columns = [
        "rows",
        "way",
        "turns",
        "rows/s",
        "wall s",
        "CPU s",
        "PostgreSQL CPU s",
        "peak MiB",
        "PostgreSQL peak MiB",
    ]
    if rows:
        print_table("Medians of the turns, and the largest peaks", columns, rows)
    print_table(
        "In relation",
        ["rows", "what", "measured", "lowest", "highest", "wanted"],
        [
            [r["rows"], r["what"], r["value"], r.get("lowest"), r.get("highest"), r["wanted"]]
            for r in report["relations"]
        ],
    )
    out.print(
        "Every way gave the same predictions for the same rows; daybreak quarantined the rows of unknown category."
    )


_SUMMED = ("wall", "cpu", "postgres_cpu")


def _of(measured: list[dict[str, Any]], rows: int, way: str) -> list[dict[str, Any]]:
    return [m for m in measured if m["rows"] == rows and m["way"] == way]


def _ratios(measured: list[dict[str, Any]], rows: int, other: str) -> list[float]:
    ours = {m["turn"]: m["wall"] for m in _of(measured, rows, "daybreak")}
    return [m["wall"] / ours[m["turn"]] for m in _of(measured, rows, other)]
