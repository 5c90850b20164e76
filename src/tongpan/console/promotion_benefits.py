"""What a rule gives, as form fields for each kind of rule. Amounts are in major units, one entry a line in lists."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tongpan.core.money import to_decimal, to_minor

_LINES = forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "class": "mono"})
_PRICED = ("percent", "amount", "fixed_price", "timed", "flash_sale", "member_price", "group_price", "first_order")


def _money(label: Any, hint: Any = "") -> forms.DecimalField:
    return forms.DecimalField(
        label=label, required=False, min_value=Decimal(0), max_digits=14, decimal_places=3, help_text=hint
    )


def _units(label: Any, hint: Any = "") -> forms.IntegerField:
    return forms.IntegerField(label=label, required=False, min_value=1, max_value=10_000, help_text=hint)


def _percent(label: Any = "") -> forms.DecimalField:
    return forms.DecimalField(
        label=label or _("Percent off"),
        required=False,
        min_value=Decimal("0.01"),
        max_value=Decimal(100),
        decimal_places=2,
    )


def _yes(label: Any) -> forms.BooleanField:
    return forms.BooleanField(label=label, required=False)


def _text(label: Any, hint: Any) -> forms.CharField:
    return forms.CharField(label=label, required=False, widget=_LINES, help_text=hint, max_length=50_000)


def fields_of(kind: str) -> dict[str, forms.Field]:
    """The fields of what a rule of ``kind`` gives."""
    times = {"max_times": _units(_("Times at most"))}
    if kind in _PRICED:
        found: dict[str, forms.Field] = {}
        if kind not in ("amount", "fixed_price"):
            found |= {"percent": _percent(), "max": _money(_("Takes off at most"))}
        if kind not in ("percent", "fixed_price"):
            found |= {
                "amount": _money(_("Amount off")),
                "per": forms.ChoiceField(
                    label=_("Amount off each"),
                    required=False,
                    choices=[("", "—"), ("order", _("order")), ("unit", _("unit"))],
                ),
            }
        if kind not in ("percent", "amount"):
            found |= {
                "price": _money(_("Price of a unit")),
                "prices": _text(_("Prices of single SKUs"), _("One a line: SKU = 99.00")),
            }
        return found
    if kind == "stepped":
        return {
            "by": forms.ChoiceField(
                label=_("Reached by"), choices=[("amount", _("Amount")), ("qty", _("Units"))], initial="amount"
            ),
            "steps": _text(_("Steps"), _("One a line: 300 = 50; a percentage ends with a percent sign.")),
            "repeat": _yes(_("For every full amount again (each 300 minus 50)")),
            **times,
            "max": _money(_("Takes off at most")),
        }
    if kind in ("gift", "sample"):
        return {
            "gifts": _text(_("Gifts"), _("One a line: SKU, or SKU = 2 for two of it.")),
            "repeat": _yes(_("As often as the threshold is reached")),
            **times,
        }
    if kind == "buy_x_get_y":
        return {
            "buy": _units(_("Units bought")),
            "get": _units(_("Units given")),
            "percent": _percent(_("Percent off what is given; empty is 100")),
            "of": _text(_("SKUs that are given; empty: of the same goods"), _("One a line.")),
            **times,
        }
    if kind == "bundle":
        return {
            "parts": _text(_("Parts of the set"), _("One a line: SKU, or SKU, SKU = 2 for two of either.")),
            "price": _money(_("Price of the set")),
            "percent": _percent(),
            "amount": _money(_("Amount off")),
            **times,
        }
    if kind == "n_for_price":
        return {"n": _units(_("Units together")), "price": _money(_("Price of them")), **times}
    if kind == "nth_item":
        return {
            "n": _units(_("Of every so many units")),
            "percent": _percent(_("Percent off the cheapest of them")),
            "same_sku": _yes(_("Of one SKU only")),
            **times,
        }
    if kind == "trade_in":
        return {"bonus": _money(_("On top of the valuation")), "max": _money(_("Takes off at most"))}
    return {"amount": _money(_("Off the shipping charge; empty is all of it"))}


_MINOR = {"max": "max_minor", "amount": "amount_minor", "price": "price_minor", "bonus": "bonus_minor"}


def initial_of(kind: str, benefit: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """The values of the fields for a benefit of a document."""
    found: dict[str, Any] = {
        name: to_decimal(benefit[word], currency) for name, word in _MINOR.items() if benefit.get(word) is not None
    }
    plain = ("percent", "per", "by", "repeat", "max_times", "n", "same_sku", "buy", "get")
    found |= {name: benefit[name] for name in plain if benefit.get(name) is not None}
    if prices := benefit.get("prices"):
        found["prices"] = "\n".join(f"{sku} = {to_decimal(price, currency)}" for sku, price in prices.items())
    if gifts := benefit.get("gifts"):
        found["gifts"] = "\n".join(_counted(one["sku"], one.get("qty", 1)) for one in gifts)
    if steps := benefit.get("steps"):
        found["steps"] = "\n".join(_step(one, currency) for one in steps)
    if kind == "bundle":
        found["parts"] = "\n".join(
            _counted(", ".join(_list(one.get("skus"))), one.get("qty", 1)) for one in benefit.get("parts", ())
        )
    if of := benefit.get("of"):
        found["of"] = "\n".join(_list(of.get("skus")))
    return found


def document_of(kind: str, given: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """The benefit that the fields say. Raises ValidationError by field for lines that cannot be read."""
    found: dict[str, Any] = {}
    for name, word in _MINOR.items():
        if given.get(name) is not None:
            found[word] = to_minor(given[name], currency)
    for name in ("percent", "max_times", "n", "buy", "get", "per", "by"):
        if given.get(name) not in (None, ""):
            value = given[name]
            found[name] = str(value.normalize()) if isinstance(value, Decimal) else value
    if "percent" in found:
        found["percent"] = float(found["percent"]) if "." in found["percent"] else int(Decimal(found["percent"]))
    found |= {name: True for name in ("repeat", "same_sku") if given.get(name)}
    readers: dict[str, Callable[[str], Any]] = {
        "prices": lambda text: {sku: to_minor(_amount(value), currency) for sku, value in _pairs(text)},
        "gifts": lambda text: [{"sku": sku, "qty": _count(value)} for sku, value in _pairs(text)],
        "steps": lambda text: [
            _read_step(least, value, given.get("by", ""), currency) for least, value in _pairs(text)
        ],
        "parts": lambda text: [{"skus": _split(skus), "qty": _count(value)} for skus, value in _pairs(text)],
        "of": lambda text: {"skus": _split(text)},
    }
    for name, read in readers.items():
        if given.get(name):
            try:
                found[name] = read(given[name])
            except (ValueError, InvalidOperation) as error:
                raise forms.ValidationError({name: gettext("A line cannot be read; look at the example.")}) from error
    return found


def _pairs(text: str) -> list[tuple[str, str]]:
    found = []
    for line in text.splitlines():
        if line.strip():
            left, _sign, right = line.partition("=")
            found.append((left.strip(), right.strip()))
    return found


def _split(text: str) -> list[str]:
    return [one.strip() for one in re.split(r"[,，、\n]", text) if one.strip()]


def _list(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def _amount(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))


def _count(text: str) -> int:
    return int(text) if text else 1


def _counted(text: str, count: int) -> str:
    return text if count == 1 else f"{text} = {count}"


def _step(step: Mapping[str, Any], currency: str) -> str:
    least = to_decimal(step["from_minor"], currency) if "from_minor" in step else step["from_qty"]
    off = f"{step['percent']}%" if step.get("percent") is not None else to_decimal(step["amount_minor"], currency)
    return f"{least} = {off}"


def _read_step(least: str, off: str, by: str, currency: str) -> dict[str, Any]:
    step: dict[str, Any] = (
        {"from_qty": int(least)} if by == "qty" else {"from_minor": to_minor(_amount(least), currency)}
    )
    if off.endswith("%"):
        step["percent"] = off.removesuffix("%").strip()
    else:
        step["amount_minor"] = to_minor(_amount(off), currency)
    return step
