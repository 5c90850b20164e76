"""Rows of price files: prices become one request for each batch, floors and costs are set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from django.db import transaction

from tongpan.core.errors import Refusal
from tongpan.core.money import exponent, to_minor
from tongpan.pricing.actions import CostSpec, FloorSpec, PriceChange, request_changes, set_costs, set_floors
from tongpan.pricing.pages import list_currencies

T = TypeVar("T")
Told = tuple[str, str]
"""(state, reason) of a row."""
Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PriceSource:
    """Who imports, when, and what amounts are in where a row does not say."""

    currency: str
    actor: str
    now: datetime
    import_id: int | None
    is_dry_run: bool

    @property
    def why(self) -> str:
        return f"import {self.import_id}" if self.import_id else "import"


def post_prices(rows: Sequence[Fields], source: PriceSource) -> list[Told]:
    """Ask for the prices of ``rows`` in one request; those that wait for approval are in, as part of it."""
    if not rows:
        return []
    currencies = list_currencies()
    told: list[Told] = [("", "")] * len(rows)
    changes: dict[int, PriceChange] = {}
    for position, f in enumerate(rows):
        currency = currencies.get(f["price_list"], "CNY")
        if fault := _fault(f["price"], currency):
            told[position] = ("refused", fault)
        else:
            changes[position] = PriceChange(
                f["price_list"], f["code"], to_minor(f["price"], currency), f["units"] or 1, f["starts"], f["ends"]
            )
    if changes:
        with transaction.atomic():
            done = request_changes(
                list(changes.values()), why=source.why, source="file", actor=source.actor, now=source.now
            )
            if source.is_dry_run:
                transaction.set_rollback(True)
        for position, row in zip(changes, done.rows, strict=True):
            if row.outcome == "refused":
                told[position] = ("refused", row.findings[0].sentence)
            elif row.outcome == "unchanged":
                told[position] = ("unchanged", "")
            else:
                told[position] = ("accepted" if row.before_minor is None else "updated", "")
    return told


def post_floors(rows: Sequence[Fields], source: PriceSource) -> list[Told]:
    """Set the floors of ``rows``; a row that is refused does not keep the others out."""

    def spec(f: Fields) -> FloorSpec:
        currency = f["currency"] or source.currency
        return FloorSpec(
            f["code"],
            currency,
            _minor(f["floor"], currency),
            f["region"] or "",
            None if f["least"] is None else _minor(f["least"], currency),
        )

    return _each(
        rows, spec, lambda specs: set_floors(specs, actor=source.actor, why=source.why, now=source.now), source
    )


def post_costs(rows: Sequence[Fields], source: PriceSource) -> list[Told]:
    """Set the costs of ``rows``, each from its time on; a row that is refused does not keep the others out."""

    def spec(f: Fields) -> CostSpec:
        currency = f["currency"] or source.currency
        return CostSpec(f["code"], currency, _minor(f["cost"], currency), f["starts"])

    return _each(rows, spec, lambda specs: set_costs(specs, actor=source.actor, why=source.why, now=source.now), source)


def _each(
    rows: Sequence[Fields], spec: Callable[[Fields], T], act: Callable[[Sequence[T]], int], source: PriceSource
) -> list[Told]:
    told: list[Told] = [("", "")] * len(rows)
    specs: list[tuple[int, T]] = []
    for position, fields in enumerate(rows):
        try:
            specs.append((position, spec(fields)))
        except Refusal as refusal:
            told[position] = ("refused", refusal.sentence)

    def run(part: Sequence[tuple[int, T]]) -> None:
        if not part:
            return
        try:
            with transaction.atomic():
                act([one for _, one in part])
                if source.is_dry_run:
                    transaction.set_rollback(True)
        except Refusal as refusal:
            if len(part) == 1:
                told[part[0][0]] = ("refused", refusal.sentence)
                return
            # The one that is refused is found by halves, so that the others are still set together.
            run(part[: len(part) // 2])
            run(part[len(part) // 2 :])
        else:
            for position, _ in part:
                told[position] = ("updated", "")

    run(specs)
    return told


def _minor(amount: Decimal, currency: str) -> int:
    if fault := _fault(amount, currency):
        raise Refusal("price.decimals", fault)
    return to_minor(amount, currency)


def _fault(amount: Decimal, currency: str) -> str:
    if -int(amount.normalize().as_tuple().exponent) > exponent(currency):
        return f"{amount} has more decimals than {currency}."
    return ""
