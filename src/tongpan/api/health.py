"""Whether this process lives, and whether it can serve: for supervisors and load balancers, without a key."""

from __future__ import annotations

from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from tongpan import __version__


@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """200 as long as the process answers; asks nothing else."""
    return JsonResponse({"status": "ok", "version": __version__})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 when the database answers and has Tongpan's tables, else 503 with what is wrong."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass('core_event') IS NOT NULL")
            has_tables = cursor.fetchone() == (True,)
    except Error:
        return JsonResponse({"status": "unready", "reason": "The database does not answer."}, status=503)
    if not has_tables:
        return JsonResponse({"status": "unready", "reason": "The database has no tables yet."}, status=503)
    return JsonResponse({"status": "ok"})
