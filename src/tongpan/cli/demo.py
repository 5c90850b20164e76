"""``tongpan demo``: the demo company, from nothing to a running console."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from tongpan.cli.session import configuration


@click.command("demo")
def demo() -> None:
    """Run Tongpan with the demo company; the first start loads it. Ctrl-C stops everything."""
    from tongpan.runtime.processes import run

    config = configuration()

    def prepare() -> None:
        from tongpan.demo.load import is_loaded, load

        if is_loaded():
            return
        started = time.monotonic()
        with _showing() as progress:
            result = load(config, progress)
        if result is not None:
            seconds = time.monotonic() - started
            click.echo(f"{result['rows']:,} order lines are in, routed and in the lake after {seconds:.0f} s.")

    def banner() -> list[str]:
        from tongpan.demo.load import login

        name, password = login(config)
        return [f"sign in as {name} with the password {password}"]

    run(config, prepare, banner)


@contextmanager
def _showing() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on a terminal, a line at every fifth of a stage in a pipe."""
    if not sys.stderr.isatty():
        yield _milestones()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[str, Any] = {}

        def told(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=done, total=total)

        yield told


def _milestones() -> Callable[[str, int, int], None]:
    said: dict[str, int] = {}

    def told(stage: str, done: int, total: int) -> None:
        fifth = 5 * done // total if total else 5
        if said.get(stage, -1) != fifth:
            said[stage] = fifth
            click.echo(f"{stage}: {20 * fifth} %", err=True)

    return told
