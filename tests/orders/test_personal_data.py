"""Personal data is sealed on its way in: nothing of it stands in the database in the clear."""

import json

import pytest
from tests.support.company import NOW, paid, put, return_of, shipped
from tests.support.database import tables
from tests.support.following import route_all
from tests.support.intake import take, take_back

from tongpan.access import vault
from tongpan.core.bulk import fetch_all
from tongpan.orders.engine import BuyerDoc, PaymentDoc, ShipTo
from tongpan.orders.models import Order

pytestmark = pytest.mark.usefixtures("company")
SECRETS = {
    "the buyer's name": "欧阳不露",
    "the buyer's number": "buyer-8842190077",
    "the recipient": "司徒不显",
    "the phone": "13911112222",
    "the address": "不可见路 77 号 4 单元",
}
BUYER = BuyerDoc("buyer", "tm", SECRETS["the buyer's number"], SECRETS["the buyer's name"], "浙江省", "杭州市")
TO = ShipTo("浙江省", "杭州市", 30.0, 120.0, SECRETS["the recipient"], SECRETS["the phone"], SECRETS["the address"])


def everything():
    """Every row of every table as text, and every binary column decoded as if it were text."""
    found = []
    for name in tables():
        found += [text for (text,) in fetch_all(f'SELECT t::text FROM "{name}" t')]
        for (column,) in fetch_all(
            "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND data_type = 'bytea'", [name]
        ):
            found += [
                bytes(data or b"").decode("utf-8", "replace")
                for (data,) in fetch_all(f'SELECT "{column}" FROM "{name}"')
            ]
    return "\n".join(found)


def test_no_personal_data_stands_in_the_clear():
    put("sh", A=9)
    take(
        paid("1", buyer=BUYER, ship_to=TO, payments=[PaymentDoc(1, "alipay", 1000, NOW)]),
        shipped("2", buyer=BUYER, ship_to=TO),
    )
    take(shipped("1", buyer=BUYER, ship_to=TO))
    take_back(return_of("R", buyer=BUYER))
    route_all()

    dump = everything()

    assert "杭州市" in dump  # the search does find what is there
    for what, secret in SECRETS.items():
        assert secret not in dump, what
        assert secret.encode().hex() not in dump, what
        assert json.dumps(secret)[1:-1] not in dump, what


def test_the_vault_opens_what_intake_sealed():
    take(paid("1", buyer=BUYER, ship_to=TO))

    order = Order.objects.select_related("customer").get()
    assert vault.open_sealed(order.recipient_sealed) == (
        f'["{SECRETS["the recipient"]}", "{SECRETS["the phone"]}", "{SECRETS["the address"]}"]'
    )
    assert vault.open_sealed(order.customer.name_sealed) == SECRETS["the buyer's name"]
    (sealed,) = fetch_all("SELECT value_sealed FROM customers_identifier")[0]
    assert vault.open_sealed(sealed) == SECRETS["the buyer's number"]


def test_an_order_without_a_recipient_seals_nothing():
    take(paid("1", ship_to=ShipTo("浙江省", "杭州市")))

    assert bytes(Order.objects.get().recipient_sealed) == b""
