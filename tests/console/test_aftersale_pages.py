"""After-sale in the console: ask on the page of the order, work the queue, take goods at a counter, keep the policy."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from tongpan.console.return_policy import PolicyForm
from tongpan.core.bulk import fetch_all
from tongpan.network.actions import save_nodes, set_staff
from tongpan.network.engine import NodeRules, NodeSpec
from tongpan.orders.actions import accept
from tongpan.orders.aftersale.engine.policy import Policy
from tongpan.orders.aftersale.policies import current_policy
from tongpan.orders.engine import LineDoc, OrderDoc

pytestmark = pytest.mark.usefixtures("company")
SignIn = Callable[..., Client]


@pytest.fixture
def order_id() -> int:
    """An order of two bags and a cup that arrived two days ago, whenever this runs; "st" is a return point."""
    now = datetime.now(UTC)
    by: dict[str, Any] = {"actor": "test", "now": now}
    save_nodes([NodeSpec("st", "store", "北京店", city="北京", rules=NodeRules(facilities=("return",)))], **by)
    lines = [LineDoc("goods", "BAG", "Bag", 2, 20001), LineDoc("goods", "CUP", "Cup", 1, 3000)]
    days: dict[str, Any] = {
        f"{name}_at": now - timedelta(days=n) for name, n in (("paid", 5), ("dispatched", 4), ("delivered", 2))
    }
    doc = OrderDoc("tm", "B-1", now - timedelta(days=5), "CNY", lines, **days)
    return int(accept([doc], **by)[0].document_id or 0)


def form(**changes: Any) -> dict[str, Any]:
    return {
        "line_1": "1",
        "line_2": "0",
        "kind": "return",
        "reason": "no_reason",
        "way": "store",
        "node": "st",
    } | changes


def cases() -> list[tuple[Any, ...]]:
    return fetch_all("SELECT id, status, owner FROM orders_returncase ORDER BY id")


def test_the_page_of_an_order_leads_to_a_request_that_shows_first_what_is_refunded(
    sign_in: SignIn, order_id: int
) -> None:
    client = sign_in("store")
    set_staff("store", ["st"], actor="test", now=datetime.now(UTC))
    path = f"/orders/{order_id}/return/"
    assert path in client.get(f"/orders/{order_id}/").content.decode()

    shown = client.post(path, form(quote="1")).content.decode()
    assert "100.01" in shown and "Within the window without a reason" in shown
    assert cases() == []
    refused = client.post(path, form(quote="1", line_1="3")).content.decode()
    assert "2 were bought, so 2 can come back, not 3" in refused

    response = client.post(path, form(ask="1"))
    assert (response.status_code, [row[1] for row in cases()]) == (302, ["approved"])
    assert "100.01" in client.get(response["Location"]).content.decode()


def test_a_store_takes_goods_inspects_them_and_may_not_pay(sign_in: SignIn, order_id: int) -> None:
    now = datetime.now(UTC)
    sign_in("manager").post(f"/orders/{order_id}/return/", form(ask="1"))
    client = sign_in("store")
    path = f"/aftersale/{cases()[0][0]}/"
    elsewhere = client.post(path, {"step": "receive", "node": "st"}, follow=True).content.decode()
    assert "do not work at" in elsewhere

    set_staff("store", ["st"], actor="test", now=now)
    client.post(path, {"step": "receive", "node": "st"})
    assert cases()[0][1] == "received"
    missing = client.post(path, {"step": "inspect"}, follow=True).content.decode()
    assert "Name each unit once" in missing
    client.post(path, {"step": "inspect", "saleable-1": "1", "note": "as new"})
    page = client.get(path).content.decode()

    assert (cases()[0][1], "as new" in page, "It is paid back" in page) == ("inspected", True, False)
    assert client.post(path, {"step": "refund_paid"}).status_code == 403
    assert cases()[0][1] == "inspected"


def test_the_queue_shows_what_waits_and_many_are_approved_at_once(sign_in: SignIn, order_id: int) -> None:
    client = sign_in("manager")
    path = f"/orders/{order_id}/return/"
    for line in ("1", "2"):
        units = {"line_1": "0", "line_2": "0"} | {f"line_{line}": "1"}
        client.post(path, form(ask="1", kind="claim", way="none", node="", reason="quality", **units))
    ids = [row[0] for row in cases()]
    page = client.get("/aftersale/?status=requested").content.decode()
    assert all(f"AS{i}" in page for i in ids)
    assert f"AS{ids[0]}" not in client.get("/aftersale/?status=closed").content.decode()

    client.post("/aftersale/bulk/", {"id": ids, "what": "take"})
    assert [row[2] for row in cases()] == ["manager", "manager"]
    client.post("/aftersale/bulk/", {"id": ids, "what": "approve"})

    assert [row[1] for row in cases()] == ["closed", "closed"]
    assert "Refund quoted" in b"".join(client.get("/aftersale/export/").streaming_content).decode()  # type: ignore[attr-defined]
    assert f"AS{ids[1]}" in client.get(f"/aftersale/?q=AS{ids[1]}").content.decode()


def test_the_policy_is_changed_with_checks(sign_in: SignIn, order_id: int) -> None:
    client = sign_in("manager")
    given = {
        key: value
        for key, value in PolicyForm(*current_policy()).initial.items()
        if value is not None and value is not False
    }
    for n, reason in enumerate(current_policy()[1].reasons):
        given |= {f"reason-{n}-code": reason.code, f"reason-{n}-name": reason.name, f"reason-{n}-fault": reason.fault}
        given |= {f"reason-{n}-is_quality": "1"} if reason.is_quality else {}
        given |= {f"reason-{n}-before_delivery": "1"} if reason.before_delivery else {}
    wrong = client.post("/aftersale/policy/", given | {"override-0-name": "x"}).content.decode()
    assert "changes nothing" in wrong and 'value="x"' in wrong
    soon = {"override-0-name": "x", "override-0-extended_days": "soon"}
    assert "extended_days must be" in client.post("/aftersale/policy/", given | soon).content.decode()
    assert "once" in client.post("/aftersale/policy/", given | {"reason-1-code": "no_reason"}).content.decode()
    assert current_policy()[0] == 0

    rules = {"no_reason_days": "15", "freight_carrier": "buyer", "tender_points": "1", "tender_money": "2"}
    rules |= {"tender_stored_value": "3", "tender_gift_card": "3", "tender_coupon": "5"}
    rules |= {"override-0-name": "food", "override-0-categories": "fresh，milk", "override-0-is_excluded": "yes"}
    assert client.post("/aftersale/policy/", given | rules).status_code == 302
    version, policy = current_policy()
    assert (version, policy.no_reason_days, policy.reasons) == (1, 15, Policy().reasons)
    assert [(o.name, o.categories, o.warranty_days, o.is_excluded) for o in policy.overrides] == [
        ("food", ("fresh", "milk"), None, True)
    ]
    assert policy.return_freight["carrier"] == "buyer"
    assert policy.tender_groups == (("points",), ("money",), ("stored_value", "gift_card"), ("coupon",))
    assert "was changed meanwhile" in client.post("/aftersale/policy/", given).content.decode()
    assert sign_in("viewer").post("/aftersale/policy/", given).status_code == 403
