"""Reads of replays: what was asked, what came of it, and the orders behind the numbers."""

from __future__ import annotations

from django.db.models import F, QuerySet

from tongpan.core.errors import Refusal
from tongpan.orders.models import ReplayOrder, ReplayRun

SIDES = ("changed", "cheaper", "dearer", "broken")
"""Which orders: another price or gift; paying less; paying more; with a line under its floor or outside the band."""


def replays(text: str = "") -> QuerySet[ReplayRun]:
    """Replays, the newest first, by part of a name or rulebook; without the documents."""
    runs = ReplayRun.objects.defer("document").order_by("-id")
    text = text.replace("\x00", "")
    return runs.filter(name__icontains=text) | runs.filter(rulebook__icontains=text) if text else runs


def replay_by_id(run_id: int) -> ReplayRun:
    """One replay. Raises Refusal("replay.unknown")."""
    run = replays().filter(pk=run_id).first()
    if run is None:
        raise Refusal("replay.unknown", f"There is no replay {run_id}.")
    return run


def orders_of(
    run_id: int,
    *,
    text: str = "",
    channel: str = "",
    tier: str | None = None,
    rule: str = "",
    payer: str = "",
    side: str = "",
) -> QuerySet[ReplayOrder]:
    """The orders behind the numbers of a run, with order and shop, in the order of time.

    text: how the order's number begins. channel, tier, rule, payer: those of one group of the result. side: one of
    ``SIDES``; others are no filter.
    """
    found = ReplayOrder.objects.filter(run_id=run_id).select_related("order__shop").order_by("id")
    if text:
        found = found.filter(order__external_id__startswith=text.replace("\x00", ""))
    if channel:
        found = found.filter(channel=channel)
    if tier is not None:
        found = found.filter(tier=tier)
    if rule:
        found = found.filter(rules__contains=[rule])
    if payer:
        found = found.filter(payers__contains=[payer])
    if side == "changed":
        found = found.filter(is_changed=True)
    elif side == "cheaper":
        found = found.filter(after_minor__lt=F("before_minor"))
    elif side == "dearer":
        found = found.filter(after_minor__gt=F("before_minor"))
    elif side == "broken":
        found = found.exclude(breaks_before=0, breaks_after=0)
    return found
