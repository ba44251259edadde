"""Handing this home's log to a mirror, over the web: as far as it has come, and on from where it stopped.

Invariant: only a head that is on disk is shown, and none while this home must not sign.
Invariant: where the mirror says to go on is never believed beyond our own head, nor for long while it comes no further.
Spec: docs/spec/log/mirror.md (c2sp.org/tlog-mirror)
"""

from collections.abc import AsyncIterator, Iterator
from itertools import islice
from typing import Annotated, Final

import msgspec

from node.use_cases.context import Desk, DeskOperation, Node, Operation
from node.use_cases.description import EXIT_UNREACHED, Command, count, typed
from node.use_cases.log.heads import open_hashes
from node.use_cases.outside.web_client import WebAnswer, WebClient, parse_url
from node.use_cases.outside.witnesses import KEYS_MAX, Url, Vkey, keep_lines, show_head_to, shown_head
from protocol.core.errors import PeerError
from protocol.core.note import parse_note, parse_vkey
from protocol.log.cosignature import make_verifier
from protocol.log.merkle import HashReader
from protocol.log.mirror import (
    ACCEPTED,
    INFO_BYTES_MAX,
    PACKAGES_PER_REQUEST,
    EntriesHeader,
    MirrorInfo,
    format_entries_header,
    format_package,
    list_spans,
    parse_mirror_info,
    prove_package,
)
from protocol.log.outside.cosigning import ANSWER_BYTES_MAX, describe_refusal, read_cosignatures
from protocol.log.witness import CONFLICT, OK, UNPROCESSABLE
from storage.log import log_store
from storage.log.log_store import Head

UPLOAD_WAIT_S: Final = 300.0
"""How long one request of at most 8,192 entries may take, its answer included."""
REQUESTS_PER_CALL: Final = 8
"""Requests in one call of the operation: whoever calls goes on until the mirror has all."""
CALL_WAIT_S: Final = 240.0
"""After so long no further request of a call is begun."""
STANDSTILLS_MAX: Final = 3
"""Answers in a row by which the mirror has come no further."""
UNPROVEN: Final = "it says that an entry does not lead to the head it was shown"


class PushParams(msgspec.Struct, kw_only=True):
    """A mirror by its address, to which `/add-entries` is joined, and the verifier keys by which it is known.

    Without keys its signatures are not checked, and not kept. At most `requests` requests are made in this call.
    """

    url: Url
    keys: Annotated[tuple[Vkey, ...], msgspec.Meta(max_length=KEYS_MAX)] = ()
    requests: Annotated[int, msgspec.Meta(ge=1, le=REQUESTS_PER_CALL)] = REQUESTS_PER_CALL


class Pushed(msgspec.Struct, frozen=True, kw_only=True):
    """How far a mirror has come: the next entry that it wants of `size`; `is_done` once it has signed the head.

    `cosigners` are the names whose lines under that head were checked.
    """

    url: str
    size: int
    next_entry: int
    is_done: bool
    cosigners: tuple[str, ...]


class HandOverParams(msgspec.Struct, kw_only=True):
    """A mirror by its submission prefix, and the keys by which it is known."""

    url: Url
    keys: Annotated[tuple[Vkey, ...], msgspec.Meta(max_length=KEYS_MAX), typed("[KEY]...")] = ()


async def push_log(node: Node, params: PushParams) -> Pushed:
    """Hand entries to a mirror until it has signed the newest head, or for some thousands of them; the lines that its
    keys made are kept. RefusedError for an address or key that cannot be; PeerError says in words why it goes no
    further."""
    url = parse_url(params.url)
    verifiers = [make_verifier(parse_vkey(vkey)) for vkey in params.keys]
    head = shown_head(node)
    client = WebClient()
    try:
        await show_head_to(node, client, url, head, 0, UPLOAD_WAIT_S)
        info, answer = await _Upload(node, client, url, head, params.requests).run()
    finally:
        await client.stop()
    names: tuple[str, ...] = ()
    if answer is not None and verifiers:
        names = await keep_lines(node, head, read_cosignatures(answer.body, parse_note(head.note)[0], verifiers))
    return Pushed(url=url, size=head.size, next_entry=info.next_entry, is_done=answer is not None, cosigners=names)


