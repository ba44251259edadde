"""A home that comes from a backup: its entries come back from those who were sent them, and only then it signs.

Invariant: it waits for every node that was ever sent one of its heads, and for the witnesses outside that it asks; who
is not here is named.
Invariant: entries of its own log that others hold are taken as any log's: under a head that its own key has signed.
Spec: docs/spec/log/signed-head.md
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from node.use_cases.context import Node
from node.use_cases.own_log.own_head import TWICE, own_head_of
from node.use_cases.status import ReturnReport
from storage.home.head_file import Mark
from storage.log import log_store
from storage.peers import gossip_marks, peer_state
from storage.peers.outside_witnesses import outside_witnesses

LOOK_S: Final = 0.25
"""How often the answers are looked at while this home waits for them."""
WATCH_S: Final = 1.0


class Answers(Protocol):
    """What the running sessions know of our own log elsewhere."""

    def answers(self) -> dict[str, int]:
        """Those who have told all they hold -> how much of our log that is."""
        ...

    def take_own(self, is_taken: bool) -> None:
        """Take entries of our own log from others, or no longer."""
        ...


class Return:
    """One home's way back to signing; a home that may sign passes through at once."""

    def __init__(self, node: Node, answers: Answers, go_on: Callable[[], Awaitable[None]]) -> None:
        """`go_on` starts what signs: called once, when this home may."""
        self._node = node
        self._answers = answers
        self._go_on = go_on
        self._own_head = own_head_of(node)
        self._answered: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Go on at once, or wait for the answers."""
        if not self._own_head.reason:
            # A home from before there was such a file gets one.
            self._own_head.release(self._present())
            await self._go_on()
        else:
            self._node.log.warning("own_log_waits", reason=self._own_head.reason, waits_for=self.waits_for())
            self._answers.take_own(True)
        self._task = asyncio.create_task(self._watch(), name="restored")

    async def stop(self) -> None:
        """Wait no longer."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def waits_for(self) -> list[str]:
        """Origins of those whose answer is still out."""
        return sorted(self._awaited() - self._answered) if self._own_head.reason else []

    def describe(self) -> ReturnReport:
        """For the status page."""
        return ReturnReport(not self._own_head.reason, self._own_head.reason, tuple(self.waits_for()))

    def _awaited(self) -> frozenset[str]:
        db = self._node.database.reader
        pinned = frozenset(peer.origin for peer in peer_state.peers(db))
        outside = frozenset(witness.url for witness in outside_witnesses(db))
        return (pinned | self._own_head.told() | outside) - {self._node.origin}

    def _present(self) -> Mark:
        head = log_store.head(self._node.database.reader, self._node.origin)
        assert head is not None
        return Mark(head.size, head.root)

    async def _watch(self) -> None:
        while True:
            try:
                if self._own_head.reason:
                    await self._collect()
                else:
                    self._look_for_more()
            except Exception:
                self._node.log.exception("restored.failed")
            await asyncio.sleep(LOOK_S if self._own_head.reason else WATCH_S)

    async def _collect(self) -> None:
        """Count who has answered; all of what they hold must be here."""
        asker = self._node.parts.get("outside_witnesses")
        outside = {} if asker is None else asker.answers()
        answers, size = self._answers.answers() | outside, self._present().size
        self._answered = {origin for origin in self._answered | answers.keys() if answers.get(origin, 0) <= size}
        if self._own_head.reason == TWICE or self.waits_for():
            return
        self._answers.take_own(False)
        self._own_head.release(self._present())
        self._node.log.warning("own_log_goes_on", size=self._present().size)
        await self._go_on()

    def _look_for_more(self) -> None:
        """Somebody holds more of our log than we do: then another process signs with our keys."""
        size = self._present().size
        if any(theirs > size for theirs in self._answers.answers().values()):
            self._answers.take_own(True)


async def prepare_return(node: Node) -> None:
    """Before the first session of a restored home: have peers tell everything."""
    if own_head_of(node).reason:
        await node.database.write(gossip_marks.reset_cursors)
