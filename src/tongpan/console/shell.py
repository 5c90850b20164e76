"""What the frame of every page needs: navigation, languages, theme. A context processor makes it on demand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from tongpan import __version__
from tongpan.console.access import is_allowed
from tongpan.console.navigation import NavItem, NavSection, sections_for
from tongpan.console.simulation import SimulatedParts, simulated_parts

THEME_COOKIE = "tongpan_theme"
THEMES: tuple[tuple[str, str | Promise, str], ...] = (
    ("auto", _("As the device"), "auto"),
    ("light", _("Light"), "sun"),
    ("dark", _("Dark"), "moon"),
)
# Each language is written in itself, whatever the language of the page.
LANGUAGE_NAMES = {"zh-hans": "简体中文", "en": "English"}


@dataclass(frozen=True, slots=True)
class Shell:
    sections: list[NavSection]
    phone_bar: list[NavItem]
    theme: str
    themes: tuple[tuple[str, str | Promise, str], ...]
    languages: list[tuple[str, str]]
    user_name: str
    version: str
    may_export: bool
    simulated: SimulatedParts


def theme_of(request: HttpRequest) -> str:
    """The theme this device chose: "auto", "light" or "dark"."""
    chosen = request.COOKIES.get(THEME_COOKIE, "auto")
    return chosen if chosen in {name for name, _label, _icon in THEMES} else "auto"


def _build(request: HttpRequest) -> Shell:
    user = request.user
    sections = sections_for(lambda permission: is_allowed(user, permission)) if user.is_authenticated else []
    return Shell(
        sections=sections,
        phone_bar=[item for section in sections for item in section.items if item.on_phone_bar],
        theme=theme_of(request),
        themes=THEMES,
        languages=[(code, LANGUAGE_NAMES[code]) for code, _name in settings.LANGUAGES],
        user_name=(user.display_name or user.get_username()) if user.is_authenticated else "",
        version=__version__,
        may_export=user.is_authenticated and is_allowed(user, "data.export"),
        # Looked up by the pages that show marked figures only.
        simulated=cast(SimulatedParts, SimpleLazyObject(simulated_parts)),
    )


def context(request: HttpRequest) -> dict[str, object]:
    """Context processor: ``shell`` costs nothing on pages that do not use it."""
    return {"shell": SimpleLazyObject(lambda: _build(request))}
