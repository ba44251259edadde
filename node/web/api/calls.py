"""The API: every operation of the node by name, for whoever holds the home's token.

`POST /api/v1/<operation>` with a JSON object of parameters and `Authorization: Bearer <token>`; answers JSON, or
problem+json with findings. `GET /api/v1` lists the operations.

Invariant: nothing of a body is read before its token is known to be right.
"""

import hmac

import msgspec
from aiohttp import web

from node.web.failures import Failure, failure_of_error, format_problem
from node.web.forms import read_body
from node.web.page import Route
from node.web.visit import Visit
from protocol.core.errors import MisuseError, PeerError, RochdaleError

BODY_BYTES_MAX = 72 * 1024 * 1024
BODY_DEADLINE_S = 120
JSON = "application/json"
PROBLEM = "application/problem+json"


async def list_operations(visit: Visit) -> web.Response:
    """The operations, their parameters as JSON schema."""
    if not _is_authorized(visit):
        return _refuse_token()
    return web.Response(body=msgspec.json.encode({"operations": visit.site.operations.describe()}), content_type=JSON)


async def run_operation(visit: Visit) -> web.Response:
    """Run one operation and answer its result."""
    if not _is_authorized(visit):
        return _refuse_token()
    operation = visit.site.operations.find(visit.part("operation"))
    if operation is None:
        return answer_problem(Failure(404, "There is no such operation", "GET /api/v1 lists the operations."))
    try:
        params = await read_params(visit.request)
        result = await visit.site.operations.run(operation, params)
    except (RochdaleError, TimeoutError) as error:
        if isinstance(error, PeerError):
            visit.site.log.warning("api.peer_error", operation=operation.name)
        return answer_problem(failure_of_error(error))
    return web.Response(body=msgspec.json.encode(result), content_type=JSON)


def _is_authorized(visit: Visit) -> bool:
    """Whether the request carries this home's token; a server without a token authorizes nobody."""
    scheme, _, sent = visit.request.headers.get("Authorization", "").partition(" ")
    token = visit.site.api_token
    # A header may hold bytes that are no text.
    sent_bytes = sent.encode(errors="surrogateescape")
    return bool(token) and scheme.lower() == "bearer" and hmac.compare_digest(sent_bytes, token.encode())


def _refuse_token() -> web.Response:
    """401, saying which kind of token is meant."""
    response = answer_problem(
        Failure(401, "A token is needed", "Send the token of this home as Authorization: Bearer <token>.")
    )
    response.headers["WWW-Authenticate"] = 'Bearer realm="rochdale"'
    return response


def answer_problem(failure: Failure) -> web.Response:
    """A failure as problem+json with its status."""
    return web.Response(body=format_problem(failure), status=failure.status, content_type=PROBLEM)


async def read_params(request: web.Request) -> object:
    """The JSON body, an empty object when there is none; HTTP 413, 415 or 400, or MisuseError when it will not do."""
    body = await read_body(request, BODY_BYTES_MAX, BODY_DEADLINE_S)
    if not body:
        return {}
    if request.content_type != JSON:
        raise web.HTTPUnsupportedMediaType
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MisuseError(f"the body is not JSON: {error}") from error


async def answer_health(visit: Visit) -> web.Response:
    """One word for a watchdog: this node answers."""
    return web.Response(text="ok\n")


ROUTES = (
    Route("GET", "/healthz", answer_health, "ok, for a watchdog"),
    Route("GET", "/api/v1", list_operations, "the operations and their parameters"),
    Route("POST", "/api/v1/{operation}", run_operation, "run one operation"),
)
