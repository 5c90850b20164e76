"""Diversion over the company's data: who is scored from what, cases with evidence, scores made again."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from tests.support.company import NOW, goods, paid
from tests.support.intake import take
from tests.support.patrol import BY, look, open_dealer, open_price_book, seen

from tongpan.core.bulk import execute, fetch_all
from tongpan.orders.actions.contacts import index_contacts
from tongpan.orders.engine import ShipTo
from tongpan.pricing.patrol.models import ViolationCase
from tongpan.risk.actions import (
    CodeDoc,
    SightingDoc,
    look_for_diversion,
    record_sightings,
    register_codes,
    save_rules,
)
from tongpan.risk.models import DiversionScore, GoodsCode
from tongpan.risk.queries.scores import recompute, select_scores

pytestmark = pytest.mark.usefixtures("company")
DAY = timedelta(days=1)
HANGZHOU = ("浙江省", "杭州市", 30.27, 120.15)
BEIJING = ("北京市", "北京市", 39.9, 116.4)


def _sell(number: str, qty: int, place: tuple, phone: str, shop: str = "dl1") -> None:
    to = ShipTo(*place, "王五", phone, "中山路1号")
    take(paid(number, goods("A", qty, qty * 1_000), shop_code=shop, ship_to=to))


def _index_contacts() -> None:
    index_contacts([order_id for (order_id,) in fetch_all("SELECT id FROM orders_order")])


def _divert() -> None:
    """Dealer d1 of Zhejiang sells 6 units at home, 24 to one phone in Beijing; two of three serials turn up there."""
    open_price_book()
    open_dealer()
    for n in range(6):
        _sell(f"H{n}", 1, HANGZHOU, f"1390000000{n}")
    for n in range(3):
        _sell(f"B{n}", 8, BEIJING, "13812345678")
    _index_contacts()
    register_codes([CodeDoc("serial", f"S{n}", "A", "d1", NOW - 20 * DAY) for n in range(3)], **BY)
    record_sightings(
        [
            SightingDoc("serial", "S0", "scan", "北京", NOW - 2 * DAY),
            SightingDoc("serial", "S1", "warranty", "北京市", NOW - 2 * DAY),
            SightingDoc("serial", "S2", "scan", "浙江", NOW - 2 * DAY, "杭州"),
        ],
        **BY,
    )
    look(seen(6_000, channel="dealers", seller_class="authorised", seller="", shop="dl1", observed_at=NOW - DAY))


def test_a_dealer_that_sells_outside_its_territory_gets_a_case_with_its_evidence():
    _divert()

    found = look_for_diversion(**BY)

    row = DiversionScore.objects.get(dealer__code="d1")
    assert {one["code"]: (one["value"], one["known"], one["striking"]) for one in row.signals} == {
        "region_mix": (10_000, 30, 24),
        "bulk": (10_000, 30, 24),
        "codes": (10_000, 3, 2),
        "returns": (None, 0, 0),
        # 6000 + 800 of freight as the rules say: 11.76 % under, of 20
        "price": (5_880, 1, 1),
    }
    # (30*10000 + 15*10000 + 30*10000 + 15*5880) / 90 = 9313, of which nine tenths are known
    assert (row.score, row.level) == (84, "case")
    assert found.cases == [ViolationCase.objects.get(kind="diversion").pk]
    case = ViolationCase.objects.get(kind="diversion")
    assert (case.party, case.status, case.sku) == ("dealer:d1", "open", None)
    [evidence] = case.evidence.all()
    assert (evidence.kind, evidence.data["score"]) == ("diversion", 84)
    assert row.signals[0]["evidence"] == [["北京市", "北京市", 3, 24]]
    assert row.signals[2]["evidence"][0][:6] == ["serial", "S0", "A", "scan", "北京市", ""]
    assert fetch_all("SELECT payload ->> 'party' FROM core_event WHERE name = 'diversion.found'") == [("dealer:d1",)]


def test_a_score_is_made_again_from_what_was_stored_whatever_happened_since():
    _divert()
    look_for_diversion(**BY)
    row = DiversionScore.objects.get(dealer__code="d1")
    save_rules({"weights": {"region_mix": 0}}, "", **BY)
    _sell("later", 50, HANGZHOU, "13900000009")

    again = recompute(row.pk)

    assert again.is_same
    assert again.made.total == row.score
    look_for_diversion(**BY)
    assert DiversionScore.objects.filter(dealer__code="d1").latest("pk").score != row.score


def test_the_same_inputs_are_evidence_once_and_other_ones_again():
    _divert()

    first, second = look_for_diversion(**BY), look_for_diversion(**BY)

    assert first.cases == second.cases
    case = ViolationCase.objects.get(kind="diversion")
    assert case.evidence.count() == 1
    record_sightings([SightingDoc("serial", "S2", "return", "北京", NOW - DAY)], **BY)
    look_for_diversion(**BY)
    assert case.evidence.count() == 2
    assert fetch_all("SELECT count(*) FROM core_event WHERE name = 'diversion.found'") == [(1,)]


def test_a_case_of_a_simulated_dealer_is_labelled_so():
    _divert()
    execute("UPDATE network_node SET is_simulated = true WHERE code = 'd1'")

    look_for_diversion(**BY)

    assert ViolationCase.objects.get(kind="diversion").is_simulated


def test_nothing_of_a_score_names_a_person():
    _divert()
    look_for_diversion(**BY)

    [(text,)] = fetch_all("SELECT string_agg(inputs::text || signals::text, ' ') FROM risk_score")

    for personal in ("13812345678", "王五", "中山路"):
        assert personal not in text
    [(phone,)] = fetch_all(
        """SELECT encode(phone_index, 'hex') FROM orders_ordercontact c JOIN orders_order o ON o.id = c.order_id
           WHERE o.external_id = 'B0'"""
    )
    assert phone[:12] not in text


def test_a_shop_of_the_company_is_scored_by_its_bulk_buyers_and_gets_no_case():
    open_price_book()
    for n in range(4):
        _sell(f"M{n}", 1, HANGZHOU, f"1390000000{n}", "mall")
    _sell("M9", 60, HANGZHOU, "13812345678", "mall")
    _index_contacts()

    look_for_diversion(**BY)

    [row] = select_scores(DiversionScore.objects.get().run_id)
    assert row.shop.code == "mall"
    assert {one["code"]: one["value"] for one in row.signals} == {
        "region_mix": None,
        "bulk": 10_000,
        "codes": None,
        "returns": None,
        "price": None,
    }
    assert ViolationCase.objects.count() == 0


def test_a_batch_that_two_dealers_got_turned_up_outside_only_where_neither_may_sell():
    open_price_book()
    open_dealer()
    open_dealer("d2", "dl2", ("北京市",))
    register_codes([CodeDoc("batch", "L1", "A", dealer, NOW - 20 * DAY, 100) for dealer in ("d1", "d2")], **BY)
    places = ("北京", "浙江", "广东")
    record_sightings([SightingDoc("batch", "L1", "scan", p, NOW - n * DAY) for n, p in enumerate(places, 1)], **BY)

    look_for_diversion(**BY)

    for row in DiversionScore.objects.all():
        codes = next(one for one in row.signals if one["code"] == "codes")
        assert (codes["known"], codes["striking"]) == (3, 1)
        assert codes["evidence"][0][4] == "广东省"


def test_the_register_takes_each_shipment_and_sighting_once_and_names_what_is_wrong():
    open_price_book()
    open_dealer()
    good = CodeDoc("serial", "S1", "A", "d1", NOW - DAY)

    outcomes = register_codes(
        [
            good,
            good,
            CodeDoc("serial", "S2", "NO", "d1", NOW),
            CodeDoc("serial", "S2", "A", "sh", NOW),
            CodeDoc("serial", "S2", "A", "d1", NOW, 2),
            CodeDoc("box", "S2", "A", "d1", NOW),
            CodeDoc("batch", "", "A", "d1", NOW),
            CodeDoc("batch", "L", "A", "d1", NOW + DAY),
        ],
        **BY,
    )

    assert [one.state for one in outcomes[:2]] == ["accepted", "unchanged"]
    assert [one.code for one in outcomes[2:]] == [
        "code.sku",
        "code.dealer",
        "code.units",
        "code.kind",
        "code.code",
        "code.time",
    ]
    assert register_codes([good], **BY)[0].state == "unchanged"
    assert GoodsCode.objects.count() == 1
    sight = SightingDoc("serial", "S1", "scan", "浙江", NOW)
    assert [one.state for one in record_sightings([sight, sight], **BY)] == ["accepted", "unchanged"]
    assert record_sightings([SightingDoc("serial", "S1", "stolen", "浙江", NOW)], **BY)[0].code == "sighting.what"
    for statement in ("UPDATE risk_code SET qty = 1", "DELETE FROM risk_sighting"):
        with pytest.raises(IntegrityError), transaction.atomic():
            execute(statement)


def test_the_number_of_statements_does_not_grow_with_the_dealers():
    open_price_book()
    open_dealer()

    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            look_for_diversion(**BY)
        return len(captured)

    few = statements()
    for n in range(2, 12):
        open_dealer(f"d{n}", f"dl{n}")
        _sell(f"O{n}", 5, BEIJING, "13812345678", f"dl{n}")

    assert statements() == few
    assert DiversionScore.objects.filter(run=DiversionScore.objects.latest("pk").run_id).count() == 11
