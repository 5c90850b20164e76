"""From the door to the till: visits, experiences and purchases by store and day (OFF-06)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Exists, OuterRef, Q, QuerySet

from tongpan.core.bulk import fetch_all
from tongpan.fulfillment.models import Fulfillment
from tongpan.orders.models import Order
from tongpan.tracking.models import Visit


def with_bought(rows: QuerySet[Visit]) -> QuerySet[Visit]:
    """``rows`` with ``bought``: the visitor ordered on the same day what this store hands over or sends.

    Known only of visitors who said who they are; a cancelled order is no purchase.
    """
    orders = Order.objects.filter(customer=OuterRef("customer"), business_date=OuterRef("day")).exclude(
        status="cancelled"
    )
    here = Fulfillment.objects.filter(order=OuterRef("pk"), node=OuterRef(OuterRef("node"))).exclude(
        status__in=("cancelled", "rejected")
    )
    return rows.annotate(bought=Exists(orders.filter(Q(delivery_node=OuterRef("node__code")) | Exists(here))))


@dataclass(frozen=True, slots=True)
class StoreDay:
    """One store on one day. entered: by the door counter, None without one. visits, experiences: written down;
    known: of these visits by known customers; bought: of the known, with a purchase here on the day."""

    node: str
    day: date
    entered: int | None
    visits: int
    experiences: int
    known: int
    bought: int

    @property
    def ratio(self) -> float | None:
        """Share of the known visitors who bought."""
        return self.bought / self.known if self.known else None


def store_days(first: date, end: date, node_id: int | None = None, limit: int = 200) -> list[StoreDay]:
    """Every store and day of [first, end) with visits or a door count, the latest day first. One visitor who comes
    several times a day counts once for each visit."""
    rows = fetch_all(
        """WITH seen AS (
             SELECT v.node_id, v.day, count(*) AS visits, count(*) FILTER (WHERE v.kind <> 'enter') AS experiences,
                    count(v.customer_id) AS known,
                    count(*) FILTER (WHERE EXISTS (
                      SELECT FROM orders_order o
                      WHERE o.customer_id = v.customer_id AND o.business_date = v.day AND o.status <> 'cancelled'
                        AND (o.delivery_node = n.code
                             OR EXISTS (SELECT FROM fulfillment_fulfillment f WHERE f.order_id = o.id
                                        AND f.node_id = v.node_id AND f.status NOT IN ('cancelled', 'rejected')))
                    )) AS bought
             FROM tracking_visit v JOIN network_node n ON n.id = v.node_id
             WHERE v.day >= %(first)s AND v.day < %(end)s
               AND (%(node)s::bigint IS NULL OR v.node_id = %(node)s) GROUP BY 1, 2),
           doors AS (
             SELECT d.node_id, d.day, sum(d.entered)::bigint AS entered FROM tracking_doorcount d
             WHERE d.day >= %(first)s AND d.day < %(end)s
               AND (%(node)s::bigint IS NULL OR d.node_id = %(node)s) GROUP BY 1, 2)
           SELECT n.name, day, d.entered, coalesce(s.visits, 0), coalesce(s.experiences, 0), coalesce(s.known, 0),
                  coalesce(s.bought, 0)
           FROM seen s FULL JOIN doors d USING (node_id, day) JOIN network_node n ON n.id = node_id
           ORDER BY day DESC, n.code LIMIT %(limit)s""",
        {"first": first, "end": end, "node": node_id, "limit": limit},
    )
    return [StoreDay(*row) for row in rows]
