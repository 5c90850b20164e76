"""Sends the calls of a platform: within its pace, tried again where that helps, with a token that is good.

What decides about waiting and time is passed in, so that tests need neither.
"""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from tongpan.connectors.platforms.contract import Access, Answer, Call, Failure, Platform
from tongpan.core.clock import utc_now
from tongpan.core.late import Late

if TYPE_CHECKING:
    import httpx
else:
    httpx = Late("httpx")

TRIES = 5
LONGEST_WAIT = 30.0
SECONDS_TO_CONNECT, SECONDS_TO_ANSWER = 10.0, 30.0
LARGEST_SKEW = 300.0
"""Seconds that our clock may differ from the platform's before calls are refused: they would be anyway."""
_BIGGEST_BODY = 64 * 1024 * 1024

# It writes the address of every request into the log, and some platforms want the access token there.
logging.getLogger("httpx").setLevel(logging.WARNING)


def new_client() -> httpx.Client:
    """An HTTP client that follows no redirects: a signed call belongs to one address."""
    return httpx.Client(
        timeout=httpx.Timeout(SECONDS_TO_ANSWER, connect=SECONDS_TO_CONNECT),
        follow_redirects=False,
        headers={"User-Agent": "Tongpan"},
    )


@dataclass
class Caller:
    """Calls one account of one platform.

    access: gives what calls need, read anew before each try, so that a fresh token is used. renew: is asked for a
    new token once a call when the platform says that the old one is no good, and gets that old one. pace: is asked
    before each try how many seconds it must wait.
    """

    platform: Platform
    access: Callable[[], Access]
    renew: Callable[[str], None]
    pace: Callable[[], float]
    client: httpx.Client
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], datetime] = utc_now
    jitter: Callable[[], float] = random.random
    skew_seconds: float | None = None
    """How far the platform's clock is ahead of ours, as the last answer said."""
    calls: int = field(default=0)

    def send(self, build: Callable[[Access], Call]) -> Answer:
        """The good answer of the call that ``build`` makes, built anew for each try: it carries the time.

        Raises Failure when it was refused, or failed in a way that may pass as often as it is tried.
        """
        renewed = False
        for attempt in range(1, TRIES + 1):
            access = self.access()
            try:
                return self._once(build(access))
            except Failure as failure:
                if failure.kind == "token" and not renewed and "refresh" in self.platform.abilities:
                    renewed = True
                    self.renew(access.access_token)
                    continue
                if failure.kind in ("token", "refused") or attempt == TRIES:
                    raise
                self.sleep(self._wait(attempt, failure.retry_after))
        raise AssertionError("unreachable")

    def _wait(self, attempt: int, asked: float) -> float:
        """Twice as long each time and never the same twice, or as long as the platform asks for."""
        own: float = min(LONGEST_WAIT, 0.5 * 2**attempt) * (0.5 + self.jitter() / 2)
        return float(min(LONGEST_WAIT, max(own, asked)))

    def _once(self, call: Call) -> Answer:
        if wait := self.pace():
            self.sleep(wait)
        self.calls += 1
        try:
            response = self.client.request(
                call.method,
                call.url,
                params=dict(call.query) or None,
                data=dict(call.form) if call.form is not None else None,
                content=call.content,
                headers=dict(call.headers),
            )
        except httpx.TransportError as error:
            raise Failure("temporary", "network", f"{self.platform.title} was not reached: {error}.") from None
        except httpx.InvalidURL:
            raise Failure("refused", "address", "The account's address is not one that can be called.") from None
        answer = _answer(response)
        self._check_clock(answer)
        if failure := _of_overload(answer) or self.platform.failure(answer) or _of_status(answer):
            raise failure
        if answer.data is None:
            raise Failure("temporary", "body", f"{self.platform.title} answered with something that is not JSON.")
        return answer

    def _check_clock(self, answer: Answer) -> None:
        try:
            there = parsedate_to_datetime(answer.headers["date"])
        except (KeyError, ValueError):
            return
        self.skew_seconds = (there - self.clock()).total_seconds()
        if abs(self.skew_seconds) > LARGEST_SKEW:
            ahead = "ahead of" if self.skew_seconds > 0 else "behind"
            raise Failure(
                "refused",
                "clock",
                f"The clock of {self.platform.title} is {abs(self.skew_seconds):.0f} seconds {ahead} the clock of this "
                "machine. Set this machine's clock right (NTP); signed calls with a wrong time are refused.",
            )


def _answer(response: httpx.Response) -> Answer:
    body = response.content
    data: Any = None
    if len(body) <= _BIGGEST_BODY:
        try:
            data = json.loads(body)
        except ValueError:
            data = None
    return Answer(response.status_code, {name.lower(): value for name, value in response.headers.items()}, body, data)


def _of_overload(answer: Answer) -> Failure | None:
    """A server that is down or overrun says so by its status line; what is in the body is then anybody's."""
    after = _seconds(answer.headers.get("retry-after", ""))
    words = f"It answered with HTTP status {answer.status}."
    if answer.status == 429:
        return Failure("throttled", "429", words, after)
    if answer.status >= 500 or answer.status == 408:
        return Failure("temporary", str(answer.status), words, after)
    return None


def _of_status(answer: Answer) -> Failure | None:
    """What the status line says where the platform's own words say nothing."""
    if answer.status < 300:
        return None
    return Failure("refused", str(answer.status), f"It answered with HTTP status {answer.status}.")


def _seconds(text: str) -> float:
    try:
        return max(0.0, float(text))
    except ValueError:
        return 0.0
