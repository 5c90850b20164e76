"""Changing the rulebook, campaigns and coupons, and consuming what an order takes."""

from tongpan.promotions.actions.rulebooks import (
    bring_up_to_date,
    discard_draft,
    open_draft,
    publish,
    put_rule,
    remove_rule,
    save_draft,
)

__all__ = ["bring_up_to_date", "discard_draft", "open_draft", "publish", "put_rule", "remove_rule", "save_draft"]
