"""Fit standards of listings: versions, what becomes of what fails, checking all again."""

from __future__ import annotations

from typing import Any, Literal

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import Field

from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.values import Flag, In, Instant, Out, Text120
from tongpan.catalog.contents import on_fail, publish_standard, recheck, set_on_fail
from tongpan.catalog.models import FitStandard
from tongpan.core.clock import utc_now

router = Router(tags=["goods"])


class FitStandardIn(In):
    channel: Text120 = Field("", description='"" for every channel without a standard of its own')
    checks: list[dict[str, Any]] = Field(
        min_length=1, max_length=50, examples=[[{"check": "title_length", "min": 10, "max": 60}]]
    )
    blocks: Flag = Field(False, description="A listing that fails is not put on sale")


class FitStandardOut(Out):
    channel: str
    version: int
    checks: list[dict[str, Any]]
    blocks: bool
    created_at: Instant
    created_by: str


def _standard(row: FitStandard) -> FitStandardOut:
    return FitStandardOut(
        channel=row.channel.code if row.channel else "",
        version=row.version,
        checks=row.checks,
        blocks=row.blocks,
        created_at=row.created_at,
        created_by=row.created_by,
    )


@read(router, "/fit-standards", "goods.view", Page[FitStandardOut])
def list_standards(request: HttpRequest, query: Query[PageQuery]) -> Page[FitStandardOut]:
    """All versions of the fit standards, newest first."""
    return page_of(FitStandard.objects.select_related("channel"), ["-id"], query, _standard)


@write(router, "POST", "/fit-standards", "goods.edit", FitStandardOut)
def post_standard(request: HttpRequest, body: FitStandardIn) -> FitStandardOut:
    """Publish the next version of a channel's standard; its listings are checked at once."""
    version = publish_standard(body.channel, body.checks, body.blocks, actor=actor_of(request), now=utc_now())
    rows = FitStandard.objects.select_related("channel").filter(version=version)
    return _standard(rows.get(channel__code=body.channel) if body.channel else rows.get(channel=None))


class FitModeBody(In):
    on_fail: Literal["refuse", "flag"]


class FitModeOut(Out):
    on_fail: Literal["refuse", "flag"]


@write(router, "PUT", "/fit-standards/mode", "goods.edit", FitModeOut)
def put_fit_mode(request: HttpRequest, body: FitModeBody) -> FitModeOut:
    """Refuse the sale to what fails a blocking standard or a truthfulness review, or only flag it."""
    set_on_fail(body.on_fail, actor=actor_of(request), now=utc_now())
    return FitModeOut(on_fail=on_fail())


class CheckedOut(Out):
    checked: int
    failed: int


@write(router, "POST", "/fit-standards/check", "goods.edit", CheckedOut)
def post_check(request: HttpRequest) -> CheckedOut:
    """Check every listing again by the standards in force."""
    results = recheck(None, now=utc_now())
    return CheckedOut(checked=len(results), failed=sum(not found.passed for found, _ in results.values()))
