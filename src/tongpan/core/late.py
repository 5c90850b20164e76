"""Modules that load at their first use: most processes never draw a paper, open an archive or call a shop."""

from __future__ import annotations

import importlib
from typing import Any


class Late:
    """Stands for the module ``name``, and loads it when something of it is asked for.

    To a type checker it is the module itself::

        if TYPE_CHECKING:
            import httpx
        else:
            httpx = Late("httpx")
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(importlib.import_module(self._name), attribute)