class _Upload:
    """One upload to one mirror: requests until it has all, or as many as one call makes."""

    def __init__(self, node: Node, client: WebClient, url: str, head: Head, requests: int) -> None:
        self._node, self._client, self._url, self._head, self._requests = node, client, url, head, requests

    async def run(self) -> tuple[MirrorInfo, WebAnswer | None]:
        """Where the mirror stands; and its answer with signatures, once it has all below our head."""
        # A request without entries that begins at the end: whoever has not all of them says where to go on.
        size = self._head.size
        info, reached, standstills = MirrorInfo(size, size), -1, 0
        end_s = self._node.clock.monotonic_s() + CALL_WAIT_S
        for _ in range(self._requests):
            if self._node.clock.monotonic_s() > end_s:
                break
            answer = await self._post(info)
            if answer.status == OK and info.size == size:
                return MirrorInfo(size, size), answer
            # With 200 it has signed a head of before; now on to the newest.
            info = MirrorInfo(size, info.size) if answer.status == OK else self._read_info(answer)
            standstills = 0 if info.next_entry > reached else standstills + 1
            if standstills >= STANDSTILLS_MAX:
                raise PeerError(f"it wants entry {info.next_entry} again and again")
            reached = max(reached, info.next_entry)
        return info, None

    def _read_info(self, answer: WebAnswer) -> MirrorInfo:
        if answer.status not in (ACCEPTED, CONFLICT):
            raise PeerError(UNPROVEN if answer.status == UNPROCESSABLE else describe_refusal(answer.status))
        info = parse_mirror_info(answer.body)
        if info.size > self._head.size or info.next_entry > self._head.size:
            raise PeerError(
                f"it has {max(info.size, info.next_entry)} entries of this log, which has {self._head.size} here: was "
                "this home restored from a backup, or does it run twice?"
            )
        return info

    async def _post(self, info: MirrorInfo) -> WebAnswer:
        start = min(info.next_entry, info.size)
        header = EntriesHeader(self._head.origin, start, info.size, info.ticket)
        body = self._list_pieces(header, await open_hashes(self._node, self._head, info.size))
        return await self._client.post(
            f"{self._url}/add-entries",
            body,
            max(ANSWER_BYTES_MAX, INFO_BYTES_MAX),
            UPLOAD_WAIT_S,
            **{"Content-Type": "application/octet-stream"},
        )

    async def _list_pieces(self, header: EntriesHeader, read: HashReader) -> AsyncIterator[bytes]:
        """The body, a bundle of it at a time in memory."""
        yield format_entries_header(header)
        db, origin = self._node.database.reader, self._head.origin
        for span in islice(list_spans(header.start, header.end), PACKAGES_PER_REQUEST):
            entries = log_store.entries(db, origin, span.start, span.end)
            yield format_package(prove_package(span, entries, header.end, read))


def hand_over(desk: Desk, params: HandOverParams) -> Pushed:
    """Push until the mirror has all: each call at the node takes a while, and a mirror that stands still ends it."""
    watch, reached = desk.watch("records"), -1
    while True:
        pushed = msgspec.convert(desk.ask("log.push", {"url": params.url, "keys": params.keys}), Pushed)
        if pushed.is_done:
            return pushed
        watch(pushed.next_entry, pushed.size)
        if pushed.next_entry <= reached:
            raise PeerError(f"the mirror comes no further than {count(pushed.next_entry, 'record')}")
        reached = pushed.next_entry


def _tell_pushed(pushed: Pushed) -> Iterator[str]:
    yield f"{pushed.url} holds the log with {count(pushed.size, 'record')}."
    names = ", ".join(pushed.cosigners)
    yield f"Signed by {names}." if names else "Its signature was not checked: name its key for that."


OPERATIONS = (
    Operation("log.push", PushParams, push_log, "Hand this home's log, or some thousands of its records, to a mirror."),
    DeskOperation(
        "log.hand_over",
        HandOverParams,
        hand_over,
        "Hand this home's log to the mirror at URL (its submission prefix), which signs with KEY (vkeys, or files).\n\n"
        "It goes on where an earlier push stopped. Without KEY nobody checks what the mirror signs.",
        tell=_tell_pushed,
        command=Command("log push", ("url", "keys"), "http://127.0.0.1:9", EXIT_UNREACHED),
    ),
)
