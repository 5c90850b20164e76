"""Single orders: one hot SKU, and orders of five lines through the HTTP API.

Hot SKU: 400 buyers, a thread each, come at once for 100 units, each with an order of his own, all of which are stored.
The limit is what one row allows: 400 plain conditional UPDATEs of it over 16 connections, each of which finds a unit
and commits. It is measured with the same 400 buyers, and with 16 threads that do 25 each; the faster one is the limit.
Beside it, without a goal: the same with 100 units, where 300 of the 400 find nothing and write nothing.

HTTP: 16 clients send orders one by one to two web processes, against 16 connections of bare psycopg, in as many
processes, that send the very statements that intake sends for such an order.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import os
import queue
import random
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import psycopg
from django.db import connection, transaction
from psycopg import sql

from benchmarks.orders import LINES, documents, in_its_own_process, open_shop
from benchmarks.place import Place, fresh_place
from benchmarks.table import Row
from tongpan.core.bulk import execute, fetch_all
from tongpan.core.clock import utc_now
from tongpan.core.config import load_config
from tongpan.runtime.session import database_session

BUYERS = 400
UNITS = 100
ROUNDS = 5
CLIENTS = 16
PROCESSES = 2
ORDERS = 1_600
HTTP_GOAL = 0.5
HOT_GOAL = 1.0
_forked = multiprocessing.get_context("fork")


def measure() -> list[Row]:
    with fresh_place() as place:
        taken = in_its_own_process(place, "benchmarks.single_orders")
    single = taken["http"] / taken["http_limit"]
    return [
        _hot_row(taken, "all", f"hot SKU, {BUYERS} buyers for {UNITS} units: exactly {UNITS}", HOT_GOAL),
        _hot_row(taken, "short", f"hot SKU, the {BUYERS - UNITS} who get nothing written by us alone", None),
        Row(
            f"single order of {LINES} lines through HTTP, {CLIENTS} clients",
            f"{taken['http']:,.0f}/s",
            f"{taken['http_limit']:,.0f}/s (psycopg, the same statements)",
            f"{single:.0%}",
            f">= {HTTP_GOAL:.0%}",
            single >= HTTP_GOAL,
        ),
    ]


def _hot_row(taken: dict[str, float], side: str, what: str, goal: float | None) -> Row:
    buyers, loops = taken[f"buyers_{side}"], taken[f"loops_{side}"]
    limit = min(buyers, loops)
    return Row(
        what,
        f"{BUYERS / taken['hot']:,.0f} orders/s",
        f"{BUYERS / limit:,.0f}/s (conditional UPDATEs; {BUYERS} buyers {BUYERS / buyers:,.0f}, "
        f"{CLIENTS} loops {BUYERS / loops:,.0f})",
        f"{limit / taken['hot']:.0%}",
        f">= {goal:.0%}" if goal else "",
        limit >= goal * taken["hot"] if goal else None,
    )


def at_once(works: Sequence[Callable[[], None]], before: Callable[[int], object] = lambda n: None) -> float:
    """Seconds from the moment when a thread for each of ``works`` is let go until the last one is done.

    before: what each thread does before it is let go; gets the position of its work.

    Each thread has a gate of its own: at a common one they would stand in line, and the line would be measured.
    """
    gates = [threading.Lock() for _ in works]
    ended: list[float] = []
    failed: list[BaseException] = []

    def run(position: int) -> None:
        before(position)
        ready.release()
        gates[position].acquire()
        try:
            works[position]()
        except BaseException as error:
            failed.append(error)
        ended.append(time.perf_counter())

    for gate in gates:
        gate.acquire()
    ready = threading.Semaphore(0)
    threads = [threading.Thread(target=run, args=(position,)) for position in range(len(works))]
    for thread in threads:
        thread.start()
    for _ in works:
        ready.acquire()
    started = time.perf_counter()
    for gate in gates:
        gate.release()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return max(ended) - started


def _connect() -> psycopg.Connection[Any]:
    parameters = connection.get_connection_params()
    wanted = ("dbname", "user", "password", "host", "port")
    return psycopg.connect(**{name: parameters[name] for name in wanted if parameters.get(name)}, autocommit=True)


def hot_sku() -> dict[str, float]:
    """The median seconds of each side; every round has a SKU of its own, and the sides take turns."""
    from tongpan.inventory.actions import adjust
    from tongpan.inventory.engine import AdjustmentDoc, StockLine

    times: dict[str, list[float]] = {
        side: [] for side in ("hot", "loops_all", "buyers_all", "loops_short", "buyers_short")
    }
    execute("CREATE TABLE bench_stock (sku bigint PRIMARY KEY, free bigint CHECK (free >= 0)) WITH (fillfactor = 50)")
    for run in range(ROUNDS):
        stock = AdjustmentDoc("bench", f"hot-{run}", "wh", utc_now(), [StockLine(f"HOT-{run}", UNITS)])
        adjust([stock], actor="bench", now=utc_now())
        times["hot"].append(_buyers(run))
        for row, (side, units) in enumerate((("all", BUYERS), ("short", UNITS))):
            times[f"loops_{side}"].append(_updates(10 * run + row, units, CLIENTS))
            times[f"buyers_{side}"].append(_updates(10 * run + 5 + row, units, BUYERS))
    return {side: statistics.median(seconds) for side, seconds in times.items()}


def _buyers(run: int) -> float:
    from tongpan.orders.actions import accept_together
    from tongpan.orders.engine import LineDoc, OrderDoc

    now = utc_now()

    def buy(number: int) -> Callable[[], None]:
        line = LineDoc("goods", f"HOT-{run}", "Hot", 1, 1000)
        doc = OrderDoc("bench", f"hot-{run}-{number}", now, "CNY", [line], paid_at=now)

        def work() -> None:
            accept_together(doc, actor="bench", now=now)

        return work

    def open_connection(position: int) -> None:
        # As many as the limit has; a thread of a web server has used its connection before.
        if connection.connection is None and position < CLIENTS:
            connection.ensure_connection()

    seconds = at_once([buy(number) for number in range(BUYERS)], open_connection)
    orders, held, waiting = fetch_all(
        """SELECT count(*), (SELECT held FROM inventory_pool p JOIN catalog_sku s ON s.id = p.sku_id WHERE s.code = %s),
                  count(*) FILTER (WHERE EXISTS (SELECT FROM orders_hold h WHERE h.order_id = o.id))
           FROM orders_order o WHERE external_id LIKE %s""",
        [f"HOT-{run}", f"hot-{run}-%"],
    )[0]
    if (orders, held, waiting) != (BUYERS, UNITS, BUYERS - UNITS):
        raise RuntimeError(f"{orders} orders, {held} units promised, {waiting} waiting")
    return seconds


def _updates(row: int, units: int, clients: int) -> float:
    """Seconds of ``BUYERS`` conditional UPDATEs of a row with ``units``, over ``CLIENTS`` connections, each committed.

    clients: as many threads share them; each does its part of the updates with a connection that is free.
    """
    execute("INSERT INTO bench_stock VALUES (%s, %s)", [row, units])
    connections = [_connect() for _ in range(CLIENTS)]
    free: queue.SimpleQueue[psycopg.Connection[Any]] = queue.SimpleQueue()
    for one in connections:
        free.put(one)
    won: list[int] = []

    def update() -> None:
        mine = free.get()
        for _ in range(BUYERS // clients):
            won.append(
                mine.execute("UPDATE bench_stock SET free = free - 1 WHERE sku = %s AND free >= 1", [row]).rowcount
            )
        free.put(mine)

    seconds = at_once([update] * clients)
    for one in connections:
        one.close()
    if sum(won) != units:
        raise RuntimeError(f"{sum(won)} of {units} were sold")
    return seconds


Sent = list[tuple[str, Any]]
"""The statements of one order: ("execute", (statement, parameters)) or ("copy", (statement, rows))."""


@contextmanager
def _noted(sent: Sent) -> Iterator[None]:
    """Notes what intake sends, COPY with its rows."""
    from tongpan.orders.actions import rows

    def note(run: Any, statement: Any, parameters: Any, many: bool, context: Any) -> Any:
        text = statement if isinstance(statement, str) else statement.as_string(None)
        if "SAVEPOINT" not in text:
            sent.append(("execute", (text, parameters)))
        return run(statement, parameters, many, context)

    real = vars(rows)["copy_rows"]

    def copy(table: str, columns: Sequence[str], values: Any) -> None:
        kept = list(values)
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names).as_string(None)
        sent.append(("copy", (statement, kept)))
        real(table, columns, kept)

    vars(rows)["copy_rows"] = copy
    try:
        with connection.execute_wrapper(note):
            yield
    finally:
        vars(rows)["copy_rows"] = real


def _statements_of(docs: Sequence[Any]) -> list[Sent]:
    """What intake sends for each of ``docs``; each is rolled back, so that it can be sent again."""
    from tongpan.orders.actions import accept

    found = []
    for doc in docs:
        sent: Sent = []
        with transaction.atomic():
            with _noted(sent):
                accept([doc], actor="bench", now=utc_now())
            transaction.set_rollback(True)
        found.append(sent)
    return found


def _send(orders: Sequence[Sent]) -> None:
    with _connect() as mine:
        cursor = psycopg.ClientCursor(mine)
        for sent in orders:
            with mine.transaction():
                for kind, (statement, values) in sent:
                    if kind == "copy":
                        with cursor.copy(statement) as copy:
                            for row in values:
                                copy.write_row(row)
                    else:
                        cursor.execute(statement, values)
                        if cursor.description:
                            cursor.fetchall()


def _psycopg(orders: list[Sent]) -> float:
    """Orders a second of ``CLIENTS`` connections in ``PROCESSES`` processes."""
    connection.close()
    gate = _forked.Barrier(PROCESSES + 1)
    done = _forked.Queue()

    def work(part: list[Sent]) -> None:
        each = CLIENTS // PROCESSES
        gate.wait()
        try:
            at_once([partial(_send, part[n::each]) for n in range(each)])
            done.put("")
        except BaseException as error:
            done.put(repr(error))

    processes = [_forked.Process(target=work, args=(orders[n::PROCESSES],)) for n in range(PROCESSES)]
    for process in processes:
        process.start()
    gate.wait()
    started = time.perf_counter()
    errors = [done.get() for _ in processes]
    seconds = time.perf_counter() - started
    for process in processes:
        process.join()
    if any(errors):
        raise RuntimeError(str(errors))
    return len(orders) / seconds


def _body(doc: Any) -> bytes:
    def money(minor: int) -> dict[str, str]:
        return {"amount": f"{minor / 100:.2f}", "currency": "CNY"}

    order = {
        "shop": doc.shop_code,
        "number": doc.external_id,
        "placed_at": doc.placed_at.isoformat(),
        "paid_at": doc.paid_at.isoformat(),
        "currency": "CNY",
        "lines": [{"code": n.code, "name": n.name, "qty": n.qty, "amount": money(n.amount_minor)} for n in doc.lines],
        "buyer": {"value": doc.buyer.value, "name": doc.buyer.name, "province": "浙江省", "city": "杭州市"},
        "ship_to": {
            "province": "浙江省",
            "city": "杭州市",
            "recipient": doc.ship_to.recipient,
            "phone": doc.ship_to.phone,
            "address": doc.ship_to.address,
        },
        "payments": [{"method": "alipay", "amount": money(doc.goods_minor), "paid_at": doc.paid_at.isoformat()}],
    }
    return json.dumps({"orders": [order]}, ensure_ascii=False).encode()


def _post(place: Place, key: str, bodies: Sequence[bytes]) -> None:
    client = http.client.HTTPConnection("127.0.0.1", place.port)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    for body in bodies:
        client.request("POST", "/api/v1/orders", body, headers)
        answer = client.getresponse()
        text = answer.read()
        if answer.status != 200 or b'"accepted"' not in text:
            raise RuntimeError(f"{answer.status} {text[:300]!r}")
    client.close()


def _http(place: Place, key: str, bodies: list[bytes]) -> float:
    seconds = at_once([partial(_post, place, key, bodies[n::CLIENTS]) for n in range(CLIENTS)])
    return len(bodies) / seconds


@contextmanager
def _web(place: Place) -> Iterator[None]:
    """The web alone: who reads the event log would take a share of the processors from both sides at random."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tongpan", "web"], env=os.environ | {"TONGPAN_WEB_WORKERS": str(PROCESSES)}
    )
    try:
        for _ in range(300):
            try:
                client = http.client.HTTPConnection("127.0.0.1", place.port, timeout=5)
                client.request("GET", "/health/live")
                if client.getresponse().status == 200:
                    break
            except OSError:
                time.sleep(0.1)
        else:
            raise RuntimeError("The web did not come up.")
        yield
    finally:
        process.terminate()
        process.wait(30)


