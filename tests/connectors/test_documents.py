"""Rows become documents: whole, of the right class, with exact amounts; bad ones come out with a reason."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tongpan.connectors.formats import parse_mapping
from tongpan.inventory.engine import AdjustmentDoc, StockLine
from tongpan.orders.engine import BuyerDoc, CorrectionDoc, LineDoc, OrderDoc, ReturnDoc, ShipTo

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
AT = datetime(2010, 12, 1, 0, 26, tzinfo=UTC)  # 08:26 in the shop's zone


def line(number="1", code="85123A", name="HOLDER", qty=6, at="2010-12-01 08:26:00", price="2.55", who="17850"):
    return f"{number},{code},{name},{qty},{at},{price},{who},United Kingdom\n"


@pytest.fixture
def take_lines(take, write):
    return lambda *lines, **how: take(write("lines.csv", HEADER + "".join(lines)), **how)


def test_the_lines_of_an_invoice_become_one_order(take_lines):
    taken = take_lines(line(), line(code="71053b", name="LANTERN", qty=1, price="3.395"))

    assert taken.rejected == []
    [doc] = taken.docs
    assert replace(doc, raw=b"", has_all_lines=True) == OrderDoc(
        shop_code="shop-1",
        external_id="1",
        placed_at=AT,
        currency="CNY",
        lines=(
            LineDoc("goods", "85123A", "HOLDER", 6, 1530, Decimal("2.55")),
            LineDoc("goods", "71053B", "LANTERN", 1, 340, Decimal("3.395")),
        ),
        buyer=BuyerDoc("buyer", "shop-1", "17850"),
        ship_to=ShipTo(province="United Kingdom"),
    )


def test_a_line_of_an_order_may_stand_anywhere_in_the_file(take_lines):
    taken = take_lines(line("1"), line("2"), line("1", code="71053"), line("3"), line("2", code="22752"))

    assert [(doc.external_id, [item.code for item in doc.lines]) for doc in taken.docs] == [
        ("1", ["85123A", "71053"]),
        ("2", ["85123A", "22752"]),
        ("3", ["85123A"]),
    ]


def test_exact_duplicates_are_kept_where_they_are_real(take_lines):
    [doc] = take_lines(line(), line()).docs

    assert [item.amount_minor for item in doc.lines] == [1530, 1530]


def test_a_buyer_without_a_number_is_nobody(take_lines):
    assert [doc.buyer for doc in take_lines(line("1", who=""), line("2", who="  "), line("3", who="17850.0")).docs] == [
        None,
        None,
        BuyerDoc("buyer", "shop-1", "17850"),
    ]


def test_fees_and_vouchers_are_charges_and_take_no_stock(take_lines):
    codes = ["POST", "DOT", "M", "m", "C2", "D", "S", "BANK CHARGES", "AMAZONFEE", "B", "CRUK", "gift_0001_20"]
    [doc] = take_lines(*[line(code=code, qty=1) for code in codes], line(code="DCGS0003"), line(code="PADS")).docs

    assert [(item.kind, item.code) for item in doc.lines] == [
        *[("charge", code.upper()) for code in codes],
        ("goods", "DCGS0003"),
        ("goods", "PADS"),
    ]


def test_each_class_of_rows_becomes_a_document_of_its_own(take_lines):
    taken = take_lines(
        line("1"),
        line("1", code="22423", name="damaged", qty=-3, price="0"),
        line("C2", qty=-6),
        line("A3", code="B", name="Adjust bad debt", qty=1, price="-11062.06", who=""),
        line("4", code="POST", name="", qty=1000, price="0.0"),
    )

    order, adjustment, returned, correction, nothing = taken.docs
    assert isinstance(order, OrderDoc)
    assert adjustment == AdjustmentDoc("shop-1", "1", "wh", AT, [StockLine("22423", -3, note="damaged")])
    assert returned == ReturnDoc(
        "shop-1",
        "C2",
        AT,
        "CNY",
        (LineDoc("goods", "85123A", "HOLDER", 6, -1530, Decimal("2.55")),),
        BuyerDoc("buyer", "shop-1", "17850"),
    )
    assert correction == CorrectionDoc(
        "shop-1",
        "A3",
        AT,
        "CNY",
        (LineDoc("charge", "B", "Adjust bad debt", 1, -1106206, Decimal("-11062.06")),),
    )
    assert nothing == AdjustmentDoc("shop-1", "4", "wh", AT, [])
    assert [(p.cls, len(p.rows), p.amount) for p in taken.documents] == [
        ("sale", 1, 1530),
        ("adjustment", 1, 0),
        ("return", 1, -1530),
        ("correction", 1, -1106206),
        ("adjustment", 1, 0),
    ]


def test_the_earliest_time_of_the_lines_is_the_orders(take_lines):
    [doc] = take_lines(line(at="2010-12-01 08:27:00"), line(at="2010-12-01 08:26:00")).docs

    assert doc.placed_at == AT


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"qty": "six"}, "Quantity: is not a number"),
        ({"qty": "1.5"}, "Quantity: is not a whole number"),
        ({"qty": "0"}, "Quantity: a quantity sold must be above zero"),
        ({"qty": "-6"}, "Quantity: a quantity sold must be above zero"),
        ({"qty": "99999999"}, "Quantity: is larger than any real quantity"),
        ({"qty": ""}, "Quantity: is empty, but a line of goods needs it"),
        ({"price": "free"}, "UnitPrice: is not a number"),
        ({"price": ""}, "UnitPrice: is empty, but a line needs it"),
        ({"price": "1e9"}, "UnitPrice: is not a number"),
        ({"price": "999999999999", "qty": "1000000"}, "Quantity: is larger than any real amount"),
        ({"at": "2010-02-30 08:26:00"}, "InvoiceDate: is a day or time that does not exist"),
        ({"at": "01.12.10"}, "InvoiceDate: is not a date in a known, unambiguous notation"),
        ({"at": ""}, "InvoiceDate: is empty, but is needed"),
        ({"code": ""}, "StockCode: is empty, but a line of goods needs it"),
        ({"code": "8.5E+12"}, "StockCode: a spreadsheet has rounded this number"),
        ({"code": "x" * 121}, "StockCode: is longer than 120 characters"),
        ({"who": "1.7850E+10"}, "CustomerID: a spreadsheet has rounded this number"),
        ({"number": "5.36E+05"}, "InvoiceNo: a spreadsheet has rounded this number"),
    ],
)
def test_a_bad_cell_is_named_with_its_reason(take_lines, bad, reason):
    taken = take_lines(line("0"), line(**bad))

    assert [doc.external_id for doc in taken.docs] == ["0"]
    assert list(taken.reasons) == [3]
    assert reason in taken.reasons[3]


def test_half_an_order_is_never_taken(take_lines):
    taken = take_lines(line("1"), line("2"), line("1", qty="six"), line("1", code="71053"))

    assert [doc.external_id for doc in taken.docs] == ["2"]
    assert taken.reasons == {
        2: "line 4 of the same document was rejected",
        4: "Quantity: is not a number",
        5: "line 4 of the same document was rejected",
    }


def test_all_bad_cells_of_a_head_are_told_at_once(take_lines):
    taken = take_lines(line(at="never", who="1.2E+10"))

    assert [p.column for p in taken.rejected[0][1]] == ["InvoiceDate", "CustomerID"]


def test_a_row_without_a_number_stands_alone(take_lines):
    taken = take_lines(line(""), line(" "), line("1"))

    assert taken.reasons == {2: "has no document number", 3: "has no document number"}
    assert len(taken.docs) == 1


def test_a_return_with_a_positive_amount_is_refused(take_lines):
    assert "its amount cannot be positive" in take_lines(line("C1", qty=6)).reasons[2]


def test_a_text_is_cut_and_a_masked_buyer_is_nobody(take_lines):
    [doc] = take_lines(line(name="n" * 500, who="17***")).docs

    assert len(doc.lines[0].name) == 300
    assert doc.buyer is None


REPEATS = """
format: numbered
title: {en: N, zh: N}
about: lines with numbers
columns:
  {number: Order, line: Line, at: Date, code: Code, qty: Qty, amount: Amount, shop: {header: Shop, optional: true}}
