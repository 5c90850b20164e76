"""Answers to idempotent requests are kept for a day."""

from datetime import UTC, datetime, timedelta

import pytest

from tongpan.access.actions import (
    Claim,
    KeptAnswer,
    claim_request,
    claim_requests,
    create_api_key,
    keep_answer,
    keep_answers,
)
from tongpan.access.jobs import forget_idempotent_requests
from tongpan.access.models import ApiKey, IdempotentRequest
from tongpan.core.errors import Refusal

NOW = datetime(2026, 11, 18, 8, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def key_id():
    create_api_key("erp", ["orders.view"], now=NOW, actor="test")
    return ApiKey.objects.get().pk


def test_a_claimed_key_gives_back_what_was_kept(key_id):
    assert claim_request(Claim(key_id, "k", b"f"), now=NOW) is None
    keep_answer(Claim(key_id, "k", b"f"), KeptAnswer(200, "{}"))

    assert claim_request(Claim(key_id, "k", b"f"), now=NOW) == KeptAnswer(200, "{}")
    with pytest.raises(Refusal) as refused:
        claim_request(Claim(key_id, "k", b"other"), now=NOW)
    assert refused.value.code == "idempotency.other_request"


def test_many_are_claimed_at_once_and_each_is_told_apart(key_id):
    claims = [Claim(key_id, name, name.encode()) for name in ("z", "a", "m")]
    assert claim_requests(claims[:2], now=NOW) == [None, None]
    keep_answers([(claims[0], KeptAnswer(200, '{"z": "\\"}')), (claims[1], None)])

    again = claim_requests([*claims, Claim(key_id, "q", b"q")], now=NOW)

    # "a" was freed, so that it is as new as "m"
    assert again == [KeptAnswer(200, '{"z": "\\"}'), None, None, None]
    refused = claim_requests([claims[2], Claim(key_id, "z", b"other")], now=NOW)[1]
    assert isinstance(refused, Refusal)


def test_the_hourly_job_forgets_what_is_older_than_a_day(key_id):
    claim_request(Claim(key_id, "old", b"f"), now=NOW - timedelta(hours=24, seconds=1))
    claim_request(Claim(key_id, "young", b"f"), now=NOW - timedelta(hours=23))

    assert forget_idempotent_requests(timestamp=int(NOW.timestamp())) == 1

    assert list(IdempotentRequest.objects.values_list("key", flat=True)) == ["young"]
