"""The form that connects a shop. Secrets go in and never come out: an empty field keeps what is stored."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tongpan.channels.queries import shops
from tongpan.connectors.accounts.engine import AccountSpec
from tongpan.connectors.accounts.models import Account
from tongpan.connectors.platforms.registry import PLATFORMS

_KEEP = _("Empty: it stays as it is.")


def _secret(label: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        max_length=4000,
        help_text=_KEEP,
        widget=forms.PasswordInput(render_value=False, attrs={"autocomplete": "new-password"}),
    )


class AccountForm(forms.Form):
    """One account. The shop and the platform of one that is there stay."""

    shop = forms.ChoiceField(label=_("Shop"))
    platform = forms.ChoiceField(
        label=_("Platform"), choices=sorted((name, found.title) for name, found in PLATFORMS.items())
    )
    endpoint = forms.CharField(
        label=_("Address"), required=False, max_length=300, help_text=_("Empty: the platform's own.")
    )
    app_key = forms.CharField(label=_("App key"), required=False, max_length=200)
    secret = _secret(_("App secret"))
    access_token = _secret(_("Access token"))
    refresh_token = _secret(_("Refresh token"))
    token_expires_at = forms.DateTimeField(
        label=_("Access token expires"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    options = forms.CharField(
        label=_("Options"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("One a line, as carrier.SF=44."),
    )
    is_active = forms.BooleanField(label=_("Active"), required=False, initial=True)

    def __init__(self, data: Any = None, *, account: Account | None = None) -> None:
        initial = {}
        if account is not None:
            initial = {
                "shop": account.shop.code,
                "platform": account.platform,
                "endpoint": account.endpoint,
                "app_key": account.app_key,
                "token_expires_at": account.token_expires_at,
                "options": "\n".join(f"{name}={value}" for name, value in sorted(account.options.items())),
                "is_active": account.is_active,
            }
        super().__init__(data, initial=initial)
        field = self.fields["shop"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
        free = shops().filter(account=None) if account is None else shops().filter(account=account)
        field.choices = [(shop.code, f"{shop.name} · {shop.code}") for shop in free]
        if account is not None:
            self.fields["shop"].disabled = self.fields["platform"].disabled = True

    def clean_options(self) -> dict[str, str]:
        found = {}
        for line in self.cleaned_data["options"].splitlines():
            if line.strip():
                name, sign, value = line.partition("=")
                if not sign:
                    raise forms.ValidationError(_("%(line)s is not NAME=VALUE.") % {"line": line.strip()[:60]})
                found[name.strip()] = value.strip()
        return found

    def spec(self) -> AccountSpec:
        given = self.cleaned_data
        return AccountSpec(
            shop_code=given["shop"],
            platform=given["platform"],
            endpoint=given["endpoint"],
            app_key=given["app_key"],
            secret=given["secret"],
            access_token=given["access_token"],
            refresh_token=given["refresh_token"],
            token_expires_at=given["token_expires_at"],
            options=given["options"],
            is_active=given["is_active"],
        )
