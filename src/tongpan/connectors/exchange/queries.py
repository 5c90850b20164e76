"""Reads of partners and of the files that came and went."""

from __future__ import annotations

from django.db.models import QuerySet

from tongpan.connectors.exchange.models import ExchangeFile, ExchangePartner


def partners() -> QuerySet[ExchangePartner]:
    """All partners with node and shop, by code."""
    return ExchangePartner.objects.select_related("node", "shop").order_by("code")


def files(partner_id: int | None = None, *, state: str = "", direction: str = "") -> QuerySet[ExchangeFile]:
    """Files of one partner, or of all, unordered, with the partner."""
    rows = ExchangeFile.objects.select_related("partner")
    if partner_id is not None:
        rows = rows.filter(partner_id=partner_id)
    if state:
        rows = rows.filter(state=state)
    return rows.filter(direction=direction) if direction else rows
