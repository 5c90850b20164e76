"""Whether this web process can serve: for load balancers, ``tongpan up`` and ``tongpan doctor``."""

from __future__ import annotations

from django.db import OperationalError, connection
from django.http import HttpRequest, JsonResponse

from tongpan import __version__


def health(request: HttpRequest) -> JsonResponse:
    """200 when the database answers, else 503. Says nothing that a stranger should not know."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except OperationalError:
        return JsonResponse({"status": "the database does not answer"}, status=503)
    return JsonResponse({"status": "ok", "version": __version__})
