"""The rules of the patrol in force, and those before."""

from __future__ import annotations

from django.db.models import QuerySet

from tongpan.pricing.patrol.models import PatrolRules
from tongpan.pricing.patrol.rules import Rules, parse_rules


def rules_in_force() -> tuple[int, Rules]:
    """(version, rules) that count now; version 0 is the defaults. One statement."""
    newest = PatrolRules.objects.order_by("-version").first()
    return (newest.version, parse_rules(newest.rules)) if newest else (0, Rules())


def rules_of(version: int) -> Rules:
    """The rules of ``version``. Raises PatrolRules.DoesNotExist."""
    return parse_rules(PatrolRules.objects.get(version=version).rules) if version else Rules()


def versions() -> QuerySet[PatrolRules]:
    """All versions, the newest first."""
    return PatrolRules.objects.order_by("-version")
