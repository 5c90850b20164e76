"""The user's own language on every page, and the headers of console pages."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_cache_control

# Scripts come from our own files only. Style attributes are allowed: charts place their tooltips with them.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_KNOWN = {code for code, _name in settings.LANGUAGES}


class ConsoleMiddleware:
    """After authentication: a signed-in user's ``language`` wins over cookie and browser.

    Console pages may be kept by the browser for Back, must be asked for again otherwise, and carry a content
    security policy. Other faces set their own headers.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        language = getattr(request.user, "language", "")
        if language in _KNOWN:
            translation.activate(language)
            request.LANGUAGE_CODE = language
        response = self.get_response(request)
        match = request.resolver_match
        if match is not None and match.app_name == "console":
            response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
            if not response.has_header("Cache-Control"):
                patch_cache_control(response, private=True, no_cache=True)
        return response
