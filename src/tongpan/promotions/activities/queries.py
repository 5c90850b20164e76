"""Reads of activities."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from tongpan.promotions.activities.models import Group, Lottery


def select_groups(q: str, state: str) -> QuerySet[Group]:
    """Groups by part of their code or rule, and by state; with their offer."""
    groups = Group.objects.select_related("offer")
    if q := q.replace("\x00", "").strip():
        groups = groups.filter(Q(code__icontains=q) | Q(offer__rule__icontains=q))
    return groups.filter(state=state) if state else groups


def select_lotteries(q: str) -> QuerySet[Lottery]:
    """Lotteries by part of their code, name or campaign; with their prizes."""
    lotteries = Lottery.objects.prefetch_related("prizes")
    if q := q.replace("\x00", "").strip():
        lotteries = lotteries.filter(
            Q(code__icontains=q) | Q(name_zh__icontains=q) | Q(name_en__icontains=q) | Q(campaign__icontains=q)
        )
    return lotteries
