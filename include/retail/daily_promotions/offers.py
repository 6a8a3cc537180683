"""Offers: the best candidates of a day, with what is suggested for each. Held in memory only."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from daybreak import offer_id

if TYPE_CHECKING:
    import pandas as pd

    from daybreak import Plan, Scored

# Offers that are written out at a time.
_BLOCK = 1_000
# The suggested action: the first rule that a product fulfils.
Rule = tuple[str, str, "Callable[[pd.DataFrame], pd.Series]"]
RULES: tuple[Rule, ...] = (
    ("price_reduction", "a fifth or more of its value went in discounts", lambda f: f["discount_share_28d"] >= 0.2),
    ("display", "sold in two or more stores on a usual day", lambda f: f["mean_stores_28d"] >= 2),
    ("mailer", "every other product", lambda f: f["product_id"].notna()),
)
_COLUMNS = ["product_id", "department", "discount_share_28d", "mean_stores_28d"]


class Offers:
    """Keep the best candidates of a batch as it goes by; memory is bound by the number of offers.

    ``top`` is how many offers a day has; with ``by_department`` departments share them by their number of products.
    """

    def __init__(self, plan: "Plan", top: int, *, by_department: bool = False) -> None:
        self._plan = plan
        self._top = top
        self._by_department = by_department
        self._best: pd.DataFrame | None = None
        self._products: dict[str, int] = {}

    def add(self, scored: "Scored") -> None:
        """Take scored rows into account."""
        import pandas as pd

        frame = scored.chunk.rows.select(_COLUMNS).to_pandas().assign(probability=scored.values)
        for department, products in frame["department"].value_counts().items():
            self._products[str(department)] = self._products.get(str(department), 0) + int(products)
        known = frame if self._best is None else pd.concat([self._best, frame])
        groups = ["department"] if self._by_department else []
        self._best = _ordered(known, self._top, groups)

    def items(self) -> "Decided":
        """Return the offers, the most probable first; the product decides between equals."""
        best = self._best
        if best is None:
            return Decided(self._plan, np.empty(0, np.int64), np.empty(0), np.empty(0, np.int8))
        if self._by_department:
            quota = shares(self._products, self._top)
            place = best.groupby("department").cumcount()
            best = best[place < best["department"].map(quota)]
        best = _ordered(best, self._top, [])
        rules = np.select([rule(best) for _, _, rule in RULES], range(len(RULES))).astype(np.int8)
        return Decided(self._plan, best["product_id"].to_numpy(np.int64), best["probability"].to_numpy(), rules)


class Decided:
    """What is offered, by rank: 33 bytes an offer. Each is written out when it is asked for, as often as it is."""

    def __init__(self, plan: "Plan", products: np.ndarray, probabilities: np.ndarray, rules: np.ndarray) -> None:
        self._products = products
        self._probabilities = probabilities
        self._rules = rules
        self._ids = bytearray()
        for product in products:
            self._ids += offer_id(plan.pipeline, plan.partition.key, [int(product)]).bytes

    def __len__(self) -> int:
        return len(self._products)

    def __iter__(self) -> "Iterator[dict[str, Any]]":
        # Block by block, since taking single numbers out of an array costs more than writing the offer.
        for start in range(0, len(self), _BLOCK):
            end = min(start + _BLOCK, len(self))
            # As str(UUID(…)) writes them, in a tenth of the time.
            digits = np.frombuffer(self._ids[16 * start : 16 * end].hex().encode(), "S1").reshape(-1, 32)
            names = np.insert(digits, [8, 12, 16, 20], b"-", axis=1).tobytes().decode()
            products = self._products[start:end].tolist()
            probabilities = self._probabilities[start:end].tolist()
            rules = self._rules[start:end].tolist()
            for place, (product, probability, rule) in enumerate(zip(products, probabilities, rules, strict=True)):
                yield {
                    "offer_id": names[36 * place : 36 * place + 36],
                    "product_id": product,
                    "probability": probability,
                    "rank": start + place + 1,
                    "action": RULES[rule][0],
                }


def shares(products: dict[str, int], top: int) -> dict[str, int]:
    """Divide ``top`` offers among departments by their number of products, by largest remainders."""
    total = sum(products.values())
    exact = {department: top * count / total for department, count in products.items()}
    quota = {department: int(share) for department, share in exact.items()}
    left = min(top, total) - sum(quota.values())
    for department in sorted(exact, key=lambda d: (quota[d] - exact[d], d))[: max(left, 0)]:
        quota[department] += 1
    return quota


def _ordered(frame: "pd.DataFrame", top: int, groups: list[str]) -> "pd.DataFrame":
    ordered = frame.sort_values(["probability", "product_id"], ascending=[False, True], kind="stable")
    return ordered.groupby(groups, sort=False).head(top) if groups else ordered.head(top)
