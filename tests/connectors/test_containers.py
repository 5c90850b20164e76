"""Tables come packed and in workbooks; damage ends them early instead of losing what was readable."""

import gzip
import zipfile

import pytest
import pyzipper
import xlsxwriter

from tongpan.connectors.actions.opening import open_path
from tongpan.connectors.reading.archives import unlock
from tongpan.core.errors import Refusal

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
ROW = "536365,85123A,HOLDER,6,2010-12-01 08:26:00,2.55,17850,United Kingdom"
TEXT = f"{HEADER}\n{ROW}\n"


def numbers(path) -> list[str]:
    return [record.cells[0] for record in open_path(path).main_source.rows()]


def test_a_gzip_file_is_read(write):
    assert numbers(write("lines.csv.gz", gzip.compress(TEXT.encode()))) == ["536365"]


def test_what_is_inside_decides_not_the_name(write):
    assert numbers(write("lines.csv", gzip.compress(TEXT.encode()))) == ["536365"]
    assert numbers(write("lines.gz", TEXT)) == ["536365"]


def test_a_zip_archive_with_one_table_is_read(tmp_path):
    path = tmp_path / "lines.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("export/lines.csv", TEXT)
        archive.writestr("__MACOSX/._lines.csv", b"rubbish")
        archive.writestr("readme.md", "hello")

    assert numbers(path) == ["536365"]


def packed(path, protection=None, **files):
    with pyzipper.AESZipFile(path, "w", compression=pyzipper.ZIP_DEFLATED, encryption=protection) as archive:
        if protection:
            archive.setpassword(b"secret")
        for name, content in files.items():
            archive.writestr(name.replace("_", "."), content)
    return path


# An archive of the old protection, as "zip -P secret" writes it: the library that reads it does not write it.
OLD = bytes.fromhex(
    "504b030414000900080093be765d8bdd9d039400000097000000090000006c696e65732e6373760767674b69b0bba22dc6d0"
    "9ebace312b1d8ada089ddbe99338c334e8e2284d39e1b9690ef8aaeec50c06cac30120c4ca13a8cf5dc494672e2c9ecd8abf"
    "d97a3c71f5cfc5098c10a3be257c43432922fd89af707ef19e9f7786481bd93d8f6c06714970b19b9c909ad4e6ee4fbda7a8"
    "388c32a57a40cc92f8534766f9974ce6c5d06478e831224eb7224a94277c73983f1f3e6247504b07088bdd9d039400000097"
    "000000504b01021e0314000900080093be765d8bdd9d039400000097000000090000000000000001000000a481000000006c"
    "696e65732e637376504b0506000000000100010037000000cb0000000000"
)


def test_a_protected_archive_is_read_with_its_password_only(tmp_path):
    path = packed(tmp_path / "lines.zip", pyzipper.WZ_AES, lines_csv=TEXT)
    rows = open_path(path, password="secret").main_source.rows()

    assert [record.cells[0] for record in rows] == ["536365"]
    with pytest.raises(Refusal, match="protected by a password"):
        open_path(path)
    with pytest.raises(Refusal, match=r"The password does not open lines\.zip"):
        open_path(path, password="guess")


def test_the_old_protection_is_read_too(tmp_path):
    path = tmp_path / "old.zip"
    path.write_bytes(OLD)

    rows = open_path(path, password="secret").main_source.rows()

    assert [record.cells[0] for record in rows] == ["536365"]
    with pytest.raises(Refusal, match="The password does not open"):
        open_path(path, password="guess")


@pytest.mark.parametrize("protection", [None, pyzipper.WZ_AES])
def test_a_workbook_in_an_archive_is_read(tmp_path, protection):
    book = tmp_path / "orders.xlsx"
    with xlsxwriter.Workbook(book) as workbook:
        sheet = workbook.add_worksheet("orders")
        for number, line in enumerate(TEXT.splitlines()):
            sheet.write_row(number, 0, line.split(","))
    path = packed(tmp_path / "export.zip", protection, orders_xlsx=book.read_bytes())

    opened = open_path(path, password="secret")

    assert (opened.mapping.format, opened.main_source.member.name) == ("uci", "orders.xlsx")
    assert [record.cells[0] for record in opened.main_source.rows()] == ["536365"]


def test_unlocking_leaves_an_archive_without_protection(tmp_path):
    path = packed(tmp_path / "lines.zip", pyzipper.WZ_AES, lines_csv=TEXT)
    before = path.read_bytes()

    with pytest.raises(Refusal, match="The password does not open"):
        unlock(path, "guess")
    assert path.read_bytes() == before

    unlock(path, "secret")

    assert numbers(path) == ["536365"]
    assert [item.name for item in tmp_path.iterdir()] == ["lines.zip"]


def test_unlocking_stops_at_the_limit(tmp_path, monkeypatch):
    path = packed(tmp_path / "lines.zip", pyzipper.WZ_AES, lines_csv=TEXT * 100)
    monkeypatch.setattr("tongpan.connectors.reading.archives.MAX_UNPACKED", 1000)

    with pytest.raises(Refusal, match="unpacks to more than"):
        unlock(path, "secret")

    assert [item.name for item in tmp_path.iterdir()] == ["lines.zip"]


def test_two_tables_of_one_format_in_an_archive_are_refused(tmp_path):
    path = tmp_path / "lines.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", TEXT)
        archive.writestr("b.csv", TEXT)

    with pytest.raises(Refusal, match=r"holds 2 files of the format uci: a.csv, b.csv"):
        open_path(path)


def test_a_truncated_gzip_file_gives_what_could_be_unpacked(write):
    body = TEXT + "".join(f"{n},85123A,{n * 7919},6,2010-12-01 08:26:00,2.55,,UK\n" for n in range(600000, 640000))
    packed = gzip.compress(body.encode())
    path = write("lines.csv.gz", packed[: len(packed) // 2])

    source = open_path(path).main_source
    rows = list(source.rows())

    assert 1000 < len(rows) < 40000
    assert rows[-1].defect or len(rows[-1].cells[-1]) == 2
    assert source.member.damage


def test_a_workbook_gives_ids_with_all_digits_and_dates_as_dates(tmp_path):
    path = tmp_path / "orders.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("empty")
        sheet = book.add_worksheet("orders")
        day = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        sheet.write_row(1, 0, ["订单编号", "总金额", "买家实际支付金额", "订单创建时间 "])
        sheet.write_string(2, 0, "3812345678901234567")
        sheet.write_number(2, 1, 12.5)
        sheet.write_number(2, 2, 12)
        sheet.write_number(2, 3, 45658.5, day)
        sheet.write_number(4, 0, 3812345678901234567)

    opened = open_path(path)
    rows = list(opened.main_source.rows())

    assert opened.mapping.format == "tmall-orders"
    assert opened.main_source.sheet == "orders"
    assert (rows[0].line, rows[0].cells) == (3, ["3812345678901234567", "12.5", "12", "2025-01-01 12:00:00"])
    assert (rows[1].line, rows[1].cells[0]) == (5, "3.81234567890124E+18")


def test_a_folder_with_one_fitting_file_is_that_file(write):
    path = write("lines.csv", TEXT)
    write("lines.csv.errors.csv", TEXT)
    write("other.csv", "apples,pears\n1,2\n")
    write("notes.md", "nothing")

    assert numbers(path.parent) == ["536365"]


def test_a_folder_without_a_table_is_refused(tmp_path):
    with pytest.raises(Refusal, match="holds no table"):
        open_path(tmp_path)
