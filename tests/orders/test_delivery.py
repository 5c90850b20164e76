"""How the goods of an order reach the buyer: what is taken, what is refused, and when a copy changes it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.company import HOUR, NOW, goods, order, put
from tests.support.intake import states, take

from tongpan.access import vault
from tongpan.core.bulk import execute, fetch_all
from tongpan.orders.engine import DeliveryDoc, digest
from tongpan.orders.models import Order

pytestmark = pytest.mark.usefixtures("company")
SLOT = (NOW + HOUR, NOW + 3 * HOUR)
GIFT = DeliveryDoc("instant", "sh", *SLOT, True, "red paper", "生日快乐", 800)


def stored(number="1"):
    (row,) = fetch_all(
        """SELECT delivery_method, delivery_node, slot_start, slot_end, contactless, gift_wrap, delivery_fee_minor
           FROM orders_order WHERE external_id = %s""",
        [number],
    )
    return row


def card(number="1"):
    sealed = bytes(Order.objects.get(external_id=number).gift_card_sealed)
    return vault.open_sealed(sealed) if sealed else ""


def test_an_order_that_says_nothing_is_sent():
    take(order("1", goods("A")))

    assert stored() == ("ship", "", None, None, False, "", None)
    assert card() == ""


def test_everything_that_is_said_is_kept_and_the_card_is_sealed():
    take(order("1", goods("A"), delivery=GIFT))

    assert stored() == ("instant", "sh", *SLOT, True, "red paper", 800)
    assert card() == "生日快乐"
    assert fetch_all("SELECT position('生日'::bytea IN gift_card_sealed) FROM orders_order") == [(0,)]


def test_a_document_without_a_delivery_keeps_the_digest_that_it_had():
    plain = order("1", goods("A"))

    assert digest(plain) == digest(replace(plain, delivery=DeliveryDoc()))
    assert digest(plain) != digest(replace(plain, delivery=DeliveryDoc(contactless=True)))


def test_a_later_copy_changes_the_delivery_and_one_that_is_silent_leaves_it():
    first = order("1", goods("A"), version=NOW, delivery=GIFT)
    moved = replace(first, version=NOW + HOUR, delivery=DeliveryDoc("pickup", "bj"))
    silent = replace(first, version=NOW + 2 * HOUR, delivery=DeliveryDoc(), buyer_note="x")

    take(first)
    assert states(take(moved)) == ["updated"]
    assert stored() == ("pickup", "bj", None, None, False, "", 800)
    assert card() == "生日快乐"
    assert states(take(silent)) == ["updated"]
    assert stored() == ("pickup", "bj", None, None, False, "", 800)


def test_what_people_changed_here_stays():
    first = order("1", goods("A"), version=NOW, delivery=GIFT)
    take(first)
    execute("UPDATE orders_order SET local_fields = ARRAY['delivery']", [])

    take(replace(first, version=NOW + HOUR, delivery=DeliveryDoc("pickup", "bj")))

    assert stored()[0] == "instant"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (DeliveryDoc("drone"), "'drone'; it must be ship, pickup, instant, dealer"),
        (DeliveryDoc("pickup"), "name the node where it is picked up"),
        (DeliveryDoc(slot_start=NOW), "only one end"),
        (DeliveryDoc(slot_start=NOW, slot_end=NOW), "before it begins"),
        (DeliveryDoc(slot_start=NOW.replace(tzinfo=None), slot_end=NOW), "has no zone"),
        (DeliveryDoc(slot_start=NOW, slot_end=NOW + timedelta(days=40)), "longer than a month"),
        (DeliveryDoc(gift_card="x" * 501), "more than 500"),
        (DeliveryDoc(node="x" * 61), "more than 60"),
        (DeliveryDoc(fee_minor=-1), "-1 minor units"),
    ],
)
def test_a_delivery_that_cannot_be_is_refused_and_says_why(wrong, says):
    refused, taken = take(order("1", goods("A"), delivery=wrong), order("2", goods("A")))

    assert (refused.state, refused.code) == ("refused", "document.delivery")
    assert says in refused.reason
    assert taken.state == "accepted"


def test_the_database_knows_no_pickup_without_a_node():
    put("sh", A=1)
    take(order("1", goods("A")))

    with pytest.raises(Exception, match="pickup_names_a_node"):
        execute("UPDATE orders_order SET delivery_method = 'pickup'", [])
