"""The pages of routing policies: begin, change as a form or a document, compare, publish, assign, try."""

from __future__ import annotations

import re

import pytest

from tongpan.fulfillment.dryrun.actions import run_dry
from tongpan.fulfillment.models import DryRun
from tongpan.fulfillment.routing.queries import document_of, scopes_now, versions_of

NEW = {"code": "own", "name": "Our own", "start": "default-cn"}


def begin(client):
    answer = client.post("/routing/new/", NEW)
    assert answer["Location"] == "/routing/policies/own/edit/"


def form_of(page):
    """The values of every field of the page's form, as a browser would send them."""
    values: dict[str, list[str]] = {}
    for tag in re.findall(r"<input[^>]*>", page):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and ("checkbox" not in tag or " checked" in tag):
            values.setdefault(name[1], []).append(value[1] if value else "on" if "checkbox" in tag else "")
    for name, options in re.findall(r'<select name="([^"]*)".*?>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        values[name] = [chosen[1] if chosen else ""]
    values.pop("csrfmiddlewaretoken", None)
    return values


def test_a_policy_is_begun_changed_compared_published_and_assigned(company, sign_in):
    client = sign_in()
    begin(client)
    page = client.get("/routing/policies/own/edit/").content.decode()
    form = form_of(page)
    assert (form["r2-name"], form["r2-within_km"]) == (["one-node-near"], ["150"])

    answer = client.post(
        "/routing/policies/own/edit/", form | {"r2-within_km": "80", "after-note": "nearer", "save": "1"}
    )

    assert answer["Location"] == "/routing/policies/own/"
    assert document_of("own", "draft")[1]["rules"][1]["nodes"]["within_km"] == 80
    client.post("/routing/policies/own/publish/", {"publish": "1"})
    client.post("/routing/policies/own/edit/", form | {"r2-within_km": "90", "r3-is_removed": "on", "save": "1"})
    page = client.get("/routing/policies/own/?version=2&against=1").content.decode()
    assert "+     within_km: 90" in page and "-     within_km: 80" in page
    assert [one.number for one in versions_of("own")] == [2, 1]
    assert len(document_of("own", 2)[1]["rules"]) == 4

    answer = client.post("/routing/assign/", {"policy": "own", "scope": "channel:tmall"})
    assert answer["Location"] == "/routing/#assign"
    assert scopes_now() == {"channel:tmall": "own"}
    page = client.get("/routing/").content.decode()
    assert "Our own" in page and "draft 2" in page
    client.post("/routing/policies/own/publish/", {"discard": "1"})
    assert [one.number for one in versions_of("own")] == [1]


def test_what_a_form_says_wrong_stands_beside_its_field(company, sign_in):
    client = sign_in()
    begin(client)
    form = form_of(client.get("/routing/policies/own/edit/").content.decode())

    page = client.post(
        "/routing/policies/own/edit/", form | {"r2-rank": "beauty", "r3-name": "one-node-near", "save": "1"}
    ).content.decode()

    assert page.count("to be mended") == 2
    assert "is no rank; take one of" in page and "Two rules have this name; give each its own." in page
    assert document_of("own", "draft")[1]["rules"][1]["rank"][0] == "covers_all desc"


def test_which_orders_come_first_is_changed_in_the_form(company, sign_in):
    client = sign_in()
    begin(client)
    form = form_of(client.get("/routing/policies/own/edit/").content.decode())
    assert form["b-sort"] == ["promise_at, priority, placed_at, id"]

    wrong = client.post("/routing/policies/own/edit/", form | {"b-sort": "beauty", "save": "1"}).content.decode()
    client.post(
        "/routing/policies/own/edit/",
        form | {"b-sort": "priority, placed_at", "b0-tag": "vip", "b-out-channel": "tmall", "save": "1"},
    )

    assert wrong.count("to be mended") == 1
    assert document_of("own", "draft")[1]["batch"] == {
        "exclude": {"channel": ["tmall"]},
        "priority": [{"tag": ["vip"]}],
        "sort": ["priority", "placed_at"],
    }
    form = form_of(client.get("/routing/policies/own/edit/").content.decode())
    assert (form["b0-tag"], form["b1-tag"], form["urgent"]) == (["vip"], [""], ["2"])


def test_a_document_tells_the_line_of_each_problem(company, sign_in):
    client = sign_in()
    begin(client)
    text = "rules:\n- name: a\n  nodes:\n    within_km: far\n- name: a\n  colour: red\n"

    answer = client.post("/routing/policies/own/edit/?view=document", {"document": text})
    page = answer.content.decode()

    assert answer.status_code == 422
    assert "3 places must be mended" in page
    assert re.findall(r"Line (\d+)</b> · <code>([^<]+)</code>", page) == [
        ("4", "rules[1].nodes.within_km"), ("6", "rules[2].colour"), ("5", "rules[2].name"),
    ]  # fmt: skip
    good = client.post("/routing/policies/own/edit/?view=document", {"document": "rules:\n- name: a\n", "note": "less"})
    assert good["Location"] == "/routing/policies/own/"
    assert document_of("own", "draft")[1] == {"rules": [{"name": "a"}]}


def test_a_policy_is_tried_on_past_orders(company, sign_in):
    client = sign_in()
    asked = {"day_from": "2020-01-01", "day_to": "2020-12-31", "stock": "unlimited", "channel": ""}
    answer = client.post("/routing/policies/cheapest/try/", asked)
    run = DryRun.objects.get()
    assert answer["Location"] == f"/routing/dry-runs/{run.pk}/"
    assert "Waits for a worker." in client.get(answer["Location"]).content.decode()

    run_dry(run.pk)

    page = client.get(f"/routing/dry-runs/{run.pk}/?with={run.pk}").content.decode()
    assert "Before and after" in page and "Load of the nodes" in page
    assert client.get(f"/routing/dry-runs/{run.pk}/export/?format=csv").status_code == 200
    refused = client.post("/routing/policies/cheapest/try/", asked | {"day_to": "2019-01-01"})
    assert "A dry run takes 1 to 366 days" in refused.content.decode()


@pytest.mark.parametrize(
    "path",
    ["/routing/policies/none/", "/routing/policies/none/edit/", "/routing/policies/none/try/", "/routing/dry-runs/9/"],
)
def test_what_there_is_not_is_not_found(company, sign_in, path):
    assert sign_in().get(path).status_code == 404


def test_who_may_not_change_the_network_sees_no_editor(company, sign_in):
    client = sign_in("viewer")

    page = client.get("/routing/").content.decode()

    assert "New policy" not in page and "nearest-then-fewest" in page
    assert client.get("/routing/new/").status_code == 403
