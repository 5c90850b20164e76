"""Answers to idempotent requests are kept for a day."""

from datetime import UTC, datetime, timedelta

import pytest

from tongpan.access.actions import KeptAnswer, claim_request, create_api_key, keep_answer
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
    assert claim_request(key_id, "k", b"f", now=NOW) is None
    keep_answer(key_id, "k", KeptAnswer(200, "{}"))

    assert claim_request(key_id, "k", b"f", now=NOW) == KeptAnswer(200, "{}")
    with pytest.raises(Refusal) as refused:
        claim_request(key_id, "k", b"other", now=NOW)
    assert refused.value.code == "idempotency.other_request"


def test_the_hourly_job_forgets_what_is_older_than_a_day(key_id):
    claim_request(key_id, "old", b"f", now=NOW - timedelta(hours=24, seconds=1))
    claim_request(key_id, "young", b"f", now=NOW - timedelta(hours=23))

    assert forget_idempotent_requests(timestamp=int(NOW.timestamp())) == 1

    assert list(IdempotentRequest.objects.values_list("key", flat=True)) == ["young"]
