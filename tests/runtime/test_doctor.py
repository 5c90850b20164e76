"""``tongpan doctor`` finds what is wrong and says it in plain sentences."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from tests.support.installation import Installation, free_port, new_installation

from tongpan.analytics.models import LakeFile
from tongpan.core.config import Config, load_config
from tongpan.core.eventlog import NewEvent, append
from tongpan.runtime.doctor import database, machine
from tongpan.runtime.doctor.finding import Level


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return replace(load_config(), data_dir=tmp_path / "data", database_url="", port=free_port())


def test_a_missing_data_directory_is_only_worth_a_note(config: Config) -> None:
    assert machine.data_directory(config).level == Level.NOTE
    assert not config.data_dir.exists()


def test_a_file_in_place_of_the_data_directory_is_wrong(config: Config) -> None:
    config.data_dir.write_text("")
    found = machine.data_directory(config)
    assert found.level == Level.WRONG
    assert "is not a folder" in found.sentence


def test_a_full_disk_is_wrong_and_a_nearly_full_one_a_note(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    for free, level in ((900_000_000, Level.WRONG), (4_000_000_000, Level.NOTE), (6_000_000_000, Level.OK)):
        monkeypatch.setattr(machine.shutil, "disk_usage", lambda _, free=free: type("Usage", (), {"free": free}))
        assert machine.disk(config).level == level


def test_keys_that_others_may_read_are_wrong(config: Config) -> None:
    config.secrets_dir.mkdir(parents=True, mode=0o700)
    key = config.secrets_dir / "django.key"
    key.touch(mode=0o600)
    assert machine.secrets(config).level == Level.OK

    key.chmod(0o640)

    found = machine.secrets(config)
    assert found.level == Level.WRONG
    assert f"chmod go= {key}" in found.sentence


def test_a_wrong_folder_of_programs_is_named(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONGPAN_POSTGRES_BIN", "/nowhere")
    (found,) = machine.programs(config)
    assert found.level == Level.WRONG
    assert "TONGPAN_POSTGRES_BIN is /nowhere" in found.sentence


def test_programs_do_not_matter_with_a_database_url(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONGPAN_POSTGRES_BIN", "/nowhere")
    assert list(machine.programs(replace(config, database_url="postgresql://db.invalid/tongpan"))) == []


def test_a_port_of_another_program_is_wrong_and_a_free_one_is_not(config: Config) -> None:
    assert machine.port(config).level == Level.OK
    with socket.socket() as other:
        other.bind((config.host, config.port))
        other.listen()
        found = machine.port(config)
    assert found.level == Level.WRONG
    assert f"TONGPAN_PORT={config.port + 1}" in found.sentence


def test_an_address_of_another_machine_is_refused(config: Config) -> None:
    found = machine.port(replace(config, host="192.0.2.1"))
    assert found.level == Level.WRONG
    assert "no address of this machine" in found.sentence


@pytest.mark.django_db
def test_a_healthy_database_has_nothing_wrong_but_what_the_tests_switched_off() -> None:
    found = [
        *database.server(),
        database.letters(),
        database.tables(),
        database.event_partitions(),
        database.readers(),
        database.open_transactions(),
        database.jobs(),
        database.lake(),
        database.clock(),
    ]
    assert [finding.sentence for finding in found if finding.level != Level.OK] == []
    # The server of the tests gives durability up for speed, which the doctor must notice.
    assert database.durability().level == Level.WRONG


@pytest.mark.django_db
def test_migrations_that_were_not_applied_are_wrong() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'analytics'")
    found = database.tables()
    assert found.level == Level.WRONG
    assert "tongpan migrate" in found.sentence


@pytest.mark.django_db
def test_a_database_of_a_newer_version_is_wrong() -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO django_migrations (app, name, applied) VALUES ('core', '9999_later', now())")
    found = database.tables()
    assert found.level == Level.WRONG
    assert "core.9999_later" in found.sentence


@pytest.mark.django_db
def test_a_missing_month_of_the_event_log_is_worth_a_note() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 'core_event_' || to_char(now() + interval '1 month', 'YYYYMM')")
        cursor.execute(f"DROP TABLE {cursor.fetchone()[0]}")
    assert database.event_partitions().level == Level.NOTE


@pytest.mark.django_db
def test_a_lake_file_that_is_missing_or_cut_short_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a lake of one file
    monkeypatch.setattr(settings, "CONFIG", replace(settings.CONFIG, data_dir=tmp_path))
    path = tmp_path / "lake" / "orders" / "2026-11.0.parquet"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"1234")
    LakeFile.objects.create(
        table="orders",
        partition="2026-11",
        path="orders/2026-11.0.parquet",
        rows=1,
        size=4,
        digest="0" * 64,
        schema_version=1,
        written_at=datetime.now(UTC),
    )
    assert database.lake().level == Level.OK

    path.write_bytes(b"12")
    assert database.lake().level == Level.WRONG

    path.unlink()
    found = database.lake()
    assert found.level == Level.WRONG
    assert "1 of 1 files" in found.sentence


@pytest.mark.django_db
def test_a_reader_far_behind_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "LAG_WORTH_A_NOTE", 1)
    followed = database.READERS[0].follows[0]
    append([NewEvent(followed, str(n), {}) for n in range(2)])
    found = database.readers()
    assert found.level == Level.NOTE
    assert f"{database.READERS[0].name} (2 events)" in found.sentence


@pytest.mark.django_db
def test_a_transaction_left_open_is_named_with_its_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "STUCK_AFTER_MINUTES", 0)
    at = connection.get_connection_params()
    with ExitStack() as stack:
        other = stack.enter_context(
            psycopg.connect(
                host=at["host"], port=at["port"], user=at["user"], dbname=at["dbname"], application_name="an old report"
            )
        )
        other.execute("SELECT 1")
        found = database.open_transactions()
        pid = other.info.backend_pid
    assert found.level == Level.WRONG
    assert "an old report" in found.sentence
    assert f"pg_terminate_backend({pid})" in found.sentence


@pytest.mark.django_db
def test_an_event_from_the_future_is_wrong() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_event (name, key, payload, recorded_at) VALUES ('x', '1', '{}', %s)",
            [datetime.now(UTC) + timedelta(hours=1)],
        )
    assert database.clock().level == Level.WRONG


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    with new_installation() as made:
        yield made


def test_the_command_says_all_of_it_as_json_and_makes_nothing(installation: Installation) -> None:
    # given no installation yet
    done = installation.run("doctor", "--json")
    answer = json.loads(done.stdout)
    levels = {check["check"]: check["level"] for check in answer["checks"]}
    assert levels["data_directory"] == levels["database"] == "note"
    assert answer["healthy"] is (done.returncode == 0) is ("wrong" not in levels.values())
    assert not installation.data_dir.exists()

    # when it is made
    installation.run("migrate")

    # then all is well but what this clone did not build
    done = installation.run("doctor", "--json")
    wrong = [check for check in json.loads(done.stdout)["checks"] if check["level"] == "wrong"]
    assert [check for check in wrong if check["check"] != "charts"] == []
    assert not (installation.data_dir / "postgres" / "postmaster.pid").exists()


def test_a_server_that_does_not_answer_is_a_finding_not_a_crash(installation: Installation) -> None:
    installation.environment["TONGPAN_DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/nothing"
    try:
        done = installation.run("doctor")
    finally:
        del installation.environment["TONGPAN_DATABASE_URL"]
    assert done.returncode == 1
    assert "WRONG  The database does not answer" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
