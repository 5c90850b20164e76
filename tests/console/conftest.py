"""People of each role, and a signed-in client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

PASSWORD = "a long enough sentence"


@pytest.fixture
def person(db: None) -> Callable[..., Any]:
    """Make a user: person("manager"), person("store", language="en")."""

    def make(role: str, *, username: str = "", language: str = "en") -> Any:
        is_head = role == "administrator"
        return get_user_model().objects.create_user(
            username or role, password=PASSWORD, role=role, language=language, is_staff=is_head, is_superuser=is_head
        )

    return make


@pytest.fixture
def sign_in(client: Client, person: Callable[..., Any]) -> Callable[..., Client]:
    """Sign in a new user of a role: sign_in("manager")."""

    def enter(role: str = "manager", **options: str) -> Client:
        client.force_login(person(role, **options))
        return client

    return enter
