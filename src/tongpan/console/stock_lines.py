"""Lines of goods typed or pasted into one field, and the form fields of a page with one input for each line."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tongpan.core.errors import Refusal

_BETWEEN = re.compile(r"[\t,;，；]+|\s{1,}")
MAX_LINES = 5000
LARGEST = 10_000_000


class LinesField(forms.CharField):
    """Lines of "SKU units" as a spreadsheet or a person writes them; cleans to [(SKU code, units)]."""

    widget = forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "placeholder": "SKU-1, 12\nSKU-2, 3"})

    def clean(self, value: object) -> list[tuple[str, int]]:
        found = []
        for number, line in enumerate(str(super().clean(value)).splitlines(), 1):
            if not line.strip():
                continue
            cells = [cell for cell in _BETWEEN.split(line.strip()) if cell]
            units = cells[-1]
            if len(cells) < 2 or not (units.isascii() and units.isdecimal() and 0 < int(units) <= LARGEST):
                sentence = gettext("Line %(number)d: write a SKU and how many units, such as SKU-1, 12.")
                raise forms.ValidationError(sentence % {"number": number})
            found.append((" ".join(cells[:-1]), int(units)))
        if len(found) > MAX_LINES:
            raise forms.ValidationError(_("These are too many lines for one document; make several."))
        return found


class CodesField(forms.CharField):
    """SKU codes, one on a line or between commas; cleans to a list without repeats."""

    widget = forms.Textarea(attrs={"rows": 6, "spellcheck": "false"})

    def clean(self, value: object) -> list[str]:
        text = str(super().clean(value))
        return list(dict.fromkeys(code.strip() for code in re.split(r"[\n,;，；\t]+", text) if code.strip()))


def units_of(post: QueryDict, name: str) -> int | None:
    """The units typed into the field ``name``; None when it is empty. Raises Refusal units.invalid."""
    text = post.get(name, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and int(text) <= LARGEST):
        raise Refusal("units.invalid", gettext("%(text)s is not a number of units.") % {"text": text[:20]})
    return int(text)


def ids_of(texts: Sequence[str]) -> list[int]:
    """The ids among ``texts``; what is none is left out."""
    return [int(text) for text in texts if text.isascii() and text.isdecimal() and len(text) < 19]
