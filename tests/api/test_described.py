"""What the API says of itself: every scope in the reference, every event in the OpenAPI document."""

from pathlib import Path

from tongpan.access.engine import SCOPES
from tongpan.api.urls import api
from tongpan.connectors.webhooks.engine import NAMES

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "api.md"


def test_the_reference_lists_every_scope_and_no_other():
    rows = [line for line in REFERENCE.read_text().splitlines() if line.startswith("| `") and line.count("|") == 3]
    named = {word.strip("` ") for row in rows for word in row.split("|")[1].split(",")}

    assert {name for name in named if "." in name} == SCOPES


def test_every_event_that_can_be_subscribed_to_is_described():
    schema = api.get_openapi_schema()

    assert list(schema["webhooks"]) == list(NAMES)
    for name, path in schema["webhooks"].items():
        content = path["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert content["allOf"][1]["properties"]["type"]["const"] == name
        assert path["post"]["summary"]
    assert schema["components"]["schemas"]["WebhookMessage"]["required"] == ["type", "timestamp", "event_id", "data"]
