"""What the pages of assortments show: the mix of roles of a channel, and what to do about a finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from django.utils.translation import gettext_lazy as _

from tongpan.catalog.roles import ROLES, ChannelRole, RoleRow

FINDING_TEXTS = {
    "title_length": (_("Length of the title"), _("Write a title of the wanted length.")),
    "images": (_("Images"), _("Add images.")),
    "detail_text": (_("Text of the detail page"), _("Describe the goods more fully.")),
    "video": (_("Video"), _("Add a video.")),
    "attributes": (_("Attributes"), _("Fill in the attributes that are missing.")),
    "banned_words": (_("Banned words"), _("Take these words out of title, text and attributes.")),
    "return_days": (_("Days to return"), _("Promise the wanted return window on the page.")),
    "ship_hours": (_("Hours to ship"), _("Promise to ship within the wanted hours.")),
    "spares": (_("Spare parts"), _("Say that spare parts are available.")),
}
"""Check -> its name, and what to do when it fails."""


class RoleShare(NamedTuple):
    """One role in the assortment of a channel. share: of the channel's sales, 0 to 1; None without sales."""

    role: str
    products: int
    on_sale: int
    share: Decimal | None


class ChannelMix(NamedTuple):
    """The assortment of one channel. gaps: roles without a product on sale. conflicts: products out of place."""

    channel: ChannelRole
    shares: list[RoleShare]
    gaps: list[str]
    conflicts: int


def mixes(
    channels: Sequence[ChannelRole], rows: Sequence[RoleRow], sales: Mapping[tuple[int, int], tuple[int, int]]
) -> list[ChannelMix]:
    """The mix of every channel that has a product among ``rows``. A gap is the role the channel is there for."""
    made = []
    for channel in channels:
        own = [row for row in rows if row.channel_id == channel.id]
        if not own:
            continue
        total = sum(sales.get((row.product_id, channel.id), (0, 0))[1] for row in own)
        shares = []
        for role in ROLES:
            of_role = [row for row in own if row.role == role]
            sold = sum(sales.get((row.product_id, channel.id), (0, 0))[1] for row in of_role)
            share = Decimal(sold) / Decimal(total) if total > 0 else None
            shares.append(RoleShare(role, len(of_role), sum(row.on_sale > 0 for row in of_role), share))
        gaps = [one.role for one in shares if not one.on_sale and one.role == channel.default]
        made.append(ChannelMix(channel, shares, gaps, sum(row.is_conflict for row in own)))
    return made
