"""A kit is sold as one and stocked, promised, routed, sent and returned as its parts."""

import pytest
from tests.support.company import (
    ACTOR,
    BEIJING,
    HANGZHOU,
    HOUR,
    NOW,
    fulfillments,
    goods,
    levels,
    open_holds,
    paid,
    pool,
    put,
    return_of,
    shipped,
    statuses,
)
from tests.support.following import events, retry_all, route_all
from tests.support.intake import take, take_back

from tongpan.catalog.kits import KitSpec, parts_of, save_kits
from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.fulfillment.actions import dispatch
from tongpan.fulfillment.queries import reconcile as reconcile_fulfilments
from tongpan.inventory.queries import reconcile as reconcile_stock
from tongpan.orders.engine import ShipTo

pytestmark = pytest.mark.usefixtures("company")


@pytest.fixture
def gift(company):
    """A kit GIFT of one A and two B; some A and B at every node."""
    put("sh", A=5, B=10)
    put("hz", A=5, B=1)
    put("bj", GIFT=0)
    save_kits([KitSpec("GIFT", {"A": 1, "B": 2})], actor=ACTOR, now=NOW)


def sku(code):
    return fetch_all("SELECT id FROM catalog_sku WHERE code = %s", [code])[0][0]


def differences():
    return [*reconcile_stock().differences, *reconcile_fulfilments()[1]]


def dispatch_all():
    return dispatch([i for (i,) in fetch_all("SELECT id FROM fulfillment_fulfillment")], at=NOW, actor=ACTOR)


def test_a_kit_is_promised_sent_and_returned_by_its_parts(gift):
    take(paid("1", goods("GIFT", 2), goods("B")))

    assert (pool("A"), pool("B"), pool("GIFT")) == ((10, 0, 2), (11, 0, 5), (0, 0, 0))
    assert route_all() == {"1": "routed"}
    assert fulfillments("1") == [("sh", "allocated", {"A": 2, "B": 5})]
    assert (pool("A"), pool("B")) == ((10, 2, 0), (11, 5, 0))
    assert len(dispatch_all()) == 1
    assert (statuses(), pool("A"), pool("B")) == ({"1": "dispatched"}, (8, 0, 0), (6, 0, 0))

    take_back(return_of("R", goods("GIFT", 1, -1), order_external_id="1"))

    assert (levels("A")["sh"], levels("B")["sh"]) == ((4, 0), (7, 0))
    assert differences() == []


def test_a_kit_whose_part_is_short_waits_and_takes_nothing(gift):
    take(paid("1", goods("GIFT", 6)))

    assert route_all() == {"1": "unfillable"}

    assert open_holds() == {("1", "out_of_stock")}
    assert (pool("A"), pool("B")) == ((10, 0, 0), (11, 0, 0))
    # and the part that comes in serves it
    put("sh", "later", B=1)
    assert retry_all("B") == 1
    assert (pool("A")[1], pool("B")[1], open_holds()) == (6, 12, set())
    assert differences() == []


def test_parts_stay_together_where_a_node_can_send_the_whole_kit():
    # given a buyer in Beijing; Beijing and Hangzhou have half of the kit each, Shanghai has a whole one, C is elsewhere
    put("bj", A=1, C=1)
    put("hz", B=2)
    put("sh", A=1, B=2)
    put("sh", "kit", GIFT=0)
    save_kits([KitSpec("GIFT", {"A": 1, "B": 2})], actor=ACTOR, now=NOW)
    place = ShipTo(latitude=BEIJING[0], longitude=BEIJING[1])

    take(paid("1", goods("GIFT"), goods("C"), ship_to=place))
    route_all()

    assert sorted(fulfillments("1")) == [("bj", "allocated", {"C": 1}), ("sh", "allocated", {"A": 1, "B": 2})]


def test_parts_part_where_no_node_has_a_whole_kit():
    put("bj", A=1)
    put("hz", B=2)
    put("sh", GIFT=0)
    save_kits([KitSpec("GIFT", {"A": 1, "B": 2})], actor=ACTOR, now=NOW)

    take(paid("1", goods("GIFT"), ship_to=ShipTo(latitude=HANGZHOU[0], longitude=HANGZHOU[1])))

    assert route_all() == {"1": "routed"}
    assert sorted(fulfillments("1")) == [("bj", "allocated", {"A": 1}), ("hz", "allocated", {"B": 2})]
    dispatch([fetch_all("SELECT min(id) FROM fulfillment_fulfillment")[0][0]], at=NOW, actor=ACTOR)
    assert statuses() == {"1": "paid"}
    dispatch_all()
    assert statuses() == {"1": "dispatched"}
    assert differences() == []


def test_a_shipped_kit_takes_its_parts(gift):
    take(shipped("1", goods("GIFT", 1)))

    route_all()

    assert (pool("A"), pool("B")) == ((9, 0, 0), (9, 0, 0))


def test_a_kit_that_changes_keeps_what_it_was_promised(gift):
    take(paid("1", goods("GIFT")))

    save_kits([KitSpec("GIFT", {"A": 3})], actor=ACTOR, now=NOW)

    assert route_all() == {"1": "routed"}
    assert fulfillments("1") == [("sh", "allocated", {"A": 1, "B": 2})]
    take(paid("2", goods("GIFT")))
    route_all()
    assert fulfillments("2") == [("hz", "allocated", {"A": 3})]
    assert differences() == []


def test_a_cancelled_kit_gives_its_parts_back(gift):
    take(paid("1", goods("GIFT")), paid("2", goods("GIFT")))
    route_all("2")

    take(*(paid(n, goods("GIFT"), cancelled_at=NOW - HOUR) for n in "12"))
    route_all()

    assert (pool("A"), pool("B")) == ((10, 0, 0), (11, 0, 0))


def test_saving_a_kit_tells_which_skus_it_concerns(gift):
    save_kits([KitSpec("GIFT", {"A": 2})], actor=ACTOR, now=NOW)

    assert parts_of([sku("GIFT")]) == {sku("GIFT"): [(sku("A"), 2)]}
    assert events("catalog.kits_changed")[-1] == ("catalog.kits_changed", {"parts": sorted([sku("A"), sku("B")])})


@pytest.mark.parametrize("code, parts, why", [
    ("GIFT", {"GIFT": 1}, "kit.itself"),
    ("GIFT", {"A": 0}, "kit.qty"),
    ("GIFT", {"NONE": 1}, "kit.unknown"),
    ("A", {"B": 1}, "kit.nested"),
])  # fmt: skip
def test_what_cannot_be_a_kit_is_refused(gift, code, parts, why):
    before = parts_of([sku("GIFT"), sku("A")])

    with pytest.raises(Refusal) as refused:
        save_kits([KitSpec(code, parts)], actor=ACTOR, now=NOW)

    assert refused.value.code == why
    assert parts_of([sku("GIFT"), sku("A")]) == before
