"""Witnesses that this home asks itself, over the web: who they are, and one question to one of them.

Invariant: nothing a witness says is kept before its lines were checked against its keys, under the head it was shown.
Invariant: only a head that is on disk is shown, and none while this home must not sign.
Spec: docs/spec/log/cosigning.md (c2sp.org/tlog-witness)
"""

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Annotated, Final

import msgspec

from node.use_cases.context import Node, NoParams, Operation
from node.use_cases.cosign import admit_cosignature, witness_roster
from node.use_cases.description import EXIT_UNREACHED, KEY, Command, Rows, typed
from node.use_cases.log.heads import held_head, open_hashes
from node.use_cases.outside.web_client import URL_LENGTH_MAX, WebAnswer, WebClient, parse_url
from node.use_cases.own_log.own_head import own_head_of
from protocol.core.errors import PeerError, RefusedError
from protocol.core.note import (
    COSIGNATURE_V1,
    VKEY_LENGTH_MAX,
    format_vkey,
    key_hash,
    parse_note,
    parse_signature,
    parse_vkey,
)
from protocol.log.cosignature import add_signature, make_verifier
from protocol.log.merkle import prove_consistency
from protocol.log.outside.cosigning import ANSWER_BYTES_MAX, describe_refusal, parse_held_size, read_cosignatures
from protocol.log.witness import CONFLICT, OK, format_add_checkpoint
from storage.log import log_store
from storage.log.log_store import Head
from storage.peers.outside_witnesses import (
    OutsideWitness,
    keep_note,
    outside_witnesses,
    remove_outside_witness,
    set_outside_witness,
)

OUTSIDE_WITNESSES_MAX: Final = 15
KEYS_MAX: Final = 4
ASK_WAIT_S: Final = 30.0
"""How long a witness may take to answer one request, its body included."""
EXAMPLE_KEY: Final = format_vkey("oak.example/witness", COSIGNATURE_V1, bytes(32))
TRIES_MAX: Final = 3
"""Requests about one head, when the witness turns out to stand elsewhere."""

Url = Annotated[str, msgspec.Meta(max_length=URL_LENGTH_MAX)]
Vkey = Annotated[str, msgspec.Meta(max_length=VKEY_LENGTH_MAX), KEY]


class AddWitness(msgspec.Struct, kw_only=True):
    """A witness by its address, to which `/add-checkpoint` is joined, and its verifier keys."""

    url: Url
    keys: Annotated[tuple[Vkey, ...], msgspec.Meta(min_length=1, max_length=KEYS_MAX), typed("KEY...")]


class WitnessUrl(msgspec.Struct, kw_only=True):
    """A witness by its address."""

    url: Url


class WitnessView(msgspec.Struct, frozen=True, kw_only=True):
    """A witness that is asked: up to which size of `log_size` it cosigned, when it was asked, and what went wrong."""

    url: str
    names: tuple[str, ...]
    size: int
    log_size: int
    asked_ms: int
    error: str


class Witnesses(msgspec.Struct, frozen=True):
    """All witnesses that this home asks itself, by address."""

    witnesses: tuple[WitnessView, ...]


async def add_witness(node: Node, params: AddWitness) -> Witnesses:
    """Ask a witness for cosignatures from now on (private setting). RefusedError for an address or key that cannot be,
    for the log's own key, and beyond OUTSIDE_WITNESSES_MAX."""
    url, keys = parse_url(params.url), [parse_vkey(vkey) for vkey in params.keys]
    for key in keys:
        make_verifier(key)
        if key.name == node.origin or key.public == log_store.log_key_of(node.database.reader, node.origin):
            raise RefusedError.at("key", "this is the log's own key; a log cannot witness itself")
    known = {witness.url: witness for witness in outside_witnesses(node.database.reader)}
    if url not in known and len(known) >= OUTSIDE_WITNESSES_MAX:
        raise RefusedError.at("url", f"{OUTSIDE_WITNESSES_MAX} witnesses are asked already; remove one first")
    # Under other keys it has cosigned nothing yet.
    await node.database.write(lambda db: set_outside_witness(db, OutsideWitness(url, params.keys)))
    _tell_asker(node)
    return await list_witnesses(node, NoParams())


