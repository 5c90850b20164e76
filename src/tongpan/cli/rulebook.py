"""The commands of ``tongpan promotions`` for rulebooks and coupons."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from tongpan.cli.session import echo_json, json_option, with_database

ACTOR = "command line"
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("list")
@click.option("--draft", default="", help="The rules of this draft instead of those that count.")
@json_option
@with_database
def list_rules(*, draft: str, as_json: bool) -> None:
    """List the rules that count, or those of a draft."""
    from tongpan.core.clock import utc_now
    from tongpan.promotions.queries import current_book, draft_book
    from tongpan.promotions.rule_queries import RuleFilter, rules_of

    now = utc_now()
    book = draft_book(draft) if draft else current_book(now)
    rows: list[dict[str, Any]] = [
        {
            "code": row.rule.code,
            "name": row.rule.name_zh or row.rule.name_en,
            "kind": row.rule.kind,
            "lane": row.rule.lane,
            "priority": row.rule.priority,
            "channels": sorted(row.rule.conditions.channels),
            "starts_at": row.rule.window.starts_at,
            "ends_at": row.rule.window.ends_at,
            "phase": row.phase,
        }
        for row in rules_of(book.rulebook, RuleFilter(), at=now)
    ]
    if as_json:
        echo_json({"version": book.version, "rules": rows})
        return
    for row in rows:
        channels = ", ".join(row["channels"]) or "all channels"
        click.echo(f"{row['code']:<28} {row['kind']:<14} {row['phase']:<8} {channels:<30} {row['name']}")


@click.command("show")
@click.option("--draft", default="", help="This draft instead of what counts.")
@click.option("--version", "number", type=click.IntRange(min=1), help="This version instead of what counts.")
@with_database
def show(*, draft: str, number: int | None) -> None:
    """Print the rulebook that counts, a version or a draft, as the document that can be edited."""
    from tongpan.core.clock import utc_now
    from tongpan.promotions.actions.rulebooks import EMPTY
    from tongpan.promotions.queries import draft_of, version_at, version_of

    if draft:
        document = draft_of(draft).document
    else:
        counts = number or version_at(utc_now())
        document = version_of(counts).document if counts else EMPTY
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))


@click.command("validate")
@click.argument("file", type=_FILE)
@json_option
def validate(*, file: Path, as_json: bool) -> None:
    """Say what is wrong with a rulebook in FILE (JSON), and where. Nothing is kept."""
    from tongpan.core.errors import Refusal
    from tongpan.promotions.engine.language import read_rulebook
    from tongpan.promotions.engine.reading import BadRulebook

    try:
        book = read_rulebook(_document(file), file.stem)
    except BadRulebook as bad:
        if as_json:
            echo_json({"is_valid": False, "faults": [fault._asdict() for fault in bad.faults]})
        else:
            for fault in bad.faults:
                click.echo(str(fault), err=True)
        raise Refusal("promotions.document", f"{file.name} has {len(bad.faults)} faults.") from bad
    if as_json:
        echo_json({"is_valid": True, "faults": []})
    else:
        click.echo(f"{file.name} is a rulebook of {len(book.rules)} rules.")


@click.command("publish")
@click.argument("draft")
@click.option("--rulebook", "file", type=_FILE, help="Take this document (JSON) in place of the draft.")
@click.option("--note", default="", help="Why it is changed.")
@click.option("--notice-zh", default="", help="What may be combined, as customers are told.")
@click.option("--notice-en", default="", help="The same in English.")
@json_option
@with_database
def publish_(*, draft: str, file: Path | None, note: str, notice_zh: str, notice_en: str, as_json: bool) -> None:
    """Publish DRAFT: from now on every cart is priced by it."""
    from django.db import transaction

    from tongpan.core.clock import utc_now
    from tongpan.promotions.actions.rulebooks import Notice, publish, save_draft

    now = utc_now()
    with transaction.atomic():
        if file is not None:
            save_draft(draft, _document(file), note=note, actor=ACTOR, now=now)
        version = publish(draft, notice=Notice(notice_zh, notice_en), actor=ACTOR, now=now)
    if as_json:
        echo_json({"version": version.version})
    else:
        click.echo(f"Version {version.version} of the rulebook is published.")


@click.command("coupons")
@click.option("--batch", type=click.IntRange(min=1), help="Print the codes of this batch as CSV.")
@click.option("--make", "name", default="", help="Make a batch of this name.")
@click.option("--rule", default="", help="The rule that its coupons open.")
@click.option("--count", type=click.IntRange(1, 5_000_000), help="How many codes.")
@json_option
@with_database
def coupons(*, batch: int | None, name: str, rule: str, count: int | None, as_json: bool) -> None:
    """List batches of coupons, make one, or print the codes of one."""
    from tongpan.promotions.codes import spelt
    from tongpan.promotions.coupon_queries import batch_of, codes_of, counts_of, select_batches

    if batch is not None:
        batch_of(batch)
        click.echo("code,state")
        for code, state in codes_of(batch):
            click.echo(f"{spelt(code)},{state}")
        return
    if name:
        _make(name, rule, count, as_json=as_json)
        return
    rows = list(select_batches()[:500])
    counts = counts_of([row.pk for row in rows])
    if as_json:
        echo_json([{"id": row.pk, "name": row.name, "rule": row.rule, "count": row.count} for row in rows])
        return
    for row in rows:
        of = counts[row.pk]
        click.echo(f"{row.pk:>6} {row.name:<30} {row.rule:<24} {of.out:>9,} claimed {of.used:>9,} used")


def _make(name: str, rule: str, count: int | None, *, as_json: bool) -> None:
    from tongpan.core.clock import utc_now
    from tongpan.promotions.actions.batches import BatchSpec, create_batch, make_coupons

    now = utc_now()
    made = create_batch(BatchSpec(name, rule, now, count=count), actor=ACTOR, now=now)
    is_quiet = as_json or not sys.stderr.isatty()
    with click.progressbar(length=count or 1, label="Coupons", hidden=is_quiet, file=sys.stderr) as bar:
        seen = 0

        def told(done: int, _all: int) -> None:
            nonlocal seen
            bar.update(done - seen)
            seen = done

        make_coupons(made.pk, progress=told)
    if as_json:
        echo_json({"id": made.pk, "count": count})
    else:
        click.echo(f"Batch {made.pk} has {count:,} coupons.")


def _document(file: Path) -> Any:
    from tongpan.core.errors import Refusal

    try:
        return json.loads(file.read_text("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Refusal("promotions.document", f"{file.name} is no JSON in UTF-8: {error}.") from error


COMMANDS = (list_rules, show, validate, publish_, coupons)
