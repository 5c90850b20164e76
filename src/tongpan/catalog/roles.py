"""What products are for on each channel: hot-sellers in public, custom in private, experience offline (PRD-02)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from tongpan.access.actions import Note, audit_many
from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal

ROLES = ("traffic", "custom", "experience")
DEFAULT_ROLES = {"class.public": "traffic", "class.private": "custom", "class.offline": "experience"}
"""Domain of a channel (facet of the tree "class") -> what its products are for unless something else is said."""


class RoleSpec(NamedTuple):
    """role "" takes away what was said, so that the kind of the channel counts again."""

    product_code: str
    channel_code: str
    role: str


def default_role(facet_codes: Iterable[str]) -> str:
    """The role that the facets of a channel give; "" for a channel that is in no domain. Public wins, then private."""
    codes = list(facet_codes)
    for domain, role in DEFAULT_ROLES.items():
        if any(code == domain or code.startswith(f"{domain}.") for code in codes):
            return role
    return ""


def is_conflict(role: str, channel_default: str) -> bool:
    """True for goods that must be seen and touched on a public channel, where nobody can."""
    return role == "experience" and channel_default == "traffic"


def save_roles(specs: Sequence[RoleSpec], *, actor: str, now: datetime) -> int:
    """Say what products are for on channels; how many changed. All or none; constantly many statements.

    Raises Refusal role.* (an unknown product, channel or role, the same pair twice).
    """
    pairs = [(spec.product_code, spec.channel_code) for spec in specs]
    if len(set(pairs)) != len(pairs):
        raise Refusal("role.twice", "The same product is named twice for one channel.")
    if bad := [spec.role for spec in specs if spec.role and spec.role not in ROLES]:
        raise Refusal("role.role", f"{bad[0]!r} is not one of the roles {', '.join(ROLES)}.")
    with transaction.atomic():
        products = _ids("catalog_product", "product", {spec.product_code for spec in specs})
        channels = _ids("channels_channel", "channel", {spec.channel_code for spec in specs})
        kept = [(products[s.product_code], channels[s.channel_code], s.role) for s in specs if s.role]
        gone = [(products[s.product_code], channels[s.channel_code]) for s in specs if not s.role]
        changed = execute(
            """DELETE FROM catalog_product_role WHERE (product_id, channel_id) IN
                 (SELECT * FROM unnest(%s::bigint[], %s::bigint[]))""",
            [[pair[0] for pair in gone], [pair[1] for pair in gone]],
        )
        changed += execute(
            """INSERT INTO catalog_product_role AS r (product_id, channel_id, role)
               SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::text[]) ORDER BY 1, 2
               ON CONFLICT (product_id, channel_id) DO UPDATE SET role = excluded.role
               WHERE r.role <> excluded.role""",
            [[row[0] for row in kept], [row[1] for row in kept], [row[2] for row in kept]],
        )
        notes = [
            Note("role.saved", "product", s.product_code, {"channel": s.channel_code, "role": s.role}) for s in specs
        ]
        audit_many(notes, actor=actor, now=now)
    return changed


def _ids(table: str, noun: str, codes: Collection[str]) -> Mapping[str, int]:
    wanted = [code for code in codes if "\x00" not in code]
    found = dict(fetch_all(f"SELECT code, id FROM {table} WHERE code = ANY(%s)", [wanted]))
    if unknown := sorted(set(codes) - set(found)):
        raise Refusal(f"role.{noun}", f"There is no {noun} {', '.join(map(repr, unknown))}.")
    return found


class ChannelRole(NamedTuple):
    """A channel and the role that its products have unless something else is said ("" for none)."""

    id: int
    code: str
    name_zh: str
    name_en: str
    default: str


def channel_roles() -> list[ChannelRole]:
    """Every channel with its default role, in order. One statement."""
    rows = fetch_all(
        """SELECT c.id, c.code, c.name_zh, c.name_en, coalesce(array_agg(f.code) FILTER (WHERE f.tree = 'class'), '{}')
           FROM channels_channel c LEFT JOIN channels_channel_facets x ON x.channel_id = c.id
           LEFT JOIN channels_facet f ON f.id = x.facet_id GROUP BY c.id ORDER BY c.position, c.code"""
    )
    return [ChannelRole(pk, code, zh, en, default_role(facets)) for pk, code, zh, en, facets in rows]


class RoleRow(NamedTuple):
    """A product that a channel lists, or was given a role on it. role: what counts; is_set: somebody said so.

    listed: its listings there; on_sale: those on sale.
    """

    product_id: int
    product_code: str
    product_name: str
    channel_id: int
    role: str
    is_set: bool
    listed: int
    on_sale: int
    is_conflict: bool


def assortment(channel_ids: Collection[int] | None = None, text: str = "") -> list[RoleRow]:
    """Each channel's assortment: every product listed there or given a role there, by product. Two statements.

    channel_ids: only these. text: the beginning of a product code, or part of its name.
    """
    defaults = {row.id: row.default for row in channel_roles()}
    rows = fetch_all(
        """WITH listed AS (
             SELECT s.product_id, h.channel_id, count(*) AS listed, count(*) FILTER (WHERE l.is_on_sale) AS on_sale
             FROM catalog_listing l JOIN channels_shop h ON h.id = l.shop_id JOIN catalog_sku s ON s.id = l.sku_id
             GROUP BY 1, 2)
           SELECT p.id, p.code, p.name, coalesce(l.channel_id, r.channel_id), r.role, coalesce(l.listed, 0),
             coalesce(l.on_sale, 0)
           FROM listed l FULL JOIN catalog_product_role r USING (product_id, channel_id)
           JOIN catalog_product p ON p.id = coalesce(l.product_id, r.product_id)
           WHERE (%(ids)s::bigint[] IS NULL OR coalesce(l.channel_id, r.channel_id) = ANY(%(ids)s::bigint[]))
             AND (%(text)s = '' OR starts_with(lower(p.code), lower(%(text)s))
               OR strpos(lower(p.name), lower(%(text)s)) > 0)
           ORDER BY p.code, 4""",
        {"ids": None if channel_ids is None else list(channel_ids), "text": text.replace("\x00", "")},
    )
    found = []
    for product_id, code, name, channel_id, said, listed, on_sale in rows:
        default = defaults[channel_id]
        role = said or default
        found.append(
            RoleRow(product_id, code, name, channel_id, role, bool(said), listed, on_sale, is_conflict(role, default))
        )
    return found
