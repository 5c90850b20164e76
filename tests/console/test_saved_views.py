"""A list's filter and sort under a name."""

from __future__ import annotations

import pytest

from tongpan.console.models import SavedView
from tongpan.console.saved_views import normal_query, tabs_of


def test_a_view_is_the_address_without_page_and_order_of_parameters():
    assert normal_query("status=paid&page=3&q=&sort=-total&format=csv") == "sort=-total&status=paid"
    assert normal_query("sort=-total&status=paid") == normal_query("status=paid&sort=-total")


def test_a_saved_view_opens_the_same_list_again(company, sign_in):
    client = sign_in()

    answer = client.post(
        "/views/save/", {"view_page": "orders", "name": "Unsent", "query": "status=open&sort=-total&page=2"}
    )

    assert answer["Location"] == "/orders/?sort=-total&status=open"
    page = client.get(answer["Location"]).content.decode()
    assert 'href="/orders/?sort=-total&amp;status=open" aria-current="page">Unsent' in page
    assert "Delete this view" in page


def test_saving_under_the_same_name_replaces(company, sign_in):
    client = sign_in()
    for query in ("status=open", "status=paid"):
        client.post("/views/save/", {"view_page": "orders", "name": "Mine", "query": query})

    assert list(SavedView.objects.values_list("name", "query")) == [("Mine", "status=paid")]


def test_others_see_shared_views_only_and_cannot_delete_them(company, person, client):
    owner, other = person("manager"), person("analyst")
    private = SavedView.objects.create(owner=owner, page="orders", name="private", query="q=a")
    shared = SavedView.objects.create(owner=owner, page="orders", name="shared", query="q=b", is_shared=True)
    SavedView.objects.create(owner=owner, page="stock", name="elsewhere", query="", is_shared=True)

    tabs = tabs_of(other, "orders", "q=b&page=2").tabs
    assert [(tab.name, tab.is_current, tab.is_own) for tab in tabs] == [("shared", True, False)]

    client.force_login(other)
    for view in (private, shared):
        client.post(f"/views/{view.pk}/delete/")
    assert SavedView.objects.count() == 3


def test_the_owner_deletes(company, sign_in):
    client = sign_in()
    client.post("/views/save/", {"view_page": "goods", "name": "x", "query": "q=a"})
    view = SavedView.objects.get()

    assert client.post(f"/views/{view.pk}/delete/")["Location"] == "/goods/"
    assert not SavedView.objects.exists()


@pytest.mark.parametrize("name", ["", "   ", "n" * 61])
def test_a_view_needs_a_name_of_sensible_length(company, sign_in, name):
    sign_in().post("/views/save/", {"view_page": "orders", "name": name, "query": "q=a"})

    assert not SavedView.objects.exists()


def test_a_view_of_no_list_is_refused(company, sign_in):
    assert sign_in().post("/views/save/", {"view_page": "nope", "name": "x", "query": ""}).status_code == 400
