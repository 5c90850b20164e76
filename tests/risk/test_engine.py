"""The diversion score: each signal exactly, what is unknown does not count, and the same inputs make the same score."""

import json
import random
from dataclasses import replace

import pytest

from tongpan.core.errors import Refusal
from tongpan.risk.engine import (
    SIGNALS,
    Asked,
    Bulk,
    CameBack,
    Inputs,
    Placed,
    Rules,
    Seen,
    parse_rules,
    read_inputs,
    score,
)

RULES = Rules()
EVERYTHING = Inputs(
    sold_units=100,
    placed=(Placed("浙江省", "杭州市", 20, 60, True), Placed("北京市", "", 10, 40, False)),
    bulk=(
        Bulk("A", "buyer", "1f", 2, 30, 30, 1, 3),
        Bulk("A", "phone", "2e", 3, 35, 40, 2, 3),
        Bulk("B", "buyer", "3d", 1, 3, 3, 1, 9),
    ),
    seen=(
        Seen("serial", "S1", "A", "scan", "北京市", "", "2026-11-01", "2026-11-09", False),
        *(Seen("serial", f"S{n}", "A", "warranty", "浙江省", "", "2026-11-01", "2026-11-09", True) for n in (2, 3, 4)),
    ),
    came_back=(CameBack("A", "浙江省", "浙江省", 6), CameBack("A", "浙江省", "北京市", 4)),
    asked=(Asked("A", 7, "北京市", 9_000, 10_000, "hz"), Asked("A", 8, "北京市", 11_000, 10_000, "hz")),
)


def _values(inputs: Inputs) -> dict[str, int | None]:
    return {one.code: one.value for one in score(inputs, RULES).signals}


def test_each_signal_has_its_exact_value_and_the_score_is_their_weighted_mean():
    found = score(EVERYTHING, RULES)

    assert {one.code: (one.value, one.known, one.striking) for one in found.signals} == {
        # 40 of 100 units outside: (4000 - 500) / (5000 - 500)
        "region_mix": (7_777, 100, 40),
        # the phone's 35 units rather than the buyer's 30, of 100: (3500 - 1000) / (6000 - 1000)
        "bulk": (5_000, 100, 35),
        # one of four codes: 2500 / 3000
        "codes": (8_333, 4, 1),
        # 4 of 10 units: (4000 - 1000) / (6000 - 1000)
        "returns": (6_000, 10, 4),
        # 10 % under the landed cost: 1000 / 2000
        "price": (5_000, 2, 1),
    }
    # (30*7777 + 15*5000 + 30*8333 + 10*6000 + 15*5000) / 100 = 6933
    assert (found.total, found.level) == (69, "case")
    assert found.signals[0].evidence == (("北京市", "", 10, 40),)
    assert found.signals[1].evidence == (tuple(EVERYTHING.bulk[1]), tuple(EVERYTHING.bulk[0]))
    assert found.signals[4].evidence == (tuple(EVERYTHING.asked[0]),)


def test_the_same_inputs_make_the_same_score_from_storage_and_in_any_order():
    stored = json.loads(json.dumps(EVERYTHING.as_json()))
    shuffled = {
        name: random.Random(4).sample(list(getattr(EVERYTHING, name)), k=len(getattr(EVERYTHING, name)))
        for name in ("placed", "bulk", "seen", "came_back", "asked")
    }

    assert read_inputs(stored) == EVERYTHING
    assert score(read_inputs(stored), RULES) == score(EVERYTHING, RULES)
    assert score(Inputs(100, **{name: tuple(rows) for name, rows in shuffled.items()}), RULES) == score(
        EVERYTHING, RULES
    )


def test_what_too_little_is_known_of_does_not_count_and_the_rest_weighs_less():
    one_sided = Inputs(sold_units=40, placed=(Placed("北京市", "", 10, 40, False),))

    found = score(one_sided, RULES)

    assert _values(one_sided) == {"region_mix": 10_000, "bulk": 0, "codes": None, "returns": None, "price": None}
    # (30*10000 + 15*0) / 45 = 6667, of which one half: 45 of 100 weights are known, but at least half counts
    assert (found.total, found.level) == (33, "watch")


def test_nothing_known_is_nothing_striking():
    found = score(Inputs(), RULES)

    assert (found.total, found.level) == (0, "none")
    assert [one.code for one in found.signals] == list(SIGNALS)
    assert [one.value for one in found.signals] == [None] * 5


def test_places_that_are_not_judged_and_few_units_do_not_count():
    unjudged = replace(EVERYTHING, placed=(Placed("", "", 10, 40, None), Placed("北京市", "", 3, 9, False)))

    assert _values(unjudged)["region_mix"] is None


def test_a_household_quantity_is_no_bulk():
    usual = replace(EVERYTHING, bulk=(Bulk("A", "buyer", "1f", 1, 9, 9, 1, 9), Bulk("A", "buyer", "2f", 1, 4, 4, 1, 3)))

    assert _values(usual)["bulk"] == 0


def test_rules_are_read_back_and_faults_are_named():
    assert parse_rules(RULES.as_json()) == RULES
    for given, said in (
        ({"weights": {"colour": 1}}, "weights must give numbers by signal"),
        ({"full_bp": {"codes": 100}, "tolerated_bp": {"codes": 100}}, "full_bp.codes must lie above"),
        ({"watch": 80}, "case must not lie under watch."),
        ({"weights": dict.fromkeys(SIGNALS, 0)}, "At least one signal needs a weight."),
        ({"window_days": True}, "window_days must be a whole number from 1 to 730."),
    ):
        with pytest.raises(Refusal) as refused:
            parse_rules(given)
        assert said in refused.value.sentence
