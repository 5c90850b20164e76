"""Reads of the order hub: lists by filter, one order whole, sums of customers, and the proof that totals add up."""

from tongpan.orders.queries.buyers import Bought, bought_by, favourites_of_customer, returns_of_customer
from tongpan.orders.queries.filters import OPEN, OrderFilter, select_orders
from tongpan.orders.queries.ledger import entries_of, select_entries
from tongpan.orders.queries.pages import (
    SORTS,
    OrderPage,
    Sums,
    count_orders,
    count_quickly,
    fetch_orders,
    ids_of_orders,
    iterate_orders,
    listed_orders,
    orders_named,
    page_of_orders,
    statuses_of,
    sums_of_orders,
    tags_in_use,
)
from tongpan.orders.queries.proof import open_hold_counts, reconcile
from tongpan.orders.queries.whole import order_whole, payload_of, return_whole, select_returns

__all__ = [
    "OPEN",
    "SORTS",
    "Bought",
    "OrderFilter",
    "OrderPage",
    "Sums",
    "bought_by",
    "count_orders",
    "count_quickly",
    "entries_of",
    "favourites_of_customer",
    "fetch_orders",
    "ids_of_orders",
    "iterate_orders",
    "listed_orders",
    "open_hold_counts",
    "order_whole",
    "orders_named",
    "page_of_orders",
    "payload_of",
    "reconcile",
    "return_whole",
    "returns_of_customer",
    "select_entries",
    "select_orders",
    "select_returns",
    "statuses_of",
    "sums_of_orders",
    "tags_in_use",
]
