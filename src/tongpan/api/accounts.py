"""Accounts of shops on sales platforms: connect, see how they are, pull, and decide on what could not be told."""

from __future__ import annotations

from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import Field, StringConstraints

from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.problems import not_found
from tongpan.api.values import Code, Flag, Id, In, Instant, Out
from tongpan.connectors.accounts.actions import remove_account, save_account
from tongpan.connectors.accounts.engine import AccountSpec
from tongpan.connectors.accounts.jobs import start_pulling
from tongpan.connectors.accounts.models import Account, Health, Push, PushKind, PushState, RefusedOrder
from tongpan.connectors.accounts.outbox import dismiss, send_again
from tongpan.connectors.accounts.queries import account_of, accounts, pushes, refused_orders
from tongpan.connectors.accounts.readers import start_pushing
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal

router = Router(tags=["accounts"])

Secret = Annotated[str, StringConstraints(strict=True, max_length=4000, pattern=r"^[\x20-\x7e]*$")]
Line = Annotated[str, StringConstraints(strict=True, max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")]
OptionName = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z0-9_.-]{1,60}$")]


class AccountIn(In):
    platform: Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z0-9]{1,20}$")]
    endpoint: Line = Field("", description="https address of the API; empty: the platform's own, or as it is")
    app_key: Line = Field("", max_length=200, description="Empty: as it is")
    secret: Secret = Field("", description="Empty: as it is. No answer ever holds it")
    access_token: Secret = Field("", description="Empty: as it is. No answer ever holds it")
    refresh_token: Secret = Field("", description="Empty: as it is. No answer ever holds it")
    token_expires_at: Instant | None = None
    options: dict[OptionName, Line] | None = Field(
        None, max_length=200, description="What else this platform wants, as carrier.SF; null: as it is"
    )
    is_active: Flag = True


class AccountOut(Out):
    shop: str
    platform: str
    endpoint: str
    app_key: str
    options: dict[str, str]
    is_active: bool
    health: Health
    failures: int = Field(description="Failed pulls since the last good one")
    last_error: str
    last_error_at: Instant | None
    last_pulled_at: Instant | None
    cursor: Instant | None = Field(description="Orders changed before it are in")
    token_expires_at: Instant | None
    clock_skew_seconds: float | None = Field(description="How far the platform's clock is ahead of ours")
    waiting: int = Field(description="Pushes that are still to be sent")
    not_told: int = Field(description="Pushes that failed and wait for a person")
    refused_orders: int


class RemovedAccountOut(Out):
    removed: bool


class PullStartedOut(Out):
    started: bool


class PushOut(Out):
    id: int
    shop: str
    kind: PushKind
    key: int = Field(description="The listing, or the fulfilment of a shipment")
    state: PushState
    attempts: int
    last_error: str
    created_at: Instant
    next_at: Instant
    ended_at: Instant | None


class PushQuery(PageQuery):
    state: PushState | Literal[""] = ""
    kind: PushKind | Literal[""] = ""


class RefusedOrderOut(Out):
    id: int
    number: str
    code: str
    reason: str
    refused_at: Instant


def _account(row: Account) -> AccountOut:
    return AccountOut(
        shop=row.shop.code,
        platform=row.platform,
        endpoint=row.endpoint,
        app_key=row.app_key,
        options=row.options,
        is_active=row.is_active,
        health=Health(row.health),
        failures=row.failures,
        last_error=row.last_error,
        last_error_at=row.last_error_at,
        last_pulled_at=row.last_pulled_at,
        cursor=row.cursor,
        token_expires_at=row.token_expires_at,
        clock_skew_seconds=row.skew_seconds,
        waiting=row.waiting,  # type: ignore[attr-defined]
        not_told=row.dead,  # type: ignore[attr-defined]
        refused_orders=row.refused,  # type: ignore[attr-defined]
    )


def _push(row: Push) -> PushOut:
    return PushOut(
        id=row.pk,
        shop=row.account.shop.code,
        kind=PushKind(row.kind),
        key=row.key,
        state=PushState(row.state),
        attempts=row.attempts,
        last_error=row.last_error,
        created_at=row.created_at,
        next_at=row.next_at,
        ended_at=row.ended_at,
    )


