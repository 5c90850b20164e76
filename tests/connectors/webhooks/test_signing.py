"""Signatures of Standard Webhooks: the published vector, the reference library both ways, rotation, refusals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tongpan.connectors.webhooks.signing import key_of, new_secret, sign, signed_headers, verify
from tongpan.core.errors import Refusal

SECRET = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
NOW = datetime.now(UTC).replace(microsecond=0)


def test_the_published_vector() -> None:
    signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

    assert sign(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, BODY) == signature
    assert sign("whsec_" + SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, BODY) == signature


def test_the_reference_library_takes_what_we_sign() -> None:
    secret = new_secret()
    body = '{"type":"order.accepted","data":{"城市":"上海"}}'.encode()

    headers = signed_headers([secret], "msg_1", datetime.now(UTC), body)

    assert Webhook(secret).verify(body, headers) == {"type": "order.accepted", "data": {"城市": "上海"}}
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body + b" ", headers)


def test_we_take_what_the_reference_library_signs() -> None:
    secret = new_secret()
    signature = Webhook(secret).sign("msg_2", NOW, BODY.decode())
    headers = {
        "webhook-id": "msg_2", "webhook-timestamp": str(int(NOW.timestamp())), "webhook-signature": signature
    }  # fmt: skip

    assert verify([secret], headers, BODY, NOW) == "msg_2"


def test_during_a_rotation_both_secrets_are_good() -> None:
    old, new = new_secret(), new_secret()

    now = datetime.now(UTC)
    headers = signed_headers([new, old], "msg_3", now, BODY)

    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in (old, new):
        assert verify([secret], headers, BODY, now) == "msg_3"
        Webhook(secret).verify(BODY, headers)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"webhook-signature": ""}, "webhook.headers"),
        ({"webhook-id": "msg_other"}, "webhook.signature"),
        ({"webhook-signature": "v1,Zm9v v2,x nonsense"}, "webhook.signature"),
        ({"webhook-timestamp": "1e9"}, "webhook.timestamp"),
        ({"webhook-timestamp": "-5"}, "webhook.timestamp"),
        ({"webhook-timestamp": str(int((NOW - timedelta(seconds=301)).timestamp()))}, "webhook.timestamp"),
        ({"webhook-timestamp": str(int((NOW + timedelta(seconds=301)).timestamp()))}, "webhook.timestamp"),
        ({"webhook-timestamp": str(int((NOW + timedelta(seconds=9)).timestamp()))}, "webhook.signature"),
    ],
)
def test_what_is_not_as_it_was_signed_is_refused(change: dict[str, str], code: str) -> None:
    secret = new_secret()
    headers = signed_headers([secret], "msg_4", NOW, BODY) | change

    with pytest.raises(Refusal) as refused:
        verify([secret], headers, BODY, NOW)

    assert refused.value.code == code


@pytest.mark.parametrize("secret", ["whsec_", "whsec_c2hvcnQ=", "whsec_***", "whsec_" + "QUFB" * 22])
def test_a_secret_has_24_to_64_bytes_in_base64(secret: str) -> None:
    with pytest.raises(Refusal) as refused:
        key_of(secret)

    assert refused.value.code == "webhook.secret"
