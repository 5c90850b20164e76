"""Discount shares, invoice, notes, tags and the payload: stored with a new order, moved on by a newer copy."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from tests.support.company import DAY, HOUR, NOW, charge, goods, open_holds, order, paid, pool, put
from tests.support.database import row_counts
from tests.support.intake import states, take

from tongpan.access import vault
from tongpan.core.bulk import fetch_all
from tongpan.orders.engine import (
    BuyerDoc,
    DiscountDoc,
    InvoiceDoc,
    LineDoc,
    OrderDoc,
    PaymentDoc,
    digest,
)
from tongpan.orders.models import Order, RawPayload
from tongpan.orders.queries import order_whole, payload_of

pytestmark = pytest.mark.usefixtures("company")
INVOICE = InvoiceDoc("电子普票", "上海某某有限公司", "91310000MA1K00000X", "明细")
RAW = json.dumps({"tid": "1", "receiver": "张三", "items": ["x"] * 200}, ensure_ascii=False).encode()
SAID = {
    "discounts": [
        DiscountDoc("platform", 101, code="P-11", name="跨店满减"),
        DiscountDoc("shop", 30, line=1, code="S-1"),
    ],
    "invoice": INVOICE,
    "buyer_note": "请尽快发货",
    "seller_note": "老客",
    "tags": ["vip", "gift"],
    "channel_status": "WAIT_SOMETHING",
    "is_status_known": False,
    "hold_until": NOW + HOUR,
    "raw": RAW,
}


def whole(outcome):
    found = order_whole(outcome.document_id)
    assert found is not None
    return found


def shares(found):
    """(line number, payer, code, minor units) of every discount share."""
    return [(s.line and s.line.line_no, s.payer, s.code, s.amount_minor) for s in found.discounts.all()]


def test_everything_that_a_document_says_is_stored():
    (outcome,) = take(order("1", goods("A", 1, 200), goods("B", 1, 100), charge("POST", 10), **SAID))

    found = whole(outcome)
    # the platform's 101 falls on the goods in proportion to 200 and 100, and the price is what it was
    assert shares(found) == [(1, "platform", "P-11", 67), (2, "platform", "P-11", 34), (2, "shop", "S-1", 30)]
    assert (found.goods_minor, found.charges_minor, found.total_minor) == (300, 10, 310)
    assert (found.buyer_note, found.seller_note) == ("请尽快发货", "老客")
    assert [tag.tag for tag in found.tags.all()] == ["gift", "vip"]
    assert (found.channel_status, found.is_status_known, found.status) == ("WAIT_SOMETHING", False, "placed")
    assert found.hold_until == NOW + HOUR
    invoice = vault.open_sealed(bytes(found.invoice_sealed))
    assert json.loads(invoice) == ["电子普票", "上海某某有限公司", "91310000MA1K00000X", "明细"]
    assert payload_of(outcome.document_id) == RAW


def test_a_discount_of_an_order_without_goods_belongs_to_the_whole():
    (outcome,) = take(order("1", charge("CARD", 500), discounts=[DiscountDoc("bank", 7)]))

    assert shares(whole(outcome)) == [(None, "bank", "", 7)]


def test_a_document_that_brings_nothing_leaves_nothing():
    (outcome,) = take(order("1"))

    found = whole(outcome)
    assert (shares(found), list(found.tags.all()), payload_of(outcome.document_id)) == ([], [], b"")
    assert not {"orders_discount", "orders_ordertag", "orders_rawpayload"} & set(row_counts())


def test_a_payload_is_kept_once_and_not_in_the_clear():
    take(order("1", raw=RAW), order("2", raw=RAW), order("3", raw=RAW + b" "))

    kept = {bytes(p.content) for p in RawPayload.objects.all()}
    assert len(kept) == 2
    assert all("张三".encode() not in content and len(content) < len(RAW) for content in kept)


def test_a_newer_copy_replaces_shares_adds_tags_and_keeps_what_it_does_not_say():
    first = order("1", goods("A", 1, 200), goods("B", 1, 100), **SAID)
    take(first)
    later = paid(
        "1",
        goods("B", 1, 100),
        goods("A", 1, 200),
        version=NOW,
        discounts=[DiscountDoc("dealer", 9, line=0)],
        tags=["late", "vip"],
        seller_note="已付",
    )

    (outcome,) = take(later)

    found = whole(outcome)
    assert outcome.state == "updated"
    # the copy names its lines in another order than the stored one
    assert shares(found) == [(2, "dealer", "", 9)]
    assert [tag.tag for tag in found.tags.all()] == ["gift", "late", "vip"]
    assert (found.buyer_note, found.seller_note, found.is_status_known) == ("请尽快发货", "已付", True)
    assert vault.open_sealed(bytes(found.invoice_sealed)).startswith('["电子普票"')
    assert payload_of(outcome.document_id) == RAW


def test_a_newer_copy_without_shares_keeps_the_stored_ones():
    take(order("1", goods("A", 1, 200), discounts=[DiscountDoc("shop", 5)]))

    (outcome,) = take(paid("1", goods("A", 1, 200), version=NOW))

    assert (outcome.state, shares(whole(outcome))) == ("updated", [(1, "shop", "", 5)])


def test_the_payload_is_no_part_of_what_a_document_says():
    take(order("1", raw=RAW))

    assert states(take(order("1", raw=b"{}"), order("1"))) == ["unchanged", "unchanged"]
    assert payload_of(Order.objects.get().pk) == RAW


@pytest.mark.parametrize("field", sorted(set(SAID) - {"raw", "channel_status"}))
def test_every_other_field_tells_documents_apart(field):
    assert digest(order("1")) != digest(order("1", **{field: SAID[field]}))
    assert digest(order("1", **{field: SAID[field]})) == digest(order("1", **{field: SAID[field]}))


def test_documents_without_these_fields_keep_the_digest_they_always_had():
    at = NOW.replace(hour=8)
    doc = OrderDoc(
        "tm",
        "T-1",
        at,
        "CNY",
        [LineDoc("goods", "A", "name of A", 2, 3998, Decimal("19.99"))],
        buyer=BuyerDoc("buyer", "tm", "u1"),
        payments=[PaymentDoc(1, "alipay", 3998, at)],
        paid_at=at,
    )

    assert digest(doc).hex() == "d75cdf2830e6e5f1c8241367e36285e4"
    assert digest(replace(doc, discounts=[], tags=[])) == digest(doc)


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        ({"discounts": [DiscountDoc("state", 1)]}, "document.discount", "'state'"),
        ({"discounts": [DiscountDoc("shop", 0)]}, "document.discount", "0 minor units"),
        ({"discounts": [DiscountDoc("shop", 1, line=1)]}, "document.discount", "line 1"),
        ({"discounts": [DiscountDoc("shop", 1, line=-1)]}, "document.discount", "line -1"),
        ({"tags": [" "]}, "document.tag", "blank"),
        ({"tags": ["x" * 41]}, "document.tag", "40"),
        ({"tags": [str(n) for n in range(51)]}, "document.tag", "51"),
        ({"buyer_note": "x" * 10_001}, "document.note", "10001"),
        ({"seller_note": "a\x00b"}, "document.text", "NUL"),
        ({"invoice": InvoiceDoc(title="a\ud800")}, "document.text", "half a character"),
        ({"hold_until": NOW.replace(tzinfo=None)}, "document.time", "held"),
        ({"raw": bytes(8_000_001)}, "document.raw", "8000001"),
    ],
)
def test_what_cannot_be_taken_is_refused_with_a_sentence(more, code, words):
    outcomes = take(order("bad", **more), order("good"))

    assert states(outcomes) == ["refused", "accepted"]
    assert outcomes[0].code == code
    assert words in outcomes[0].reason
    assert list(Order.objects.values_list("external_id", flat=True)) == ["good"]


def test_the_time_of_a_hold_may_lie_ahead():
    assert states(take(order("1", hold_until=NOW + 30 * DAY))) == ["accepted"]


def test_an_unpaid_order_keeps_its_goods_until_then():
    put("sh", A=3)

    take(
        order("1", goods("A", 2), hold_until=NOW + HOUR),
        order("2", goods("A", 2), hold_until=NOW + HOUR),
        order("over", goods("A", 1), hold_until=NOW),
        order("none", goods("A", 1)),
    )

    assert (pool("A"), open_holds()) == ((3, 0, 2), {("2", "out_of_stock")})
    assert fetch_all("SELECT qty, state, expires_at FROM inventory_reservation") == [(2, "held", NOW + HOUR)]

    # and when it is paid it keeps them for good
    take(paid("1", goods("A", 2), version=NOW))
    assert fetch_all("SELECT qty, state, expires_at FROM inventory_reservation") == [(2, "held", None)]
    assert pool("A") == (3, 0, 2)
