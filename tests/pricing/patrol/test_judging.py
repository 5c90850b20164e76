"""A price against floor, band and guide price, what to do about a competitor, and when it is a price war."""

from datetime import UTC, datetime, timedelta

import pytest

from tongpan.core.errors import Refusal
from tongpan.pricing.patrol.judging import Rival, Standard, judge, share_bp, suggest
from tongpan.pricing.patrol.rules import LADDER, Rules, parse_rules
from tongpan.pricing.patrol.warfare import Offer, wars

RULES = Rules()
BOOK = Standard(guide=10_000, low=9_500, high=10_500, floor=9_000, net=8_500, cost=6_000, price=10_000)
NOW = datetime(2026, 11, 18, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def _codes(listed: int, effective: int, standard: Standard = BOOK) -> list[tuple[str, int, int]]:
    return [(one.code, one.seen_minor, one.limit_minor) for one in judge(listed, effective, standard, RULES).findings]


def test_limits_themselves_are_allowed():
    assert _codes(9_500, 8_500) == []
    assert _codes(10_500, 10_500) == []


def test_the_effective_price_is_held_against_the_net_floor_and_the_listed_one_against_band_and_floor():
    assert _codes(9_800, 8_499) == [("under_floor", 8_499, 8_500)]
    assert _codes(9_499, 9_499) == [("under_band", 9_499, 9_500)]
    assert _codes(8_999, 8_999) == [("under_floor", 8_999, 9_000), ("under_band", 8_999, 9_500)]
    assert _codes(10_501, 9_000) == [("over_band", 10_501, 10_500)]


def test_the_band_judges_net_prices_where_the_settings_say_so():
    on_net = Standard(guide=10_000, low=9_500, high=10_500, band_on_net=True)

    assert _codes(10_000, 9_400, on_net) == [("under_band", 9_400, 9_500)]


def test_less_than_four_fifths_of_the_guide_price_is_a_deep_discount():
    guide_only = Standard(guide=10_000)

    assert _codes(10_000, 8_000, guide_only) == []
    assert _codes(10_000, 7_999, guide_only) == [("deep_discount", 7_999, 8_000)]
    assert judge(10_000, 7_999, guide_only, RULES).deviation_bp == -2_001


def test_without_a_price_book_nothing_is_wrong_and_no_deviation_known():
    verdict = judge(1, 1, Standard(), RULES)

    assert (verdict.code, verdict.deviation_bp) == ("", None)


def test_shares_are_rounded_half_away_from_zero():
    assert [share_bp(n, 8) for n in (1, -1, 3)] == [1_250, -1_250, 3_750]
    assert [share_bp(n, 20_000) for n in (1, -1)] == [1, -1]


@pytest.mark.parametrize(
    ("theirs", "action", "amount", "reasons"),
    [
        (9_600, "hold", None, ["gap", "near"]),
        (9_490, "promote", 510, ["gap", "band_low"]),
        (8_999, "differ", None, ["gap", "floor"]),
        (10_400, "hold", None, ["gap", "near"]),
        (12_000, "raise", 10_500, ["gap", "band_high"]),
    ],
)
def test_the_lowest_competitor_leads_to_a_proposal_with_its_reasons(theirs, action, amount, reasons):
    rivals = [Rival("B", "jd", theirs, 2), Rival("C", "jd", theirs + 5_000, 3)]

    found = suggest(10_000, BOOK, rivals, RULES)

    assert found is not None
    assert (found.action, found.amount_minor, [code for code, _ in found.reasons]) == (action, amount, reasons)
    assert found.rival.seller == "B"


def test_a_price_within_all_limits_is_matched_and_none_is_proposed_without_a_rival():
    wide = Standard(guide=10_000, low=8_000, high=12_000, floor=7_000, cost=6_000)

    found = suggest(10_000, wide, [Rival("B", "jd", 9_000, 1)], RULES)

    assert found is not None
    assert (found.action, found.amount_minor, found.gap_bp) == ("match", 9_000, -1_000)
    assert suggest(10_000, BOOK, [], RULES) is None


def _offers(*told: tuple[str, int, int]) -> list[Offer]:
    """(seller, hours before now, price)."""
    return [Offer("A", seller, "tmall", price, NOW - ago * HOUR, n) for n, (seller, ago, price) in enumerate(told, 1)]


UNDERCUTTING = (("x", 90, 10_000), ("y", 89, 10_000), ("x", 60, 9_900), ("y", 40, 9_800), ("x", 20, 9_400))


def test_sellers_that_undercut_each_other_in_the_window_are_at_war():
    [war] = wars(_offers(*UNDERCUTTING), RULES, now=NOW)

    assert (war.sku, war.sellers, war.start_minor, war.low_minor) == ("A", ["x", "y"], 10_000, 9_400)
    assert [(cut.seller, cut.from_minor, cut.to_minor, cut.best_minor) for cut in war.cuts] == [
        ("x", 10_000, 9_900, 10_000),
        ("y", 10_000, 9_800, 9_900),
        ("x", 9_900, 9_400, 9_800),
    ]


@pytest.mark.parametrize(
    "told",
    [
        (("x", 90, 10_000), ("y", 89, 10_000), ("x", 60, 9_900), ("x", 40, 9_800), ("x", 20, 9_400)),
        (("x", 90, 10_000), ("y", 89, 10_000), ("x", 60, 9_900), ("y", 40, 9_800), ("x", 20, 9_700)),
        UNDERCUTTING[:4],
        tuple((seller, ago + 100, price) for seller, ago, price in UNDERCUTTING),
    ],
    ids=["one seller alone", "too small a drop", "too few cuts", "long ago"],
)
def test_it_is_no_war(told):
    assert wars(_offers(*told), RULES, now=NOW) == []


def test_rules_are_read_back_as_they_were_written_and_faults_are_named():
    assert parse_rules(RULES.as_json()) == RULES
    assert parse_rules({}).ladder == LADDER
    for given, said in (
        ({"basket": "half"}, "basket must be one of fill, alone."),
        ({"war_cuts": 0}, "war_cuts must be a whole number from 1 to 1000."),
        ({"typo": 1}, "There is no rule typo;"),
        ({"ladder": [{"cases": 2, "sanction": "warning"}]}, "ladder must begin with the first case (cases 1)."),
        ({"ladder": [{"cases": 1, "sanction": "fine"}]}, "A rung of ladder that fines needs fine_minor"),
        (
            {"ladder": [{"cases": 1, "sanction": "termination"}, {"cases": 2, "sanction": "warning"}]},
            "ladder must climb",
        ),
    ):
        with pytest.raises(Refusal) as refused:
            parse_rules(given)
        assert refused.value.code == "patrol.rules"
        assert said in refused.value.sentence
