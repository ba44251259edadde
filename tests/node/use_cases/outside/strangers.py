"""Servers of strangers on loopback: a witness that keeps the rules, and one that answers whatever a test wants."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.test_utils import TestServer

from protocol.core.identity import SigningKey, generate
from protocol.core.mldsa44 import Mldsa44Key
from protocol.core.note import COSIGNATURE_MLDSA44, COSIGNATURE_V1, Ed25519Verifier, format_vkey
from protocol.log.checkpoint import format_checkpoint
from protocol.log.cosignature import sign_cosignature, sign_mldsa44_cosignature
from protocol.log.witness import OK, CosignedHead, Verdict, judge_checkpoint, parse_add_checkpoint

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
TIME_S = 1_770_000_000


class OutsideWitness:
    """A witness of its own, outside any federation, with a key of either kind; it keeps tlog-witness's rules."""

    def __init__(self, log_origin: str, log_public: bytes, name: str = "oak.example/witness") -> None:
        self.name = name
        self.key: SigningKey = generate(b"o" * 32)
        self.mldsa44 = Mldsa44Key(b"m" * 32)
        self.vkeys = (
            format_vkey(name, COSIGNATURE_V1, self.key.public),
            format_vkey(name, COSIGNATURE_MLDSA44, self.mldsa44.public),
        )
        self.held = CosignedHead()
        self.asked: list[tuple[int, int, int]] = []
        self._verifier = Ed25519Verifier(log_origin, log_public)

    async def __call__(self, request: web.Request) -> web.Response:
        """POST add-checkpoint."""
        verdict = self.judge(await request.read())
        return web.Response(body=verdict.body.encode(), status=verdict.status, content_type=verdict.body_type[:10])

    def judge(self, raw: bytes) -> Verdict:
        """What it answers; `asked` remembers (old size, size, status)."""
        request = parse_add_checkpoint(raw)
        head = request.checkpoint
        keys = [self._verifier] if head.origin == self._verifier.name else []
        verdict = judge_checkpoint(request, keys, self.held)
        self.asked.append((request.old_size, head.size, verdict.status))
        if verdict.status != OK:
            return verdict
        self.held = CosignedHead(head.size, head.root)
        text = format_checkpoint(head)
        lines = sign_cosignature(text, self.name, self.key, TIME_S)
        return Verdict(OK, lines + sign_mldsa44_cosignature(text, self.name, self.mldsa44, TIME_S))


class Server(TestServer):
    """A server on loopback whose every POST is answered by `answer`."""

    def __init__(self, answer: Answer) -> None:
        async def take(request: web.Request) -> web.StreamResponse:
            return await answer(request)

        application = web.Application(client_max_size=1 << 30)
        application.router.add_post("/{path:.*}", take)
        super().__init__(application)

    async def __aenter__(self) -> "Server":
        await super().__aenter__()
        return self

    @property
    def url(self) -> str:
        return str(self.make_url("/w"))


class Silence:
    """An answer that does not come before the test has ended."""

    def __init__(self) -> None:
        self.is_asked, self.ended = asyncio.Event(), asyncio.Event()

    async def __call__(self, _: web.Request) -> web.Response:
        self.is_asked.set()
        await self.ended.wait()
        return web.Response(status=503)
