"""Errors that are answered before or beside the API's own code become problem documents too."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from tongpan.api import problems

PREFIX = "/api/"
_ANSWERS = {
    400: ("request.malformed", "The request is malformed."),
    404: ("not_found", "There is nothing at this address; /api/v1/docs lists what there is."),
    405: ("method.not_allowed", "This address does not know the method; the header Allow names those it does."),
    413: ("body.too_large", "The body is too large: send fewer documents at once."),
}


class ProblemMiddleware:
    """Gives errors of Django itself (no such address, wrong method, a malformed form) the form of RFC 9457,

    and keeps answers, which hold company data, out of every cache.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not request.path.startswith(PREFIX):
            return response
        if response.status_code >= 400 and response.get("Content-Type") != problems.MEDIA_TYPE:
            response = self._problem(request, response)
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "no-store"
        return response

    @staticmethod
    def _problem(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        code, detail = _ANSWERS.get(response.status_code, ("request.refused", "The request was refused."))
        if response.status_code >= 500:
            code, detail = "internal", "Something went wrong on our side; the log has the details."
        problem = problems.render(request, response.status_code, code, detail)
        if "Allow" in response:
            problem["Allow"] = response["Allow"]
        return problem
