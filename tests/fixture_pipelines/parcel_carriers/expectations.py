"""What candidates must fulfil."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite


def suite() -> "ExpectationSuite":
    """Build the expectation suite."""
    import great_expectations as gx
    import great_expectations.expectations as gxe

    within = gxe.ExpectColumnValuesToBeBetween(column="carrier", min_value=1, max_value=4, severity="critical")
    return gx.ExpectationSuite(name="parcel_carriers", expectations=[within])