async def remove_witness(node: Node, params: WitnessUrl) -> Witnesses:
    """Ask a witness no more; RefusedError where it is not asked. What it signed is still shown."""
    if not await node.database.write(lambda db: remove_outside_witness(db, params.url.rstrip("/"))):
        raise RefusedError.at("url", "no such witness is asked; `rochdale log witness list` shows those that are")
    _tell_asker(node)
    return await list_witnesses(node, NoParams())


async def list_witnesses(node: Node, _: NoParams) -> Witnesses:
    """The witnesses that are asked, and how far each has come."""
    db = node.database.reader
    head = log_store.head(db, node.origin)
    log_size = 0 if head is None else head.size
    return Witnesses(
        tuple(
            WitnessView(
                url=one.url,
                names=tuple(sorted({vkey.split("+")[0] for vkey in one.vkeys})),
                size=one.size,
                log_size=log_size,
                asked_ms=one.asked_ms,
                error=one.error,
            )
            for one in outside_witnesses(db)
        )
    )


async def ask_witnesses(node: Node, _: NoParams) -> Witnesses:
    """Ask every witness now, all at the same time; what they sign is kept, and how each answered."""
    client = WebClient()
    try:
        asked = outside_witnesses(node.database.reader)
        await asyncio.gather(*(ask_and_note(node, client, witness) for witness in asked))
    finally:
        await client.stop()
    return await list_witnesses(node, NoParams())


async def ask_and_note(node: Node, client: WebClient, witness: OutsideWitness, wait_s: float = ASK_WAIT_S) -> bool:
    """Ask a witness about the newest head and note how it went; False where it has not signed."""
    error = ""
    try:
        await _ask_witness(node, client, witness, wait_s)
    except (PeerError, RefusedError) as failure:
        error = failure.reason
    asked_ms = node.clock.now_ms()

    def note_answer(db: sqlite3.Connection) -> None:
        # It may have been removed meanwhile, or got other keys.
        for held in outside_witnesses(db):
            if (held.url, held.vkeys) == (witness.url, witness.vkeys):
                set_outside_witness(db, held._replace(asked_ms=asked_ms, error=error))

    await node.database.write(note_answer)
    return not error


async def _ask_witness(node: Node, client: WebClient, witness: OutsideWitness, wait_s: float = ASK_WAIT_S) -> None:
    """Have the newest head cosigned and keep the lines; PeerError says in words why there are none."""
    head = shown_head(node)
    answer = await show_head_to(node, client, witness.url, head, witness.size, wait_s)
    verifiers = [make_verifier(parse_vkey(vkey)) for vkey in witness.vkeys]
    lines = read_cosignatures(answer.body, parse_note(head.note)[0], verifiers)
    await keep_lines(node, head, lines)
    await _count_lines(node, head, lines)

    def note_size(db: sqlite3.Connection) -> None:
        for held in outside_witnesses(db):
            if (held.url, held.vkeys) == (witness.url, witness.vkeys):
                set_outside_witness(db, held._replace(size=head.size))

    await node.database.write(note_size)


async def ask_size(node: Node, client: WebClient, witness: OutsideWitness, wait_s: float = ASK_WAIT_S) -> int:
    """The size of the head that a witness cosigned last; PeerError where it does not say.

    Shows it the head that is on disk, which is signed already, so a home that must not sign may ask this too.
    """
    head = held_head(node.database.reader, node.origin)
    body = format_add_checkpoint(0, [], head.note)
    answer = await client.post(f"{witness.url}/add-checkpoint", body, ANSWER_BYTES_MAX, wait_s)
    if answer.status not in (OK, CONFLICT):
        raise PeerError(describe_refusal(answer.status))
    return head.size if answer.status == OK else parse_held_size(answer.body)


def shown_head(node: Node) -> Head:
    """The newest head, to be shown to strangers; RefusedError while this home must not sign."""
    if reason := own_head_of(node).reason:
        raise RefusedError(f"nobody is asked while this home must not sign: {reason}")
    return held_head(node.database.reader, node.origin)


