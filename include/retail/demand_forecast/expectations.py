"""What a day's feature rows must fulfil."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite


def suite() -> "ExpectationSuite":
    """Build the expectation suite of the demand forecast."""
    import great_expectations as gx
    import great_expectations.expectations as gxe
    from great_expectations.expectations.metadata_types import FailureSeverity

    critical, warning = FailureSeverity.CRITICAL, FailureSeverity.WARNING

    return gx.ExpectationSuite(
        name="demand_forecast",
        expectations=[
            # A category that nobody knows cannot be ordered for, and its rows mix unrelated products.
            gxe.ExpectColumnValuesToNotBeInSet(column="product_category", value_set=["(none)"], severity=critical),
            gxe.ExpectColumnValuesToBeBetween(column="weekday", min_value=1, max_value=7, severity=critical),
            gxe.ExpectColumnValuesToBeBetween(column="units_1d_back", min_value=0, max_value=5_000, severity=critical),
            gxe.ExpectColumnValuesToBeBetween(column="mean_units_28d", min_value=0, max_value=5_000, severity=critical),
            gxe.ExpectColumnValuesToBeBetween(
                column="days_since_last_sale", min_value=0, max_value=27, severity=critical
            ),
            gxe.ExpectColumnValuesToBeBetween(column="discount_share_28d", min_value=0, max_value=1, severity=critical),
            gxe.ExpectColumnValuesToBeBetween(
                column="average_price_28d", min_value=0, max_value=100, mostly=0.99, severity=warning
            ),
            # A day on which nothing was sold anywhere: the stores were closed, or the day has not landed.
            gxe.ExpectColumnMaxToBeBetween(column="units_1d_back", min_value=1, severity=warning),
            gxe.ExpectTableRowCountToBeBetween(min_value=1_000, max_value=1_000_000, severity=critical),
        ],
    )
