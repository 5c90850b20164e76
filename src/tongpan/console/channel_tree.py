"""Channels grouped by a classification tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from tongpan.channels.models import Channel, Facet

TREES = ("class", "ownership", "core", "touchpoint", "role")
_LABELS = {
    "class": _("Domain"),
    "ownership": _("Ownership"),
    "core": _("Core channels"),
    "touchpoint": _("Touchpoint"),
    "role": _("Role"),
}


def tree_choices() -> list[tuple[str, str]]:
    """The classification trees with their names, the one shown at first on top."""
    return [(tree, str(_LABELS[tree])) for tree in TREES]


@dataclass(frozen=True, slots=True)
class Group:
    """Channels of one facet. path: the facets from the top of the tree; empty for channels without a class."""

    path: Sequence[Facet]
    channels: Sequence[Channel]


def matching(found: Sequence[Channel], text: str, state: str) -> list[Channel]:
    """Those of ``found`` whose code or name contains ``text``; state "used" has shops, "unused" has none."""
    needle = text.casefold()
    return [
        channel
        for channel in found
        if needle in f"{channel.code} {channel.name_zh} {channel.name_en}".casefold()
        and (not state or (len(channel.shops.all()) > 0) == (state == "used"))
    ]


def group_by_facet(found: Sequence[Channel], tree: Sequence[Facet]) -> list[Group]:
    """One group for each facet of ``tree`` that has channels of its own, in the order of the tree, then the
    channels that have no facet of it. A channel with two facets is in two groups."""
    by_id = {facet.pk: facet for facet in tree}
    groups, seen = [], set()
    for facet in _in_tree_order(tree):
        members = [channel for channel in found if facet.pk in {one.pk for one in channel.facets.all()}]
        seen |= {channel.pk for channel in members}
        if members:
            path = [facet]
            while path[0].parent_id in by_id:
                path.insert(0, by_id[path[0].parent_id])
            groups.append(Group(path, members))
    rest = [channel for channel in found if channel.pk not in seen]
    return [*groups, Group((), rest)] if rest else groups


def _in_tree_order(tree: Sequence[Facet]) -> list[Facet]:
    children: dict[int | None, list[Facet]] = {}
    for facet in sorted(tree, key=lambda one: (one.position, one.code)):
        children.setdefault(facet.parent_id, []).append(facet)

    def below(parent_id: int | None) -> list[Facet]:
        return [one for facet in children.get(parent_id, ()) for one in (facet, *below(facet.pk))]

    return below(None)
