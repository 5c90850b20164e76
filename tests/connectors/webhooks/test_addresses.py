"""What may be sent to: public addresses by https; own networks only when the operator says so."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from typing import Any

import pytest
from tests.connectors.webhooks.receiving import receiver

from tongpan.connectors.webhooks import posting
from tongpan.connectors.webhooks.posting import NETWORKS_SETTING, check_url, is_public, post, resolve
from tongpan.core.errors import Refusal


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1",
        "224.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1",
    ],
)  # fmt: skip
def test_inner_addresses_are_not_public(text: str) -> None:
    assert not is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111"])
def test_others_are(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/", "example.com", "https:///x", "https://user:pw@example.com/", "https://example.com/#x",
        "http://example.com/", "https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest/",
        "https://example.com:99999/", "https://exa mple.com/", "https://example.com/\r\nX: y", "https://例子.com/",
        "https://example.com:0/",
    ],
)  # fmt: skip
def test_such_an_address_is_refused_at_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NETWORKS_SETTING, raising=False)
    with pytest.raises(Refusal):
        check_url(url)


def _resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    found = [
        (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in addresses
    ]
    monkeypatch.setattr(posting.socket, "getaddrinfo", lambda *_a, **_k: found)


def test_a_name_that_means_an_inner_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NETWORKS_SETTING, raising=False)
    for addresses in (["10.0.0.5"], ["93.184.216.34", "127.0.0.1"], ["::ffff:192.168.0.1"]):
        _resolving(monkeypatch, *addresses)
        with pytest.raises(Refusal) as refused:
            resolve(check_url("https://hooks.example.com/"))
        assert refused.value.code == "webhook.address"

        answer = post("https://hooks.example.com/", {}, b"{}")
        assert answer.status is None
        assert "no public address" in answer.error


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that means something else at the second look is not looked at a second time."""
    monkeypatch.delenv(NETWORKS_SETTING, raising=False)
    looks: list[str] = []
    connected: list[Any] = []

    def look(*_a: Any, **_k: Any) -> list[Any]:
        looks.append("look")
        address = "93.184.216.34" if len(looks) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443))]

    def connect(_self: socket.socket, address: Any) -> None:
        connected.append(address)
        raise OSError("not in a test")

    monkeypatch.setattr(posting.socket, "getaddrinfo", look)
    monkeypatch.setattr(socket.socket, "connect", connect)

    answer = post("https://hooks.example.com/", {}, b"{}")

    assert (looks, connected, answer.error) == (["look"], [("93.184.216.34", 443)], "not in a test")


def test_plain_http_stays_in_the_own_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NETWORKS_SETTING, "127.0.0.0/8")
    _resolving(monkeypatch, "93.184.216.34")

    assert "Plain http" in post("http://hooks.example.com/", {}, b"{}").error


def test_a_wrong_setting_is_refused_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NETWORKS_SETTING, "127.0.0.1/8")
    with pytest.raises(Refusal) as refused:
        posting.own_networks()
    assert refused.value.code == "config.invalid"


def test_an_own_network_may_be_sent_to_when_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NETWORKS_SETTING, "127.0.0.0/8")
    with receiver() as there:
        answer = post(there.url, {"X-A": "b"}, b'{"a":1}')

    assert (answer.status, answer.text, answer.error) == (200, "thanks", "")
    [got] = there.received
    assert (got.path, got.body, got.headers["x-a"]) == ("/hook?of=tests", b'{"a":1}', "b")
    assert got.headers["content-type"] == "application/json"
    assert got.headers["host"] == f"127.0.0.1:{there.port}"


def test_a_redirect_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NETWORKS_SETTING, "127.0.0.0/8")
    with receiver() as there:
        there.status, there.headers = 307, {"Location": f"http://127.0.0.1:{there.port}/elsewhere"}
        assert post(there.url, {}, b"{}").status == 307

    assert len(there.received) == 1


def test_a_receiver_that_drips_is_left_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NETWORKS_SETTING, "127.0.0.0/8")
    stop = threading.Event()

    def drip(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not stop.wait(0.05):
            handler.wfile.write(b"X-More: 1\r\n")
            handler.wfile.flush()

    with receiver() as there:
        there.answer = drip
        begun = time.monotonic()
        answer = post(there.url, {}, b"{}", seconds=0.5)
        stop.set()

    assert time.monotonic() - begun < 3
    assert (answer.status, answer.error) == (None, "No whole answer within 0.5 seconds")


def test_an_endless_answer_is_read_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NETWORKS_SETTING, "127.0.0.0/8")

    def pour(handler: Any) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(1000):
                handler.wfile.write(b"x" * 10_000)
        except OSError:
            return

    with receiver() as there:
        there.answer = pour
        answer = post(there.url, {}, b"{}")

    assert (answer.status, len(answer.text)) == (200, 1000)


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NETWORKS_SETTING, "127.0.0.0/8")
    with receiver() as there:
        gone = there.url

    answer = post(gone, {}, b"{}")

    assert answer.status is None
    assert "refused" in answer.error
