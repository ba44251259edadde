"""One visit to a page: who is asked, what was asked for, and the keys of this web server."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiohttp import web
from jinja2 import Environment

from node.use_cases.context import Node
from node.web.api.operations import OperationTable
from node.web.asked import Asked, Kept
from node.web.frame import Frame
from node.web.guard import form_nonce
from node.web.languages import Language, choose_language
from node.web.static_files import StaticFile

REQUESTS_MAX = 64
UPLOADS_MAX = 16
"""Of these, how many may be logs that ask for a cosignature or hand over entries, each for minutes perhaps."""


@dataclass
class Crowd:
    """How many requests are being answered at once; a context manager around each."""

    inside: int = 0
    limit: int = REQUESTS_MAX

    @property
    def is_full(self) -> bool:
        """Whether one more would be too many."""
        return self.inside >= self.limit

    def __enter__(self) -> None:
        self.inside += 1

    def __exit__(self, *reason: object) -> None:
        self.inside -= 1


@dataclass(frozen=True)
class Site:
    """What every request of one web server shares; `hosts` None answers to any name."""

    node: Node
    fill_frame: Callable[[Node], Frame]
    operations: OperationTable
    environment: Environment
    api_token: str
    form_key: bytes
    hosts: frozenset[str] | None
    draw_nonce: Callable[[], str]
    files: dict[str, StaticFile]
    kept: Kept = field(default_factory=Kept)
    log: Any = field(default_factory=structlog.get_logger)
    crowd: Crowd = field(default_factory=Crowd)
    uploads: Crowd = field(default_factory=lambda: Crowd(limit=UPLOADS_MAX))
    form_turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One form at a time: each may bring a file of tens of megabytes."""


SITE: web.AppKey[Site] = web.AppKey("site", Site)


@dataclass(frozen=True)
class Visit:
    """One request as the handlers see it; `nonce` binds the forms of this visitor's browser."""

    request: web.Request
    site: Site
    nonce: str

    @property
    def asked(self) -> Asked:
        """What this address asks of the node."""
        return Asked(self.site.node, {**self.request.query, **self.request.match_info}, self.site.kept)

    @property
    def language(self) -> Language:
        """The language and direction asked for in the address."""
        return choose_language(self.request.query.get("lang"), self.request.query.get("dir"))

    def part(self, name: str) -> str:
        """A named part of the path."""
        return self.request.match_info[name]


def visit_of(request: web.Request) -> Visit:
    """The visit that a request makes."""
    site = request.app[SITE]
    return Visit(request, site, form_nonce(request) or site.draw_nonce())
