"""Reads of users, keys and the audit trail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from tongpan.access.engine import PERMISSIONS
from tongpan.access.models import ApiKey, AuditEntry, User


def can(user: User | AnonymousUser, permission: str) -> bool:
    """True when ``user`` is active and the role has ``permission`` (``access.engine.ALL`` lists them)."""
    return permission in permissions_of(user)


def permissions_of(user: User | AnonymousUser) -> frozenset[str]:
    """All that ``user`` may do: nothing when not signed in or not active."""
    if not isinstance(user, User) or not user.is_active:
        return frozenset()
    if user.is_superuser:
        return PERMISSIONS["administrator"]
    return PERMISSIONS.get(user.role, frozenset())


def api_keys() -> QuerySet[ApiKey]:
    """All keys, revoked ones too, oldest first."""
    return ApiKey.objects.order_by("created_at", "id")


def users() -> QuerySet[User]:
    return User.objects.order_by("username")


def audit_of(object_type: str, object_id: str, limit: int = 100) -> Sequence[Mapping[str, Any]]:
    """The newest ``limit`` entries of the audit trail about one object, newest first."""
    rows = AuditEntry.objects.filter(object_type=object_type, object_id=object_id).order_by("-at", "-id")
    return list(rows.values("id", "at", "actor", "action", "data")[:limit])
