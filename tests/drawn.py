"""How many cases a test draws: a few whenever the suite runs, other ones each day, and all by `make soak`.

What a case found becomes a test of its own; drawing on is for what nobody has thought of yet, and for that it is the
sum over many runs that counts, not one run.
"""

import os
from datetime import UTC, date, datetime

SOAKING = bool(os.environ.get("DAYBREAK_SOAK"))


def drawn(usually: int, *, soaking: int) -> int:
    """Return how many examples to draw."""
    return soaking if SOAKING else usually


def seeds(usually: int, *, soaking: int, today: date | None = None) -> range:
    """Return the seeds to draw from: all of them, or those of the day, which come round again after a while."""
    if SOAKING:
        return range(soaking)
    day = (today or datetime.now(UTC).date()).toordinal()
    first = day % (soaking // usually) * usually
    return range(first, first + usually)
