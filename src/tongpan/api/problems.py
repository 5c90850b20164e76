"""Every error of the API is a problem document (RFC 9457): what was wrong, where, and what to do."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, RequestDataTooBig, SuspiciousOperation
from django.db import DataError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from django.http.multipartparser import MultiPartParserError
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from pydantic import BaseModel, Field

from tongpan.core.errors import Refusal

MEDIA_TYPE = "application/problem+json"
_log = logging.getLogger(__name__)


class FieldProblem(BaseModel):
    """One value that was refused."""

    source: str = Field(alias="in", description='"body", "query", "path", "header" or "form"')
    field: str = Field(description='Where it stands, as "orders.0.lines.2.qty"')
    message: str


class ProblemOut(BaseModel):
    """A problem document."""

    type: str = "about:blank"
    title: str = Field(description="The name of the status")
    status: int
    detail: str = Field(description="What was wrong and what to do")
    code: str = Field(description="What was wrong, for programs; stable")
    instance: str = Field(description="The path that was asked for")
    errors: list[FieldProblem] | None = None


class Problem(Exception):
    """An answer that is a problem document. more: further members, as plain JSON."""

    def __init__(self, status: int, code: str, detail: str, more: Mapping[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.more = more or {}


def not_found(noun: str, name: object) -> Problem:
    return Problem(404, f"{noun}.unknown", f"There is no {noun} {name}.")


def render(
    request: HttpRequest, status: int, code: str, detail: str, more: Mapping[str, Any] | None = None
) -> JsonResponse:
    """The response that carries a problem document."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "instance": request.path,
        **(more or {}),
    }
    response = JsonResponse(body, status=status, content_type=MEDIA_TYPE)
    if status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="tongpan"'
    if status == 503:
        response["Retry-After"] = "5"
    return response


def unexpected(request: HttpRequest, error: Exception) -> JsonResponse:
    """The answer to a defect: logged with a reference, of which alone the client learns."""
    reference = secrets.token_hex(8)
    _log.error("Request %s %s failed (%s)", request.method, request.path, reference, exc_info=error)
    return render(
        request,
        500,
        "internal",
        f"Something went wrong on our side. The log has the details under {reference}.",
        {"reference": reference},
    )


def add_handlers(api: NinjaAPI) -> None:
    """Let every exception that a handler raises be answered by a problem document."""

    @api.exception_handler(Problem)
    def on_problem(request: HttpRequest, error: Problem) -> JsonResponse:
        return render(request, error.status, error.code, error.detail, error.more)

    @api.exception_handler(Refusal)
    def on_refusal(request: HttpRequest, error: Refusal) -> JsonResponse:
        if error.code.startswith("vault."):
            return unexpected(request, error)
        return render(request, 422, error.code, error.sentence)

    @api.exception_handler(ValidationError)
    def on_invalid(request: HttpRequest, error: ValidationError) -> JsonResponse:
        return invalid(request, error.errors)

    @api.exception_handler(AuthenticationError)
    def on_stranger(request: HttpRequest, error: AuthenticationError) -> JsonResponse:
        return render(
            request,
            401,
            "key.unknown",
            "Send an API key that is not revoked as `Authorization: Bearer tp_...`; `tongpan apikey create` makes one.",
        )

    @api.exception_handler(HttpError)
    def on_http_error(request: HttpRequest, error: HttpError) -> JsonResponse:
        if isinstance(error.__cause__, Problem):
            return on_problem(request, error.__cause__)
        if error.status_code == 400:
            reason = str(error.__cause__ or error)
            return render(request, 400, "body.malformed", f"The body is not JSON as RFC 8259 has it: {reason}")
        return render(request, error.status_code, "request.refused", str(error))

    @api.exception_handler(Http404)
    @api.exception_handler(ObjectDoesNotExist)
    def on_missing(request: HttpRequest, error: Exception) -> JsonResponse:
        return render(request, 404, "not_found", "There is nothing of that name.")

    @api.exception_handler(RequestDataTooBig)
    def on_too_big(request: HttpRequest, error: Exception) -> JsonResponse:
        return render(request, 413, "body.too_large", "The body is too large: send fewer documents at once.")

    @api.exception_handler(SuspiciousOperation)
    @api.exception_handler(MultiPartParserError)
    def on_malformed(request: HttpRequest, error: Exception) -> JsonResponse:
        return render(request, 400, "request.malformed", f"The request is malformed: {error}")

    @api.exception_handler(DataError)
    def on_out_of_range(request: HttpRequest, error: DataError) -> JsonResponse:
        _log.warning("A value went past the checks of %s %s", request.method, request.path, exc_info=error)
        return render(request, 422, "value.out_of_range", "A value is too large, too long or out of range.")

    @api.exception_handler(OperationalError)
    def on_no_database(request: HttpRequest, error: OperationalError) -> JsonResponse:
        _log.error("The database failed %s %s", request.method, request.path, exc_info=error)
        return render(request, 503, "database.unreachable", "The database does not answer. Try again soon.")

    @api.exception_handler(Exception)
    def on_defect(request: HttpRequest, error: Exception) -> JsonResponse:
        return unexpected(request, error)


def invalid(request: HttpRequest, errors: Sequence[Mapping[str, Any]]) -> JsonResponse:
    """The answer to values of the wrong form; ``errors`` as pydantic lists them."""
    fields = [_field_problem(error) for error in errors]
    first = fields[0]
    others = f" ({len(fields) - 1} more)" if len(fields) > 1 else ""
    where = f"{first['in']} {first['field']}".strip()
    return render(request, 422, "request.invalid", f"{where}: {first['message']}{others}", {"errors": fields})


def _field_problem(error: Mapping[str, Any]) -> dict[str, str]:
    source, *path = error["loc"] or ("body",)
    if source == "body" and path and isinstance(path[0], str):
        path = path[1:]  # the name of the handler's parameter says nothing to the client
    return {"in": str(source), "field": ".".join(map(str, path)), "message": error["msg"]}
