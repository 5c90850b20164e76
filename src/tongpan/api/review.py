"""The review of orders: its rules and the blacklist."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import Field

from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.problems import not_found
from tongpan.api.values import Id, In, Instant, Name120, Out, Text300
from tongpan.core.clock import utc_now
from tongpan.orders.actions import (
    blacklist,
    current_rules,
    findings_of,
    review_again,
    save_rules,
    try_rules,
    unblacklist,
)
from tongpan.orders.models import BlacklistEntry
from tongpan.orders.queries import OrderFilter, select_orders
from tongpan.orders.review import Rules

router = Router(tags=["review"])


class RulesIn(In):
    """What is left out has its default."""

    address: Annotated[bool, Field(strict=True)] = True
    address_required: Annotated[bool, Field(strict=True)] = False
    price_floor: Annotated[bool, Field(strict=True)] = True
    blacklist: Annotated[bool, Field(strict=True)] = True
    amount_over: dict[str, Annotated[int, Field(strict=True, gt=0, le=10**14)]] = Field(
        {}, description="Minor units by currency", examples=[{"CNY": 500000}]
    )
    units_over: Annotated[int, Field(strict=True, gt=0, le=10**9)] | None = None
    words: list[Annotated[str, Field(strict=True, min_length=1, max_length=60)]] = Field([], max_length=200)
    orders_within: list[Annotated[int, Field(strict=True, gt=0, le=10**6)]] | None = Field(
        None, min_length=2, max_length=2, description="[orders, minutes]"
    )


class RulesOut(Out):
    """A version of the rules. Version 0 is the default that counts before any was saved."""

    version: int
    address: bool
    address_required: bool
    price_floor: bool
    blacklist: bool
    amount_over: dict[str, int]
    units_over: int | None
    words: list[str]
    orders_within: list[int] | None


class SaveIn(In):
    rules: RulesIn
    note: Text300 = ""
    review_open: Annotated[bool, Field(strict=True, description="Also review every open order once more")] = False


class TryIn(In):
    rules: RulesIn
    last: Annotated[int, Field(strict=True, ge=1, le=10_000, description="How many of the newest open orders")] = 1000


class TrialOut(Out):
    """What the rules would have done to open orders; nothing was changed."""

    orders: int
    held: int
    by_rule: dict[str, int]


class FindingOut(Out):
    reason: str
    rule: str
    sentence: str


class FindingsOut(Out):
    """Why the order waits by the rules that count now; empty when they approve it."""

    policy: int
    findings: list[FindingOut]


class CountOut(Out):
    count: int


class ListedIn(In):
    kind: Literal["buyer", "phone"]
    value: Name120 = Field(description="A customer number, or a phone number")
    note: Text300 = ""


class ListedOut(Out):
    id: int
    kind: Literal["buyer", "phone"]
    hint: str = Field(description="Masked: enough to recognise")
    note: str
    added_by: str
    added_at: Instant


def _rules_out(version: int, rules: Rules) -> RulesOut:
    return RulesOut(version=version, **rules.as_json())


def _given(rules: RulesIn) -> dict[str, Any]:
    return rules.model_dump()


@read(router, "/review/rules", "orders.view", RulesOut)
def get_rules(request: HttpRequest) -> RulesOut:
    """The rules that orders are reviewed by."""
    return _rules_out(*current_rules())


@write(router, "PUT", "/review/rules", "orders.edit", RulesOut)
def put_rules(request: HttpRequest, body: SaveIn) -> RulesOut:
    """Save a new version of the rules; it counts for orders that come in or change from now on."""
    save_rules(_given(body.rules), body.note, actor=actor_of(request), now=utc_now())
    if body.review_open:
        review_again()
    return _rules_out(*current_rules())


@write(router, "POST", "/review/try", "orders.view", TrialOut)
def post_try(request: HttpRequest, body: TryIn) -> TrialOut:
    """What rules would find in the newest open orders, before they count."""
    trial = try_rules(_given(body.rules), last=body.last)
    return TrialOut(orders=trial.orders, held=trial.held, by_rule=dict(trial.by_rule))


@read(router, "/orders/{order_id}/review", "orders.view", FindingsOut)
def get_findings(request: HttpRequest, order_id: Path[Id]) -> FindingsOut:
    """What the rules find in one order now; nothing of one that has left or is cancelled."""
    if not select_orders(OrderFilter(ids=[order_id])).exists():
        raise not_found("order", order_id)
    version, rules = current_rules()
    found = findings_of([order_id], rules).get(order_id, [])
    return FindingsOut(
        policy=version, findings=[FindingOut(reason=f.reason, rule=f.rule, sentence=f.sentence) for f in found]
    )


@read(router, "/review/blacklist", "customers.view", Page[ListedOut])
def list_blacklist(request: HttpRequest, query: Query[PageQuery]) -> Page[ListedOut]:
    """Who is on the blacklist, those put there last first."""
    rows = BlacklistEntry.objects.filter(removed_at=None)
    return page_of(rows, ["-id"], query, _listed)


def _listed(row: BlacklistEntry) -> ListedOut:
    return ListedOut(
        id=row.pk,
        kind="phone" if row.kind == "phone" else "buyer",
        hint=row.hint,
        note=row.note,
        added_by=row.added_by,
        added_at=row.added_at,
    )


@write(router, "POST", "/review/blacklist", "customers.edit", CountOut)
def post_blacklist(request: HttpRequest, body: ListedIn) -> CountOut:
    """Put a buyer or a phone on the blacklist: its orders wait from now on."""
    return CountOut(count=blacklist(body.kind, body.value, body.note, actor=actor_of(request), now=utc_now()))


@write(router, "POST", "/review/blacklist/remove", "customers.edit", CountOut)
def post_unblacklist(request: HttpRequest, body: ListedIn) -> CountOut:
    """Take a buyer or a phone from the blacklist."""
    return CountOut(count=unblacklist(body.kind, body.value, actor=actor_of(request), now=utc_now()))
