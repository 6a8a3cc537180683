"""What a day's parcels must fulfil, and suites that go wrong in one way each."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite
    from great_expectations.expectations.expectation import Expectation


def suite() -> "ExpectationSuite":
    """Build the expectation suite: critical and warning, judged row by row and over the batch."""
    import great_expectations.expectations as gxe

    return _suite(
        gxe.ExpectColumnValuesToBeBetween(column="weight_kg", min_value=0, max_value=50, severity="critical"),
        gxe.ExpectColumnValuesToNotBeNull(column="zone", severity="critical"),
        gxe.ExpectColumnValuesToBeBetween(column="pieces", min_value=1, max_value=20, mostly=0.9, severity="warning"),
        gxe.ExpectTableRowCountToBeBetween(min_value=10, max_value=100_000, severity="critical"),
        gxe.ExpectColumnMeanToBeBetween(column="distance_km", min_value=1, max_value=100, severity="warning"),
    )


def mended_rule() -> "ExpectationSuite":
    """Allow the heavy parcels that the suite refuses."""
    import great_expectations.expectations as gxe

    return _suite(
        gxe.ExpectColumnValuesToBeBetween(column="weight_kg", min_value=0, max_value=5_000, severity="critical"),
        gxe.ExpectColumnValuesToNotBeNull(column="zone", severity="critical"),
    )


def erring_on_rows() -> "ExpectationSuite":
    """Hold text against a number, which raises instead of giving an answer."""
    import great_expectations.expectations as gxe

    return _suite(gxe.ExpectColumnValuesToBeBetween(column="zone", min_value=0, max_value=1, severity="warning"))


def erring_on_batch() -> "ExpectationSuite":
    """Take the mean of text, which raises instead of giving an answer."""
    import great_expectations.expectations as gxe

    return _suite(gxe.ExpectColumnMeanToBeBetween(column="zone", min_value=0, max_value=1, severity="warning"))


def failing_batch() -> "ExpectationSuite":
    """Ask for more rows than there are."""
    import great_expectations.expectations as gxe

    return _suite(gxe.ExpectTableRowCountToBeBetween(min_value=1_000_000, severity="critical"))


def naming_no_column() -> "ExpectationSuite":
    """Name a column that the query does not give."""
    import great_expectations.expectations as gxe

    return _suite(gxe.ExpectColumnValuesToNotBeNull(column="colour", severity="warning"))


def empty() -> "ExpectationSuite":
    """Expect nothing."""
    return _suite()


def lenient_and_critical() -> "ExpectationSuite":
    """Ask for rows to be quarantined, and for a share of them not to be."""
    import great_expectations.expectations as gxe

    return _suite(gxe.ExpectColumnValuesToNotBeNull(column="zone", mostly=0.9, severity="critical"))


def about_columns() -> "ExpectationSuite":
    """Ask for what the model's signature is there for."""
    import great_expectations.expectations as gxe

    return _suite(gxe.ExpectTableColumnCountToEqual(value=7, severity="critical"))


def broken() -> "ExpectationSuite":
    """Go wrong as code of one's own does."""
    raise KeyError("colour")


def open_bounds() -> "ExpectationSuite":
    """Leave bounds open, and observe what JSON has no number for."""
    import great_expectations.expectations as gxe

    infinity = float("inf")
    return _suite(
        gxe.ExpectColumnValuesToBeBetween(column="weight_kg", min_value=-infinity, max_value=50, severity="critical"),
        gxe.ExpectColumnMaxToBeBetween(column="distance_km", max_value=100, severity="warning"),
        gxe.ExpectColumnMeanToBeBetween(column="distance_km", min_value=0, max_value=infinity, severity="warning"),
    )


def unique_distance() -> "ExpectationSuite":
    """Ask for what cannot be judged chunk by chunk."""
    import great_expectations.expectations as gxe

    return _suite(gxe.ExpectColumnValuesToBeUnique(column="distance_km", severity="critical"))


def _suite(*expectations: "Expectation") -> "ExpectationSuite":
    import great_expectations as gx

    return gx.ExpectationSuite(name="parcel_hours", expectations=list(expectations))
