"""How the configuration screens (django-unfold) look: the console's name, colours and way back."""

from __future__ import annotations

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _


def _entry(title: Any, icon: str, name: str) -> dict[str, Any]:
    return {"title": title, "icon": icon, "link": reverse_lazy(name)}


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": _("Tongpan configuration"),
    "SITE_HEADER": "Tongpan 通盘",
    "SITE_SUBHEADER": _("Configuration"),
    "SITE_URL": reverse_lazy("console:home"),
    "SITE_ICON": lazy(static, str)("console/favicon.svg"),
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lazy(static, str)("console/favicon.svg")}],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "6px",
    "COLORS": {
        # The console's accent in the eleven steps that unfold asks for.
        "primary": {
            "50": "#eff8fa",
            "100": "#dbeef3",
            "200": "#b9dde8",
            "300": "#8cc7d8",
            "400": "#58aac3",
            "500": "#2f8ba8",
            "600": "#15607a",
            "700": "#0f4d63",
            "800": "#0d4153",
            "900": "#0c3646",
            "950": "#07222d",
        },
    },
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": [
            {"items": [_entry(_("Back to the console"), "arrow_back", "console:home")]},
            {
                "title": _("People and keys"),
                "items": [
                    _entry(_("Users"), "person", "admin:access_user_changelist"),
                    _entry(_("API keys"), "key", "admin:access_apikey_changelist"),
                    _entry(_("Audit trail"), "history", "admin:access_auditentry_changelist"),
                ],
            },
            {
                "title": _("Master data"),
                "items": [
                    _entry(_("Channel classes"), "account_tree", "admin:channels_facet_changelist"),
                    _entry(_("Nodes"), "warehouse", "admin:network_node_changelist"),
                ],
            },
            {
                "title": _("System"),
                "items": [
                    _entry(_("Background jobs"), "pending_actions", "admin:procrastinate_procrastinatejob_changelist")
                ],
            },
        ],
    },
}
