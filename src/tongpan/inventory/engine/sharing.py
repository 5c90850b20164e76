"""Who may take what from the pool: first come first served, within the quotas of the channels. Pure.

A channel's policy for a SKU has one of these modes:

``shared``    it takes what is available and not fenced off for others;
``reserved``  ``limit`` units are fenced off for it: only it takes them, and it takes no others unless it may exceed;
``percent``   what is promised and has not left is at most that share of the units on hand;
``cap``       it takes at most ``limit`` units while the policy lasts, from what is not fenced off for others.

The quotas of live sessions are asked first, then the standing policy of the SKU, then the one of all SKUs. A fence
that is used up leaves the channel to what comes next; every other policy is the last word. In a segregated pool
there is nothing to share: a channel without a quota of its own takes nothing, and none may exceed its fence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from tongpan.inventory.engine.stock import Demand

MODES = ("shared", "reserved", "percent", "cap")


class Quota(NamedTuple):
    """One policy as it stands for one SKU. limit, used: units; of mode "percent" the share is worked out already."""

    policy_id: int
    channel_id: int
    sku_id: int
    mode: str
    limit: int
    used: int
    may_exceed: bool = False
    is_session: bool = False


class Granted(NamedTuple):
    """A demand that is served. policy_id: the quota that it draws on, None when it drew on the shared pool."""

    demand: Demand
    policy_id: int | None = None


class Refused(NamedTuple):
    """Why an order is not served: "out_of_stock" when the pool lacks units, "quota" when it has them for others."""

    reason: Literal["out_of_stock", "quota"]
    demands: list[Demand]


class Shares:
    """What is left of the pool and of the quotas while orders are served from a snapshot of both."""

    def __init__(
        self,
        available: Mapping[int, int],
        quotas: Iterable[Quota] = (),
        *,
        is_segregated: bool = False,
        outside: Mapping[int, int] | None = None,
    ) -> None:
        """available: units by SKU id. quotas: those that count now, in the order in which they are asked. outside:
        how many of the units only an order that names its node may take: a dealer's own."""
        self.left = dict(available)
        self._outside = outside or {}
        self._is_segregated = is_segregated
        self._used: dict[tuple[int, int], int] = {}
        self._fences: dict[int, list[Quota]] = {}
        self._quotas: dict[tuple[int, int], list[Quota]] = {}
        for quota in quotas:
            self._used[(quota.policy_id, quota.sku_id)] = quota.used
            if quota.mode == "reserved":
                self._fences.setdefault(quota.sku_id, []).append(quota)
            asked = self._quotas.setdefault((quota.channel_id, quota.sku_id), [])
            if not asked or (asked[-1].mode == "reserved" and asked[-1].is_session):
                asked.append(quota)

    def fenced(self, sku_id: int, *, without: Quota | None = None) -> int:
        """Units of the SKU that are kept for quotas and not used yet."""
        return sum(self._unused(fence) for fence in self._fences.get(sku_id, ()) if fence != without)

    def _unused(self, quota: Quota) -> int:
        return max(quota.limit - self._used[(quota.policy_id, quota.sku_id)], 0)

    def asked(self, channel_id: int, sku_id: int) -> list[Quota | None]:
        """The quotas that a demand of the channel may draw on, in order; None stands for the shared pool."""
        quotas: list[Quota | None] = list(self._quotas.get((channel_id, sku_id), ()))
        last = quotas[-1] if quotas else None
        if last is None or (last.mode == "reserved" and last.is_session):
            quotas.append(None)
        return quotas

    def open_to(self, sku_id: int, *, is_named: bool) -> int:
        """Units of the SKU that are left for an order that names its node, or for one that does not."""
        return self.left.get(sku_id, 0) - (0 if is_named else self._outside.get(sku_id, 0))

    def room(self, quota: Quota | None, sku_id: int, *, is_named: bool = False) -> int:
        """Units of the SKU that may be taken under ``quota`` now."""
        left = self.open_to(sku_id, is_named=is_named)
        if quota is None or quota.mode == "shared":
            return 0 if self._is_segregated else max(left - self.fenced(sku_id), 0)
        if quota.mode == "reserved":
            own = min(self._unused(quota), left)
            if quota.may_exceed and not self._is_segregated:
                own = max(own, left - self.fenced(sku_id, without=quota))
            return max(own, 0)
        return max(min(self._unused(quota), left - self.fenced(sku_id)), 0)

    def most(self, channel_id: int, sku_id: int) -> int:
        """Units of the SKU that one demand of the channel could get at most."""
        return max(self.room(quota, sku_id) for quota in self.asked(channel_id, sku_id))

    def capacity(self, channel_id: int, sku_id: int) -> int:
        """Units of the SKU that the channel could sell in all, one by one."""
        *sessions, last = self.asked(channel_id, sku_id)
        fenced = sum(self.room(quota, sku_id) for quota in sessions)
        return min(fenced + self.room(last, sku_id), max(self.open_to(sku_id, is_named=False), 0))

    def serve(self, wanted: Sequence[Demand]) -> list[Granted] | Refused:
        """Serve the demands of one order whole, or none of them. Each demand draws on one quota."""
        granted: list[Granted] = []
        short: list[Demand] = []
        for demand in wanted:
            for quota in self.asked(demand.channel_id, demand.sku_id):
                if self.room(quota, demand.sku_id, is_named=demand.is_named) >= demand.qty:
                    self._take(quota, demand.sku_id, demand.qty)
                    granted.append(Granted(demand, quota.policy_id if quota else None))
                    break
            else:
                short.append(demand)
        if not short:
            return granted
        for demand, policy_id in granted:
            self.left[demand.sku_id] += demand.qty
            if policy_id is not None:
                self._used[(policy_id, demand.sku_id)] -= demand.qty
        need: dict[int, int] = {}
        for demand in wanted:
            need[demand.sku_id] = need.get(demand.sku_id, 0) + demand.qty
        lacking = [d for d in wanted if self.open_to(d.sku_id, is_named=d.is_named) < need[d.sku_id]]
        return Refused("out_of_stock", lacking) if lacking else Refused("quota", short)

    def take(self, sku_id: int, qty: int) -> None:
        """Take units that are gone in any case, whatever the quotas say."""
        self._take(None, sku_id, qty)

    def _take(self, quota: Quota | None, sku_id: int, qty: int) -> None:
        self.left[sku_id] = self.left.get(sku_id, 0) - qty
        if quota is not None:
            self._used[(quota.policy_id, sku_id)] += qty


def grant(shares: Shares, demands: Sequence[Demand]) -> tuple[list[Granted], dict[int, Refused]]:
    """Serve orders from ``shares``, first come first served, each whole or not at all.

    Returns the granted demands, and for each refused order why and with which demands. ``shares`` holds what is
    left afterwards.
    """
    granted: list[Granted] = []
    refused: dict[int, Refused] = {}
    for order_id, wanted in _by_order(demands).items():
        served = shares.serve(wanted)
        if isinstance(served, Refused):
            refused[order_id] = served
        else:
            granted.extend(served)
    return granted, refused


def _by_order(demands: Sequence[Demand]) -> dict[int, list[Demand]]:
    grouped: dict[int, list[Demand]] = {}
    for demand in demands:
        grouped.setdefault(demand.order_id, []).append(demand)
    return grouped
