"""Prices that were seen: taken in once, judged by the book of their moment, never changed, and followed up."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from tests.support.company import NOW
from tests.support.patrol import BY, look, open_dealer, open_price_book, seen

from tongpan.core.bulk import execute, fetch_all
from tongpan.pricing.patrol.actions import save_rules
from tongpan.pricing.patrol.models import Evidence, Observation, ViolationCase

pytestmark = pytest.mark.usefixtures("company")


def test_a_price_is_kept_with_what_was_made_of_it_and_the_version_of_the_rules():
    open_price_book()
    save_rules({"warn_percent": 90}, "stricter", **BY)

    [outcome] = look(seen(10_000, "券8；赠B", region="浙江省", url="https://shop.example/1"))

    assert outcome.state == "accepted"
    assert (outcome.effective_minor, outcome.finding) == (3_200, "under_floor")
    row = Observation.objects.get()
    assert (row.listed_minor, row.effective_minor, row.deviation_bp, row.rules_version) == (10_000, 3_200, -6_800, 1)
    assert [(part["off_minor"], part["reason"]) for part in row.parts] == [(800, "counted"), (6_000, "counted")]
    assert [one["code"] for one in row.findings] == ["under_floor", "deep_discount"]
    assert row.standard["net"] == 8_500
    assert (row.standard["low"], row.standard["high"]) == (9_500, 10_500)


def test_the_same_sighting_twice_changes_nothing_and_another_price_for_it_is_refused():
    open_price_book()
    doc = seen(9_800)

    first, twin, again = *look(doc, doc), *look(doc)
    [other] = look(replace(doc, listed_minor=9_700))

    assert [first.state, twin.state, again.state, other.state] == ["accepted", "unchanged", "unchanged", "refused"]
    assert {first.id, twin.id, again.id, other.id} == {first.id}
    assert other.code == "observation.changed"
    assert Observation.objects.count() == 1
    assert look(replace(doc, observed_at=NOW - timedelta(minutes=1)))[0].state == "accepted"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE patrol_observation SET effective_minor = 1",
        "DELETE FROM patrol_observation",
        "UPDATE patrol_evidence SET note = 'x'",
        "DELETE FROM patrol_step",
        "UPDATE patrol_rules SET note = 'x'",
    ],
)
def test_the_database_refuses_to_change_what_was_seen_or_done(statement):
    open_price_book()
    save_rules({}, "", **BY)
    look(seen(5_000))

    with pytest.raises(IntegrityError), transaction.atomic():
        execute(statement)
    assert (Observation.objects.get().effective_minor, Evidence.objects.count()) == (5_000, 1)


def test_what_cannot_be_taken_is_refused_with_its_reason_and_the_rest_goes_in():
    open_price_book()

    outcomes = look(
        seen(sku="NO"),
        seen(channel="nowhere"),
        seen(currency="USD"),
        seen(seller_class="friend"),
        seen(seller_class="own", seller=""),
        seen(seller=""),
        seen(shop="mall"),
        seen(dealer="sh"),
        seen(0),
        seen(observed_at=NOW + timedelta(hours=1)),
        seen(evidence_hash="abc"),
        seen(10_000),
    )

    assert [one.code.removeprefix("observation.") for one in outcomes] == [
        "sku", "channel", "currency", "seller_class", "shop", "seller", "shop", "dealer", "amount", "time", "hash", "",
    ]  # fmt: skip
    assert Observation.objects.count() == 1


def test_a_price_that_breaks_a_rule_opens_one_case_of_its_dealer_and_later_ones_are_evidence():
    open_price_book()
    open_dealer()
    of_dealer = {"channel": "dealers", "seller_class": "authorised", "seller": "", "shop": "dl1"}

    look(seen(9_400, **of_dealer))
    look(seen(9_300, "券20", observed_at=NOW - timedelta(hours=2), **of_dealer), seen(9_300, sku="B", **of_dealer))
    look(seen(10_000, observed_at=NOW - timedelta(hours=3), **of_dealer))

    cases = list(ViolationCase.objects.order_by("pk"))
    assert [(case.party, case.sku.code, case.finding, case.status) for case in cases] == [
        ("dealer:d1", "A", "under_floor", "open"),
        ("dealer:d1", "B", "under_band", "open"),
    ]
    assert [case.evidence.count() for case in cases] == [2, 1]
    assert cases[0].due_at == NOW + timedelta(days=3)
    assert fetch_all("SELECT name, payload ->> 'party' FROM core_event WHERE name = 'violation.opened'") == [
        ("violation.opened", "dealer:d1"),
        ("violation.opened", "dealer:d1"),
    ]


def test_findings_that_the_rules_do_not_name_and_competitors_open_no_case():
    open_price_book()

    look(seen(11_000), seen(9_900, "券14", seller="other"), seen(2_000, seller_class="competitor", seller="rival"))

    assert ViolationCase.objects.count() == 0
    assert list(Observation.objects.order_by("pk").values_list("finding", flat=True)) == [
        "over_band",
        "",
        "",
    ]


def test_the_number_of_statements_does_not_grow_with_the_batch():
    open_price_book()

    def statements(count: int, seller: str) -> int:
        docs = [seen(5_000, "券1", seller=f"{seller}{n}") for n in range(count)]
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert {one.state for one in look(*docs)} == {"accepted"}
        return len(captured)

    assert statements(2, "few") == statements(60, "many")
