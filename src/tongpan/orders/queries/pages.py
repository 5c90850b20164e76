"""Lists of orders: pages, counts, and whole lists through a cursor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.core.exceptions import EmptyResultSet
from django.db import OperationalError, transaction
from django.db.models import Count, Prefetch, Q, QuerySet

from tongpan.core.bulk import execute, fetch_all
from tongpan.orders.models import Hold, Order, OrderTag
from tongpan.orders.queries.filters import OrderFilter, select_orders

SORTS: dict[str, tuple[str, ...]] = {
    "placed": ("placed_at", "id"),
    "total": ("total_minor", "id"),
}


def _sorted(orders: QuerySet[Order], sort: str) -> QuerySet[Order]:
    """``sort`` is a key of SORTS, with "-" for descending; the id makes the order total."""
    sign = "-" if sort.startswith("-") else ""
    fields = SORTS[sort.removeprefix("-")]
    return orders.order_by(*(f"{sign}{name}" for name in fields))


def fetch_orders(wanted: OrderFilter, sort: str, offset: int, limit: int) -> list[Order]:
    """One page of orders with shop, channel, customer, tags and ``open_holds`` (a list of Hold). Four statements.

    The page is found first, by index alone, and only its rows are joined: a late page stays cheap.
    """
    ids = list(_sorted(select_orders(wanted), sort).values_list("pk", flat=True)[offset : offset + limit])
    return _in_order(ids)


@dataclass(frozen=True, slots=True)
class OrderPage:
    """A stretch of a list, and whether there is more of it before and after."""

    rows: list[Order]
    has_before: bool
    has_after: bool


def page_of_orders(
    wanted: OrderFilter, sort: str, limit: int, *, after: int | None = None, before: int | None = None
) -> OrderPage:
    """At most ``limit`` orders behind the order ``after``, or just before the order ``before``; else the first.

    Rows as ``fetch_orders`` gives them. The index is entered at the order itself, so the last page costs what the
    first does, and orders that come in meanwhile move no row to another page. An order that is not there is the
    beginning of the list. Five statements at most.
    """
    known = after if after is not None else before
    column = SORTS[sort.removeprefix("-")][0]
    at = None if known is None else Order.objects.filter(pk=known).values_list(column, flat=True).first()
    is_descending, is_backwards = sort.startswith("-"), at is not None and after is None
    orders = select_orders(wanted)
    if at is not None:
        less = is_descending != is_backwards
        bound, strict, tie = ("lte", "lt", "id__lt") if less else ("gte", "gt", "id__gt")
        orders = orders.filter(Q(**{f"{column}__{bound}": at}) & (Q(**{f"{column}__{strict}": at}) | Q(**{tie: known})))
    towards = f"{'' if is_descending else '-'}{sort.removeprefix('-')}" if is_backwards else sort
    ids = list(_sorted(orders, towards).values_list("pk", flat=True)[: limit + 1])
    is_more, ids = len(ids) > limit, ids[:limit]
    if is_backwards:
        ids.reverse()
    return OrderPage(
        _in_order(ids),
        has_before=is_more if is_backwards else at is not None,
        has_after=is_backwards or is_more,
    )


def _in_order(ids: list[int]) -> list[Order]:
    """The orders of ``ids`` in their order, with shop, channel, customer, tags and ``open_holds``. Three statements."""
    found = {order.pk: order for order in _with_names(Order.objects.filter(pk__in=ids))}
    return [found[order_id] for order_id in ids if order_id in found]


def _with_names(orders: QuerySet[Order]) -> QuerySet[Order]:
    holds = Prefetch("holds", Hold.objects.filter(released_at=None), to_attr="open_holds")
    tags = Prefetch("tags", OrderTag.objects.order_by("tag"))
    return orders.select_related("shop", "channel", "customer").prefetch_related(holds, tags)


@dataclass(frozen=True, slots=True)
class Sums:
    """What a filter comes to. totals: (currency, minor units), most orders first. is_capped: there are more."""

    orders: int
    units: int
    totals: list[tuple[str, int]]
    is_capped: bool


def sums_of_orders(wanted: OrderFilter, cap: int | None) -> Sums:
    """Count and add up the orders of ``wanted``, of at most ``cap`` of them; of all with None. One statement."""
    orders = select_orders(wanted).order_by().values("currency", "total_minor", "units")
    try:
        inner, params = (orders if cap is None else orders[: cap + 1]).query.sql_with_params()
    except EmptyResultSet:
        return Sums(0, 0, [], False)
    rows = fetch_all(
        f"""SELECT currency, count(*), sum(total_minor)::bigint, sum(units)::bigint
            FROM ({inner}) o GROUP BY 1 ORDER BY 2 DESC, 1""",
        list(params),
    )
    count = sum(row[1] for row in rows)
    return Sums(
        count if cap is None else min(count, cap),
        sum(row[3] for row in rows),
        [(row[0], row[2]) for row in rows],
        cap is not None and count > cap,
    )


def ids_of_orders(wanted: OrderFilter, sort: str, limit: int) -> list[int]:
    """The ids of at most ``limit`` orders of ``wanted``, in the order of ``sort``. One statement."""
    return list(_sorted(select_orders(wanted), sort).values_list("pk", flat=True)[:limit])


def statuses_of(order_ids: Sequence[int]) -> dict[str, int]:
    """How many of ``order_ids`` there are by status, the most frequent first. One statement."""
    rows = Order.objects.filter(pk__in=order_ids).values_list("status").annotate(n=Count("pk"))
    return dict(rows.order_by("-n", "status"))


def tags_in_use(limit: int = 200) -> list[str]:
    """The tags that are on any order, in order of name. One statement that reads each tag once, not each order."""
    rows = fetch_all(
        """WITH RECURSIVE used(tag) AS (
             (SELECT tag FROM orders_ordertag ORDER BY tag LIMIT 1)
             UNION ALL
             SELECT (SELECT t.tag FROM orders_ordertag t WHERE t.tag > u.tag ORDER BY t.tag LIMIT 1)
             FROM used u WHERE u.tag IS NOT NULL)
           SELECT tag FROM used WHERE tag IS NOT NULL LIMIT %s""",
        [limit],
    )
    return [tag for (tag,) in rows]


def orders_named(order_ids: Sequence[int]) -> list[Order]:
    """The orders of ``order_ids`` in that order, as ``fetch_orders`` gives them. Three statements."""
    return _in_order(list(order_ids))


def count_orders(wanted: OrderFilter, cap: int) -> int:
    """How many orders ``wanted`` has; counting stops at ``cap``."""
    return select_orders(wanted).order_by()[:cap].count()


def count_quickly(many: Sequence[OrderFilter], cap: int, *, budget_ms: int = 250) -> list[int | None]:
    """How many orders each of ``many`` has, counting to ``cap``; None where that takes longer than ``budget_ms``.

    One statement each, so this is for what is shown beside a list, not before it.
    """
    counts: list[int | None] = []
    for wanted in many:
        try:
            with transaction.atomic():
                execute(f"SET LOCAL statement_timeout = {int(budget_ms)}")
                counts.append(count_orders(wanted, cap))
                execute("SET LOCAL statement_timeout = DEFAULT")
        except OperationalError:
            counts.append(None)
    return counts


def iterate_orders(wanted: OrderFilter, sort: str) -> Iterator[Order]:
    """All orders of ``wanted`` as ``fetch_orders`` gives them, through a cursor: memory stays level."""
    rows = _with_names(_sorted(select_orders(wanted), sort))
    return rows.iterator(chunk_size=2000)


def listed_orders(wanted: OrderFilter) -> QuerySet[Order]:
    """The orders of ``wanted``, unordered, with shop, channel, customer, tags and ``open_holds`` (three statements)."""
    return _with_names(select_orders(wanted))
