"""Lists: columns, sorting, pages and filters whose whole state is the address of the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import HttpRequest, QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

PAGE_SIZES = (25, 50, 100)
DEFAULT_SIZE = 50
# Counting stops here, so that a list over a million rows costs no more than one over twenty thousand.
COUNT_CAP = 20_000
# Days outside are mistyped, and days before and after them would fall out of the calendar.
FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2200, 12, 31)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a list, on screen and in the export.

    value: the export's cell of a row, as a str, int, Decimal, date or aware datetime; None when the column is
    on screen only. sort: the key that the room's query sorts by; empty when it cannot.
    """

    key: str
    label: str | Promise
    value: Callable[[Any], object] | None
    sort: str = ""
    is_number: bool = False
    starts_descending: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    """A column as the table head shows it. direction: "ascending", "descending" or "" when not sorted by it."""

    column: Column
    direction: str
    href: str


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list. total is exact below COUNT_CAP; at the cap there are that many or more."""

    rows: Sequence[Any]
    headings: list[Heading]
    number: int
    size: int
    total: int
    sort: str
    query: str
    links: dict[str, str]

    @property
    def is_capped(self) -> bool:
        return self.total >= COUNT_CAP

    @property
    def first(self) -> int:
        return (self.number - 1) * self.size + 1

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1

    @property
    def page_count(self) -> int:
        return max(1, -(-self.total // self.size))


def with_params(query: QueryDict, **changes: object) -> str:
    """``query`` with ``changes`` as "?a=b"; None or "" removes a parameter. "?" alone clears everything.

    What stands open beside the list ("open") is no part of what a link leads to.
    """
    changed = query.copy()
    changed.pop("open", None)
    for key, value in changes.items():
        if value in (None, ""):
            changed.pop(key, None)
        else:
            changed[key] = str(value)
    return f"?{changed.urlencode()}"


def sort_of(query: QueryDict, columns: Sequence[Column], default: str) -> str:
    """The sort key that the address asks for ("-total"), or ``default`` when it names no sortable column."""
    wanted = query.get("sort", "")
    known = {column.sort for column in columns if column.sort}
    return wanted if wanted.removeprefix("-") in known else default


def whole(text: str, default: int) -> int:
    """``text`` as a number of at most seven digits, else ``default``."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 8 else default


def listing(
    request: HttpRequest,
    columns: Sequence[Column],
    *,
    default_sort: str,
    fetch: Callable[[str, int, int], Sequence[Any]],
    count: Callable[[int], int],
) -> Listing:
    """The page of a list that the address asks for: ``sort``, ``page``, ``size``.

    fetch(sort, offset, limit) gives rows; count(cap) counts them, stopping at ``cap``. A page beyond the last
    shows the last. Two queries, whatever the page.
    """
    query = request.GET
    sort = sort_of(query, columns, default_sort)
    size = whole(query.get("size", ""), DEFAULT_SIZE)
    size = size if size in PAGE_SIZES else DEFAULT_SIZE
    total = min(count(COUNT_CAP), COUNT_CAP)
    pages = max(1, -(-total // size))
    number = min(max(1, whole(query.get("page", ""), 1)), pages)
    rows = fetch(sort, (number - 1) * size, size) if total else []
    links = {
        "previous": with_params(query, page=number - 1 if number > 2 else None) if number > 1 else "",
        "next": with_params(query, page=number + 1) if number < pages else "",
        "first": with_params(query, page=None) if number > 2 else "",
        "last": with_params(query, page=pages) if number < pages - 1 else "",
    }
    kept = query.copy()
    kept.pop("page", None)
    return Listing(rows, headings(query, columns, sort), number, size, total, sort, kept.urlencode(), links)


def headings(query: QueryDict, columns: Sequence[Column], sort: str) -> list[Heading]:
    """The table head: a click sorts by the column, a second click turns it round."""
    made = []
    for column in columns:
        direction, href = "", ""
        if column.sort:
            if sort.removeprefix("-") == column.sort:
                direction = "descending" if sort.startswith("-") else "ascending"
            descend_next = column.starts_descending if not direction else direction == "ascending"
            href = with_params(query, sort=f"-{column.sort}" if descend_next else column.sort, page=None)
        made.append(Heading(column, direction, href))
    return made


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter in force, with the address without it."""

    label: str
    text: str
    remove: str


class FilterForm(forms.Form):
    """A filter bar: every field is optional, all come from the address.

    A field with a value that it does not know (an old bookmark, a mistyped date) shows its error and filters
    nothing. rarely: the fields that are folded away until somebody wants them.
    """

    rarely: tuple[str, ...] = ()

    q = forms.CharField(label=_("Search"), required=False, max_length=200, strip=True)

    def __init__(
        self,
        request: HttpRequest,
        choices: Mapping[str, Sequence[Any]] | None = None,
        query: QueryDict | None = None,
    ) -> None:
        """choices: the options of choice fields that are read from the database or translated, by field.
        query: an address to read instead of the request's own.
        """
        self.query = request.GET if query is None else query
        super().__init__(self.query)
        for name, options in (choices or {}).items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101 - a mistake in our own code
            field.choices = options
        for name, field in self.fields.items():
            field.widget.attrs.setdefault("autocomplete", "off")
            if isinstance(field, forms.DateField):
                field.validators += [MinValueValidator(FIRST_DAY), MaxValueValidator(LAST_DAY)]
                field.widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "id": f"id_{name}"})
        self.is_valid()

    @property
    def values(self) -> dict[str, Any]:
        """The valid values that were given, without the empty ones."""
        return {key: value for key, value in self.cleaned_data.items() if value not in (None, "", [])}

    @property
    def others(self) -> list[forms.BoundField]:
        """Every visible field but the search, which has its own place, and those of ``rarely``."""
        return [field for field in self.visible_fields() if field.name not in ("q", *self.rarely)]

    @property
    def folded(self) -> list[forms.BoundField]:
        """The fields of ``rarely``."""
        return [field for field in self.visible_fields() if field.name in self.rarely]

    @property
    def is_unfolded(self) -> bool:
        """Whether one of the folded fields filters, or says what is wrong with it."""
        return any(field.name in self.values or field.errors for field in self.folded)

    @property
    def hidden_state(self) -> list[tuple[str, str]]:
        """What of the address is not a field, so that filtering keeps sort and page size."""
        return [(key, str(self.query[key])) for key in ("sort", "size") if self.query.get(key)]

    def chips(self) -> list[Chip]:
        """The filters in force, each removable on its own."""
        made = []
        for name, value in self.values.items():
            field = self.fields[name]
            if isinstance(field, forms.ChoiceField):
                text = str(dict(_flat(field.choices)).get(str(value), value))
            elif isinstance(field, forms.BooleanField):
                text = ""
            else:
                text = str(value)
            made.append(
                Chip(
                    str(field.label),
                    text,
                    with_params(self.query, **{name: None, "page": None, "after": None, "before": None}),
                )
            )
        return made


def _flat(choices: Any) -> list[tuple[str, Any]]:
    flat: list[tuple[str, Any]] = []
    for value, label in choices:
        if isinstance(label, (list, tuple)):
            flat += [(str(key), text) for key, text in label]
        else:
            flat.append((str(value), label))
    return flat
