"""Reads of accounts. Secrets are in none of them."""

from __future__ import annotations

from django.db.models import Count, Q, QuerySet

from tongpan.connectors.accounts.models import Account, Push, RefusedOrder
from tongpan.core.errors import Refusal


def accounts() -> QuerySet[Account]:
    """All accounts by shop code, with their shop, and how much of them waits or failed. One statement."""
    return (
        Account.objects.select_related("shop", "shop__channel")
        .defer("secret", "access_token", "refresh_token")
        .annotate(
            waiting=Count("pushes", filter=Q(pushes__state__in=["waiting", "sending"]), distinct=True),
            dead=Count("pushes", filter=Q(pushes__state="dead"), distinct=True),
            refused=Count("refused_orders", distinct=True),
        )
        .order_by("shop__code")
    )


def account_of(shop_code: str) -> Account:
    """The account of a shop. Raises Refusal account.unknown."""
    row = accounts().filter(shop__code=shop_code.replace("\x00", "")).first()
    if row is None:
        raise Refusal(
            "account.unknown", f"Shop {shop_code!r} has no account; `tongpan account list` shows those there are."
        )
    return row


def pushes(account: Account | None = None) -> QuerySet[Push]:
    """What was or is to be sent, newest first."""
    rows = Push.objects.select_related("account", "account__shop").order_by("-id")
    return rows if account is None else rows.filter(account=account)


def incidents() -> QuerySet[Push]:
    """Shipments that a platform was not told of: platforms fine late shipment."""
    return pushes().filter(kind="shipment", state="dead")


def refused_orders(account: Account) -> QuerySet[RefusedOrder]:
    """Orders of the platform that were not taken, newest first; what the platform sent stays sealed."""
    return RefusedOrder.objects.filter(account=account).defer("raw").order_by("-refused_at", "-id")
