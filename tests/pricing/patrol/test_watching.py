"""Patrols that are due, price wars, competitors, and complaints with the conflict that they point to."""

from datetime import date, timedelta

import pytest
from tests.support.company import NOW
from tests.support.patrol import BY, look, open_dealer, open_price_book, seen

from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.pricing.patrol.actions import (
    ComplaintDoc,
    PlanSpec,
    register_complaints,
    save_plan,
    watch_prices,
)
from tongpan.pricing.patrol.models import PriceComplaint, PriceWar
from tongpan.pricing.patrol.queries.observations import competing, select_wars
from tongpan.pricing.patrol.queries.patrols import due_list, plan_goods, plans

pytestmark = pytest.mark.usefixtures("company")
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def test_a_pair_is_due_when_nobody_saw_it_for_the_days_of_its_plan():
    open_price_book()
    plan = PlanSpec("weekly", ("A", "B"), ("tmall", "own"), 7, "wang", date(2026, 11, 10))
    save_plan(plan, **BY)
    look(seen(observed_at=NOW - 8 * DAY), seen(sku="B", observed_at=NOW - 2 * DAY))

    due = due_list(NOW)

    assert [(one.sku, one.channel, one.days_late) for one in due] == [
        ("A", "own", 8),
        ("B", "own", 8),
        ("A", "tmall", 1),
    ]
    assert due[2].last_at == NOW - 8 * DAY
    assert [one.sku for one in due_list(NOW, assignee="zhao")] == []
    assert len(due_list(NOW - 7 * DAY, overdue=True)) == 3
    assert due_list(NOW - 9 * DAY) == []


def test_a_plan_is_changed_under_its_name_and_a_resting_one_is_not_due():
    open_price_book()
    first = save_plan(PlanSpec("weekly", ("A", "B"), ("tmall",), 7, "wang", date(2026, 11, 1)), **BY)
    second = save_plan(PlanSpec("weekly", ("A",), ("own",), 3, "li", date(2026, 11, 1), is_active=False), **BY)

    assert first == second
    assert plan_goods(first) == (["A"], ["own"])
    assert [(plan.name, plan.pairs, plan.assignee) for plan in plans()] == [("weekly", 1, "li")]
    assert due_list(NOW) == []
    for spec, said in (
        (PlanSpec("x", ("NO",), ("own",), 7, "wang", date(2026, 11, 1)), "There is no SKU 'NO'."),
        (PlanSpec("x", ("A",), ("own",), 0, "wang", date(2026, 11, 1)), "A plan is due every 1 to 366 days."),
        (PlanSpec("", ("A",), ("own",), 1, "wang", date(2026, 11, 1)), "A plan has a name"),
    ):
        with pytest.raises(Refusal) as refused:
            save_plan(spec, **BY)
        assert said in refused.value.sentence


def test_a_price_war_is_one_alarm_until_it_is_over():
    open_price_book()
    told = (("x", 90, 10_000), ("y", 89, 10_000), ("x", 60, 9_900), ("y", 40, 9_800), ("x", 20, 9_500))
    look(*(seen(price, seller=seller, observed_at=NOW - ago * HOUR) for seller, ago, price in told))

    assert watch_prices(NOW) == (1, 0)
    assert watch_prices(NOW) == (0, 0)
    look(seen(9_450, seller="y", observed_at=NOW - HOUR))
    assert watch_prices(NOW) == (0, 0)

    war = select_wars(is_open=True).get()
    assert (war.sku.code, war.sellers, war.start_minor, war.low_minor, len(war.cuts)) == (
        "A",
        ["x", "y"],
        10_000,
        9_450,
        4,
    )
    assert fetch_all("SELECT count(*) FROM core_event WHERE name = 'price.war_opened'") == [(1,)]
    assert watch_prices(NOW + 5 * DAY) == (0, 1)
    assert PriceWar.objects.get().closed_at == NOW + 5 * DAY


def test_competitors_are_compared_with_our_price_and_lead_to_a_proposal():
    open_price_book()
    rival = {"seller_class": "competitor"}
    look(
        seen(12_000, seller="old", observed_at=NOW - 20 * DAY, **rival),
        seen(9_300, seller="near", observed_at=NOW - 2 * DAY, **rival),
        seen(9_100, seller="near", observed_at=NOW - DAY, **rival),
        seen(5_000, seller="cheap", sku="B", **rival),
        seen(4_000, seller="stranger"),
    )

    found = competing(NOW)

    assert [(one.sku, one.suggestion.action, one.suggestion.amount_minor, one.suggestion.gap_bp) for one in found] == [
        ("B", "differ", None, -5_000),
        ("A", "promote", 900, -900),
    ]
    assert (found[1].ours_minor, found[1].seen, found[1].suggestion.rival.seller) == (10_000, 1, "near")


def test_a_complaint_is_linked_to_the_price_that_broke_a_rule_and_its_case():
    open_price_book()
    open_dealer()
    [bad] = look(seen(8_000, channel="dealers", shop="dl1", seller_class="authorised", observed_at=NOW - DAY))
    doc = ComplaintDoc("tmall", "T1", "A", "买贵了", NOW, "O-1", 10_000, 8_000, "dealers")

    first, other, unknown = register_complaints(
        [doc, ComplaintDoc("tmall", "T2", "B", "dear", NOW), ComplaintDoc("tmall", "T3", "NO", "x", NOW)], **BY
    )
    again = register_complaints([doc], **BY)[0]

    assert (first.state, first.conflict, other.conflict, unknown.code) == ("accepted", "violation", "", "complaint.sku")
    assert (again.state, again.id, again.conflict) == ("unchanged", first.id, "violation")
    row = PriceComplaint.objects.get(pk=first.id)
    assert row.observation_id == bad.id
    assert row.case is not None
    assert row.case.party == "dealer:d1"


def test_a_complaint_about_two_prices_of_ours_outside_the_band_points_to_the_channels():
    open_price_book()
    execute(
        """INSERT INTO pricing_pricelist (code, name_zh, name_en, kind, channel_id, tier, region, currency, priority,
                                          valid, is_active, note, created_by, created_at)
           SELECT 'own', '商城价', 'Mall', 'channel', id, '', '', 'CNY', 20, tstzrange(NULL, NULL), true, '', 'li',
                  now()
           FROM channels_channel WHERE code = 'own'"""
    )
    execute(
        """INSERT INTO pricing_priceentry (price_list_id, sku_id, min_qty, amount_minor, valid, created_at)
           SELECT l.id, s.id, 1, 9400, tstzrange(NULL, NULL), now() FROM pricing_pricelist l, catalog_sku s
           WHERE l.code = 'own' AND s.code = 'A'"""
    )
    docs = [ComplaintDoc("tmall", f"T-{sku}", sku, "商城更便宜", NOW, other_channel="own") for sku in ("A", "B")]

    assert [one.conflict for one in register_complaints(docs, **BY)] == ["channels", ""]
