"""What follows from the answer of a receiver: the ladder of retries, pauses, and the end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tongpan.connectors.webhooks.engine import RETRY_SECONDS, event_id, message_id, verdict

NOW = datetime(2026, 11, 18, 8, 0, tzinfo=UTC)


def seconds(at: datetime | None) -> float | None:
    return None if at is None else (at - NOW).total_seconds()


def test_the_ladder_of_retries() -> None:
    assert RETRY_SECONDS == (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
    for attempt, wait in enumerate(RETRY_SECONDS[1:], 1):
        early, late = verdict(500, attempt, "", NOW, 0.0), verdict(500, attempt, "", NOW, 1.0)
        assert (early.state, seconds(early.next_at), seconds(late.next_at)) == ("waiting", wait, round(wait * 1.1, 3))
        assert early.pause_until is None

    assert verdict(500, 10, "", NOW, 0.5).state == "failed"


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_is_a_delivery(status: int) -> None:
    assert verdict(status, 10, "", NOW, 0.5).state == "delivered"


@pytest.mark.parametrize("status", [301, 302, 308, 400, 401, 404, 500, 503])
def test_a_redirect_is_a_failure_like_any_other(status: int) -> None:
    result = verdict(status, 1, "", NOW, 0.0)

    assert (result.state, seconds(result.next_at), result.disables) == ("waiting", 5, False)


def test_410_ends_the_subscription() -> None:
    result = verdict(410, 1, "", NOW, 0.0)

    assert (result.state, result.disables, result.next_at) == ("failed", True, None)


@pytest.mark.parametrize("status", [429, 502, 504])
@pytest.mark.parametrize(
    ("retry_after", "wait"),
    [
        ("", 5),
        ("120", 120),
        ("soon", 5),
        ("Wed, 18 Nov 2026 08:10:00 GMT", 600),
        ("Wed, 18 Nov 2020 08:10:00 GMT", 5),
        ("999999999", 86400),
    ],
)
def test_an_overloaded_receiver_is_left_alone(status: int, retry_after: str, wait: float) -> None:
    result = verdict(status, 1, retry_after, NOW, 0.0)

    assert result.state == "waiting"
    assert seconds(result.next_at) == max(wait, 5)
    assert seconds(result.pause_until) == (0 if "2020" in retry_after else wait)


def test_no_answer_is_tried_again_after_a_short_pause() -> None:
    result = verdict(None, 3, "", NOW, 0.0)

    assert (result.state, seconds(result.next_at), seconds(result.pause_until)) == ("waiting", 1800, 5)


def test_ids_are_stable_and_differ_by_event_and_subscription() -> None:
    one, other = event_id(7, 9, NOW), event_id(7, 10, NOW)

    assert one == event_id(7, 9, NOW) != other
    assert message_id("a", one) == message_id("a", one)
    assert len({message_id(token, event) for token in "ab" for event in (one, other)}) == 4
    assert event_id(7, 9, NOW + timedelta(microseconds=1)) != one