async def show_head_to(node: Node, client: WebClient, url: str, head: Head, held_size: int, wait_s: float) -> WebAnswer:
    """The answer with which a witness or mirror accepts a head; PeerError says in words why it does not.

    `held_size` is where it is thought to stand; it is asked again from where it says that it does.
    """
    for _ in range(TRIES_MAX):
        body = await _make_request(node, head, held_size)
        answer = await client.post(f"{url}/add-checkpoint", body, ANSWER_BYTES_MAX, wait_s)
        if answer.status == OK:
            return answer
        if answer.status != CONFLICT:
            raise PeerError(describe_refusal(answer.status))
        held_size = parse_held_size(answer.body)
    raise PeerError(describe_refusal(CONFLICT))


async def keep_lines(node: Node, head: Head, lines: Sequence[str]) -> tuple[str, ...]:
    """Keep lines that were checked under a head of our own; the names of those who signed."""
    note = head.note
    for line in lines:
        note = add_signature(note, line)
    await node.database.write(lambda db: keep_note(db, head.origin, head.size, note))
    return tuple(sorted({one.name for one in parse_note(note)[1]} - {head.origin}))


async def _make_request(node: Node, head: Head, held_size: int) -> bytes:
    if held_size > head.size:
        raise PeerError(
            f"it has cosigned a head of {held_size} entries, and this log has {head.size}: was this home restored "
            "from a backup, or does it run twice?"
        )
    proof = prove_consistency(held_size, head.size, await open_hashes(node, head))
    return format_add_checkpoint(held_size, proof, head.note)


async def _count_lines(node: Node, head: Head, lines: Sequence[str]) -> None:
    """Where the charter names this very witness, its line counts for all members: they are told of it."""
    known = {(name, key_hash(name, COSIGNATURE_V1, key)) for name, key in witness_roster(node).witness_keys().items()}
    for line in lines:
        signature = parse_signature(line)
        if (signature.name, signature.key_hash) in known:
            await admit_cosignature(node, head.origin, head.size, line.encode())


def _tell_asker(node: Node) -> None:
    asker = node.parts.get("outside_witnesses")
    if asker is not None:
        asker.refresh()


def _tell_witnesses(answer: Witnesses) -> Iterator[str | Rows]:
    if not answer.witnesses:
        yield "No outside witness is asked: `rochdale log witness add URL KEY` names one."
        return
    rows = [(", ".join(one.names), one.url, f"{one.size} of {one.log_size}", one.error) for one in answer.witnesses]
    yield Rows(("witness", "address", "cosigned", "last error"), rows)


OPERATIONS = (
    Operation(
        "witness.add",
        AddWitness,
        add_witness,
        "Ask the witness at URL (its submission prefix), which signs with KEY: vkeys, or files that hold them.",
        tell=_tell_witnesses,
        command=Command(
            "log witness add",
            ("url", "keys"),
            f"http://127.0.0.1:9 {EXAMPLE_KEY}",
            group="Witnesses outside the federation that are asked to cosign this home's log.",
        ),
    ),
    Operation(
        "witness.remove",
        WitnessUrl,
        remove_witness,
        "Ask the witness at URL no more. What it signed is still shown.",
        tell=_tell_witnesses,
        command=Command("log witness remove", ("url",), "https://nobody.example", 1),
    ),
    Operation(
        "witness.list",
        NoParams,
        list_witnesses,
        "The outside witnesses, how far each cosigned, and what went wrong.",
        writes=False,
        tell=_tell_witnesses,
        command=Command("log witness list"),
    ),
    Operation(
        "witness.ask",
        NoParams,
        ask_witnesses,
        "Ask them all now, and say what each answered. Ends with 3 where one did not sign.",
        tell=_tell_witnesses,
        command=Command(
            "log witness ask",
            ends=lambda answer: EXIT_UNREACHED if any(one.error for one in answer.witnesses) else 0,
        ),
    ),
)
