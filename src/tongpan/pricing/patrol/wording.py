"""Discounts as people write them down on a patrol, read into components. Pure.

Parts are parted by ; or line breaks, and those of which only one can be had by |:
``满300减50；券20|立减10；8.5折（会员）；赠GIFT-1*2=30``, or in English
``50 off 300; coupon 20 | 10 off; 15% off (member); gift GIFT-1*2=30``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from tongpan.core.errors import Refusal
from tongpan.core.money import to_decimal, to_minor
from tongpan.pricing.patrol.effective import Component, problem_of

_N = r"(\d+(?:\.\d+)?)"
_AUDIENCES = {
    "会员": "member",
    "member": "member",
    "新人": "new",
    "新客": "new",
    "首单": "new",
    "new": "new",
    "限量": "limited",
    "限时": "limited",
    "limited": "limited",
}
_AUDIENCE = re.compile(r"^(.*?)[（(]([^（()）]*)[)）]$")
_MOST = 30


def read_components(text: str, currency: str) -> tuple[Component, ...]:
    """The components that ``text`` tells; none for an empty text.

    Raises Refusal observation.discounts with a sentence that names the part that it cannot read.
    """
    found: list[Component] = []
    for number, together in enumerate(re.split(r"[;；\n]", text)):
        alternatives = [one.strip() for one in re.split(r"[|｜]", together) if one.strip()]
        group = f"choice {number + 1}" if len(alternatives) > 1 else ""
        found += [replace(_component(one, currency), group=group) for one in alternatives]
    if len(found) > _MOST:
        raise Refusal("observation.discounts", f"{len(found)} discounts are more than the {_MOST} that one price has.")
    return tuple(found)


def _component(text: str, currency: str) -> Component:
    plain, audience = text, "everyone"
    if (said := _AUDIENCE.match(text)) and said[2].strip().casefold() in _AUDIENCES:
        plain, audience = said[1].strip(), _AUDIENCES[said[2].strip().casefold()]
    for pattern, make in _PATTERNS:
        if match := pattern.fullmatch(plain.replace("¥", "").replace("￥", "").strip()):
            try:
                made = make(match, currency)
            except InvalidOperation:
                break
            if problem := problem_of(made):
                raise Refusal("observation.discounts", f"The discount {text!r} {problem}.")
            return replace(made, audience=audience)
    raise Refusal(
        "observation.discounts",
        f"The discount {text!r} cannot be read; write 满300减50, 券20, 满200减20券, 立减10, 8.5折, 返现5 or 赠SKU*1=30,"
        " or in English 50 off 300, coupon 20, coupon 20 from 200, 10 off, 15% off, cash back 5, gift SKU*1=30.",
    )


def _minor(text: str, currency: str) -> int:
    return to_minor(Decimal(text), currency)


def _fold(text: str) -> int:
    """8折 and 80折 are 20 % off, 8.5折 and 85折 are 15 %."""
    value = Decimal(text)
    tenths = value if value < 10 else value / 10
    return int((10 - tenths) * 1000)


_Make = Callable[[re.Match[str], str], Component]
_PATTERNS: tuple[tuple[re.Pattern[str], _Make], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), make)
    for pattern, make in (
        (rf"满\s*{_N}\s*减\s*{_N}\s*(?:元)?\s*(?:优惠)?券",
         lambda m, c: Component("coupon", _minor(m[2], c), threshold_minor=_minor(m[1], c))),
        (rf"coupon\s*{_N}\s*from\s*{_N}",
         lambda m, c: Component("coupon", _minor(m[1], c), threshold_minor=_minor(m[2], c))),
        (rf"(?:优惠券|券|coupon)\s*{_N}", lambda m, c: Component("coupon", _minor(m[1], c))),
        (rf"{_N}\s*元?券", lambda m, c: Component("coupon", _minor(m[1], c))),
        (rf"每满\s*{_N}\s*减\s*{_N}",
         lambda m, c: Component("full_reduction", _minor(m[2], c), threshold_minor=_minor(m[1], c), repeats=True)),
        (rf"满\s*{_N}\s*减\s*{_N}",
         lambda m, c: Component("full_reduction", _minor(m[2], c), threshold_minor=_minor(m[1], c))),
        (rf"{_N}\s*off\s*each\s*{_N}",
         lambda m, c: Component("full_reduction", _minor(m[1], c), threshold_minor=_minor(m[2], c), repeats=True)),
        (rf"{_N}\s*off\s*{_N}",
         lambda m, c: Component("full_reduction", _minor(m[1], c), threshold_minor=_minor(m[2], c))),
        (rf"(?:立减|直降|减)\s*{_N}", lambda m, c: Component("direct", _minor(m[1], c))),
        (rf"{_N}\s*off", lambda m, c: Component("direct", _minor(m[1], c))),
        (rf"{_N}\s*折", lambda m, c: Component("percent", percent_bp=_fold(m[1]))),
        (rf"{_N}\s*%\s*off", lambda m, c: Component("percent", percent_bp=int(Decimal(m[1]) * 100))),
        (rf"(?:返现|返|cash back)\s*{_N}", lambda m, c: Component("cash_back", _minor(m[1], c))),
        (rf"(?:赠|gift\s)\s*([^\s*=×]+)(?:\s*[*×]\s*(\d{{1,4}}))?(?:\s*=\s*{_N})?",
         lambda m, c: Component("gift", gift_sku=m[1], gift_qty=int(m[2] or 1),
                                gift_value_minor=_minor(m[3], c) if m[3] else None)),
    )
)  # fmt: skip


def written(component: Component, currency: str) -> str:
    """A component in the words that ``read_components`` reads."""
    c = component

    def amount(minor: int) -> str:
        return f"{to_decimal(minor, currency):f}".rstrip("0").rstrip(".") if minor else "0"

    words = {
        "percent": lambda: f"{Decimal(10_000 - c.percent_bp) / 1000:f}折".replace(".000折", "折"),
        "direct": lambda: f"立减{amount(c.amount_minor)}",
        "full_reduction": lambda: f"{'每' if c.repeats else ''}满{amount(c.threshold_minor)}减{amount(c.amount_minor)}",
        "coupon": lambda: (
            f"满{amount(c.threshold_minor)}减{amount(c.amount_minor)}券"
            if c.threshold_minor
            else f"券{amount(c.amount_minor)}"
        ),
        "cash_back": lambda: f"返现{amount(c.amount_minor)}",
        "gift": lambda: (
            f"赠{c.gift_sku}*{c.gift_qty}" + ("" if c.gift_value_minor is None else f"={amount(c.gift_value_minor)}")
        ),
    }[c.kind]()
    audience = {"member": "（会员）", "new": "（新人）", "limited": "（限量）"}.get(c.audience, "")
    return words + audience
