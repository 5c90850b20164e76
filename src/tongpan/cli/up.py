"""``tongpan up`` and the processes below it."""

from __future__ import annotations

import click

from tongpan.cli.session import configuration, database_session


@click.command("up")
def up() -> None:
    """Start everything: database, web, workers and readers. Ctrl-C stops it all."""
    config = configuration()
    from tongpan.runtime import processes

    processes.run(config, banner=first_steps)


def first_steps() -> list[str]:
    """What a new installation needs to be told: how to make the first user."""
    from tongpan.access.models import User

    if User.objects.exists():
        return []
    return [
        "There is no user yet. Create the first one in another terminal: tongpan user create NAME --role administrator"
    ]


@click.command("web", hidden=True)
def web() -> None:
    """Serve the web only."""
    _run_part("web")


@click.command("worker", hidden=True)
def worker() -> None:
    """Work on background jobs only."""
    _run_part("worker")


@click.command("readers", hidden=True)
def readers() -> None:
    """Follow the event log only."""
    _run_part("readers")


def _run_part(part: str) -> None:
    """Run one part until SIGTERM. Below ``up`` the tables are known to be right and are not looked at again."""
    from tongpan.runtime import lifeline

    lifeline.hold()
    config = configuration()
    with database_session(must_be_migrated=not lifeline.is_supervised()):
        from tongpan.runtime import serving

        if part == "web":
            serving.serve_web(config, "tongpan.web.wsgi:application")
        elif part == "worker":
            serving.work_on_jobs()
        else:
            serving.follow_events()
