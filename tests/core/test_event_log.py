"""The event log: appended with the change, read in commit order, each event handled once."""

import threading

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from tests.support.processes import run_together
from tests.support.reading import read_once

from tongpan.core.bulk import execute, fetch_all
from tongpan.core.eventlog import Event, NewEvent, Reader, append, lag

pytestmark = pytest.mark.usefixtures("empty_log")


class Notebook:
    """A reader that notes what it was given."""

    def __init__(self, name="notebook", follows=("a",), batch=5000):
        self.batches: list[list[str]] = []
        self.events: list[Event] = []
        self.reader = Reader(name, follows, self.handle, batch)

    def handle(self, events):
        self.batches.append([event.key for event in events])
        self.events += events

    @property
    def keys(self):
        return [key for batch in self.batches for key in batch]


def log(*keys, name="a"):
    with transaction.atomic():
        append([NewEvent(name, key, {"k": key}) for key in keys])


def other_connection():
    """A connection of its own, in a transaction that it commits itself."""
    return psycopg.connect(**connection.get_connection_params() | {"cursor_factory": psycopg.Cursor})


def insert(conn, key):
    conn.execute("INSERT INTO core_event (name, key, payload) VALUES ('a', %s, '{}')", [key])


def cursors():
    return dict(fetch_all("SELECT reader, events_read FROM core_cursor"))


def test_events_are_read_once_in_the_order_they_were_appended():
    book = Notebook()
    log("1", "2")
    log("3")

    assert [read_once(book.reader), read_once(book.reader)] == [3, 0]

    assert book.batches == [["1", "2", "3"]]
    assert [(e.name, e.payload) for e in book.events] == [("a", {"k": k}) for k in ("1", "2", "3")]
    assert cursors() == {"notebook": 3}


def test_a_reader_sees_only_the_names_it_follows():
    book, both = Notebook(), Notebook("both", ("a", "b"))
    log("1")
    log("2", name="b")
    log("3", name="c")

    assert [read_once(book.reader), read_once(both.reader)] == [1, 2]

    assert (book.keys, both.keys) == (["1"], ["1", "2"])


def test_a_batch_is_no_larger_than_the_reader_wants():
    book = Notebook(batch=2)
    log(*"12345")

    assert [read_once(book.reader) for _ in range(4)] == [2, 2, 1, 0]
    assert book.batches == [["1", "2"], ["3", "4"], ["5"]]


def test_a_transaction_that_commits_late_is_never_skipped():
    book = Notebook()
    with other_connection() as early:
        # given an earlier transaction that has written and is still open, and a later one that has committed
        insert(early, "early")
        log("late")

        # when, then nothing is seen while the earlier one may still commit
        assert (read_once(book.reader), book.keys) == (0, [])
        assert lag(book.reader) == 1

        early.commit()

        # then both are seen, the earlier first
        assert read_once(book.reader) == 2
        assert book.keys == ["early", "late"]


def test_a_later_transaction_that_commits_first_waits_for_the_earlier_one_to_roll_back():
    book = Notebook()
    with other_connection() as early:
        insert(early, "early")
        log("late")
        assert read_once(book.reader) == 0
        early.rollback()

    assert read_once(book.reader) == 1
    assert book.keys == ["late"]


def test_interleaved_commits_are_all_seen_in_one_order_by_all_readers():
    # given readers at different paces and transactions that commit in the reverse order of their beginning
    quick, slow = Notebook("quick"), Notebook("slow")
    open_ones = [other_connection() for _ in range(4)]
    for number, conn in enumerate(open_ones):
        insert(conn, f"t{number}")
    for conn in reversed(open_ones):
        log(f"between {open_ones.index(conn)}")
        conn.commit()
        read_once(quick.reader)
        conn.close()

    read_once(quick.reader)
    read_once(slow.reader)

    assert slow.keys == quick.keys == ["t0", "t1", "t2", "t3", "between 3", "between 2", "between 1", "between 0"]


def test_a_change_that_is_rolled_back_leaves_no_event():
    book = Notebook()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        append([NewEvent("a", "never", {})])
        raise ZeroDivisionError

    assert (read_once(book.reader), book.keys) == (0, [])
    assert fetch_all("SELECT count(*) FROM core_event") == [(0,)]


def test_effects_and_cursor_commit_together():
    execute("CREATE TABLE IF NOT EXISTS effect_of_a_test (key text)")
    try:
        reader = Reader(
            "effects", ("a",), lambda events: [execute("INSERT INTO effect_of_a_test VALUES (%s)", [events[0].key])]
        )
        failing = Reader("effects", ("a",), _insert_and_fail)
        log("1")

        # when the handler fails after it has written
        with pytest.raises(ZeroDivisionError):
            read_once(failing)

        # then neither its writing nor the cursor stays
        assert fetch_all("SELECT count(*) FROM effect_of_a_test") == [(0,)]
        assert cursors() == {}
        assert lag(reader) == 1

        # and the next attempt does both
        assert read_once(reader) == 1
        assert fetch_all("SELECT key FROM effect_of_a_test") == [("1",)]
        assert (cursors(), lag(reader)) == ({"effects": 1}, 0)
    finally:
        execute("DROP TABLE effect_of_a_test")


