"""The ``tongpan`` command."""

from __future__ import annotations

import os

import click

from tongpan import __version__


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tongpan")
def main() -> None:
    """Tongpan 通盘: omnichannel commerce operations."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tongpan.settings")
