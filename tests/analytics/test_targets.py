"""Targets: what is in force, how it is attained, and one alert for each period in which it is missed."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from tests.support.company import DAY, HOUR, NOW, paid, put, shipped
from tests.support.database import statements
from tests.support.following import events
from tests.support.intake import take
from tests.support.lake import write_lake

from tongpan.analytics.actions import DailyReading, record_daily_values
from tongpan.analytics.models import Target, TargetAlert
from tongpan.analytics.targets.actions import save_targets, watch_targets
from tongpan.analytics.targets.engine import EACH_CHANNEL, TargetSpec, judge, last_period
from tongpan.analytics.targets.queries import attainments, history_of, targets_in_force
from tongpan.core.errors import Refusal

TODAY = NOW.date()
ERRORS, CUSTOMERS = "data_sync_error_rate", "customer_sync_rate"
D = Decimal


def spec(**more):
    return TargetSpec(**({"metric": "m", "scope": "", "kind": "value", "period": "month", "commitment": D(1)} | more))


@pytest.mark.parametrize(
    ("_case", "target", "direction", "value", "baseline", "expected"),
    [
        ("up, met", spec(commitment=D("0.98")), "up", "0.98", None, ("met", "1")),
        ("up, just missed", spec(commitment=D("0.98")), "up", "0.9", None, ("near", "0.9184")),
        ("up, missed", spec(commitment=D("0.98")), "up", "0.5", None, ("missed", "0.5102")),
        ("down, met", spec(commitment=D("0.05")), "down", "0.04", None, ("met", "1.25")),
        ("down, missed", spec(commitment=D("0.05")), "down", "0.1", None, ("missed", "0.5")),
        ("nothing is best", spec(commitment=D("0.05")), "down", "0", None, ("met", None)),
        ("change, half way", spec(kind="change", commitment=D("0.2")), "up", "11", "10", ("near", "0.5")),
        ("change, met", spec(kind="change", commitment=D("-0.4")), "down", "6", "10", ("met", "1")),
        ("change without a number", spec(kind="change", commitment=D(0)), "up", "8", "10", ("missed", None)),
        ("change without a baseline", spec(kind="change", commitment=D("0.2")), "up", "8", None, ("unknown", None)),
        ("no value", spec(), "up", None, None, ("unknown", None)),
    ],
)
def test_a_value_is_judged_in_the_direction_of_its_metric(_case, target, direction, value, baseline, expected):
    verdict = judge(target, direction, value and D(value), baseline and D(baseline))

    state, attained = expected
    assert verdict.state == state
    assert (verdict.attained and round(verdict.attained, 4)) == (attained and D(attained))


def test_beyond_the_commitment_lies_the_stretch_goal():
    target = spec(kind="change", commitment=D("0.2"), stretch=D("0.3"))

    assert [judge(target, "up", D(v), D(10)).is_stretch_met for v in (12, 13)] == [False, True]
    assert judge(target, "up", D(12), D(10)).stretch == D(13)


def test_the_last_whole_period_is_judged():
    assert last_period("week", date(2026, 11, 18)) == (date(2026, 11, 9), date(2026, 11, 16))
    assert last_period("month", date(2026, 11, 18)) == (date(2026, 10, 1), date(2026, 11, 1))
    assert last_period("day", date(2026, 11, 18)) == (date(2026, 11, 17), date(2026, 11, 18))


@pytest.mark.django_db
def test_the_targets_of_the_requirements_hold_until_others_are_stored():
    found = {
        key: (one.kind, one.period, one.commitment, one.stretch) for key, (one, _) in targets_in_force(TODAY).items()
    }

    assert found["stock_turnover", ""] == ("change", "week", D("0.2"), D("0.3"))
    assert found["processing_hours", EACH_CHANNEL] == ("change", "month", D("-0.4"), None)
    assert found[CUSTOMERS, ""] == ("value", "day", D(1), None)
    assert found[ERRORS, ""] == ("value", "day", D("0.05"), None)
    assert found["inventory_accuracy", ""] == ("value", "month", D("0.98"), None)
    assert found["dispatched_per_hour", ""] == ("change", "month", D(0), None)


@pytest.mark.usefixtures("company")
def test_a_stored_target_counts_in_its_days_and_never_overwrites_another():
    by = {"actor": "user:anna", "now": NOW}
    save_targets([spec(metric=ERRORS, commitment=D("0.02"), period="day", valid_from=date(2026, 11, 1))], **by)
    save_targets([spec(metric=ERRORS, commitment=D("0.01"), period="day")], **by)
    save_targets([spec(metric=CUSTOMERS, scope="tmall", is_off=True, period="day")], **by)

    def errors_on(day):
        return targets_in_force(day)[ERRORS, ""][0].commitment

    assert [errors_on(date(2026, 10, 31)), errors_on(date(2026, 11, 2)), errors_on(TODAY)] == [
        D("0.05"),
        D("0.02"),
        D("0.01"),
    ]
    assert (CUSTOMERS, "tmall") not in targets_in_force(TODAY)
    assert Target.objects.count() == 3


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"metric": "nothing"}, "There is no metric 'nothing'."),
        ({"scope": "nowhere"}, "There is no channel 'nowhere'."),
        ({"baseline_from": TODAY}, "A baseline has a first day and a last day."),
        ({"kind": "change", "commitment": D(-1)}, "A number cannot fall by 100 % or more."),
        (
            {"valid_from": TODAY, "valid_to": TODAY},
            "The target is valid on no day: its first day lies behind its last.",
        ),
    ],
)
@pytest.mark.usefixtures("company")
def test_a_target_that_cannot_be_is_refused(wrong, sentence):
    with pytest.raises(Refusal, match=sentence):
        save_targets([spec(**({"metric": ERRORS} | wrong))], actor="test", now=NOW)

    assert not Target.objects.exists()


def read(day, *figures):
    record_daily_values([DailyReading(ERRORS, day, channel, number, 100) for channel, number in figures])
    write_lake()


@pytest.mark.usefixtures("company")
def test_a_missed_target_opens_one_alert_a_period_and_closes_when_it_is_met_again():
    take(paid("1"))
    yesterday = TODAY - timedelta(days=1)
    read(yesterday, ("", 9), ("tmall", 2), ("own", 50))

    assert watch_targets(NOW) == (2, 0)
    assert watch_targets(NOW + HOUR) == (0, 0)
    read(TODAY, ("", 8), ("tmall", 2), ("own", 1))
    assert watch_targets(NOW + DAY) == (1, 1)
    read(TODAY + timedelta(days=1), ("", 0), ("tmall", 2), ("own", 1))
    assert watch_targets(NOW + 2 * DAY) == (0, 2)

    alerts = TargetAlert.objects.order_by("id").values_list(
        "channel__code", "period_from", "value", "wanted", "closed_at"
    )
    assert list(alerts) == [
        (None, yesterday, D("0.09"), D("0.05"), NOW + 2 * DAY),
        ("own", yesterday, D("0.5"), D("0.05"), NOW + DAY),
        (None, TODAY, D("0.08"), D("0.05"), NOW + 2 * DAY),
    ]
    assert [payload for _, payload in events("metric.target_missed")][1] == {
        "metric": ERRORS,
        "channel": "own",
        "from": "2026-11-17",
        "to": "2026-11-18",
        "value": "0.500000",
        "wanted": "0.050000",
    }


@pytest.mark.usefixtures("company")
def test_a_target_taken_away_closes_its_alerts():
    take(paid("1"))
    read(TODAY - timedelta(days=1), ("", 9))
    watch_targets(NOW)

    save_targets([spec(metric=ERRORS, period="day", is_off=True)], actor="test", now=NOW)

    assert watch_targets(NOW + HOUR) == (0, 1)


@pytest.mark.usefixtures("company")
def test_a_change_is_measured_against_the_baseline_that_was_set_or_the_first_whole_period():
    put("sh", A=50)

    def sold(number, ago, hours, shop="tm"):
        at = NOW - ago * DAY
        take(shipped(number, shop_code=shop, placed_at=at, paid_at=at, dispatched_at=at + hours * HOUR))

    sold("0", 110, 80)  # 31 July: the history begins inside this month
    sold("1", 80, 10)  # 30 August
    sold("2", 60, 20)  # 19 September
    sold("3", 30, 9)  # 19 October
    sold("4", 30, 3, shop="mall")
    write_lake()

    (total, *channels) = attainments(today=TODAY, metric="processing_hours")

    # then October (9 and 3 hours) stands against August
    assert (total.value, total.baseline, total.verdict.state) == (D(6), D(10), "met")
    assert [(one.channel, one.verdict.state) for one in channels] == [("own", "unknown"), ("tmall", "missed")]
    assert [(one.period_from.month, one.value) for one in history_of(total, 3)] == [(8, D(10)), (9, D(20)), (10, D(6))]

    # when September is made the baseline
    other = spec(
        metric="processing_hours",
        kind="change",
        commitment=D("-0.8"),
        baseline_from=date(2026, 9, 1),
        baseline_to=date(2026, 10, 1),
    )
    save_targets([other], actor="test", now=NOW)
    total = attainments(today=TODAY, metric="processing_hours")[0]
    assert (total.baseline, total.verdict.wanted, total.verdict.state) == (D(20), D(4), "missed")
    asked = attainments(today=TODAY, metric="processing_hours", days=(date(2026, 9, 1), date(2026, 10, 1)))[0]
    assert asked.value == D(20)


@pytest.mark.usefixtures("company")
def test_the_statements_of_the_watch_do_not_grow_with_the_targets():
    take(paid("1"))
    read(TODAY - timedelta(days=1), ("", 9), ("own", 50), ("tmall", 60))

    with statements() as few:
        watch_targets(NOW)

    assert TargetAlert.objects.count() == 3
    assert sum("targetalert" in text for text in few) == 2
