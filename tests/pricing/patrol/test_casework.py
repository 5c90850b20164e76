"""Which step of a case may follow which, what the ladder names for repeats, and what letters say. Pure."""

from datetime import UTC, datetime, timedelta

import pytest

from tongpan.pricing.patrol.casework import FOLLOWS, STATUSES, Standing, due_after, proposed, refusal_of, rung_of
from tongpan.pricing.patrol.letters import KINDS, compose
from tongpan.pricing.patrol.rules import LADDER, Rules, Rung

RULES = Rules()
NOW = datetime(2026, 11, 18, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("confirmed", "rung"),
    [(0, LADDER[0]), (1, LADDER[0]), (2, LADDER[1]), (3, LADDER[1]), (4, LADDER[2]), (9, LADDER[2])],
)
def test_repeats_climb_the_ladder(confirmed: int, rung: Rung):
    assert rung_of(confirmed, RULES) == rung
    assert proposed(Standing("confirmed", confirmed=confirmed), RULES, NOW) == rung.sanction


def test_a_sanction_whose_deadline_passed_is_followed_by_the_next_one():
    assert proposed(Standing("warning", due_at=NOW), RULES, NOW) == "fine"
    assert proposed(Standing("warning", due_at=NOW + DAY), RULES, NOW) == ""
    assert proposed(Standing("fine", due_at=NOW - DAY), RULES, NOW) == "termination"
    assert proposed(Standing("fine", "filed", due_at=NOW - DAY), RULES, NOW) == ""
    assert proposed(Standing("open", due_at=NOW - DAY), RULES, NOW) == ""


def test_only_the_steps_of_the_vocabulary_follow_each_other():
    for status in STATUSES:
        for step in STATUSES:
            said = refusal_of(Standing(status), step, RULES, NOW, reason="because", fine_minor=1)
            assert (said == "") == (step in FOLLOWS[status]), (status, step, said)


def test_another_sanction_than_the_one_of_the_policy_needs_a_reason_and_a_fine_its_amount():
    first = Standing("confirmed", confirmed=1)

    assert refusal_of(first, "warning", RULES, NOW) == ""
    assert (
        refusal_of(first, "termination", RULES, NOW) == "The policy names warning now: say why it shall be termination."
    )
    assert refusal_of(first, "termination", RULES, NOW, reason="forged goods") == ""
    assert refusal_of(Standing("confirmed", confirmed=2), "fine", RULES, NOW) == "A fine needs its amount."
    assert refusal_of(Standing("warning", due_at=NOW + DAY), "fine", RULES, NOW, fine_minor=1) == (
        "The policy names no fine before the deadline: say why it shall be one."
    )
    assert refusal_of(Standing("open"), "dismissed", RULES, NOW) == "Say why the case ends."


def test_an_appeal_stops_every_other_step_until_it_is_decided():
    filed = Standing("warning", "filed", sanctioned_at=NOW)

    assert refusal_of(filed, "closed", RULES, NOW, reason="x") == "An appeal waits for its decision; decide it first."
    assert refusal_of(filed, "granted", RULES, NOW, reason="a wrong photograph") == ""
    assert refusal_of(filed, "rejected", RULES, NOW) == "Say why the appeal is decided so."
    assert refusal_of(filed, "appeal", RULES, NOW, reason="x") == "An appeal waits for its decision already."
    assert refusal_of(Standing("warning"), "granted", RULES, NOW, reason="x") == "No appeal waits for a decision."


def test_an_appeal_is_possible_for_fifteen_days():
    sanctioned = Standing("fine", sanctioned_at=NOW)

    assert refusal_of(sanctioned, "appeal", RULES, NOW + 15 * DAY, reason="x") == ""
    assert (
        refusal_of(sanctioned, "appeal", RULES, NOW + 15 * DAY + DAY, reason="x") == "The 15 days to appeal are over."
    )
    assert refusal_of(Standing("open"), "appeal", RULES, NOW, reason="x") == (
        "Only a confirmed case or a sanction can be appealed."
    )


def test_every_step_has_its_deadline_and_an_end_has_none():
    assert due_after("open", RULES, NOW) == NOW + 3 * DAY
    assert due_after("fine", Rules(days=RULES.days | {"fine": 1}), NOW) == NOW + DAY
    assert due_after("closed", RULES, NOW) is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_letter_holds_the_facts_that_are_known_in_both_languages(kind: str):
    fields = {
        "number": "VC7",
        "party": "华东经销",
        "sku": "A {x}",
        "seen": "¥85.00",
        "due": "2026-11-25",
        "amount": "¥2,000",
    }

    for language in ("zh", "en"):
        subject, text = compose(kind, language, fields)
        assert "VC7" in subject
        assert "华东经销" in text
        assert "A {x}" in text
        assert "¥85.00" in text
        assert "{" not in text.replace("A {x}", "")
    assert ("2,000" in compose("fine", "zh", fields)[1]) is True
    assert "链接" not in compose("fine", "zh", fields)[1]
