"""Eight expectations: those of the demand forecast, with room for more rows."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite


def suite() -> "ExpectationSuite":
    """Build the expectation suite: six that quarantine or record rows, two that judge the batch."""
    import great_expectations as gx
    import great_expectations.expectations as gxe
    from great_expectations.expectations.metadata_types import FailureSeverity

    critical, warning = FailureSeverity.CRITICAL, FailureSeverity.WARNING

    return gx.ExpectationSuite(
        name="throughput",
        expectations=[
            gxe.ExpectColumnValuesToNotBeInSet(column="product_category", value_set=["(none)"], severity=critical),
            gxe.ExpectColumnValuesToBeBetween(column="weekday", min_value=1, max_value=7, severity=critical),
            gxe.ExpectColumnValuesToBeBetween(column="units_1d_back", min_value=0, max_value=5_000, severity=critical),
            gxe.ExpectColumnValuesToBeBetween(column="mean_units_28d", min_value=0, max_value=5_000, severity=critical),
            gxe.ExpectColumnValuesToBeBetween(
                column="days_since_last_sale", min_value=0, max_value=27, severity=critical
            ),
            gxe.ExpectColumnValuesToBeBetween(
                column="average_price_28d", min_value=0, max_value=100, mostly=0.99, severity=warning
            ),
            gxe.ExpectColumnMaxToBeBetween(column="units_1d_back", min_value=1, severity=warning),
            gxe.ExpectTableRowCountToBeBetween(min_value=1_000, max_value=100_000_000, severity=critical),
        ],
    )
