"""``tongpan doctor``: what is wrong with an installation, in plain sentences."""

from __future__ import annotations

import sys

import click

from tongpan.cli.session import configuration, echo_json, json_option

MARKS = {"ok": ("ok   ", "green"), "note": ("note ", "yellow"), "wrong": ("WRONG", "red")}


@click.command("doctor")
@json_option
def doctor(as_json: bool) -> None:
    """Say what is wrong with this installation.

    Exit code 0 when it is healthy, 1 when something is wrong.
    """
    config = configuration()
    from tongpan.runtime.doctor.examination import examine

    findings = []
    for finding in examine(config):
        findings.append(finding)
        if not as_json:
            mark, colour = MARKS[finding.level]
            click.echo(f"{click.style(mark, fg=colour)}  {finding.sentence}")
    is_healthy = all(finding.level != "wrong" for finding in findings)
    if as_json:
        checks = [{"check": f.check, "level": f.level, "sentence": f.sentence} for f in findings]
        echo_json({"healthy": is_healthy, "checks": checks})
    else:
        click.echo("Healthy." if is_healthy else "Not healthy: see what is marked WRONG.")
    if not is_healthy:
        sys.exit(1)
