"""CSV files as they come: what is kept means the same afterwards, what cannot be right is refused."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from csv_files import telco
from daybreak.errors import ConfigurationError, SourceRefused
from daybreak.starting.csv_file import read_csv
from daybreak.starting.csv_format import asked_format
from daybreak.starting.plain_names import plain_names


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
    rows = read_csv(written(tmp_path, "k,n,t\n1,2.5,a\n2, ,  \n3,,\n"), ["k"]).rows
    assert rows.to_pydict() == {"k": [1, 2, 3], "n": [2.5, None, None], "t": ["a", None, None]}


def test_na_is_a_text_among_texts_and_nothing_among_numbers(tmp_path: Path) -> None:
    rows = read_csv(written(tmp_path, "k,country,n\n1,NA,NA\n2,DE,3\n"), ["k"]).rows
    assert rows.to_pydict() == {"k": [1, 2], "country": ["NA", "DE"], "n": [None, 3]}


def test_codes_keep_their_leading_zeros_and_long_keys_their_digits(tmp_path: Path) -> None:
    rows = read_csv(written(tmp_path, "k,zip\n99999999999999999999,02139\n7,10115\n"), ["k"]).rows
    assert rows.to_pydict() == {"k": ["99999999999999999999", "7"], "zip": ["02139", "10115"]}
    assert read_csv(written(tmp_path, "k,v\n007,1\n7,2\n"), ["k"]).rows["k"].to_pylist() == ["007", "7"]


def test_types_are_inferred_over_the_whole_file(tmp_path: Path) -> None:
    mixed = "k,v\n" + "".join(f"{n},{n}\n" for n in range(300_000)) + "last,word\n"
    rows = read_csv(written(tmp_path, mixed), ["k"]).rows
    assert [str(kind) for kind in rows.schema.types] == ["string", "string"]
    assert rows.num_rows == 300_001


def test_days_flags_and_times_are_told_from_texts(tmp_path: Path) -> None:
    rows = read_csv(written(tmp_path, "k,day,flag,at\n1,2024-02-29,true,10:00:00\n2,,false,11:00:00\n"), ["k"]).rows
    assert rows.to_pydict() == {
        "k": [1, 2],
        "day": [date(2024, 2, 29), None],
        "flag": [True, False],
        "at": ["10:00:00", "11:00:00"],
    }


def test_a_byte_order_mark_and_quoted_newlines_are_read_as_meant(tmp_path: Path) -> None:
    file = read_csv(
        written(tmp_path, '\ufeffKunden Nr,"a ""note"""\r\n1,"two\nlines, and ""more"""\r\n'), ["Kunden Nr"]
    )
    assert file.rows.to_pydict() == {"kunden_nr": [1], "a_note": ['two\nlines, and "more"']}
    assert file.originals == {"kunden_nr": "Kunden Nr", "a_note": 'a "note"'}


def test_the_key_may_be_given_by_either_of_its_names(tmp_path: Path) -> None:
    path = telco(tmp_path / "telco.csv", 20)
    assert read_csv(path, ["customerID"]).keys == read_csv(path, ["customer_id"]).keys == ("customer_id",)


