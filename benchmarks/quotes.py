"""What a cart costs, asked through the HTTP API by eight clients at once of two web processes.

A cart of 20 lines, a price list, a rulebook of 50 rules that all count, three of them with limits, and a coupon. The
clients are threads of one process that keep their connections. Beside it the same work without HTTP, in one process.
"""

from __future__ import annotations

import http.client
import json
import os
import statistics
import threading
import time
from dataclasses import dataclass
from typing import Any

from django.db import connection

from benchmarks.orders import in_its_own_process, open_shop
from benchmarks.place import Place, fresh_place
from benchmarks.single_orders import _web as web
from benchmarks.table import Row
from tongpan.core.clock import utc_now
from tongpan.core.config import load_config
from tongpan.runtime.session import database_session

CLIENTS = 8
LINES = 20
RULES = 50
EACH = 150
GOAL_MS = 15.0


def measure() -> list[Row]:
    with fresh_place() as place:
        taken = in_its_own_process(place, "benchmarks.quotes")
    return [
        Row(
            f"quote of {LINES} lines by {RULES} rules through the API, {CLIENTS} clients, p95",
            f"{taken['p95']:.1f} ms (median {taken['median']:.1f} ms, {taken['rate']:,.0f}/s)",
            f"{taken['alone']:.1f} ms (median of the same work in one process without HTTP)",
            "",
            f"<= {GOAL_MS:.0f} ms",
            taken["p95"] <= GOAL_MS,
        )
    ]


@dataclass(frozen=True, slots=True)
class Shelf:
    """What is asked for: the carts, and the key to ask with."""

    carts: list[str]
    key: str


def _fill() -> Shelf:
    from tongpan.access.actions import create_api_key
    from tongpan.orders.actions.carts import CartLineSpec, open_cart
    from tongpan.pricing.actions import PriceChange, request_changes
    from tongpan.promotions.actions import publish, save_draft
    from tongpan.promotions.actions.batches import BatchSpec, create_batch
    from tongpan.promotions.conflicts.actions import accept, ensure_checked
    from tongpan.promotions.conflicts.queries import last_check
    from tongpan.promotions.queries import draft_of

    open_shop()
    now = utc_now()
    by: dict[str, Any] = {"actor": "bench", "now": now}
    request_changes([PriceChange("own", f"SKU-{n:05}", 1000 + n) for n in range(LINES * 4)], why="bench", **by)
    rules = [
        {
            "code": f"r{n}",
            "kind": "percent" if n % 2 else "stepped",
            "scope": {"all": True} if n % 10 == 0 else {"skus": [f"SKU-{m:05}" for m in range(n, n + 20)]},
            "benefit": {"percent": 5 + n % 20} if n % 2 else {"steps": [{"from_minor": 5000, "amount_minor": 500 + n}]},
            "limits": {"money_minor": 10**9} if n % 20 == 1 else {},
        }
        for n in range(RULES - 1)
    ]
    coupon = {"code": "c", "kind": "amount", "scope": {"all": True}, "benefit": {"amount_minor": 100}}
    save_draft("bench", {"rules": [*rules, coupon | {"needs_coupon": True}], "stack": [["item", "coupon"]]}, **by)
    ensure_checked("bench", **by)
    found = last_check(draft_of("bench"))
    for one in found.findings if found else ():
        accept("bench", one.row.key, reason="A benchmark.", **by)
    publish("bench", **by)
    create_batch(BatchSpec("Bench", "c", utc_now(), word="BENCH"), **by)
    carts = [
        open_cart(
            "bench",
            [CartLineSpec(f"SKU-{n:05}", 1 + n % 3, 1000 + n) for n in range(run, run + LINES)],
            None,
            now=utc_now(),
        )
        for run in range(CLIENTS * 4)
    ]
    return Shelf(carts, create_api_key("bench", ["orders.view"], **by))


def _ask(place: Place, shelf: Shelf, client: int, count: int, taken: list[float]) -> None:
    link = http.client.HTTPConnection("127.0.0.1", place.port)
    headers = {"Authorization": f"Bearer {shelf.key}", "Content-Type": "application/json"}
    body = json.dumps({"coupons": ["BENCH"]})
    for n in range(count):
        cart = shelf.carts[(client * 4 + n) % len(shelf.carts)]
        started = time.perf_counter()
        link.request("POST", f"/api/v1/carts/{cart}/quote", body, headers)
        answer = link.getresponse()
        said = answer.read()
        taken.append(time.perf_counter() - started)
        if answer.status != 200:
            raise RuntimeError(said)
    link.close()


def _all(place: Place, shelf: Shelf, count: int) -> tuple[list[float], float]:
    taken: list[list[float]] = [[] for _ in range(CLIENTS)]
    threads = [threading.Thread(target=_ask, args=(place, shelf, n, count, taken[n])) for n in range(CLIENTS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(one for mine in taken for one in mine), time.perf_counter() - started


def _times() -> dict[str, float]:
    from tongpan.orders.offering import OfferFacts
    from tongpan.orders.queries.offering import quote_of

    config = load_config()
    place = Place(config.data_dir, config.port)
    shelf = _fill()
    alone = []
    for n in range(100):
        started = time.perf_counter()
        quote = quote_of(shelf.carts[n % len(shelf.carts)], OfferFacts(("BENCH",)), now=utc_now())
        alone.append(time.perf_counter() - started)
        if not quote.discount_minor or quote.lines[0].price_kind == "front":
            raise RuntimeError("The quote has no discount, or no price of the book.")
    with web(place):
        _all(place, shelf, 20)
        taken, seconds = _all(place, shelf, EACH)
    if len(taken) != CLIENTS * EACH:
        raise RuntimeError(f"{len(taken)} answers")
    return {
        "p95": taken[int(len(taken) * 0.95)] * 1000,
        "median": statistics.median(taken) * 1000,
        "rate": len(taken) / seconds,
        "alone": statistics.median(alone) * 1000,
    }


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tongpan.settings")
    with database_session(load_config()):
        print(json.dumps(_times()))
        connection.close()
