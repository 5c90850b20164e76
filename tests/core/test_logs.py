"""Every process logs one line per event, values beside the text, a traceback below it."""

from __future__ import annotations

import logging

import pytest
import structlog

from tongpan.core import logs


@pytest.fixture(autouse=True)
def _configured() -> None:
    structlog.reset_defaults()
    logs.configure(logs.LOGGING | {"root": {"handlers": [], "level": "INFO"}})


def test_the_values_of_an_event_stand_behind_its_text(caplog: pytest.LogCaptureFixture) -> None:
    structlog.get_logger("readers").info("took 100 % of the batch", events=3, shop="旗舰店")
    assert [(r.name, r.getMessage()) for r in caplog.records] == [
        ("readers", "took 100 % of the batch events=3 shop=旗舰店")
    ]


def test_what_is_below_the_level_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    structlog.get_logger("readers").debug("nothing new")
    assert caplog.records == []


def test_a_traceback_goes_with_its_event(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        structlog.get_logger("readers").exception("a batch failed")
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert "ValueError: broken" in caplog.text
