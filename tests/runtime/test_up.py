"""``tongpan up``: comes up, heals what dies, stops in order, leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import psutil
import pytest
from tests.support.installation import Installation, migrated_installation, new_installation

pytestmark = pytest.mark.slow
PATIENCE_SECONDS = 90


class Up:
    """A running ``tongpan up``: its lines so far, and its family."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.lines: list[str] = []
        self.process = installation.start("up")
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(iter(self.process.stdout.readline, ""))

    def wait_for(self, pattern: str, times: int = 1) -> str:
        """Wait until ``pattern`` was logged so many times; the last of these lines."""

        def found() -> list[str]:
            return [line for line in list(self.lines) if re.search(pattern, line)]

        wait_until(lambda: len(found()) >= times or self.process.poll() is not None)
        assert len(found()) >= times, "".join(self.lines)
        return found()[-1]

    def answers(self) -> bool:
        return answers(self.installation)

    def family(self) -> dict[str, list[psutil.Process]]:
        """The processes of this run by the name of what they do."""
        found: dict[str, list[psutil.Process]] = {}
        for process in psutil.Process(self.process.pid).children(recursive=True):
            try:
                found.setdefault(process.cmdline()[3] if len(process.cmdline()) > 3 else "other", []).append(process)
            except psutil.Error:
                continue
        postmaster = int((self.installation.data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])
        return found | {"postgres": [psutil.Process(postmaster)]}

    def stop(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        status = self.process.wait(PATIENCE_SECONDS)
        self._reader.join(10)
        return status


def wait_until(condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def answers(installation: Installation) -> bool:
    try:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{installation.environment['TONGPAN_PORT']}/health/ready", timeout=5
        ) as response:
            return response.status == 200
    except OSError:
        return False


def is_gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    with new_installation() as made:
        yield made


@pytest.fixture(scope="module")
def runs(installation: Installation) -> Iterator[list[Up]]:
    """The runs so far, of which the last may go on."""
    made: list[Up] = []
    yield made
    if made and made[-1].process.poll() is None:
        made[-1].stop()


@pytest.fixture
def up(installation: Installation, runs: list[Up]) -> Up:
    """What the test before left running, or else a new start."""
    if not runs or runs[-1].process.poll() is not None:
        runs.append(started(installation))
    return runs[-1]


def started(installation: Installation) -> Up:
    up = Up(installation)
    up.wait_for("ready: http")
    return up


def test_it_comes_up_says_what_to_do_first_and_ctrl_c_leaves_nothing(up: Up) -> None:
    # given
    assert up.answers()
    up.wait_for("tongpan user create")
    family = up.family()
    assert {"web", "worker", "readers", "postgres"} <= family.keys()

    # when
    status = up.stop(signal.SIGINT)

    # then
    assert status == 0
    assert "stopped" in up.lines[-1]
    assert not any("ERROR" in line or "Traceback" in line for line in up.lines), "".join(up.lines)
    wait_until(lambda: all(is_gone(process) for processes in family.values() for process in processes), 10)
    assert not up.answers()
    for name in ("tongpan", "web", "worker", "readers"):
        log = up.installation.data_dir / "logs" / f"{name}.log"
        assert log.exists() or name != "tongpan"


def test_a_second_up_on_the_same_data_is_refused_and_the_first_goes_on(up: Up) -> None:
    second = up.installation.run("up")

    assert second.returncode == 1
    assert f"already runs on {up.installation.data_dir} (process {up.process.pid})" in second.stderr
    assert up.answers()


def test_a_second_installation_runs_beside_it_but_not_on_its_port(up: Up) -> None:
    with new_installation() as empty, migrated_installation() as other:
        # when it is started on the same port
        empty.environment["TONGPAN_PORT"] = up.installation.environment["TONGPAN_PORT"]
        refused = empty.run("up")

        # then it says so and makes no database
        assert refused.returncode == 1
        assert "is used by another program" in refused.stderr
        assert not (empty.data_dir / "postgres").exists()

        # when another is started on a port of its own
        beside = started(other)

        # then both answer, and stopping one leaves the other alone
        assert up.answers()
        assert beside.answers()
        assert beside.stop() == 0
        assert up.answers()


def test_one_killed_web_process_is_replaced_without_an_outage(up: Up) -> None:
    # given the processes that serve pages: the children of the web's first process
    (first, *serving) = sorted(up.family()["web"], key=lambda process: process.create_time())
    assert serving

    serving[0].kill()

    wait_until(lambda: is_gone(serving[0]))
    wait_until(lambda: sum(not is_gone(process) for process in up.family()["web"]) == 1 + len(serving))
    assert serving[0] not in up.family()["web"]
    assert first in up.family()["web"]
    wait_until(up.answers)


def test_what_is_killed_is_started_again(up: Up) -> None:
    for name in ("worker", "readers", "web"):
        # given
        wait_until(lambda name=name: bool(up.family().get(name)))
        victims = set(up.family()[name])

        # when
        for victim in victims:
            victim.kill()

        # then
        up.wait_for(f"{name} ended unexpectedly")
        wait_until(lambda name=name, victims=victims: bool(set(up.family().get(name, ())) - victims))
        assert not any(process.is_running() and not is_gone(process) for process in victims)
    wait_until(up.answers)

    # when the database is killed
    postmaster = up.family()["postgres"][0]
    postmaster.kill()

    # then it is healed, and the pages come back without a new process
    up.wait_for("PostgreSQL had ended unexpectedly and was started again")
    wait_until(up.answers)
    assert up.family()["postgres"][0].pid != postmaster.pid
    assert up.stop(signal.SIGTERM) == 0


def test_nothing_outlives_a_killed_supervisor_and_the_next_start_heals(up: Up, runs: list[Up]) -> None:
    # given
    everything = [process for processes in up.family().values() for process in processes]

    # when
    up.process.kill()
    up.process.wait()

    # then all of it ends by itself, the database in good order
    wait_until(lambda: all(is_gone(process) for process in everything), 40)
    wait_until(lambda: not (up.installation.data_dir / "postgres" / "postmaster.pid").exists(), 10)

    # when it is started at once
    runs.append(started(up.installation))
    assert runs[-1].answers()


def test_a_start_right_after_everything_was_killed_waits_for_the_port(up: Up) -> None:
    family = up.family()
    for process in (psutil.Process(up.process.pid), *family["postgres"]):
        process.kill()
    up.process.wait()

    again = started(up.installation)

    assert again.stop() == 0


def test_a_web_that_cannot_start_ends_the_run_with_a_sentence_and_leaves_nothing(installation: Installation) -> None:
    # given a setting that the web refuses
    installation.environment["TONGPAN_WEB_WORKERS"] = "none"
    try:
        up = Up(installation)
        assert up.process.wait(PATIENCE_SECONDS) == 1
    finally:
        del installation.environment["TONGPAN_WEB_WORKERS"]
    up.wait_for("web ended [0-9]+ times in a row")
    up.wait_for("TONGPAN_WEB_WORKERS is 'none'")
    wait_until(lambda: not (installation.data_dir / "postgres" / "postmaster.pid").exists(), 10)


def test_what_is_loaded_before_ready_can_be_interrupted(installation: Installation) -> None:
    # given a run that loads for a long time
    program = (
        "import time\n"
        "from tongpan.core.config import load_config\n"
        "from tongpan.runtime.processes import run\n"
        "def load():\n"
        "    print('loading', flush=True)\n"
        "    time.sleep(600)\n"
        "run(load_config(), before_ready=load)\n"
        "print('left in order', flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        env=installation.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "loading" in line:
            break

    # when
    os.kill(process.pid, signal.SIGINT)

    # then
    output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, output
    assert "left in order" in output
    assert not (installation.data_dir / "postgres" / "postmaster.pid").exists()
