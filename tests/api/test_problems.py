"""Every error is a problem document, whoever found it."""

from typing import Any

import pytest
from django.db import DataError, OperationalError
from django.test import Client
from tests.api.calling import Api

from tongpan.core.errors import Refusal
from tongpan.orders.models import Order


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/", 404, "not_found"),
        ("GET", "/orders/1/", 404, "not_found"),
        ("DELETE", "/orders", 405, "method.not_allowed"),
        ("POST", "/orders/1", 405, "method.not_allowed"),
        ("GET", "/orders/1", 404, "order.unknown"),
        ("GET", "/skus/1", 404, "sku.unknown"),
        ("GET", "/products/1", 404, "product.unknown"),
        ("GET", "/returns/1", 404, "return.unknown"),
        ("GET", "/customers/1", 404, "customer.unknown"),
        ("GET", "/channels/x", 404, "channel.unknown"),
        ("GET", "/shops/x", 404, "shop.unknown"),
        ("GET", "/nodes/x", 404, "node.unknown"),
        ("GET", "/shops/%00", 422, "request.invalid"),
        ("GET", "/orders/-1", 422, "request.invalid"),
    ],
)
def test_an_address_that_is_not_there_is_a_problem(api: Api, method: str, path: str, status: int, code: str) -> None:
    problem = api.refused(status, method, path)

    assert problem["code"] == code


def test_a_wrong_method_names_the_right_ones(api: Api) -> None:
    assert sorted(api.call("DELETE", "/orders")["Allow"].split(", ")) == ["GET", "POST"]


@pytest.mark.parametrize("media_type", ["text/plain", "multipart/form-data", "application/xml", ""])
def test_a_body_that_is_not_json_is_refused_by_its_media_type(api: Api, media_type: str) -> None:
    response = api.client.generic(
        "POST", "/api/v1/orders", b'{"orders": []}', content_type=media_type, headers=api.headers
    )

    assert (response.status_code, response.json()["code"]) == (415, "body.media_type")


@pytest.mark.parametrize("path", ["/channels", "/orders/1", "/nothing"])
def test_no_answer_is_left_in_a_cache(api: Api, path: str) -> None:
    assert api.call("GET", path)["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_pages_beside_the_api_keep_their_own_errors() -> None:
    assert Client().get("/health/nothing")["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (RuntimeError("secret"), 500, "internal"),
        (Order.DoesNotExist("secret"), 404, "not_found"),
        (OperationalError("secret"), 503, "database.unreachable"),
        (DataError("secret"), 422, "value.out_of_range"),
        (Refusal("stock.insufficient", "There are 3 left."), 422, "stock.insufficient"),
        (Refusal("vault.wrong_keys", "secret"), 500, "internal"),
    ],
)
def test_what_a_handler_raises_becomes_a_problem_that_tells_no_secret(
    api: Api, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: str
) -> None:
    def fail(*arguments: Any) -> None:
        raise error

    monkeypatch.setattr("tongpan.api.orders.order_whole", fail)

    problem = api.refused(status, "GET", "/orders/1")

    assert problem["code"] == code
    assert "secret" not in str(problem)


def test_a_defect_is_logged_under_the_reference_that_the_client_gets(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*arguments: Any) -> None:
        raise RuntimeError("the cause")

    monkeypatch.setattr("tongpan.api.orders.order_whole", fail)

    reference = api.refused(500, "GET", "/orders/1")["reference"]

    record = next(r for r in caplog.records if reference in r.getMessage())
    assert str(record.exc_info[1]) == "the cause"  # type: ignore[index]
