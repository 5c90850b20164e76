"""The simulator: build a cart, choose channel, buyer, coupons and moment, and see what every rule makes of it."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from tongpan.catalog.models import Sku
from tongpan.channels.models import Shop
from tongpan.channels.queries import channels
from tongpan.console.access import Request, page
from tongpan.console.trial_words import trial_words
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.promotions.conflicts.simulating import MOST_LINES, Wanted, book_for, simulate
from tongpan.promotions.models import Draft, RulebookVersion
from tongpan.promotions.pricing_carts import Quote

_FOUND = 12


@page("promotions.view")
def simulator(request: Request) -> HttpResponse:
    """The cart of the address, priced; with a search for goods to add."""
    asked, problems = _asked(request.GET)
    text = request.GET.get("find", "").strip()[:80]
    quote: Quote | None = None
    rules: list[Any] = []
    try:
        book = book_for(asked.book, asked.at)
        rules = [rule for rule in book.rulebook.rules if rule.is_opened and rule.kind != "trade_in"]
        if asked.channel and asked.lines:
            quote = simulate(asked)
    except Refusal as refusal:
        problems.append(localized(refusal.sentence))
    context = {
        "section": "simulator",
        "asked": asked,
        "at": timezone.localtime(asked.at).strftime("%Y-%m-%dT%H:%M"),
        "channels": channels(),
        "shops": Shop.objects.filter(is_active=True, channel__code=asked.channel).order_by("code")[:100],
        "books": _books(),
        "rules": rules,
        "segments": ",".join(asked.segments),
        "coupons": ",".join(asked.coupons),
        "find": text,
        "found": _goods(text),
        "lines": asked.lines,
        "problems": problems,
        "quote": quote,
        "shown": _shown(quote) if quote else None,
    }
    return render(request, "console/launch/simulator.html", context)


def _asked(words: QueryDict) -> tuple[Wanted, list[str]]:
    """The cart of the address, and what of it could not be read. ``add`` puts one more unit of a SKU in."""
    problems: list[str] = []
    lines: dict[str, int] = {}
    for one in words.getlist("line")[: MOST_LINES * 2]:
        sku, _colon, qty = one.rpartition(":")
        if sku and qty.isdecimal() and len(qty) < 7:
            lines[sku] = lines.get(sku, 0) + int(qty)
        elif one:
            problems.append(_("%(line)s is no line of a cart; write SKU:quantity.") % {"line": one})
    for sku, qty in zip(words.getlist("sku"), words.getlist("qty"), strict=False):
        if sku and qty.isdecimal() and len(qty) < 7:
            lines[sku] = int(qty)
    if added := words.get("add", ""):
        lines[added] = lines.get(added, 0) + 1
    at = _moment(words.get("at", ""))
    if at is None:
        problems.append(_("This is no moment; write one as 2026-06-18 20:00."))
    wanted = Wanted(
        channel=words.get("channel", ""),
        lines=tuple((sku, qty) for sku, qty in lines.items() if qty),
        at=at or utc_now(),
        book=words.get("book", ""),
        segments=tuple(one for part in words.getlist("segment") for one in part.split(",") if one),
        coupons=tuple(one.strip() for part in words.getlist("coupon") for one in part.split(",") if one.strip()),
        rules=tuple(words.getlist("rule")),
        is_member=bool(words.get("is_member")),
        is_new=bool(words.get("is_new")),
        keeps_floors=words.get("floors") != "no",
        tier=words.get("tier", ""),
        region=words.get("region", ""),
        source=words.get("source", ""),
        payment=words.get("payment", ""),
        shop=words.get("shop", ""),
        node=words.get("node", ""),
    )
    return wanted, problems


def _moment(text: str) -> datetime | None:
    """The moment of a form or a link; now for none, None for one that cannot be read."""
    if not text:
        return utc_now()
    try:
        found = parse_datetime(text.replace(" ", "+") if text.count(" ") == 1 and "T" in text else text)
    except ValueError:
        return None
    if found is None:
        return None
    return found if timezone.is_aware(found) else timezone.make_aware(found)


def _books() -> list[tuple[str, str]]:
    drafts = [(f"draft:{name}", _("Draft %(name)s") % {"name": name}) for name in _draft_names()]
    versions = RulebookVersion.objects.values_list("version", flat=True)[:20]
    return [
        ("", _("The rulebook that counts")),
        *drafts,
        *((f"version:{number}", _("Version %(number)s") % {"number": number}) for number in versions),
    ]


def _draft_names() -> list[str]:
    return list(Draft.objects.values_list("name", flat=True)[:100])


def _goods(text: str) -> list[Sku]:
    if not text:
        return []
    by_code = Sku.objects.filter(is_active=True, code__istartswith=text)
    by_name = Sku.objects.filter(is_active=True, name__icontains=text)
    return list((by_code | by_name).order_by("code")[:_FOUND])


def _shown(quote: Quote) -> dict[str, Any]:
    """The quote for the page: shares by line and payer, and every rule with its sentence."""
    currency = quote.request.currency
    shares: dict[int, list[dict[str, Any]]] = defaultdict(list)
    payers: dict[str, int] = defaultdict(int)
    for share in quote.result.discounts:
        shares[share.line].append({"rule": share.rule, "payer": share.payer, "amount": share.amount_minor})
        payers[share.payer] += share.amount_minor
    rules = {rule.code: rule for rule in quote.book.rulebook.rules}
    return {
        "currency": currency,
        "lines": [{"line": line, "shares": shares.get(line.number, [])} for line in quote.lines],
        "shipping": shares.get(0, []),
        "payers": sorted(payers.items()),
        "gifts": quote.result.gifts,
        "amount": sum(line.amount_minor for line in quote.lines),
        "trials": [
            {"trial": trial, "rule": rules.get(trial.rule), "sentence": trial_words(trial, currency)}
            for trial in sorted(quote.trials, key=lambda one: not one.applied)
        ],
    }
