"""The API keeps its own OpenAPI document, whatever is sent: a fuzzer calls every operation in-process."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.api.calling import client_with_every_scope, make_company, order

from tongpan.api.values import In, Out
from tongpan.catalog.models import Product, Sku
from tongpan.customers.models import Customer
from tongpan.orders.models import Order
from tongpan.web.wsgi import application

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", application)
OPERATIONS = {operation.label: operation for operation in (found.ok() for found in schema.get_all_operations())}
fuzzed = settings(
    # `make fuzz` asks for more
    max_examples=int(os.environ.get("TONGPAN_FUZZ_EXAMPLES", "6")),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)


@pytest.fixture
def key(db: None) -> Iterator[str]:
    """A key with every scope, and a company with an order to find."""
    make_company()
    api = client_with_every_scope()
    api.send("POST", "/orders", {"orders": [order()]})
    # the test's transaction outlives the requests, as in Django's own test client
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield api.headers["Authorization"]
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


# Each operation is a test of its own name: tests of one name count as one where several processes share them.
@pytest.mark.slow
@pytest.mark.parametrize("label", OPERATIONS)
def test_whatever_is_sent_the_answer_is_as_documented(label: str, key: str) -> None:
    operation = OPERATIONS[label]

    @fuzzed
    @given(st.one_of(operation.as_strategy(mode) for mode in GenerationMode))
    def send(case: schemathesis.Case) -> None:
        response = case.call(headers={"Authorization": key})
        case.validate_response(response, checks=CHECKS)

    send()


def test_the_document_lists_every_operation() -> None:
    document = schema.raw_schema
    assert document["openapi"].startswith("3.1")
    operations = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
    assert set(OPERATIONS) == operations
    assert len(operations) >= 219


NUMBERS = itertools.count()
REACHING = {"shop": "flagship", "currency": "CNY", "node": "hz"}


def reaching(value: Any) -> Any:
    """``value`` with shops, nodes, times, signs and currencies that fit, so that it gets as far as the books."""
    if isinstance(value, list):
        return [reaching(one) for one in value]
    if not isinstance(value, dict):
        return value
    values = {
        name: REACHING.get(name, "2026-11-18T10:00:00+08:00" if name.endswith("_at") else reaching(inner))
        for name, inner in value.items()
    }
    if isinstance(values.get("number"), str):
        values["number"] = f"{next(NUMBERS)} {values['number']}"[:120]
    if isinstance(values.get("qty"), int) and values.get("kind", "goods") == "goods":
        values["qty"] = abs(values["qty"]) or 1
    if isinstance(values.get("amount"), str):
        values["amount"] = values["amount"].split(".")[0]
    if "returned_at" in values and isinstance(values.get("lines"), list):
        for line in values["lines"]:
            if isinstance(line, dict) and isinstance(line.get("amount"), dict):
                line["amount"]["amount"] = "-1"
    return values


BOOKS = {"orders": "order_id", "returns": "return_id", "stock/adjustments": "", "stock/counts": ""}


@pytest.mark.slow
@pytest.mark.parametrize("path", BOOKS)
def test_documents_that_reach_the_books_are_booked_and_can_be_read(path: str, key: str) -> None:
    @settings(parent=fuzzed, max_examples=25)
    @given(OPERATIONS[f"POST /api/v1/{path}"].as_strategy(GenerationMode.POSITIVE))
    def send(case: schemathesis.Case) -> None:
        case.body = reaching(case.body)
        case.headers.pop("Idempotency-Key", None)
        response = case.call(headers={"Authorization": key})
        case.validate_response(response, checks=CHECKS[:-1])

        if response.status_code == 200 and BOOKS[path]:
            document_id = response.json()["outcomes"][0]["id"]
            one = schema[f"/api/v1/{path}/{{{BOOKS[path]}}}"]["GET"].Case(path_parameters={BOOKS[path]: document_id})
            found = one.call(headers={"Authorization": key})
            assert found.status_code == 200
            one.validate_response(found, checks=CHECKS[:-1])

    send()


@pytest.mark.parametrize("parameter", ["order_id", "sku_id", "product_id", "customer_id"])
def test_what_exists_is_answered_as_documented(parameter: str, key: str) -> None:
    """The fuzzer seldom guesses an id that exists."""
    paths = {"order_id": "orders", "sku_id": "skus", "product_id": "products", "customer_id": "customers"}
    models = {"order_id": Order, "sku_id": Sku, "product_id": Product, "customer_id": Customer}
    operation = schema[f"/api/v1/{paths[parameter]}/{{{parameter}}}"]["GET"]
    case = operation.Case(path_parameters={parameter: models[parameter].objects.values_list("pk", flat=True)[0]})

    response = case.call(headers={"Authorization": key})

    assert response.status_code == 200
    case.validate_response(response, checks=CHECKS)


def test_no_two_models_share_a_name():
    """The documentation knows a model by its name alone: the second one would stand in for the first."""
    found: dict[str, set[type]] = {}
    waiting: list[type] = [In, Out]
    while waiting:
        model = waiting.pop()
        found.setdefault(model.__name__, set()).add(model)
        waiting += model.__subclasses__()

    assert {name: models for name, models in found.items() if len(models) > 1} == {}