def singles(place: Place) -> tuple[float, float]:
    """Orders a second of (HTTP, psycopg); the medians of rounds in turns."""
    from tongpan.access.actions import create_api_key
    from tongpan.orders.actions import accept

    key = create_api_key("bench", ["orders.edit"], now=utc_now(), actor="bench")
    chance, now = random.Random(11), utc_now()
    # Of known buyers: the number of a new one would be another one when the statements are sent again.
    buyers = [doc.buyer for doc in documents("known", chance, now, ORDERS)]
    accept(documents("known", chance, now, ORDERS), actor="bench", now=now)

    def orders(run: str) -> list[Any]:
        docs = documents(run, chance, now, ORDERS)
        return [replace(doc, buyer=buyer) for doc, buyer in zip(docs, buyers, strict=True)]

    found: dict[str, list[float]] = {"http": [], "limit": []}
    with _web(place):
        _http(place, key, [_body(doc) for doc in orders("warm")])
        for run in range(3):
            found["http"].append(_http(place, key, [_body(doc) for doc in orders(f"h{run}")]))
            found["limit"].append(_psycopg(_statements_of(orders(f"p{run}"))))
    return sorted(found["http"])[1], sorted(found["limit"])[1]


def _times() -> dict[str, float]:
    from tongpan.inventory.queries import reconcile

    config = load_config()
    open_shop()
    execute("ANALYZE")
    times = hot_sku()
    http_rate, psycopg_rate = singles(Place(config.data_dir, config.port))
    if differences := reconcile().differences:
        raise RuntimeError(f"The book does not add up: {differences[:3]}")
    return times | {"http": http_rate, "http_limit": psycopg_rate}


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tongpan.settings")
    with database_session(load_config()):
        print(json.dumps(_times()))
        connection.close()
