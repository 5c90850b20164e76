"""Notes stay for good, tags come and go, and each order of a bulk has its own outcome."""

import pytest
from django.db import IntegrityError, transaction
from tests.support.company import NOW, order, order_ids
from tests.support.database import statements
from tests.support.intake import take

from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.orders.actions import add_note, add_tags, remove_tags

pytestmark = pytest.mark.usefixtures("company")
BY = {"actor": "user:li", "now": NOW}


def tags():
    return set(fetch_all("SELECT o.external_id, t.tag FROM orders_ordertag t JOIN orders_order o ON o.id = t.order_id"))


def test_a_note_says_who_wrote_it_and_when():
    take(order("1"))

    outcomes = add_note([*order_ids(["1"]), 10**9], "  called, no answer ", **BY)

    assert [(o.state, o.code) for o in outcomes] == [("done", ""), ("refused", "order.unknown")]
    assert fetch_all("SELECT text, actor, at FROM orders_ordernote") == [("called, no answer", "user:li", NOW)]


@pytest.mark.parametrize("statement", ["UPDATE orders_ordernote SET text = ''", "DELETE FROM orders_ordernote"])
def test_a_note_is_never_changed_or_deleted(statement):
    take(order("1"))
    add_note(order_ids(["1"]), "first", **BY)

    with pytest.raises(IntegrityError), transaction.atomic():
        execute(statement)


@pytest.mark.parametrize("text", ["", "  ", "x" * 4001, "a\x00b"])
def test_a_note_without_text_is_refused(text):
    take(order("1"))
    with pytest.raises(Refusal):
        add_note(order_ids(["1"]), text, **BY)
    assert fetch_all("SELECT count(*) FROM orders_ordernote") == [(0,)]


def test_tags_are_given_to_many_orders_and_taken_again():
    take(order("1", tags=["vip"]), order("2"))
    one, two = order_ids(["1", "2"])

    assert [o.state for o in add_tags([one, two], ["vip"], **BY)] == ["unchanged", "done"]
    assert [o.state for o in add_tags([one, two, 10**9], [" gift  wrap "], **BY)] == ["done", "done", "refused"]
    assert tags() == {("1", "vip"), ("2", "vip"), ("1", "gift wrap"), ("2", "gift wrap")}

    assert [o.state for o in remove_tags([one], ["vip", "other"], **BY)] == ["done"]
    assert [o.state for o in remove_tags([one], ["vip"], **BY)] == ["unchanged"]
    assert ("1", "vip") not in tags()
    assert ("2", "vip") in tags()


@pytest.mark.parametrize("bad", [[], [" "], ["x" * 41], ["a\nb\x07"]])
def test_a_tag_that_is_none_is_refused(bad):
    take(order("1"))
    with pytest.raises(Refusal):
        add_tags(order_ids(["1"]), bad, **BY)


def test_tagging_takes_as_many_statements_for_many_orders_as_for_one():
    take(*[order(str(n)) for n in range(30)])
    ids = order_ids([str(n) for n in range(30)])

    with statements() as of_one:
        add_tags(ids[:1], ["a", "b"], **BY)
    with statements() as of_many:
        add_tags(ids, ["c", "d"], **BY)

    assert len(of_one) == len(of_many)
