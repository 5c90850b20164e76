"""Metrics over any books equal the obvious computation in plain Python, and additive ones add up."""

from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.books import SIMPLE, Books, Sale
from tests.support.company import NOW
from tests.support.database import rolled_back
from tests.support.lake import write_lake

from tongpan.analytics.catalogue import catalogue
from tongpan.analytics.queries import metric, metrics_many

pytestmark = pytest.mark.usefixtures("company")

LINES = st.lists(
    st.one_of(
        st.tuples(st.sampled_from("ABC"), st.integers(1, 9), st.integers(0, 5000)),
        st.tuples(st.just(""), st.just(1), st.integers(-300, 900)),
    ),
    min_size=1,
    max_size=4,
).map(tuple)
SALES = st.lists(
    st.builds(
        Sale,
        number=st.just(""),
        shop=st.sampled_from(["tm", "tm2", "mall"]),
        day=st.integers(1, 70),
        lines=LINES,
        buyer=st.sampled_from(["", "ann", "bob", "cid", "dan"]),
        province=st.sampled_from(["", "浙江省", "江苏省"]),
        is_cancelled=st.booleans(),
        is_paid=st.booleans(),
    ),
    min_size=1,
    max_size=14,
).map(lambda sales: [Sale(**{**_fields(s), "number": str(n)}) for n, s in enumerate(sales)])
GROUPS = [(), ("channel",), ("shop", "province"), ("month",), ("week", "channel"), ("day",)]
slow = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _fields(sale):
    return {name: getattr(sale, name) for name in Sale.__dataclass_fields__}


def answered(key, by, **asked):
    return {tuple(row.dimensions.values()): row.value for row in metric(key, by=by, **asked).rows}


@slow
@given(SALES)
def test_simple_metrics_equal_the_model_in_every_grouping(sales):
    books = Books(sales)
    with rolled_back():
        books.enter()
        write_lake()
        for by in GROUPS:
            together = metrics_many(list(SIMPLE), by=by)
            for key, computed in SIMPLE.items():
                expected = {group: computed(found) for group, found in books.by(by).items()}
                assert {tuple(r.dimensions.values()): r.value for r in together[key].rows} == expected, (key, by)
                assert answered(key, by) == expected, (key, by)


@slow
@given(SALES)
def test_additive_metrics_add_up_over_every_dimension(sales):
    with rolled_back():
        Books(sales).enter()
        write_lake()
        additive = [spec.key for spec in catalogue().metrics.values() if spec.is_additive]
        totals = metrics_many(additive)
        for dimension in catalogue().dimensions:
            able = [key for key in additive if dimension in catalogue().metrics[key].dimensions]
            for key, result in metrics_many(able, by=[dimension]).items():
                found = sum(Decimal(str(row.value)) for row in result.rows)
                if result.is_additive:
                    assert found == Decimal(str(totals[key].value)), (key, dimension)
                else:
                    assert found >= Decimal(str(totals[key].value)), (key, dimension)


@slow
@given(SALES, st.sampled_from([7, 30, 365]))
def test_repurchase_equals_the_model(sales, window):
    with rolled_back():
        Books(sales).enter()
        write_lake()
        last = max(sale.business_date for sale in sales)
        for by in ((), ("channel",), ("province",)):
            expected = {}
            for group, found in Books(sales).by(by).items():
                inside = [s for s in found if last - timedelta(days=window) < s.business_date <= last]
                counts = Counter(s.buyer for s in inside if s.buyer)
                if counts:
                    expected[group] = sum(n >= 2 for n in counts.values()) / len(counts)
                elif not by:
                    expected[group] = None
            assert answered("repurchase_rate", by, settings={"window": str(window)}) == expected, by


@slow
@given(SALES)
def test_new_buyers_and_buyer_types_equal_the_model(sales):
    with rolled_back():
        Books(sales).enter()
        write_lake()
        first: dict[str, Sale] = {}
        for sale in sorted(sales, key=lambda s: (s.business_date, int(s.number))):
            if sale.buyer:
                first.setdefault(sale.buyer, sale)
        for by in ((), ("channel",), ("month", "province")):
            expected = Counter(tuple(sale.value(d) for d in by) for sale in first.values())
            assert answered("new_buyers", by) == (dict(expected) if expected or by else {(): 0}), by
        types = Counter("anonymous" if not s.buyer else "new" if first[s.buyer] is s else "returning" for s in sales)
        assert answered("orders", ("buyer_type",)) == {(kind,): count for kind, count in types.items()}


@slow
@given(
    SALES, st.lists(st.tuples(st.sampled_from(["tm", "mall"]), st.integers(1, 70), st.integers(1, 4000)), max_size=5)
)
def test_the_return_rate_equals_the_model(sales, returns):
    with rolled_back():
        Books(sales, returns).enter()
        write_lake()
        sold, back = Counter(), Counter()
        for sale in sales:
            sold[f"{sale.business_date:%Y-%m}"] += sale.goods
        for _, day, amount in returns:
            back[f"{(NOW - timedelta(days=day)).date():%Y-%m}"] += amount
        expected = {(m,): back[m] / sold[m] if sold[m] else None for m in {*sold, *back}}
        assert answered("return_rate", ("month",)) == expected
