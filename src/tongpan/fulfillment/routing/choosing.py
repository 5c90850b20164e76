"""Which policy counts for the orders of a shop."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, field

from tongpan.core.bulk import fetch_all
from tongpan.fulfillment.routing.language import read_policy
from tongpan.fulfillment.routing.policy import Policy
from tongpan.fulfillment.routing.presets import DEFAULT, PRESETS, preset


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies that count now. general: where nothing narrower is assigned."""

    general: Policy
    channels: dict[int, Policy] = field(default_factory=dict)
    shops: dict[int, Policy] = field(default_factory=dict)

    def of(self, channel_id: int, shop_id: int) -> Policy:
        """The policy of a shop: its own, else that of its channel, else the general one."""
        return self.shops.get(shop_id) or self.channels.get(channel_id) or self.general

    @property
    def all(self) -> list[Policy]:
        """Every policy that counts somewhere."""
        return [self.general, *self.channels.values(), *self.shops.values()]


def policies_that_count() -> Policies:
    """The policies that count now, each in its newest published version. One statement; locks nothing."""
    rows = fetch_all(
        """SELECT a.channel_id, a.shop_id, a.policy, v.number, v.document::text
           FROM (SELECT DISTINCT ON (channel_id, shop_id) channel_id, shop_id, policy
                 FROM fulfillment_policyassignment ORDER BY channel_id, shop_id, id DESC) a
           LEFT JOIN LATERAL (SELECT n.number, n.document FROM fulfillment_policyversion n
                              JOIN fulfillment_routingpolicy p ON p.id = n.policy_id
                              WHERE p.code = a.policy AND n.status = 'published'
                              ORDER BY n.number DESC LIMIT 1) v ON true
           WHERE a.policy <> ''"""
    )
    general, channels, shops = preset(DEFAULT), {}, {}
    for channel_id, shop_id, code, number, document in rows:
        policy = preset(code) if code in PRESETS else _read(code, number, document)
        if shop_id is not None:
            shops[shop_id] = policy
        elif channel_id is not None:
            channels[channel_id] = policy
        else:
            general = policy
    return Policies(general, channels, shops)


@functools.lru_cache(maxsize=256)
def _read(code: str, number: int, document: str) -> Policy:
    return read_policy(json.loads(document), code, number)
