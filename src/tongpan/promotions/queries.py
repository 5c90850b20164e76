"""Reads of the rulebook: the version that counts, drafts, and what limits have left."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Q, QuerySet

from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.promotions.engine.book import Book, compile_book
from tongpan.promotions.engine.language import read_rulebook
from tongpan.promotions.models import Announcement, Campaign, Draft, RulebookVersion

NO_RULES: dict[str, Any] = {"rules": []}
"""What counts before anything is published."""


def version_at(at: datetime) -> int:
    """The number of the version that counts at ``at``; 0 before the first. One statement."""
    return _newest(at)[0]


def _newest(at: datetime) -> tuple[int, str]:
    """(number, digest) of the version that counts at ``at``."""
    rows = fetch_all(
        """SELECT version, digest FROM promotions_rulebookversion WHERE published_at <= %s
           ORDER BY version DESC LIMIT 1""",
        [at],
    )
    return rows[0] if rows else (0, "")


def version_of(number: int) -> RulebookVersion:
    """One version. Raises Refusal("rulebook.version")."""
    version = RulebookVersion.objects.filter(version=number).first()
    if version is None:
        raise Refusal("rulebook.version", f"There is no version {number} of the rulebook.")
    return version


def current_book(at: datetime) -> Book:
    """The rulebook that counts at ``at``, ready for the engine. One statement; a version is compiled once a process."""
    return _compiled(*_newest(at))


@functools.lru_cache(maxsize=8)
def _compiled(number: int, digest: str) -> Book:
    """Kept by digest too: a database that was restored may have another version of the same number."""
    document = version_of(number).document if number else NO_RULES
    return compile_book(read_rulebook(document, str(number)))


def book_of(number: int) -> Book:
    """The version ``number``, compiled; 0 is a book without rules. Raises Refusal("rulebook.version")."""
    return _compiled(number, version_of(number).digest if number else "")


def draft_book(name: str) -> Book:
    """A draft, compiled; its version is "draft". Raises Refusal("draft.unknown")."""
    return compile_book(read_rulebook(draft_of(name).document, "draft"))


def draft_of(name: str) -> Draft:
    """One draft. Raises Refusal("draft.unknown")."""
    draft = Draft.objects.filter(name=name.replace("\x00", "")).first()
    if draft is None:
        raise Refusal("draft.unknown", f"There is no draft {name!r} of the rulebook.")
    return draft


def used_of(keys: Iterable[str]) -> dict[str, int]:
    """How much of each counter is used, by key; one that nothing was taken from is left out. One statement."""
    return dict(fetch_all("SELECT key, used FROM promotions_counter WHERE key = ANY(%s)", [list(keys)]))


def select_campaigns(text: str = "", *, phase: str = "", at: datetime | None = None) -> QuerySet[Campaign]:
    """Campaigns with what channels say, by part of a code or name. phase: "ahead", "running" or "over" at ``at``."""
    announcements = Prefetch("announcements", Announcement.objects.order_by("channel"))
    campaigns = Campaign.objects.prefetch_related(announcements)
    if text:
        meant = Q(code__icontains=text) | Q(name_zh__icontains=text) | Q(name_en__icontains=text)
        campaigns = campaigns.filter(meant)
    if phase == "ahead":
        campaigns = campaigns.filter(starts__gt=at)
    elif phase == "running":
        campaigns = campaigns.filter(starts__lte=at, ends__gt=at)
    elif phase == "over":
        campaigns = campaigns.filter(ends__lte=at)
    return campaigns


def campaign_of(code: str) -> Campaign:
    """One campaign with what its channels say. Raises Refusal("campaign.unknown")."""
    campaign = select_campaigns().filter(code=code.replace("\x00", "")).first()
    if campaign is None:
        raise Refusal("campaign.unknown", f"There is no campaign {code!r}.")
    return campaign


def coupon_rules() -> list[tuple[str, str]]:
    """(code, Chinese or English name) of the rules that need a coupon, of the newest version and of all drafts."""
    documents = [draft.document for draft in Draft.objects.order_by("name")]
    if newest := RulebookVersion.objects.first():
        documents.insert(0, newest.document)
    found: dict[str, str] = {}
    for document in documents:
        for rule in document["rules"]:
            if rule.get("needs_coupon"):
                found.setdefault(rule["code"], rule.get("name_zh") or rule.get("name_en") or "")
    return sorted(found.items())
