"""Reads of subscriptions."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import OuterRef, Prefetch, Q, QuerySet, Subquery

from tongpan.orders.models import Subscription, SubscriptionLine, SubscriptionRun

TROUBLE = ("short", "again", "unpaid", "failed")
"""The states of a newest run that people look at."""


@dataclass(frozen=True, slots=True)
class SubscriptionFilter:
    """state: of the subscription, or of its newest run as "run:…", or "trouble" for those of TROUBLE. text: a SKU code,
    the number of an order of a run, the id of the subscription, or, for who sees_customers, a customer number."""

    state: str = ""
    shop_id: int | None = None
    text: str = ""
    sees_customers: bool = False


def select_subscriptions(wanted: SubscriptionFilter) -> QuerySet[Subscription]:
    """Subscriptions with shop, customer, lines, and ``run_state`` of the newest run (None before the first)."""
    newest = SubscriptionRun.objects.filter(subscription=OuterRef("pk")).order_by("-due_on").values("state")[:1]
    lines = Prefetch("lines", SubscriptionLine.objects.select_related("sku").order_by("pk"))
    rows = Subscription.objects.select_related("shop__channel", "customer").prefetch_related(lines)
    rows = rows.annotate(run_state=Subquery(newest))
    if wanted.state == "trouble":
        rows = rows.filter(run_state__in=TROUBLE)
    elif wanted.state.startswith("run:"):
        rows = rows.filter(run_state=wanted.state.removeprefix("run:"))
    elif wanted.state:
        rows = rows.filter(state=wanted.state)
    if wanted.shop_id is not None:
        rows = rows.filter(shop_id=wanted.shop_id)
    if wanted.text:
        meant = Q(pk__in=SubscriptionLine.objects.filter(sku__code=wanted.text).values("subscription_id"))
        meant |= Q(pk__in=SubscriptionRun.objects.filter(order__external_id=wanted.text).values("subscription_id"))
        if wanted.text.isascii() and wanted.text.isdecimal() and len(wanted.text) < 18:
            meant |= Q(pk=int(wanted.text))
        if wanted.sees_customers:
            meant |= Q(customer__code=wanted.text)
        rows = rows.filter(meant)
    return rows


def runs_of(subscription_id: int, limit: int = 100) -> list[SubscriptionRun]:
    """The runs of a subscription with their orders, the newest first."""
    rows = SubscriptionRun.objects.filter(subscription_id=subscription_id).select_related("order")
    return list(rows.order_by("-due_on")[:limit])


def amount_of(subscription: Subscription) -> int:
    """What one run costs at the agreed prices, in minor units."""
    return sum(line.qty * line.unit_minor for line in subscription.lines.all())
