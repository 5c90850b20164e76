"""Counts what became of the rows of an import and renders it as the JSON that ``tongpan import`` prints."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tongpan.connectors.engine.documents import Prepared
from tongpan.core.money import to_decimal
from tongpan.orders.engine import OrderDoc

CLASSES = ("sale", "return", "adjustment", "correction")
MAX_STATUSES = 50


@dataclass(slots=True)
class ClassTally:
    """rows, documents and lines of one class; amounts are minor units by currency."""

    rows: int = 0
    documents: int = 0
    lines: int = 0
    goods_lines: int = 0
    amount: Counter[str] = field(default_factory=Counter)
    goods: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Tally:
    """Every source row ends in exactly one of accepted, rejected, unchanged."""

    currency: str = "CNY"
    rows: int = 0
    accepted: int = 0
    rejected: int = 0
    unchanged: int = 0
    ignored: int = 0
    classes: dict[str, ClassTally] = field(default_factory=lambda: {name: ClassTally() for name in CLASSES})
    charge_rows: int = 0
    charges: Counter[str] = field(default_factory=Counter)
    payments: int = 0
    paid: Counter[str] = field(default_factory=Counter)
    paid_by_payments: Counter[str] = field(default_factory=Counter)
    refunded: Counter[str] = field(default_factory=Counter)
    documents: Counter[str] = field(default_factory=Counter)
    records: Counter[str] = field(default_factory=Counter)
    unknown_statuses: Counter[str] = field(default_factory=Counter)
    short_units: int = 0

    def hold(self, prepared: Prepared) -> None:
        """Count a document that the file holds, whatever becomes of it."""
        if prepared.cls not in self.classes:
            return
        tally = self.classes[prepared.cls]
        tally.rows += len(prepared.rows)
        tally.documents += 1
        tally.lines += prepared.lines
        tally.goods_lines += prepared.goods_lines
        if prepared.cls == "adjustment":
            return
        tally.amount[prepared.currency] += prepared.amount
        tally.goods[prepared.currency] += prepared.goods
        if prepared.cls in ("sale", "return"):
            self.charge_rows += prepared.charge_rows
            self.charges[prepared.currency] += prepared.charges
        doc = prepared.doc
        if isinstance(doc, OrderDoc):
            self.payments += len(doc.payments)
            self.paid_by_payments[prepared.currency] += sum(payment.amount_minor for payment in doc.payments)
            self.paid[prepared.currency] += doc.paid_minor or 0
            self.refunded[prepared.currency] += doc.refunded_minor

    def status(self, text: str, known: tuple[str, ...]) -> None:
        """Note a channel's status that the mapping does not know; nothing is derived from it."""
        if (
            known
            and text
            and text not in known
            and (text in self.unknown_statuses or len(self.unknown_statuses) < MAX_STATUSES)
        ):
            self.unknown_statuses[text] += 1

    def settle(self, state: str, rows: int) -> None:
        """Count what became of one document or record of ``rows`` source rows."""
        self.documents[state] += 1
        if state in ("accepted", "updated", "waiting"):
            self.accepted += rows
        elif state in ("unchanged", "stale"):
            self.unchanged += rows
        else:
            self.rejected += rows

    def as_json(self) -> dict[str, Any]:
        """Amounts are decimal strings; of several currencies each has its own under ``amounts``."""
        classes: dict[str, Any] = {
            name: {
                "rows": tally.rows,
                "documents": tally.documents,
                "lines": tally.lines,
                "goods_lines": tally.goods_lines,
                **self._money("amount", tally.amount),
                **self._money("goods_amount", tally.goods),
            }
            for name, tally in self.classes.items()
        }
        classes["charges"] = {"rows": self.charge_rows, **self._money("amount", self.charges)}
        return {
            "rows": self.rows,
            "accepted": self.accepted,
            "rejected": self.rejected,
            "unchanged": self.unchanged,
            "classes": classes,
            "ignored": self.ignored,
            "documents": dict(sorted(self.documents.items())),
            "records": dict(sorted(self.records.items())),
            "payments": {"count": self.payments, **self._money("amount", self.paid_by_payments)},
            **self._money("paid_amount", self.paid),
            **self._money("refunded_amount", self.refunded),
            "unknown_statuses": dict(self.unknown_statuses.most_common()),
            "short_units": self.short_units,
        }

    def _money(self, key: str, amounts: Counter[str]) -> dict[str, Any]:
        held = {currency: minor for currency, minor in amounts.items() if minor} or {self.currency: 0}
        if len(held) == 1:
            [(currency, minor)] = held.items()
            return {key: str(to_decimal(minor, currency))}
        by_currency = {currency: str(to_decimal(minor, currency)) for currency, minor in sorted(held.items())}
        return {key: None, f"{key}s": by_currency}
