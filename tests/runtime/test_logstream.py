"""One readable stream of all processes, and a file for each."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from tongpan.runtime import logstream
from tongpan.runtime.logstream import LogStream


def test_a_line_goes_to_the_stream_with_its_name_and_to_the_file_of_its_process(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = LogStream(tmp_path)
    log.write("web", "订单 1 accepted")
    log.say("ready")
    log.close()

    first, second = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d web     \| 订单 1 accepted", first)
    assert re.fullmatch(r"\d\d:\d\d:\d\d tongpan \| ready", second)
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d 订单 1 accepted\n", (tmp_path / "web.log").read_text()
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tongpan.log", "web.log"]


def test_a_stream_that_nobody_reads_any_more_does_not_stop_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given `tongpan up | head -1`
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr("sys.stdout", Closed())
    log = LogStream(tmp_path)

    log.write("web", "one")
    log.write("web", "two")
    log.close()

    assert [line.split()[-1] for line in (tmp_path / "web.log").read_text().splitlines()] == ["one", "two"]


def test_a_log_file_is_kept_to_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logstream, "FILE_BYTES", 1000)
    log = LogStream(tmp_path)
    for number in range(300):
        log.write("web", f"line {number}")
    log.close()
    files = sorted(tmp_path.iterdir())
    assert len(files) == 1 + logstream.OLD_FILES
    assert all(path.stat().st_size <= 1000 for path in files)
    assert (tmp_path / "web.log").read_text().endswith("line 299\n")