def _refused(row: RefusedOrder) -> RefusedOrderOut:
    return RefusedOrderOut(
        id=row.pk, number=row.external_id, code=row.code, reason=row.reason, refused_at=row.refused_at
    )


def _of(shop: str) -> Account:
    """Raises Problem account.unknown."""
    try:
        return account_of(shop)
    except Refusal:
        raise not_found("account", shop) from None


@read(router, "/accounts", "integration.view", Page[AccountOut])
def list_accounts(request: HttpRequest, query: Query[PageQuery]) -> Page[AccountOut]:
    """All accounts, with how they are."""
    return page_of(accounts(), ["id"], query, _account)


@read(router, "/accounts/{shop}", "integration.view", AccountOut)
def get_account(request: HttpRequest, shop: Path[Code]) -> AccountOut:
    """The account of one shop."""
    return _account(_of(shop))


@write(router, "PUT", "/accounts/{shop}", "integration.edit", AccountOut)
def put_account(request: HttpRequest, shop: Path[Code], body: AccountIn) -> AccountOut:
    """Connect a shop to its platform, or change how."""
    spec = AccountSpec(
        shop_code=shop,
        platform=body.platform,
        endpoint=body.endpoint,
        app_key=body.app_key,
        secret=body.secret,
        access_token=body.access_token,
        refresh_token=body.refresh_token,
        token_expires_at=body.token_expires_at,
        options=body.options,
        is_active=body.is_active,
    )
    save_account(spec, actor=actor_of(request), now=utc_now())
    return _account(_of(shop))


@write(router, "DELETE", "/accounts/{shop}", "integration.edit", RemovedAccountOut)
def delete_account(request: HttpRequest, shop: Path[Code]) -> RemovedAccountOut:
    """Forget the account with its secrets and what waits to be sent; its orders stay."""
    _of(shop)
    remove_account(shop, actor=actor_of(request), now=utc_now())
    return RemovedAccountOut(removed=True)


@write(router, "POST", "/accounts/{shop}/pull", "integration.edit", PullStartedOut)
def post_pull(request: HttpRequest, shop: Path[Code]) -> PullStartedOut:
    """Pull the shop's changed orders soon; the account says what came of it."""
    start_pulling(_of(shop).pk)
    return PullStartedOut(started=True)


@read(router, "/accounts/{shop}/refused-orders", "integration.view", Page[RefusedOrderOut])
def list_refused(request: HttpRequest, shop: Path[Code], query: Query[PageQuery]) -> Page[RefusedOrderOut]:
    """Orders of the platform that were not taken, with the reason."""
    return page_of(refused_orders(_of(shop)).order_by(), ["-id"], query, _refused)


@read(router, "/pushes", "integration.view", Page[PushOut])
def list_pushes(request: HttpRequest, query: Query[PushQuery]) -> Page[PushOut]:
    """What platforms were or are to be told, newest first."""
    rows = pushes()
    if query.state:
        rows = rows.filter(state=query.state)
    if query.kind:
        rows = rows.filter(kind=query.kind)
    return page_of(rows, ["-id"], query, _push)


@write(router, "POST", "/pushes/{push_id}/send-again", "integration.edit", PushOut)
def post_send_again(request: HttpRequest, push_id: Path[Id]) -> PushOut:
    """Try a push that failed anew."""
    return _decided(request, push_id, is_again=True)


@write(router, "POST", "/pushes/{push_id}/dismiss", "integration.edit", PushOut)
def post_dismiss(request: HttpRequest, push_id: Path[Id]) -> PushOut:
    """A person has done by hand what the push could not."""
    return _decided(request, push_id, is_again=False)


def _decided(request: HttpRequest, push_id: int, *, is_again: bool) -> PushOut:
    if not pushes().filter(pk=push_id).exists():
        raise not_found("push", push_id)
    decide = send_again if is_again else dismiss
    account_id = decide(push_id, actor=actor_of(request), now=utc_now())
    if is_again:
        start_pushing([account_id])
    return _push(pushes().get(pk=push_id))
