"""CSV files made for tests: a small table like Telco's, and whatever a test writes itself."""

from collections.abc import Iterable
from pathlib import Path

HEADER = (
    "customerID,gender,SeniorCitizen,Partner,Dependents,tenure,PhoneService,MultipleLines,InternetService,"
    "OnlineSecurity,OnlineBackup,DeviceProtection,TechSupport,StreamingTV,StreamingMovies,Contract,PaperlessBilling,"
    "PaymentMethod,MonthlyCharges,TotalCharges,Churn"
)
PAYMENTS = ("Electronic check", "Mailed check", "Bank transfer (automatic)", "Credit card (automatic)")
NOT_BILLED = 9


def telco(path: Path, customers: int = 600) -> Path:
    """Write a table of Telco's shape: a total is a blank where the tenure is 0, and who churns pays much, not long."""
    lines = [HEADER]
    for number in range(customers):
        tenure = 0 if number < NOT_BILLED else 1 + number * 7 % 72
        charge = 20 + number * 13 % 97
        churns = tenure > 0 and (charge - tenure) + number % 11 * 6 > 50
        yes_or_no = ("Yes", "No")[number % 2]
        online = ("Yes", "No", "No internet service")[number % 3]
        row = (
            f"{number:04d}-MADE",
            ("Female", "Male")[number % 2],
            number % 5 // 4,
            *(yes_or_no, yes_or_no, tenure, yes_or_no),
            ("Yes", "No", "No phone service")[number % 3],
            ("DSL", "Fiber optic", "No")[number % 3],
            *[online] * 6,
            ("Month-to-month", "One year", "Two year")[number // 7 % 3],
            yes_or_no,
            PAYMENTS[number % 4],
            f"{charge}.5",
            f"{tenure * (charge + 3)}.25" if tenure else " ",
            "Yes" if churns else "No",
        )
        lines.append(",".join(map(str, row)))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write(path: Path, header: str, rows: Iterable[str]) -> Path:
    """Write a header and rows as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def members(path: Path, numbers: range, *, known: bool = True) -> Path:
    """Write members who leave within a year or when it is dear, but not where both are so; ``known`` is the outcome."""
    rows = []
    for number in numbers:
        months, fee = number * 7919 % 60, 10 + number * 104_729 % 90
        leaves = ((months < 20) != (fee > 55)) != (number * 31_337 % 100 < 8)
        rows.append(f"M{number:04d},{months},{fee}.5" + (f",{'Yes' if leaves else 'No'}" if known else ""))
    return write(path, "member,months,fee" + (",left_us" if known else ""), rows)


def fraud(path: Path, numbers: range, *, known: bool = True) -> Path:
    """Write claims of which about 6 % are fraud: dear ones of new customers, and cheap ones of one old region's."""
    rows = []
    for number in numbers:
        months, amount = number * 7919 % 60, 10 + number * 104_729 % 990
        region, noise = ("north", "south", "east", "west")[number * 15_485_863 % 4], number * 31_337 % 100
        is_odd = (months < 12 and amount > 820) or (months > 40 and amount < 110 and region != "north")
        found = noise < 85 if is_odd else noise < 1
        told = (f",{'yes' if found else 'no'},{amount if found else 0}") if known else ""
        rows.append(f"C{number:05d},{months},{amount},{region}{told}")
    return write(path, "claim_id,months,amount,region" + (",fraud,recovered" if known else ""), rows)
