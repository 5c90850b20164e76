"""Transactions that lose a race are run again; everything else is raised."""

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from tests.support.processes import run_together

from tongpan.core.bulk import execute, fetch_all
from tongpan.core.races import run_in_transaction


class Cause(Exception):
    def __init__(self, sqlstate, constraint=None):
        self.sqlstate = sqlstate
        self.diag = type("Diag", (), {"constraint_name": constraint})()


def failing(times, error, sqlstate, constraint=None):
    """A piece of work that fails ``times`` times and then tells how often it was run."""
    runs = []

    def work():
        runs.append(connection.in_atomic_block)
        if len(runs) <= times:
            raise error("lost") from Cause(sqlstate, constraint)
        return len(runs)

    return work, runs


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    waits = []
    monkeypatch.setattr("tongpan.core.races.time.sleep", waits.append)
    return waits


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error, sqlstate", [(OperationalError, "40P01"), (OperationalError, "40001")])
def test_a_lost_race_is_run_again(error, sqlstate, _no_waiting):
    work, runs = failing(3, error, sqlstate)

    assert run_in_transaction(work) == 4

    assert runs == [True] * 4
    assert len(_no_waiting) == 3
    assert all(0 <= wait <= 0.4 for wait in _no_waiting)


@pytest.mark.django_db(transaction=True)
def test_a_race_that_is_always_lost_is_raised_in_the_end():
    work, runs = failing(99, OperationalError, "40P01")

    with pytest.raises(OperationalError, match="lost"):
        run_in_transaction(work)

    assert len(runs) == 12


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("constraint, tries", [("order_once", 2), ("payment_once", 1), (None, 1)])
def test_only_the_named_constraints_are_races(constraint, tries):
    work, runs = failing(1, IntegrityError, "23505", constraint)

    if tries == 1:
        with pytest.raises(IntegrityError):
            run_in_transaction(work, constraints=("order_once",))
    else:
        assert run_in_transaction(work, constraints=("order_once",)) == 2
    assert len(runs) == tries


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "error, sqlstate", [(OperationalError, "57P01"), (IntegrityError, "23514"), (OperationalError, None)]
)
def test_what_is_no_race_is_raised_at_once(error, sqlstate):
    work, runs = failing(1, error, sqlstate)

    with pytest.raises(error):
        run_in_transaction(work)

    assert len(runs) == 1


@pytest.mark.django_db
def test_a_lost_serialization_inside_a_transaction_is_the_callers():
    work, runs = failing(1, OperationalError, "40001")

    with pytest.raises(OperationalError), transaction.atomic():
        run_in_transaction(work)

    assert len(runs) == 1


@pytest.mark.django_db(transaction=True)
def test_what_a_lost_try_wrote_is_not_there():
    execute("CREATE TABLE IF NOT EXISTS tries_of_a_test (n int)")
    try:
        lose, _ = failing(2, OperationalError, "40P01")

        def work():
            execute("INSERT INTO tries_of_a_test VALUES (1)")
            return lose()

        assert run_in_transaction(work) == 3
        assert fetch_all("SELECT count(*) FROM tries_of_a_test") == [(1,)]
    finally:
        execute("DROP TABLE tries_of_a_test")


@pytest.mark.django_db(transaction=True)
def test_processes_that_count_together_under_serializable_lose_no_count(monkeypatch):
    monkeypatch.undo()
    execute("CREATE TABLE IF NOT EXISTS counter_of_a_test AS SELECT 0 AS n")
    try:
        run_together([_count_ten_times] * 4, isolation="serializable")

        assert fetch_all("SELECT n FROM counter_of_a_test") == [(40,)]
    finally:
        execute("DROP TABLE counter_of_a_test")


def _count_ten_times():
    def add():
        ((n,),) = fetch_all("SELECT n FROM counter_of_a_test")
        execute("UPDATE counter_of_a_test SET n = %s", [n + 1])

    for _ in range(10):
        run_in_transaction(add)
