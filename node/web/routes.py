"""Every address this node answers, in one table: method, path, handler, and what stands there.

Invariant: pages are read only but for two forms, of the first day and of the committee, which are taken from this
machine alone; a till file for `/what-if` is read and forgotten. Everything else that changes something is an
operation, or asked for by a log that has signed it.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from aiohttp import web

from node.web import first_day_forms, handlers, log_handlers
from node.web.api import calls
from node.web.planning import proposal_forms, what_if_forms
from node.web.public import tiles
from node.web.render import View
from node.web.visit import Visit

Handler = Callable[[Visit], Awaitable[View | web.Response]]


class Route(NamedTuple):
    """One address; a handler answers a view (a page) or a whole response."""

    method: str
    path: str
    handler: Handler
    doc: str


ROUTES: tuple[Route, ...] = (
    Route("GET", "/", handlers.show_front, "the three questions, or the first-day page on an empty home"),
    Route("GET", "/tour/{stop}", handlers.show_tour, "the tour: buyer, member, baker, delegate, auditor"),
    Route("GET", "/first-day", first_day_forms.show_first_day, "name your co-op, drop in a till file"),
    Route("POST", "/first-day", first_day_forms.take_first_day, "take the name and the till file"),
    Route("GET", "/prices", handlers.show_prices, "every product and the state of its price"),
    Route("GET", "/prices/{product}", handlers.show_price, "what one price is made of"),
    Route("GET", "/plan", handlers.show_plan, "rounds, who makes and gets what, what binds, who checked"),
    Route("GET", "/plan.json", handlers.answer_plan_document, "the plan's document, for checking it yourself"),
    Route("GET", "/plan/{coop:.+}", handlers.show_coop, "one co-op's part of the plan"),
    Route("GET", "/what-if", what_if_forms.show_what_if, "the plan tried again with changes: who gains, who lacks"),
    Route("POST", "/what-if", what_if_forms.try_till_file, "the plan tried again with a till file, which is not kept"),
    Route("GET", "/proposal", proposal_forms.show_proposal, "this co-op's proposal, line by line, for its committee"),
    Route("POST", "/proposal", proposal_forms.change_proposal, "change it, release it, or take a release back"),
    Route("GET", "/logs", handlers.show_logs, "peers and logs"),
    Route("GET", "/logs/{origin:.+}", handlers.show_log, "one log and its latest records"),
    Route("POST", "/witness/add-checkpoint", log_handlers.witness_checkpoint, "have a log's new head cosigned"),
    Route("GET", "/witness/{prefix}/checkpoint", log_handlers.show_witnessed, "the newest head cosigned of one log"),
    Route("GET", "/log/checkpoint", tiles.show_own_head, "the newest signed head of this node's own log"),
    Route("GET", "/log/tile/{tile:.+}", tiles.show_own_tile, "a tile or entry bundle of it (tlog-tiles)"),
    Route(
        "GET", "/mirror/{prefix}/checkpoint", tiles.show_head, "the same of any log it holds, by its origin's SHA-256"
    ),
    Route("GET", "/mirror/{prefix}/tile/{tile:.+}", tiles.show_tile, "a tile or entry bundle of that log"),
    Route("POST", "/mirror/add-checkpoint", log_handlers.mirror_checkpoint, "show the mirror a log's new head"),
    Route("POST", "/mirror/add-entries", log_handlers.mirror_entries, "hand over the entries below a head"),
    Route("GET", "/healthz", handlers.answer_health, "ok, for a watchdog"),
    Route("GET", "/api/v1", calls.list_operations, "the operations and their parameters"),
    Route("POST", "/api/v1/{operation}", calls.run_operation, "run one operation"),
)
API_PREFIX = "/api/"
STATIC_PATH = "/static/{file}"
