"""Changing routing policies: drafts, publishing, and where a policy counts. Every change is in the audit trail."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tongpan.access.actions import audit
from tongpan.core.bulk import as_json, execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.races import run_in_transaction
from tongpan.fulfillment.routing.language import LONGEST_TEXT, read_policy
from tongpan.fulfillment.routing.models import PolicyVersion, RoutingPolicy, VersionStatus
from tongpan.fulfillment.routing.presets import PRESETS

_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


def save_draft(
    code: str, document: Mapping[str, Any], *, name: str = "", note: str = "", actor: str, now: datetime
) -> PolicyVersion:
    """Keep ``document`` as the draft of the policy ``code``, which is made when there is none; the draft.

    A draft that is there already is replaced. name: "" keeps the name. Locks the policy. Raises BadPolicy with every
    problem of the document, Refusal("policy.code") or Refusal("policy.preset").
    """
    _check_code(code)
    read_policy(document, code, 1)
    text = as_json(dict(document))
    if len(text) > LONGEST_TEXT or "\\u0000" in text:
        raise Refusal("policy.document", f"A policy has at most {LONGEST_TEXT} characters and no NUL byte.")
    if len(name) > 80 or len(note) > 500 or "\x00" in name + note:
        raise Refusal("policy.name", "A name has at most 80 characters, a note at most 500, and neither a NUL byte.")
    return run_in_transaction(lambda: _save(code, json.loads(text), name, note, actor=actor, now=now))


def _save(code: str, document: dict[str, Any], name: str, note: str, *, actor: str, now: datetime) -> PolicyVersion:
    execute(
        """INSERT INTO fulfillment_routingpolicy (code, name, created_by) VALUES (%s, %s, %s)
           ON CONFLICT (code) DO NOTHING""",
        [code, name or code, actor],
    )
    policy = RoutingPolicy.objects.select_for_update(no_key=True).get(code=code)
    if name and name != policy.name:
        policy.name = name
        policy.save(update_fields=["name"])
    version = policy.versions.filter(status=VersionStatus.DRAFT).first()
    if version is None:
        newest = policy.versions.order_by("-number").first()
        version = PolicyVersion(policy=policy, number=newest.number + 1 if newest else 1, status=VersionStatus.DRAFT)
    version.document, version.note, version.changed_by, version.changed_at = document, note, actor, now
    version.save()
    audit(actor, "routing.drafted", "routing_policy", code, {"version": version.number, "note": note}, now=now)
    return version


def discard_draft(code: str, *, actor: str, now: datetime) -> None:
    """Throw the draft of a policy away; a policy without any other version goes with it.

    Raises Refusal("policy.unknown") or Refusal("policy.no_draft").
    """

    def work() -> None:
        policy, draft = _draft_of(code)
        number = draft.number
        draft.delete()
        if not policy.versions.exists():
            policy.delete()
        audit(actor, "routing.discarded", "routing_policy", code, {"version": number}, now=now)

    run_in_transaction(work)


def publish(code: str, *, actor: str, now: datetime) -> PolicyVersion:
    """Publish the draft of a policy: from now on orders are routed by it wherever the policy is assigned.

    Raises Refusal("policy.unknown"), Refusal("policy.no_draft"), or BadPolicy when the words of the language have
    changed since the draft was saved. Locks the policy.
    """

    def work() -> PolicyVersion:
        _, draft = _draft_of(code)
        read_policy(draft.document, code, draft.number)
        draft.status, draft.published_by, draft.published_at = VersionStatus.PUBLISHED, actor, now
        draft.save()
        audit(actor, "routing.published", "routing_policy", code, {"version": draft.number}, now=now)
        return draft

    return run_in_transaction(work)


def assign(code: str, *, channel: str = "", shop: str = "", actor: str, now: datetime) -> None:
    """Let the policy ``code`` count for a channel, a shop (by code), or, without both, wherever nothing narrower does.

    code: of a preset or of a policy with a published version; "" takes the assignment of the scope away. Orders that
    are routed already stay where they are. Raises Refusal("policy.unknown"), Refusal("policy.unpublished"),
    Refusal("policy.scope"), Refusal("channel.unknown") or Refusal("shop.unknown").
    """
    if channel and shop:
        raise Refusal("policy.scope", "Assign a policy to a channel or to a shop, not to both at once.")
    if code and code not in PRESETS:
        policy = RoutingPolicy.objects.filter(code=code).first()
        if policy is None:
            raise Refusal("policy.unknown", f"There is no routing policy {code!r}.")
        if not policy.versions.filter(status=VersionStatus.PUBLISHED).exists():
            raise Refusal("policy.unpublished", f"Policy {code} has no published version yet; publish it first.")
    channel_id = _id_of("channel", channel)
    shop_id = _id_of("shop", shop)

    def work() -> None:
        execute(
            """INSERT INTO fulfillment_policyassignment (channel_id, shop_id, policy, assigned_by, assigned_at)
               VALUES (%s, %s, %s, %s, %s)""",
            [channel_id, shop_id, code, actor, now],
        )
        audit(actor, "routing.assigned", "routing_policy", code, {"channel": channel, "shop": shop}, now=now)

    run_in_transaction(work)


def _id_of(what: str, code: str) -> int | None:
    if not code:
        return None
    rows = fetch_all(f"SELECT id FROM channels_{what} WHERE code = %s", [code.replace("\x00", "")])
    if not rows:
        raise Refusal(f"{what}.unknown", f"There is no {what} {code!r}.")
    return int(rows[0][0])


def _check_code(code: str) -> None:
    if code in PRESETS:
        raise Refusal("policy.preset", f"{code} comes with Tongpan and stays as it is; copy it under another code.")
    if not _CODE.fullmatch(code):
        raise Refusal(
            "policy.code",
            f"{code!r} cannot be the code of a policy: 1 to 40 small letters, digits and hyphens, beginning with a "
            "letter or digit.",
        )


def _draft_of(code: str) -> tuple[RoutingPolicy, PolicyVersion]:
    policy = RoutingPolicy.objects.select_for_update(no_key=True).filter(code=code).first()
    if policy is None:
        raise Refusal("policy.unknown", f"There is no routing policy {code!r} of your own.")
    draft = policy.versions.filter(status=VersionStatus.DRAFT).first()
    if draft is None:
        raise Refusal("policy.no_draft", f"Policy {code} has no draft; change it first.")
    return policy, draft
