"""Made sales of 45 stores by week and department, as in company.weekly_sales: with a yearly wave and some returns."""

from datetime import date

STORES, DEPARTMENTS, WEEKS = 45, 6, 140
_SALES = """
INSERT INTO company.weekly_sales
SELECT store, dept, date '{last}' - 7 * back, CASE
    WHEN (store * 7 + dept * 3 + back) % 97 = 0 THEN -150.25
    ELSE round((2000 + 400 * store + 900 * dept + 1500 * sin((52 - back % 52) * 0.12) + (store * 31 + back * 17) % 300)
        ::numeric, 2)
END
FROM generate_series(1, {stores}) AS stores (store), generate_series(1, {departments}) AS departments (dept),
    generate_series(0, {weeks} - 1) AS weeks (back)
"""


def sales(last: date) -> str:
    """Return the statement that fills the table with the weeks up to that which begins on ``last``."""
    return _SALES.format(last=last, stores=STORES, departments=DEPARTMENTS, weeks=WEEKS)
