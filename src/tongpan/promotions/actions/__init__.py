"""Changing the rulebook, campaigns and coupons, and consuming what an order takes."""

from tongpan.promotions.actions.rulebooks import discard_draft, open_draft, publish, put_rule, remove_rule, save_draft

__all__ = ["discard_draft", "open_draft", "publish", "put_rule", "remove_rule", "save_draft"]
