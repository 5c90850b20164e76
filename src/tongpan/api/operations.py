"""How an operation of the API is declared: who may call it, how it answers, and that a repeated write counts once."""

from __future__ import annotations

import functools
import hashlib
import inspect
import re
from collections.abc import Callable
from typing import Any, TypeVar

import pydantic_core
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import NinjaAPI, Router
from ninja.openapi.schema import OpenAPISchema
from ninja.parser import Parser
from ninja.security import HttpBearer
from pydantic import BaseModel

from tongpan.access.actions import Claim, KeptAnswer, authenticate, claim_request, keep_answer
from tongpan.access.models import ApiKey
from tongpan.api.problems import MEDIA_TYPE, Problem, ProblemOut, add_handlers
from tongpan.api.sent import MESSAGE, webhooks_section
from tongpan.api.values import In
from tongpan.core.clock import utc_now

F = TypeVar("F", bound=Callable[..., Any])
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_IDEMPOTENCY_PARAMETER = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "description": "Any text of yours that names this request. Sent again with the same body, the request is not "
    "done again: the first answer comes back.",
    "schema": {"type": "string", "pattern": r"^[\x21-\x7e]{1,255}$"},
}


class BearerKey(HttpBearer):
    """An API key that has the scope."""

    def __init__(self, scope: str) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey | None:
        key = authenticate(token, now=utc_now())
        if key is not None and self.scope not in key.scopes:
            raise Problem(403, "key.scope", f"The key {key.name!r} lacks the scope {self.scope!r} that this needs.")
        return key


def actor_of(request: HttpRequest) -> str:
    """Who calls, as audit trails and ledgers name it."""
    return f"key:{request.auth.name}"  # type: ignore[attr-defined]


def has_scope(request: HttpRequest, scope: str) -> bool:
    """Whether the key of ``request`` may do ``scope`` beside what its operation needs."""
    return scope in request.auth.scopes  # type: ignore[attr-defined]


def read(router: Router, path: str, scope: str, answer: Any, **more: Any) -> Callable[[F], F]:
    """Declare a GET operation.

    answer: the pydantic model of its answer, or None for a file of ``media_type``. The view gives back such a
    model, or a response as it is.
    """
    return _declare(router, "GET", path, scope, answer, is_write=False, **more)


def write(
    router: Router, method: str, path: str, scope: str, answer: Any, *, claims_itself: bool = False, **more: Any
) -> Callable[[F], F]:
    """Declare an operation that changes something; it honours ``Idempotency-Key``.

    claims_itself: the view does so by ``claim_of`` or ``once``, and gives back a response.
    """
    return _declare(router, method, path, scope, answer, is_write=True, claims_itself=claims_itself, **more)


def _declare(
    router: Router,
    method: str,
    path: str,
    scope: str,
    answer: Any,
    *,
    is_write: bool,
    claims_itself: bool = False,
    media_type: str = "",
    **more: Any,
) -> Callable[[F], F]:
    statuses = [401, 403, 422, 500, 503] + ([400, 413, 415] if is_write else []) + ([404] if "{" in path else [])
    extra: dict[str, Any] = {
        "responses": {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(statuses)},
        "x-scope": scope,
    }
    if is_write:
        extra["parameters"] = [_IDEMPOTENCY_PARAMETER]
    if answer is None:
        extra["responses"][200] = {"description": "A file", "content": {media_type: {"schema": {"type": "string"}}}}

    def declare(view: F) -> F:
        @functools.wraps(view)
        def run(request: HttpRequest, **values: Any) -> HttpResponseBase:
            _refuse_unknown_parameters(request, values)
            if is_write and not claims_itself:
                return once(request, lambda: view(request, **values))
            return _render(view(request, **values))

        # the annotations are texts that only the view's own module can read
        run.__signature__ = inspect.signature(view, eval_str=True)  # type: ignore[attr-defined]
        router.api_operation([method], path, auth=BearerKey(scope), response=answer, openapi_extra=extra, **more)(run)
        return view

    return declare


def _render(result: BaseModel | HttpResponseBase) -> HttpResponseBase:
    if isinstance(result, HttpResponseBase):
        return result
    return HttpResponse(result.model_dump_json(by_alias=True), content_type="application/json")


