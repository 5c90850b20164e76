"""Reads of policies, live sessions, floors and covers."""

from __future__ import annotations

from django.db.models import QuerySet

from tongpan.core.stored import stored
from tongpan.inventory.actions.policies import MODE_SETTING
from tongpan.inventory.models import ChannelPolicy, Cover, LiveSession, NodePolicy


def select_policies(channel_code: str = "", sku_code: str = "") -> QuerySet[ChannelPolicy]:
    """The policies of channels that are not over, of live sessions too; an empty argument narrows nothing."""
    rows = ChannelPolicy.objects.filter(closed_at__isnull=True).select_related("channel", "sku", "session")
    if channel_code:
        rows = rows.filter(channel__code=channel_code)
    return rows.filter(sku__code=sku_code) if sku_code else rows


def select_sessions(channel_code: str = "") -> QuerySet[LiveSession]:
    """Live sessions with their channel and quotas, past ones too."""
    rows = LiveSession.objects.select_related("channel").prefetch_related("quotas__sku", "quotas__uses")
    return rows.filter(channel__code=channel_code) if channel_code else rows


def select_node_policies(node_code: str = "", sku_code: str = "") -> QuerySet[NodePolicy]:
    """The floors of nodes; an empty argument narrows nothing."""
    wanted = {"node__code": node_code, "sku__code": sku_code}
    rows = NodePolicy.objects.select_related("node", "sku")
    return rows.filter(**{name: value for name, value in wanted.items() if value})


def select_covers() -> QuerySet[Cover]:
    """The minimum covers of core goods."""
    return Cover.objects.filter(sku__is_core=True).select_related("sku")


def pool_mode() -> str:
    """ "shared" or "segregated" (X-21)."""
    return str((stored(MODE_SETTING) or {}).get("mode", "shared"))
