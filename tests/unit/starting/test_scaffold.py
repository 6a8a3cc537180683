"""What `daybreak new` writes for a file: proposals that its rows meet, text that passes lint whatever the file says."""

import ast
from pathlib import Path

import pytest

from csv_files import telco, write
from daybreak.errors import SourceRefused
from daybreak.starting.csv_file import read_csv
from daybreak.starting.proposals import literal
from daybreak.starting.scaffold import find_target, render
from daybreak.warehouse.sql_file import load_sql
from generated_files import lint

# A key, a target and columns that try to break out of the text they are put into.
HOSTILE = "\ufeff" + '"select","from ""x""; DROP TABLE y; --","%s {} :bind",naïve,Größe,日本,"a\nb",Yes\'no'
WORDS = [
    '"""',
    "it's",
    'say "no"',
    "back\\slash",
    "3\u20136 months",
    "Größe",
    "{x}",
    "%(a)s",
    "\u03a9mega",
    "tab\there",
]


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    rows = []
    for number in range(200):
        word = WORDS[number % len(WORDS)].replace('"', '""')
        rows.append(f'k{number},{number % 2},"{word}",{number},-{number}.5e-3,"{word}x",true,"it\'s{number % 2}"')
    return write(tmp_path / "hostile.csv", HOSTILE, rows)


def rendered(path: Path, key: str, target: str, name: str = "made", positive: str | None = None) -> dict[str, str]:
    file = read_csv(path, [key])
    return render(name, "retail", "America/Argentina/ComodRivadavia", file, find_target(file, target, positive))


def test_telcos_pipeline_is_a_declaration_of_forty_lines_a_query_and_a_dag_of_five(tmp_path: Path) -> None:
    files = rendered(telco(tmp_path / "telco.csv"), "customerID", "Churn")
    assert list(files) == ["include/retail/made.py", "sql/made/extract.sql", "dags/made.py"]
    assert len(files["include/retail/made.py"].splitlines()) <= 40
    docstring, _, code = files["dags/made.py"].partition("\n")
    assert ast.literal_eval(docstring) == "How likely churn is Yes for each customer_id."
    assert len(code.splitlines()) == 5


def test_what_is_written_for_telco_passes_lint(tmp_path: Path) -> None:
    assert lint(rendered(telco(tmp_path / "telco.csv"), "customerID", "Churn"), tmp_path) == ""


@pytest.mark.parametrize("target", ['from "x"; DROP TABLE y; --', "Yes'no"])
def test_what_is_written_for_a_hostile_file_passes_lint(target: str, hostile: Path, tmp_path: Path) -> None:
    files = rendered(hostile, "select", target)
    assert lint(files, tmp_path / "project") == ""
    for path, text in files.items():
        if path.endswith(".sql"):
            sql = load_sql(tmp_path / "project" / path)
            sql.refuse_unknown_binds({"first_day", "last_day", "timezone", "window_start", "window_end"})
            assert text.startswith("-- ")
            assert "{" not in text
            assert "%" not in text


def test_the_longest_names_fit_into_the_lines(tmp_path: Path) -> None:
    rows = (f"{n},{n % 2},{n}" for n in range(30))
    files = rendered(write(tmp_path / "f.csv", f"{'k' * 60},{'t' * 60},{'n' * 60}", rows), "k" * 60, "t" * 60, "p" * 30)
    assert lint(files, tmp_path / "project") == ""


@pytest.mark.parametrize("columns", [1, 5, 40])
def test_any_number_of_columns_is_laid_out_as_the_formatter_would(columns: int, tmp_path: Path) -> None:
    header = ",".join(["k", "t", *(f"Column Number {n},Text {n},Any {n},Long {n}" for n in range(columns))])
    rows = []
    for number in range(300):
        cells = (f"{number},{'ab'[number % 2]},x{number % 100},{'long ' * 7}{number % 5}" for _ in range(columns))
        rows.append(",".join([str(number), "ny"[number % 2], *cells]))
    rows[7] = ",".join(["7", "n", *("," * 3 for _ in range(columns))])
    files = rendered(write(tmp_path / "f.csv", header, rows), "k", "t")
    assert lint(files, tmp_path / "project") == ""
    assert "may_be_empty=" in files["include/retail/made.py"]


@pytest.mark.parametrize("value", [*WORDS, "\u202e", "\u200b", "É", "a\rb", "👍", "'\"", "\\", ""])
def test_a_literal_means_the_value(value: str) -> None:
    assert ast.literal_eval(literal(value)) == value


