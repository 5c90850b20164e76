"""Which parts of this company are made up, so that pages can say so."""

from __future__ import annotations

from dataclasses import dataclass

from tongpan.core.bulk import fetch_all


@dataclass(frozen=True, slots=True)
class SimulatedParts:
    """channels: orders were assigned to channels or shops by a rule. nodes: places, stock and dispatch are made up."""

    channels: bool
    nodes: bool


def simulated_parts() -> SimulatedParts:
    """What the marks on channels, shops and nodes say. One small statement."""
    found = fetch_all(
        """SELECT EXISTS (SELECT FROM channels_channel WHERE is_simulated)
                  OR EXISTS (SELECT FROM channels_shop WHERE is_simulated),
                  EXISTS (SELECT FROM network_node WHERE is_simulated)"""
    )
    return SimulatedParts(*found[0])
