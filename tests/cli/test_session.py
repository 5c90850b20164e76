"""How every command tells a person that it was refused, and a program why."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tongpan.cli.main import COMMANDS, RefusingGroup, main
from tongpan.core.errors import Refusal


def test_a_refusal_is_a_sentence_on_stderr_and_exit_code_1() -> None:
    @click.group(cls=RefusingGroup)
    def group() -> None:
        pass

    @group.command()
    def sell() -> None:
        raise Refusal("stock.insufficient", "Only 3 are left.")

    done = CliRunner().invoke(group, ["sell"])
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", "tongpan: Only 3 are left.\n")


@pytest.mark.parametrize(
    ("setting", "value", "sentence"),
    [
        ("TONGPAN_PORT", "http", "TONGPAN_PORT is 'http'; it must be a number from 1 to 65535."),
        ("TONGPAN_DATABASE_URL", "mysql://db.invalid/x", "TONGPAN_DATABASE_URL must look like postgresql://"),
    ],
)
def test_a_wrong_setting_is_refused_before_anything_starts(
    setting: str, value: str, sentence: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tongpan", "reconcile"],
        env=_environment() | {"TONGPAN_DATA_DIR": str(tmp_path / "data"), setting: value},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_wrong_usage_has_exit_code_2() -> None:
    assert CliRunner().invoke(main, ["nothing-of-the-kind"]).exit_code == 2


def test_every_command_says_what_it_does() -> None:
    assert [command.name for command in COMMANDS if not (command.help or "").strip()] == []


def test_help_loads_neither_django_nor_the_database_driver() -> None:
    program = (
        "import sys\n"
        "from tongpan.cli.main import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "print(sorted({'django', 'psycopg', 'duckdb', 'granian'} & sys.modules.keys()), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=_environment(), capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "[]"


def _environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("TONGPAN_")}
