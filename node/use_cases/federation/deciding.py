"""Taking part in a decision: votes come in from the logs, our own go out through ours.

Invariant: a vote is in our own log, on disk, before anyone else can see it; after a restart our log says what we cast.
Invariant: when to stop waiting only hurries a decision; what closes a slot is in the logs alone.
"""

import asyncio
from collections.abc import Callable, Iterable

from node.use_cases.context import Node
from node.use_cases.publish import publish
from protocol.federation.decision import (
    Cast,
    Closed,
    DecisionState,
    Event,
    Judged,
    NeedJudgement,
    Received,
    SetTimer,
    Start,
    Timeout,
    ValueReady,
    handle,
    is_closed,
    restore,
    wait_s,
    waiting_for,
)
from protocol.federation.vote_records import VOTE_KINDS, ProposalBody, format_vote, hash_content, vote_of
from protocol.federation.votes import Vote
from storage.log.record_index import IndexedRecord, latest, records

EVENTS_MAX = 4_096

Judge = Callable[[bytes], bool | None]
"""Whether this node would accept a content; None while it cannot know yet."""


class Decider:
    """One slot at this node: feed it with records and with what this node would propose; it calls back once closed."""

    def __init__(
        self,
        node: Node,
        slot: bytes,
        voters: Iterable[str],
        judge: Judge,
        closed: Callable[[bytes], None],
        needed: int | None = None,
    ) -> None:
        self._node, self.slot, self._judge, self._on_closed = node, slot, judge, closed
        self._contents: dict[bytes, bytes] = {}
        self._unjudged: set[bytes] = set()
        self._closed_value: bytes | None = None
        self._reported = False
        self._has_dropped = False
        self._offered: bytes | None = None
        self._events: asyncio.Queue[Event] = asyncio.Queue(EVENTS_MAX)
        self._timers: list[asyncio.TimerHandle] = []
        self._state = self._restore(tuple(sorted(voters)), needed)
        self._casting = asyncio.Lock()
        self._task = asyncio.create_task(self._work(), name="decider")
        self._started = False

    def start(self) -> None:
        """Take part: propose when it is our turn, and do not wait for others for ever."""
        if not self._started:
            self._started = True
            self._add(Start())

    def offer(self, content: bytes) -> None:
        """Say what this node would propose now, and so accept."""
        value = hash_content(content)
        if value != self._offered:
            self._contents[value] = content
            self._offered = value
            self._add(ValueReady(value))

    def take(self, indexed: IndexedRecord) -> None:
        """Hear a vote of this slot from any log."""
        vote = self._read(indexed)
        if vote is not None:
            self._add(Received(vote))
        self._report()

    def judge_again(self) -> None:
        """Something this node knows has changed: judge anew what it could not judge or had refused."""
        for value in sorted(self._unjudged):
            self._ask(value)

    def waits_for(self) -> tuple[str, ...]:
        """Whose word is still out: what a status page shows."""
        return waiting_for(self._state)

    @property
    def has_proposal(self) -> bool:
        """Whether anybody has proposed something yet."""
        return bool(self._contents)

    async def stop(self) -> None:
        """Take no further part; what was cast stays cast, and nothing is cast after this has returned."""
        for timer in self._timers:
            timer.cancel()
        # A vote that is on its way into our log gets there first.
        async with self._casting:
            self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def _restore(self, voters: tuple[str, ...], needed: int | None) -> DecisionState:
        me, votes = self._node.origin, self._list_votes()
        own = [vote for vote in votes if vote.voter == me]
        others = [vote for vote in votes if vote.voter != me]
        return restore(me, voters, self.slot, own, others, needed)

    def _list_votes(self) -> list[Vote]:
        """Every vote of this slot in the logs."""
        db = self._node.database.reader
        found = (indexed for kind in VOTE_KINDS for indexed in records(db, kind, self.slot, every_branch=True))
        return [vote for indexed in found if (vote := self._read(indexed)) is not None]

    def _read(self, indexed: IndexedRecord) -> Vote | None:
        if not indexed.is_own_word:
            return None
        if isinstance(indexed.body, ProposalBody):
            self._contents[hash_content(indexed.body.content)] = indexed.body.content
        return vote_of(indexed.body, indexed.origin)

    def _add(self, event: Event) -> None:
        if self._closed_value is not None:
            return
        try:
            self._events.put_nowait(event)
        except asyncio.QueueFull:
            # What is dropped here lies in the logs: it is read again once the queue has run empty.
            self._has_dropped = True

    async def _work(self) -> None:
        try:
            await self._follow_events()
        except Exception:
            # A vote that could not be written must not be counted: this node stays silent in the slot.
            self._node.log.exception("decider.failed")

    async def _follow_events(self) -> None:
        while True:
            event = await self._events.get()
            self._state, actions = handle(self._state, event)
            for action in actions:
                match action:
                    case Cast(vote):
                        kind, body = format_vote(vote, self._contents.get(vote.value or b""))
                        async with self._casting:
                            await publish(self._node, kind, body)
                    case SetTimer(round_number, step):
                        self._set_timer(Timeout(round_number, step))
                    case NeedJudgement(value):
                        self._ask(value)
                    case Closed(value, _):
                        self._closed_value = value
            self._report()
            if self._has_dropped and self._events.empty():
                self._has_dropped = False
                self._hear_again()

    def _hear_again(self) -> None:
        for vote in self._list_votes():
            self._add(Received(vote))

    def _set_timer(self, timeout: Timeout) -> None:
        loop = asyncio.get_running_loop()
        delay_s = wait_s(timeout.round, timeout.step)
        self._timers = [timer for timer in self._timers if timer.when() > loop.time()]
        self._timers.append(loop.call_later(delay_s, self._add, timeout))

    def _ask(self, value: bytes) -> None:
        content = self._contents.get(value)
        verdict = None if content is None else self._judge(content)
        if verdict is True:
            self._unjudged.discard(value)
        else:
            self._unjudged.add(value)
        if verdict is not None:
            self._add(Judged(value, verdict))

    def _report(self) -> None:
        """Call back once, when the closing value and what it stands for are both known."""
        content = self._contents.get(self._closed_value or b"")
        if content is not None and not self._reported:
            self._reported = True
            self._on_closed(content)


