"""The colour tone of every state that a badge can show: good, warn, bad, info, note or "" for neutral."""

from __future__ import annotations

_TONES: dict[str, dict[str, str]] = {
    "order": {
        "placed": "warn",
        "paid": "info",
        "dispatched": "info",
        "delivered": "good",
        "completed": "good",
        "cancelled": "",
    },
    "fulfillment": {
        "allocated": "warn",
        "offered": "warn",
        "accepted": "info",
        "picking": "info",
        "packed": "info",
        "ready": "info",
        "on_hold": "note",
        "dispatched": "info",
        "delivered": "good",
        "cancelled": "",
        "rejected": "bad",
    },
    "hold": {"out_of_stock": "bad", "no_node": "bad", "unbooked": "bad", "*": "warn"},
    "routing": {"routed": "good", "unfillable": "bad"},
    "return": {"received": "warn", "restocked": "good"},
    "case": {
        "requested": "warn",
        "approved": "info",
        "refused": "bad",
        "in_transit": "info",
        "received": "warn",
        "inspected": "info",
        "closed": "good",
    },
    "price": {"under_floor": "bad", "outside": "warn", "no_guide": "note", "none": "", "inside": "good"},
    "price_row": {
        "applied": "good",
        "done": "good",
        "pending": "warn",
        "refused": "bad",
        "rejected": "bad",
        "unchanged": "",
        "withdrawn": "",
    },
    "appointment": {"booked": "info", "attended": "good", "no_show": "bad"},
    "service": {
        "requested": "warn",
        "assigned": "info",
        "accepted": "info",
        "rejected": "bad",
        "scheduled": "info",
        "done": "good",
    },
    "refund": {"proposed": "warn", "approved": "info", "paid": "good", "failed": "bad"},
    "import": {"waiting": "", "running": "info", "done": "good", "failed": "bad"},
    "import_row": {"accepted": "good", "unchanged": "", "rejected": "bad"},
    "parcel": {
        "shipped": "info",
        "collected": "info",
        "in_transit": "info",
        "out_for_delivery": "info",
        "delivered": "good",
        "exception": "bad",
        "returned": "warn",
    },
    "message": {"waiting": "warn", "done": "good", "ignored": "", "failed": "bad"},
    "exchange": {"working": "info", "done": "good", "partly": "warn", "failed": "bad", "repeated": ""},
    "delivery": {"waiting": "warn", "delivered": "good", "failed": "bad"},
    "transfer": {
        "ready": "warn",
        "in_transit": "info",
        "received": "good",
        "received_short": "bad",
    },
    "inspection": {"good": "good", "bad": "bad", "warn": "warn"},
    "count": {"open": "info", "submitted": "warn", "booked": "good"},
    "replenishment": {"proposed": "warn", "accepted": "info", "done": "good", "urgent": "bad", "overdue": "bad"},
    "cart": {"open": "info", "ordered": "good"},
    "preorder": {"asked": "warn", "held": "info", "served": "good"},
    "subscription": {"active": "good", "paused": "warn", "cancelled": ""},
    "subscription_run": {
        "planned": "info",
        "short": "bad",
        "unpaid": "warn",
        "again": "bad",
        "paid": "good",
        "skipped": "",
        "failed": "bad",
    },
    "promise": {"late": "bad", "at_risk": "warn", "open": "info", "broken": "bad", "kept": "good"},
    "target": {"met": "good", "near": "warn", "missed": "bad", "unknown": ""},
    "active": {"True": "good", "False": ""},
}


def tone(kind: str, value: object) -> str:
    """The tone of ``value`` among the states of ``kind``; that of others of the kind, else neutral, when not known."""
    tones = _TONES.get(kind, {})
    return tones.get(str(value), tones.get("*", ""))
