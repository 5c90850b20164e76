"""The page of targets: what is missed, what was before, and setting another."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from tests.support.company import open_company, paid
from tests.support.intake import take
from tests.support.lake import write_lake

from tongpan.analytics.actions import DailyReading, record_daily_values
from tongpan.analytics.models import Target
from tongpan.analytics.targets.actions import watch_targets
from tongpan.core.clock import DEFAULT_ZONE, business_day, utc_now

ERRORS = "data_sync_error_rate"


@pytest.fixture
def missed_yesterday(db, tmp_path, settings):
    open_company()
    settings.CONFIG.secrets_dir.mkdir(parents=True, exist_ok=True)
    (tmp_path / "secrets").symlink_to(settings.CONFIG.secrets_dir)
    settings.CONFIG = replace(settings.CONFIG, data_dir=tmp_path)
    take(paid("1"))
    yesterday = business_day(utc_now(), DEFAULT_ZONE) - timedelta(days=1)
    record_daily_values([DailyReading(ERRORS, yesterday, "", 9, 100), DailyReading(ERRORS, yesterday, "own", 1, 100)])
    write_lake()
    watch_targets(utc_now())


def test_the_list_shows_value_target_and_state(sign_in, missed_yesterday):
    client = sign_in()
    page = client.get("/targets/?q=KPI-55").content.decode()

    assert "9.00%" in page and "≤ 5.00%" in page
    assert "badge-bad" in page and "badge-good" in page
    assert "9.00%" not in client.get("/targets/?q=KPI-55&state=met").content.decode()
    export = b"".join(client.get("/targets/export/?q=KPI-55").streaming_content).decode()
    assert len(export.splitlines()) == 3
    assert "9.00%" in client.get("/overview/").content.decode()


def test_a_target_is_set_in_percent_and_the_old_one_stays_as_history(sign_in, missed_yesterday):
    client = sign_in()
    form = {"scope": "total", "kind": "value", "commitment": "10", "period": "day", "source": "board"}

    answer = client.post(f"/targets/{ERRORS}/", form)
    page = client.get(f"/targets/{ERRORS}/").content.decode()

    assert answer.status_code == 302
    assert Target.objects.get().commitment == Decimal("0.1")
    assert "≤ 10.00%" in page and "board" in page


def test_who_may_only_look_cannot_set_one(sign_in, missed_yesterday):
    client = sign_in("viewer")
    assert client.get(f"/targets/{ERRORS}/?channel=own").status_code == 200
    assert client.post(f"/targets/{ERRORS}/", {}).status_code == 403
    assert client.get("/targets/luck/").status_code == 404
    assert not Target.objects.exists()
