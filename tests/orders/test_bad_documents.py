"""A document that cannot be taken is refused on its own, with a code and a sentence; the rest go in."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from tests.support.company import ACTOR, DAY, NOW, charge, goods, order, paid, put, return_of
from tests.support.database import row_counts
from tests.support.following import events
from tests.support.intake import take, take_back

from tongpan.core.bulk import fetch_all
from tongpan.orders.actions import accept_corrections
from tongpan.orders.engine import BuyerDoc, CorrectionDoc, LineDoc, PaymentDoc, ShipTo

pytestmark = pytest.mark.usefixtures("company")
NAIVE = datetime(2026, 11, 18, 8, 0)
ANCIENT = datetime(1900, 1, 1, tzinfo=NOW.tzinfo)
GOOD = order("good", goods("G"))
LONG = order(
    "odd",
    goods("A", name="n" * 999, line_key="k" * 99, category="c" * 200),
    channel_status="s" * 99,
    ship_to=ShipTo("p" * 99, "c" * 99),
    payments=[PaymentDoc(0, "m" * 99, -1)],
)


def bad(**more):
    return order("bad", goods("A"), **more)


@pytest.mark.parametrize(
    "_case, code, doc",
    [
        ("no such shop", "shop.unknown", bad(shop_code="?")),
        ("no shop", "shop.unknown", bad(shop_code="")),
        ("a shop that is no text", "shop.unknown", bad(shop_code="tm\x00")),
        ("half a character for a shop", "shop.unknown", bad(shop_code="\ud800")),
        ("no number", "document.number", order("", goods("A"))),
        ("a long number", "document.number", order("9" * 121, goods("A"))),
        ("a number with a tab", "document.number", order("1\t2", goods("A"))),
        ("a number with a NUL", "document.number", order("1\x002", goods("A"))),
        ("half a character in the number", "document.number", order("1\udc00", goods("A"))),
        ("another currency", "document.currency", bad(currency="USD")),
        ("no currency", "document.currency", bad(currency="")),
        ("no zone", "document.time", bad(placed_at=NAIVE)),
        ("before there were computers", "document.time", bad(placed_at=ANCIENT)),
        ("in two days", "document.time", bad(placed_at=NOW + 2 * DAY)),
        ("version without a zone", "document.time", bad(version=NAIVE)),
        ("version in the future", "document.time", bad(version=NOW + 2 * DAY)),
        ("paid without a zone", "document.time", bad(paid_at=NAIVE)),
        ("dispatched before there were computers", "document.time", bad(dispatched_at=ANCIENT)),
        ("delivered in the future", "document.time", bad(delivered_at=NOW + 2 * DAY)),
        ("completed without a zone", "document.time", bad(completed_at=NAIVE)),
        ("cancelled without a zone", "document.time", bad(cancelled_at=NAIVE)),
        ("promised without a zone", "document.time", bad(promised_at=NAIVE)),
        ("promised for the year 9999", "document.time", bad(promised_at=NOW.replace(year=9999))),
        ("a payment without a zone", "document.time", bad(payments=[PaymentDoc(1, "x", 1, NAIVE)])),
        ("a NUL in a name", "document.text", order("bad", goods("A", name="a\x00b"))),
        ("a NUL in a SKU code", "document.text", order("bad", goods("A\x00"))),
        ("half a character in a city", "document.text", bad(ship_to=ShipTo(city="\ud83d"))),
        ("half a character in a name of a buyer", "document.text", bad(buyer=BuyerDoc("b", "tm", "1", "\ud83d"))),
        ("a NUL in a buyer's number", "document.text", bad(buyer=BuyerDoc("b", "tm", "1\x00"))),
        ("a NUL in a payment", "document.text", bad(payments=[PaymentDoc(1, "\x00", 1)])),
        ("a NUL in a status", "document.text", bad(channel_status="\x00")),
        ("a NUL in an address", "document.text", bad(ship_to=ShipTo(address="\x00"))),
        ("a long kind of buyer", "document.buyer", bad(buyer=BuyerDoc("k" * 21, "tm", "1"))),
        ("no kind of buyer", "document.buyer", bad(buyer=BuyerDoc("", "tm", "1"))),
        ("a long scope", "document.buyer", bad(buyer=BuyerDoc("k", "s" * 61, "1"))),
        ("no SKU", "document.line", order("bad", goods(""))),
        ("a long SKU", "document.line", order("bad", goods("A" * 121))),
        ("a long product code", "document.line", order("bad", goods("A", product_code="P" * 121))),
        ("no units", "document.line", order("bad", goods("A", 0))),
        ("units below zero", "document.line", order("bad", goods("A", -1))),
        ("too many units", "document.line", order("bad", goods("A", 10_000_001))),
        ("absurd charge", "document.line", order("bad", charge("POST", 1, qty=-10_000_001))),
        ("absurd money", "document.line", order("bad", goods("A", 1, 10**14 + 1))),
        ("absurd price", "document.line", order("bad", goods("A", unit_price=Decimal(10**11)))),
        ("no price at all", "document.line", order("bad", goods("A", unit_price=Decimal("NaN")))),
        ("a price without end", "document.line", order("bad", goods("A", unit_price=Decimal("-Infinity")))),
        ("a long node", "document.line", order("bad", goods("A", wanted_node="n" * 61))),
        ("neither goods nor charge", "document.line", order("bad", LineDoc("gift", "A", "", 1, 0))),  # type: ignore[arg-type]
        ("absurd total", "document.money", order("bad", lines=[], total_minor=10**15)),
        ("absurd paid amount", "document.money", bad(paid_minor=-(10**15))),
        ("absurd refund", "document.money", bad(refunded_minor=10**15)),
        ("absurd payment", "document.money", bad(payments=[PaymentDoc(1, "x", 10**15)])),
        ("a payment twice", "document.money", bad(payments=[PaymentDoc(1, "x", 1), PaymentDoc(1, "y", 2)])),
        ("a payment number below zero", "document.money", bad(payments=[PaymentDoc(-1, "x", 1)])),
        ("a payment number beyond all", "document.money", bad(payments=[PaymentDoc(2**31, "x", 1)])),
        ("beyond the pole", "document.place", bad(ship_to=ShipTo(latitude=91.0, longitude=0.0))),
        ("nowhere", "document.place", bad(ship_to=ShipTo(latitude=float("nan"), longitude=0.0))),
        ("without end", "document.place", bad(ship_to=ShipTo(latitude=0.0, longitude=float("inf")))),
    ],
)  # fmt: skip
def test_a_bad_order_is_refused_alone(_case, code, doc):
    outcomes = take(doc, GOOD)

    assert [outcome.state for outcome in outcomes] == ["refused", "accepted"]
    assert (outcomes[0].code, outcomes[0].document_id) == (code, None)
    assert outcomes[0].reason.strip().endswith(".")
    counts = row_counts()
    assert [counts.get(name) for name in ("orders_order", "orders_orderline", "catalog_sku")] == [1] * 3
    assert len(events("order.accepted")) == 1
    assert fetch_all("SELECT external_id FROM orders_order") == [("good",)]
    assert "customers_customer" not in counts


@pytest.mark.parametrize(
    "_case, doc",
    [
        ("a free line", order("odd", goods("A", 1, 0))),
        ("a line with a negative amount", order("odd", goods("A", 1, -500))),
        ("a charge of no units", order("odd", charge("POST", 0, qty=0))),
        ("no lines and no total", order("odd", lines=[])),
        ("a number with blanks and Chinese", order("订单 1 号", goods("A"))),
        ("a name with every awkward character", order("odd", goods("A", name='a\tb\nc\\d"e\'🧾'))),
        ("texts that are too long are cut", LONG),
        ("delivered before it was placed", order("odd", goods("A"), delivered_at=NOW - 9 * DAY)),
        ("the south pole", order("odd", goods("A"), ship_to=ShipTo(latitude=-90.0, longitude=-180.0))),
    ],
)  # fmt: skip
def test_an_odd_order_goes_in(_case, doc):
    (outcome,) = take(doc)

    assert (outcome.state, outcome.reason) == ("accepted", "")
    assert row_counts()["orders_order"] == 1


@pytest.mark.parametrize(
    "_case, code, doc",
    [
        ("no such shop", "shop.unknown", return_of("bad", shop_code="?")),
        ("no number", "document.number", return_of("")),
        ("no zone", "document.time", return_of("bad", returned_at=NAIVE)),
        ("another currency", "document.currency", return_of("bad", currency="EUR")),
        ("a NUL", "document.text", return_of("bad", order_external_id="\x00")),
        ("half a character", "document.text", return_of("bad", goods("A", 1, -1, name="\ud800"))),
        ("a long kind of buyer", "document.buyer", return_of("bad", buyer=BuyerDoc("k" * 21, "tm", "1"))),
        ("no units", "document.line", return_of("bad", goods("A", 0, -1))),
        ("it gives money", "return.sign", return_of("bad", goods("A", 1, 1))),
    ],
)
def test_a_bad_return_is_refused_alone(_case, code, doc):
    outcomes = take_back(doc, return_of("good"))

    assert [outcome.state for outcome in outcomes] == ["refused", "accepted"]
    assert outcomes[0].code == code
    assert fetch_all("SELECT external_id FROM orders_return") == [("good",)]


def correction(number, *lines, **more):
    return replace(CorrectionDoc("tm", number, NOW - DAY, "CNY", lines or (charge("BAD DEBT", -500),)), **more)


@pytest.mark.parametrize(
    "_case, code, doc",
    [
        ("no such shop", "shop.unknown", correction("bad", shop_code="?")),
        ("no zone", "document.time", correction("bad", corrected_at=NAIVE)),
        ("goods", "document.line", correction("bad", goods("A"))),
        ("absurd money", "document.line", correction("bad", charge("X", 10**15))),
        ("a NUL", "document.text", correction("bad", charge("\x00", 1))),
    ],
)
def test_a_bad_correction_is_refused_alone(_case, code, doc):
    outcomes = accept_corrections([doc, correction("good")], actor=ACTOR, now=NOW)

    assert [outcome.state for outcome in outcomes] == ["refused", "accepted"]
    assert outcomes[0].code == code
    assert fetch_all("SELECT external_id FROM orders_correction") == [("good",)]


def test_a_batch_of_only_bad_documents_writes_nothing():
    put("sh", A=5)
    before = row_counts()

    take(bad(currency="USD"), bad(shop_code="?"), paid("x", goods("A", -1)))

    assert row_counts() == before


def test_an_order_a_moment_too_late_for_our_clock_says_when():
    late = NOW + timedelta(hours=25)

    (outcome,) = take(bad(placed_at=late))

    assert outcome.reason == f"Its time {late.isoformat()} lies before 1990, in the future, or has no zone."
