"""Values of platforms' answers: money, instants, codes and masked text, turned into ours once, at the edge."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from tongpan.connectors.platforms.contract import Access
from tongpan.core.clock import zone
from tongpan.core.money import allocate, to_minor
from tongpan.orders.engine import BuyerDoc, DiscountDoc, LineDoc

_LOCAL = "%Y-%m-%d %H:%M:%S"
EARLIEST_YEAR = 1990
SHIPPING = "SHIPPING"


def text(value: Any) -> str:
    """``value`` as text: ids lose no digit, None is ""."""
    return "" if value is None else str(value).strip()


def plain(value: Any) -> str:
    """``value`` as text, "" when the platform masked or enciphered it: stars never overwrite what is known."""
    found = text(value)
    return "" if "*" in found or found.startswith(("##", "$$", "$", "~", "#")) else found


def decimal(value: Any) -> Decimal:
    """A decimal of text or a number of JSON. Raises ValueError."""
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        raise ValueError(f"{value!r} is no amount.") from None
    if not found.is_finite():
        raise ValueError(f"{value!r} is no amount.")
    return found


def minor(value: Any, currency: str) -> int:
    """Major units as text ("12.30") as minor units; "" and None are 0. Raises ValueError."""
    return 0 if value in (None, "") else to_minor(decimal(value), currency)


def fen(value: Any) -> int:
    """Minor units as the platform counts them; "" and None are 0. Raises ValueError for a fraction."""
    if value in (None, ""):
        return 0
    found = decimal(value)
    if found != found.to_integral_value():
        raise ValueError(f"{value!r} is no whole number of fen.")
    return int(found)


def local_time(value: Any, access: Access) -> datetime | None:
    """``2026-11-18 09:30:00`` on the clock of the shop; None for "" and for times before 1990, which mean none."""
    found = text(value)
    if not found:
        return None
    at = datetime.strptime(found[:19], _LOCAL).replace(tzinfo=zone(access.zone))
    return at if at.year >= EARLIEST_YEAR else None


def as_local(at: datetime, access: Access) -> str:
    """``at`` as ``local_time`` reads it."""
    return at.astimezone(zone(access.zone)).strftime(_LOCAL)


def unix_time(value: Any) -> datetime | None:
    """Seconds since 1970; None for 0 and none."""
    seconds = int(value or 0)
    return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None


def iso_time(value: Any) -> datetime | None:
    """An ISO time; one without an offset is UTC. None for none."""
    found = text(value)
    if not found:
        return None
    at = datetime.fromisoformat(found)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def needed(at: datetime | None, what: str) -> datetime:
    """Raises ValueError when the time that every order must have is missing."""
    if at is None:
        raise ValueError(f"The order has no {what}.")
    return at


def sku_code(own: Any, item_id: Any, sku_id: Any) -> str:
    """The seller's own code, or the platform's numbers ``ITEM.SKU`` where the seller gave none."""
    found = text(own)
    if found:
        return found
    parts = [part for part in (text(item_id), text(sku_id)) if part and part != "0"]
    return ".".join(parts)


def goods_lines(lines: Sequence[LineDoc], total_minor: int) -> list[LineDoc]:
    """``lines`` with amounts that add up to what the order says its goods cost.

    What they are short of, or too much, is spread by largest remainder over them; platforms round shares of
    discounts each in its own way. Raises ValueError for an order without lines.
    """
    if not lines:
        raise ValueError("The order has no lines.")
    difference = total_minor - sum(line.amount_minor for line in lines)
    if not difference:
        return list(lines)
    shares = allocate(difference, [max(line.amount_minor, 0) for line in lines])
    return [line._replace(amount_minor=line.amount_minor + share) for line, share in zip(lines, shares, strict=True)]


def shipping_line(amount_minor: int) -> list[LineDoc]:
    """The charge for sending, if there is one."""
    return [LineDoc("charge", SHIPPING, "Shipping", 1, amount_minor)] if amount_minor else []


def discounts(*shares: tuple[str, int], line: int | None = None) -> list[DiscountDoc]:
    """Those (payer, amount) that are above zero."""
    return [DiscountDoc(payer, amount, line) for payer, amount in shares if amount > 0]


def buyer(
    kind: str, access: Access, value: Any, *, name: str = "", province: str = "", city: str = ""
) -> BuyerDoc | None:
    """A buyer whom the platform tells apart within the shop; None when it does not say who it is."""
    found = plain(value)
    return BuyerDoc(kind, access.shop_code, found, name, province, city) if found else None


def payload(raw: Any) -> bytes:
    """The platform's order in one spelling, so that the same answer is kept once."""
    return json.dumps(raw, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


State = Literal["unpaid", "paid", "dispatched", "delivered", "completed", "cancelled"]


def life(
    state: State | None,
    placed_at: datetime,
    changed_at: datetime | None,
    *,
    paid_at: datetime | None = None,
    dispatched_at: datetime | None = None,
    delivered_at: datetime | None = None,
    ended_at: datetime | None = None,
) -> dict[str, Any]:
    """The facts of an ``OrderDoc`` that ``state`` proves, with the times that the platform gives for them.

    state None: the platform is in a state that its table does not know. Nothing is then claimed but that the order
    was placed, so that nothing is sent by mistake; it is shown as unknown. ended_at: of completion or closing.
    """
    if state is None:
        return {"is_status_known": False}
    if state == "unpaid":
        return {}
    last = ended_at or changed_at or placed_at
    facts: dict[str, Any] = {"paid_at": paid_at, "dispatched_at": dispatched_at}
    if state == "cancelled":
        return facts | {"cancelled_at": last}
    facts["paid_at"] = paid_at or placed_at
    if state == "paid":
        return {"paid_at": facts["paid_at"]}
    facts["is_shipped"] = True
    if state in ("delivered", "completed"):
        facts["delivered_at"] = delivered_at
    if state == "delivered":
        facts["delivered_at"] = delivered_at or changed_at or last
    if state == "completed":
        facts["completed_at"] = last
    return facts
