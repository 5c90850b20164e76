"""Web, worker, readers and database are killed while ten thousand orders come in: each that was accepted is in once."""

import http.client
import itertools
import json
import os
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psutil
import pytest
from tests.support.installation import Installation

pytestmark = pytest.mark.slow

ORDERS = 10_000
SINGLE = 300
BATCH = 97
CLIENTS = 6
SKUS = 40
UNITS = 200
PATIENCE = 90
VICTIMS = ("web", "postgres", "readers", "worker", "postgres", "web")


def money(minor):
    return {"amount": f"{minor / 100:.2f}", "currency": "CNY"}


class Shop:
    """A client that sends a request until it is answered, under one Idempotency-Key."""

    def __init__(self, installation: Installation, key: str) -> None:
        self.port = int(installation.environment["TONGPAN_PORT"])
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self.numbers = itertools.count(1)
        self.interrupted = 0

    def send(self, method, path, body):
        key = {"Idempotency-Key": f"request-{next(self.numbers)}"}
        content = json.dumps(body).encode()
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
                connection.request(method, f"/api/v1{path}", content, self.headers | key)
                answer = connection.getresponse()
                text = answer.read()
                connection.close()
                if answer.status == 200:
                    return json.loads(text)
                # a dead database is said to be one
                assert answer.status == 503, (answer.status, text)
            except (OSError, http.client.HTTPException):
                pass
            self.interrupted += 1
            assert time.monotonic() < deadline, "the installation did not come back"
            time.sleep(0.2)


def an_order(chance, number, now):
    codes = chance.sample(range(SKUS), chance.randint(1, 5))
    return {
        "shop": "gifts",
        "number": f"T{number:05}",
        "placed_at": (now - timedelta(hours=1)).isoformat(),
        "paid_at": now.isoformat(),
        "currency": "CNY",
        "lines": [{"code": f"S{code}", "qty": chance.randint(1, 2), "amount": money(990)} for code in codes],
        "buyer": {"value": f"buyer-{number % 700}", "name": "张三", "city": "杭州市"},
    }


def open_shop(shop: Shop, now: datetime) -> None:
    shop.send("PUT", "/channels/own", {"name_zh": "商城", "name_en": "Mall"})
    shop.send("PUT", "/shops/gifts", {"channel": "own", "name": "Gifts"})
    shop.send("PUT", "/nodes/hz", {"kind": "central", "name": "Hangzhou", "city": "杭州市"})
    shop.send("PUT", "/shops/gifts/services", {"nodes": ["hz"], "returns_node": "hz"})
    lines = [{"sku": f"S{n}", "qty": UNITS} for n in range(SKUS)]
    opening = {"source": "t", "number": "1", "node": "hz", "occurred_at": now.isoformat(), "lines": lines}
    shop.send("POST", "/stock/adjustments", {"documents": [opening]})


def victims(supervisor, installation):
    postmaster = int((installation.data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    found = {"postgres": [psutil.Process(postmaster)], "web": [], "worker": [], "readers": []}
    for process in psutil.Process(supervisor.pid).children(recursive=True):
        try:
            for word in set(process.cmdline()) & {"web", "worker", "readers"}:
                found[word].append(process)
        except psutil.Error:
            continue
    return found


def kill_in_turn(supervisor, installation, is_over, killed):
    """Kill one part after the other, at random points, until all had their turn or the orders are in."""
    chance = random.Random(20261122)
    for victim in VICTIMS:
        if is_over.wait(chance.uniform(0.3, 1.5)):
            return
        try:
            for process in victims(supervisor, installation)[victim]:
                os.kill(process.pid, signal.SIGKILL)
                killed.append(victim)
        except (OSError, psutil.Error, ValueError, IndexError):
            continue  # it is about to come back from the last time


def test_every_accepted_order_is_in_once_whatever_is_killed(installation: Installation) -> None:
    # given an installation that runs, with a shop and some stock
    supervisor = installation.start("up")
    assert supervisor.stdout is not None
    try:
        for line in supervisor.stdout:
            if f":{installation.environment['TONGPAN_PORT']}" in line and "http" in line:
                break
        threading.Thread(target=supervisor.stdout.read, daemon=True).start()
        shop = Shop(installation, installation.json("apikey", "create", "shop", "--all")["key"])
        now = datetime.now(UTC)
        open_shop(shop, now)
        chance = random.Random(7)
        orders = [an_order(chance, number, now) for number in range(ORDERS)]
        parts = [[order] for order in orders[:SINGLE]]
        parts += [orders[at : at + BATCH] for at in range(SINGLE, ORDERS, BATCH)]
        chance.shuffle(parts)

        # when its parts are killed in turn while clients send orders, each until it is answered
        is_over, killed = threading.Event(), []
        killer = threading.Thread(target=kill_in_turn, args=(supervisor, installation, is_over, killed))
        killer.start()
        with ThreadPoolExecutor(CLIENTS) as clients:
            answers = list(clients.map(lambda part: shop.send("POST", "/orders", {"orders": part}), parts))
        is_over.set()
        killer.join()
        again = [shop.send("POST", "/orders", {"orders": orders[at : at + 1000]}) for at in range(0, ORDERS, 1000)]
    finally:
        supervisor.send_signal(signal.SIGINT)
        supervisor.wait(timeout=60)

    # then every order was accepted, some more than once said so, and each is in once
    assert len(set(killed)) >= 3, killed
    assert shop.interrupted > 0
    states = [outcome["state"] for answer in answers for outcome in answer["outcomes"]]
    assert len(states) == ORDERS
    assert set(states) <= {"accepted", "unchanged"}
    assert {outcome["state"] for answer in again for outcome in answer["outcomes"]} == {"unchanged"}
    first = {o["number"]: o["id"] for answer in answers for o in answer["outcomes"]}
    assert first == {o["number"]: o["id"] for answer in again for o in answer["outcomes"]}
    assert len(set(first.values())) == ORDERS
    proof = installation.json("reconcile")
    assert (proof["clean"], proof["differences"]) == (True, [])
    assert proof["checked"]["orders"] == ORDERS