key: [shop, number]
line_key: [line]
duplicates: reject
document: {external_id: number, at: at, shop: shop}
lines: {code: code, qty: qty, amount: amount, line_key: line}
"""


@pytest.fixture
def take_numbered(take, write):
    mapping = parse_mapping(REPEATS, "numbered.yaml")
    return lambda text: take(write("numbered.csv", text), mapping)


def test_a_repeated_line_is_left_out_where_the_mapping_says_so(take_numbered):
    taken = take_numbered(
        "Order,Line,Date,Code,Qty,Amount\n1,1,2025-01-01,A,1,5\n1,2,2025-01-01,B,1,5\n1,1,2025-01-01,A,1,5\n"
    )

    assert [item.line_key for item in taken.docs[0].lines] == ["1", "2"]
    assert taken.reasons == {4: "is the same as line 2"}


def test_a_line_number_with_other_content_spoils_the_document(take_numbered):
    taken = take_numbered("Order,Line,Date,Code,Qty,Amount\n1,1,2025-01-01,A,1,5\n1,1,2025-01-01,A,2,5\n")

    assert taken.docs == []
    assert taken.reasons == {
        2: "line 3 of the same document was rejected",
        3: "has the same number as line 2, but other content",
    }


def test_the_same_number_in_two_shops_is_two_documents(take_numbered):
    taken = take_numbered(
        "Order,Line,Date,Code,Qty,Amount,Shop\n1,1,2025-01-01,A,1,5,shop-1\n1,1,2025-01-01,A,1,5,elsewhere\n"
    )

    assert [doc.shop_code for doc in taken.docs] == ["shop-1"]
    assert taken.reasons == {3: "there is no shop elsewhere; create it first (tongpan shop create elsewhere)"}


def test_a_row_without_a_shop_belongs_to_the_shop_of_the_import(take_numbered):
    taken = take_numbered("Order,Line,Date,Code,Qty,Amount,Shop\n1,1,2025-01-01,A,1,5,\n")

    assert [doc.shop_code for doc in taken.docs] == ["shop-1"]


def test_an_id_written_as_a_formula_is_the_same_id(take_numbered):
    taken = take_numbered(
        'Order,Line,Date,Code,Qty,Amount\n"=""3812345678901234567""",1,2025-01-01,A,1,5\n'
        "3812345678901234567,2,2025-01-01,B,1,5\n\t3812345678901234567,3,2025-01-01,C,1,5\n"
    )

    assert [(doc.external_id, len(doc.lines)) for doc in taken.docs] == [("3812345678901234567", 3)]


@settings(deadline=None, max_examples=40)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["1", "2", "C3", "4", ""]),
            st.sampled_from(["A", "b", "POST", "gift_1", ""]),
            st.sampled_from(["1", "-2", "6", "0", "x", "1.5"]),
            st.sampled_from(["1.005", "0", "-3", "", "2.55"]),
        ),
        max_size=12,
    )
)
def test_every_row_ends_in_exactly_one_place(rows, tmp_path_factory):
    from tests.support.taking import take_file

    folder = tmp_path_factory.mktemp("rows")
    text = HEADER + "".join(line(number, code, "N", qty, price=price) for number, code, qty, price in rows)
    (folder / "lines.csv").write_text(text)

    taken = take_file(folder / "lines.csv", folder / "staging")

    kept = [row.line for prepared in taken.documents for row in prepared.rows]
    out = [row.line for row, _ in taken.rejected]
    assert sorted(kept + out) == list(range(2, len(rows) + 2))
    assert taken.rows == len(rows)
    for prepared in taken.documents:
        if isinstance(prepared.doc, OrderDoc | ReturnDoc):
            assert prepared.amount == sum(item.amount_minor for item in prepared.doc.lines)
