"""What a day's product rows must fulfil, and what the scores made from them must look like."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite

# Kullback-Leibler divergence, in nats, between the day's scores and the held-out ones. The largest of the four held-out
# weeks' days is about 0.01, of a model fed with shuffled columns above 1.
MAX_DIVERGENCE = 0.1


def suite() -> "ExpectationSuite":
    """Build the expectation suite of the daily promotions."""
    import great_expectations as gx
    import great_expectations.expectations as gxe
    from great_expectations.expectations.metadata_types import FailureSeverity

    critical, warning = FailureSeverity.CRITICAL, FailureSeverity.WARNING
    return gx.ExpectationSuite(
        name="daily_promotions",
        expectations=[
            # A product that is not in the catalogue cannot be offered.
            gxe.ExpectColumnValuesToNotBeInSet(column="department", value_set=["(none)"], severity=critical),
            gxe.ExpectColumnValuesToBeBetween(column="weekday", min_value=1, max_value=7, severity=critical),
            gxe.ExpectColumnValuesToBeBetween(column="sale_days_28d", min_value=1, max_value=28, severity=critical),
            gxe.ExpectColumnValuesToBeBetween(
                column="days_since_last_sale", min_value=0, max_value=27, severity=critical
            ),
            gxe.ExpectColumnValuesToBeBetween(column="discount_share_28d", min_value=0, max_value=1, severity=critical),
            gxe.ExpectColumnValuesToBeBetween(column="units_28d", min_value=0, max_value=50_000, severity=critical),
            gxe.ExpectColumnMaxToBeBetween(column="units_1d_back", min_value=1, severity=warning),
            gxe.ExpectTableRowCountToBeBetween(min_value=1_000, max_value=1_000_000, severity=critical),
        ],
    )


def scores(column: str, profile: dict[str, Any]) -> "ExpectationSuite":
    """Build the suite that the scores must fulfil before anything is sent: spread like those on held-out days."""
    import great_expectations as gx
    import great_expectations.expectations as gxe
    from great_expectations.expectations.metadata_types import FailureSeverity

    return gx.ExpectationSuite(
        name="daily_promotions_scores",
        expectations=[
            gxe.ExpectColumnKLDivergenceToBeLessThan(
                column=column,
                partition_object=profile,
                threshold=MAX_DIVERGENCE,
                # A bin or a tail that is empty on one side would make the divergence infinite.
                tail_weight_holdout=1e-4,
                internal_weight_holdout=1e-4,
                severity=FailureSeverity.CRITICAL,
            )
        ],
    )
