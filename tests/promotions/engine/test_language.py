"""A rulebook is read strictly: everything that is wrong is told at once, each with its place and a sentence."""

import pytest
from tests.support.promotions import rule

from tongpan.promotions.engine.language import read_rulebook
from tongpan.promotions.engine.reading import BadRulebook


def faults(document):
    with pytest.raises(BadRulebook) as refused:
        read_rulebook(document, "1")
    return [str(fault) for fault in refused.value.faults]


def faults_of(kind, benefit, **words):
    return faults({"rules": [rule("r", kind, benefit, **words)]})


def test_all_faults_are_told_at_once_and_the_first_is_the_sentence():
    document = {
        "zone": "Mars/Olympus",
        "rules": [
            rule("a", "percent", {"percent": 120}),
            rule("a", "stepped", {"steps": []}),
            {"code": "c", "kind": "magic", "benefit": {}, "scope": {"all": True}},
        ],
        "stack": [["item", "nobody"]],
    }

    found = faults(document)

    assert found == [
        "zone: 'Mars/Olympus' is no time zone; give a name such as Asia/Shanghai.",
        "rules[0].benefit.percent: 120 is over 100.",
        "rules[1].benefit.steps: List 1 to 20 steps.",
        "rules[2].kind: 'magic' is not one of percent, amount, fixed_price, timed, flash_sale, member_price, "
        "group_price, first_order, stepped, buy_x_get_y, bundle, n_for_price, nth_item, trade_in, gift, sample, "
        "free_shipping.",
        "stack[0]: There is no group nobody; known are item, order.",
        "rules[1].code: rules[0] has the code a too; give each its own.",
    ]
    with pytest.raises(BadRulebook) as refused:
        read_rulebook(document, "1")
    assert refused.value.sentence == f"{found[0]} (and 5 more)"


