"""Who gets the last units: a pure decision, and the joining of movements."""

from hypothesis import given
from hypothesis import strategies as st
from tests.support.company import NOW

from tongpan.inventory.engine import Delta, Demand, Shares, grant, level_sums, merge, pool_sums

DEMANDS = st.lists(st.tuples(st.integers(1, 6), st.sampled_from([1, 2, 3]), st.integers(1, 5)), max_size=15).map(
    lambda rows: [Demand(order, line, sku, qty) for line, (order, sku, qty) in enumerate(rows)]
)
AVAILABLE = st.dictionaries(st.sampled_from([1, 2, 3]), st.integers(0, 12))


def served_from(available, demands):
    """What is granted and refused from a pool without quotas."""
    granted, refused = grant(Shares(available), demands)
    assert {policy_id for _, policy_id in granted} <= {None}
    assert {why.reason for why in refused.values()} <= {"out_of_stock"}
    return [demand for demand, _ in granted], {order: why.demands for order, why in refused.items()}


def test_first_come_first_served_whole_or_not_at_all():
    demands = [Demand(1, 11, 7, 3), Demand(2, 21, 7, 2), Demand(2, 22, 8, 1), Demand(3, 31, 7, 1), Demand(4, 41, 9, 1)]

    granted, refused = served_from({7: 4, 8: 0}, demands)

    assert granted == [Demand(1, 11, 7, 3), Demand(3, 31, 7, 1)]
    assert refused == {2: [Demand(2, 21, 7, 2), Demand(2, 22, 8, 1)], 4: [Demand(4, 41, 9, 1)]}


def test_two_lines_of_one_sku_count_together():
    granted, refused = served_from({7: 3}, [Demand(1, 11, 7, 2), Demand(1, 12, 7, 2)])

    assert (granted, refused) == ([], {1: [Demand(1, 11, 7, 2), Demand(1, 12, 7, 2)]})


@given(AVAILABLE, DEMANDS)
def test_never_more_than_is_available_and_every_order_whole(available, demands):
    before = dict(available)

    granted, refused = served_from(available, demands)

    assert available == before
    for sku in (1, 2, 3):
        assert sum(d.qty for d in granted if d.sku_id == sku) <= available.get(sku, 0)
    orders = {d.order_id for d in demands}
    served = {d.order_id for d in granted}
    assert served | set(refused) == orders
    assert not served & set(refused)
    assert sorted(granted) == sorted(d for d in demands if d.order_id in served)
    assert all(refused.values())


@given(AVAILABLE, DEMANDS)
def test_who_is_refused_could_not_have_been_served(available, demands):
    granted, refused = served_from(available, demands)

    left = {sku: available.get(sku, 0) - sum(d.qty for d in granted if d.sku_id == sku) for sku in (1, 2, 3)}
    for order in refused:
        need: dict[int, int] = {}
        for d in demands:
            if d.order_id == order:
                need[d.sku_id] = need.get(d.sku_id, 0) + d.qty
        assert any(qty > left[sku] for sku, qty in need.items())


DELTAS = st.lists(
    st.builds(
        Delta,
        sku_id=st.sampled_from([1, 2]),
        node_id=st.sampled_from([None, 5, 6]),
        bucket=st.sampled_from(["saleable", "damaged"]),
        kind=st.sampled_from(["adjusted", "counted"]),
        on_hand=st.integers(-3, 3),
        allocated=st.integers(-3, 3),
        held=st.integers(-3, 3),
        cause_type=st.just("test"),
        cause_id=st.sampled_from([1, 2]),
        occurred_at=st.just(NOW),
    ),
    max_size=12,
)


@given(DELTAS)
def test_joining_movements_changes_no_sum(deltas):
    merged = merge(deltas)

    def without_zeros(sums):
        return {key: value for key, value in sums.items() if any(value)}

    assert without_zeros(level_sums(merged)) == without_zeros(level_sums(deltas))
    assert without_zeros(pool_sums(merged)) == without_zeros(pool_sums(deltas))
    keys = [(d.cause_type, d.cause_id, d.kind, d.sku_id, d.node_id, d.bucket) for d in merged]
    assert len(set(keys)) == len(keys)
    assert all(d.on_hand or d.allocated or d.held for d in merged)
