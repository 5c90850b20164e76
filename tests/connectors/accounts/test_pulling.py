"""Pulling orders from every platform, over real HTTP, while things go wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.support.emulators.all import EMULATORS, WITH_TOKENS, connect
from tests.support.emulators.base import Emulator, running

from tongpan.connectors.accounts.models import Account, RefusedOrder
from tongpan.connectors.accounts.pulling import Pulled, back_fill, pull
from tongpan.connectors.platforms.contract import Failure
from tongpan.connectors.platforms.registry import PLATFORMS
from tongpan.core.bulk import fetch_all
from tongpan.orders.models import Order

pytestmark = pytest.mark.usefixtures("company")


@pytest.fixture(params=sorted(EMULATORS))
def emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    with running(EMULATORS[request.param]()) as made:
        yield made


def pulled(account: Account, **more: Any) -> Pulled:
    account.refresh_from_db()
    return pull(account, now=datetime.now(UTC), sleep=lambda seconds: None, **more)


def only(result: Pulled, state: str) -> int:
    """How many came to ``state``; none but copies, where one window ends and the next begins, to another."""
    assert set(result.taken) <= {state, "unchanged"}
    return result.taken[state]


def numbers() -> list[str]:
    return sorted(number for (number,) in fetch_all("SELECT external_id FROM orders_order"))


def test_every_order_of_every_page_comes_in_once(emulator: Emulator) -> None:
    # given
    size = PLATFORMS[emulator.name].page_size
    sold = emulator.sell(2 * size + 3)
    account = connect(emulator)

    # when
    first, second = pulled(account), pulled(account)

    # then
    assert only(first, "accepted") == len(sold)
    assert numbers() == sorted(order.number for order in sold)
    # The overlap alone is asked for again, and changes nothing.
    assert set(second.taken) <= {"unchanged"}
    account.refresh_from_db()
    assert account.health == "good"
    assert account.last_error == ""
    assert RefusedOrder.objects.count() == 0


def test_an_order_that_moved_on_is_updated(emulator: Emulator) -> None:
    # given
    emulator.sell(3, ago=timedelta(minutes=5))
    account = connect(emulator)
    pulled(account)
    number = sorted(emulator.sold)[1]

    # when
    emulator.touch(number, state="dispatched")
    emulator.sold[number].changed_at -= timedelta(minutes=4)
    result = pulled(account)

    # then
    assert result.taken["updated"] == 1
    assert result.taken["accepted"] == 0
    expected = "completed" if emulator.name == "woocommerce" else "dispatched"
    assert Order.objects.get(external_id=number).status == expected


def test_faults_on_the_way_are_ridden_out(emulator: Emulator) -> None:
    # given
    size = PLATFORMS[emulator.name].page_size
    sold = emulator.sell(size + 2)
    account = connect(emulator)
    emulator.faults = ["throttled", "500", "", "drop", "html", "throttled"]

    # when
    result = pulled(account)

    # then
    assert only(result, "accepted") == len(sold)
    assert emulator.faults == []


def test_an_order_that_changes_between_two_pages_hides_no_other(emulator: Emulator) -> None:
    # given: after each page two orders of the window change, and leave it
    size = PLATFORMS[emulator.name].page_size
    sold = emulator.sell(2 * size + 3)
    account = connect(emulator)
    later = [order.number for order in reversed(sold)]

    def change_two(page: int) -> None:
        for number in (later.pop(0), later.pop(0)):
            emulator.touch(number)

    emulator.after_page = change_two

    # when: the pull, and the next one, which takes those that left the window
    pulled(account)
    emulator.after_page = lambda page: None
    for order in emulator.sold.values():
        order.changed_at = min(order.changed_at, datetime.now(UTC) - timedelta(minutes=5))
    pulled(account)

    # then
    assert numbers() == sorted(order.number for order in sold)


@pytest.mark.parametrize("emulator", WITH_TOKENS, indirect=True)
def test_an_expired_token_is_renewed_in_the_middle(emulator: Emulator) -> None:
    # given
    sold = emulator.sell(3)
    account = connect(emulator)
    emulator.faults = ["expired"]

    # when
    result = pulled(account)

    # then
    assert only(result, "accepted") == len(sold)
    assert emulator.tokens_given == 2
    account.refresh_from_db()
    assert account.token_expires_at is not None
    assert account.renewing_until is None


@pytest.mark.parametrize("emulator", WITH_TOKENS, indirect=True)
def test_a_token_about_to_expire_is_renewed_before_the_first_call(emulator: Emulator) -> None:
    # given
    emulator.sell(1)
    account = connect(emulator, token_expires_at=datetime.now(UTC) + timedelta(minutes=2))

    # when
    pulled(account)

    # then
    assert emulator.tokens_given == 2


def test_a_wrong_secret_is_told_and_takes_nothing(emulator: Emulator) -> None:
    # given
    emulator.sell(2)
    wrong = {"secret": "another secret", "access_token": "another token", "refresh_token": "another"}
    account = connect(emulator, **wrong)

    # when
    with pytest.raises(Failure) as failed:
        pulled(account)

    # then
    assert failed.value.kind in ("refused", "token")
    account.refresh_from_db()
    assert (account.health, account.failures) == ("failing", 1)
    assert account.last_error == failed.value.sentence
    assert account.cursor is None
    assert numbers() == []


def test_a_clock_that_is_wrong_is_named(emulator: Emulator) -> None:
    # given
    emulator.sell(1)
    account = connect(emulator)
    emulator.clock_ahead = timedelta(hours=3)

    # when
    with pytest.raises(Failure, match="Set this machine's clock right") as failed:
        pulled(account)

    # then
    assert failed.value.code == "clock"
    account.refresh_from_db()
    assert account.skew_seconds == pytest.approx(3 * 3600, abs=5)
    assert numbers() == []


def test_a_platform_that_stays_down_is_given_up_and_asked_again_later(emulator: Emulator) -> None:
    # given
    sold = emulator.sell(2)
    account = connect(emulator)
    emulator.faults = ["500"] * 5

    # when
    with pytest.raises(Failure) as failed:
        pulled(account)
    result = pulled(account)

    # then
    assert failed.value.kind == "temporary"
    assert only(result, "accepted") == len(sold)
    account.refresh_from_db()
    assert (account.health, account.failures) == ("good", 0)


def test_a_state_that_nobody_knows_is_kept_and_shown(emulator: Emulator) -> None:
    # given
    order = emulator.sell(1)[0]
    order.words = "99" if emulator.name in ("douyin", "wechat", "pinduoduo") else "A_NEW_STATE"
    account = connect(emulator)

    # when
    result = pulled(account)

    # then
    assert only(result, "accepted") == 1
    stored = Order.objects.get()
    assert stored.is_status_known is False
    assert stored.status == "placed"
    assert order.words in stored.channel_status


def test_a_back_fill_leaves_the_cursor_alone(emulator: Emulator) -> None:
    # given
    emulator.sell(2, ago=timedelta(hours=30), prefix="3")
    account = connect(emulator)
    pulled(account)
    account.refresh_from_db()
    before = account.cursor
    now = datetime.now(UTC)

    # when
    result = back_fill(
        account, now - timedelta(hours=31), now - timedelta(hours=29), now=now, sleep=lambda seconds: None
    )

    # then
    assert only(result, "accepted") == 2
    account.refresh_from_db()
    assert account.cursor == before


def test_an_order_that_the_hub_refuses_is_kept_with_the_reason_until_a_good_copy_comes(emulator: Emulator) -> None:
    # given
    order = emulator.sell(1)[0]
    order.sku = "x" * 200
    account = connect(emulator)

    # when
    first = pulled(account)

    # then
    assert only(first, "refused") >= 1
    kept = RefusedOrder.objects.get()
    assert (kept.external_id, kept.code) == (order.number, "document.line")
    assert order.number.encode() not in bytes(kept.raw)

    # when
    order.sku = "A"
    emulator.touch(order.number)
    order.changed_at -= timedelta(minutes=4)
    second = pulled(account)

    # then
    assert only(second, "accepted") == 1
    assert RefusedOrder.objects.count() == 0