@pytest.mark.parametrize(
    ("kind", "benefit", "words", "where", "sentence"),
    [
        ("percent", {"percent": 0}, {}, "benefit.percent", "0 is not above 0."),
        ("percent", {"percent": 12.345}, {}, "benefit.percent", "12.345 has more than two decimals."),
        ("amount", {"amount_minor": -5}, {}, "benefit.amount_minor", "-5 is negative; give minor units from 1 on."),
        ("amount", {"amount_minor": 9.5}, {}, "benefit.amount_minor", "9.5 is not a whole number of minor units."),
        (
            "amount",
            {"amount_minor": 5, "percent": 3},
            {},
            "benefit.percent",
            "There is no such word here; known are amount_minor, per.",
        ),
        (
            "timed",
            {"percent": 5},
            {},
            "window",
            "A timed discount says when: give a start, an end, weekly times or dates.",
        ),
        (
            "timed",
            {},
            {"window": {"ends_at": "2026-01-01"}},
            "benefit",
            "Say one of percent, amount_minor, price_minor, prices.",
        ),
        ("percent", {"percent": 5}, {"scope": {}}, "scope", 'The scope is empty: name goods, or say {"all": true}.'),
        (
            "percent",
            {"percent": 5},
            {"scope": {"skus": []}},
            "scope.skus",
            "The list is empty: leave the word out, or name something.",
        ),
        (
            "percent",
            {"percent": 5},
            {"scope": {"skus": ["A"], "except": {"skus": ["A", "B"]}}},
            "scope",
            "The scope is empty: everything that it names is left out again.",
        ),
        (
            "percent",
            {"percent": 5},
            {"window": {"starts_at": "2026-06-18", "ends_at": "2026-06-17"}},
            "window.ends_at",
            "The end is not after the start.",
        ),
        (
            "percent",
            {"percent": 5},
            {"window": {"starts_at": "18.6.2026"}},
            "window.starts_at",
            "'18.6.2026' is neither a date (2026-06-18) nor a time (2026-06-18T20:00).",
        ),
        (
            "percent",
            {"percent": 5},
            {"window": {"weekly": [{"days": ["wed"], "from": "22:00", "to": "02:00"}]}},
            "window.weekly[0].to",
            "The end is not after the start; hours past midnight are two entries.",
        ),
        (
            "percent",
            {"percent": 5},
            {"window": {"ends_at": "2026-06-18", "dates": ["2026-07-01"]}},
            "window.dates[0]",
            "This date lies outside the start and the end of the window.",
        ),
        (
            "percent",
            {"percent": 5},
            {"payers": {"shop": 0}},
            "payers",
            'Say who bears it, with weights: {"shop": 70, "platform": 30}.',
        ),
        (
            "percent",
            {"percent": 5},
            {"payers": {"aunt": 1}},
            "payers.aunt",
            "There is no such word here; known are shop, platform, brand, influencer, dealer, bank.",
        ),
        (
            "percent",
            {"percent": 5},
            {"lane": "fast"},
            "lane",
            "There is no lane fast; known are item, bundle, order, coupon, shipping, gift.",
        ),
        (
            "percent",
            {"percent": 5},
            {"conditions": {"regions": ["Zhejiang"], "not_regions": ["Zhejiang"]}},
            "conditions.not_regions",
            "Zhejiang is asked for and left out at once.",
        ),
        (
            "percent",
            {"percent": 5},
            {"limits": {"partial": True}},
            "limits.partial",
            "This says what happens when money_minor runs out; give money_minor.",
        ),
        ("flash_sale", {"price_minor": 5}, {}, "limits", "A flash sale has a quota: give units or units_per_customer."),
        (
            "flash_sale",
            {"price_minor": 5},
            {"limits": {"units": 5, "units_per_customer": 9}},
            "limits.units_per_customer",
            "9 units are more than the 5 of the whole offer.",
        ),
        (
            "stepped",
            {"steps": [{"from_minor": 100, "amount_minor": 200}]},
            {},
            "benefit.steps[0].amount_minor",
            "200 off is more than the 100 that it asks for.",
        ),
        (
            "stepped",
            {"steps": [{"from_minor": 200, "amount_minor": 20}, {"from_minor": 100, "amount_minor": 30}]},
            {},
            "benefit.steps[1].from_minor",
            "Steps contradict each other: this one does not ask for more than the one before.",
        ),
        (
            "stepped",
            {"steps": [{"from_minor": 100, "amount_minor": 20}, {"from_minor": 200, "amount_minor": 10}]},
            {},
            "benefit.steps[1]",
            "Steps contradict each other: this one asks for more and gives no more.",
        ),
        (
            "stepped",
            {"steps": [{"from_minor": 100, "percent": 20}], "repeat": True},
            {},
            "benefit.repeat",
            "Only a single step that gives an amount can be repeated.",
        ),
        (
            "stepped",
            {"steps": [{"from_minor": 100, "percent": 20}]},
            {"limits": {"units": 5}},
            "limits.units",
            "Only offers that give a price or a discount for each unit count units.",
        ),
        (
            "amount",
            {"amount_minor": 500},
            {"conditions": {"min_minor": 300}},
            "benefit.amount_minor",
            "500 off is more than the 300 asked for.",
        ),
        (
            "gift",
            {"gifts": [{"sku": "G"}], "repeat": True},
            {},
            "benefit.repeat",
            "Say in conditions.min_minor or min_qty what a gift is given for each time.",
        ),
        (
            "bundle",
            {"parts": [{"skus": ["A"]}], "price_minor": 5},
            {},
            "benefit.parts",
            "A set has at least two units.",
        ),
        (
            "fixed_price",
            {"prices": {"A": 5}},
            {"scope": {"skus": ["A", "B"]}},
            "benefit.prices",
            "B is in the scope and has no price.",
        ),
        (
            "member_price",
            {"percent": 5},
            {"conditions": {"member": False}},
            "conditions.member",
            "A member price is for members; this asks for none.",
        ),
    ],
)
def test_a_rule_that_contradicts_itself_is_refused(kind, benefit, words, where, sentence):
    assert faults_of(kind, benefit, **words) == [f"rules[0].{where}: {sentence}"]


def test_gifts_that_open_each_other_are_refused_with_the_circle():
    def gift(code, sku, scope):
        return rule(code, "gift", {"gifts": [{"sku": sku}]}, scope=scope)

    circle = [gift("a", "B", {"skus": ["A"]}), gift("b", "C", {"skus": ["B"]}), gift("c", "A", {"skus": ["C"]})]
    harmless = [gift("a", "B", {"skus": ["A"]}), gift("b", "C", {"skus": ["B"]}), gift("c", "A", {"all": True})]

    assert faults({"rules": circle}) == [
        "rules[0].benefit.gifts: The gifts go round in a circle: a → b → c → a. "
        "Take a gift out of the scope of the rule that it would open."
    ]
    assert "self → self" in faults({"rules": [gift("self", "A", {"skus": ["A"]})]})[0]
    assert len(read_rulebook({"rules": harmless}, "1").rules) == 3


@pytest.mark.parametrize(
    "document", [None, [], "rules", 7, {"rules": {}}, {"rules": [None]}, {"rules": ["x"]}, {"lanes": []}]
)
def test_what_is_no_document_is_refused_and_breaks_nothing(document):
    assert faults(document)


def test_words_that_are_left_out_have_their_defaults():
    (one,) = read_rulebook({"rules": [rule("r", "percent", {"percent": "7.5"})]}, "3").rules

    assert (one.lane, one.group, one.priority, one.payers) == ("item", "item", 0, (("shop", 1),))
    assert one.benefit.percent_bp == 750
    assert one.window.zone == "Asia/Shanghai"
