"""Telling every platform of stock and shipments, over real HTTP, once, through crashes and refusals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.support.company import put
from tests.support.emulators.all import EMULATORS, connect
from tests.support.emulators.base import Emulator, Told, running

from tongpan.catalog.listings import ListingSpec, save_listings
from tongpan.connectors.accounts.models import Account, Push
from tongpan.connectors.accounts.outbox import NewPush, claim, dismiss, enqueue, send_again
from tongpan.connectors.accounts.pulling import pull
from tongpan.connectors.accounts.pushing import send_due
from tongpan.connectors.accounts.queries import incidents
from tongpan.connectors.accounts.readers import PRICES, SHIPMENTS, STOCK, push_all_stock
from tongpan.connectors.platforms.registry import PLATFORMS
from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.eventlog import Event
from tongpan.fulfillment.actions import route, ship
from tongpan.fulfillment.parcels import ShipDoc

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


def test_published_stock_reaches_the_platform_under_its_own_ids() -> None:
    with running(EMULATORS["douyin"]()) as emulator:
        # given
        put("sh", A=9, B=4)
        account = connect(emulator)
        specs = [
            ListingSpec("tm", "77", "770", "A"),
            ListingSpec("tm", "77", "771", "B"),
            ListingSpec("tm2", "5", "", "A"),
        ]
        ids = save_listings(specs, actor="test", now=now())
        a, b, other = (ids[spec.key] for spec in specs)

        # when
        STOCK.handle([published(a, 9), published(b, 4), published(other, 9), published(a, 6)])
        told = send(account)

    # then
    assert told == 2
    assert emulator.stock == {("77", "770"): [6], ("77", "771"): [4]}


def test_a_new_connection_is_told_every_published_number() -> None:
    with running(EMULATORS["douyin"]()) as emulator:
        # given
        put("sh", A=9)
        spec = ListingSpec("tm", "77", "770", "A")
        key = save_listings([spec], actor="test", now=now())[spec.key]
        execute(
            """INSERT INTO inventory_publishedstock (listing_id, qty, reason, computed_at, changed_at)
               VALUES (%s, 9, '{}', now(), now())""",
            [key],
        )
        account = connect(emulator)

        # when
        waiting = push_all_stock(account.shop_id)
        told = send(account)

    # then
    assert (waiting, told) == (1, 1)
    assert emulator.stock == {("77", "770"): [9]}


def published(key: int, qty: int) -> Event:
    return Event(1, 1, "stock.published", str(key), {"shop": 0, "qty": qty}, now())


def leaves(number: str, carrier: str = "SF", tracking: str = "SF0001") -> int:
    """The order is routed and its goods leave in one parcel; the id of the fulfilment."""
    order_id = fetch_all("SELECT id FROM orders_order WHERE external_id = %s", [number])[0][0]
    route([order_id], actor="test", now=now())
    key = int(fetch_all("SELECT id FROM fulfillment_fulfillment WHERE order_id = %s", [order_id])[0][0])
    parcel = ShipDoc(carrier, tracking, now(), fulfillment_id=key)
    assert [outcome.state for outcome in ship([parcel], actor="test", now=now())] == ["accepted"]
    return key


def sold(emulator: Emulator, count: int = 1) -> Account:
    """Paid orders of the platform, in the hub, with goods for them."""
    put("sh", A=100)
    emulator.sell(count)
    carriers = {"carrier.SF": "44"} if emulator.name in ("jd", "pinduoduo") else {}
    account = connect(emulator, options={"first_days": "1", "location": "1"} | carriers)
    pull(account, now=now(), sleep=lambda seconds: None)
    return account


def told_of(emulator: Emulator) -> list[tuple[str, str, str]]:
    """What the platform should know of one parcel of the first order."""
    carrier = {"jd": "44", "pinduoduo": "44", "woocommerce": ""}.get(emulator.name, "SF")
    return [(sorted(emulator.sold)[0], carrier, "" if emulator.name == "woocommerce" else "SF0001")]


def dispatched(key: int) -> Event:
    return Event(1, 1, "fulfillment.dispatched", str(key), {}, now())


def test_a_parcel_that_left_is_acknowledged_once(emulator: Emulator) -> None:
    # given
    account = sold(emulator)
    key = leaves(sorted(emulator.sold)[0])

    # when: the event is read twice, and sent twice
    SHIPMENTS.handle([dispatched(key)])
    SHIPMENTS.handle([dispatched(key)])
    told = send(account), send(account)

    # then
    assert told == (1, 0)
    assert emulator.shipments == told_of(emulator)
    assert states() == ["sent"]


def test_a_parcel_that_was_told_before_the_process_died_is_not_told_again(emulator: Emulator) -> None:
    # given: the platform was told, and nobody wrote it down
    account = sold(emulator)
    key = leaves(sorted(emulator.sold)[0])
    SHIPMENTS.handle([dispatched(key)])
    assert send(account) == 1
    execute("UPDATE connectors_push SET state = 'sending', claimed_at = %s, ended_at = NULL", [now()])

    # when
    at_once = send(account)
    later = send(account, now=lambda: now() + timedelta(minutes=3))

    # then
    assert (at_once, later) == (0, 1)
    assert emulator.shipments == told_of(emulator)
    assert states() == ["sent"]


def test_a_parcel_that_the_shop_acknowledged_by_hand_is_no_incident(emulator: Emulator) -> None:
    # given
    account = sold(emulator)
    number = sorted(emulator.sold)[0]
    key = leaves(number)
    SHIPMENTS.handle([dispatched(key)])
    emulator.touch(number, state="dispatched")

    # when
    told = send(account)

    # then
    assert told == 1
    assert emulator.shipments == []
    assert incidents().count() == 0


def test_a_parcel_that_the_platform_refuses_is_an_incident_until_a_person_decides(emulator: Emulator) -> None:
    # given: the buyer cancelled meanwhile (WooCommerce completes a cancelled order without a word)
    account = sold(emulator)
    number = sorted(emulator.sold)[0]
    key = leaves(number)
    SHIPMENTS.handle([dispatched(key)])
    emulator.touch(number, state="cancelled")
    if emulator.name == "woocommerce":
        del emulator.sold[number]
        emulator.serve = lambda asked: Told({"code": "gone", "message": "Invalid ID."}, 404)  # type: ignore[method-assign]

    # when
    told = send(account)

    # then
    assert told == 0
    incident = incidents().get()
    assert incident.key == key
    assert incident.last_error
    logged = fetch_all("SELECT key, payload::text FROM core_event WHERE name = 'push.failed'")
    assert [key for key, _ in logged] == [str(incident.pk)]

    # when
    dismiss(incident.pk, actor="user:eve", now=now())

    # then
    assert incidents().count() == 0
    with pytest.raises(Refusal):
        send_again(incident.pk, actor="user:eve", now=now())


def test_goods_that_left_without_a_number_are_an_incident_and_sent_again_with_one() -> None:
    with running(EMULATORS["taobao"]()) as emulator:
        # given
        account = sold(emulator)
        key = leaves(sorted(emulator.sold)[0])
        execute("UPDATE fulfillment_shipment SET tracking_number = ''")
        SHIPMENTS.handle([dispatched(key)])
        send(account)
        incident = incidents().get()
        assert "without a tracking number" in incident.last_error

        # when
        execute("UPDATE fulfillment_shipment SET tracking_number = 'SF0001'")
        send_again(incident.pk, actor="user:eve", now=now())
        told = send(account)

    # then
    assert told == 1
    assert emulator.shipments == told_of(emulator)


def test_goods_that_were_gone_when_their_order_came_in_are_not_told_to_its_channel() -> None:
    with running(EMULATORS["taobao"]()) as emulator:
        # given
        put("sh", A=100)
        emulator.sell(1)[0].state = "dispatched"
        account = connect(emulator)
        pull(account, now=now(), sleep=lambda seconds: None)
        order_id = fetch_all("SELECT id FROM orders_order")[0][0]
        route([order_id], actor="test", now=now())
        keys = [key for (key,) in fetch_all("SELECT id FROM fulfillment_fulfillment")]

        # when
        SHIPMENTS.handle([dispatched(key) for key in keys])

    # then
    assert len(keys) == 1
    assert Push.objects.count() == 0


def test_a_carrier_without_the_number_that_the_platform_wants_is_named() -> None:
    with running(EMULATORS["jd"]()) as emulator:
        # given
        account = sold(emulator)
        account.options = {"first_days": "1"}
        account.save(update_fields=["options"])
        key = leaves(sorted(emulator.sold)[0])
        SHIPMENTS.handle([dispatched(key)])

        # when
        send(account)

    # then
    assert "carrier.SF" in incidents().get().last_error
    assert emulator.shipments == []


def priced(account: Account, price: int, currency: str = "") -> list[Event]:
    """The listing gets a price; what the log says of it."""
    put("sh", f"for {price}", A=1)
    spec = ListingSpec(account.shop.code, "77", "770", "A", price_minor=price, currency=currency)
    save_listings([spec], actor="test", now=now())
    rows = fetch_all("SELECT id, key FROM core_event WHERE name = 'catalog.listing_priced' ORDER BY id")
    return [Event(0, row[0], "catalog.listing_priced", row[1], {}, now()) for row in rows]


@pytest.mark.parametrize("emulator", ["woocommerce"], indirect=True)
def test_the_last_price_is_told_where_the_account_says_so(emulator: Emulator) -> None:
    account = connect(emulator)
    PRICES.handle(priced(account, 1990))
    assert states() == []
    Account.objects.update(options={"prices": "push"})

    assert len(priced(account, 1990)) == 1
    PRICES.handle(priced(account, 2590))
    PRICES.handle(priced(account, 2490))
    told = send(account)

    assert told == 1
    assert emulator.prices == {("77", "770"): ["24.90"]}
    assert emulator.stock == {}


@pytest.mark.parametrize("emulator", ["woocommerce"], indirect=True)
def test_a_price_in_another_currency_is_not_told(emulator: Emulator) -> None:
    account = connect(emulator)
    Account.objects.update(options={"prices": "push"})
    PRICES.handle(priced(account, 1990, "USD"))

    assert send(account) == 0

    assert emulator.prices == {}
    assert "in USD" in Push.objects.get().last_error


@pytest.mark.parametrize(
    "emulator", sorted(n for n in EMULATORS if "price" not in PLATFORMS[n].abilities), indirect=True
)
def test_platforms_that_cannot_be_told_of_prices_are_passed_over(emulator: Emulator) -> None:
    account = connect(emulator)
    Account.objects.update(options=account.options | {"prices": "push"})

    PRICES.handle(priced(account, 1990))

    assert states() == []
