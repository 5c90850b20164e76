"""Channels share one pool, each within its quota; a quota is kept by the pool's lock and by the database."""

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st
from tests.support.company import ACTOR, DAY, HOUR, NOW, goods, open_holds, order_ids, paid, pool, put
from tests.support.database import contents
from tests.support.following import decisions, events, retry_all, route_all
from tests.support.intake import take

from tongpan.catalog.actions import mark_core
from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.fulfillment.actions import cancel, dispatch, route
from tongpan.inventory.actions import release
from tongpan.inventory.actions.policies import (
    remove_policies,
    save_policies,
    save_sessions,
    set_pool_mode,
    turn_policies,
)
from tongpan.inventory.engine import Demand, Granted, Quota, Refused, Shares, grant
from tongpan.inventory.engine.policies import PolicySpec, SessionSpec
from tongpan.inventory.queries import reconcile

DB = pytest.mark.usefixtures("company")
TMALL, MALL, LIVE = 1, 2, 3
A = 7


def ask(*units, channel=TMALL, first=1):
    return [Demand(order, order * 10, A, qty, channel) for order, qty in enumerate(units, first)]


def states(shares, demands):
    granted, refused = grant(shares, demands)
    return [g.policy_id for g in granted], {order: why.reason for order, why in refused.items()}


# the decision alone


def test_a_fence_is_for_its_channel_alone_and_it_takes_no_more():
    fence = Quota(1, TMALL, A, "reserved", 4, 0)

    assert states(Shares({A: 10}, [fence]), ask(3, 2, 1, channel=TMALL)) == ([1, 1], {2: "quota"})
    assert states(Shares({A: 10}, [fence]), ask(5, 2, 1, channel=MALL)) == ([None, None], {2: "quota"})


def test_a_fence_that_may_be_exceeded_is_a_guarantee():
    fence = Quota(1, TMALL, A, "reserved", 4, 0, may_exceed=True)

    assert states(Shares({A: 10}, [fence]), ask(9, 1)) == ([1, 1], {})


def test_a_fence_partly_used_keeps_only_the_rest():
    fence = Quota(1, TMALL, A, "reserved", 4, 3)

    assert states(Shares({A: 7}, [fence]), ask(6, 1, channel=MALL)) == ([None], {2: "quota"})


def test_a_cap_limits_what_a_channel_takes_and_keeps_nothing_for_it():
    cap = Quota(1, TMALL, A, "cap", 4, 1)

    assert states(Shares({A: 10}, [cap]), ask(2, 2, 1)) == ([1, 1], {2: "quota"})
    assert states(Shares({A: 10}, [cap]), ask(10, channel=MALL)) == ([None], {})


def test_a_live_session_is_drawn_on_first_then_the_standing_policy():
    session, cap = Quota(1, LIVE, A, "reserved", 2, 0, is_session=True), Quota(2, LIVE, A, "cap", 1, 0)

    assert states(Shares({A: 10}, [session, cap]), ask(2, 1, 1, channel=LIVE)) == ([1, 2], {3: "quota"})


def test_the_policy_of_a_sku_stands_before_the_one_of_every_sku():
    own, general = Quota(1, TMALL, A, "shared", 0, 0), Quota(2, TMALL, A, "cap", 1, 0)

    assert states(Shares({A: 10}, [own, general]), ask(9)) == ([1], {})


def test_a_segregated_pool_is_sold_from_quotas_only():
    fence = Quota(1, TMALL, A, "reserved", 4, 0, may_exceed=True)
    shares = Shares({A: 10}, [fence], is_segregated=True)

    assert states(shares, ask(5, 4) + ask(1, channel=MALL, first=3)) == ([1], {1: "quota", 3: "quota"})


def test_what_the_pool_lacks_is_out_of_stock_whatever_the_quotas():
    assert states(Shares({A: 1}, [Quota(1, TMALL, A, "cap", 1, 1)]), ask(2, 1)) == ([], {1: "out_of_stock", 2: "quota"})


def test_an_order_that_is_refused_gives_back_what_it_took():
    shares = Shares({A: 10, 8: 0}, [Quota(1, TMALL, A, "cap", 3, 0)])

    refused = shares.serve([Demand(1, 11, A, 3, TMALL), Demand(1, 12, 8, 1, TMALL)])

    assert refused == Refused("out_of_stock", [Demand(1, 12, 8, 1, TMALL)])
    assert shares.serve(ask(3)) == [Granted(Demand(1, 10, A, 3, TMALL), 1)]