def closed_content(node: Node, slot: bytes, voters: Iterable[str], needed: int | None = None) -> bytes | None:
    """What a slot was closed on, from the logs alone; None while it is open or its content has not arrived.

    `needed` voters close it, where the question asks for more than a quorum.
    """
    cast = records(node.database.reader, "decision.precommit", slot, every_branch=True)
    votes = [vote for one in cast if one.is_own_word and (vote := vote_of(one.body, one.origin)) is not None]
    value = is_closed(votes, voters, needed) if votes else None
    return None if value is None else find_content(node, slot, value)


def has_voted(node: Node, slot: bytes) -> bool:
    """Whether this home has cast any vote in a slot."""
    return any(latest(node.database.reader, kind, slot, node.origin, 1) for kind in VOTE_KINDS)


def read_own_lock(node: Node, slot: bytes) -> bytes | None:
    """The value that this home holds to in a slot, by its own log; None where it holds to none."""
    cast = records(node.database.reader, "decision.precommit", slot, node.origin, every_branch=True)
    held = [one.body for one in cast if one.is_own_word and one.body.value is not None]
    return max(held, key=lambda body: body.round).value if held else None


def find_content(node: Node, slot: bytes, value: bytes) -> bytes | None:
    """What a value of a slot stands for, None where no proposal of it is here."""
    proposed = records(node.database.reader, "decision.proposal", slot, every_branch=True)
    return next((one.body.content for one in proposed if hash_content(one.body.content) == value), None)
