"""Reads of routing policies: what there is, its versions, where each counts, and what two versions differ in."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from django.db.models import QuerySet

from tongpan.core.errors import Refusal
from tongpan.fulfillment.routing.language import as_text, read_policy
from tongpan.fulfillment.routing.models import PolicyAssignment, PolicyVersion, RoutingPolicy, VersionStatus
from tongpan.fulfillment.routing.policy import Policy
from tongpan.fulfillment.routing.presets import DEFAULT, PRESETS, VERSION


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """A policy in the list. published, draft: version numbers, None when there is none. scopes: where it counts:
    "" everywhere else, "channel:CODE", "shop:CODE"."""

    code: str
    name: str
    is_preset: bool
    published: int | None
    draft: int | None
    scopes: Sequence[str]


def list_policies() -> list[PolicyRow]:
    """Every policy, those of the company first, then those that come with Tongpan. Three statements."""
    scopes: dict[str, list[str]] = {}
    for scope, code in scopes_now().items():
        scopes.setdefault(code, []).append(scope)
    if "" not in scopes_now():
        scopes.setdefault(DEFAULT, []).insert(0, "")
    own = []
    for policy in RoutingPolicy.objects.prefetch_related("versions"):
        versions = list(policy.versions.all())
        published = [v.number for v in versions if v.status == VersionStatus.PUBLISHED]
        drafts = [v.number for v in versions if v.status == VersionStatus.DRAFT]
        own.append(
            PolicyRow(
                policy.code,
                policy.name,
                False,
                max(published, default=None),
                drafts[0] if drafts else None,
                scopes.get(policy.code, []),
            )
        )
    return own + [PolicyRow(code, code, True, VERSION, None, scopes.get(code, [])) for code in PRESETS]


def scopes_now() -> dict[str, str]:
    """The policy code by scope ("" general, "channel:CODE", "shop:CODE"), where one is assigned. One statement."""
    found: dict[str, str] = {}
    for row in assignments():
        scope = scope_of(row)
        if scope not in found:
            found[scope] = row.policy
    return {scope: code for scope, code in found.items() if code}


def assignments() -> QuerySet[PolicyAssignment]:
    """Every assignment there was, the newest first, with channel and shop."""
    return PolicyAssignment.objects.select_related("channel", "shop").order_by("-id")


def scope_of(row: PolicyAssignment) -> str:
    """ "" for the general scope, else "channel:CODE" or "shop:CODE"."""
    if row.shop:
        return f"shop:{row.shop.code}"
    return f"channel:{row.channel.code}" if row.channel else ""


def versions_of(code: str) -> list[PolicyVersion]:
    """The versions of a policy of the company, the newest first; none for a preset."""
    return list(PolicyVersion.objects.filter(policy__code=code).select_related("policy").order_by("-number"))


def document_of(code: str, which: int | Literal["draft", "published"]) -> tuple[int, Mapping[str, Any]]:
    """Number and document of one version of a policy.

    Raises Refusal("policy.unknown") or Refusal("policy.version").
    """
    if code in PRESETS:
        if which in (VERSION, "published"):
            return VERSION, PRESETS[code]
        raise Refusal("policy.version", f"{code} comes with Tongpan; it has version {VERSION} alone.")
    rows = PolicyVersion.objects.filter(policy__code=code)
    rows = rows.filter(number=which) if isinstance(which, int) else rows.filter(status=which)
    version = rows.order_by("-number").first()
    if version is None:
        if not RoutingPolicy.objects.filter(code=code).exists():
            raise Refusal("policy.unknown", f"There is no routing policy {code!r}.")
        raise Refusal("policy.version", f"Policy {code} has no version {which}.")
    return version.number, version.document


def policy_of(code: str, which: int | Literal["draft", "published"] = "published") -> Policy:
    """One version of a policy, ready to route by. Raises as ``document_of``."""
    number, document = document_of(code, which)
    return read_policy(document, code, number)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The lines of two documents: (" " in both, "-" only before, "+" only after; the line)."""
    lines = difflib.ndiff(as_text(before).splitlines(), as_text(after).splitlines())
    return [(line[0], line[2:]) for line in lines if line[0] != "?"]
