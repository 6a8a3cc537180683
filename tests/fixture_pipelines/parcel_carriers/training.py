"""Train the carriers' models: each gives a likelihood that tells which model it came from."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from daybreak.train import Past, Trained

if TYPE_CHECKING:
    import pandas as pd

# carrier / 100 is added: the best carriers are always 4 and 3.
LEVELS = {"carriers_near": 0.1, "carriers_middling": 0.4, "carriers_any": 0.7}


def train(past: Past, progress: Callable[[str], None]) -> dict[str, Trained]:
    """Fit one model for each name."""
    return {
        name: Trained(build(level), sample(), past.last_day, {"rmse": 0.0}, {"rmse": 1.0})
        for name, level in LEVELS.items()
    }


def build(level: float, slope: float = 0.01) -> Any:
    """Fit a line: level + slope for each number of the carrier."""
    from sklearn.linear_model import LinearRegression

    rows = sample()
    return LinearRegression().fit(rows, level + slope * rows["carrier"])


def sample() -> "pd.DataFrame":
    """Make a few rows of input."""
    import pandas as pd

    return pd.DataFrame({"carrier": pd.Series([1, 2, 3, 4], dtype="int32")})
