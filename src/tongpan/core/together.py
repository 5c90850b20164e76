"""Group commit: what several threads of one process ask for at once is done as one batch.

Nobody who is alone waits. Who comes while nothing runs begins at once, with those who are just coming; who comes
while a batch runs waits for it, and all who did are the next batch. So batches grow with contention and are of one
without it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")
_LONGEST_WAIT = 0.05
"""Seconds in which a batch is complete, however many keep coming."""


class _Waiting(Generic[T, R]):
    """One request: it is told to lead the next batch, or that it is done."""

    __slots__ = ("error", "item", "leads", "result", "told")

    def __init__(self, item: T) -> None:
        self.item = item
        # A bare lock, released once to tell: an event is several, and hundreds may be told at once.
        self.told = threading.Lock()
        self.told.acquire()
        self.leads = False
        self.result: R | None = None
        self.error: BaseException | None = None


class Together(Generic[T, R]):
    """Combines concurrent calls of ``do`` into calls of ``work``.

    work: does a batch of at most ``most`` items and gives one result for each, at the same position; it does all of
    it or, raising, none. After it raised, each item of the batch is done alone, so that one of them spoils nothing
    for the others. Items of one thread are done in its order; among threads in the order they came.
    """

    def __init__(self, work: Callable[[Sequence[T]], Sequence[R]], *, most: int = 500) -> None:
        self._work = work
        self._most = most
        self._lock = threading.Lock()
        self._queue: deque[_Waiting[T, R]] = deque()
        self._is_busy = False

    def do(self, item: T) -> R:
        """The result of ``item``, done by this thread or another one. Raises what ``work`` raises for it alone."""
        mine: _Waiting[T, R] = _Waiting(item)
        with self._lock:
            self._queue.append(mine)
            if not self._is_busy:
                self._is_busy = mine.leads = True
        if not mine.leads:
            mine.told.acquire()
        if mine.leads:
            self._lead()
        if mine.error is not None:
            raise mine.error
        return mine.result  # type: ignore[return-value]

    def _lead(self) -> None:
        """Do all that is queued, this thread's own item first among it; then let the next in the queue lead."""
        self._give_way()
        with self._lock:
            batch = [self._queue.popleft() for _ in range(min(self._most, len(self._queue)))]
        try:
            self._do(batch)
        finally:
            with self._lock:
                following = self._queue[0] if self._queue else None
                self._is_busy = following is not None
            if following is not None:
                following.leads = True
                following.told.release()
            for waiting in batch[1:]:
                waiting.told.release()

    def _give_way(self) -> None:
        """Let other threads run, once, and again for as long as one of them came meanwhile.

        A thread that runs keeps the others from asking: of hundreds that come at once the first would otherwise do
        its item alone, at the price of a whole batch. Who is alone loses a microsecond.
        """
        until = time.monotonic() + _LONGEST_WAIT
        came = 0
        while came < len(self._queue) < self._most and time.monotonic() < until:
            came = len(self._queue)
            time.sleep(0)

    def _do(self, batch: list[_Waiting[T, R]]) -> None:
        try:
            results = self._work([waiting.item for waiting in batch])
            if len(results) != len(batch):
                raise ValueError(f"A batch of {len(batch)} gave {len(results)} results.")
        except Exception as error:
            if len(batch) == 1:
                batch[0].error = error
            else:
                for waiting in batch:
                    self._do([waiting])
        except BaseException as error:
            # The thread is told to end: the others must not wait for it for ever.
            for waiting in batch[1:]:
                waiting.error = RuntimeError("The thread that did this was ended.")
            batch[0].error = error
        else:
            for waiting, result in zip(batch, results, strict=True):
                waiting.result = result
