"""The settings of prices, the bands of channels, and the price lists."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tongpan.access.queries import can
from tongpan.channels.queries import channels
from tongpan.console.access import Request, page, who
from tongpan.console.choices import local_name
from tongpan.console.wording import localized
from tongpan.core.clock import DEFAULT_ZONE, utc_now
from tongpan.core.errors import Refusal
from tongpan.pricing.actions import BandSpec, ListSpec, save_bands, save_lists, save_settings
from tongpan.pricing.models import ChannelBand, ListKind, PriceList
from tongpan.pricing.pages import lists_with_counts
from tongpan.pricing.queries import price_settings

_DAY = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
_VERDICTS = [("approve", _("goes to approval by another person")), ("refuse", _("is refused"))]


class SettingsForm(forms.Form):
    mode = forms.ChoiceField(
        label=_("Prices of channels"),
        choices=[("band", _("in a band around the guide price")), ("identical", _("identical on all channels"))],
    )
    band_lower_pct = forms.DecimalField(
        label=_("Below the guide price, %"), min_value=0, max_value=99, decimal_places=2
    )
    band_upper_pct = forms.DecimalField(
        label=_("Above the guide price, %"), min_value=0, max_value=999, decimal_places=2
    )
    band_applies_to = forms.ChoiceField(
        label=_("The band holds for"),
        choices=[("list", _("list prices")), ("net", _("list prices and net prices after discounts"))],
    )
    outside_band = forms.ChoiceField(label=_("A price outside the band"), choices=_VERDICTS)
    under_floor = forms.ChoiceField(label=_("A price under the floor"), choices=_VERDICTS)
    alarm_pct = forms.DecimalField(
        label=_("Alarm when a listing is off the price book by more than, %"),
        min_value=0,
        max_value=100,
        decimal_places=2,
    )
    dynamic_mode = forms.ChoiceField(
        label=_("Proposals of dynamic prices"),
        choices=[("approve", _("wait for approval")), ("automatic", _("count at once, inside the limits"))],
    )
    dynamic_step_pct = forms.DecimalField(
        label=_("One proposal moves a price by at most, %"), min_value=0, max_value=50, decimal_places=2
    )
    use_purchasing_power = forms.BooleanField(
        label=_("A buyer's purchasing power may be an input of a price"),
        required=False,
        help_text=_("Off by default: list prices are the same for all buyers of a channel, and each use is logged."),
    )
    why = forms.CharField(label=_("Reason"), max_length=300, required=False)


class BandForm(forms.Form):
    lower_pct = forms.DecimalField(label=_("Below, %"), min_value=0, max_value=99, decimal_places=2, required=False)
    upper_pct = forms.DecimalField(label=_("Above, %"), min_value=0, max_value=999, decimal_places=2, required=False)
    mode = forms.ChoiceField(
        label=_("Mode"),
        required=False,
        choices=[("", _("as set above")), ("band", _("band")), ("identical", _("identical"))],
    )
    follows = forms.BooleanField(label=_("Listings follow the price book"), required=False)


class ListForm(forms.Form):
    code = forms.CharField(label=_("Code"), max_length=40)
    kind = forms.ChoiceField(label=_("Kind"), choices=[choice for choice in ListKind.choices if choice[0] != "guide"])
    name_zh = forms.CharField(label=_("Chinese name"), max_length=80, required=False)
    name_en = forms.CharField(label=_("English name"), max_length=80, required=False)
    channel = forms.ChoiceField(label=_("Channel"), required=False)
    tier = forms.CharField(label=_("Tier"), max_length=40, required=False)
    region = forms.CharField(label=_("Province"), max_length=60, required=False)
    starts = forms.DateField(label=_("From day"), required=False, widget=_DAY)
    ends = forms.DateField(
        label=_("To day"),
        required=False,
        widget=_DAY,
        help_text=_("The last day. Live, community and seasonal prices need one."),
    )
    priority = forms.IntegerField(label=_("Priority"), min_value=0, max_value=1000, required=False)
    note = forms.CharField(label=_("Note"), max_length=300, required=False)
    is_active = forms.BooleanField(label=_("Active"), required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["channel"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
        field.choices = [("", _("All channels")), *[(one.code, local_name(one)) for one in channels()]]

    def spec(self, kind: str, currency: str) -> ListSpec:
        given, zone = self.cleaned_data, ZoneInfo(DEFAULT_ZONE)
        following = given["ends"] and given["ends"] + timedelta(days=1)
        return ListSpec(
            given["code"].strip(),
            kind,
            given["name_zh"].strip(),
            given["name_en"].strip(),
            given["channel"],
            given["tier"].strip(),
            given["region"].strip(),
            currency,
            given["priority"],
            datetime.combine(given["starts"], time(), zone) if given["starts"] else None,
            datetime.combine(following, time(), zone) if following else None,
            given["is_active"],
            given["note"],
        )


@page("prices.view")
def price_settings_page(request: Request) -> HttpResponse:
    """The settings, the bands of channels, and the lists; a POST saves the settings and the bands together."""
    may_edit = can(request.user, "prices.approve")
    bands = {band.channel.code: band for band in ChannelBand.objects.select_related("channel")}
    settings = price_settings()
    data = request.POST if request.method == "POST" else None
    if data is not None and not may_edit:
        return render(request, "console/no_permission.html", {"permission": "prices.approve"}, status=403)
    form = SettingsForm(data, initial=settings.as_json() | {"use_purchasing_power": settings.use_purchasing_power})
    named = [
        (one, BandForm(data, prefix=f"band-{position}", initial=_initial(bands.get(one.code))))
        for position, one in enumerate(channels())
    ]
    if data is not None and all([form.is_valid(), *[band.is_valid() for _one, band in named]]):
        values = {**form.cleaned_data}
        why = values.pop("why")
        values |= {name: str(values[name]) for name in values if name.endswith("_pct")}
        by = {**who(request), "why": why}
        try:
            save_settings(values, **by)
            save_bands([BandSpec(one.code, **band.cleaned_data) for one, band in named], **by)
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
        else:
            messages.success(request, gettext("Saved."))
            return redirect("console:price_settings")
    context = {
        "section": "price_settings",
        "form": form,
        "bands": named,
        "lists": lists_with_counts(utc_now()),
        "may_edit": may_edit,
    }
    return render(request, "console/prices/settings.html", context)


def _initial(band: ChannelBand | None) -> dict[str, Any]:
    if band is None:
        return {}
    return {"lower_pct": band.lower_pct, "upper_pct": band.upper_pct, "mode": band.mode, "follows": band.follows}


@page("prices.edit")
def price_list_edit(request: Request) -> HttpResponse:
    """Make a price list, or change the one that the address names."""
    old = PriceList.objects.select_related("channel").filter(code=request.GET.get("list", "")).first()
    form = ListForm(request.POST or None, initial=_list_initial(old) if old else None)
    if old is not None:
        for name in ("code", "kind", "channel", "tier", "region"):
            form.fields[name].disabled = True
        if old.kind == "guide":
            form.fields["kind"].choices = [("guide", ListKind.GUIDE.label)]  # type: ignore[attr-defined]
    if request.method == "POST" and form.is_valid():
        try:
            spec = form.spec(form.cleaned_data["kind"], old.currency if old else "")
            save_lists([spec], **who(request))
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
        else:
            messages.success(request, gettext("Saved."))
            return redirect("console:price_settings")
    return render(request, "console/prices/list_edit.html", {"section": "price_settings", "form": form, "old": old})


def _list_initial(old: PriceList) -> dict[str, Any]:
    zone, valid = ZoneInfo(DEFAULT_ZONE), old.valid
    starts = valid.lower.astimezone(zone).date() if valid and valid.lower else None
    ends = (valid.upper - timedelta(microseconds=1)).astimezone(zone).date() if valid and valid.upper else None
    return {
        "code": old.code,
        "kind": old.kind,
        "name_zh": old.name_zh,
        "name_en": old.name_en,
        "channel": old.channel.code if old.channel else "",
        "tier": old.tier,
        "region": old.region,
        "starts": starts,
        "ends": ends,
        "priority": old.priority,
        "note": old.note,
        "is_active": old.is_active,
    }
