"""CSV files as they come: what is kept means the same afterwards, what cannot be right is refused."""

from datetime import date
from pathlib import Path

import pytest

from csv_files import telco
from daybreak.errors import SourceRefused
from daybreak.starting.csv_file import plain_names, read_csv


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "file.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_names_become_identifiers_that_need_no_quotes() -> None:
    assert plain_names(
        ["customerID", "StreamingTV", "A b", "a_b", "Größe", "order", "class", "1st", "日本", "", "as_of"]
    ) == [
        *("customer_id", "streaming_tv", "a_b", "a_b_2", "grosse", "order_value", "class_value", "column_1st"),
        *("column_9", "column_10", "as_of_value"),
    ]


def test_long_names_are_cut_and_stay_different() -> None:
    names = plain_names(["x" * 80, "x" * 81, "a\nb", 'quo"te', "semi;colon", "%s", "{braces}"])
    assert names == ["x" * 30, f"{'x' * 30}_2", "a_b", "quo_te", "semi_colon", "s", "braces"]


def test_a_blank_is_no_value_in_numbers_and_in_texts(tmp_path: Path) -> None:
    rows = read_csv(written(tmp_path, "k,n,t\n1,2.5,a\n2, ,  \n3,,\n"), "k").rows
    assert rows.to_pydict() == {"k": [1, 2, 3], "n": [2.5, None, None], "t": ["a", None, None]}


def test_na_is_a_text_among_texts_and_nothing_among_numbers(tmp_path: Path) -> None:
    rows = read_csv(written(tmp_path, "k,country,n\n1,NA,NA\n2,DE,3\n"), "k").rows
    assert rows.to_pydict() == {"k": [1, 2], "country": ["NA", "DE"], "n": [None, 3]}


def test_codes_keep_their_leading_zeros_and_long_keys_their_digits(tmp_path: Path) -> None:
    rows = read_csv(written(tmp_path, "k,zip\n99999999999999999999,02139\n7,10115\n"), "k").rows
    assert rows.to_pydict() == {"k": ["99999999999999999999", "7"], "zip": ["02139", "10115"]}
    assert read_csv(written(tmp_path, "k,v\n007,1\n7,2\n"), "k").rows["k"].to_pylist() == ["007", "7"]


def test_types_are_inferred_over_the_whole_file(tmp_path: Path) -> None:
    mixed = "k,v\n" + "".join(f"{n},{n}\n" for n in range(300_000)) + "last,word\n"
    rows = read_csv(written(tmp_path, mixed), "k").rows
    assert [str(kind) for kind in rows.schema.types] == ["string", "string"]
    assert rows.num_rows == 300_001


def test_days_flags_and_times_are_told_from_texts(tmp_path: Path) -> None:
    rows = read_csv(written(tmp_path, "k,day,flag,at\n1,2024-02-29,true,10:00:00\n2,,false,11:00:00\n"), "k").rows
    assert rows.to_pydict() == {
        "k": [1, 2],
        "day": [date(2024, 2, 29), None],
        "flag": [True, False],
        "at": ["10:00:00", "11:00:00"],
    }


def test_a_byte_order_mark_and_quoted_newlines_are_read_as_meant(tmp_path: Path) -> None:
    file = read_csv(written(tmp_path, '\ufeffKunden Nr,"a ""note"""\r\n1,"two\nlines, and ""more"""\r\n'), "Kunden Nr")
    assert file.rows.to_pydict() == {"kunden_nr": [1], "a_note": ['two\nlines, and "more"']}
    assert file.originals == {"kunden_nr": "Kunden Nr", "a_note": 'a "note"'}


def test_the_key_may_be_given_by_either_of_its_names(tmp_path: Path) -> None:
    path = telco(tmp_path / "telco.csv", 20)
    assert read_csv(path, "customerID").key == read_csv(path, "customer_id").key == "customer_id"


@pytest.mark.parametrize(
    ("content", "problem", "next_step"),
    [
        ("", "Empty CSV file", "export it again"),
        ("k,v\n", "holds no rows", "export it again"),
        ("k,v,v\n1,2,3\n", "has column 'v' more than once", "a name of its own"),
        ("k,v\n1,2,3\n", "Expected 2 columns, got 3", "mend the file"),
        ("a,v\n1,2\n", "has no column 'k'", "choose `--key` from a, v"),
        ("k;v\n1;2\n", "has no column 'k'", "`--delimiter ';'`"),
        ("k\tv\n1\t2\n", "has no column 'k'", "`--delimiter '\\t'`"),
        ("k,v\n1,2\n ,3\n", "1 of 2 rows of file.csv have no k", "choose a key that every row has"),
        ("k,v\n1,2\n1,3\n2,4\n", "1 values of k occur more than once in file.csv, for example 1", "from row to row"),
        ("k,v\n1,a\0b\n", "null character in column 'v'", "remove it"),
        ("k,v\n1,Gr\xfcn\n".encode("latin-1"), "not UTF-8 in column 'v'", "as UTF-8"),
        ("k,\xfc\n1,2\n".encode("latin-1"), "cannot be read as CSV", "mend the file"),
        ("k,v\n1,2\n".encode("utf-16"), "cannot be read as CSV", "mend the file"),
        (b"\x00\x01\x02\xff\xfe", "file.csv", "Next"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_file_that_cannot_be_loaded_is_refused_on_one_line(
    content: str | bytes, problem: str, next_step: str, tmp_path: Path
) -> None:
    with pytest.raises(SourceRefused) as refused:
        read_csv(written(tmp_path, content), "k")
    message = str(refused.value)
    assert problem in message
    assert next_step in message
    assert "\n" not in message


@pytest.mark.parametrize("path", ["missing.csv", "."])
def test_a_path_without_a_file_is_refused(path: str, tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match="There is no file"):
        read_csv(tmp_path / path, "k")
