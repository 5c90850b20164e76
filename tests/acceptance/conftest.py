"""Fixtures of the whole-path cases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.installation import Installation, migrated_installation


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    with migrated_installation() as made:
        yield made
