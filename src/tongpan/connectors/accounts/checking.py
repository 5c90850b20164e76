"""Tries a connection: asks the platform for the last hour, and says what it found without taking anything."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tongpan.connectors.accounts.calling import caller_for
from tongpan.connectors.accounts.models import Account
from tongpan.connectors.platforms.contract import Failure, Window
from tongpan.connectors.platforms.transport import new_client
from tongpan.core.errors import Refusal

if TYPE_CHECKING:
    import httpx

_SPAN = timedelta(minutes=25)


@dataclass(frozen=True, slots=True)
class Check:
    """orders: how many orders the platform says were changed lately (a full page counts as its size)."""

    orders: int
    read: int
    unreadable: int
    skew_seconds: float | None


def check_account(
    account: Account, *, now: datetime, client: httpx.Client | None = None, sleep: Callable[[float], None] = time.sleep
) -> Check:
    """Ask for the orders of the last minutes and read them; nothing is stored but a renewed token.

    Raises Refusal account.failing with what the platform said.
    """
    own = client or new_client()
    try:
        caller = caller_for(account, own, sleep)
        platform = caller.platform
        window = Window(now - platform.settling - _SPAN, now - platform.settling)
        first = "" if platform.pages == "cursor" else str(platform.first_page)
        answer = caller.send(lambda access: platform.list_orders(access, window, first, caller.clock()))
        listed = platform.listed(answer)
        raws = list(listed.orders)
        for number in listed.numbers[:1]:
            raws.append(
                platform.order(caller.send(lambda access, n=number: platform.get_order(access, n, caller.clock())))  # type: ignore[misc]
            )
        unreadable = 0
        for raw in raws:
            try:
                platform.document(raw, caller.access())
            except (KeyError, TypeError, ValueError, AttributeError, Refusal):
                unreadable += 1
        count = listed.total if listed.total is not None else len(listed.orders) + len(listed.numbers)
        return Check(count, len(raws), unreadable, caller.skew_seconds)
    except Failure as failure:
        raise Refusal("account.failing", f"{account.shop.code}: {failure.sentence} ({failure.code})") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Refusal(
            "account.failing", f"{account.shop.code}: the answer has another form than expected: {error!r}."
        ) from None
    finally:
        if client is None:
            own.close()
