"""The web server of a node: pages for people, the API for its own commands, on loopback unless told otherwise.

Invariant: every answer goes through the same guard and carries the same headers, errors included.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

from aiohttp import web

from node.use_cases.context import Node, Operation
from node.web.api.calls import answer_problem
from node.web.api.operations import OperationTable
from node.web.failures import Failure, failure_of_error, failure_of_status
from node.web.frame import Frame, fill_frame
from node.web.guard import (
    FORM_NONCE_BYTES,
    LOOPBACK_HOSTS,
    add_security_headers,
    is_known_host,
    set_form_cookie,
)
from node.web.page import FilledPage, Handler, Route
from node.web.render import View, build_environment, render_view
from node.web.routes import API_PREFIX, ROUTES, STATIC_PATH
from node.web.showing import list_routes
from node.web.static_files import files_version, load_files
from node.web.told.told_pages import add_sections, list_titles, show_told
from node.web.visit import SITE, Site, Visit, visit_of
from protocol.core.errors import RochdaleError, place_of

# aiohttp waits this long for the whole head of a request, on a new connection and between two requests.
HEADER_DEADLINE_S = 10
LINE_BYTES_MAX = 4096
FIELD_BYTES_MAX = 8190
HEADERS_MAX = 64
BODY_BYTES_MAX = 1024 * 1024
SHUTDOWN_S = 5
FORM_KEY_BYTES = 32
STATIC_CACHE = "public, max-age=86400"
ANY_HOSTS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - recognised here, never chosen here

NextHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def start_web(node: Node, operations: Mapping[str, Operation], token: str) -> web.AppRunner:
    """Listen where the config says; the API is for whoever holds `token`. `web_address` tells where it is."""
    runner = build_runner(build_application(node, operations, token))
    await runner.setup()
    await web.TCPSite(runner, node.config.web_host, node.config.web_port).start()
    return runner


def build_runner(application: web.Application, header_deadline_s: float = HEADER_DEADLINE_S) -> web.AppRunner:
    """The runner with the limits of this server on every connection."""
    return web.AppRunner(
        application,
        access_log=None,
        handle_signals=False,
        keepalive_timeout=header_deadline_s,
        max_line_size=LINE_BYTES_MAX,
        max_field_size=FIELD_BYTES_MAX,
        max_headers=HEADERS_MAX,
        shutdown_timeout=SHUTDOWN_S,
    )


def web_address(runner: web.AppRunner) -> str:
    """The address that a browser on this machine opens."""
    host, port = runner.addresses[0][:2]
    if host in ANY_HOSTS:
        host = "127.0.0.1"
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def build_application(
    node: Node,
    operations: Mapping[str, Operation],
    token: str,
    found: Sequence[FilledPage | Route] = ROUTES,
    frame: Callable[[Node], Frame] = fill_frame,
) -> web.Application:
    """The application of all addresses of one node."""
    table, routes = OperationTable(node, operations), list_routes(found)
    told = table.list_pages()
    application = web.Application(middlewares=[_answer_failures], client_max_size=BODY_BYTES_MAX)
    application[SITE] = _build_site(node, table, token, list_titles(told, {route.path for route in routes}), frame)
    application.on_response_prepare.append(add_security_headers)
    application.router.add_get(STATIC_PATH, _serve_file)
    for route in routes:
        answer = _serve_route(route.handler, told.pop(route.path, ()))
        if route.method == "GET":
            application.router.add_get(route.path, answer)
        else:
            application.router.add_route(route.method, route.path, answer)
    for path, operations_there in told.items():
        application.router.add_get(path, _serve_route(partial(show_told, operations=operations_there)))
    return application


def _build_site(
    node: Node,
    operations: OperationTable,
    token: str,
    titles: Sequence[tuple[str, str]],
    frame: Callable[[Node], Frame],
) -> Site:
    """What all requests share; the key of the forms is drawn anew at every start."""
    files, host, draw = load_files(), node.config.web_host, node.clock.random_bytes
    return Site(
        node=node,
        fill_frame=frame,
        operations=operations,
        environment=build_environment(files_version(files), titles),
        api_token=token,
        form_key=draw(FORM_KEY_BYTES),
        hosts=None if host in ANY_HOSTS else LOOPBACK_HOSTS | {host.lower()},
        draw_nonce=lambda: draw(FORM_NONCE_BYTES).hex(),
        files=files,
    )


def _serve_route(handler: Handler, told: Sequence[Operation] = ()) -> NextHandler:
    """A handler of ours as aiohttp calls it, with what these operations tell below its page."""

    async def answer(request: web.Request) -> web.StreamResponse:
        visit = visit_of(request)
        result = await handler(visit)
        if isinstance(result, web.StreamResponse):
            return result
        return await _answer_view(visit, await add_sections(visit, result, told) if told else result)

    return answer


async def _serve_file(request: web.Request) -> web.Response:
    """One of the static files."""
    file = request.app[SITE].files.get(request.match_info["file"])
    if file is None:
        raise web.HTTPNotFound
    response = web.Response(body=file.content, content_type=file.content_type, charset="utf-8")
    response.headers["Cache-Control"] = STATIC_CACHE
    return response


async def _answer_view(visit: Visit, view: View) -> web.Response:
    """A view as a whole page."""
    frame = visit.site.fill_frame(visit.site.node)
    text = render_view(visit.site.environment, view, frame, visit.language, visit.request.path)
    response = web.Response(text=text, status=view.status, content_type="text/html")
    response.headers["Content-Language"] = visit.language.code
    if view.nonce:
        set_form_cookie(response, view.nonce)
    return response


@web.middleware
async def _answer_failures(request: web.Request, handler: NextHandler) -> web.StreamResponse:
    """The one place where errors become answers; also turns away strange hosts and one connection too many."""
    site = request.app[SITE]
    if not is_known_host(request, site.hosts):
        return await _answer_failure(request, failure_of_status(421))
    if site.crowd.is_full:
        return await _answer_failure(request, failure_of_status(503))
    try:
        with site.crowd:
            return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        response = await _answer_failure(request, failure_of_status(error.status))
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response
    except (RochdaleError, TimeoutError) as error:
        return await _answer_failure(request, failure_of_error(error))
    except Exception as error:
        # The kind and the place, never the words: they may quote a line of somebody's till.
        site.log.error("web.failed", error=type(error).__name__, place=place_of(error))
        return await _answer_failure(request, failure_of_error(error))


async def _answer_failure(request: web.Request, failure: Failure) -> web.Response:
    """A failure as a page, or as problem+json under the API."""
    if request.path.startswith(API_PREFIX):
        return answer_problem(failure)
    visit = visit_of(request)
    return await _answer_view(visit, View("templates/failure.html", failure.title, failure, failure.status))
