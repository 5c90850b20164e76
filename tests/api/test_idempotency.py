"""A write that is sent again with the same Idempotency-Key counts once."""

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from tests.api.calling import BY, NOW, Api, client_with_every_scope, make_company, order

from tongpan.access.actions import create_api_key, forget_requests
from tongpan.access.engine import SCOPES
from tongpan.access.models import IdempotentRequest
from tongpan.inventory.models import Level, Movement, StockDocument
from tongpan.orders.models import Order


@pytest.fixture
def _company(company: None) -> None:
    """For the tests that run inside one transaction."""


def adjustment(number: str = "1", qty: int = 5) -> dict[str, Any]:
    line = {"sku": "A-1", "qty": qty}
    return {
        "documents": [
            {"source": "wms", "number": number, "node": "sh", "occurred_at": "2026-11-18T08:00:00Z", "lines": [line]}
        ]
    }


@pytest.mark.usefixtures("_company")
def test_the_first_answer_comes_back_byte_by_byte(api: Api) -> None:
    first = api.call("POST", "/stock/adjustments", adjustment(), Idempotency_Key="a1")
    again = api.call("POST", "/stock/adjustments", adjustment(), Idempotency_Key="a1")

    assert json.loads(first.content)["outcomes"][0]["state"] == "accepted"
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert (first.get("Idempotency-Replayed"), again["Idempotency-Replayed"]) == (None, "true")
    assert StockDocument.objects.filter(source="wms").count() == 1


@pytest.mark.usefixtures("_company")
def test_without_a_key_the_document_s_own_number_still_counts_once(api: Api) -> None:
    states = [api.send("POST", "/stock/adjustments", adjustment())["outcomes"][0]["state"] for _ in range(2)]

    assert states == ["accepted", "unchanged"]
    assert not IdempotentRequest.objects.exists()


@pytest.mark.usefixtures("_company")
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/stock/adjustments", adjustment(qty=6)),
        ("POST", "/stock/counts", adjustment()),
        ("PUT", "/nodes/sh", {"kind": "store", "name": "新店"}),
    ],
)
def test_the_key_of_another_request_is_refused_and_nothing_is_done(api: Api, method: str, path: str, body: Any) -> None:
    api.send("POST", "/stock/adjustments", adjustment(), Idempotency_Key="a1")
    movements = Movement.objects.count()

    problem = api.refused(422, method, path, body, Idempotency_Key="a1")

    assert problem["code"] == "idempotency.other_request"
    assert Movement.objects.count() == movements
    assert IdempotentRequest.objects.count() == 1


@pytest.mark.usefixtures("_company")
def test_the_same_text_under_another_api_key_is_another_request(api: Api) -> None:
    other = Api(create_api_key("other", sorted(SCOPES), **BY))
    api.send("POST", "/stock/adjustments", adjustment("1"), Idempotency_Key="a1")

    answer = other.send("POST", "/stock/adjustments", adjustment("2"), Idempotency_Key="a1")

    assert answer["outcomes"][0]["state"] == "accepted"


@pytest.mark.usefixtures("_company")
def test_a_refused_request_leaves_its_key_free(api: Api) -> None:
    refused = order(shop="later")
    api.refused(422, "POST", "/orders", {"orders": [refused]}, Idempotency_Key="o1")
    assert not IdempotentRequest.objects.exists()
    api.send("PUT", "/shops/later", {"channel": "tmall", "name": "新店"})

    answer = api.send("POST", "/orders", {"orders": [refused]}, Idempotency_Key="o1")

    assert answer["outcomes"][0]["state"] == "accepted"


@pytest.mark.usefixtures("_company")
@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "a\tb"])
def test_a_key_of_the_wrong_form_is_refused_and_nothing_is_done(api: Api, key: str) -> None:
    problem = api.refused(422, "POST", "/stock/adjustments", adjustment(), Idempotency_Key=key)

    assert problem["code"] == "idempotency.key"
    assert not StockDocument.objects.filter(source="wms").exists()


@pytest.mark.usefixtures("_company")
def test_a_failure_leaves_neither_effect_nor_key(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tongpan.api.operations.keep_answer", lambda *a: 1 / 0)

    api.refused(500, "POST", "/stock/adjustments", adjustment(), Idempotency_Key="a1")

    assert not StockDocument.objects.filter(source="wms").exists()
    assert not IdempotentRequest.objects.exists()


@pytest.mark.usefixtures("_company")
def test_kept_answers_are_forgotten_after_their_time(api: Api) -> None:
    api.send("POST", "/stock/adjustments", adjustment(), Idempotency_Key="a1")

    assert forget_requests(NOW) == 0
    assert forget_requests(NOW + timedelta(seconds=1)) == 1


@pytest.mark.django_db(transaction=True)
def test_duplicates_that_arrive_together_have_one_effect_and_one_answer() -> None:
    make_company()
    api = client_with_every_scope()
    gate = threading.Barrier(12)
    answers: list[tuple[int, bytes]] = []

    def send(number: int) -> None:
        try:
            gate.wait()
            # every third is another key with the same document: its natural key must hold
            key = f"k{number % 3}"
            response = api.call("POST", "/stock/adjustments", adjustment(), Idempotency_Key=key)
            answers.append((response.status_code, response.content))
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [status for status, _ in answers] == [200] * 12
    states = [json.loads(body)["outcomes"][0]["state"] for _, body in answers]
    assert (states.count("accepted"), states.count("unchanged")) == (4, 8)
    assert len({body for _, body in answers}) == 2
    assert Level.objects.get(sku__code="A-1", node__code="sh").on_hand == 5
    assert StockDocument.objects.filter(source="wms").count() == 1
    assert IdempotentRequest.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_orders_that_arrive_together_are_booked_once() -> None:
    make_company()
    api = client_with_every_scope()
    gate = threading.Barrier(8)
    states: list[str] = []

    def send(number: int) -> None:
        try:
            gate.wait()
            answer = api.send("POST", "/orders", {"orders": [order()]}, Idempotency_Key=f"k{number % 2}")
            states.append(answer["outcomes"][0]["state"])
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(states) == ["accepted"] * 4 + ["unchanged"] * 4
    assert Order.objects.count() == 1
    assert Movement.objects.filter(kind="reserved").count() == 1
