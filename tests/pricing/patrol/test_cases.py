"""Violation cases from the first price seen to their end: deadlines, letters, repeats, appeals, two people at once."""

from datetime import timedelta

import pytest
from tests.support.company import ACTOR, NOW
from tests.support.patrol import BY, look, open_dealer, open_price_book, seen
from tests.support.processes import run_together

from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.network.models import Node
from tongpan.pricing.patrol.actions import add_evidence, save_rules, take_step
from tongpan.pricing.patrol.actions.casework import Step
from tongpan.pricing.patrol.models import CaseStep, Letter, ViolationCase
from tongpan.pricing.patrol.queries.cases import CaseFilter, dealer_files, select_cases, whole_case

DAY = timedelta(days=1)
OF_DEALER = {"channel": "dealers", "seller_class": "authorised", "seller": "", "shop": "dl1"}


def _case(sku: str = "A", ago: timedelta = timedelta(0)) -> ViolationCase:
    look(seen(8_000, sku=sku, observed_at=NOW - ago, **OF_DEALER))
    return ViolationCase.objects.filter(sku__code=sku).latest("pk")


def _go(case_id: int, *steps: str, at=NOW, actor: str = ACTOR, **more):
    """Take ``steps`` one after the other; the last outcome."""
    outcome = None
    for step in steps:
        revision = ViolationCase.objects.get(pk=case_id).revision
        [outcome] = take_step([Step(case_id, revision, step, **more)], actor=actor, now=at)
    return outcome


@pytest.fixture
def dealer(company):
    open_price_book()
    open_dealer()


@pytest.mark.usefixtures("dealer")
def test_a_case_goes_from_evidence_to_a_fine_with_deadlines_letters_and_names():
    case = _case()

    assert _go(case.pk, "evidence", actor="li").status == "evidence"
    assert _go(case.pk, "confirmed", actor="li").status == "confirmed"
    assert _go(case.pk, "warning", actor="zhao").status == "warning"
    late = NOW + 7 * DAY
    assert _go(case.pk, "fine", at=late, fine_minor=200_000, actor="zhao").status == "fine"
    assert _go(case.pk, "closed", at=late + DAY, reason="paid").status == "closed"

    case.refresh_from_db()
    assert (case.fine_minor, case.due_at, case.closed_at) == (200_000, None, late + DAY)
    assert [(s.kind, s.before, s.actor) for s in CaseStep.objects.order_by("pk")] == [
        ("open", "", ACTOR),
        ("evidence", "open", "li"),
        ("confirmed", "evidence", "li"),
        ("warning", "confirmed", "zhao"),
        ("fine", "warning", "zhao"),
        ("closed", "fine", ACTOR),
    ]
    letters = list(Letter.objects.order_by("pk"))
    assert [letter.kind for letter in letters] == ["evidence", "warning", "fine"]
    assert letters[1].fields["seen"] == "80.00 CNY"
    assert letters[1].fields["limit"] == "85.00 CNY"
    assert letters[1].fields["due"] == "2026-11-25"
    assert "2000.00 CNY" in letters[2].text
    assert "shop of d1" in letters[2].text


@pytest.mark.usefixtures("dealer")
def test_a_second_confirmed_case_within_the_window_calls_for_a_fine_and_after_the_window_for_a_warning():
    first = _case("A", ago=DAY)
    _go(first.pk, "confirmed", "warning", at=NOW - DAY)
    _go(first.pk, "closed", at=NOW - DAY, reason="corrected")

    second = _case("B")
    _go(second.pk, "confirmed")
    refused = _go(second.pk, "warning")

    assert (refused.code, refused.reason) == (
        "violation.step",
        "The policy names fine now: say why it shall be warning.",
    )
    assert _go(second.pk, "fine", fine_minor=200_000).status == "fine"
    save_rules({"repeat_days": 1}, "", **BY)
    third = _case("A")
    _go(third.pk, "confirmed", at=NOW + 2 * DAY)
    assert _go(third.pk, "warning", at=NOW + 2 * DAY).status == "warning"


