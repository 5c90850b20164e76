"""Drafts of the rulebook and their publication. Every change is in the audit trail."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from tongpan.access.actions import audit
from tongpan.core.bulk import as_json, execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.races import run_in_transaction
from tongpan.promotions.conflicts.actions import ensure_checked
from tongpan.promotions.conflicts.queries import settled
from tongpan.promotions.differences import rebased
from tongpan.promotions.engine.language import read_rulebook
from tongpan.promotions.models import Draft, RulebookVersion

LONGEST_TEXT = 4_000_000
"""Characters of a document."""
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_LOCK = 5_041_001
"""The advisory lock under which versions get their numbers, one after the other."""
EMPTY: dict[str, Any] = {"rules": []}
"""What a draft begins with when nothing is published."""


@dataclass(frozen=True, slots=True)
class Notice:
    """The announcement of how offers may be stacked (PRM-06). "": it is written from the rulebook."""

    zh: str = ""
    en: str = ""


def open_draft(name: str, *, from_version: int | None = None, note: str = "", actor: str, now: datetime) -> Draft:
    """A new draft that begins as ``from_version`` or, without one, as the rulebook that counts now.

    Beginning with an older version is how a publication is rolled back: it is published anew. Raises
    Refusal("draft.name"), Refusal("draft.exists") or Refusal("rulebook.version").
    """
    check_name(name, note)

    def work() -> Draft:
        newest = RulebookVersion.objects.first()
        begun = newest
        if from_version is not None:
            begun = RulebookVersion.objects.filter(version=from_version).first()
            if begun is None:
                raise Refusal("rulebook.version", f"There is no version {from_version} of the rulebook.")
        draft, is_new = Draft.objects.get_or_create(
            name=name,
            defaults={
                "base_version": newest.version if newest else 0,
                "document": begun.document if begun else EMPTY,
                "note": note,
                "updated_by": actor,
                "updated_at": now,
            },
        )
        if not is_new:
            raise Refusal("draft.exists", f"There is a draft {name} already; change it or choose another name.")
        audit(actor, "rulebook.draft_opened", "rulebook_draft", name, {"from": from_version}, now=now)
        return draft

    return run_in_transaction(work)


def save_draft(
    name: str, document: Mapping[str, Any], *, note: str = "", actor: str, now: datetime, revision: int | None = None
) -> Draft:
    """Keep ``document`` as the draft ``name``, which is made when there is none; the draft.

    revision: of the draft that was looked at; None takes any. Locks the draft. Raises BadRulebook with every fault,
    Refusal("draft.name"), Refusal("draft.document") or Refusal("draft.changed").
    """
    check_name(name, note)
    plain = checked(document)

    def work() -> Draft:
        newest = RulebookVersion.objects.first()
        execute(
            """INSERT INTO promotions_draft (name, base_version, document, note, revision, updated_by, updated_at)
               VALUES (%s, %s, '{}', '', 0, %s, %s) ON CONFLICT (name) DO NOTHING""",
            [name, newest.version if newest else 0, actor, now],
        )
        draft = _locked(name)
        if revision is not None and draft.revision != revision:
            raise Refusal("draft.changed", f"{draft.updated_by} changed the draft {name} meanwhile; look at it again.")
        return _keep(draft, plain, note or draft.note, {"rules": len(plain["rules"])}, actor=actor, now=now)

    return run_in_transaction(work)


def put_rule(name: str, rule: Mapping[str, Any], *, actor: str, now: datetime) -> Draft:
    """Let the draft ``name`` hold ``rule`` in place of its rule of that code, or behind the others.

    Raises as ``save_draft``, and Refusal("draft.unknown"). Locks the draft.
    """
    code = rule.get("code")

    def change(rules: list[Any]) -> list[Any]:
        at = next((n for n, one in enumerate(rules) if one.get("code") == code), len(rules))
        return [*rules[:at], dict(rule), *rules[at + 1 :]]

    return _change_rules(name, change, {"put": code}, actor=actor, now=now)


def remove_rule(name: str, code: str, *, actor: str, now: datetime) -> Draft:
    """Take the rule ``code`` out of a draft. Raises Refusal("draft.unknown") or Refusal("draft.rule"). Locks it."""

    def change(rules: list[Any]) -> list[Any]:
        left = [one for one in rules if one.get("code") != code]
        if len(left) == len(rules):
            raise Refusal("draft.rule", f"The draft {name} has no rule {code!r}.")
        return left

    return _change_rules(name, change, {"removed": code}, actor=actor, now=now)


def discard_draft(name: str, *, actor: str, now: datetime) -> None:
    """Throw a draft away. Raises Refusal("draft.unknown")."""

    def work() -> None:
        _locked(name).delete()
        audit(actor, "rulebook.draft_discarded", "rulebook_draft", name, now=now)

    run_in_transaction(work)


def bring_up_to_date(name: str, *, actor: str, now: datetime) -> list[str]:
    """Let a draft begin with the version that counts now and keep what it changed; the rules that both changed.

    Of these the draft's own words stand: look at them. "" among them is what is no rule, such as the stack matrix.
    Locks the draft. Raises Refusal("draft.unknown") or BadRulebook when the two do not go together.
    """

    def work() -> list[str]:
        draft = _locked(name)
        newest = RulebookVersion.objects.first()
        if newest is None or draft.base_version == newest.version:
            return []
        base = RulebookVersion.objects.filter(version=draft.base_version).first()
        document, clashes = rebased(base.document if base else EMPTY, draft.document, newest.document)
        draft.base_version = newest.version
        _keep(draft, checked(document), draft.note, {"base": newest.version, "both": clashes}, actor=actor, now=now)
        return clashes

    return run_in_transaction(work)


def publish(name: str, *, notice: Notice = Notice(), actor: str, now: datetime) -> RulebookVersion:
    """Publish the draft ``name``: from now on every cart is priced by it, each rule within its own window.

    The draft is gone afterwards. Raises Refusal("draft.unknown"), Refusal("draft.outdated") when another version was
    published since it was begun, BadRulebook, or Refusal("draft.findings") while a finding of the check before launch
    is open; a draft that was not checked as it is now is checked first. Locks the draft; publications wait for one
    another.
    """
    ensure_checked(name, actor=actor, now=now)

    def work() -> RulebookVersion:
        fetch_all("SELECT pg_advisory_xact_lock(%s)::text", [_LOCK])
        draft = _locked(name)
        document = checked(draft.document)
        newest = RulebookVersion.objects.first()
        last = newest.version if newest else 0
        if draft.base_version != last:
            raise Refusal(
                "draft.outdated",
                f"Version {last} was published after the draft {name} was begun with version {draft.base_version}. "
                "Bring the draft up to date, so that its rules are not lost.",
            )
        findings = settled(draft)
        version = RulebookVersion.objects.create(
            version=last + 1,
            document=document,
            digest=blake2b(as_json(document).encode(), digest_size=16).hexdigest(),
            published_at=now,
            published_by=actor,
            note=draft.note,
            notice_zh=notice.zh,
            notice_en=notice.en,
            findings=findings,
        )
        draft.delete()
        audit(
            actor, "rulebook.published", "rulebook", str(version.version), {"draft": name, "note": draft.note}, now=now
        )
        return version

    return run_in_transaction(work)


def checked(document: Mapping[str, Any]) -> dict[str, Any]:
    """``document`` as plain JSON. Raises BadRulebook with every fault, or Refusal("draft.document")."""
    text = as_json(dict(document))
    if len(text) > LONGEST_TEXT or "\\u0000" in text or "\x00" in text:
        raise Refusal("draft.document", f"A rulebook has at most {LONGEST_TEXT} characters and no NUL byte.")
    plain: dict[str, Any] = json.loads(text)
    read_rulebook(plain, "draft")
    return plain


def check_name(name: str, note: str = "") -> None:
    """Refuse a name or note that a draft cannot have: Refusal("draft.name")."""
    if not _NAME.fullmatch(name):
        raise Refusal(
            "draft.name",
            f"{name!r} cannot be the name of a draft: 1 to 40 small letters, digits and hyphens, beginning with a "
            "letter or digit.",
        )
    if len(note) > 500 or "\x00" in note:
        raise Refusal("draft.name", "A note has at most 500 characters and no NUL byte.")


def _change_rules(
    name: str, change: Callable[[list[Any]], list[Any]], told: dict[str, Any], *, actor: str, now: datetime
) -> Draft:
    def work() -> Draft:
        draft = _locked(name)
        document = {**draft.document, "rules": change(list(draft.document["rules"]))}
        return _keep(draft, checked(document), draft.note, told, actor=actor, now=now)

    return run_in_transaction(work)


def _keep(
    draft: Draft, document: dict[str, Any], note: str, told: dict[str, Any], *, actor: str, now: datetime
) -> Draft:
    draft.document, draft.note, draft.updated_by, draft.updated_at = document, note, actor, now
    draft.revision += 1
    draft.save()
    told = {"revision": draft.revision, **told}
    audit(actor, "rulebook.draft_changed", "rulebook_draft", draft.name, told, now=now)
    return draft


def _locked(name: str) -> Draft:
    draft = Draft.objects.select_for_update(no_key=True).filter(name=name.replace("\x00", "")).first()
    if draft is None:
        raise Refusal("draft.unknown", f"There is no draft {name!r} of the rulebook.")
    return draft
