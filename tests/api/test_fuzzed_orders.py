"""Orders with anything wrong in any place: an answer that says so, never an error of ours, never half an order."""

import copy
import json

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.api.calling import Api, client_with_every_scope, cny, make_company, order
from tests.support.database import rolled_back, row_counts

from tongpan.core.bulk import fetch_all
from tongpan.inventory.queries import reconcile as reconcile_stock
from tongpan.orders.queries import reconcile as reconcile_orders

pytestmark = pytest.mark.django_db
MANY = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
FULL = order(
    discounts=[{"payer": "platform", "amount": cny("3"), "line": 1}, {"payer": "shop", "amount": cny("1")}],
    invoice={"kind": "e", "title": "t", "tax_number": "n", "content": "c"},
    tags=["vip"],
    buyer_note="n",
    updated_at="2026-11-18T10:02:00+08:00",
    hold_until="2026-11-18T10:30:00+08:00",
)
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(
        ["", " ", "\x00", "\ud800", "1e400", "-0", "９", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59+14:00",
         "2026-02-30T00:00:00Z", "x" * 5000, "﷽" * 300, "'; DROP TABLE orders_order; --", [], {}, [[]], {"a": {}}]
    ),
    st.sampled_from([cny("99999999999.99"), cny("-1"), {"amount": "1", "currency": "XXX"}, cny("0.001")]),
)  # fmt: skip


def places(value, at=()):
    """The path of everything in ``value``."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in inside:
        yield (*at, name)
        yield from places(part, (*at, name))


PLACES = list(places(FULL))


@st.composite
def spoiled(draw, number):
    """The full order with up to three things replaced, taken away, doubled or added."""
    found = copy.deepcopy(FULL) | {"number": number}
    for _ in range(draw(st.integers(0, 3))):
        *way, last = draw(st.sampled_from(PLACES))
        part = found
        try:
            for name in way:
                part = part[name]
            match draw(st.sampled_from(["replace", "take away", "double", "add"])):
                case "replace":
                    part[last] = draw(JUNK)
                case "take away":
                    del part[last]
                case "double":
                    part.append(part[last])
                case "add":
                    part["misspelt"] = draw(JUNK)
        except (KeyError, IndexError, TypeError, AttributeError):
            continue  # an earlier change took the place away
    return found


@pytest.fixture
def api(db: None) -> Api:
    make_company()
    return client_with_every_scope()


def assert_no_half_order(orders):
    whole = fetch_all(
        """SELECT o.external_id, (SELECT count(*) FROM orders_orderline l WHERE l.order_id = o.id),
                  (SELECT count(*) FROM orders_payment p WHERE p.order_id = o.id),
                  (SELECT count(*) FROM orders_orderevent e WHERE e.order_id = o.id AND e.kind = 'placed'),
                  (SELECT count(*) FROM core_event e WHERE e.name = 'order.accepted' AND e.key = o.id::text)
           FROM orders_order o"""
    )
    sent = {o["number"]: o for o in orders if isinstance(o.get("number"), str)}
    for number, lines, payments, placed, logged in whole:
        said = sent[number]
        assert (lines, payments) == (len(said["lines"]), len(said.get("payments", [])))
        assert (placed, logged) == (1, 1)
    assert reconcile_orders()[1] == []
    assert reconcile_stock().differences == []


@MANY
@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=3).flatmap(lambda ns: st.tuples(*(spoiled(f"F{n}") for n in ns)))
)
def test_any_order_is_taken_whole_or_refused_whole(api: Api, orders) -> None:
    with rolled_back():
        before = row_counts()
        try:
            body = json.dumps({"orders": orders}).encode()
        except UnicodeEncodeError:
            return

        response = api.call("POST", "/orders", body)

        assert response.status_code in (200, 400, 422), response.content
        answer = response.json()
        if response.status_code == 200:
            states = [outcome["state"] for outcome in answer["outcomes"]]
            assert len(states) == len(orders)
            accepted = fetch_all("SELECT count(*) FROM orders_order")[0][0]
            assert accepted == states.count("accepted")
            assert_no_half_order(orders)
        else:
            assert {"code", "detail"} <= set(answer)
            assert row_counts() == before


@MANY
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_answered(api: Api, body: bytes) -> None:
    with rolled_back():
        before = row_counts()

        response = api.call("POST", "/orders", body)

        assert response.status_code in (400, 422), response.content
        assert row_counts() == before
