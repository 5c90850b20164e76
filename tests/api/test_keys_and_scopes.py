"""Who may call what."""

import re
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from tests.api.calling import BY, NOW, Api, order

from tongpan.access.actions import create_api_key, revoke_api_key
from tongpan.access.models import ApiKey
from tongpan.api.urls import api as tongpan_api
from tongpan.orders.models import Order

pytestmark = pytest.mark.usefixtures("company")


def operations() -> list[tuple[str, str, str]]:
    """(method, path with something filled in, scope) of every operation."""
    found = []
    for path, methods in tongpan_api.get_openapi_schema(path_prefix="")["paths"].items():
        for method, operation in methods.items():
            found.append((method.upper(), re.sub(r"\{[^}]*\}", "1", path), operation["x-scope"]))
    return found


def test_every_operation_needs_a_key_and_its_own_scope() -> None:
    every = operations()
    assert len(every) >= 25

    for method, path, scope in every:
        stranger = Api().refused(401, method, path, {})
        assert stranger["code"] == "key.unknown"
        others = sorted({s for _, _, s in every} - {scope})
        key = create_api_key(f"{method} {path}"[:80], others, **BY)
        refusal = Api(key).refused(403, method, path, {})
        assert (refusal["code"], scope in refusal["detail"]) == ("key.scope", True)


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer tp_nobody", "Basic dXNlcjpwYXNz", "Bearer \u00e9", "tp_x", "Bearer a b"],
)
def test_anything_but_a_key_is_answered_by_401(header: str) -> None:
    response = Client().get("/api/v1/orders", headers={"Authorization": header} if header else {})

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="tongpan"'
    assert response["Content-Type"] == "application/problem+json"


def test_a_revoked_key_ends_at_once(api: Api) -> None:
    api.get("/orders")
    revoke_api_key("test", **BY)

    api.refused(401, "GET", "/orders")


def test_a_key_that_may_only_read_writes_nothing() -> None:
    reader = Api(create_api_key("reader", ["orders.view"], **BY))

    reader.refused(403, "POST", "/orders", {"orders": [order()]}, Idempotency_Key="k")

    assert not Order.objects.exists()
    assert reader.get("/orders") == {"items": [], "next": None}


def test_the_use_of_a_key_is_noted(api: Api) -> None:
    api.get("/orders")

    assert ApiKey.objects.get(name="test").last_used_at == NOW


@pytest.mark.parametrize("path", ["/api/v1/docs", "/api/v1/openapi.json", "/health/live", "/health/ready"])
def test_the_document_and_health_need_no_key(path: str) -> None:
    assert Client().get(path).status_code == 200


def test_the_documentation_asks_no_other_host() -> None:
    page = Client().get("/api/v1/docs").content.decode()

    assert not re.findall(r"(?:src|href)=\"(?:https?:)?//", page)


def test_health_tells_that_the_database_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: Any) -> None:
        raise OperationalError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(connection, "cursor", fail)
        live, ready = Client().get("/health/live"), Client().get("/health/ready")

    assert live.json()["status"] == "ok"
    assert (ready.status_code, ready.json()["status"]) == (503, "unready")
