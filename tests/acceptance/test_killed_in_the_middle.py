"""Anything may be killed while a file is imported: nothing is lost, nothing is half, a repeat completes the rest."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from tests.support.installation import UCI, Installation

pytestmark = pytest.mark.slow

LINES = 60_000


@pytest.fixture(scope="module")
def part(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("part") / "part.csv"
    with gzip.open(UCI, "rt", encoding="utf-8") as source, path.open("w", encoding="utf-8") as target:
        for number, line in enumerate(source):
            if number > LINES:
                break
            target.write(line)
    return path


def _is(process: psutil.Process, word: str) -> bool:
    try:
        return word in " ".join(process.cmdline()).split()
    except psutil.Error:
        return False


def _victims(supervisor: subprocess.Popen[str], installation: Installation) -> dict[str, list[psutil.Process]]:
    family = psutil.Process(supervisor.pid).children(recursive=True)
    postmaster = int((installation.data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])
    return {
        "web": [p for p in family if _is(p, "web")],
        "worker": [p for p in family if _is(p, "worker")],
        "readers": [p for p in family if _is(p, "readers")],
        "postgres": [psutil.Process(postmaster)],
    }


def _wait_until_up(supervisor: subprocess.Popen[str], installation: Installation) -> None:
    assert supervisor.stdout is not None
    for line in supervisor.stdout:
        if f":{installation.environment['TONGPAN_PORT']}" in line and "http" in line:
            return
    raise AssertionError("the installation did not come up")


def test_everything_is_killed_in_turn_and_the_repeat_completes_the_rest(installation: Installation, part: Path) -> None:
    # given an installation that runs, and an import under way
    supervisor = installation.start("up")
    _wait_until_up(supervisor, installation)
    chance = random.Random(20261122)
    arguments = ("import", str(part), "--format", "uci", "--shop", "gifts", "--json")
    try:
        for victim in ("readers", "postgres", "web", "worker", "postgres"):
            running = installation.start(*arguments)
            time.sleep(chance.uniform(1.5, 3.5))

            # when one part is killed without a chance to clean up
            for process in _victims(supervisor, installation)[victim]:
                os.kill(process.pid, signal.SIGKILL)

            # then the import ends by itself: done, or refused with a sentence
            output, _ = running.communicate(timeout=180)
            assert running.returncode in (0, 1), output
            assert "Traceback" not in output, output

        # when it is repeated undisturbed
        done = json.loads(_patiently(installation, arguments))
    finally:
        supervisor.send_signal(signal.SIGINT)
        supervisor.wait(timeout=60)

    # then every line is in once, and everything adds up
    assert done["rows"] == LINES
    assert done["rejected"] == 0
    assert done["accepted"] + done["unchanged"] == LINES
    proof = installation.json("reconcile")
    assert proof["clean"] is True, proof["differences"]
    assert proof["checked"]["orders"] == done["classes"]["sale"]["documents"]
    assert proof["checked"]["returns"] == done["classes"]["return"]["documents"]
    (gmv,) = installation.json("metrics", "gmv")["rows"]
    assert gmv["value"] == done["classes"]["sale"]["amount"]


def _patiently(installation: Installation, arguments: tuple[str, ...]) -> str:
    """The restarted database may need a moment before it takes connections again."""
    for _ in range(20):
        done = installation.run(*arguments)
        if done.returncode == 0:
            return done.stdout
        time.sleep(1)
    raise AssertionError(done.stderr)
