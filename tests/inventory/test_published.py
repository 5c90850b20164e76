"""What a channel is told there is: computed from the stock, explained step by step, kept up to date by a reader."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.company import ACTOR, HOUR, NOW, goods, order_ids, paid, pool, put
from tests.support.database import statements
from tests.support.following import events, route_all
from tests.support.intake import take

from tongpan.catalog.kits import KitSpec, save_kits
from tongpan.catalog.listings import ListingSpec, save_listings
from tongpan.channels.actions import save_shop
from tongpan.channels.engine import ShopSpec
from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.eventlog import Event
from tongpan.inventory.actions import release
from tongpan.inventory.actions.floors import save_covers, save_node_policies
from tongpan.inventory.actions.policies import save_policies, save_sessions, set_pool_mode
from tongpan.inventory.actions.publishing import Concerned, republish
from tongpan.inventory.engine import Demand, Quota, Shares
from tongpan.inventory.engine.policies import CoverSpec, NodePolicySpec, PolicySpec, SessionSpec
from tongpan.inventory.engine.publishing import Good, Offer, Shelf, cover_units, publish
from tongpan.inventory.published import reconcile
from tongpan.inventory.readers import PUBLISHED_STOCK
from tongpan.network.actions import set_services

TMALL, MALL, FAR = 1, 2, 3
A = 7
BY = {"actor": ACTOR, "now": NOW}
DB = pytest.mark.usefixtures("company")


def good(*shelves, **more):
    return Good(A, "A", [Shelf(f"n{n}", *shelf) for n, shelf in enumerate(shelves)], **more)


def changes(steps):
    return [(step["step"], step["units"], step["left"]) for step in steps]


# the decision alone


def test_every_step_is_named_in_its_order():
    fences = [Quota(1, MALL, A, "reserved", 4, 1), Quota(2, TMALL, A, "cap", 9, 2)]
    made = good((20, 3, 2), (10, 0, 0), held=4, cover=5, quotas=fences, threshold=1)

    qty, steps = publish(Offer(TMALL, [(made, 1)]))

    assert (qty, changes(steps)) == (
        6,
        [
            ("on_hand", 30, 30), ("allocated", -3, 27), ("held", -4, 23), ("safety_stock", -2, 21), ("cover", -5, 16),
            ("fenced", -3, 13), ("quota", -6, 7), ("threshold", -1, 6),
        ],
    )  # fmt: skip
    assert steps[0]["nodes"] == [["n0", 20], ["n1", 10]]
    assert steps[6] | {"step": "quota"} == {
        "step": "quota", "units": -6, "left": 7, "mode": "cap", "limit": 9, "used": 2,
    }  # fmt: skip


def test_steps_that_take_nothing_are_left_out():
    assert publish(Offer(TMALL, [(good((7, 0, 0)), 1)])) == (
        7,
        [{"step": "on_hand", "units": 7, "left": 7, "nodes": [["n0", 7]]}],
    )


def test_a_fence_is_published_to_its_channel_alone():
    made = good((10, 0, 0), quotas=[Quota(1, MALL, A, "reserved", 4, 1)])

    assert publish(Offer(MALL, [(made, 1)]))[0] == 3
    assert publish(Offer(TMALL, [(made, 1)]))[0] == 7


def test_a_live_session_adds_its_fence_to_what_is_shared():
    made = good((10, 0, 0), quotas=[Quota(1, MALL, A, "reserved", 4, 0, is_session=True)])

    assert publish(Offer(MALL, [(made, 1)]))[0] == 10
    assert publish(Offer(TMALL, [(made, 1)]))[0] == 6


def test_a_kit_is_as_many_as_its_parts_make():
    b = Good(8, "B", [Shelf("n0", 7, 0, 0)])

    qty, steps = publish(Offer(TMALL, [(good((10, 0, 0)), 1), (b, 2)], is_kit=True))

    assert qty == 3
    assert changes(steps) == [
        ("on_hand", 10, 10), ("makes", 0, 10), ("on_hand", 7, 7), ("makes", 0, 3), ("kit", 0, 3),
    ]  # fmt: skip
    assert (steps[0]["sku"], steps[-1]["short"]) == ("A", "B")


def test_what_is_off_sale_or_served_by_no_node_is_published_as_nothing():
    made = good((10, 0, 0))

    assert publish(Offer(TMALL, [(made, 1)], is_on_sale=False)) == (0, [{"step": "off_sale", "units": 0, "left": 0}])
    assert publish(Offer(TMALL, [(made, 1)], is_served=False)) == (0, [{"step": "no_node", "units": 0, "left": 0}])


def test_cover_is_units_or_days_whichever_is_more():
    assert (cover_units(5, 3, 1.5), cover_units(4, 3, 1.5), cover_units(0, 0, 9)) == (5, 5, 0)


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(0, 9)), max_size=3),
    st.integers(0, 9), st.integers(0, 9), st.integers(0, 5),
    st.lists(
        st.tuples(st.sampled_from([TMALL, MALL]), st.sampled_from(["reserved", "cap", "percent", "shared"]),
                  st.integers(0, 12), st.integers(0, 12), st.booleans(), st.booleans()), max_size=4),
    st.booleans(),
)  # fmt: skip
def test_the_steps_add_up_and_what_is_published_could_be_sold(shelves, held, cover, threshold, policies, is_segregated):
    quotas = [Quota(n, c, A, mode, limit, used, exceeds, live and mode == "reserved")
              for n, (c, mode, limit, used, exceeds, live) in enumerate(policies)]  # fmt: skip
    quotas.sort(key=lambda quota: not quota.is_session)
    stocked = [(on_hand, min(allocated, on_hand), safety) for on_hand, allocated, safety in shelves]
    made = good(*stocked, held=held, cover=cover, quotas=quotas, threshold=threshold, is_segregated=is_segregated)

    qty, steps = publish(Offer(TMALL, [(made, 1)]))

    assert qty >= 0
    left = 0
    for step in steps:
        left += step["units"]
        assert step["left"] == left
    assert left == qty
    shares = Shares({A: max(sum(s[0] - s[1] for s in stocked) - held, 0)}, quotas, is_segregated=is_segregated)
    assert isinstance(shares.serve([Demand(1, n, A, 1, TMALL) for n in range(qty)]), list)


@given(
    st.integers(0, 20), st.integers(0, 20), st.integers(0, 9), st.integers(0, 9), st.integers(0, 6),
    st.lists(st.tuples(st.sampled_from([TMALL, MALL, FAR]), st.integers(0, 12), st.integers(0, 12)), max_size=3),
)  # fmt: skip
def test_a_shop_of_some_nodes_is_told_what_these_can_give(near, far, held_here, held_far, cover, fences):
    held_far = min(held_far, max(near + far - held_here, 0))
    quotas = [Quota(n, c, A, "reserved", limit, used) for n, (c, limit, used) in enumerate(fences)]
    made = good((near, 0, 0), held=held_here + held_far, held_here=held_here, elsewhere=far, cover=cover,
                quotas=quotas, here={0, TMALL, MALL})  # fmt: skip

    qty, steps = publish(Offer(TMALL, [(made, 1)]))

    assert qty == sum(step["units"] for step in steps)
    whole = Shares({A: max(near + far - held_here - held_far - cover, 0)}, quotas)
    assert qty <= min(max(near - held_here, 0), whole.capacity(TMALL, A))
    if not fences:
        assert qty == max(min(near - held_here, near + far - held_here - held_far - cover), 0)


def test_what_other_nodes_can_give_does_not_count_against_a_shop():
    fences = [Quota(1, FAR, A, "reserved", 5, 0), Quota(2, MALL, A, "reserved", 2, 0)]

    def told(**more):
        return publish(Offer(TMALL, [(good((10, 0, 0), **({"here": {0, TMALL, MALL}} | more)), 1)]))[0]

    assert told(held=4, held_here=0, elsewhere=4) == 10
    assert told(held=4, held_here=0, elsewhere=1) == 7  # promised from the pool, and the other nodes lack three
    assert told(held=4, held_here=3, elsewhere=9) == 7
    assert told(cover=6, elsewhere=9) == 10
    assert told(cover=6, elsewhere=4) == 8
    assert told(quotas=fences, elsewhere=5) == 8
    assert told(quotas=fences, elsewhere=1) == 4
    assert told(quotas=fences, elsewhere=5, held=4, held_here=0, cover=1) == 3


# in the database


def list_on(shop, sku, item="", **more):
    return next(iter(save_listings([ListingSpec(shop, item or sku, "", sku, **more)], **BY).values()))


def published():
    return dict(
        fetch_all(
            """SELECT h.code || '/' || l.external_item_id, p.qty FROM inventory_publishedstock p
               JOIN catalog_listing l ON l.id = p.listing_id JOIN channels_shop h ON h.id = l.shop_id"""
        )
    )


def follow():
    """What the reader does with everything logged since the last time."""
    rows = fetch_all(
        "SELECT id, name, key, payload::text FROM core_event WHERE name = ANY(%s) ORDER BY id",
        [list(PUBLISHED_STOCK.follows)],
    )
    import json

    batch = [Event(*_filled(row, json)) for row in rows if row[0] > follow.seen]
    follow.seen = max([follow.seen, *(row[0] for row in rows)])
    PUBLISHED_STOCK.handle(batch)


def _filled(row, json):
    from dataclasses import fields, is_dataclass

    names = [f.name for f in fields(Event)] if is_dataclass(Event) else list(Event._fields)
    known = {"id": row[0], "name": row[1], "key": row[2], "payload": json.loads(row[3])}
    return [known.get(name) for name in names]


@pytest.fixture(autouse=True)
def _from_the_beginning():
    follow.seen = 0


@DB
def test_stock_policies_and_listings_are_followed():
    put("sh", A=10)
    list_on("tm", "A")
    list_on("mall", "A")
    follow()
    assert published() == {"tm/A": 10, "mall/A": 10}

    take(paid("1", goods("A", 3)))
    follow()
    assert published() == {"tm/A": 7, "mall/A": 7}
    route_all()
    save_policies([PolicySpec("own", "A", "reserved", 4), PolicySpec("tmall", "", "shared", threshold=1)], **BY)
    follow()
    assert published() == {"tm/A": 2, "mall/A": 4}
    save_node_policies([NodePolicySpec("sh", "", safety_stock=5)], **BY)
    follow()
    assert published() == {"tm/A": 0, "mall/A": 2}
    save_node_policies([NodePolicySpec("sh")], **BY)
    save_covers([CoverSpec("A", units=2)], **BY)
    follow()
    assert published() == {"tm/A": 0, "mall/A": 4}
    save_covers([CoverSpec("A", is_core=False)], **BY)
    set_pool_mode("segregated", **BY)
    follow()
    assert published() == {"tm/A": 0, "mall/A": 4}
    set_pool_mode("shared", **BY)
    list_on("mall", "A", is_on_sale=False)
    set_services("tm", ["bj"], **BY)
    follow()
    assert published() == {"tm/A": 0, "mall/A": 0}
    put("bj", A=8)
    save_shop(ShopSpec("tm", "tmall", "TM"), **BY)
    follow()
    assert published() == {"tm/A": 3, "mall/A": 0}
    assert fetch_all("SELECT count(*) FROM core_event WHERE name = 'stock.published' AND key = %s", [
        str(fetch_all("SELECT min(id) FROM catalog_listing")[0][0])
    ]) == [(5,)]  # fmt: skip


@DB
def test_what_is_promised_on_other_nodes_leaves_a_shop_its_own():
    put("sh", A=10)
    put("bj", A=6)
    set_services("tm", ["bj"], **BY)
    set_services("mall", ["sh"], **BY)
    list_on("tm", "A")
    list_on("mall", "A")
    take(paid("1", goods("A", 4), shop_code="mall"))
    save_policies([PolicySpec("own", "A", "reserved", 5)], **BY)
    follow()
    assert published() == {"tm/A": 6, "mall/A": 5}

    take(paid("2", goods("A", 1, wanted_node="bj"), shop_code="mall"))
    follow()
    assert published()["tm/A"] == 5
    set_services("mall", ["sh", "bj"], **BY)
    follow()
    assert published()["tm/A"] == 0


@DB
def test_a_kit_follows_its_parts():
    put("sh", A=10, B=6, GIFT=0)
    save_kits([KitSpec("GIFT", {"A": 1, "B": 2})], **BY)
    list_on("tm", "GIFT")
    follow()
    assert published() == {"tm/GIFT": 3}

    take(paid("1", goods("B", 3)))
    follow()
    assert published() == {"tm/GIFT": 1}
    save_kits([KitSpec("GIFT", {"A": 2})], **BY)
    follow()
    assert published() == {"tm/GIFT": 5}


@DB
def test_only_a_number_that_changes_is_told():
    put("sh", A=10)
    listing = list_on("tm", "A")
    follow()
    assert events("stock.published") == [
        ("stock.published", {"shop": fetch_all("SELECT shop_id FROM catalog_listing")[0][0], "qty": 10})
    ]
    computed = fetch_all("SELECT computed_at, changed_at FROM inventory_publishedstock")

    take(paid("1", goods("A", 2)))
    release(order_ids("1"), reason="test", **BY)
    follow()
    list_on("tm", "A", title="new words")
    follow()

    assert len(events("stock.published")) == 1
    assert fetch_all("SELECT computed_at, changed_at FROM inventory_publishedstock") == computed
    assert events("catalog.listings_changed") == [
        ("catalog.listings_changed", {"sku": fetch_all("SELECT id FROM catalog_sku")[0][0]})
    ]
    assert listing == fetch_all("SELECT id FROM catalog_listing")[0][0]


@DB
def test_a_live_session_is_published_while_it_lasts():
    put("sh", A=10)
    list_on("tm", "A")
    list_on("mall", "A")
    save_sessions([SessionSpec("own", "evening", NOW, NOW + HOUR, {"A": 6})], **BY)

    republish(Concerned(everything=True), now=NOW)
    assert published() == {"tm/A": 4, "mall/A": 10}
    republish(Concerned(everything=True), now=NOW + HOUR)
    assert published() == {"tm/A": 10, "mall/A": 10}


@DB
def test_the_number_of_statements_does_not_grow_with_the_listings():
    put("sh", **{f"S{n}": n for n in range(200)})
    save_listings([ListingSpec("tm", f"{n}", "", f"S{n}") for n in range(200)], **BY)
    ids = [i for (i,) in fetch_all("SELECT id FROM catalog_listing ORDER BY id")]

    found = []
    for size in (1, 150):
        with statements() as sent:
            republish(Concerned(listing_ids=ids[:size]), now=NOW)
        found.append(len([sql for sql in sent if "SAVEPOINT" not in sql]))
        execute("DELETE FROM inventory_publishedstock")
    with statements() as sent:
        republish(Concerned(sku_ids=[10**6]), now=NOW)

    assert found[0] == found[1] <= 9
    assert len([sql for sql in sent if "SAVEPOINT" not in sql]) == 1


@DB
def test_reconcile_proves_what_is_published():
    put("sh", A=10)
    listing = list_on("tm", "A")
    republish(Concerned(everything=True), now=NOW)
    execute(
        """INSERT INTO core_cursor (reader, tx, event_id)
           SELECT %s, max(tx), max(id) FROM core_event""",
        [PUBLISHED_STOCK.name],
    )
    assert reconcile() == ({"listings": 1, "published_events_behind": 0}, [])

    execute("UPDATE inventory_publishedstock SET qty = 11")

    assert reconcile()[1] == [{"what": "published", "listing": listing, "published": 11, "computed": 10}]
    # and while the reader is behind, nothing is said
    put("sh", "more", A=1)
    assert reconcile() == ({"listings": 1, "published_events_behind": 1}, [])
    assert pool("A") == (11, 0, 0)


@DB
@pytest.mark.parametrize("spec, code", [
    (ListingSpec("none", "1", "", "A"), "listing.unknown"),
    (ListingSpec("tm", "1", "", "none"), "listing.unknown"),
    (ListingSpec("tm", "", "", "A"), "listing.item"),
    (ListingSpec("tm", "1", "", "A", price_minor=-1), "listing.price"),
    (ListingSpec("tm", "1", "", "A", currency="yuan"), "listing.currency"),
    (ListingSpec("tm", "0", "", "A"), "listing.twice"),
])  # fmt: skip
def test_what_cannot_be_a_listing_is_refused(spec, code):
    put("sh", A=1)

    with pytest.raises(Refusal) as refused:
        save_listings([ListingSpec("tm", "0", "", "A"), spec], **BY)

    assert refused.value.code == code
    assert fetch_all("SELECT count(*) FROM catalog_listing") == [(0,)]
