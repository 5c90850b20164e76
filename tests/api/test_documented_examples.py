"""The requests of docs/reference/api.md are answered as the page says."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.api.calling import Api

from tongpan.channels.actions import load_presets

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "api.md"
EXAMPLE = re.compile(r"```http\n(\w+) /api/v1(\S+)\n(.*?)```\n```json\n(.*?)```", re.DOTALL)


def told(documented: Any, answered: Any) -> bool:
    """Whether everything that the page shows is in the answer."""
    if isinstance(documented, dict):
        return all(name in answered and told(value, answered[name]) for name, value in documented.items())
    if isinstance(documented, list):
        return len(documented) == len(answered) and all(map(told, documented, answered))
    return bool(documented == answered)


@pytest.mark.django_db
def test_every_example_is_answered_as_documented(api: Api) -> None:
    load_presets(["tmall"])
    examples = EXAMPLE.findall(PAGE.read_text("utf-8"))
    assert len(examples) == PAGE.read_text("utf-8").count("```http") == 8

    for method, path, rest, documented in examples:
        head, _, body = rest.partition("\n\n") if "\n\n" in rest else ("", "", rest)
        headers = dict(line.split(": ") for line in head.split("\n") if line)
        response = api.call(method, path, json.loads(body) if body.strip() else None, **headers)
        answered = response.json()
        assert told(json.loads(documented), answered), (method, path, answered)
