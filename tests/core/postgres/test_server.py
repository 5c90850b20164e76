"""The embedded server: started, shared, stopped after the last user, healed after any kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import psutil
import psycopg
import pytest
from tests.support.installation import Installation

from tongpan.core.config import Config
from tongpan.core.errors import Refusal
from tongpan.core.postgres.location import DATABASE, PORT, USER, cluster_dir, socket_dir
from tongpan.core.postgres.postmaster import find_postmaster
from tongpan.core.postgres.server import is_answering, running_server

pytestmark = pytest.mark.slow

USE = """
import sys
from tongpan.core.config import load_config
from tongpan.core.postgres.server import running_server
with running_server(load_config()) as server:
    print(server.is_started_here, flush=True)
    sys.stdin.read()
"""
# Says each number only after the server acknowledged its commit.
WRITE = """
import psycopg
from tongpan.core.config import load_config
from tongpan.core.postgres.location import django_database
from tongpan.core.postgres.server import running_server
with running_server(load_config()):
    at = django_database(load_config())
    with psycopg.connect(host=at["HOST"], port=5432, user="tongpan", dbname="tongpan", autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS written (n integer)")
        for n in range(1_000_000):
            connection.execute("INSERT INTO written VALUES (%s)", [n])
            print(n, flush=True)
"""
TAKE_TURNS = """
import psycopg
from tongpan.core.config import load_config
from tongpan.core.postgres.location import django_database
from tongpan.core.postgres.server import running_server
for _ in range(6):
    with running_server(load_config()):
        at = django_database(load_config())
        with psycopg.connect(host=at["HOST"], port=5432, user="tongpan", dbname="tongpan") as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
print("done")
"""


def _run(installation: Installation, program: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env=installation.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _says(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _leave(process: subprocess.Popen[str]) -> None:
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output


def _rows(config: Config, statement: str) -> list[tuple[object, ...]]:
    at = {"host": str(socket_dir(config)), "port": PORT, "user": USER, "dbname": DATABASE}
    with psycopg.connect(**at) as connection:
        return connection.execute(statement.encode()).fetchall()


def _postmaster(config: Config) -> int:
    found = find_postmaster(cluster_dir(config).resolve())
    assert found is not None
    return found.pid


def _keepers(config: Config) -> list[int]:
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if "tongpan.core.postgres.keeper" in (process.info["cmdline"] or [])
        and str(cluster_dir(config).resolve()) in process.info["cmdline"]
    ]


def _wait_for_a_keeper(config: Config, seconds: float = 30) -> None:
    """One that was started a moment ago may not yet bear its name."""
    deadline = time.monotonic() + seconds
    while not _keepers(config):
        assert time.monotonic() < deadline, "nobody keeps the server"
        time.sleep(0.05)
    assert len(_keepers(config)) == 1


def _wait_until_stopped(config: Config, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while find_postmaster(cluster_dir(config).resolve()) is not None or _keepers(config):
        assert time.monotonic() < deadline, "the server or its keeper still runs"
        time.sleep(0.05)


def test_the_first_entry_makes_a_utf8_database_and_leaving_stops_the_server(config: Config) -> None:
    # when
    with running_server(config) as server:
        # then
        assert server is not None
        assert server.is_started_here
        assert _rows(config, "SELECT lower('É'), '通' ~ '[[:alpha:]]', 'a' < 'B'") == [("é", True, False)]
        assert _rows(config, "SHOW server_encoding") == [("UTF8",)]
        assert _rows(config, "SHOW synchronous_commit") == [("on",)]
        assert _rows(config, "SHOW listen_addresses") == [("",)]
    assert not is_answering(config)
    _wait_until_stopped(config, 5)


def test_the_socket_and_the_files_are_closed_to_other_users(config: Config) -> None:
    with running_server(config):
        assert socket_dir(config).stat().st_mode & 0o077 == 0
        assert cluster_dir(config).stat().st_mode & 0o077 == 0
        assert socket_dir(config).stat().st_uid == cluster_dir(config).stat().st_uid != 0


def test_a_second_user_shares_the_server_and_the_last_one_stops_it(installation: Installation, config: Config) -> None:
    # given
    first, second = _run(installation, USE), None
    assert _says(first) == "True"
    pid = _postmaster(config)
    second = _run(installation, USE)
    assert _says(second) == "False"

    # when the one who started it leaves
    _leave(first)

    # then the other still has it
    assert _postmaster(config) == pid
    assert is_answering(config)

    # when the last one leaves
    _leave(second)

    # then it is stopped by the time that one is gone
    assert find_postmaster(cluster_dir(config).resolve()) is None


def test_a_killed_user_leaves_no_server_behind(installation: Installation, config: Config) -> None:
    user = _run(installation, USE)
    assert _says(user) == "True"

    user.kill()

    _wait_until_stopped(config)
    assert not (cluster_dir(config) / "postmaster.pid").exists()


def test_a_user_who_comes_after_everything_was_killed_finds_every_acknowledged_commit(
    installation: Installation, config: Config
) -> None:
    for _ in range(3):
        # given a writer that is told of each commit
        writer = _run(installation, WRITE)
        assert writer.stdout is not None
        for line in writer.stdout:
            assert line.strip().isdecimal(), line + writer.stdout.read()
            if int(line) >= 150:
                break

        # when server, keeper and writer are killed at once
        for pid in (_postmaster(config), *_keepers(config), writer.pid):
            os.kill(pid, signal.SIGKILL)
        acknowledged = max([150, *(int(line) for line in writer.stdout.read().splitlines() if line.isdecimal())])

        # then the next one starts it and nothing acknowledged is missing
        with running_server(config) as server:
            assert server is not None
            assert server.is_started_here
            newest = _rows(config, "SELECT max(n) FROM written")[0][0]
            assert newest is not None
            assert newest >= acknowledged  # type: ignore[operator]
            assert _rows(config, f"SELECT count(DISTINCT n) FROM written WHERE n <= {acknowledged}") == [
                (acknowledged + 1,)
            ]
            _rows(config, "DELETE FROM written RETURNING 1")


def test_a_server_whose_users_and_keeper_were_killed_is_taken_over(installation: Installation, config: Config) -> None:
    # given a server that runs for nobody
    user = _run(installation, USE)
    assert _says(user) == "True"
    pid = _postmaster(config)
    for victim in (*_keepers(config), user.pid):
        os.kill(victim, signal.SIGKILL)

    # when
    with running_server(config) as server:
        # then
        assert server is not None
        assert not server.is_started_here
        assert _postmaster(config) == pid
        _wait_for_a_keeper(config)
    _wait_until_stopped(config)


def test_lock_files_that_name_another_living_process_do_not_keep_it_from_starting(
    installation: Installation, config: Config
) -> None:
    # given the lock files of a killed server, whose number now belongs to another program
    user = _run(installation, USE)
    assert _says(user) == "True"
    for pid in (*_keepers(config), user.pid, _postmaster(config)):
        os.kill(pid, signal.SIGKILL)
    bystander = subprocess.Popen(["sleep", "60"])
    for lock in (cluster_dir(config) / "postmaster.pid", socket_dir(config) / f".s.PGSQL.{PORT}.lock"):
        lines = lock.read_text().splitlines()
        lock.write_text("\n".join([str(bystander.pid), *lines[1:]]) + "\n")

    # when
    with running_server(config) as server:
        # then
        assert server is not None
        assert server.is_started_here
    assert bystander.poll() is None
    bystander.kill()


def test_a_first_start_that_was_killed_is_begun_again(config: Config) -> None:
    # given what an interrupted initdb leaves
    rubbish = cluster_dir(config).with_name("postgres.new")
    rubbish.mkdir(parents=True)
    (rubbish / "PG_VERSION").write_text("18\n")

    with running_server(config):
        assert _rows(config, "SELECT 1") == [(1,)]
    assert not rubbish.exists()


def test_a_running_server_that_dies_is_healed(config: Config) -> None:
    with running_server(config) as server:
        assert server is not None
        assert not server.heal()
        victim = psutil.Process(_postmaster(config))
        victim.kill()
        psutil.wait_procs([victim], timeout=10)

        assert server.heal()

        assert _rows(config, "SELECT 1") == [(1,)]


def test_a_killed_keeper_is_replaced(config: Config) -> None:
    with running_server(config) as server:
        assert server is not None
        _wait_for_a_keeper(config)
        (keeper,) = _keepers(config)
        psutil.Process(keeper).kill()
        deadline = time.monotonic() + 10
        while keeper in _keepers(config) or not _keepers(config):
            assert not server.heal()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert len(_keepers(config)) == 1


def test_processes_that_come_and_go_at_the_same_time_never_find_it_closed(
    installation: Installation, config: Config
) -> None:
    with running_server(config):
        pass
    crowd = [_run(installation, TAKE_TURNS) for _ in range(4)]
    outputs = [process.communicate(timeout=120)[0] for process in crowd]
    assert outputs == ["done\n"] * 4
    _wait_until_stopped(config)


def test_two_data_directories_have_servers_of_their_own(config: Config) -> None:
    other = replace(config, data_dir=config.data_dir.with_name("other"))
    with running_server(config), running_server(other):
        assert _postmaster(config) != _postmaster(other)
        assert {_rows(each, "SHOW data_directory")[0] for each in (config, other)} == {
            (str(cluster_dir(each)),) for each in (config, other)
        }


def test_a_data_directory_too_deep_for_a_socket_works(config: Config) -> None:
    deep = replace(config, data_dir=config.data_dir / ("d" * 60) / ("e" * 60))
    with running_server(deep):
        assert _rows(deep, "SELECT 1") == [(1,)]
        assert socket_dir(deep).stat().st_mode & 0o077 == 0
    socket_dir(deep).rmdir()


def test_a_path_with_spaces_quotes_commas_and_chinese_works(config: Config) -> None:
    odd = replace(config, data_dir=config.data_dir / "o'dd, 数据 dir")
    with running_server(odd):
        assert _rows(odd, "SELECT 1") == [(1,)]


def test_a_path_that_a_shell_would_read_is_refused_before_anything_is_made(config: Config) -> None:
    odd = replace(config, data_dir=config.data_dir / "$HOME")
    with pytest.raises(Refusal, match="must not contain") as refused, running_server(odd):
        pass
    assert refused.value.code == "postgres.path"
    assert not cluster_dir(odd).exists()


def test_a_database_url_needs_no_server_and_makes_no_folder(config: Config) -> None:
    elsewhere = replace(config, database_url="postgresql://somebody@db.invalid/tongpan")
    with running_server(elsewhere) as server:
        assert server is None
    assert not config.data_dir.exists()


def test_a_database_of_another_postgresql_version_is_refused_and_left_alone(config: Config) -> None:
    with running_server(config):
        pass
    version = cluster_dir(config) / "PG_VERSION"
    version.write_text("12\n")

    with pytest.raises(Refusal) as refused, running_server(config):
        pass

    assert refused.value.code == "postgres.version"
    assert "made by PostgreSQL 12" in refused.value.sentence
    assert version.read_text() == "12\n"


def test_a_broken_setting_is_refused_in_postgresqls_own_words(config: Config) -> None:
    with running_server(config):
        pass
    with (cluster_dir(config) / "postgresql.auto.conf").open("a") as conf:
        conf.write("shared_buffers = 'plenty'\n")

    with pytest.raises(Refusal, match="did not start") as refused, running_server(config):
        pass

    assert refused.value.code == "postgres.start"
    assert "shared_buffers" in refused.value.sentence or "errors" in refused.value.sentence
