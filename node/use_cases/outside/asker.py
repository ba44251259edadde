"""Asks outside witnesses as long as the node runs: each at its own pace, about the newest head only.

Invariant: publishing never waits for it; a witness that is slow or gone delays neither another one nor the stop.
Invariant: after a failure it is asked again later and later, never more often than a set time.
Spec: docs/spec/log/cosigning.md
"""

import asyncio
import contextlib
import sqlite3
from typing import Final

from node.use_cases.context import Node
from node.use_cases.outside.web_client import WebClient
from node.use_cases.outside.witnesses import ask_and_note, ask_size
from node.use_cases.own_log.own_head import own_head_of
from node.use_cases.status import AskerReport
from protocol.core.errors import PeerError
from protocol.gossip.peers import double_wait_ms, shorten_wait_ms
from storage.log import log_store
from storage.peers.outside_witnesses import OutsideWitness, outside_witnesses

DEBOUNCE_S: Final = 0.2
"""How long a head may still be overtaken by the next one before a witness is asked."""
FIRST_WAIT_MS: Final = 5_000
WAIT_MS_MAX: Final = 600_000
LOOK_AGAIN_S: Final = 3_600.0


class WitnessAsker:
    """One patient question after the other to each outside witness."""

    def __init__(self, node: Node, first_wait_ms: int = FIRST_WAIT_MS) -> None:
        self._node = node
        self._first_wait_ms = first_wait_ms
        self._client = WebClient()
        self._loops: dict[str, asyncio.Task[None]] = {}
        self._news: dict[str, asyncio.Event] = {}
        self._sizes: dict[str, int] = {}

    async def start(self) -> None:
        """Ask about what was published since the last run, and from now on about every new head."""
        self._node.changes.add_listener(self._hear)
        self.refresh()

    async def stop(self) -> None:
        """Ask no more, at once: an answer that is under way can be asked for again."""
        for loop in self._loops.values():
            loop.cancel()
        await asyncio.gather(*self._loops.values(), return_exceptions=True)
        await self._client.stop()

    def refresh(self) -> None:
        """The list of witnesses has changed."""
        known = {witness.url for witness in outside_witnesses(self._node.database.reader)}
        for url in self._loops.keys() - known:
            self._loops.pop(url).cancel()
            del self._news[url]
        for url in known:
            if url not in self._loops:
                self._news[url] = asyncio.Event()
                self._loops[url] = asyncio.create_task(self._ask_for_ever(url, self._news[url]), name="witness")
            self._news[url].set()

    def answers(self) -> dict[str, int]:
        """Address of each witness that was asked where it stands, since this home must not sign -> the size it said."""
        return self._sizes

    def describe(self) -> AskerReport:
        """For the status page."""
        witnesses = outside_witnesses(self._node.database.reader)
        failing = {witness.url: witness.error for witness in witnesses if witness.error}
        return AskerReport(len(witnesses), failing)

    def _hear(self, origin: str, _start: int, _stop: int) -> None:
        if origin == self._node.origin:
            for news in self._news.values():
                news.set()

    async def _ask_for_ever(self, url: str, news: asyncio.Event) -> None:
        failures = 0
        while True:
            await asyncio.sleep(DEBOUNCE_S)
            news.clear()
            failures = 0 if await self._ask(url) else failures + 1
            if failures:
                await asyncio.sleep(self.next_wait_s(failures))
            else:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_AGAIN_S):
                        await news.wait()

    async def _ask(self, url: str) -> bool:
        """Whether there is nothing left to ask; whatever goes wrong, the next try comes."""
        try:
            witness = self._due(url)
            if witness is None:
                return True
            if own_head_of(self._node).reason:
                self._sizes[url] = await ask_size(self._node, self._client, witness)
                return True
            return await ask_and_note(self._node, self._client, witness)
        except PeerError as error:
            self._node.log.info("witness_not_heard", witness=url, reason=error.reason)
        except sqlite3.Error as error:
            self._node.log.error("cosignature_not_stored", witness=url, error=type(error).__name__)
        except Exception:
            self._node.log.exception("witness.failed", witness=url)
        return False

    def _due(self, url: str) -> OutsideWitness | None:
        db = self._node.database.reader
        head = log_store.head(db, self._node.origin)
        found = next((one for one in outside_witnesses(db) if one.url == url), None)
        if found is None or head is None or not head.note:
            return None
        return found if head.size > found.size or own_head_of(self._node).reason else None

    def next_wait_s(self, failures: int) -> float:
        """Twice as long after every failure, up to a bound, and by chance up to half of it less."""
        whole_ms = double_wait_ms(self._first_wait_ms, WAIT_MS_MAX, failures - 1)
        return shorten_wait_ms(whole_ms, self._node.clock.random_bytes(2)) / 1_000
