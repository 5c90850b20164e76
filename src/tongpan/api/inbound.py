"""Webhooks in: the door that shops and other systems push to, and what came through it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from ninja import Path, Query, Router
from pydantic import Field, StringConstraints, ValidationError

from tongpan.api.documents import OrderIn, ReturnIn
from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.problems import not_found, render
from tongpan.api.values import Code, Flag, Id, In, Instant, Out
from tongpan.connectors.inbound.actions import (
    SourceSpec,
    greet,
    receive,
    replay_failed,
    replay_message,
    reveal_source_secret,
    save_source,
)
from tongpan.connectors.inbound.models import InboundMessage, InboundSource, MessageState, SourceKind
from tongpan.connectors.inbound.queries import get_message, get_source, messages_of, sources
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.orders.engine import OrderDoc, ReturnDoc

router = Router(tags=["webhooks in"])

SourceCode = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]


@csrf_exempt
def door(request: HttpRequest, code: str) -> HttpResponse:
    """Take what a source pushes: 202 when it is kept, 200 when it was here already. The work is done by a job.

    A platform that wants words is answered in its own, always with 200. WeChat asks by GET whether the address is ours.
    """
    query = request.GET.dict()
    if request.method == "GET" and "echostr" in query:
        return _greeted(request, code, query)
    if request.method != "POST":
        response = render(request, 405, "method.not_allowed", "Messages are sent by POST.")
        response["Allow"] = "POST"
        return response
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        received = receive(code, headers, request.body, now=utc_now(), query=query)
    except RequestDataTooBig:
        return render(request, 413, "body.too_large", "The body is too large.")
    except Refusal as refusal:
        status = {"inbound.unknown": 404, "webhook.body": 400}.get(refusal.code, 401)
        if refusal.code.startswith("vault."):
            raise
        return render(request, status, refusal.code, refusal.sentence)
    if received.answer:
        return HttpResponse(received.answer, content_type="text/plain")
    is_new = received.is_new
    return JsonResponse({"state": "accepted" if is_new else "repeated"}, status=202 if is_new else 200)


def _greeted(request: HttpRequest, code: str, query: Mapping[str, str]) -> HttpResponse:
    try:
        return HttpResponse(greet(code, query), content_type="text/plain")
    except Refusal as refusal:
        if refusal.code.startswith("vault."):
            raise
        return render(request, 404 if refusal.code == "inbound.unknown" else 401, refusal.code, refusal.sentence)


def document_of(what: str, data: Mapping[str, Any], shop: str) -> OrderDoc | ReturnDoc:
    """The data of a Standard Webhooks message as a document of ``shop``; in the form that the API takes.

    Raises ValueError in a sentence.
    """
    if data.get("shop", shop) != shop:
        raise ValueError(f"The message is for shop {data['shop']!r}, but this source is for {shop!r}.")
    try:
        if what == "order":
            given = OrderIn.model_validate({**data, "shop": shop})
            return given.doc(given.model_dump_json(exclude_unset=True).encode())
        return ReturnIn.model_validate({**data, "shop": shop}).doc()
    except ValidationError as error:
        found = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:5]]
        raise ValueError("; ".join(found)) from None


class SourceIn(In):
    kind: SourceKind
    shop: Code
    secret: Annotated[str, StringConstraints(strict=True, max_length=200, pattern=r"^[\x21-\x7e]*$")] = Field(
        "",
        description="What the source signs with (Youzan: CLIENT_ID:CLIENT_SECRET, WeChat: the token); empty keeps it, "
        "or makes one for Standard Webhooks",
    )
    is_active: Flag = True


class SourceOut(Out):
    code: str
    kind: SourceKind
    shop: str
    path: str = Field(description="Where it pushes to, on this host")
    is_active: bool
    last_received_at: Instant | None
    last_refused_at: Instant | None = Field(description="When a message came that the secret did not sign")


class SourceSecretOut(Out):
    secret: str


class MessageOut(Out):
    id: int
    message_id: str
    topic: str
    state: MessageState
    outcome: str = Field(
        description='"accepted", "updated", "unchanged", "stale", "refused", or "pull" where it woke a pull; empty '
        "when not taken"
    )
    reason: str
    document_id: int | None = Field(description="The order or return that it became")
    repeats: int = Field(description="How often it came again")
    received_at: Instant
    processed_at: Instant | None


class MessageQuery(PageQuery):
    state: MessageState | Literal[""] = ""


class ReplayedMessagesOut(Out):
    messages: int


def _source(row: InboundSource) -> SourceOut:
    return SourceOut(
        code=row.code,
        kind=SourceKind(row.kind),
        shop=row.shop.code,
        path=f"/hooks/{row.code}",
        is_active=row.is_active,
        last_received_at=row.last_received_at,
        last_refused_at=row.last_refused_at,
    )


def _message(row: InboundMessage) -> MessageOut:
    return MessageOut(
        id=row.pk,
        message_id=row.message_id,
        topic=row.topic,
        state=MessageState(row.state),
        outcome=row.outcome,
        reason=row.reason,
        document_id=row.document_id,
        repeats=row.repeats,
        received_at=row.received_at,
        processed_at=row.processed_at,
    )


def _found(code: str) -> InboundSource:
    row = get_source(code)
    if row is None:
        raise not_found("source", code)
    return row


@read(router, "/inbound", "integration.view", Page[SourceOut])
def list_sources(request: HttpRequest, query: Query[PageQuery]) -> Page[SourceOut]:
    """Who may push to us, by code."""
    return page_of(sources(), ["code"], query, _source)


@read(router, "/inbound/{code}", "integration.view", SourceOut)
def show_source(request: HttpRequest, code: Path[SourceCode]) -> SourceOut:
    """One source."""
    return _source(_found(code))


@write(router, "PUT", "/inbound/{code}", "integration.edit", SourceOut)
def put_source(request: HttpRequest, code: Path[SourceCode], body: SourceIn) -> SourceOut:
    """Make or change a source."""
    spec = SourceSpec(code, body.kind, body.shop, body.secret, body.is_active)
    save_source(spec, actor=actor_of(request), now=utc_now())
    return _source(_found(code))


@read(router, "/inbound/{code}/secret", "integration.edit", SourceSecretOut)
def get_source_secret(request: HttpRequest, code: Path[SourceCode]) -> SourceSecretOut:
    """What the source signs with. The look is noted in the audit trail."""
    row = _found(code)
    return SourceSecretOut(secret=reveal_source_secret(row.pk, actor=actor_of(request), now=utc_now()))


@read(router, "/inbound/{code}/messages", "integration.view", Page[MessageOut])
def list_messages(request: HttpRequest, code: Path[SourceCode], query: Query[MessageQuery]) -> Page[MessageOut]:
    """What a source pushed, the latest first. Kept for 90 days."""
    return page_of(messages_of(_found(code).pk, state=query.state), ["-id"], query, _message)


@write(router, "POST", "/inbound/{code}/replay", "integration.edit", ReplayedMessagesOut)
def replay_source(request: HttpRequest, code: Path[SourceCode]) -> ReplayedMessagesOut:
    """Take every failed message of a source again, after what was wrong is mended."""
    return ReplayedMessagesOut(messages=replay_failed(_found(code).pk))


@write(router, "POST", "/inbound-messages/{message_id}/replay", "integration.edit", MessageOut)
def replay_inbound(request: HttpRequest, message_id: Path[Id]) -> MessageOut:
    """Take one message again."""
    if get_message(message_id) is None:
        raise not_found("message", message_id)
    replay_message(message_id)
    row = get_message(message_id)
    assert row is not None  # noqa: S101 - it was there a moment ago
    return _message(row)
