"""Pushes of Youzan and WeChat: verified, kept once, and the sign to pull the shop's orders at once."""

import hashlib
import json
from datetime import timedelta

import pytest
from django.test import Client
from tests.support.company import NOW

from tongpan.api.inbound import document_of
from tongpan.connectors.accounts.models import Account
from tongpan.connectors.inbound.actions import SourceSpec, process_waiting, receive, save_source
from tongpan.connectors.inbound.models import InboundMessage
from tongpan.connectors.platforms.wechat.push import push_sign
from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.orders.models import Order

pytestmark = pytest.mark.usefixtures("company")
BY = {"actor": "test", "now": NOW}
YOUZAN = json.dumps({"type": "trade_TradePaid", "id": "E2026", "msg": "%7B%7D"}).encode()
SEALED = json.dumps({"ToUserName": "gh_1", "Encrypt": "c2VhbGVk"}).encode()


def event_sign(body: bytes) -> dict[str, str]:
    return {"event-sign": hashlib.md5(b"client" + body + b"secret").hexdigest()}


def query(at=NOW, token="token", encrypt="c2VhbGVk") -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    return {"timestamp": stamp, "nonce": "n1", "msg_signature": push_sign(token, stamp, "n1", encrypt)}


@pytest.fixture(autouse=True)
def _sources(company):
    save_source(SourceSpec("yz", "youzan", "tm", "client:secret"), **BY)
    save_source(SourceSpec("wx", "wechat", "mall", "token"), **BY)


def pulls() -> list[int]:
    rows = fetch_all(
        "SELECT (args->>'account_id')::int FROM procrastinate_jobs WHERE task_name = %s", ["connectors.pull_account"]
    )
    return [account_id for (account_id,) in rows]


def connect(shop_code: str) -> int:
    shop_id = fetch_all("SELECT id FROM channels_shop WHERE code = %s", [shop_code])[0][0]
    return Account.objects.create(shop_id=shop_id, platform="youzan", created_at=NOW, changed_at=NOW).pk


def test_a_push_wakes_the_pull_of_its_shop_once(company):
    account = connect("tm")
    other = json.dumps({"type": "trade_TradeSuccess", "id": "E2027"}).encode()

    assert receive("yz", event_sign(YOUZAN), YOUZAN, now=NOW).is_new
    assert not receive("yz", event_sign(YOUZAN), YOUZAN, now=NOW).is_new
    assert receive("yz", event_sign(other), other, now=NOW).is_new
    assert process_waiting(document_of, now=NOW) == 2

    assert pulls() == [account]
    rows = list(InboundMessage.objects.order_by("pk").values_list("topic", "state", "outcome", "repeats"))
    assert rows == [("trade_TradePaid", "done", "pull", 1), ("trade_TradeSuccess", "done", "pull", 0)]
    assert not Order.objects.exists()


def test_a_push_for_a_shop_without_an_account_says_what_to_do(company):
    receive("wx", {}, SEALED, now=NOW, query=query())

    process_waiting(document_of, now=NOW)

    [row] = InboundMessage.objects.all()
    assert (row.state, pulls()) == ("failed", [])
    assert "connect it first" in row.reason


@pytest.mark.parametrize(
    "code, headers, body, asked",
    [
        ("yz", {}, YOUZAN, {}),
        ("yz", event_sign(YOUZAN + b" "), YOUZAN, {}),
        ("wx", {}, SEALED, {}),
        ("wx", {}, SEALED, query(token="other")),
        ("wx", {}, SEALED, query(encrypt="b3RoZXI=")),
        ("wx", {}, b'{"MsgType": "event"}', query(encrypt="")),
        ("wx", {}, SEALED, query(at=NOW - timedelta(minutes=6))),
    ],
)
def test_what_is_not_signed_is_refused_and_not_kept(code, headers, body, asked):
    with pytest.raises(Refusal, match=r"signature|not sealed|signed too long ago"):
        receive(code, headers, body, now=NOW, query=asked)

    assert not InboundMessage.objects.exists()


def test_a_secret_of_youzan_has_two_halves():
    with pytest.raises(Refusal, match="CLIENT_ID:CLIENT_SECRET"):
        save_source(SourceSpec("yz2", "youzan", "tm", "only-one"), **BY)


def test_the_door_answers_in_the_words_of_the_platform(client: Client):
    answer = client.post(
        "/hooks/yz", YOUZAN, "application/json", headers={"Event-Sign": event_sign(YOUZAN)["event-sign"]}
    )
    assert (answer.status_code, json.loads(answer.content)) == (200, {"code": 0, "msg": "success"})

    asked = {"timestamp": "1", "nonce": "n1", "echostr": "4711"}
    greeted = client.get("/hooks/wx", asked | {"signature": push_sign("token", "1", "n1")})
    assert (greeted.status_code, greeted.content) == (200, b"4711")
    assert client.get("/hooks/wx", asked | {"signature": "0" * 40}).status_code == 401
    assert client.get("/hooks/yz", asked | {"signature": push_sign("token", "1", "n1")}).status_code == 401
    assert client.get("/hooks/none", asked).status_code == 404