@pytest.mark.parametrize(
    ("content", "problem", "next_step"),
    [
        ("", "is empty", "export it again"),
        ("\n\n", "is empty", "export it again"),
        ("k,v\n", "holds no rows", "export it again"),
        ("k,v,v\n1,2,3\n", "has column 'v' more than once", "a name of its own"),
        ("k,v\n1,2\n\n1,2,3\n", "line 4: 3 cells; the first line names 2 columns", "mend the line"),
        ('k,v\n1,"2\n\n,,3"\n1\n', "line 5: 1 cells; the first line names 2 columns", "mend the line"),
        ("a,v\n1,2\n", "has no column 'k'", "choose the key from a, v"),
        ("k,v\n1,2\n ,3\n", "1 of 2 rows of file.csv have no k, the first on line 3", "fill it in"),
        ("k,v\n1,2\n1 ,3\n2,4\n", "1 values of k occur more than once in file.csv, for example '1'", "row to row"),
        ("k,v\n1,a\0b\n", "line 2: there is a null character", "remove it"),
        (
            "k,v\n1,é\n".encode() + b"2,\xfc\n",
            "line 3: this is not UTF-8, as other letters of the file are",
            "`--encoding`",
        ),
        (b"k,v\n1,\x81\n", "line 2: this is not UTF-8, nor windows-1252", "`--encoding iso-8859-2`"),
        ("k,v\n".encode("utf-16"), "holds no rows", "export it again"),
        (b"\xff\xfek\x00,\x00v\x00\n\x001", "line 2: this is not utf-16", "`--encoding`"),
        (b"PK\x03\x04\x14\x00", "an Excel workbook, not CSV", "export it as CSV"),
        (b"\x1f\x8b\x08\x00", "packed with gzip, not CSV", "export it as CSV"),
        (b"\x00\x01\x02\xff\xfe", "file.csv", "Next"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_file_that_cannot_be_loaded_is_refused_on_one_line(
    content: str | bytes, problem: str, next_step: str, tmp_path: Path
) -> None:
    with pytest.raises(SourceRefused) as refused:
        read_csv(written(tmp_path, content), ["k"])
    message = str(refused.value)
    assert problem in message
    assert next_step in message
    assert "\n" not in message


@pytest.mark.parametrize("path", ["missing.csv", "."])
def test_a_path_without_a_file_is_refused(path: str, tmp_path: Path) -> None:
    with pytest.raises(SourceRefused, match="There is no file"):
        read_csv(tmp_path / path, ["k"])


@pytest.mark.parametrize(
    ("content", "line"),
    [
        # Two stray quotes, and all rows between them in one text: with letters after the second, alone, or before it.
        ("k,a,note\n" + "".join(f'm{n},1,{chr(34) * (n in (3, 9))}tall\n' for n in range(20)), 5),
        ("k,a,note\n" + "".join(f'm{n},1,{chr(34) * (n == 3)}tall{chr(34) * (n == 9)}\n' for n in range(20)), 5),
        ("k,a,note\n" + "".join(f'm{n},1,{chr(34) * (n == 3)}tall{chr(34) * (n == 4)}\n' for n in range(20)), 5),
        ("a;k;note\r\n" + "".join(f'1;m{n};{chr(34) * (n == 3)}a{chr(34) * (n == 9)}\r\n' for n in range(20)), 5),
        ("note,k\n" + "".join(f'{chr(34) * (n == 3)}tall{chr(34) * (n == 9)},{n}\n' for n in range(20)), 5),
        ("a,note,k\n" + "".join(f'1,"two\nlines",{n}\n' for n in range(5)) + '1,"tall,5\n', 12),
        ('k,note\n1,"a "quoted" word"\n', 2),
        ('k,note\n1,"a"b"\n', 2),
        ('k,"note\n1,a\n', 1),
        ('sep=,\nk,note\n1,a\n2,"a\n', 4),
    ],
)  # fmt: skip
def test_a_quote_that_takes_rows_into_one_text_is_refused_with_its_line(
    content: str, line: int, tmp_path: Path
) -> None:
    with pytest.raises(SourceRefused) as refused:
        read_csv(written(tmp_path, content), ["k"])
    assert f"file.csv, line {line}: the quoted value that begins here " in str(refused.value)
    assert "Next: mend that line" in str(refused.value)


def test_quotes_that_belong_to_a_text_and_texts_of_several_lines_are_read(tmp_path: Path) -> None:
    content = (
        'k,size,note\n1,5" pipe,"Dear all,\nfirst, second,\n third ""x"", 2,\n"\n2,7,"a, b"\n'
        '3, "8" ,"k3, and m,\nno 4, 5"\n'
    )
    assert read_csv(written(tmp_path, content), ["k"]).rows.to_pydict() == {
        "k": [1, 2, 3],
        "size": ['5" pipe', "7", "8"],
        "note": ['Dear all,\nfirst, second,\n third "x", 2,', "a, b", "k3, and m,\nno 4, 5"],
    }


@pytest.mark.parametrize(
    ("content", "asked", "expected"),
    [
        ("k;v\n1;2,5\n2;1.234,5\n", {}, [2.5, 1234.5]),
        ("k\tv\n1\t2.5\n2\t3\n", {}, [2.5, 3]),
        ("k\tv\n1\t2.5\n2\t3\n", {"delimiter": "\\t"}, [2.5, 3]),
        ("k\tv\n1\t2.5\n2\t3\n", {"delimiter": "tab"}, [2.5, 3]),
        ("k|v\n1|2.5\n2|3\n", {"delimiter": "|"}, [2.5, 3]),
        ("sep=;\nk;v\n1;2,50\n2;3\n", {}, [2.5, 3]),
        ('"sep=|"\r\nk|v\r\n1|2.5\r\n2|3\r\n', {}, [2.5, 3]),
        ("sep=;\nk,v\n1,2.5\n2,3\n", {"delimiter": ","}, [2.5, 3]),
        ('k,v\n1,"1,234.50"\n2,7\n', {}, [1234.5, 7]),
        ('k,v\n1,"1,234,567"\n2,7\n', {}, [1234567, 7]),
        ("k;v\n1;1 234,5\n2;-7\n", {}, [1234.5, -7]),
        ("k;v\n1;1'234\n2;-7\n", {}, [1234, -7]),
        ("k;v\n1;1\u202f234\n2;-7\n", {}, [1234, -7]),
        # Either of two numbers: not for us to say.
        ('k,v\n1,"1,234"\n2,7\n', {}, ["1,234", "7"]),
        ('k,v\n1,"1,234"\n2,7\n', {"decimal": ","}, [1.234, 7]),
        ('k,v\n1,"1,234"\n2,7\n', {"thousands": ","}, [1234, 7]),
        ('k,v\n1,"1,234"\n2,7\n', {"decimal": "."}, [1234, 7]),
        ("k;v\n1;1.234\n2;7\n", {}, [1.234, 7]),
        ("k;v\n1;1.234\n2;7\n", {"thousands": "."}, [1234, 7]),
        ("k;v\n1;1 234\n2;7\n", {"thousands": "space"}, [1234, 7]),
        # Another column speaks against it.
        ("k;w;v\n1;0.5;2,5\n2;0.25;3\n", {}, ["2,5", "3"]),
        ("k,v\n1,?\n2,3\n", {}, [None, 3]),
        ("k,v\n1,n/a\n2,x\n", {}, [None, "x"]),
        ("k,v\n1,NA\n2,x\n", {}, ["NA", "x"]),
        ("k,v\n1,?\n2,x\n", {"empty": ["NA"]}, ["?", "x"]),
        ("k,v\n1,unknown\n2,3\n", {"empty": ["-9", "unknown"]}, [None, 3]),
        ("k,v\n1,-\n2,3\n", {}, [None, 3]),
        ("k, v\n1, 2\n2, x \n", {}, ["2", "x"]),
        ("k,v\n1,Yes \n2,Yes\n", {}, ["Yes", "Yes"]),
        ('k, v\n1, "a, b"\n2, x\n', {}, ["a, b", "x"]),
        ("k,v\n1,TRUE\n2,false\n", {}, [True, False]),
        ("k,v\n1,1e3\n2,.5\n", {}, [1000, 0.5]),
        ("k,v\n1,+49171\n2,+49172\n", {}, ["+49171", "+49172"]),
        ("k,v\n1,2024-02-30\n2,2024-02-28\n", {}, ["2024-02-30", "2024-02-28"]),
        ("k,v\n1,Grün\n2,ö\n", {}, ["Grün", "ö"]),
        ("k,v\n1,Gr\xfcn\n2,x\n".encode("latin-1"), {}, ["Grün", "x"]),
        (b"k,v\n1,a\n" + b"2,\x80\n", {}, ["a", "€"]),
        ("k,v\n1,Grün\n2,日本\n".encode("utf-16"), {}, ["Grün", "日本"]),
        ("k,v\n1,Grün\n2,x\n".encode("utf-16-le"), {}, ["Grün", "x"]),
        ("k,v\n1,Grün\n2,x\n".encode("utf-16-be"), {}, ["Grün", "x"]),
        ("k,v\n1,Grün\n2,x\n".encode("utf-32"), {}, ["Grün", "x"]),
        ("k,v\n1,Łódź\n2,x\n".encode("iso-8859-2"), {"encoding": "latin2"}, ["Łódź", "x"]),
    ],
    ids=lambda value: repr(value)[:40],
)  # fmt: skip
def test_what_the_world_writes_is_read(
    content: str | bytes, asked: dict[str, Any], expected: list[object], tmp_path: Path
) -> None:
    file = read_csv(written(tmp_path, content), ["k"], asked_format(**asked))
    assert file.rows["v"].to_pylist() == expected


def test_the_first_letter_that_is_not_utf_8_is_found_wherever_it_stands(tmp_path: Path) -> None:
    rows = b"".join(b"%d,plain\n" % n for n in range(120_000))
    file = read_csv(written(tmp_path, b"k,v\n" + rows + b"last,Gr\xfcn\n"), ["k"])
    assert file.rows["v"].to_pylist()[-1] == "Grün"
    assert file.read.file.source.says == "windows-1252, since line 120002 is not UTF-8"


def test_several_columns_tell_the_rows_apart_together(tmp_path: Path) -> None:
    file = read_csv(written(tmp_path, "store,sku,v\n1,a,1\n1,b,2\n2,a,3\n"), ["store", "sku"])
    assert file.keys == ("store", "sku")
    with pytest.raises(SourceRefused, match=r"1 values of store and sku occur more than once .* '1', 'a'"):
        read_csv(written(tmp_path, "store,sku,v\n1,a,1\n1,a ,2\n2,a,3\n"), ["store", "sku"])


@pytest.mark.parametrize(
    "asked",
    [
        {"delimiter": ""},
        {"delimiter": ";;"},
        {"delimiter": '"'},
        {"delimiter": "\n"},
        {"delimiter": "¦"},
        {"decimal": "x"},
        {"thousands": "1"},
        {"decimal": ",", "thousands": ","},
        {"encoding": "klingon"},
        {"encoding": "base64"},
    ],
)
def test_a_format_that_no_file_has_is_refused_by_its_option(asked: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        asked_format(**asked)
    assert str(refused.value).startswith(f"`--{list(asked)[-1]}` cannot be ")