@pytest.mark.usefixtures("dealer")
def test_an_appeal_that_is_granted_dismisses_the_case_and_no_longer_counts_as_a_repeat():
    first = _case("A", ago=DAY)
    _go(first.pk, "confirmed", "warning")
    assert _go(first.pk, "appeal", reason="the price was a typing error of the platform").status == "warning"
    assert _go(first.pk, "closed", reason="x").code == "violation.step"
    assert _go(first.pk, "granted", reason="the platform confirms it").status == "dismissed"

    second = _case("B")
    _go(second.pk, "confirmed")

    assert _go(second.pk, "warning").status == "warning"
    assert Letter.objects.filter(case=first, kind="granted").count() == 1
    assert whole_case(first.pk).case.appeal == "granted"


@pytest.mark.usefixtures("dealer")
def test_an_appeal_that_is_rejected_lets_the_case_go_on():
    case = _case()
    _go(case.pk, "confirmed", "warning")
    _go(case.pk, "appeal", reason="x")

    outcome = _go(case.pk, "rejected", reason="no proof", at=NOW + DAY)

    case.refresh_from_db()
    assert (outcome.status, case.appeal, case.due_at) == ("warning", "rejected", NOW + 8 * DAY)


@pytest.mark.usefixtures("dealer")
def test_evidence_of_people_is_added_until_the_case_is_over():
    case = _case()

    add_evidence(case.pk, kind="file", reference="box/1.png", hash="ab", **BY)
    add_evidence(case.pk, kind="file", reference="box/1.png", hash="ab", **BY)
    add_evidence(case.pk, kind="statement", note="The shop says so.", **BY)
    _go(case.pk, "dismissed", reason="a mistake")

    assert [one.kind for one in whole_case(case.pk).evidence] == ["observation", "file", "statement"]
    with pytest.raises(Refusal) as refused:
        add_evidence(case.pk, kind="statement", note="late", **BY)
    assert refused.value.code == "violation.over"


@pytest.mark.usefixtures("dealer")
def test_the_file_of_a_dealer_counts_prices_cases_and_sanctions():
    case = _case()
    look(seen(9_900, observed_at=NOW - DAY, **OF_DEALER))
    _go(case.pk, "confirmed")
    _go(case.pk, "fine", fine_minor=50_000, reason="grave")
    node = Node.objects.get(code="d1").pk

    file = dealer_files([node, 0], NOW - 30 * DAY)

    assert (file[node].seen, file[node].broken, file[node].by_status) == (2, 1, {"fine": 1})
    assert (file[node].warnings, file[node].fines, file[node].fined_minor) == (0, 1, {"CNY": 50_000})
    assert file[0].seen == 0
    assert [row.pk for row in select_cases(CaseFilter("open", overdue_at=NOW + 30 * DAY))] == [case.pk]
    assert select_cases(CaseFilter(text=case.number)).count() == 1


@pytest.mark.usefixtures("live_company")
def test_of_two_people_at_one_case_one_wins():
    open_price_book()
    open_dealer()
    case = _case()

    def take(step: str, reason: str):
        return lambda: take_step([Step(case.pk, 1, step, reason)], actor=step, now=NOW)[0].state

    states = run_together([take("confirmed", ""), take("dismissed", "nothing to it")])

    assert sorted(states) == ["accepted", "refused"]
    assert fetch_all("SELECT count(*) FROM patrol_step") == [(2,)]
    assert ViolationCase.objects.get().revision == 2


@pytest.mark.usefixtures("live_company")
def test_two_processes_that_see_the_same_violation_open_one_case():
    open_price_book()
    open_dealer()

    def work(minutes: int):
        return lambda: look(seen(8_000, observed_at=NOW - timedelta(minutes=minutes), **OF_DEALER))[0].state

    assert run_together([work(1), work(2)]) == ["accepted", "accepted"]
    case = ViolationCase.objects.get()
    assert case.evidence.count() == 2
