"""The names of routing that other rooms use; the engine is ``fulfillment.routing``. Pure."""

from tongpan.fulfillment.routing.basics import Distance, Need, NodeView, Pick, Plan, Stock
from tongpan.fulfillment.routing.planning import POLICY, POLICY_VERSION, plan

__all__ = ["POLICY", "POLICY_VERSION", "Distance", "Need", "NodeView", "Pick", "Plan", "Stock", "plan"]
