"""Which parts of this company are made up, so that pages can say so."""

from __future__ import annotations

from dataclasses import dataclass

from tongpan.channels.models import Channel, Shop
from tongpan.network.models import Node


@dataclass(frozen=True, slots=True)
class SimulatedParts:
    """channels: orders were assigned to channels or shops by a rule. nodes: places, stock and dispatch are made up."""

    channels: bool
    nodes: bool


def simulated_parts() -> SimulatedParts:
    """What the marks on channels, shops and nodes say. Three small statements at most."""
    is_channel = Channel.objects.filter(is_simulated=True).exists() or Shop.objects.filter(is_simulated=True).exists()
    return SimulatedParts(is_channel, Node.objects.filter(is_simulated=True).exists())
