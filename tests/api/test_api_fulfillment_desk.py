"""The work of nodes over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from tests.api.calling import Api
from tests.support.company import goods, open_company, paid, put
from tests.support.following import route_all
from tests.support.intake import take

from tongpan.fulfillment.models import Fulfillment
from tongpan.fulfillment.pickup.queries import code_for
from tongpan.orders.engine import DeliveryDoc


@pytest.fixture
def parcels(db: None) -> tuple[int, int]:
    """A parcel at "sh" and a pickup at "bj"."""
    open_company()
    put("sh", B=5)
    put("bj", A=5)
    take(paid("1", goods("B", 2)), paid("2", goods("A", 1), delivery=DeliveryDoc("pickup", "bj")))
    route_all()
    sent, fetched = Fulfillment.objects.order_by("order__external_id")
    return sent.pk, fetched.pk


def states(answer: Any) -> list[tuple[str, str, str]]:
    return [(one["state"], one["status"], one["code"]) for one in answer["outcomes"]]


def test_a_node_reads_its_queue_and_takes_its_steps(api: Api, parcels: tuple[int, int]) -> None:
    sent, fetched = parcels

    (queued,) = api.get("/fulfillment-queue?node=bj&stage=pick")["items"]
    assert (queued["id"], queued["method"], queued["lines"][0]["qty"]) == (fetched, "pickup", 1)
    assert queued["due"] == queued["ready_by"] is not None
    taken = api.send("POST", "/fulfillments/steps/pack", {"fulfillments": [sent, 999_999]})
    assert states(taken) == [("done", "packed", ""), ("refused", "", "fulfillment.unknown")]
    assert [(n["node"], n["pick"], n["dispatch"]) for n in api.get("/fulfillment-work")["nodes"]] == [
        ("bj", 1, 0),
        ("sh", 0, 1),
    ]
    assert api.refused(422, "GET", "/fulfillment-queue?node=nowhere")["code"] == "node.unknown"


def test_a_pickup_is_verified_once(api: Api, parcels: tuple[int, int]) -> None:
    _, fetched = parcels
    api.send("POST", "/fulfillments/steps/ready", {"fulfillments": [fetched]})
    code = code_for(fetched)

    assert states(api.send("POST", "/fulfillments/collect", {"code": "nonsense"})) == [("refused", "", "pickup.form")]
    assert states(api.send("POST", "/fulfillments/collect", {"code": code})) == [("done", "delivered", "")]
    (again,) = api.send("POST", "/fulfillments/collect", {"code": code})["outcomes"]
    assert (again["code"], "already by key:test" in again["reason"]) == ("pickup.collected", True)


def test_a_rejection_says_where_the_order_went(api: Api, parcels: tuple[int, int]) -> None:
    sent, _ = parcels

    answer = api.send("POST", "/fulfillments/reject", {"fulfillments": [sent], "reason": "closed"})

    assert states(answer) == [("done", "rejected", "")]
    assert api.refused(422, "POST", "/fulfillments/hand-over", {"fulfillments": [sent], "reason": "x"})["code"] == (
        "pickup.reason"
    )


def test_papers_are_a_pdf(api: Api, parcels: tuple[int, int]) -> None:
    sent, fetched = parcels

    answer = api.call("GET", f"/fulfillment-papers/labels?ids={sent},{fetched}")

    assert (answer.status_code, answer["Content-Type"], answer.content[:5]) == (200, "application/pdf", b"%PDF-")
    assert api.refused(422, "GET", "/fulfillment-papers/labels?ids=x")["code"] == "paper.ids"


def test_clocks_are_read_and_set(api: Api, db: None) -> None:
    assert api.get("/fulfillment-clocks")["ship_clock"] == "delivered"

    assert api.send("PUT", "/fulfillment-clocks", {"ship_clock": "dispatched", "keep_days": 3})["keep_days"] == 3

    assert (api.get("/fulfillment-clocks")["ship_clock"], api.get("/fulfillment-clocks")["pickup_minutes"]) == (
        "dispatched",
        120,
    )
    assert api.refused(422, "PUT", "/fulfillment-clocks", {"keep_days": 0})["code"] == "clocks.range"
