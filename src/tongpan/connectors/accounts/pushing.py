"""Sends what platforms must be told.

A number of stock is a whole number: sent twice it says the same. A shipment is not: before it is told, the platform
is asked for the order, and one that it knows to be sent is not told again. A process that dies after the platform
was told and before that was written down therefore tells it once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tongpan.connectors.accounts.actions import note_failure
from tongpan.connectors.accounts.calling import caller_for
from tongpan.connectors.accounts.engine import carrier_of
from tongpan.connectors.accounts.models import Account
from tongpan.connectors.accounts.outbox import Claimed, bury, claim, end, put_off
from tongpan.connectors.platforms.contract import Failure, ListingRef, Parcel, SetsPrices
from tongpan.connectors.platforms.transport import Caller, new_client
from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.money import to_decimal
from tongpan.orders.engine import status_of

if TYPE_CHECKING:
    import httpx

MOST_AT_ONCE = 500
_SENT = ("dispatched", "delivered", "completed")


def send_due(
    account: Account,
    *,
    now: Callable[[], datetime],
    client: httpx.Client | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Tell the account's platform what is due; how much of it the platform knows now.

    One at a time, each claimed and ended in transactions of its own; nothing is locked while the platform is asked.
    A failure of one puts it off or buries it and the next is sent; a platform that cannot be asked at all ends the
    run. Raises nothing.
    """
    own = client or new_client()
    told = 0
    try:
        caller: Caller | None = None
        for _ in range(MOST_AT_ONCE):
            push = claim(account.pk, now=now())
            if push is None:
                break
            try:
                caller = caller or caller_for(account, own, sleep)
                _tell(push, account, caller)
            except Refusal as refusal:
                bury(push, refusal.sentence, now=now())
            except Failure as failure:
                if _give_back(push, account, failure, now()):
                    break
            else:
                end(push.id, now=now())
                told += 1
    finally:
        if client is None:
            own.close()
    return told


def _give_back(push: Claimed, account: Account, failure: Failure, now: datetime) -> bool:
    """Put the push off or bury it; True when asking again now is no use for the others either."""
    sentence = f"{failure.sentence} ({failure.code})"
    is_account = failure.kind == "token" or failure.code in ("clock", "address", "401")
    if failure.kind == "refused" and not is_account:
        bury(push, sentence, now=now)
        return False
    put_off(push, sentence, now=now)
    if is_account:
        note_failure(account.pk, failure.sentence, None, now=now)
    return True


def _tell(push: Claimed, account: Account, caller: Caller) -> None:
    platform = caller.platform
    if push.kind == "stock":
        listing = ListingRef(push.payload["item"], push.payload["sku"])
        qty = int(push.payload["qty"])
        caller.send(lambda access: platform.set_stock(access, listing, qty, caller.clock()))
    elif push.kind == "price" and isinstance(platform, SetsPrices):
        priced, prices = ListingRef(push.payload["item"], push.payload["sku"]), platform
        amount = _amount(push, caller.access().currency)
        caller.send(lambda access: prices.set_price(access, priced, amount, caller.clock()))
    elif push.kind == "shipment":
        _tell_shipment(push, account, caller)
    else:
        raise Refusal("push.unsupported", f"{platform.title} cannot be told of a {push.kind}.")


def _amount(push: Claimed, currency: str) -> str:
    """The price as a decimal text. Raises Refusal push.currency for one that is not in the shop's currency."""
    if push.payload["currency"] != currency:
        raise Refusal(
            "push.currency",
            f"The price is in {push.payload['currency']}, but the shop sells in {currency}; correct it.",
        )
    return str(to_decimal(int(push.payload["price"]), currency))


def _tell_shipment(push: Claimed, account: Account, caller: Caller) -> None:
    """One that the platform knows to be sent already, by the shop's own hand or by an earlier try, is not told."""
    platform = caller.platform
    number = _order_number(push)
    answer = caller.send(lambda access: platform.get_order(access, number, caller.clock()))
    try:
        order = platform.order(answer)
        state = status_of(platform.document(order, caller.access()))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Failure("refused", "form", f"The order as {platform.title} has it cannot be read: {error!r}.") from None
    if state in _SENT:
        return
    parcel = parcel_of(push, account)
    if parcel.is_part and "part" not in platform.abilities:
        raise Refusal(
            "push.part",
            f"Order {parcel.order_number} leaves in several parcels, and {platform.title} is told of one parcel an "
            "order: acknowledge it there by hand, then dismiss this.",
        )
    caller.send(lambda access: platform.acknowledge(access, parcel, order, caller.clock()))


def _order_number(push: Claimed) -> str:
    rows = fetch_all(
        """SELECT o.external_id FROM fulfillment_fulfillment f JOIN orders_order o ON o.id = f.order_id
           WHERE f.id = %s""",
        [push.key],
    )
    if not rows:
        raise Refusal("push.no_parcel", f"There is no fulfilment {push.key} any more.")
    return str(rows[0][0])


def parcel_of(push: Claimed, account: Account) -> Parcel:
    """The parcel that a fulfilment left in. Raises Refusal push.no_parcel when it has no tracking number.

    A fulfilment with several parcels is told by its first: platforms take one number for the same lines.
    """
    rows: list[tuple[Any, ...]] = fetch_all(
        """SELECT o.external_id, s.carrier, s.tracking_number,
                  (SELECT count(*) FROM fulfillment_fulfillment x
                   WHERE x.order_id = o.id AND x.status NOT IN ('cancelled', 'rejected')) > 1,
                  (SELECT coalesce(json_object_agg(k.line_key, k.qty), '{}')
                   FROM (SELECT l.line_key, sum(fl.qty) AS qty FROM fulfillment_fulfillmentline fl
                         JOIN orders_orderline l ON l.id = fl.order_line_id
                         WHERE fl.fulfillment_id = f.id AND l.line_key <> '' GROUP BY 1) k)
           FROM fulfillment_fulfillment f JOIN orders_order o ON o.id = f.order_id
           LEFT JOIN LATERAL (SELECT carrier, tracking_number FROM fulfillment_shipment
                              WHERE fulfillment_id = f.id ORDER BY id LIMIT 1) s ON true
           WHERE f.id = %s""",
        [push.key],
    )
    if not rows or not rows[0][2]:
        raise Refusal(
            "push.no_parcel",
            "The goods left without a tracking number, and the platform wants one: enter the parcel, then send again.",
        )
    number, carrier, tracking, is_part, lines = rows[0]
    units = {str(key): int(qty) for key, qty in lines.items()}
    return Parcel(number, carrier_of(carrier, account.options), tracking, units, is_part)
