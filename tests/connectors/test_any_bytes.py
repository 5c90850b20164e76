"""No bytes whatever bring the importer down: they are refused with a sentence, or their rows go somewhere."""

import gzip
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tongpan.connectors.formats import format_named, packaged
from tongpan.core.errors import Refusal

HEADER = b"InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
TMALL = "订单编号,总金额,买家实际支付金额,收货地址 ,订单创建时间,订单付款时间 ,退款金额\n"
QUICK = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))


def outcome(data: bytes, folder: Path, name: str, format_name: str = ""):
    from tests.support.taking import take_file

    path = folder / name
    path.write_bytes(data)
    mapping = format_named(format_name) if format_name else None
    try:
        taken = take_file(path, folder / "staging", mapping)
    except Refusal as refusal:
        assert refusal.sentence
        return None
    kept = [row.line for prepared in taken.documents for row in prepared.rows]
    assert len(kept) + len(taken.rejected) == taken.rows
    assert all(problems and problems[0].reason for _, problems in taken.rejected)
    return taken


@QUICK
@given(data=st.binary(max_size=400), name=st.sampled_from(["a.csv", "a.gz", "a.zip", "a.xlsx", "a.xls"]))
@example(data=b"\xff\xfe", name="a.csv")
@example(data=b"PK\x03\x04", name="a.xlsx")
@example(data=b"\x1f\x8b\x08\x00", name="a.gz")
def test_rubbish_is_refused_with_a_sentence(data, name, tmp_path_factory):
    assert outcome(data, tmp_path_factory.mktemp("any"), name, "uci") is None


@QUICK
@given(data=st.binary(max_size=600))
@example(data=b'536365,85123A,"never closed,6,2010-12-01 08:26:00,2.55,17850,UK\n1,2')
@example(data=b"536365\x00,85123A,N,6,2010-12-01 08:26:00,2.55,17850,UK\n")
@example(data=b"\xa3\xe9\xff,85123A,N,6,2010-12-01 08:26:00,2.55,17850,UK\n")
@example(data=b"1,A,N,6,2010-12-01 08:26:00,2.55,,UK,\r\n,,,,,,,,\r\n")
def test_any_rows_below_a_header_end_somewhere(data, tmp_path_factory):
    outcome(HEADER + data, tmp_path_factory.mktemp("any"), "lines.csv")


@QUICK
@given(
    rows=st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), min_size=5, max_size=9)),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16"]),
)
def test_any_texts_in_any_encoding_end_somewhere(rows, encoding, tmp_path_factory):
    body = TMALL + "".join(",".join(row) + "\n" for row in rows)

    outcome(body.encode(encoding), tmp_path_factory.mktemp("any"), "orders.csv", "tmall-orders")


@QUICK
@given(cut=st.integers(0, 400), flips=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=5))
def test_a_cut_off_and_damaged_archive_ends_somewhere(cut, flips, tmp_path_factory):
    text = HEADER + b"".join(b"%d,85123A,NAME,6,2010-12-01 08:26:00,2.55,,UK\n" % n for n in range(200))
    folder = tmp_path_factory.mktemp("any")
    with zipfile.ZipFile(folder / "inner.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("lines.csv", text)
    for packed, name in ((gzip.compress(text, mtime=0), "a.gz"), ((folder / "inner.zip").read_bytes(), "a.zip")):
        damaged = bytearray(packed[: max(len(packed) - cut, 3)])
        for place, byte in flips:
            if place < len(damaged):
                damaged[place] = byte
        outcome(bytes(damaged), folder, name, "uci")


@pytest.mark.parametrize("name", sorted(packaged()))
def test_a_file_with_a_header_only_holds_nothing(name, tmp_path):
    from tongpan.connectors.actions.opening import main_table, open_path

    mapping = format_named(name)
    table = mapping.tables[main_table(mapping)]
    path = tmp_path / "empty.csv"
    path.write_text(",".join(column.header[0] for column in table.columns.values()) + "\n", encoding="utf-8")
    if mapping.refuse or not (mapping.is_single or mapping.separate):
        with pytest.raises(Refusal, match="settlement file" if mapping.refuse else "needs the table"):
            open_path(path, mapping)
        return
    assert list(open_path(path, mapping).main_source.rows()) == []