@given(
    st.integers(0, 30),
    st.lists(
        st.tuples(st.sampled_from([TMALL, MALL]), st.sampled_from(["reserved", "cap", "percent"]), st.integers(0, 12)),
        max_size=2, unique_by=lambda row: row[0],
    ),
    st.lists(st.tuples(st.sampled_from([TMALL, MALL, LIVE]), st.integers(1, 5)), max_size=20),
)  # fmt: skip
def test_no_quota_is_passed_no_fence_entered_and_nothing_oversold(available, policies, wants):
    quotas = [Quota(n, channel, A, mode, limit, 0) for n, (channel, mode, limit) in enumerate(policies)]
    demands = [Demand(n, n, A, qty, channel) for n, (channel, qty) in enumerate(wants)]

    granted, _ = grant(Shares({A: available}, quotas), demands)

    taken = {c: sum(g.demand.qty for g in granted if g.demand.channel_id == c) for c in (TMALL, MALL, LIVE)}
    assert sum(taken.values()) <= available
    for quota in quotas:
        assert taken[quota.channel_id] <= quota.limit
        if quota.mode == "reserved":
            others = sum(units for channel, units in taken.items() if channel != quota.channel_id)
            assert others == 0 or others + max(quota.limit, taken[quota.channel_id]) <= max(
                available, quota.limit + others
            )


# in the database


def by(**more):
    return {"actor": ACTOR, "now": NOW} | more


def uses():
    return fetch_all("SELECT used, limit_units FROM inventory_quotause ORDER BY id")


def mall(number, qty=1, **more):
    return paid(number, goods("A", qty), shop_code="mall", **more)


@DB
def test_an_order_beyond_its_quota_waits_for_it_and_is_served_when_it_is_raised():
    put("sh", A=10)
    save_policies([PolicySpec("own", "A", "cap", 2)], **by())

    take(mall("1", 2), mall("2", 1), paid("3", goods("A", 9)))

    assert open_holds() == {("2", "quota"), ("3", "out_of_stock")}
    assert (pool("A"), uses()) == ((10, 0, 2), [(2, 2)])
    assert route_all("2") == {"2": "unfillable"}
    assert decisions("2") == [(1, "unfillable", "quota")]
    assert retry_all("A") == 0
    # and a higher quota serves it
    save_policies([PolicySpec("own", "A", "cap", 3)], **by())
    assert retry_all("A") == 1
    assert (open_holds(), uses()) == ({("3", "out_of_stock")}, [(3, 3)])
    assert reconcile().differences == []


@DB
def test_what_is_given_back_is_given_back_to_the_quota():
    put("sh", A=10)
    save_policies([PolicySpec("own", "A", "cap", 4)], **by())
    take(mall("1", 1), mall("2", 1), mall("3", 2))
    route_all("2")

    release(order_ids("1"), reason="test", **by())
    cancel(order_ids("2"), at=NOW, actor=ACTOR)

    assert uses() == [(2, 4)]
    # and what has left has used it up
    route_all("3")
    dispatch([fetch_all("SELECT max(id) FROM fulfillment_fulfillment")[0][0]], at=NOW, actor=ACTOR)
    assert uses() == [(2, 4)]
    assert reconcile().differences == []


@DB
def test_a_share_of_the_stock_counts_what_has_not_left():
    put("sh", A=10)
    save_policies([PolicySpec("own", "A", "percent", 40)], **by())

    take(mall("1", 4), mall("2", 1))

    assert open_holds() == {("2", "quota")}
    route_all("1")
    dispatch([fetch_all("SELECT max(id) FROM fulfillment_fulfillment")[0][0]], at=NOW, actor=ACTOR)
    # then six are left, of which two are its share
    assert (pool("A"), uses()) == ((6, 0, 0), [(0, None)])
    assert retry_all("A") == 1
    take(mall("3", 2))
    assert open_holds() == {("3", "quota")}
    assert reconcile().differences == []


@DB
def test_the_fence_of_a_live_session_is_everybodys_again_when_it_ends():
    put("sh", A=10)
    session = SessionSpec("own", "evening", NOW - HOUR, NOW + HOUR, {"A": 6})
    save_sessions([session], **by())

    take(paid("1", goods("A", 5)))
    take(mall("2", 6))
    assert open_holds() == {("1", "quota")}
    release(order_ids("2"), reason="test", **by())

    assert turn_policies(now=NOW + HOUR) == (0, 1)

    assert fetch_all("SELECT closed_at FROM inventory_livesession") == [(NOW + HOUR,)]
    assert route(order_ids("1"), actor="routing", now=NOW + HOUR) == {order_ids("1")[0]: "routed"}
    assert turn_policies(now=NOW + 2 * HOUR) == (0, 0)
    with pytest.raises(Refusal) as refused:
        save_sessions([session], **by())
    assert refused.value.code == "policy.closed"


