"""Are the core goods listed on every channel (PRD-01): product × channel with its gaps."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from django.db import transaction
from django.db.models import Q, QuerySet

from tongpan.access.actions import audit
from tongpan.catalog.models import Listing
from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.stored import store, stored

CellState = Literal["on_sale", "off_sale", "missing"]
_SETTING = "goods.core_channels"


class ChannelRef(NamedTuple):
    id: int
    code: str
    name_zh: str
    name_en: str


class CoverageRow(NamedTuple):
    """A core product. cells: channel id -> the best state of its core SKUs' listings there. gaps: cells not on sale."""

    product_code: str
    product_name: str
    skus: list[str]
    cells: Mapping[int, CellState]
    gaps: int


def core_channels() -> list[ChannelRef]:
    """The channels on which core goods must be listed: those chosen, else every one with an active shop."""
    chosen = (stored(_SETTING) or {}).get("channels") or []
    rows = fetch_all(
        """SELECT c.id, c.code, c.name_zh, c.name_en FROM channels_channel c
           WHERE CASE WHEN cardinality(%(chosen)s::text[]) > 0 THEN c.code = ANY(%(chosen)s::text[])
                 ELSE EXISTS (SELECT FROM channels_shop h WHERE h.channel_id = c.id AND h.is_active) END
           ORDER BY c.position, c.code""",
        {"chosen": list(chosen)},
    )
    return [ChannelRef(*row) for row in rows]


@transaction.atomic
def choose_core_channels(codes: Sequence[str], *, actor: str, now: datetime) -> None:
    """Say on which channels core goods must be listed; none means every one with an active shop.

    Raises Refusal coverage.channel (unknown).
    """
    wanted = sorted({code for code in codes if "\x00" not in code})
    found = {code for (code,) in fetch_all("SELECT code FROM channels_channel WHERE code = ANY(%s)", [wanted])}
    if unknown := sorted(set(codes) - found):
        raise Refusal("coverage.channel", f"There is no channel {', '.join(map(repr, unknown))}.")
    store(_SETTING, {"channels": wanted})
    audit(actor, "coverage.channels", "setting", _SETTING, {"channels": wanted}, now=now)


def coverage(
    channels: Sequence[ChannelRef] | None = None, text: str = "", *, gaps_only: bool = False
) -> list[CoverageRow]:
    """Every product with an active core SKU against ``channels`` (``core_channels()``), most gaps first.

    A product is on sale on a channel when each of its core SKUs has a listing on sale in an active shop there;
    "off_sale" when all are listed but not all on sale. text: beginning of a code or part of a name.
    """
    wanted = core_channels() if channels is None else list(channels)
    rows = fetch_all(
        """SELECT p.code, p.name, array_agg(s.code ORDER BY s.code), array_agg(s.id)
           FROM catalog_sku s JOIN catalog_product p ON p.id = s.product_id
           WHERE s.is_core AND s.is_active AND (%(text)s = '' OR starts_with(lower(p.code), lower(%(text)s))
             OR strpos(lower(p.name), lower(%(text)s)) > 0)
           GROUP BY p.id ORDER BY p.code""",
        {"text": text.replace("\x00", "")},
    )
    states = _states([sku_id for row in rows for sku_id in row[3]], [channel.id for channel in wanted])
    found = []
    for code, name, sku_codes, sku_ids in rows:
        cells: dict[int, CellState] = {}
        for channel in wanted:
            of_skus = [states.get((sku_id, channel.id)) for sku_id in sku_ids]
            cells[channel.id] = "on_sale" if all(of_skus) else "missing" if None in of_skus else "off_sale"
        gaps = sum(state != "on_sale" for state in cells.values())
        if gaps or not gaps_only:
            found.append(CoverageRow(code, name, sku_codes, cells, gaps))
    return sorted(found, key=lambda row: (-row.gaps, row.product_code))


def _states(sku_ids: Collection[int], channel_ids: Collection[int]) -> dict[tuple[int, int], bool]:
    """(SKU, channel) -> is one of its listings there on sale; a pair without a listing is absent."""
    rows = fetch_all(
        """SELECT l.sku_id, h.channel_id, bool_or(l.is_on_sale) FROM catalog_listing l
           JOIN channels_shop h ON h.id = l.shop_id AND h.is_active
           WHERE l.sku_id = ANY(%s) AND h.channel_id = ANY(%s) GROUP BY 1, 2""",
        [list(sku_ids), list(channel_ids)],
    )
    return {(sku_id, channel_id): on_sale for sku_id, channel_id, on_sale in rows}


def select_listings(
    text: str = "", *, channel: str = "", shop: str = "", state: str = "", fit: str = ""
) -> QuerySet[Listing]:
    """Listings, unordered, with SKU, product, shop, channel, content and fit result.

    text: the beginning of a SKU code or of the channel's item id, or part of the title. channel, shop: codes.
    state: "on" or "off". fit: "passed", "failed" or "unchecked".
    """
    rows = Listing.objects.select_related("sku__product", "shop__channel", "content", "fit")
    if text:
        rows = rows.filter(
            Q(sku__code__istartswith=text) | Q(external_item_id__startswith=text) | Q(title__icontains=text)
        )
    if channel:
        rows = rows.filter(shop__channel__code=channel)
    if shop:
        rows = rows.filter(shop__code=shop)
    if state:
        rows = rows.filter(is_on_sale=state == "on")
    if fit:
        rows = rows.filter(fit__isnull=True) if fit == "unchecked" else rows.filter(fit__passed=fit == "passed")
    return rows