def _refuse_unknown_parameters(request: HttpRequest, values: dict[str, Any]) -> None:
    """A misspelt filter that is ignored would answer another question than the one asked."""
    known: dict[str, set[str]] = {"query": set(), "form": set()}
    for name, value in values.items():
        if isinstance(value, BaseModel):
            fields = type(value).model_fields
            known["form" if isinstance(value, In) else "query"] |= {i.alias or n for n, i in fields.items()}
        elif isinstance(value, UploadedFile):
            known["form"].add(name)
    given = {"query": set(request.GET), "form": set()}
    if _is_multipart(request):
        given["form"] = {*request.POST, *request.FILES}
    for source in ("query", "form"):
        if unknown := sorted(given[source] - known[source]):
            raise Problem(
                422,
                f"{source}.unknown",
                f"There is no {source} field {', '.join(map(repr, unknown))} here.",
                {"errors": [{"in": source, "field": name, "message": "unknown"} for name in unknown]},
            )


def _is_multipart(request: HttpRequest) -> bool:
    return (request.content_type or "").startswith("multipart/")


def once(request: HttpRequest, work: Callable[[], BaseModel | HttpResponseBase]) -> HttpResponseBase:
    """Do ``work`` and keep its answer in one transaction, or give the answer that is kept.

    Only answers of work that was done are kept: what was refused wrote nothing and may be sent again. Without an
    ``Idempotency-Key`` the work is just done.
    """
    claim = claim_of(request)
    if claim is None:
        return _render(work())
    with transaction.atomic():
        kept = claim_request(claim, now=utc_now())
        if kept is not None:
            return kept_response(kept, is_replayed=True)
        done = work()
        if isinstance(done, HttpResponseBase):
            raise TypeError("An operation that honours Idempotency-Key answers with a model.")
        answer = KeptAnswer(200, done.model_dump_json(by_alias=True))
        keep_answer(claim, answer)
    return kept_response(answer, is_replayed=False)


def claim_of(request: HttpRequest) -> Claim | None:
    """The key that ``request`` carries, or None. Raises Problem when it is not one."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not _IDEMPOTENCY_KEY.fullmatch(key):
        raise Problem(422, "idempotency.key", "Idempotency-Key must be 1 to 255 visible ASCII characters.")
    api_key: ApiKey = request.auth  # type: ignore[attr-defined]
    return Claim(api_key.pk, key, _fingerprint(request))


def kept_response(answer: KeptAnswer, *, is_replayed: bool) -> HttpResponse:
    """The response of an answer that is kept."""
    response = HttpResponse(answer.body, status=answer.status, content_type="application/json")
    if is_replayed:
        response["Idempotency-Replayed"] = "true"
    return response


def _fingerprint(request: HttpRequest) -> bytes:
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    if _is_multipart(request):
        # the boundary differs each time, so the parts are what counts
        for name, value in sorted(request.POST.items()):
            digest.update(f"{len(name)}.{len(str(value))}.{name}{value}".encode())
        for name, file in sorted(request.FILES.items()):
            if isinstance(file, UploadedFile):
                digest.update(f"{len(name)}.{file.size}.{name}{file.name}".encode())
                for chunk in file.chunks():
                    digest.update(chunk)
                file.seek(0)
    else:
        digest.update(request.body)
    return digest.digest()


class StrictParser(Parser):
    """JSON as RFC 8259 has it: no NaN, no infinity, no half surrogates, and an end to nesting."""

    def parse_body(self, request: HttpRequest) -> Any:
        if request.content_type != "application/json":
            raise Problem(415, "body.media_type", f"Send application/json in UTF-8, not {request.content_type!r}.")
        return pydantic_core.from_json(request.body, allow_inf_nan=False)


class TongpanAPI(NinjaAPI):
    """Adds to the OpenAPI document how errors look."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**options)
        components = schema["components"]
        problem = ProblemOut.model_json_schema(
            ref_template="#/components/schemas/{model}", mode="serialization", by_alias=True
        )
        components["schemas"] |= problem.pop("$defs", {}) | {"Problem": problem, "WebhookMessage": MESSAGE}
        schema["webhooks"] = webhooks_section()
        components["responses"] = {
            str(status): {
                "description": description,
                "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }
            for status, description in _DESCRIPTIONS.items()
        }
        return schema


_DESCRIPTIONS = {
    400: "The body is malformed",
    401: "No key, or one that is unknown or revoked",
    403: "The key lacks the scope",
    404: "There is nothing of that name",
    413: "The body is too large",
    415: "The body is not JSON",
    422: "Understood, and refused: detail and code say why; nothing was written",
    500: "A defect on our side; nothing was written",
    503: "The database does not answer",
}


def new_api() -> TongpanAPI:
    """The API without its operations."""
    api = TongpanAPI(
        title="Tongpan",
        version="1",
        description="Orders, stock, goods, channels, nodes, metrics and imports. Money is a decimal text with "
        "its currency; times are RFC 3339; lists are read by cursor; errors are RFC 9457 problem documents.",
        urls_namespace="api",
        docs_url="/docs",
        openapi_url="/openapi.json",
        parser=StrictParser(),
    )
    add_handlers(api)
    return api
