"""``tongpan fulfillment``: the queues and the steps of a parcel on the command line."""

import json

import pytest
from click.testing import CliRunner
from tests.support.company import HOUR, NOW, goods, paid, put
from tests.support.following import route_all
from tests.support.intake import take

from tongpan.cli.fulfillment import fulfillment
from tongpan.fulfillment.actions.desk import pick
from tongpan.fulfillment.models import Fulfillment

pytestmark = pytest.mark.usefixtures("company")


@pytest.fixture(autouse=True)
def _database_of_the_test(monkeypatch):
    """The commands run in the database of the test, which is there already."""
    from contextlib import nullcontext

    monkeypatch.setattr("tongpan.cli.session.database_session", lambda **more: nullcontext())


def run(*arguments):
    return CliRunner().invoke(fulfillment, arguments)


def test_a_queue_and_the_steps_of_a_parcel_are_read():
    put("sh", A=5)
    take(paid("1", goods("A", 2)))
    route_all()
    i = Fulfillment.objects.get().pk

    (waiting,) = json.loads(run("queue", "--node", "sh", "--stage", "pick", "--json").output)
    assert (waiting["id"], waiting["order"], waiting["lines"]) == (i, "1", [{"sku": "A", "qty": 2}])
    pick([i], actor="user:li", now=NOW + HOUR)
    assert json.loads(run("queue", "--stage", "pick", "--json").output) == []
    shown = run("show", str(i)).output
    assert f"{i}  order 1  sh  picking" in shown
    assert "2026-11-18 09:00  pick        user:li" in shown
    assert run("queue", "--node", "nowhere").exception.code == "node.unknown"
    assert run("show", "0").exception.code == "fulfillment.unknown"
