"""Measure what watching costs a run: counting the rows without a value, beside judging and scoring them.

Run it by itself: `.venv/bin/python tests/benchmarks/watching.py`. A run of a million rows takes seconds; counting its
nulls may take a fiftieth of that.
"""

import time
from statistics import median

import numpy as np
import pyarrow as pa

from daybreak.run.validate import _count_valueless

ROWS, CHUNK, NUMBERS, WHOLE, TEXTS = 1_048_576, 131_072, 8, 4, 3
# Seconds that the fastest run of so many rows takes, docs/benchmarks.md, and the share of it that watching may cost.
RUN, SHARE = 2.0, 0.02


def main() -> None:
    """Count several times, print the median, and fail where it is too long."""
    chance = np.random.default_rng(0)
    columns = [pa.array(chance.random(CHUNK)) for _ in range(NUMBERS)]
    columns += [pa.array(np.arange(CHUNK)) for _ in range(WHOLE)]
    columns += [pa.array(["text"] * CHUNK) for _ in range(TEXTS)]
    taken = []
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(ROWS // CHUNK):
            for column in columns:
                _count_valueless(column)
        taken.append(time.perf_counter() - started)
    share = median(taken) / RUN
    print(
        f"Nulls of {ROWS:,} rows by {len(columns)} columns: {median(taken):.4f} s, {share:.2%} of a run of {RUN:g} s."
    )
    assert share <= SHARE, f"{SHARE:.0%} is allowed"


if __name__ == "__main__":
    main()
