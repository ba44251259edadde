"""What logs and auditors ask of this node's witness and mirror: the addresses of C2SP, open to anyone.

Invariant: there is no token here: what a request may change hangs on a log's signature alone.
Invariant: answers are those of tlog-witness and tlog-mirror, in plain text, errors included.
Spec: docs/spec/mirror.md
"""

import asyncio
import re
from collections.abc import AsyncIterator

from aiohttp import web

from node.use_cases.context import Node
from node.use_cases.public import mirroring, witnessing
from node.web.visit import Visit
from protocol.log.witness import ADD_CHECKPOINT_BYTES_MAX, TEXT, Verdict

SERVED_NODE: web.AppKey[Node] = web.AppKey("served_node", Node)
BODY_DEADLINE_S = 30
CHUNK_DEADLINE_S = 30
UPLOAD_DEADLINE_S = 600
CHUNK_BYTES = 64 * 1024
NOTE_CACHE = "no-cache"
_PREFIX = re.compile(r"[0-9a-f]{64}")


async def witness_checkpoint(visit: Visit) -> web.Response:
    """Cosign a log's new head, when it extends the last one."""
    raw = await read_body(visit.request, ADD_CHECKPOINT_BYTES_MAX)
    return answer_verdict(await witnessing.add_checkpoint(served_node(visit), raw))


async def show_witnessed(visit: Visit) -> web.Response:
    """The newest head of one log that this node's witness cosigned."""
    return answer_note(witnessing.show_checkpoint(served_node(visit), origin_hash(visit)))


async def mirror_checkpoint(visit: Visit) -> web.Response:
    """Have a log's new head wait for its entries."""
    raw = await read_body(visit.request, ADD_CHECKPOINT_BYTES_MAX)
    return answer_verdict(await mirroring.add_checkpoint(served_node(visit), raw))


async def mirror_entries(visit: Visit) -> web.Response:
    """Take in entries, package by package, and sign the head when all below it are on disk."""
    response = answer_verdict(await mirroring.add_entries(served_node(visit), read_chunks(visit.request)))
    response.headers["Accept-Encoding"] = "gzip"
    return response


def served_node(visit: Visit) -> Node:
    """The node whose witness answers; a server of pages alone has none."""
    node = visit.request.app.get(SERVED_NODE)
    if node is None:
        raise web.HTTPNotFound
    return node


def origin_hash(visit: Visit) -> str:
    """The hash of a log's origin in the address: lower-case hex, as it is written in one way only."""
    prefix = visit.part("prefix")
    if not _PREFIX.fullmatch(prefix):
        raise web.HTTPNotFound
    return prefix


def answer_verdict(verdict: Verdict) -> web.Response:
    """A verdict as an HTTP answer."""
    return web.Response(body=verdict.body.encode(), status=verdict.status, headers={"Content-Type": verdict.body_type})


def answer_note(note: bytes | None) -> web.Response:
    """A signed head, which the next one may follow at once; 404 where there is none."""
    if note is None:
        raise web.HTTPNotFound
    return web.Response(body=note, headers={"Content-Type": TEXT, "Cache-Control": NOTE_CACHE})


async def read_body(request: web.Request, bytes_max: int) -> bytes:
    """The whole body within its limit and deadline; HTTP 413 when it is longer."""
    held = bytearray()
    async with asyncio.timeout(BODY_DEADLINE_S):
        async for chunk in request.content.iter_chunked(CHUNK_BYTES):
            held += chunk
            if len(held) > bytes_max:
                raise web.HTTPRequestEntityTooLarge(bytes_max, len(held))
    return bytes(held)


async def read_chunks(request: web.Request) -> AsyncIterator[bytes]:
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
