"""Running the check over a draft, accepting what it found, and announcing the stack matrix. All in the audit trail."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction

from tongpan.access.actions import audit
from tongpan.core.errors import Refusal
from tongpan.core.stored import store
from tongpan.promotions.conflicts.check import check
from tongpan.promotions.conflicts.loading import SETTING, check_limits, market_of
from tongpan.promotions.conflicts.matrix import matrix_of, notice_texts
from tongpan.promotions.conflicts.models import Acceptance, Check, CheckFinding, StackNotice
from tongpan.promotions.conflicts.queries import hash_of, last_check
from tongpan.promotions.engine.language import read_rulebook
from tongpan.promotions.models import Draft

KEPT_RUNS = 5
"""So many runs of a draft are kept."""
Expected = Mapping[str, Mapping[str, int]]


def check_draft(name: str, *, expected: Expected, campaign: str = "", actor: str, now: datetime) -> Check:
    """Check the draft ``name`` and keep what was found; the run.

    expected: channel → SKU → thousandths of a unit expected to be sold on a day. campaign: look at its rules only; such
    a run does not open the way to publication. Raises Refusal("draft.unknown"), Refusal("campaign.unknown") or
    BadRulebook. Reads first and computes outside of a transaction; the draft is not locked.
    """
    draft = _draft(name)
    book = read_rulebook(draft.document, "draft")
    if campaign and campaign not in {rule.campaign for rule in book.rules}:
        raise Refusal("campaign.unknown", f"No rule of the draft {name} belongs to a campaign {campaign!r}.")
    limits = check_limits()
    market = market_of(book, expected, at=now)
    started = time.perf_counter()
    report = check(book, market, now=now, limits=limits, campaign=campaign)
    took = time.perf_counter() - started
    with transaction.atomic():
        run = Check.objects.create(
            draft=name,
            campaign=campaign,
            document_hash=hash_of(draft.document),
            checked_by=actor,
            checked_at=now,
            took_ms=int(took * 1000),
            sku_count=len(market.goods),
            channel_count=len(market.channels),
            carts=report.carts,
            pairs=report.pairs,
            proven=report.proven,
            coverage=[
                {"kind": one.kind, "search": one.search, "cases": one.cases, "open": one.open}
                for one in report.coverage
            ],
        )
        CheckFinding.objects.bulk_create(
            CheckFinding(run=run, position=number, kind=one.kind, key=one.key(), content=one.content())
            for number, one in enumerate(report.findings, 1)
        )
        old = Check.objects.filter(draft=name, campaign=campaign).values_list("pk", flat=True)[KEPT_RUNS:]
        Check.objects.filter(pk__in=list(old)).delete()
        told = {"run": run.pk, "findings": len(report.findings), "campaign": campaign}
        audit(actor, "rulebook.checked", "rulebook_draft", name, told, now=now)
    return run


def ensure_checked(name: str, *, actor: str, now: datetime) -> None:
    """Check the draft ``name`` unless it was checked as it is now. Raises what ``check_draft`` does."""
    draft = _draft(name)
    checked = last_check(draft)
    if checked is None or not checked.is_current:
        check_draft(name, expected={}, actor=actor, now=now)


def accept(name: str, key: str, *, reason: str, actor: str, now: datetime) -> Acceptance:
    """Let a finding of the last run over the draft ``name`` stand, for a reason.

    The caller has made sure that ``actor`` may (permission promotions.accept). Raises Refusal("draft.unknown"),
    Refusal("finding.unknown"), Refusal("finding.reason") or Refusal("finding.accepted").
    """
    reason = reason.strip()
    if not 5 <= len(reason) <= 500 or "\x00" in reason:
        raise Refusal("finding.reason", "Say in 5 to 500 characters why this may stand.")
    checked = last_check(_draft(name))
    row = next((one.row for one in checked.findings if one.row.key == key), None) if checked else None
    if row is None:
        raise Refusal("finding.unknown", f"The last check of the draft {name} found nothing with this key; look again.")
    try:
        with transaction.atomic():
            kept = Acceptance.objects.create(draft=name, key=key, reason=reason, accepted_by=actor, accepted_at=now)
            told = {"key": key, "kind": row.kind, "reason": reason}
            audit(actor, "rulebook.finding_accepted", "rulebook_draft", name, told, now=now)
    except IntegrityError as error:
        raise Refusal("finding.accepted", "Somebody has accepted this finding already.") from error
    return kept


def reopen(name: str, key: str, *, actor: str, now: datetime) -> None:
    """Take an acceptance back. Raises Refusal("finding.unknown") when there is none."""
    with transaction.atomic():
        gone, _by_table = Acceptance.objects.filter(draft=name, key=key).delete()
        if not gone:
            raise Refusal("finding.unknown", f"Nobody has accepted a finding with this key in the draft {name}.")
        audit(actor, "rulebook.finding_reopened", "rulebook_draft", name, {"key": key}, now=now)


def announce(name: str, *, text_zh: str = "", text_en: str = "", actor: str, now: datetime) -> StackNotice:
    """Announce the stack matrix of the draft ``name``; from now on it is what customers were told (PRM-06).

    text_zh, text_en: "" takes the words that the matrix itself gives. Raises Refusal("draft.unknown") or
    Refusal("notice.text").
    """
    draft = _draft(name)
    book = read_rulebook(draft.document, "draft")
    own_zh, own_en = notice_texts(book)
    texts = {"zh": text_zh.strip() or own_zh, "en": text_en.strip() or own_en}
    if any(len(text) > 20_000 or "\x00" in text for text in texts.values()):
        raise Refusal("notice.text", "A notice has at most 20,000 characters and no NUL byte.")
    with transaction.atomic():
        notice = StackNotice.objects.create(
            draft=name,
            matrix=matrix_of(book),
            text_zh=texts["zh"],
            text_en=texts["en"],
            published_by=actor,
            published_at=now,
        )
        audit(actor, "rulebook.stack_announced", "rulebook_draft", name, {"notice": notice.pk}, now=now)
    return notice


def set_most_discount(percent: Decimal, *, actor: str, now: datetime) -> None:
    """From which discount on a price needs approval, in per cent of the list price (``promo.max_net_discount_pct``).

    Raises Refusal("promo.max_net_discount_pct").
    """
    if not 0 < percent <= 100 or percent != round(percent, 2):
        raise Refusal("promo.max_net_discount_pct", "Give a percentage above 0 up to 100, with at most two decimals.")
    with transaction.atomic():
        store(SETTING, {"max_net_discount_pct": str(percent)})
        audit(actor, "promo.settings_changed", "setting", SETTING, {"max_net_discount_pct": str(percent)}, now=now)


def _draft(name: str) -> Draft:
    draft = Draft.objects.filter(name=name.replace("\x00", "")).first()
    if draft is None:
        raise Refusal("draft.unknown", f"There is no draft {name!r} of the rulebook.")
    return draft
