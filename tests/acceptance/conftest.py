"""Fixtures of the whole-path cases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.installation import Installation, new_installation


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    with new_installation() as made:
        yield made
