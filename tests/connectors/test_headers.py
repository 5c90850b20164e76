"""The header row is found by its names: wherever it stands, in whatever order, with what a user added to it."""

import pytest

from tongpan.connectors.actions.opening import open_path
from tongpan.connectors.formats import format_named, parse_mapping
from tongpan.core.errors import Refusal

UCI = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
ROW = "536365,85123A,HOLDER,6,2010-12-01 08:26:00,2.55,17850,United Kingdom"


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_the_delimiter_and_the_format_are_found_by_the_header(write, delimiter):
    path = write("lines.csv", "\n".join([UCI, ROW, ""]).replace(",", delimiter))

    opened = open_path(path)

    assert opened.mapping.format == "uci"
    assert opened.main_source.delimiter == delimiter
    assert [record.cells[0] for record in opened.main_source.rows()] == ["536365"]


def test_a_title_above_the_header_is_passed_over(write):
    path = write("lines.csv", f"Report of the shop,,,,,,,\nprinted 2011-01-01\n\n{UCI}\n{ROW}\n")

    source = open_path(path).main_source

    assert source.header_line == 4
    assert [record.line for record in source.rows()] == [5]


def test_order_and_spelling_of_columns_do_not_count_and_unknown_ones_are_reported(write):
    path = write(
        "lines.csv",
        "\ufeffNote, Country ,Customer ID,Price,invoicedate,Quantity,Description,StockCode,Invoice\n"
        "x,UK,17850,2.55,2010-12-01 08:26:00,6,HOLDER,85123A,536365\n",
    )

    source = open_path(path).main_source

    assert source.match.positions["invoice"] == 8
    assert source.match.positions["price"] == 3
    assert source.unmapped == ("Note",)


def test_missing_columns_are_named_with_what_was_found(write):
    path = write("lines.csv", "InvoiceNo,StockCode,Colour\n1,A,red\n")

    with pytest.raises(Refusal) as refused:
        open_path(path, format_named("uci"))

    assert refused.value.code == "columns.missing"
    assert "lacks the columns Description, Quantity, InvoiceDate, UnitPrice or Price" in refused.value.sentence
    assert "Found columns: InvoiceNo, StockCode, Colour." in refused.value.sentence


def test_a_file_of_no_known_format_says_what_was_found_and_what_to_do(write):
    with pytest.raises(Refusal) as refused:
        open_path(write("lines.csv", "apples,pears\n1,2\n"))

    assert refused.value.code == "format.unrecognised"
    assert "apples, pears" in refused.value.sentence
    assert "--mapping FILE" in refused.value.sentence


def test_an_unknown_format_name_lists_the_known_ones():
    with pytest.raises(Refusal, match="Known are: amazon-orders, amazon-shipments, amazon-summary, bigcommerce-orders"):
        format_named("ucii")


def test_the_columns_of_an_error_file_are_taken_off_again(write):
    path = write("lines.csv.errors.csv", f"{UCI},line,column,value,reason\n{ROW},17,Quantity,six,is not a number\n")

    source = open_path(path).main_source

    assert source.headers == tuple(UCI.split(","))
    assert [len(record.cells) for record in source.rows()] == [8]
    assert [record.defect for record in source.rows()] == [""]


def test_a_column_of_the_file_called_reason_stays_a_column(write):
    path = write("lines.csv", f"{UCI},reason\n{ROW},because\n")

    assert open_path(path).main_source.unmapped == ("reason",)


def test_rows_have_as_many_cells_as_the_header(write):
    path = write("lines.csv", f"{UCI}\n{ROW},,\n{ROW},extra,cells\n1,2\n")

    rows = list(open_path(path).main_source.rows())

    assert [len(row.cells) for row in rows] == [8, 8, 8]
    assert rows[0].defect == ""
    assert rows[1].defect == "has 10 cells where the header has 8\x1fextra,cells"
    assert rows[2].defect == ""


def test_a_cut_off_last_line_is_a_defect(write):
    rows = list(open_path(write("lines.csv", f"{UCI}\n{ROW}\n536366,85123A,HOL")).main_source.rows())

    assert [row.defect for row in rows] == ["", "the file ends in the middle of this line"]


def test_more_columns_win_over_fewer_when_several_formats_fit(write):
    mapping = parse_mapping(
        """
        format: two-columns
        title: {en: Two, zh: 二}
        about: two of eight
        columns: {a: InvoiceNo, b: InvoiceDate}
        key: a
        document: {external_id: a, at: b}
        """,
        "two.yaml",
    )
    path = write("lines.csv", f"{UCI}\n{ROW}\n")

    assert open_path(path).mapping.format == "uci"
    assert open_path(path, mapping).mapping.format == "two-columns"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("empty.csv", b"", "file.empty"),
        ("blank.csv", b"\n\n  \n", "file.empty"),
        ("picture.csv", bytes(range(256)) * 40, "file.binary"),
        ("broken.zip", b"PK\x03\x04" + b"rubbish" * 20, "file.archive"),
        ("broken.gz", b"\x1f\x8b" + b"rubbish" * 20, "file.empty"),
        ("old.xls", b"\xd0\xcf\x11\xe0" + b"rubbish" * 200, "file.workbook"),
    ],
)
def test_what_is_no_table_is_refused_with_a_reason(write, name, content, code):
    with pytest.raises(Refusal) as refused:
        open_path(write(name, content))

    assert refused.value.code == code
    assert name in refused.value.sentence


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(Refusal, match="There is no file"):
        open_path(tmp_path / "nowhere.csv")
