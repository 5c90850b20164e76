"""Each kind of contradiction is found with a cart that the engine prices so; what is declared and announced is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from tongpan.promotions.conflicts.check import check
from tongpan.promotions.conflicts.facts import Announced, CampaignFacts, Good, Limits, Market
from tongpan.promotions.conflicts.words import TITLES, TODO, sentence_of
from tongpan.promotions.engine.language import read_rulebook

NOW = datetime(2026, 6, 1, tzinfo=UTC)
OPEN = {"starts_at": "2026-06-10", "ends_at": "2026-06-18"}
JUNE = CampaignFacts(
    "618", "unified", 0, datetime(2026, 6, 9, 16, tzinfo=UTC), datetime(2026, 6, 18, 16, tzinfo=UTC),
    ("taobao", "douyin"),
)  # fmt: skip
EACH = replace(JUNE, discount_mode="per_channel")
SHOP_300_50 = {
    "code": "shop-300-50", "kind": "stepped", "scope": {"all": True}, "conditions": {"channels": ["taobao"]},
    "benefit": {"steps": [{"from_minor": 30_000, "amount_minor": 5_000}]}, "campaign": "618", "window": OPEN,
}  # fmt: skip
LIVE_50 = {
    "code": "live-50", "kind": "amount", "needs_coupon": True, "scope": {"all": True},
    "conditions": {"channels": ["douyin"]}, "benefit": {"amount_minor": 5_000}, "campaign": "618", "window": OPEN,
}  # fmt: skip
COMMUNITY_20 = {
    "code": "community-20", "kind": "amount", "needs_coupon": True, "group": "community", "scope": {"all": True},
    "conditions": {"channels": ["taobao"]}, "benefit": {"amount_minor": 2_000}, "campaign": "618", "window": OPEN,
}  # fmt: skip


def market(*prices, campaigns=(JUNE,), channels=("taobao", "douyin"), **facts):
    """Goods G1, G2 … at these prices in every channel."""
    goods = tuple(Good(f"G{n}", stock=facts.get("stock")) for n, _price in enumerate(prices, 1))
    listed = {(one, ""): {f"G{n}": price for n, price in enumerate(prices, 1)} for one in channels}
    return Market(goods, channels, listed, campaigns=campaigns, expected=facts.get("expected", {}),
                  announced=facts.get("announced"))  # fmt: skip


def found(rules, facts, *, stack=(), limits=None, **more):
    book = read_rulebook({"rules": rules, "stack": list(stack), **more}, "draft")
    report = check(book, facts, now=NOW, limits=limits or Limits(max_depth_bp=10_000))
    for one in report.findings:
        assert sentence_of(one.content(), "CNY") and TITLES[one.kind] and TODO[one.kind]
    return list(report.findings)


def kinds(findings):
    return sorted({one.kind.value for one in findings})


def test_a_live_coupon_without_threshold_contradicts_the_shops_300_minus_50():
    findings = found([SHOP_300_50, LIVE_50], market(20_000))

    assert kinds(findings) == ["threshold", "unified"]
    [threshold] = [one for one in findings if one.kind == "threshold"]
    assert (threshold.rules, threshold.channels) == (("live-50", "shop-300-50"), ("douyin", "taobao"))
    assert [
        (cart.channel, cart.coupons, [(line.sku, line.qty, line.net_minor) for line in cart.lines], dict(cart.applied))
        for cart in threshold.examples
    ] == [
        ("douyin", ("live-50",), [("G1", 1, 15_000)], {"live-50": 5_000}),
        ("taobao", (), [("G1", 1, 20_000)], {}),
    ]
    [unified] = [one for one in findings if one.kind == "unified"]
    assert (unified.params["cheap"], unified.params["cheap_bp"], unified.params["dear_bp"]) == ("douyin", 2_500, 0)


def test_planned_stacking_is_no_conflict_once_it_is_declared_and_announced():
    rules, facts = [SHOP_300_50, COMMUNITY_20], market(30_000, campaigns=(replace(JUNE, channels=("taobao",)),))

    assert kinds(found(rules, facts)) == ["exclusive"]
    [stacked] = found(rules, facts, stack=[["order", "community"]])
    assert (stacked.kind, stacked.rules) == ("stack", ("community-20", "shop-300-50"))
    assert (stacked.examples[0].total_minor, dict(stacked.examples[0].applied)) == (
        23_000, {"shop-300-50": 5_000, "community-20": 2_000},
    )  # fmt: skip
    told = Announced(frozenset({"order", "community"}), frozenset({frozenset({"order", "community"})}), NOW)
    assert found(rules, replace(facts, announced=told), stack=[["order", "community"]]) == []
    told = replace(told, pairs=frozenset())
    assert found(rules, replace(facts, announced=told)) == []


def test_a_campaign_that_lets_each_channel_have_its_own_discount_is_held_to_its_tolerance():
    facts = market(20_000, campaigns=(EACH,))

    assert found([SHOP_300_50, LIVE_50], facts) == []
    loose, tight = (replace(EACH, tolerance_bp=part) for part in (3_400, 3_300))
    assert found([SHOP_300_50, LIVE_50], market(20_000, campaigns=(loose,))) == []
    [drift] = found([SHOP_300_50, LIVE_50], market(20_000, campaigns=(tight,)))
    assert (drift.kind, drift.params["cheap_minor"], drift.params["dear_minor"]) == ("unified", 15_000, 20_000)


def test_prices_that_sink_under_floor_cost_and_depth_are_found_in_the_cart_that_just_reaches_the_threshold():
    goods = (Good("DEAR", floor_minor=17_000, cost_minor=16_800), Good("CHEAP"))
    facts = Market(goods, ("taobao",), {("taobao", ""): {"DEAR": 20_000, "CHEAP": 10_000}})
    rules = [SHOP_300_50 | {"campaign": ""}]

    findings = found(rules, facts, limits=Limits(max_depth_bp=1_600))

    assert kinds(findings) == ["cost", "depth", "floor"]
    floor = findings[0]
    assert (floor.skus, floor.params["net_minor"], floor.params["limit_minor"]) == (("DEAR",), 16_667, 17_000)
    assert {(line.sku, line.qty) for line in floor.examples[0].lines} == {("DEAR", 1), ("CHEAP", 1)}
    easy = replace(facts, goods=(replace(goods[0], floor_minor=16_600, cost_minor=16_000), goods[1]))
    assert found(rules, easy, limits=Limits(max_depth_bp=1_700)) == []


def test_a_list_price_outside_the_band_of_another_channel_is_found():
    facts = market(10_000, 10_000, campaigns=())
    prices = {("taobao", ""): {"G1": 9_400, "G2": 10_000}, ("douyin", ""): {"G1": 10_000, "G2": 10_000}}
    bands = {"taobao": {"G1": (9_000, 11_000)}, "douyin": {"G1": (9_500, 10_500), "G2": (9_500, 10_500)}}
    rule = {"code": "r", "kind": "percent", "scope": {"all": True}, "benefit": {"percent": 5}, "window": OPEN}

    [band] = found([rule], replace(facts, prices=prices, bands=bands))

    assert (band.kind, band.channels, band.skus) == ("band", ("taobao", "douyin"), ("G1",))
    net = found([rule], replace(facts, bands=bands), limits=Limits(max_depth_bp=10_000, band_applies_to="net"))
    assert net == []
    deeper = rule | {"benefit": {"percent": 6}}
    net = found([deeper], replace(facts, bands=bands), limits=Limits(max_depth_bp=10_000, band_applies_to="net"))
    assert kinds(net) == ["band"] and {one.params["net_minor"] for one in net} == {9_400}


def test_a_promise_of_one_channel_only_is_found():
    gift = {
        "code": "gift", "kind": "gift", "scope": {"all": True}, "conditions": {"channels": ["douyin"]},
        "benefit": {"gifts": [{"sku": "G2", "qty": 1}]}, "campaign": "618", "window": OPEN,
    }  # fmt: skip

    [only] = found([gift], market(10_000, 500))

    assert (only.kind, only.channels, only.params["missing"]) == ("one_channel", ("douyin", "taobao"), "taobao")
    both = gift | {"conditions": {"channels": ["douyin", "taobao"]}}
    assert found([both], market(10_000, 500)) == []
    assert found([gift], market(10_000, 500, campaigns=(EACH,))) == []


def test_a_priority_that_gives_less_to_who_spends_more_is_found():
    lanes = [{"code": "order", "chooser": "first"}]
    small = {
        "code": "from-100", "kind": "amount", "lane": "order", "priority": 1, "scope": {"all": True}, "window": OPEN,
        "conditions": {"channels": ["taobao"], "min_minor": 10_000}, "benefit": {"amount_minor": 3_000},
    }  # fmt: skip
    large = small | {
        "code": "from-200", "priority": 2, "conditions": {"channels": ["taobao"], "min_minor": 20_000},
        "benefit": {"amount_minor": 2_000},
    }  # fmt: skip

    [steps] = [one for one in found([small, large], market(10_000, campaigns=()), lanes=lanes) if one.kind == "steps"]

    assert (steps.params["few_off_minor"], steps.params["many_off_minor"]) == (3_000, 2_000)
    assert [cart.total_minor for cart in steps.examples] == [7_000, 18_000]


def test_campaigns_whose_offers_shut_each_other_out_overlap():
    other = replace(JUNE, code="members")
    rival = {"group": "members", "campaign": "members", "code": "rival"}
    rules = [SHOP_300_50, SHOP_300_50 | rival]
    facts = market(30_000, campaigns=(replace(JUNE, channels=("taobao",)), replace(other, channels=("taobao",))))

    [overlap] = found(rules, facts)

    assert (overlap.kind, overlap.campaigns) == ("overlap", ("618", "members"))
    apart = SHOP_300_50 | rival | {"window": {"starts_at": "2026-06-19", "ends_at": "2026-06-25"}}
    assert kinds(found([SHOP_300_50, apart], facts)) == ["dates"]


def test_budgets_quotas_and_stock_are_held_against_what_is_expected():
    expected = {"taobao": {"G1": 10_000}}
    rule = SHOP_300_50 | {"campaign": "", "limits": {"money_minor": 200_000, "uses": 90}}

    findings = found([rule], market(30_000, campaigns=(), stock=80, expected=expected))

    assert [(one.kind.value, one.params["what"]) for one in findings] == [
        ("budget", "money"), ("stock", "expected"),
    ]  # fmt: skip
    assert (findings[0].params["need_minor"], findings[0].params["hours"], findings[0].params["of_hours"]) == (
        450_000, 96, 216,
    )  # fmt: skip
    assert (findings[1].params["need"], findings[1].params["stock"]) == (90, 80)
    assert found([rule], market(30_000, campaigns=(), stock=90, expected={"taobao": {"G1": 4_000}})) == []


def test_rules_that_are_over_or_outside_their_campaign_are_found():
    over = SHOP_300_50 | {"window": {"starts_at": "2026-05-01", "ends_at": "2026-05-31"}, "conditions": {}}
    late = SHOP_300_50 | {"code": "late", "window": {"starts_at": "2026-06-15", "ends_at": "2026-06-20"},
                          "conditions": {}}  # fmt: skip

    findings = [one for one in found([over, late], market(30_000)) if one.kind == "dates"]

    assert [(one.rules, one.params["why"]) for one in findings] == [(("late",), "outside"), (("shop-300-50",), "over")]
    assert findings[0].examples[0].at == JUNE.ends
    assert dict(findings[0].examples[0].applied) == {"late": 5_000}
