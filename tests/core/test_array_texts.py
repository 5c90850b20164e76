"""Long lists sent as one text arrive as they were."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tongpan.core.bulk import binaries, fetch_all, instants, texts, whole_numbers

pytestmark = pytest.mark.django_db
MANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)


def arrived(sent, kind):
    return fetch_all(f"SELECT %s::{kind}[]", [sent])[0][0]


@MANY
@given(st.lists(ANY_TEXT | st.sampled_from(["", "NULL", '"', "\\", "{}", ",", "%s", "'", "a b", "\n"]), max_size=8))
def test_texts(values):
    assert arrived(texts(values), "text") == values


@MANY
@given(st.lists(st.binary(max_size=20), max_size=8))
def test_binaries(values):
    assert [bytes(value) for value in arrived(binaries(values), "bytea")] == values


@MANY
@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=8))
def test_whole_numbers(values):
    assert arrived(whole_numbers(values), "bigint") == values


def test_instants():
    odd = datetime(1990, 1, 1, 0, 0, 0, 1, timezone(timedelta(hours=8, minutes=5, seconds=43)))
    values = [None, datetime(2026, 11, 18, 8, tzinfo=UTC), odd]

    assert arrived(instants(values), "timestamptz") == values
    assert arrived(instants([]), "timestamptz") == []
