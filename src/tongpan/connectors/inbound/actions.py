"""Writes of sources and of what they push: receive, process, replay."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from tongpan.access.actions import audit
from tongpan.access.vault import open_sealed, seal
from tongpan.channels.models import Shop
from tongpan.connectors.accounts.jobs import start_pulling
from tongpan.connectors.accounts.models import Account
from tongpan.connectors.actions.posting import post_each
from tongpan.connectors.inbound.engine import WAKING, content, gives, greeting, is_ping, verified, welcome
from tongpan.connectors.inbound.models import InboundMessage, InboundSource, MessageState, SourceKind
from tongpan.connectors.inbound.shopify import document as shopify_order
from tongpan.connectors.platforms.contract import Access
from tongpan.connectors.platforms.woocommerce.mapping import document as woocommerce_order
from tongpan.connectors.webhooks.signing import key_of, new_secret
from tongpan.core.bulk import execute
from tongpan.core.errors import Refusal
from tongpan.orders.actions import accept, accept_returns
from tongpan.orders.engine import OrderDoc, ReturnDoc

PROCESS_TASK = "api.process_inbound"
KEPT = timedelta(days=90)
_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_BATCH = 200
_REFUSAL_GRAIN = timedelta(seconds=10)

Convert = Callable[[str, Mapping[str, Any], str], OrderDoc | ReturnDoc]
"""(what, content, shop code) -> the document of a Standard Webhooks message; raises ValueError."""


class Received(NamedTuple):
    """is_new: False for a message that was here already, or says nothing. answer: what its source wants to hear."""

    is_new: bool
    answer: str

    def __bool__(self) -> bool:
        return self.is_new


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """What a source is to be. secret: "" keeps the one there is, or makes one for Standard Webhooks."""

    code: str
    kind: str
    shop_code: str
    secret: str = ""
    is_active: bool = True


def save_source(spec: SourceSpec, *, actor: str, now: datetime) -> InboundSource:
    """Make or change the source called ``spec.code``. Its kind never changes.

    Raises Refusal inbound.code, inbound.kind, inbound.shop or webhook.secret.
    """
    if not _CODE.fullmatch(spec.code):
        raise Refusal("inbound.code", "The code has 1 to 40 lower-case letters, digits and dashes.")
    if spec.kind not in SourceKind.values:
        raise Refusal("inbound.kind", f"There is no kind {spec.kind!r}; there are {', '.join(SourceKind.values)}.")
    shop = Shop.objects.filter(code=spec.shop_code).first()
    if shop is None:
        raise Refusal("inbound.shop", f"There is no shop {spec.shop_code!r}.")
    secret = spec.secret.strip()
    try:
        with transaction.atomic():
            row = InboundSource.objects.select_for_update().filter(code=spec.code).first()
            if row is None:
                if not secret and spec.kind != SourceKind.STANDARD:
                    raise Refusal("webhook.secret", "Give the secret that the shop signs its webhooks with.")
                row = InboundSource(code=spec.code, kind=spec.kind, created_at=now, created_by=actor)
                secret = secret or new_secret()
            elif row.kind != spec.kind:
                raise Refusal("inbound.kind", f"Source {spec.code!r} is of kind {row.kind}; make another one.")
            if secret:
                if spec.kind == SourceKind.STANDARD:
                    key_of(secret)
                if spec.kind == SourceKind.YOUZAN and not all(secret.partition(":")):
                    raise Refusal("webhook.secret", "Youzan signs with two: give them as CLIENT_ID:CLIENT_SECRET.")
                row.secret_sealed = seal(secret)
            row.shop, row.is_active = shop, spec.is_active
            row.save()
            noted = {"code": spec.code, "kind": spec.kind, "shop": shop.code, "active": spec.is_active}
            audit(actor, "inbound.saved", "inbound", str(row.pk), noted | {"secret_changed": bool(secret)}, now=now)
    except IntegrityError:
        return save_source(spec, actor=actor, now=now)
    return row


def reveal_source_secret(source_id: int, *, actor: str, now: datetime) -> str:
    """The secret that a source signs with; the look is noted. Raises Refusal inbound.unknown or vault.*."""
    row = InboundSource.objects.filter(pk=source_id).first()
    if row is None:
        raise Refusal("inbound.unknown", f"There is no source {source_id}.")
    with transaction.atomic():
        audit(actor, "inbound.secret_shown", "inbound", str(row.pk), now=now)
        return open_sealed(row.secret_sealed)


def greet(code: str, query: Mapping[str, str]) -> str:
    """What to answer a platform that asks whether the address is ours. Raises Refusal inbound.unknown, webhook.*."""
    source = InboundSource.objects.filter(code=code, is_active=True).first()
    if source is None:
        raise Refusal("inbound.unknown", f"There is no source {code!r}.")
    return greeting(source.kind, open_sealed(source.secret_sealed), query)


def receive(
    code: str, headers: Mapping[str, str], body: bytes, *, now: datetime, query: Mapping[str, str] | None = None
) -> Received:
    """Keep a pushed message for the job that takes it.

    headers: by lower-case name; query: of the address. Verifies before it stores or parses anything. Raises Refusal
    inbound.unknown, or webhook.* when the message is not signed as it should be.
    """
    source = InboundSource.objects.filter(code=code, is_active=True).first()
    if source is None:
        raise Refusal("inbound.unknown", f"There is no source {code!r}.")
    if is_ping(source.kind, body):
        return Received(False, "")
    try:
        message = verified(source.kind, open_sealed(source.secret_sealed), headers, body, now, query=query or {})
        text = body.decode()
    except Refusal:
        _note_refused(source, now)
        raise
    except UnicodeDecodeError:
        raise Refusal("webhook.body", "The body is not UTF-8.") from None
    with transaction.atomic():
        is_new = execute(
            """INSERT INTO connectors_inboundmessage (source_id, message_id, topic, body_sealed, state, outcome,
                      reason, repeats, received_at)
               VALUES (%s, %s, %s, %s, 'waiting', '', '', 0, %s) ON CONFLICT (source_id, message_id) DO NOTHING""",
            [source.pk, _plain(message.id, 200), _plain(message.topic, 80), seal(text), now],
        )
        if is_new:
            execute("UPDATE connectors_inboundsource SET last_received_at = %s WHERE id = %s", [now, source.pk])
            _wake()
        else:
            execute(
                "UPDATE connectors_inboundmessage SET repeats = repeats + 1 WHERE source_id = %s AND message_id = %s",
                [source.pk, _plain(message.id, 200)],
            )
    return Received(bool(is_new), welcome(source.kind))


def _plain(text: str, most: int) -> str:
    return text.replace("\x00", "")[:most]


def _note_refused(source: InboundSource, now: datetime) -> None:
    """Note that somebody knocks with a wrong signature; seldom, because anybody can knock."""
    execute(
        """UPDATE connectors_inboundsource SET last_refused_at = %s
           WHERE id = %s AND (last_refused_at IS NULL OR last_refused_at < %s)""",
        [now, source.pk, now - _REFUSAL_GRAIN],
    )


def _wake() -> None:
    job = app.configure_task(PROCESS_TASK, queue="inbound", queueing_lock=PROCESS_TASK, lock=PROCESS_TASK)
    try:
        with transaction.atomic():
            job.defer(timestamp=0)
    except AlreadyEnqueued:
        return


def process_waiting(convert: Convert, *, now: datetime) -> int:
    """Take every waiting message; how many. Run twice, or killed in between, it has the same effect as once.

    convert: how the data of a Standard Webhooks message becomes a document. A message that cannot be taken keeps
    its reason and can be replayed.
    """
    made, after = 0, 0
    while rows := _waiting(after):
        after = rows[-1].pk
        made += len(rows)
        _process(rows, convert, now)
    return made


def _waiting(after: int) -> list[InboundMessage]:
    found = InboundMessage.objects.filter(state=MessageState.WAITING, pk__gt=after).select_related(
        "source__shop__channel"
    )
    return list(found.order_by("pk")[:_BATCH])


def _process(rows: Sequence[InboundMessage], convert: Convert, now: datetime) -> None:
    orders: list[tuple[InboundMessage, OrderDoc]] = []
    returns: list[tuple[InboundMessage, ReturnDoc]] = []
    _wake_pulls([row for row in rows if row.source.kind in WAKING], now)
    for row in rows:
        if row.source.kind in WAKING:
            continue
        try:
            doc = _document(row, convert)
        except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, IndexError) as error:
            missing = f"The field {error} is missing." if isinstance(error, KeyError) else str(error)
            _end(row, MessageState.FAILED, reason=missing or type(error).__name__, now=now)
            continue
        if doc is None:
            _end(row, MessageState.IGNORED, reason=f"{row.topic or 'A message without a type'} is not taken.", now=now)
        elif isinstance(doc, OrderDoc):
            orders.append((row, doc))
        else:
            returns.append((row, doc))
    for found, post in (
        (orders, lambda docs: accept(docs, actor="webhook", now=now)),
        (returns, lambda docs: accept_returns(docs, actor="webhook", now=now)),
    ):
        outcomes = post_each([doc for _, doc in found], post, is_dry_run=False)
        for (row, _), outcome in zip(found, outcomes, strict=True):
            state = MessageState.FAILED if outcome.state == "refused" else MessageState.DONE
            document_id = getattr(outcome, "document_id", None)
            _end(row, state, outcome=outcome.state, reason=outcome.reason, document_id=document_id, now=now)


def _wake_pulls(rows: Sequence[InboundMessage], now: datetime) -> None:
    """Pull the orders of the shops that a platform told of, each once, whatever it told."""
    shops = {row.source.shop_id for row in rows}
    accounts = list(Account.objects.filter(shop_id__in=shops, is_active=True).order_by("pk"))
    for account in accounts:
        start_pulling(account.pk)
    connected = {account.shop_id for account in accounts}
    for row in rows:
        if row.source.shop_id in connected:
            _end(row, MessageState.DONE, outcome="pull", now=now)
        else:
            _end(
                row,
                MessageState.FAILED,
                reason=f"Shop {row.source.shop.code} has no connected account; connect it first, so that its "
                "orders can be pulled.",
                now=now,
            )


def _document(row: InboundMessage, convert: Convert) -> OrderDoc | ReturnDoc | None:
    """The document in a message, None for one of a topic that is not taken."""
    source = row.source
    what = gives(source.kind, row.topic)
    if not what:
        return None
    found = content(open_sealed(row.body_sealed))
    if source.kind == SourceKind.STANDARD:
        data = found.get("data")
        if not isinstance(data, dict):
            raise ValueError("The message has no object in data.")
        return convert(what, data, source.shop.code)
    channel = source.shop.channel
    access = Access(source.shop.code, "", zone=channel.zone, currency=channel.currency)
    return (woocommerce_order if source.kind == SourceKind.WOOCOMMERCE else shopify_order)(found, access)


def _end(
    row: InboundMessage,
    state: MessageState,
    *,
    outcome: str = "",
    reason: str = "",
    document_id: int | None = None,
    now: datetime,
) -> None:
    execute(
        """UPDATE connectors_inboundmessage
           SET state = %s, outcome = %s, reason = %s, document_id = %s, processed_at = %s WHERE id = %s""",
        [state, outcome, _plain(reason, 2000), document_id, now, row.pk],
    )


def replay_message(message_id: int) -> None:
    """Let a message be taken again, after what was wrong is mended. Raises Refusal inbound.message_unknown."""
    with transaction.atomic():
        if not execute(
            "UPDATE connectors_inboundmessage SET state = 'waiting', reason = '', outcome = '' WHERE id = %s",
            [message_id],
        ):
            raise Refusal("inbound.message_unknown", f"There is no message {message_id}.")
        _wake()


def replay_failed(source_id: int) -> int:
    """Let every failed message of a source be taken again; how many."""
    with transaction.atomic():
        number = execute(
            """UPDATE connectors_inboundmessage SET state = 'waiting', reason = '', outcome = ''
               WHERE source_id = %s AND state = 'failed'""",
            [source_id],
        )
        if number:
            _wake()
    return number


def forget_old_messages(now: datetime) -> int:
    """Delete messages that ended more than 90 days ago; how many. An order keeps its own payload."""
    return execute("DELETE FROM connectors_inboundmessage WHERE received_at < %s AND state <> 'waiting'", [now - KEPT])
