"""A stock file of 20,000 levels: one movement for each changed row, none for the others, the same statements."""

import pytest
from tests.support.company import ACTOR, NOW, pool
from tests.support.database import statements

from tongpan.connectors.actions import import_path
from tongpan.core.bulk import fetch_all
from tongpan.inventory.actions import count
from tongpan.inventory.engine import CountDoc, StockLine
from tongpan.inventory.queries import reconcile

pytestmark = pytest.mark.usefixtures("company")
LEVELS = 20_000


def counted(number, quantities):
    lines = [StockLine(f"S{n:05}", qty) for n, qty in enumerate(quantities)]
    return count([CountDoc("test", number, "sh", NOW, lines)], actor=ACTOR, now=NOW)[0]


def booked():
    """Movements and events of changed stock so far."""
    return fetch_all(
        """SELECT (SELECT count(*) FROM inventory_movement),
                  (SELECT count(*) FROM core_event WHERE name = 'stock.changed')"""
    )[0]


@pytest.mark.slow
def test_a_file_books_one_movement_for_each_changed_level_and_none_for_the_others(tmp_path):
    # given a book of 20,000 levels
    path = tmp_path / "levels.csv"
    path.write_text("node,sku,qty\n" + "".join(f"sh,S{n:05},7\n" for n in range(LEVELS)))
    first = import_path(path, actor=ACTOR, now=NOW)
    assert (first["accepted"], booked()) == (LEVELS, (LEVELS, LEVELS))

    # when a file says something else of every tenth
    path.write_text("node,sku,qty\n" + "".join(f"sh,S{n:05},{9 if n % 10 == 0 else 7}\n" for n in range(LEVELS)))
    second = import_path(path, actor=ACTOR, now=NOW)

    # then exactly those have moved, once, also when the file comes again
    assert (second["accepted"], second["rejected"]) == (LEVELS, 0)
    assert booked() == (LEVELS + 2000, LEVELS + 2000)
    assert (pool("S00010"), pool("S00011")) == ((9, 0, 0), (7, 0, 0))
    assert import_path(path, actor=ACTOR, now=NOW)["unchanged"] == LEVELS
    assert booked() == (LEVELS + 2000, LEVELS + 2000)
    assert reconcile().differences == []


def test_a_count_of_twenty_thousand_levels_sends_the_statements_of_a_small_one():
    counted("small", [1] * 3)
    counted("large", [1] * LEVELS)

    with statements() as few:
        counted("small again", [2] * 3)
    with statements() as many:
        counted("large again", [3] * LEVELS)

    assert len(many) == len(few) <= 14
    assert booked()[0] == LEVELS + 3 + LEVELS, "what did not change moved nothing"
