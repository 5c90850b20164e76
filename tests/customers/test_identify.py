"""From identifiers to people: one identifier is one customer, whoever asks, how often and at once."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.company import DAY, HOUR, NOW
from tests.support.database import contents, rolled_back, row_counts, statements
from tests.support.processes import run_together

from tongpan.access import vault
from tongpan.core.bulk import execute, fetch_all
from tongpan.customers.actions import Sighting, identify
from tongpan.customers.models import Customer

U1 = Sighting("buyer", "tm", "u1", NOW)


def people():
    """(name, province, city, first seen) of every customer, by number of the first identifier."""
    rows = fetch_all(
        """SELECT name_sealed, province, city, c.first_seen_at FROM customers_customer c
           JOIN customers_identifier i ON i.customer_id = c.id ORDER BY i.kind, i.scope, c.id"""
    )
    return [(vault.open_sealed(name), *rest) for name, *rest in rows]


@pytest.mark.django_db
def test_the_same_identifier_is_the_same_customer():
    (first,) = identify([U1])
    before = contents()

    assert identify([U1, U1]) == [first, first]

    assert contents() == before
    assert row_counts()["customers_customer"] == row_counts()["customers_identifier"] == 1


@pytest.mark.django_db
@pytest.mark.parametrize("other", [replace(U1, kind="phone"), replace(U1, scope="tm2"), replace(U1, value="u2")])
def test_another_kind_scope_or_value_is_another_customer(other):
    assert len(set(identify([U1, other]))) == 2
    assert row_counts()["customers_customer"] == 2


@pytest.mark.django_db
def test_what_was_unknown_is_filled_in_and_what_was_known_stays():
    identify([U1])
    identify([replace(U1, seen_at=NOW + HOUR, name="张三", city="杭州市")])
    identify([replace(U1, seen_at=NOW - DAY, name="李四", province="浙江省", city="上海市")])

    assert people() == [("张三", "浙江省", "杭州市", NOW - DAY)]


@pytest.mark.django_db
def test_nobody_is_nobody():
    before = row_counts()

    with statements() as sent:
        assert identify([]) == []

    assert (sent, row_counts()) == ([], before)


SIGHTINGS = st.builds(
    Sighting,
    kind=st.just("buyer"),
    scope=st.sampled_from(["tm", "tm2"]),
    value=st.sampled_from(["u1", "u2"]),
    seen_at=st.integers(-5, 5).map(lambda hours: NOW + hours * HOUR),
    name=st.sampled_from(["", "张三", "李四"]),
    province=st.sampled_from(["", "浙江省"]),
    city=st.sampled_from(["", "杭州市", "宁波市"]),
)


@pytest.mark.django_db
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(SIGHTINGS, min_size=1, max_size=8), st.integers(1, 8))
def test_many_at_once_do_what_they_would_do_one_by_one(sightings, size):
    with rolled_back():
        one_by_one = [identify([sighting])[0] for sighting in sightings]
        apart = sorted(people())
    with rolled_back():
        together = [
            found for start in range(0, len(sightings), size) for found in identify(sightings[start : start + size])
        ]
        assert sorted(people()) == apart

    def groups(ids):
        return [ids.index(customer_id) for customer_id in ids]

    assert groups(together) == groups(one_by_one)


@pytest.mark.django_db
def test_the_number_of_statements_does_not_grow():
    counts = []
    for size in (1, 10, 200):
        sightings = [replace(U1, value=f"{size}-{number}", name="张三") for number in range(size)]
        with statements() as fresh:
            identify(sightings)
        with statements() as again:
            identify([replace(sighting, seen_at=NOW - DAY) for sighting in sightings])
        counts.append((len(fresh), len(again)))

    assert len(set(counts)) == 1
    assert counts[0][0] <= 8
    assert counts[0][1] <= 3


@pytest.mark.django_db
def test_an_identifier_is_found_by_an_index():
    identify([replace(U1, value=str(number)) for number in range(2000)])
    execute("ANALYZE customers_identifier")

    plan = fetch_all("EXPLAIN SELECT customer_id FROM customers_identifier WHERE digest = ANY(ARRAY['\\x00'::bytea])")

    assert "identifier_once" in "".join(line for (line,) in plan)


@pytest.mark.usefixtures("empty_log")
def test_processes_that_meet_the_same_people_at_once_make_each_of_them_once():
    sightings = [replace(U1, value=f"u{number}", seen_at=NOW + number * HOUR, name="张三") for number in range(30)]

    def work(shift):
        return lambda: [identify([replace(s, seen_at=s.seen_at - shift * DAY)])[0] for s in sightings]

    results = run_together([work(shift) for shift in (0, 1, 2)])

    assert results[0] == results[1] == results[2]
    assert len(set(results[0])) == 30
    assert row_counts()["customers_customer"] == row_counts()["customers_identifier"] == 30
    # the earliest sighting counts, whoever won the race
    assert sorted(Customer.objects.values_list("first_seen_at", flat=True)) == [s.seen_at - 2 * DAY for s in sightings]
