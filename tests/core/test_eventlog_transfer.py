"""An event log that came from another server goes on where it was: nothing is skipped, nothing read twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from django.db import transaction
from tests.support.reading import read_once

from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.eventlog import Event, NewEvent, Reader, append, lag
from tongpan.core.eventlog_transfer import adopt, is_foreign

pytestmark = pytest.mark.django_db(transaction=True)
OTHER_SERVER = 5_000_000_000


@pytest.fixture(autouse=True)
def _empty_log() -> Iterator[None]:
    execute("TRUNCATE core_event, core_cursor")
    yield
    execute("TRUNCATE core_event, core_cursor")


def follower(name: str) -> tuple[Reader, list[str]]:
    seen: list[str] = []

    def handle(events: Sequence[Event]) -> None:
        seen.extend(event.key for event in events)

    return Reader(name, ("thing.happened",), handle), seen


def log(*keys: str) -> None:
    """One transaction that logs ``keys``."""
    with transaction.atomic():
        append([NewEvent("thing.happened", key, {}) for key in keys])


def carry_to_another_server() -> None:
    """What a dump and a restore do: the rows stay, the server has far fewer transactions behind it."""
    with transaction.atomic():
        execute("ALTER TABLE core_event DISABLE TRIGGER core_event_append_only")
        execute("UPDATE core_event SET tx = (tx::text::bigint + %s)::text::xid8", [OTHER_SERVER])
        execute("UPDATE core_cursor SET tx = (tx::text::bigint + %s)::text::xid8 WHERE tx > '0'", [OTHER_SERVER])
        execute("ALTER TABLE core_event ENABLE TRIGGER core_event_append_only")


def test_a_log_of_this_server_is_left_alone() -> None:
    log("a")
    before = fetch_all("SELECT tx::text, id FROM core_event")
    assert not is_foreign()
    assert adopt() == 0
    assert fetch_all("SELECT tx::text, id FROM core_event") == before


def test_every_reader_goes_on_at_its_place_and_sees_what_is_logged_from_now_on() -> None:
    # given three transactions; one reader has read all, one has read two, one has read none
    reader_of_all, all_seen = follower("all")
    reader_of_two, two_seen = follower("two")
    reader_of_none, none_seen = follower("none")
    log("a1", "a2")
    log("b")
    read_once(reader_of_two)
    log("c")
    read_once(reader_of_all)
    carry_to_another_server()
    assert is_foreign()
    assert read_once(reader_of_none) == 0

    # when
    assert adopt() == 3

    # then
    assert not is_foreign()
    log("d")
    for reader in (reader_of_all, reader_of_two, reader_of_none):
        read_once(reader)
        assert lag(reader) == 0
    assert all_seen == two_seen == none_seen == ["a1", "a2", "b", "c", "d"]


def test_a_cursor_on_a_transaction_that_is_not_in_the_log_keeps_its_place() -> None:
    # given a reader whose last transaction was detached with an old month
    reader, seen = follower("old")
    log("a")
    log("b")
    execute(
        "INSERT INTO core_cursor (reader, tx, event_id) SELECT 'old', (max(tx)::text::bigint - 1)::text::xid8, 7 "
        "FROM core_event WHERE key = 'b'"
    )
    carry_to_another_server()

    adopt()

    read_once(reader)
    assert seen == ["b"]


def test_the_log_is_append_only_again_afterwards() -> None:
    log("a")
    carry_to_another_server()
    adopt()
    with pytest.raises(Exception, match="append-only"):
        execute("UPDATE core_event SET key = 'b'")


def test_inside_a_transaction_it_is_refused_and_changes_nothing() -> None:
    log("a")
    carry_to_another_server()
    before = fetch_all("SELECT tx::text FROM core_event")
    with pytest.raises(Refusal) as refused, transaction.atomic():
        adopt()
    assert refused.value.code == "eventlog.in_transaction"
    assert fetch_all("SELECT tx::text FROM core_event") == before
