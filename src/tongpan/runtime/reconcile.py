"""``tongpan reconcile``: every room's proof, on one snapshot."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction

from tongpan.fulfillment import queries as fulfillment
from tongpan.inventory import published
from tongpan.inventory import queries as inventory
from tongpan.orders import queries as orders


def reconcile() -> dict[str, Any]:
    """{"clean": bool, "checked": {what: how many}, "differences": [...]}, all of one instant; locks nothing.

    Raises django.db.transaction.TransactionManagementError inside a transaction: it needs a snapshot of its own.
    """
    with transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        stock = inventory.reconcile()
        checked, differences = dict(stock.checked), list(stock.differences)
        for room in (orders, published, fulfillment):
            counts, found = room.reconcile()
            checked |= counts
            differences += found
    return {"clean": not differences, "checked": checked, "differences": differences}
