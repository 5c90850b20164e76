"""Telling every platform of stock and shipments, over real HTTP, once, through crashes and refusals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.support.company import put
from tests.support.emulators.all import EMULATORS, connect
from tests.support.emulators.base import Emulator, running

from tongpan.connectors.accounts.models import Account, Push
from tongpan.connectors.accounts.outbox import NewPush, claim, enqueue
from tongpan.connectors.accounts.pulling import pull
from tongpan.connectors.accounts.pushing import send_due
from tongpan.connectors.platforms.registry import PLATFORMS
from tongpan.core.bulk import fetch_all

pytestmark = pytest.mark.usefixtures("company")
WITH_STOCK = sorted(name for name in EMULATORS if "stock" in PLATFORMS[name].abilities)


@pytest.fixture(params=sorted(EMULATORS))
def emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    with running(EMULATORS[request.param]()) as made:
        yield made


def now() -> datetime:
    return datetime.now(UTC)


def send(account: Account, **more: Any) -> int:
    account.refresh_from_db()
    return send_due(account, now=more.pop("now", now), sleep=lambda seconds: None, **more)


def stock(account: Account, qty: int, listing: int = 1) -> NewPush:
    sku = "1" if account.platform == "shopify" else "770"
    return NewPush(account.shop_id, "stock", listing, {"item": "77", "sku": sku, "qty": qty})


def states() -> list[str]:
    return list(Push.objects.order_by("id").values_list("state", flat=True))


@pytest.mark.parametrize("emulator", WITH_STOCK, indirect=True)
def test_of_many_numbers_of_stock_the_newest_alone_is_sent(emulator: Emulator) -> None:
    # given
    account = connect(emulator)
    for qty in (9, 5, 7):
        assert enqueue([stock(account, qty)], now=now()) == [account.pk]

    # when
    told = send(account)

    # then
    assert told == 1
    sku = "1" if emulator.name == "shopify" else "770"
    assert emulator.stock == {("77", sku): [7]}
    assert states() == ["sent"]


@pytest.mark.parametrize("emulator", WITH_STOCK, indirect=True)
def test_stock_arrives_through_faults(emulator: Emulator) -> None:
    # given
    account = connect(emulator)
    enqueue([stock(account, 3)], now=now())
    emulator.faults = ["throttled", "500", "drop", "html"]

    # when
    told = send(account)

    # then
    assert told == 1
    assert list(emulator.stock.values()) == [[3]]


@pytest.mark.parametrize("emulator", WITH_STOCK, indirect=True)
def test_a_platform_that_is_down_is_told_later(emulator: Emulator) -> None:
    # given
    account = connect(emulator)
    enqueue([stock(account, 3)], now=now())
    emulator.faults = ["500"] * 5

    # when
    first = send(account)
    waiting = Push.objects.get()
    second = send(account)
    third = send(account, now=lambda: now() + timedelta(minutes=2))

    # then
    assert (first, second, third) == (0, 0, 1)
    assert waiting.state == "waiting"
    assert waiting.next_at > now() + timedelta(seconds=20)
    assert "500" in waiting.last_error
    assert list(emulator.stock.values()) == [[3]]


@pytest.mark.parametrize("emulator", WITH_STOCK, indirect=True)
def test_a_number_that_was_being_sent_when_its_process_died_is_sent_after_it(emulator: Emulator) -> None:
    # given: claimed, and then nothing
    account = connect(emulator)
    enqueue([stock(account, 3)], now=now())
    assert claim(account.pk, now=now()) is not None
    enqueue([stock(account, 8)], now=now())

    # when
    send(account, now=lambda: now() + timedelta(minutes=3))

    # then: whatever the dead process told, the newest number is told last
    assert list(emulator.stock.values()) == [[3, 8]]
    assert states() == ["sent", "sent"]


def test_stock_is_not_put_in_for_a_platform_that_cannot_be_told() -> None:
    # given
    with running(EMULATORS["youzan"]()) as emulator:
        account = connect(emulator)

        # when
        started = enqueue([stock(account, 3)], now=now())

    # then
    assert started == []
    assert Push.objects.count() == 0


def parcel_of(number: str, carrier: str = "SF", tracking: str = "SF0001") -> int:
    """The order's goods leave in one parcel; the id of the fulfilment."""
    from tongpan.fulfillment.parcels import ShipDoc

    from tongpan.fulfillment.actions import route, ship

    order_id = fetch_all("SELECT id FROM orders_order WHERE external_id = %s", [number])[0][0]
    route([order_id], actor="test", now=now())
    outcome = ship(
        [ShipDoc(shop_code="tm", order_number=number, carrier=carrier, tracking_number=tracking, shipped_at=now())],
        actor="test",
        now=now(),
    )[0]
    assert outcome.state != "refused", outcome
    return int(fetch_all("SELECT id FROM fulfillment_fulfillment WHERE order_id = %s", [order_id])[0][0])


def sold(emulator: Emulator) -> tuple[Account, str]:
    """One paid order of the platform, in the hub."""
    put("sh", A=100)
    order = emulator.sell(1)[0]
    carrier = {"carrier.SF": "44"} if emulator.name in ("jd", "pinduoduo") else {}
    account = connect(emulator, options={"first_days": "1", "location": "1"} | carrier)
    pull(account, now=now(), sleep=lambda seconds: None)
    return account, order.number
