"""The data directory is private from its first moment."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tongpan.core.config import Config, load_config
from tongpan.core.datadir import prepare_data_dir
from tongpan.core.errors import Refusal


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return replace(load_config(), data_dir=tmp_path / "a" / "data")


def test_its_folders_are_made_closed_to_others_whatever_the_umask(config: Config) -> None:
    before = os.umask(0)
    try:
        prepare_data_dir(config)
    finally:
        os.umask(before)
    assert config.data_dir.stat().st_mode & 0o777 == (0o711 if os.geteuid() == 0 else 0o700)
    for folder in (config.lake_dir, config.uploads_dir, config.secrets_dir, config.logs_dir):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_modes_that_somebody_chose_stay(config: Config) -> None:
    config.logs_dir.mkdir(parents=True)
    config.logs_dir.chmod(0o755)
    prepare_data_dir(config)
    assert config.logs_dir.stat().st_mode & 0o777 == 0o755


def test_a_place_where_nothing_can_be_made_is_refused_with_what_to_do(config: Config) -> None:
    config.data_dir.parent.write_text("a file")
    with pytest.raises(Refusal, match="Set TONGPAN_DATA_DIR") as refused:
        prepare_data_dir(config)
    assert refused.value.code == "datadir.unusable"
