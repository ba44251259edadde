"""What logs and auditors ask of this node's witness and mirror: the addresses of C2SP, open to anyone.

Invariant: there is no token here: what a request may change hangs on a log's signature alone.
Invariant: what a log is answered is what tlog-witness and tlog-mirror say, in plain text, refusals of the web included.
Invariant: however many ask, and however slowly, the pages stay reachable.
Spec: docs/spec/log/mirror.md
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

from aiohttp import web

from node.use_cases.context import Node
from node.use_cases.public import mirroring, witnessing
from node.web.forms import CHUNK_BYTES, read_body
from node.web.page import Route
from node.web.visit import Visit
from protocol.log.witness import ADD_CHECKPOINT_BYTES_MAX, BAD_REQUEST, TEXT, Verdict

BODY_DEADLINE_S = 30
CHUNK_DEADLINE_S = 30
UPLOAD_DEADLINE_S = 600
NOTE_CACHE = "no-cache"
_PREFIX = re.compile(r"[0-9a-f]{64}")


async def witness_checkpoint(visit: Visit) -> web.Response:
    """Cosign a log's new head, when it extends the last one."""
    return await _answer_log(visit, lambda node, body: _take_body(body, partial(witnessing.add_checkpoint, node)))


async def show_witnessed(visit: Visit) -> web.Response:
    """The newest head of one log that this node's witness cosigned."""
    return _answer_note(witnessing.show_checkpoint(visit.site.node, origin_hash(visit)))


async def mirror_checkpoint(visit: Visit) -> web.Response:
    """Have a log's new head wait for its entries."""
    return await _answer_log(visit, lambda node, body: _take_body(body, partial(mirroring.add_checkpoint, node)))


async def mirror_entries(visit: Visit) -> web.Response:
    """Take in entries, package by package, and sign the head when all below it are on disk."""
    response = await _answer_log(visit, lambda node, body: mirroring.add_entries(node, _read_chunks(body)))
    response.headers["Accept-Encoding"] = "gzip"
    return response


async def _answer_log(visit: Visit, work: Callable[[Node, web.Request], Awaitable[Verdict]]) -> web.Response:
    """The answer to what a log sends: in its turn, and never a page."""
    node = visit.site.node
    if visit.site.uploads.is_full:
        return _answer_verdict(Verdict(503, "too many ask at once; try again\n"))
    if not may_sign(node):
        return _answer_verdict(Verdict(503, "this home comes from a backup and signs nothing yet; try again\n"))
    with visit.site.uploads:
        return _answer_verdict(await work(node, visit.request))


async def _take_body(request: web.Request, answer: Callable[[bytes], Awaitable[Verdict]]) -> Verdict:
    """What is answered to a whole body, or why it is not taken."""
    try:
        raw = await read_body(request, ADD_CHECKPOINT_BYTES_MAX, BODY_DEADLINE_S)
    except web.HTTPRequestEntityTooLarge:
        return Verdict(413, f"more than {ADD_CHECKPOINT_BYTES_MAX} bytes\n")
    except TimeoutError:
        return Verdict(408, "the body did not arrive in time\n")
    except web.RequestPayloadError:
        return Verdict(BAD_REQUEST, "the body cannot be unpacked\n")
    return await answer(raw)


def may_sign(node: Node) -> bool:
    """Whether this home signs at present: one that was restored from a backup waits until it knows what it signed."""
    part = node.parts.get("restored")
    return part is None or bool(part.describe().may_sign)


def origin_hash(visit: Visit) -> str:
    """The hash of a log's origin in the address: lower-case hex, as it is written in one way only."""
    prefix = visit.part("prefix")
    if not _PREFIX.fullmatch(prefix):
        raise web.HTTPNotFound
    return prefix


def _answer_verdict(verdict: Verdict) -> web.Response:
    """A verdict as an HTTP answer."""
    return web.Response(body=verdict.body.encode(), status=verdict.status, headers={"Content-Type": verdict.body_type})


def _answer_note(note: bytes | None) -> web.Response:
    """A signed head, which the next one may follow at once; 404 where there is none."""
    if note is None:
        raise web.HTTPNotFound
    return web.Response(body=note, headers={"Content-Type": TEXT, "Cache-Control": NOTE_CACHE})


async def _read_chunks(request: web.Request) -> AsyncIterator[bytes]:
    """The body as it comes. It ends early, as a cut line would end it, when it is too slow or cannot be unpacked."""
    chunks = request.content.iter_chunked(CHUNK_BYTES)
    try:
        async with asyncio.timeout(UPLOAD_DEADLINE_S):
            while True:
                async with asyncio.timeout(CHUNK_DEADLINE_S):
                    chunk = await anext(chunks, b"")
                if not chunk:
                    return
                yield chunk
    except (TimeoutError, web.RequestPayloadError):
        return


ROUTES = (
    Route("POST", "/witness/add-checkpoint", witness_checkpoint, "have a log's new head cosigned"),
    Route("GET", "/witness/{prefix}/checkpoint", show_witnessed, "the newest head cosigned of one log"),
    Route("POST", "/mirror/add-checkpoint", mirror_checkpoint, "show the mirror a log's new head"),
    Route("POST", "/mirror/add-entries", mirror_entries, "hand over the entries below a head"),
)