@DB
def test_a_session_counts_from_its_beginning():
    put("sh", A=10)
    save_sessions([SessionSpec("own", "evening", NOW + HOUR, NOW + 2 * HOUR, {"A": 6})], **by())
    before = len(events("stock.policy_changed"))

    take(paid("1", goods("A", 5)))

    assert open_holds() == set()
    assert turn_policies(now=NOW + HOUR) == (1, 0)
    assert turn_policies(now=NOW + HOUR) == (0, 0)
    assert len(events("stock.policy_changed")) == before + 1


@DB
def test_a_policy_of_another_mode_begins_anew_and_one_taken_away_counts_no_more():
    put("sh", A=10)
    save_policies([PolicySpec("own", "", "cap", 2)], **by())
    take(mall("1", 2))

    save_policies([PolicySpec("own", "", "reserved", 2)], **by())
    take(mall("2", 2), mall("3", 1))
    assert open_holds() == {("3", "quota")}

    assert remove_policies([("own", "")], **by()) == 1
    assert retry_all("A") == 1
    assert remove_policies([("own", "")], **by()) == 0


@DB
def test_a_quota_below_what_was_promised_grants_nothing_more():
    put("sh", A=10)
    save_policies([PolicySpec("own", "A", "cap", 5)], **by())
    take(mall("1", 4))

    save_policies([PolicySpec("own", "A", "cap", 2)], **by())
    take(mall("2", 1))

    assert (uses(), open_holds()) == ([(4, 4)], {("2", "quota")})


@DB
def test_a_segregated_pool_serves_nobody_without_a_quota():
    put("sh", A=10)
    set_pool_mode("segregated", **by())
    save_policies([PolicySpec("own", "A", "reserved", 3)], **by())

    take(mall("1", 3), paid("2", goods("A")))

    assert open_holds() == {("2", "quota")}
    set_pool_mode("shared", **by())
    assert retry_all("A") == 1


@DB
def test_the_database_refuses_a_quota_that_is_passed():
    put("sh", A=10)
    save_policies([PolicySpec("own", "A", "cap", 3)], **by())
    take(mall("1", 3))
    before = contents()

    for statement in ("UPDATE inventory_quotause SET used = 4", "UPDATE inventory_quotause SET used = -1"):
        with pytest.raises(IntegrityError, match="quota_never_exceeded"), transaction.atomic():
            execute(statement)

    assert contents() == before


@DB
def test_a_fence_leaves_core_goods_their_cover():
    put("sh", A=10)
    mark_core({"A": True})
    execute("INSERT INTO inventory_cover (sku_id, units, days, daily) SELECT sku_id, 5, 0, 0 FROM inventory_pool")

    with pytest.raises(Refusal) as refused:
        save_policies([PolicySpec("own", "A", "reserved", 6)], **by())

    assert (refused.value.code, uses()) == ("policy.cover", [])
    save_policies([PolicySpec("own", "A", "reserved", 5)], **by())


@DB
@pytest.mark.parametrize("spec, code", [
    (PolicySpec("own", "A", "some", 1), "policy.mode"),
    (PolicySpec("own", "A", "percent", 101), "policy.value"),
    (PolicySpec("own", "A", "cap", -1), "policy.value"),
    (PolicySpec("none", "A", "cap", 1), "policy.unknown"),
    (PolicySpec("own", "B", "cap", 1), "policy.unknown"),
    (PolicySpec("own", "A", "cap", 1, starts_at=NOW, ends_at=NOW - DAY), "policy.time"),
    (PolicySpec("own", "A", "cap", 1, starts_at=NOW.replace(tzinfo=None)), "policy.time"),
])  # fmt: skip
def test_what_cannot_be_a_policy_is_refused(spec, code):
    put("sh", A=1)

    with pytest.raises(Refusal) as refused:
        save_policies([PolicySpec("tmall", "A", "cap", 1), spec], **by())

    assert refused.value.code == code
    assert fetch_all("SELECT count(*) FROM inventory_channelpolicy") == [(0,)]
