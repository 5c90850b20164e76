"""Template tags of the console: icons, formats and the small components."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django import template
from django.forms import BaseForm, CheckboxInput, CheckboxSelectMultiple, FileInput, RadioSelect
from django.forms.boundfield import BoundField
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from tongpan.console import formats, labels
from tongpan.console.cards import Chart
from tongpan.console.wording import localized_reasons

register = template.Library()


@register.simple_tag
def icon(name: str, css: str = "icon") -> SafeString:
    """An icon of ``icons.svg``; decoration only, so screen readers skip it."""
    return format_html(
        '<svg class="{}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        css,
        static("console/icons.svg"),
        name,
    )


def _given(value: Any) -> Any:
    """A template passes "" for an attribute of nothing: that is None here."""
    return None if value == "" else value


@register.filter
def money(amount_minor: int | None, currency: str) -> str:
    return formats.money(_given(amount_minor), currency)


@register.filter
def number(value: int | Decimal | None, places: int = 0) -> str:
    return formats.number(_given(value), places)


@register.filter
def percent(ratio: Decimal | float | None, places: int = 1) -> str:
    return formats.percent(_given(ratio), places)


@register.filter
def days(value: Fraction | None) -> str:
    """An exact number of days with one decimal; a dash for None."""
    exact = _given(value)
    return formats.number(None if exact is None else Decimal(exact.numerator) / exact.denominator, 1)


@register.filter
def stamp(at: datetime | None, zone: str | None = None) -> str:
    return formats.stamp(_given(at), zone)


@register.filter
def exact_stamp(at: datetime | None, zone: str | None = None) -> str:
    return formats.stamp(_given(at), zone, seconds=True)


@register.filter
def day(value: date | None) -> str:
    return formats.day(_given(value))


@register.filter
def file_size(size: int) -> str:
    return formats.file_size(size)


@register.filter
def reasons(text: str) -> str:
    """Why a row was rejected or a file refused, in the page's language where the sentence is known."""
    return localized_reasons(text)


@register.filter
def item(mapping: Mapping[Any, Any] | None, key: Any) -> Any:
    """``mapping[key]``, or None when it is not there or there is no mapping at all."""
    return mapping.get(key) if mapping else None


@register.filter
def local_name(named: Any, language: str) -> str:
    """The name of a thing that has one in Chinese and one in English, in the page's language."""
    return str(named.name_zh if language.startswith("zh") else named.name_en)


@register.simple_tag
def signed(value: int) -> SafeString:
    """A change: "+3", "−3", or a pale dot for none."""
    if not value:
        return mark_safe('<span class="cell-zero">·</span>')
    return format_html("{}{}", "+" if value > 0 else "", formats.number(value))


@register.simple_tag
def badge(text: object, kind: str = "", value: object = None) -> SafeString:
    """A state as a badge. With ``kind`` the tone follows ``labels.tone(kind, value)``."""
    shade = labels.tone(kind, text if value is None else value)
    return format_html('<span class="badge{}">{}</span>', f" badge-{shade}" if shade else "", text)


@register.inclusion_tag("console/parts/simulated.html")
def simulated(is_simulated: bool = True) -> dict[str, object]:
    """The label of figures that the demo makes up; nothing when they are real."""
    return {"is_simulated": is_simulated}


@register.inclusion_tag("console/parts/chart.html")
def chart(drawn: Chart, *, with_table: bool = True) -> dict[str, object]:
    """A chart with its figures as a table below it."""
    return {"chart": drawn, "with_table": with_table}


@register.simple_tag
def chart_json(drawn: Chart) -> SafeString:
    """The chart's JSON, safe inside a script element: no "<", ">" or "&" survives in it."""
    text = json.dumps(drawn.spec, ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return mark_safe(text)  # noqa: S308


_KINDS: tuple[tuple[type, str], ...] = (
    (CheckboxSelectMultiple, "checks"),
    (RadioSelect, "checks"),
    (CheckboxInput, "check"),
    (FileInput, "file"),
)


@register.filter
def widget_kind(field: BoundField) -> str:
    """How the form template lays the field out: "checks", "check", "file" or "plain"."""
    return next((kind for widget, kind in _KINDS if isinstance(field.field.widget, widget)), "plain")


@register.inclusion_tag("console/parts/form_fields.html")
def form_fields(form: BaseForm) -> dict[str, object]:
    """Every field of ``form`` with label, hint and error."""
    return {"form": form}
