"""The platforms that can be connected, and those that cannot yet, with the reason."""

from __future__ import annotations

from collections.abc import Mapping

from tongpan.connectors.platforms.contract import Platform
from tongpan.connectors.platforms.douyin.client import Douyin
from tongpan.connectors.platforms.jd.client import Jd
from tongpan.connectors.platforms.pinduoduo.client import Pinduoduo
from tongpan.connectors.platforms.shopify.client import Shopify
from tongpan.connectors.platforms.taobao.client import Taobao
from tongpan.connectors.platforms.wechat.client import WechatShop
from tongpan.connectors.platforms.woocommerce.client import WooCommerce
from tongpan.connectors.platforms.youzan.client import Youzan
from tongpan.core.errors import Refusal

PLATFORMS: Mapping[str, Platform] = {
    found.name: found
    for found in (Taobao(), Jd(), Douyin(), Pinduoduo(), Youzan(), WechatShop(), Shopify(), WooCommerce())
}

NOT_YET: Mapping[str, str] = {
    "amazon": "Amazon's SP-API gives an order and its items by separate calls and personal data by a third kind of "
    "token; without an answer of it to hold our reading against, its orders are taken from its report files.",
    "xiaohongshu": "Xiaohongshu's order interface is documented only to approved developers; its signature is here, "
    "its orders are taken from its export file.",
    "kuaishou": "Kuaishou's signature is here; the money fields of its orders are not publicly documented, so its "
    "orders are taken from a file by a mapping.",
    "1688": "1688's signature is here; its orders are purchases, which come with purchasing.",
}


def platform(name: str) -> Platform:
    """Raises Refusal platform.not_yet with the reason, or platform.unknown."""
    if name in NOT_YET:
        raise Refusal("platform.not_yet", NOT_YET[name])
    found = PLATFORMS.get(name)
    if found is None:
        raise Refusal("platform.unknown", f"There is no platform {name!r}; there are {', '.join(sorted(PLATFORMS))}.")
    return found
