"""Quality inspection of goods: the sample, the verdict, and what is not sold until somebody decides."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from tests.support.company import ACTOR, NOW, movements, pool, put
from tests.support.database import statements

from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.inventory.actions import adjust, decide_hold, inspect, reserve, save_quality_rules
from tongpan.inventory.actions.inspecting import quality_rules, sweep_holds
from tongpan.inventory.engine import AdjustmentDoc, Demand, StockLine
from tongpan.inventory.engine.inspecting import (
    DEFAULTS,
    Check,
    CheckResult,
    InspectionDoc,
    QualityRules,
    judge,
    sampling,
)
from tongpan.inventory.inspections import open_holds, promised_under, quality_by
from tongpan.inventory.models import Inspection, QualityHold
from tongpan.inventory.queries import reconcile
from tongpan.inventory.readers import QUALITY_HOLDS
from tongpan.runtime.readers import read_once

pytestmark = pytest.mark.usefixtures("company")
ANNA, BEN = "user:anna", "user:ben"
LIST = QualityRules((Check("look", "Look"), Check("safe", "Safety", is_critical=True)))


def found(number="Q1", node="sh", sku="A", lot=100, look=0, safe=0, **more):
    checks = [CheckResult("look", look), CheckResult("safe", safe)]
    return InspectionDoc("test", number, "receipt", node, sku, lot, NOW, checks, **more)


@pytest.fixture
def listed(company):
    save_quality_rules(LIST, actor=ACTOR, now=NOW)


def inspected(*docs, actor=ANNA, **more):
    return inspect(docs, actor=actor, now=NOW, **more)


@pytest.mark.parametrize(
    ("lot", "plan"),
    [
        (1, (1, 0)),
        (5, (5, 0)),
        (6, (5, 0)),
        (50, (5, 0)),
        (51, (20, 1)),
        (280, (32, 2)),
        (1200, (80, 5)),
        (99999, (500, 21)),
    ],
)
def test_the_sample_is_that_of_the_published_table(lot, plan):
    assert sampling("sample", lot) == plan
    assert sampling("all", lot) == (lot, 0)


def test_a_lot_passes_up_to_the_accepted_number_and_fails_at_one_unit_of_a_critical_check():
    assert judge(LIST, found(look=1)).passed
    assert not judge(LIST, found(look=2)).passed
    assert not judge(LIST, found(safe=1)).passed


@pytest.mark.parametrize(
    "bad",
    [
        found(sample=4),
        found(sample=101),
        found(lot=0),
        found(look=21),
        found(look=2, failed=1),
        found(look=2, safe=1, failed=4),
        replace(found(), checks=[CheckResult("look")]),
        replace(found(), checks=[CheckResult("nose")]),
        found(rule="none"),
    ],
)
def test_figures_that_contradict_each_other_are_refused(bad):
    with pytest.raises(Refusal):
        judge(LIST, bad)


def test_units_that_failed_leave_the_saleable_stock_though_the_lot_passed(listed):
    put("sh", A=100)

    [outcome] = inspected(found(look=1))

    assert (outcome.state, outcome.passed, outcome.moved, outcome.held) == ("accepted", True, 1, 0)
    assert buckets("A") == {("sh", "saleable"): 99, ("sh", "damaged"): 1}
    assert not QualityHold.objects.exists()
    reconcile()


def test_a_failed_lot_is_not_sold_until_somebody_else_releases_it(listed):
    put("sh", A=100)
    put("hz", A=7)

    [outcome] = inspected(found(look=3))

    assert (outcome.passed, outcome.moved, outcome.held) == (False, 3, 97)
    assert pool("A") == (7, 0, 0)
    assert reserve([Demand(1, 1, _sku("A"), 8)], actor=ACTOR, now=NOW)

    [hold] = open_holds()
    with pytest.raises(Refusal, match="inspected"):
        decide_hold(hold.pk, "released", reason="looked again", actor=ANNA, now=NOW)
    assert pool("A") == (7, 0, 0)
    assert decide_hold(hold.pk, "released", reason="looked again", actor=BEN, now=NOW) == 97
    assert buckets("A")["sh", "saleable"] == 97
    assert buckets("A")["sh", "damaged"] == 3
    with pytest.raises(Refusal, match="decided"):
        decide_hold(hold.pk, "condemned", reason="no", actor=BEN, now=NOW)


def test_a_condemned_lot_becomes_damaged_stock(listed):
    put("sh", A=10)
    inspected(found(lot=10, safe=1))
    [hold] = open_holds()

    assert decide_hold(hold.pk, "condemned", reason="burns", actor=ANNA, now=NOW) == 9
    assert buckets("A") == {("sh", "saleable"): 0, ("sh", "damaged"): 10, ("sh", "inspection"): 0}


def test_goods_that_arrive_while_a_sku_is_held_are_taken_off_sale_too(live_company):
    save_quality_rules(LIST, actor=ACTOR, now=NOW)
    put("sh", A=10)
    inspected(found(lot=10, safe=1))
    adjust([AdjustmentDoc("test", "more", "sh", NOW, [StockLine("A", 5)])], actor=ACTOR, now=NOW)

    while read_once(QUALITY_HOLDS):
        pass

    assert buckets("A")["sh", "saleable"] == 0
    assert buckets("A")["sh", "inspection"] == 14
    assert sweep_holds({_sku("A")}, now=NOW) == 0
    [hold] = open_holds()
    assert hold.units == 14


def test_units_promised_before_are_left_to_their_orders(listed):
    put("sh", A=10)
    assert not reserve([Demand(1, 1, _sku("A"), 4)], actor=ACTOR, now=NOW)

    [outcome] = inspected(found(lot=10, safe=1))

    assert (outcome.moved, outcome.held) == (1, 5)
    assert pool("A") == (4, 0, 4)
    assert promised_under(open_holds()[0]) == 0


def test_the_rules_may_block_the_sku_at_every_node(listed):
    save_quality_rules(replace(LIST, scope="sku"), actor=ACTOR, now=NOW)
    put("sh", A=10)
    put("hz", A=7)

    [outcome] = inspected(found(lot=10, safe=1))

    assert outcome.held == 16
    assert pool("A") == (0, 0, 0)
    assert quality_rules().scope == "sku"


def test_the_same_inspection_counts_once_and_another_of_its_number_is_refused(listed):
    put("sh", A=100)
    first, again, other = inspected(found(look=1), found(look=1), found(look=2))
    [later] = inspected(found(look=1))

    assert [o.state for o in (first, again, other, later)] == ["accepted", "unchanged", "refused", "unchanged"]
    assert other.code == "inspection.conflict"
    assert later.inspection_id == first.inspection_id
    assert buckets("A")["sh", "damaged"] == 1


def test_what_cannot_be_is_refused_alone_and_changes_nothing(listed):
    put("sh", A=100)
    before = movements("A")
    outcomes = inspected(
        found("1", node="nowhere"),
        found("2", sku="Z"),
        found("3", photos=["x"] * 11),
        replace(found("4"), inspected_at=NOW + timedelta(days=3)),
        found("5"),
        nodes=None,
    )
    [elsewhere] = inspected(found("6", look=5), nodes={0})

    assert [o.code for o in outcomes] == [
        "inspection.node",
        "inspection.sku",
        "inspection.photos",
        "inspection.time",
        "",
    ]
    assert elsewhere.code == "inspection.elsewhere"
    assert movements("A") == before
    assert Inspection.objects.count() == 1


def test_the_number_of_statements_does_not_grow_with_the_batch(listed):
    put("sh", A=100, B=100, C=100)
    with statements() as few:
        inspected(found("1", look=5))
    with statements() as many:
        inspected(*(found(f"n{i}", sku="BC"[i % 2], look=5) for i in range(40)))

    assert len(many) <= len(few) + 1


def test_quality_by_supplier_has_the_worst_first(listed):
    put("sh", A=500)
    inspected(
        found("1", supplier="good", look=0),
        found("2", supplier="bad", look=1),
        found("3", supplier="bad", look=3),
    )

    rows = quality_by("supplier", NOW - timedelta(days=1), NOW + timedelta(days=1))

    assert [(r.name, r.lots, r.failed_lots, r.units, r.failed) for r in rows] == [
        ("bad", 2, 1, 40, 4),
        ("good", 1, 0, 20, 0),
    ]
    assert rows[0].ratio == 0.1


def test_the_database_keeps_a_failed_lot_from_being_without_a_hold(listed):
    put("sh", A=100)
    inspected(found(look=1))

    with pytest.raises(IntegrityError), transaction.atomic():
        execute("UPDATE inventory_inspection SET passed = false")


def test_a_checklist_without_names_is_refused():
    with pytest.raises(Refusal):
        save_quality_rules(QualityRules((Check("a", ""),)), actor=ACTOR, now=NOW)
    assert quality_rules() == DEFAULTS


def _sku(code):
    return fetch_all("SELECT id FROM catalog_sku WHERE code = %s", [code])[0][0]


def buckets(code):
    rows = fetch_all(
        """SELECT n.code, l.bucket, l.on_hand FROM inventory_level l JOIN catalog_sku s ON s.id = l.sku_id
           JOIN network_node n ON n.id = l.node_id WHERE s.code = %s""",
        [code],
    )
    return {(node, bucket): units for node, bucket, units in rows}
