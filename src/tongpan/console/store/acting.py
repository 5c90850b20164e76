"""What is done at the desk: each act once, whoever sends it again, with an answer in a sentence."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.db import transaction
from django.utils.translation import gettext as _

from tongpan.access.models import User
from tongpan.access.queries import can
from tongpan.console.models import StoreAct
from tongpan.console.wording import localized
from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.races import run_in_transaction
from tongpan.network.models import Node

State = Literal["done", "unchanged", "refused"]


@dataclass(frozen=True, slots=True)
class Job:
    """An act that is asked for: where, by whom, when, under which key, and with what."""

    node: Node
    key: str
    args: Mapping[str, Any]
    actor: str
    now: datetime

    def text(self, name: str, most: int = 300) -> str:
        """The text called ``name``, without blanks around it; "" when it is absent."""
        return str(self.args.get(name) or "").strip()[:most]

    def whole(self, name: str) -> int:
        """The whole number called ``name``. Raises Refusal desk.number."""
        return whole(self.args.get(name))

    def rows(self, name: str) -> list[Mapping[str, Any]]:
        """The list of objects called ``name``, at most 200. Raises Refusal desk.input."""
        rows = self.args.get(name) or []
        if not isinstance(rows, list) or len(rows) > 200 or not all(isinstance(row, dict) for row in rows):
            raise Refusal("desk.input", "What was sent is not understood; load the page again.")
        return rows


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an act. link: the page that shows it, "" for none."""

    sentence: str
    link: str = ""
    state: State = "done"


@dataclass(frozen=True, slots=True)
class Act:
    """run raises Refusal for what cannot be. permission: beside that of the desk."""

    run: Callable[[Job], Done]
    permission: str


def whole(value: object) -> int:
    """``value`` as a whole number from 0 to 10,000,000; blanks are 0. Raises Refusal desk.number."""
    text = str(value if value is not None else "").strip()
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) <= 8) or int(text) > 10_000_000:
        raise Refusal("desk.number", f"“{text[:20]}” is no number of units.")
    return int(text)


def perform(act: Act, name: str, *, user: User, node: Node, key: str, args: Mapping[str, Any], now: datetime) -> Done:
    """Do one act of ``user`` at ``node``, or tell what came of it before, in one transaction.

    A refusal is an answer too and is kept: the same key gives it again. A key that was used for something else is
    refused.
    """
    said = json.dumps([name, node.code, args], sort_keys=True, ensure_ascii=False)
    fingerprint = hashlib.sha256(said.encode()).digest()
    job = Job(node, key, args, f"user:{user.get_username()}", now)

    def work() -> Done:
        made = fetch_all(
            """INSERT INTO console_storeact (owner_id, key, node_id, act, fingerprint, state, sentence, link, at)
               VALUES (%s, %s, %s, %s, %s, '', '', '', %s) ON CONFLICT DO NOTHING RETURNING id""",
            [user.pk, key, node.pk, name, fingerprint, now],
        )
        if not made:
            return _told_before(StoreAct.objects.get(owner=user, key=key), fingerprint)
        done = _run(act, job, user)
        execute(
            "UPDATE console_storeact SET state = %s, sentence = %s, link = %s WHERE id = %s",
            [done.state, done.sentence, done.link, made[0][0]],
        )
        return done

    return run_in_transaction(work)


def _told_before(kept: StoreAct, fingerprint: bytes) -> Done:
    if bytes(kept.fingerprint) != fingerprint:
        return Done(_("This key was used for something else; do it again from its page."), "", "refused")
    state: State = "refused" if kept.state == "refused" else "unchanged" if kept.state == "unchanged" else "done"
    return Done(kept.sentence, kept.link, state)


def _run(act: Act, job: Job, user: User) -> Done:
    if not can(user, act.permission):
        return Done(_("Your role may not do that."), "", "refused")
    try:
        with transaction.atomic():
            return act.run(job)
    except Refusal as refusal:
        return Done(localized(refusal.sentence), "", "refused")
