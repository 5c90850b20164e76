"""Fixtures of the shared company. (Imported before Django is set up, so models are imported when they are used.)"""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture
def company(db: None) -> None:
    """The small company of ``tests.support.company``, in a transaction that the test leaves nothing of."""
    from tests.support.company import open_company

    open_company()


@pytest.fixture
def empty_log(transactional_db: None) -> Iterator[None]:
    """A test that commits, and an event log without events before and after it."""
    from tests.support.database import truncate

    truncate("core_event", "core_cursor")
    yield
    truncate("core_event", "core_cursor")


@pytest.fixture
def live_company(empty_log: None) -> None:
    """The small company, committed, so that other processes and readers see it."""
    from tests.support.company import open_company

    open_company()
