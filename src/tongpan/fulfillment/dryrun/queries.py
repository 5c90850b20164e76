"""Reads of dry runs: what was tried, what came of it, and the orders that would go another way."""

from __future__ import annotations

from django.db.models import QuerySet

from tongpan.core.errors import Refusal
from tongpan.fulfillment.routing.models import DryRun, DryRunChange


def dry_runs(policy: str = "") -> QuerySet[DryRun]:
    """Dry runs, the newest first; of one policy."""
    rows = DryRun.objects.select_related("channel").order_by("-id")
    return rows.filter(policy=policy) if policy else rows


def dry_run_by_id(run_id: int) -> DryRun:
    """One dry run. Raises Refusal("dry_run.unknown")."""
    run = dry_runs().filter(pk=run_id).first()
    if run is None:
        raise Refusal("dry_run.unknown", f"There is no dry run {run_id}.")
    return run


def changes_of(run_id: int) -> QuerySet[DryRunChange]:
    """The orders that the tried policy routes otherwise, with order and shop, in the order of their rows."""
    return DryRunChange.objects.filter(run_id=run_id).select_related("order__shop").order_by("id")
