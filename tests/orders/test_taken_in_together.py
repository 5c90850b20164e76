"""Orders that threads bring at once are one batch, each with its own outcome, key and answer."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections, transaction
from tests.support.company import ACTOR, NOW, goods, open_holds, paid, pool, put
from tests.support.database import shape, statements

from tongpan.access.actions import Claim, KeptAnswer, create_api_key
from tongpan.access.models import ApiKey, IdempotentRequest
from tongpan.core.errors import Refusal
from tongpan.inventory.queries import reconcile
from tongpan.orders.actions import Once, accept_together, together
from tongpan.orders.models import Order

pytestmark = pytest.mark.usefixtures("live_company")


@pytest.fixture
def batches(monkeypatch):
    """The numbers of each batch that was taken in, in order; every batch but the first waits for company."""
    seen, several = [], threading.Event()
    real = together.take_in

    def take_in(docs, **more):
        seen.append([doc.external_id for doc in docs])
        if len(seen) == 1:
            assert several.wait(20)
        return real(docs, **more)

    monkeypatch.setattr(together, "take_in", take_in)
    together._batches_of.cache_clear()
    seen_by_test = type("Batches", (), {"numbers": seen, "go": several})()
    yield seen_by_test
    together._batches_of.cache_clear()


def bring(doc, once=None):
    try:
        return accept_together(doc, actor=ACTOR, now=NOW, once=once)
    except (Refusal, RuntimeError) as error:
        return error
    finally:
        connection.close()


def bring_all(batches, docs, onces=None):
    """Bring ``docs`` by a thread each, the first before the others, and let go when all are queued."""
    onces = onces or [None] * len(docs)
    queue = together._batches_of(ACTOR)
    with ThreadPoolExecutor(len(docs)) as threads:
        asked = []
        for doc, once in zip(docs, onces, strict=True):
            asked.append(threads.submit(bring, doc, once))
            if len(asked) == 1:
                while not batches.numbers:
                    pass
            else:
                while len(queue._queue) < len(asked) - 1:
                    pass
        batches.go.set()
        return [one.result(30) for one in asked]


def test_who_comes_alone_is_a_batch_of_one(batches):
    batches.go.set()

    assert [bring(paid("1")).state, bring(paid("2")).state, bring(paid("1")).state] == [
        "accepted",
        "accepted",
        "unchanged",
    ]
    assert batches.numbers == [["1"], ["2"], ["1"]]


def test_those_who_come_meanwhile_are_one_batch_with_an_outcome_each(batches):
    put("sh", A=3)

    outcomes = bring_all(batches, [paid("1"), paid("2"), paid("bad", goods("A", 0)), paid("3"), paid("1"), paid("4")])

    assert [outcome.state for outcome in outcomes] == [
        "accepted",
        "accepted",
        "refused",
        "accepted",
        "unchanged",
        "accepted",
    ]
    assert batches.numbers == [["1"], ["2", "bad", "3", "1", "4"]]
    assert outcomes[4].document_id == outcomes[0].document_id
    assert (pool("A"), open_holds()) == ((3, 0, 3), {("4", "out_of_stock")})
    assert reconcile().differences == []


def test_an_error_of_a_batch_is_left_to_the_one_that_makes_it(batches, monkeypatch):
    real = together.take_in

    def take_in(docs, **more):
        outcomes = real(docs, **more)
        if any(doc.external_id == "evil" for doc in docs):
            raise RuntimeError("evil")
        return outcomes

    monkeypatch.setattr(together, "take_in", take_in)

    first, second, evil, third = bring_all(batches, [paid("1"), paid("2"), paid("evil"), paid("3")])

    assert [first.state, second.state, str(evil), third.state] == ["accepted", "accepted", "evil", "accepted"]
    assert batches.numbers == [["1"], ["2", "evil", "3"], ["2"], ["evil"], ["3"]]
    assert set(Order.objects.values_list("external_id", flat=True)) == {"1", "2", "3"}


def key_of_a_client():
    create_api_key("shop", ["orders.edit"], now=NOW, actor=ACTOR)
    return ApiKey.objects.get().pk


def once(key_id, key, request):
    def answer(outcome):
        return None if outcome.state == "refused" else KeptAnswer(200, f"{outcome.state} {outcome.document_id}")

    return Once(Claim(key_id, key, request.encode()), answer)


def test_a_key_counts_once_within_a_batch_and_after_it(batches):
    key_id = key_of_a_client()
    docs = [paid("1"), paid("2"), paid("2"), paid("3"), paid("none", shop_code="none")]
    onces = [None, *(once(key_id, *said) for said in [("a", "2"), ("a", "2"), ("a", "3"), ("b", "none")])]

    first, done, again, other, refused = bring_all(batches, docs, onces)

    assert (first.state, done.state, refused.state) == ("accepted", "accepted", "refused")
    assert again == KeptAnswer(200, f"accepted {done.document_id}")
    assert isinstance(other, Refusal)
    assert other.code == "idempotency.other_request"
    # the key of what was refused is free again
    assert list(IdempotentRequest.objects.values_list("key", "status", "body")) == [("a", 200, again.body)]
    assert set(Order.objects.values_list("external_id", flat=True)) == {"1", "2"}
    assert bring(paid("2"), once(key_id, "a", "2")) == again


def test_a_key_takes_two_statements_more():
    put("sh", A=9)
    key_id = key_of_a_client()
    bring(paid("warm"))

    with transaction.atomic(), statements() as plain:
        accept_together(paid("1"), actor=ACTOR, now=NOW)
    with transaction.atomic(), statements() as keyed:
        accept_together(paid("2"), actor=ACTOR, now=NOW, once=once(key_id, "k", "2"))

    added = len(keyed) - len(plain)
    assert added == 2, "\n".join(map(shape, keyed))


def test_inside_a_transaction_of_the_caller_it_is_part_of_it():
    with transaction.atomic():
        assert accept_together(paid("1"), actor=ACTOR, now=NOW).state == "accepted"
        transaction.set_rollback(True)

    assert not Order.objects.exists()


def test_many_threads_and_few_units():
    put("sh", A=40)

    with ThreadPoolExecutor(16) as threads:
        outcomes = list(threads.map(lambda n: bring(paid(f"{n}")), range(200)))

    assert [outcome.state for outcome in outcomes] == ["accepted"] * 200
    assert (pool("A"), len(open_holds())) == ((40, 0, 40), 160)
    assert reconcile().differences == []
    connections.close_all()
