"""A routing policy: which orders it takes and in which order, its rules, and what is done when none finds a node.

Plain values without behaviour; ``language`` makes them from a document. Amounts are minor units of the order's own
currency, distances kilometres as the crow flies.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal

Method = Literal["ship", "pickup", "instant", "dealer"]
METHODS: tuple[Method, ...] = ("ship", "pickup", "instant", "dealer")
SORTS = ("promise_at", "priority", "placed_at", "id")
RANKS = (
    "covers_all",
    "group",
    "priority",
    "distance",
    "cost",
    "capacity_left",
    "balance",
    "load",
    "stock_age",
    "store_minimum",
    "parcels",
    "territory",
    "node_id",
)
"""What nodes can be ranked by. Each is better one way round, so that a rule need not say which (``ranking``)."""
PICKUP_NODE = "order.pickup_node"


@dataclass(frozen=True, slots=True)
class Condition:
    """What an order must be like: every field that says something must hold; an empty condition always holds.

    places: provinces or cities by name or division code. categories: codes; one with sub-categories stands for
    them too, and one such line of the order is enough. min_value and max_value: of the goods, both included.
    """

    methods: Sequence[str] = ()
    channels: Sequence[str] = ()
    shops: Sequence[str] = ()
    tags: Sequence[str] = ()
    places: Sequence[str] = ()
    categories: Sequence[str] = ()
    min_value: int | None = None
    max_value: int | None = None

    @property
    def is_empty(self) -> bool:
        return self == Condition()


@dataclass(frozen=True, slots=True)
class Batch:
    """Which orders are routed: those that ``include`` takes and ``exclude`` does not, sorted by ``sort``.

    priority: conditions, the most urgent first; an order has the place of the first that holds for it.
    """

    include: Condition = Condition()
    exclude: Condition | None = None
    priority: Sequence[Condition] = ()
    sort: Sequence[str] = ("placed_at", "id")


@dataclass(frozen=True, slots=True)
class NodeFilter:
    """Which nodes a rule considers.

    groups: only these routing groups, in this order for the rank "group"; empty: all. only: the node that the buyer
    chose. floor: at least so many units of each SKU stay at a node. keeps_floors: the floors that nodes have of
    their own count too. open: "now" takes only nodes that are open. min_stock_age: only goods whose oldest unit came in
    so many days ago or earlier. service: only dealers whose contract is in force and owes it
    (``network.engine.DEALER_SERVICES``), each in its own territory only.
    """

    groups: Sequence[str] = ()
    only: str = ""
    within_km: int | None = None
    floor: int = 0
    keeps_floors: bool = True
    keeps_territory: bool = True
    keeps_order_limit: bool = True
    open: Literal["any", "now"] = "any"
    facilities: Sequence[str] = ()
    min_stock_age: int | None = None
    service: str = ""


@dataclass(frozen=True, slots=True)
class Split:
    """When goods may come from several nodes.

    max_parcels: None is as many as it takes. min_order_value: goods of less are not split. keeps_kits: the parts of
    a kit never come from two nodes; False sends kits whole where that can be.
    """

    max_parcels: int | None = None
    min_order_value: int = 0
    keeps_kits: bool = False


@dataclass(frozen=True, slots=True)
class Transfer:
    """Goods are gathered at one node before they are sent. An order waits for at most ``max_wait_days``."""

    max_wait_days: int


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to find nodes; the first rule whose nodes have all goods decides.

    rank: compared from the first on; the code of the node decides between equals. split: None never splits.
    otherwise: "" tries the next rule; a name ends the search there and queues the order under that name.
    """

    name: str
    when: Condition = Condition()
    nodes: NodeFilter = NodeFilter()
    rank: Sequence[tuple[str, bool]] = (("distance", False),)
    split: Split | None = None
    transfer: Transfer | None = None
    otherwise: str = ""


@dataclass(frozen=True, slots=True)
class After:
    """What becomes of an order that no rule finds nodes for. It waits, and is tried again when goods come in.

    queue: the name under which it waits. is_backorder: it is marked as a pre-order. auto_cancel_days: it is
    cancelled after so many days of waiting.
    """

    queue: str = ""
    is_backorder: bool = False
    auto_cancel_days: int | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """``code`` and ``version`` are what every decision names.

    ways: rules of single delivery methods, tried before all others by orders of that method (``ways``).
    """

    code: str
    version: int
    rules: Sequence[Rule]
    batch: Batch = Batch()
    after: After = field(default_factory=After)
    ways: Sequence[Rule] = ()

    def asks_for(self, *ranks: str) -> bool:
        """True when a rule ranks by one of ``ranks``."""
        return any(key in ranks for rule in self.rules for key, _ in rule.rank)

    def rules_for(self, methods: Collection[str]) -> list[Rule]:
        """Every rule that may be tried for orders by ``methods``."""
        mine = [rule for rule in self.ways if any(one in methods for one in rule.when.methods)]
        return mine + [rule for rule in self.rules if not rule.when.methods or set(rule.when.methods) & set(methods)]

    @property
    def conditions(self) -> list[Condition]:
        """Every condition on orders that the policy holds."""
        batch = [self.batch.include, *([self.batch.exclude] if self.batch.exclude else []), *self.batch.priority]
        return batch + [rule.when for rule in self.rules]
