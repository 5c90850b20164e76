"""Concurrent calls become batches: by contention alone, exact for each, and without one spoiling the others."""

import threading

import pytest

from tongpan.core.together import Together


class Recorder:
    """A ``work`` that notes its batches, and that a test can hold up."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.entered = threading.Semaphore(0)
        self.may_go = threading.Semaphore(0)

    def __call__(self, items):
        self.batches.append(list(items))
        self.entered.release()
        assert self.may_go.acquire(timeout=10)
        if -1 in items:
            raise ValueError("minus one")
        return [item * 10 for item in items]


def calls(together, items):
    """Start a thread for each item, one after the other; (threads, results by item)."""
    results = {}

    def call(item):
        try:
            results[item] = together.do(item)
        except ValueError as error:
            results[item] = str(error)

    threads = []
    for item in items:
        before = len(together._queue)
        thread = threading.Thread(target=call, args=(item,))
        thread.start()
        threads.append(thread)
        if item != items[0]:
            while len(together._queue) == before:
                pass
        else:
            together._work.entered.acquire(timeout=10)
    return threads, results


def finish(work, threads, releases):
    for _ in range(releases):
        work.may_go.release()
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)


def test_who_is_alone_is_done_at_once_and_alone():
    work = Recorder()
    work.may_go.release()

    assert Together(work).do(7) == 70
    assert work.batches == [[7]]


def test_those_who_are_just_coming_are_in_the_first_batch(monkeypatch):
    work, coming, threads, results = Recorder(), [2, 3], [], {}
    together = Together(work)

    def others_run(seconds):
        if coming:
            item = coming.pop(0)
            threads.append(threading.Thread(target=lambda: results.update({item: together.do(item)})))
            threads[-1].start()
            while len(together._queue) < item:
                pass

    monkeypatch.setattr("tongpan.core.together.time.sleep", others_run)
    work.may_go.release()

    assert together.do(1) == 10
    finish(work, threads, 0)
    assert work.batches == [[1, 2, 3]]
    assert results == {2: 20, 3: 30}


def test_a_batch_begins_in_the_end_however_many_keep_coming(monkeypatch):
    now, threads = [0.0], []
    together = Together(list)

    def one_more_comes(seconds):
        now[0] += 0.01
        threads.append(threading.Thread(target=together.do, args=(0,)))
        before = len(together._queue)
        threads[-1].start()
        while len(together._queue) == before:
            pass

    monkeypatch.setattr("tongpan.core.together.time.sleep", one_more_comes)
    monkeypatch.setattr("tongpan.core.together.time.monotonic", lambda: now[0])

    assert together.do(1) == 1
    assert 0.05 <= now[0] <= 0.07
    monkeypatch.undo()
    for thread in threads:
        thread.join(10)


def test_those_who_came_while_a_batch_ran_are_the_next_one():
    work = Recorder()
    together = Together(work)

    threads, results = calls(together, [1, 2, 3, 4])
    finish(work, threads, 2)

    assert work.batches == [[1], [2, 3, 4]]
    assert results == {1: 10, 2: 20, 3: 30, 4: 40}
    assert (together._is_busy, len(together._queue)) == (False, 0)


def test_a_batch_is_bounded():
    work = Recorder()

    threads, results = calls(Together(work, most=2), [1, 2, 3, 4, 5, 6])
    finish(work, threads, 4)

    assert work.batches == [[1], [2, 3], [4, 5], [6]]
    assert results == {n: n * 10 for n in range(1, 7)}


def test_one_that_fails_fails_alone():
    work = Recorder()

    threads, results = calls(Together(work), [1, 2, -1, 4])
    finish(work, threads, 5)

    assert work.batches == [[1], [2, -1, 4], [2], [-1], [4]]
    assert results == {1: 10, 2: 20, -1: "minus one", 4: 40}


def test_when_the_leader_fails_the_next_one_leads():
    work = Recorder()

    threads, results = calls(Together(work), [-1, 2])
    finish(work, threads, 2)

    assert results == {-1: "minus one", 2: 20}


def test_an_end_of_the_leading_thread_leaves_nobody_waiting():
    def work(items):
        if items == [0]:
            entered.set()
            go.wait(10)
        if 1 in items:
            raise SystemExit
        return items

    entered, go, together, told = threading.Event(), threading.Event(), Together(work), []

    def call(item):
        try:
            told.append(together.do(item))
        except (RuntimeError, SystemExit) as error:
            told.append(type(error))

    threads = [threading.Thread(target=call, args=(0,))]
    threads[0].start()
    entered.wait(10)
    for item in (1, 2):
        threads.append(threading.Thread(target=call, args=(item,)))
        threads[-1].start()
        while len(together._queue) < item:
            pass
    go.set()
    for thread in threads:
        thread.join(10)

    assert sorted(map(str, told)) == sorted(map(str, [0, SystemExit, RuntimeError]))
    assert together.do(5) == 5


def test_many_threads_each_get_their_own_result():
    together = Together(lambda items: [item * 2 for item in items])
    found: dict[int, int] = {}

    def call(first):
        for n in range(first, first + 500):
            found[n] = together.do(n)

    threads = [threading.Thread(target=call, args=(k * 500,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert found == {n: n * 2 for n in range(4000)}


@pytest.mark.parametrize("size", [0, 2])
def test_a_work_that_loses_count_is_an_error(size):
    with pytest.raises(ValueError, match="A batch of 1"):
        Together(lambda items: [0] * size).do(1)