def _insert_and_fail(events):
    execute("INSERT INTO effect_of_a_test VALUES ('half done')")
    raise ZeroDivisionError


def test_a_reader_that_is_busy_elsewhere_is_left_alone():
    inside, release = threading.Event(), threading.Event()
    seen = []

    def slow_handle(events):
        inside.set()
        assert release.wait(20)
        seen.extend(event.key for event in events)

    def work():
        try:
            read_once(Reader("shared", ("a",), slow_handle))
        finally:
            connection.close()

    book = Notebook("shared")
    read_once(book.reader)  # the cursor row stands
    log("1")
    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert inside.wait(20)
        # when another process reads for the same reader, then it is told so and handles nothing
        assert (read_once(book.reader), book.keys) == (None, [])
    finally:
        release.set()
        thread.join()
    assert (seen, read_once(book.reader)) == (["1"], 0)


def test_two_processes_never_handle_the_same_event():
    execute("CREATE TABLE IF NOT EXISTS handled_by_a_test (key text)")
    try:
        for number in range(60):
            log(str(number))

        results = run_together([_read_until_empty] * 2)

        handled = [key for (key,) in fetch_all("SELECT key FROM handled_by_a_test")]
        assert sorted(handled, key=int) == [str(number) for number in range(60)]
        assert sum(results) == 60
        assert cursors() == {"workers": 60}
    finally:
        execute("DROP TABLE handled_by_a_test")


def _read_until_empty():
    reader = Reader(
        "workers",
        ("a",),
        lambda events: [execute("INSERT INTO handled_by_a_test VALUES (%s)", [event.key]) for event in events],
        batch=3,
    )
    total = 0
    while True:
        moved = read_once(reader)
        total += moved or 0
        if moved == 0:
            return total


@pytest.mark.parametrize(
    "statement", ["UPDATE core_event SET key = 'x'", "UPDATE core_event SET payload = '{}'", "DELETE FROM core_event"]
)
def test_the_log_refuses_to_be_changed(statement):
    log("1")

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        execute(statement)

    assert fetch_all("SELECT key, payload::text FROM core_event") == [("1", '{"k": "1"}')]


def test_lag_counts_what_is_committed_and_not_handled():
    book = Notebook(batch=2)
    assert lag(book.reader) == 0
    log("1", "2", "3")
    log("4", name="not followed")

    assert lag(book.reader) == 3
    read_once(book.reader)
    assert lag(book.reader) == 1
    read_once(book.reader)
    assert lag(book.reader) == 0


def position(name="notebook"):
    """(the events that stand before the cursor, those behind it)."""
    return fetch_all(
        """SELECT count(*) FILTER (WHERE (e.tx, e.id) <= (c.tx, c.event_id)),
                  count(*) FILTER (WHERE (e.tx, e.id) > (c.tx, c.event_id))
           FROM core_cursor c CROSS JOIN core_event e WHERE c.reader = %s""",
        [name],
    )[0]


def test_a_cursor_passes_the_events_that_its_reader_does_not_follow():
    book = Notebook(batch=2)
    log("1", "2", "3")
    log(*"xxxxx", name="not followed")

    assert read_once(book.reader) == 2
    assert position() == (2, 6)  # a full batch: what follows is not known yet
    assert read_once(book.reader) == 1
    assert position() == (8, 0)
    log(*"xxx", name="not followed")
    assert (read_once(book.reader), position()) == (0, (11, 0))
    assert (book.keys, cursors()) == (["1", "2", "3"], {"notebook": 3})
    log("4")
    assert (read_once(book.reader), book.keys[-1]) == (1, "4")


def test_a_cursor_passes_nothing_that_may_still_commit_before():
    book = Notebook()
    with other_connection() as early:
        insert(early, "early")
        log("late", name="not followed")
        assert read_once(book.reader) == 0
        early.commit()

    assert (read_once(book.reader), book.keys, position()) == (1, ["early"], (2, 0))


def test_a_reader_that_is_up_to_date_writes_nothing():
    book = Notebook()
    log("1")
    read_once(book.reader)
    before = fetch_all("SELECT xmin::text, * FROM core_cursor")

    assert read_once(book.reader) == 0

    assert fetch_all("SELECT xmin::text, * FROM core_cursor") == before


def test_an_event_without_a_name_is_refused():
    with pytest.raises(DatabaseError), transaction.atomic():
        append([NewEvent("", "1", {})])
    assert fetch_all("SELECT count(*) FROM core_event") == [(0,)]


def test_appending_nothing_sends_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        append([])
