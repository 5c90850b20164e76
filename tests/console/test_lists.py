"""A list's state is its address, and nothing else."""

from __future__ import annotations

import pytest
from django import forms
from django.test import RequestFactory
from django.utils.translation import override

from tongpan.console.lists import COUNT_CAP, Column, FilterForm, listing, sort_of

COLUMNS = (
    Column("number", "Number", str, sort="number"),
    Column("total", "Total", str, sort="total", is_number=True, starts_descending=True),
    Column("note", "Note", str),
)


def page_of(address: str, total: int = 120):
    asked: list[tuple[str, int, int]] = []

    def fetch(sort: str, offset: int, limit: int) -> list[int]:
        asked.append((sort, offset, limit))
        return list(range(offset, min(offset + limit, total)))

    made = listing(
        RequestFactory().get(address),
        COLUMNS,
        default_sort="-total",
        fetch=fetch,
        count=lambda cap: min(total, cap),
    )
    return made, asked


def test_the_first_page_is_sorted_by_default_and_links_to_the_next():
    made, asked = page_of("/x/?status=paid")

    assert asked == [("-total", 0, 50)]
    assert (made.first, made.last, made.total, made.page_count) == (1, 50, 120, 3)
    assert made.links == {
        "previous": "",
        "next": "?status=paid&page=2",
        "first": "",
        "last": "?status=paid&page=3",
    }


def test_a_page_keeps_filter_sort_and_size_of_the_address():
    made, asked = page_of("/x/?q=a&sort=number&size=25&page=3")

    assert asked == [("number", 50, 25)]
    assert made.links["previous"] == "?q=a&sort=number&size=25&page=2"
    assert made.query == "q=a&sort=number&size=25"


@pytest.mark.parametrize("page", ["0", "-1", "abc", "9999999999999999999", "²", ""])
def test_a_page_number_that_is_none_shows_a_page_that_is(page):
    made, _ = page_of(f"/x/?page={page}")

    assert made.number == 1


def test_a_page_after_the_last_shows_the_last():
    made, asked = page_of("/x/?page=99")

    assert made.number == 3
    assert asked == [("-total", 100, 50)]
    assert made.links["next"] == ""


def test_counting_stops_at_the_cap():
    made, _ = page_of("/x/", total=COUNT_CAP + 5)

    assert made.total == COUNT_CAP
    assert made.is_capped


def test_nothing_is_fetched_when_nothing_matches():
    made, asked = page_of("/x/", total=0)

    assert asked == []
    assert list(made.rows) == []


def test_a_heading_turns_the_sort_round_and_starts_where_the_column_says():
    made, _ = page_of("/x/?page=2")

    number, total, note = made.headings
    assert (number.direction, number.href) == ("", "?sort=number")
    assert (total.direction, total.href) == ("descending", "?sort=total")
    assert (note.direction, note.href) == ("", "")


def test_a_sort_that_no_column_has_is_the_default():
    request = RequestFactory().get("/x/?sort=password")

    assert sort_of(request.GET, COLUMNS, "-total") == "-total"


class Filters(FilterForm):
    status = forms.ChoiceField(label="Status", required=False)
    since = forms.DateField(label="Since", required=False)

    def __init__(self, request):
        super().__init__(request, {"status": [("", "All"), ("paid", "Paid"), ("sent", "Sent")]})


@override("en")
def test_filters_hold_what_the_address_says_and_can_be_removed_one_by_one():
    filters = Filters(RequestFactory().get("/x/?q=+red+bag+&status=paid&sort=number&page=4"))

    assert filters.values == {"q": "red bag", "status": "paid"}
    assert filters.hidden_state == [("sort", "number")]
    assert [(chip.label, chip.text) for chip in filters.chips()] == [("Search", "red bag"), ("Status", "Paid")]
    assert filters.chips()[1].remove == "?q=+red+bag+&sort=number"


def test_a_value_the_filter_does_not_know_filters_nothing_and_says_so():
    filters = Filters(RequestFactory().get("/x/?status=eaten&since=yesterday"))

    assert filters.values == {}
    assert set(filters.errors) == {"status", "since"}
