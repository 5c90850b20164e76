"""Bulk writing keeps every byte of every value."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st
from tests.support.database import rolled_back, statements

from tongpan.core.bulk import as_json, copy_rows, execute, fetch_all, next_ids

pytestmark = pytest.mark.django_db
COLUMNS = ("n", "t", "b", "j", "at", "d", "num", "f", "flag", "list")
ROW = (
    "n int PRIMARY KEY, t text, b bytea, j jsonb, at timestamptz, d date, num numeric(18,6), f float8, flag bool, "
    "list text[]"
)


@pytest.fixture
def samples():
    execute(f"CREATE TEMPORARY TABLE samples ({ROW}) ON COMMIT DROP")


AWKWARD = [
    "",
    "\t",
    "\n",
    "\r\n",
    "\\",
    "\\N",
    "\\.",
    "\\t",
    "a\tb\nc\\d",
    '"quoted"',
    "it's",
    "NULL",
    "null",
    "{a,b}",
    "通盘 🧾",
    "\x01\x7f\u2028",
    " blanks ",
]


@pytest.mark.parametrize("text", AWKWARD)
def test_text_comes_back_as_it_went_in(samples, text):
    copy_rows("samples", ("n", "t", "list"), [(1, text, [text, text])])

    assert fetch_all("SELECT t, list FROM samples") == [(text, [text, text])]


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00")), st.binary())
def test_any_text_and_any_bytes_come_back(text, data):
    with rolled_back():
        execute(f"CREATE TEMPORARY TABLE samples ({ROW})")
        copy_rows("samples", ("n", "t", "b"), [(1, text, data)])
        ((read, raw),) = fetch_all("SELECT t, b FROM samples")

    assert (read, bytes(raw)) == (text, data)


def test_every_kind_of_value_comes_back(samples):
    at = datetime(2026, 11, 18, 8, 30, 1, 123456, tzinfo=UTC)
    document = {"名": 'a"\\\n\t', "n": [1, None, True]}
    row = (1, "x", b"\x00\xff\\x", as_json(document), at, date(2026, 2, 28), Decimal("-0.000001"), 0.1, True, ["a"])

    copy_rows("samples", COLUMNS, [row, (2, *[None] * 9)])

    first, second = fetch_all("SELECT * FROM samples ORDER BY n")
    assert (first[0], first[1], bytes(first[2]), *first[4:]) == (1, "x", row[2], *row[4:])
    assert (json.loads(first[3]) if isinstance(first[3], str) else first[3]) == document
    assert second == (2, *[None] * 9)


def test_empty_text_is_not_null(samples):
    copy_rows("samples", ("n", "t", "b"), [(1, "", b""), (2, None, None)])

    rows = fetch_all("SELECT t IS NULL, b IS NULL FROM samples ORDER BY n")
    assert rows == [(False, False), (True, True)]


def test_one_bad_row_keeps_all_out(samples):
    with pytest.raises(IntegrityError), transaction.atomic():
        copy_rows("samples", ("n", "t"), [(1, "a"), (2, "b"), (1, "again")])

    assert fetch_all("SELECT count(*) FROM samples") == [(0,)]


def test_no_rows_and_many_rows_are_one_statement(samples):
    for rows in (0, 1, 500):
        with statements() as sent:
            copy_rows("samples", ("n",), ((1000 * rows + i,) for i in range(rows)))
        assert len(sent) == 1, rows
    assert fetch_all("SELECT count(*) FROM samples") == [(501,)]


def test_ids_are_ascending_and_never_given_twice():
    first, second = next_ids("orders_order", 3), next_ids("orders_order", 2)

    assert first + second == sorted({*first, *second})
    assert next_ids("orders_order", 0) == []


def test_execute_tells_how_many_rows_it_touched(samples):
    copy_rows("samples", ("n",), [(1,), (2,), (3,)])

    assert execute("DELETE FROM samples WHERE n > %s", [1]) == 2
    assert connection.in_atomic_block
