"""The files of this node's logs for mirrors and auditors: its own under /log, each by its origin's hash under /mirror.

Invariant: read only, and byte for byte what an export would have written.
Invariant: a tile never changes and may be kept for ever; a head may be followed by the next one at once.
Spec: docs/spec/log/tiles-and-proofs.md (c2sp.org/tlog-tiles)
"""

from aiohttp import web

from node.use_cases.log.files import OWN_LOG, read_log_file
from node.web.page import Route
from node.web.public.log_requests import origin_hash
from node.web.visit import Visit
from protocol.log.tiles import CHECKPOINT_PATH

HEAD_CACHE = "public, max-age=5"
TILE_CACHE = "public, max-age=31536000, immutable"
HEAD_TYPE = "text/plain; charset=utf-8"
TILE_TYPE = "application/octet-stream"
BUNDLE_PREFIX = "tile/entries/"


async def show_own_head(visit: Visit) -> web.Response:
    """The newest signed head of this node's own log."""
    return await _answer(visit, OWN_LOG, CHECKPOINT_PATH)


async def show_own_tile(visit: Visit) -> web.Response:
    """A tile or entry bundle of this node's own log."""
    return await _answer(visit, OWN_LOG, f"tile/{visit.part('tile')}")


async def show_head(visit: Visit) -> web.Response:
    """The newest signed head of a log that this node holds."""
    return await _answer(visit, origin_hash(visit), CHECKPOINT_PATH)


async def show_tile(visit: Visit) -> web.Response:
    """A tile or entry bundle of a log that this node holds."""
    return await _answer(visit, origin_hash(visit), f"tile/{visit.part('tile')}")


async def _answer(visit: Visit, log: str, path: str) -> web.Response:
    content = await read_log_file(visit.site.node, log, path)
    if content is None:
        raise web.HTTPNotFound
    is_head = path == CHECKPOINT_PATH
    headers = {
        "Content-Type": HEAD_TYPE if is_head else TILE_TYPE,
        "Cache-Control": HEAD_CACHE if is_head else TILE_CACHE,
    }
    response = web.Response(body=content, headers=headers)
    if path.startswith(BUNDLE_PREFIX):
        # Hashes do not get smaller; entries do.
        response.headers["Vary"] = "Accept-Encoding"
        if "gzip" in visit.request.headers.get("Accept-Encoding", ""):
            response.enable_compression(web.ContentCoding.gzip)
    return response


ROUTES = (
    Route("GET", "/log/checkpoint", show_own_head, "the newest signed head of this node's own log"),
    Route("GET", "/log/tile/{tile:.+}", show_own_tile, "a tile or entry bundle of it (tlog-tiles)"),
    Route("GET", "/mirror/{prefix}/checkpoint", show_head, "the same of any log it holds, by its origin's SHA-256"),
    Route("GET", "/mirror/{prefix}/tile/{tile:.+}", show_tile, "a tile or entry bundle of that log"),
)
