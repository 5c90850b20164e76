"""What every platform answers for: pure builders of calls, pure readers of answers, and what it can do at all.

A platform knows the spelling of its calls and nothing of HTTP, of the database or of the clock: ``transport``
sends, ``pulling`` and ``pushing`` decide when.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, runtime_checkable

from tongpan.orders.engine import OrderDoc

Ability = Literal["pull", "stock", "price", "shipment", "part", "refresh"]
"""part: a shipment of some lines of an order; refresh: a new access token without the seller."""


@dataclass(frozen=True, slots=True)
class Access:
    """What a call needs to know of an account. zone and currency are those of the shop's channel."""

    shop_code: str
    endpoint: str
    app_key: str = ""
    app_secret: str = ""
    access_token: str = ""
    refresh_token: str = ""
    zone: str = "Asia/Shanghai"
    currency: str = "CNY"
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Token:
    """An access token; refresh_token "" keeps the one there is, expires_at None: it does not expire."""

    access_token: str
    refresh_token: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request. query and form are sent as they are; content is a body that is ready."""

    method: Literal["GET", "POST", "PUT"]
    url: str
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. headers have lower-case names; data is the JSON of the body, None when it is none."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    data: Any = None


@dataclass(frozen=True, slots=True)
class Window:
    """Orders that were changed at or after ``since`` and before ``until``; both aware."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Listed:
    """One page: whole orders, or only the numbers of orders that are then fetched one by one.

    total: how many orders the window has, for platforms that page by number. next_page: for those that page by
    cursor, "" at the end.
    """

    orders: Sequence[dict[str, Any]] = ()
    numbers: Sequence[str] = ()
    total: int | None = None
    next_page: str = ""


@dataclass(frozen=True, slots=True)
class ListingRef:
    """A listing as the platform names it."""

    external_item_id: str
    external_sku_id: str


@dataclass(frozen=True, slots=True)
class Parcel:
    """A shipment to be acknowledged. carrier is the platform's code or number of it.

    lines: the platform's own ids of the lines that are in it with their units; is_part: others of the same order
    travel in another parcel.
    """

    order_number: str
    carrier: str
    tracking_number: str
    lines: Mapping[str, int] = field(default_factory=dict)
    is_part: bool = False


class Failure(Exception):
    """A call that did not do what it was for.

    kind: "token" – the access token is no longer good; "throttled" – too many calls; "temporary" – may work when
    tried again; "refused" – will not. retry_after: seconds that the platform asks to wait, 0 when it says nothing.
    """

    def __init__(
        self,
        kind: Literal["token", "throttled", "temporary", "refused"],
        code: str,
        sentence: str,
        retry_after: float = 0,
    ) -> None:
        super().__init__(sentence)
        self.kind = kind
        self.code = code
        self.sentence = sentence
        self.retry_after = retry_after


class Platform(Protocol):
    """One sales platform. Every method is pure; ``now`` is aware."""

    name: str
    title: str
    endpoint: str
    """Where its API lives; "" when each shop has an address of its own."""
    abilities: frozenset[Ability]
    pages: Literal["numbers", "cursor"]
    first_page: int
    page_size: int
    longest_window: timedelta
    settling: timedelta
    """How long the platform says that it may take until a change is listed."""
    calls_per_second: float

    def list_orders(self, access: Access, window: Window, page: str, now: datetime) -> Call:
        """The call for one page of changed orders; page: a number as text, or a cursor ("" for the first)."""
        ...

    def listed(self, answer: Answer) -> Listed: ...

    def get_order(self, access: Access, number: str, now: datetime) -> Call: ...

    def order(self, answer: Answer) -> dict[str, Any]: ...

    def document(self, raw: dict[str, Any], access: Access) -> OrderDoc:
        """The order as the hub takes it. Raises KeyError, TypeError or ValueError for one that it cannot read."""
        ...

    def refresh_token(self, access: Access, now: datetime) -> Call: ...

    def token(self, answer: Answer, now: datetime) -> Token: ...

    def set_stock(self, access: Access, listing: ListingRef, qty: int, now: datetime) -> Call: ...

    def acknowledge(self, access: Access, parcel: Parcel, order: dict[str, Any], now: datetime) -> Call:
        """The call that says that ``parcel`` left; order: the platform's order as fetched just before."""
        ...

    def failure(self, answer: Answer) -> Failure | None:
        """What went wrong, by the platform's own codes; None when the answer is good."""
        ...


@runtime_checkable
class SetsPrices(Protocol):
    """A platform with the ability "price"."""

    def set_price(self, access: Access, listing: ListingRef, amount: str, now: datetime) -> Call:
        """amount: a decimal text in the currency of the shop."""
        ...


def fields(answer: Answer) -> dict[str, Any]:
    """The answer's fields; none when it is no object."""
    return answer.data if isinstance(answer.data, dict) else {}


def compact(value: Any) -> str:
    """``value`` as JSON without blanks, Chinese as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def json_call(method: Literal["POST", "PUT"], url: str, value: Any, **more: Any) -> Call:
    """A call whose body is ``value`` as JSON."""
    headers = {"Content-Type": "application/json"} | dict(more.pop("headers", {}))
    return Call(method, url, content=compact(value).encode(), headers=headers, **more)
