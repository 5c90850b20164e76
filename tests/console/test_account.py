"""Signing in, language, theme, password."""

from __future__ import annotations

import pytest
from django.test import Client

from tongpan.access.models import User

PASSWORD = "a long enough sentence"


def test_signing_in_leads_to_the_page_one_wanted(client: Client, person):
    person("manager")

    away = client.get("/orders/?status=paid")
    back = client.post(away["Location"], {"username": "manager", "password": PASSWORD, "next": "/orders/?status=paid"})

    assert away["Location"] == "/login/?next=/orders/%3Fstatus%3Dpaid"
    assert back["Location"] == "/orders/?status=paid"


def test_a_wrong_password_says_so_and_signs_nobody_in(client: Client, person):
    person("manager")

    answer = client.post("/login/", {"username": "manager", "password": "wrong"}, headers={"accept-language": "en"})

    assert answer.status_code == 200
    assert "Please enter a correct username and password" in answer.content.decode()
    assert client.get("/orders/").status_code == 302


def test_sign_in_never_leads_to_another_site(client: Client, person):
    person("manager")

    back = client.post("/login/", {"username": "manager", "password": PASSWORD, "next": "https://example.com/"})

    assert back["Location"] == "/"


def test_chinese_is_what_a_browser_without_a_wish_gets(client: Client):
    page = client.get("/login/").content.decode()

    assert '<html lang="zh-hans"' in page
    assert "登录" in page


def test_the_language_of_the_sign_in_page_stays_on_the_device(client: Client):
    client.post("/account/language/", {"language": "en", "next": "/login/"})

    page = client.get("/login/").content.decode()
    assert '<html lang="en"' in page
    assert "Sign in" in page


def test_a_user_s_language_wins_over_browser_and_cookie_and_is_kept(sign_in):
    client = sign_in("manager", language="en")
    client.cookies["django_language"] = "zh-hans"
    assert '<html lang="en"' in client.get("/orders/", headers={"accept-language": "zh-CN"}).content.decode()

    back = client.post("/account/language/", {"language": "zh-hans", "next": "/orders/?q=1"})

    assert back["Location"] == "/orders/?q=1"
    assert User.objects.get(username="manager").language == "zh-hans"
    assert "订单" in client.get("/orders/").content.decode()


@pytest.mark.parametrize("wish", ["fr", "", "zh-hans; drop"])
def test_a_language_that_is_not_there_changes_nothing(sign_in, wish):
    client = sign_in("manager", language="en")

    client.post("/account/language/", {"language": wish, "next": "/orders/"})

    assert User.objects.get(username="manager").language == "en"


def test_the_theme_is_kept_on_the_device_and_only_a_known_one(sign_in):
    client = sign_in()
    assert 'data-theme="auto"' in client.get("/orders/").content.decode()

    client.post("/account/theme/", {"theme": "dark", "next": "/orders/"})
    assert 'data-theme="dark"' in client.get("/orders/").content.decode()

    client.post("/account/theme/", {"theme": '"><script>', "next": "/orders/"})
    assert 'data-theme="dark"' in client.get("/orders/").content.decode()


@pytest.mark.parametrize("address", ["/account/theme/", "/account/language/"])
def test_preferences_never_lead_to_another_site(sign_in, address):
    back = sign_in().post(address, {"theme": "dark", "language": "en", "next": "//example.com/x"})

    assert back["Location"] == "/"


def test_the_password_changes_with_the_old_one_only(sign_in):
    client = sign_in()
    new = {"new_password1": "another long sentence", "new_password2": "another long sentence"}

    refused = client.post("/account/password/", {"old_password": "wrong", **new})
    assert refused.status_code == 200
    assert User.objects.get(username="manager").check_password(PASSWORD)

    done = client.post("/account/password/", {"old_password": PASSWORD, **new})
    assert done.status_code == 302
    assert User.objects.get(username="manager").check_password("another long sentence")
    assert client.get("/account/password/").status_code == 200, "this session stays signed in"


def test_signing_out_ends_the_session(sign_in):
    client = sign_in()

    assert client.post("/logout/")["Location"] == "/login/"
    assert client.get("/orders/").status_code == 302
    assert client.get("/logout/").status_code == 405, "a link from elsewhere signs nobody out"