def test_columns_that_cannot_be_features_are_left_out_with_the_reason(tmp_path: Path) -> None:
    rows = (f"{n},{'ab'[n % 2]},2024-01-{1 + n % 28:02d},note {n},,{n % 2 == 0},{n}" for n in range(40))
    files = rendered(write(tmp_path / "f.csv", "k,t,joined,note,nothing,active,n", rows), "k", "t")
    extract = files["sql/made/extract.sql"]
    assert "-- Left out: joined, a time; make a number of it, such as :last_day - joined::date." in extract
    assert "-- Left out: note, a text that differs in most rows." in extract
    assert "-- Left out: nothing, which is empty in every row." in extract
    assert "SELECT\n    k,\n    active::integer AS active,\n    n\nFROM" in extract


@pytest.mark.parametrize(
    ("values", "positive", "expected"),
    [
        (["No", "Yes", "No"], None, "Yes"),
        (["0", "1", "1"], None, 1),
        (["false", "true", "true"], None, True),
        (["stays", "leaves", "stays"], None, "leaves"),
        (["stays", "leaves", "stays"], "stays", "stays"),
        (["1", "2", "2"], None, 1),
        (["No", "Yes", ""], None, "Yes"),
    ],
)
def test_the_positive_value_is_yes_true_one_or_the_rarer(
    values: list[str], positive: str | None, expected: object, tmp_path: Path
) -> None:
    path = write(tmp_path / "f.csv", "k,t", (f"{n},{value}" for n, value in enumerate(values)))
    assert find_target(read_csv(path, ["k"]), "t", positive).positive == expected


@pytest.mark.parametrize(
    ("rows", "target", "positive", "problem"),
    [
        (["1,Yes"], "t", None, "t has 1 different values"),
        (["1,Yes", "2,Yes"], "t", None, "t has 1 different values ('Yes'); two are needed."),
        (["1,", "2,"], "t", None, "t has 0 different values"),
        (["1,a", "2,b", "3,c"], "t", None, "t has 3 different values"),
        (["1,a", "2,b"], "k", None, "no column 'k' besides its key"),
        (["1,a", "2,b"], "u", None, "no column 'u' besides its key. Next: choose `--target` from t."),
        (["1,a", "2,b"], "t", "c", "t is never 'c'. Next: choose `--positive` from 'a', 'b'."),
        (["1,2024-01-01", "2,2024-01-02"], "t", None, "t is a time"),
    ],
)
def test_a_target_that_cannot_be_predicted_is_refused(
    rows: list[str], target: str, positive: str | None, problem: str, tmp_path: Path
) -> None:
    file = read_csv(write(tmp_path / "f.csv", "k,t", rows), ["k"])
    with pytest.raises(SourceRefused) as refused:
        find_target(file, target, positive)
    assert problem in str(refused.value)


def test_a_file_without_features_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "f.csv", "k,t,note", (f"{n},{n % 2},note {n}" for n in range(9)))
    with pytest.raises(SourceRefused, match="No column can be a feature"):
        rendered(path, "k", "t")


def test_numbers_of_any_size_are_written_as_the_formatter_would(tmp_path: Path) -> None:
    sizes = (
        "1e20",
        "1e308",
        "1.7e308",
        "1e-320",
        "-1e-320",
        "-3e22",
        "inf",
        "-inf",
        "123456789012345678",
        "-0.0",
        "0.07",
    )
    header = ",".join(["k", "t", *(f"n{n}" for n in range(len(sizes)))])
    rows = (f"{n},{n % 2}," + ",".join(size if n % 3 else "0" for size in sizes) for n in range(30))
    files = rendered(write(tmp_path / "f.csv", header, rows), "k", "t")
    assert lint(files, tmp_path / "project") == ""
    assert '"n0": (0, 2e20)' in files["include/retail/made.py"]
    assert "inf" not in files["include/retail/made.py"]


def test_a_key_of_several_columns_is_the_entity_key(tmp_path: Path) -> None:
    path = write(tmp_path / "f.csv", "store,sku,t,n", (f"{n % 9},{n},{n % 2},{n % 5}" for n in range(90)))
    file = read_csv(path, ["store", "sku"])
    files = render("made", "retail", "UTC", file, find_target(file, "t", None))
    assert 'entity_key=("store", "sku"),' in files["include/retail/made.py"]
    assert files["sql/made/extract.sql"].startswith("-- One row per store, sku: ")
    assert "ORDER BY store, sku" in files["sql/made/extract.sql"]
    assert lint(files, tmp_path / "project") == ""
