"""What a delivery must say to be taken. Pure."""

from __future__ import annotations

from datetime import timedelta

from tongpan.orders.engine import DELIVERY_METHODS, UNSAID, DeliveryDoc

NODE_LENGTH = 60
WRAP_LENGTH = 60
CARD_LENGTH = 500
MAX_FEE_MINOR = 10**10
LONGEST_SLOT = timedelta(days=31)
_EARLIEST, _LATEST = 1990, 2200


def delivery_problem(delivery: DeliveryDoc) -> tuple[str, str] | None:
    """(code, sentence) why the delivery cannot be taken, or None."""
    if delivery == UNSAID:
        return None
    sentence = _problem(delivery)
    return ("document.delivery", sentence) if sentence else None


def _problem(delivery: DeliveryDoc) -> str:
    method, node, start, end, _, wrap, card, fee = delivery
    if method not in DELIVERY_METHODS:
        return f"Its delivery is {method[:40]!r}; it must be {', '.join(DELIVERY_METHODS)}."
    if method == "pickup" and not node:
        return "The buyer fetches it, but no store is named; name the node where it is picked up."
    if len(node) > NODE_LENGTH:
        return f"The node code {node[:80]!r} of its delivery has more than {NODE_LENGTH} characters."
    if (start is None) != (end is None):
        return "Its delivery slot has only one end; give its beginning and its end, or neither."
    if start is not None and end is not None:
        for at in (start, end):
            if at.utcoffset() is None or not _EARLIEST <= at.year < _LATEST:
                return f"The time {at.isoformat()} of its delivery slot has no zone, or is no year of ours."
        if not timedelta(0) < end - start <= LONGEST_SLOT:
            return f"Its delivery slot ends at {end.isoformat()}, before it begins, or lasts longer than a month."
    if len(wrap) > WRAP_LENGTH or len(card) > CARD_LENGTH:
        return f"Its gift wrap has more than {WRAP_LENGTH} characters, or its card more than {CARD_LENGTH}."
    if fee is not None and not 0 <= fee <= MAX_FEE_MINOR:
        return f"A delivery fee of {fee} minor units is below zero or absurd."
    return ""
