"""Reads of the rulebook: the version that counts, drafts, and what limits have left."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.promotions.models import Draft, RulebookVersion


def version_at(at: datetime) -> int:
    """The number of the version that counts at ``at``; 0 before the first. One statement."""
    return int(
        fetch_all("SELECT coalesce(max(version), 0) FROM promotions_rulebookversion WHERE published_at <= %s", [at])[0][
            0
        ]
    )


def version_of(number: int) -> RulebookVersion:
    """One version. Raises Refusal("rulebook.version")."""
    version = RulebookVersion.objects.filter(version=number).first()
    if version is None:
        raise Refusal("rulebook.version", f"There is no version {number} of the rulebook.")
    return version


def draft_of(name: str) -> Draft:
    """One draft. Raises Refusal("draft.unknown")."""
    draft = Draft.objects.filter(name=name.replace("\x00", "")).first()
    if draft is None:
        raise Refusal("draft.unknown", f"There is no draft {name!r} of the rulebook.")
    return draft


def used_of(keys: Iterable[str]) -> dict[str, int]:
    """How much of each counter is used, by key; one that nothing was taken from is left out. One statement."""
    return dict(fetch_all("SELECT key, used FROM promotions_counter WHERE key = ANY(%s)", [list(keys)]))
