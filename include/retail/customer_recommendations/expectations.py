"""What a day's candidate rows must fulfil."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite


def suite() -> "ExpectationSuite":
    """Build the expectation suite of the customer recommendations."""
    import great_expectations as gx
    import great_expectations.expectations as gxe
    from great_expectations.expectations.metadata_types import FailureSeverity

    critical, warning = FailureSeverity.CRITICAL, FailureSeverity.WARNING
    return gx.ExpectationSuite(
        name="customer_recommendations",
        expectations=[
            gxe.ExpectColumnValuesToBeBetween(column="bought_days_90d", min_value=0, max_value=90, severity=critical),
            gxe.ExpectColumnValuesToBeBetween(column="visit_days_90d", min_value=1, max_value=90, severity=critical),
            gxe.ExpectColumnValuesToBeBetween(column="days_since_visit", min_value=0, max_value=89, severity=critical),
            # A category cannot have been bought on more days than the household came.
            gxe.ExpectColumnPairValuesAToBeGreaterThanB(
                column_A="visit_days_90d", column_B="bought_days_90d", or_equal=True, severity=critical
            ),
            gxe.ExpectColumnValuesToBeBetween(
                column="household_share_28d", min_value=0, max_value=1, severity=critical
            ),
            # Almost every household that buys is in a segment: others were quarantined upstream, or failed there.
            gxe.ExpectColumnValuesToNotBeNull(column="segment", mostly=0.99, severity=warning),
            # Nobody bought anything on the day: the stores were closed, or the day has not landed.
            gxe.ExpectColumnMinToBeBetween(column="days_since_visit", max_value=0, severity=warning),
            gxe.ExpectTableRowCountToBeBetween(min_value=50_000, max_value=10_000_000, severity=critical),
        ],
    )
