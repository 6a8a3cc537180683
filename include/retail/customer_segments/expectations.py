"""What a day's household rows must fulfil."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite


def suite() -> "ExpectationSuite":
    """Build the expectation suite of the customer segments."""
    import great_expectations as gx
    import great_expectations.expectations as gxe
    from great_expectations.expectations.metadata_types import FailureSeverity

    critical, warning = FailureSeverity.CRITICAL, FailureSeverity.WARNING
    return gx.ExpectationSuite(
        name="customer_segments",
        expectations=[
            # A household that bought nothing in 90 days is in no segment.
            gxe.ExpectColumnValuesToBeBetween(column="baskets_90d", min_value=1, severity=critical),
            gxe.ExpectColumnValuesToBeBetween(
                column="days_since_last_purchase", min_value=0, max_value=89, severity=critical
            ),
            gxe.ExpectColumnValuesToBeBetween(column="spend_90d", min_value=0, max_value=100_000, severity=critical),
            gxe.ExpectColumnValuesToBeBetween(
                column="lines_per_basket_90d", min_value=1, max_value=1_000, severity=critical
            ),
            gxe.ExpectColumnValuesToBeBetween(column="discount_share_90d", min_value=0, max_value=1, severity=critical),
            gxe.ExpectColumnValuesToBeBetween(column="departments_90d", min_value=0, max_value=100, severity=critical),
            # Nobody bought anything on the day: the stores were closed, or the day has not landed.
            gxe.ExpectColumnMinToBeBetween(column="days_since_last_purchase", max_value=0, severity=warning),
            gxe.ExpectTableRowCountToBeBetween(min_value=1_000, max_value=10_000_000, severity=critical),
        ],
    )
