"""Every emulated platform, by name, and accounts on them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tests.support.emulators.base import Emulator
from tests.support.emulators.douyin import DouyinEmulator
from tests.support.emulators.jd import JdEmulator
from tests.support.emulators.pinduoduo import PinduoduoEmulator
from tests.support.emulators.shopify import ShopifyEmulator
from tests.support.emulators.taobao import TaobaoEmulator
from tests.support.emulators.wechat import WechatEmulator
from tests.support.emulators.woocommerce import WooCommerceEmulator
from tests.support.emulators.youzan import YouzanEmulator

EMULATORS: dict[str, type[Emulator]] = {
    kind.name: kind
    for kind in (
        TaobaoEmulator,
        JdEmulator,
        DouyinEmulator,
        PinduoduoEmulator,
        YouzanEmulator,
        WechatEmulator,
        ShopifyEmulator,
        WooCommerceEmulator,
    )
}
WITH_TOKENS = tuple(name for name in EMULATORS if name not in ("shopify", "woocommerce"))


def connect(emulator: Emulator, shop: str = "tm", **changes: Any) -> Any:
    """An account of ``shop`` on a running emulator."""
    from tongpan.connectors.accounts.actions import save_account
    from tongpan.connectors.accounts.engine import AccountSpec

    options = {"first_days": "1", "location": "1", "token_endpoint": f"{emulator.url}/oauth2/refresh_token"}
    given: dict[str, Any] = {
        "shop_code": shop,
        "platform": emulator.name,
        "endpoint": emulator.url,
        "app_key": emulator.app_key,
        "secret": emulator.secret,
        "access_token": emulator.token,
        "refresh_token": emulator.refresh,
        "options": options,
    }
    return save_account(AccountSpec(**(given | changes)), actor="test", now=datetime.now(UTC))
