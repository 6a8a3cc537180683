"""Whatever comes between, each offer of a partition stands once at the receiver, as the source has it last."""

from .shelves import CHUNKS, TOP, Shelves


def test_the_best_products_arrive_once_each_with_what_was_decided_for_them(shelves: Shelves) -> None:
    outcome = shelves.push()
    assert outcome.pushed is not None
    assert (outcome.pushed.offers, outcome.pushed.sent, outcome.pushed.withdrawn) == (TOP, TOP, 0)
    shelves.assert_offered(revision=1)
    assert [(row["state"], row["attempts"], row["items"]) for row in shelves.deliveries()] == [
        ("acknowledged", 1, 4)
    ] * CHUNKS
