"""Forms of the import: the file, and how it is to be read."""

from __future__ import annotations

from urllib.parse import urlencode

from django import forms
from django.utils.translation import gettext_lazy as _

from tongpan.console.import_page import Plan

COLUMN_PREFIX = "column:"


class UploadForm(forms.Form):
    file = forms.FileField(label=_("File"), allow_empty_file=True)


class PasswordForm(forms.Form):
    """The password of a protected archive; it is never shown again."""

    password = forms.CharField(
        label=_("Password of the archive"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )


class PlanForm(forms.Form):
    """Format, shop and encoding; columns come as "column:NAME" fields, which the format decides."""

    format = forms.CharField(required=False, max_length=40)
    shop = forms.CharField(label=_("Shop"), required=False, max_length=40, strip=True)
    encoding = forms.CharField(label=_("Encoding"), required=False, max_length=40, strip=True)

    def address(self) -> str:
        """The choices as a query string, so that what one sees has an address."""
        names = [name for name in self.data if name in self.fields or name.startswith(COLUMN_PREFIX)]
        return urlencode([(name, self.data[name]) for name in names if self.data[name]])

    def plan(self) -> Plan:
        """What is chosen so far; nothing chosen means: find out."""
        self.is_valid()
        given = self.cleaned_data if self.is_bound else {}
        columns = {
            key.removeprefix(COLUMN_PREFIX): value
            for key, value in self.data.items()
            if key.startswith(COLUMN_PREFIX) and value
        }
        return Plan(given.get("format", ""), given.get("shop", ""), given.get("encoding", ""), columns)
