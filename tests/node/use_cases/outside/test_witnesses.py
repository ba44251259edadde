"""A home asks a witness outside the federation: every answer there is, and what of it is kept."""

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest
from aiohttp import web

from node.use_cases.context import Node, NoParams
from node.use_cases.log.auditing import audit_proof
from node.use_cases.log.heads import LogName, show_head
from node.use_cases.log.proofs import ProveParams, prove_record
from node.use_cases.logs import list_logs
from node.use_cases.outside.web_client import WebClient
from node.use_cases.outside.witnesses import (
    OUTSIDE_WITNESSES_MAX,
    AddWitness,
    WitnessUrl,
    add_witness,
    ask_and_note,
    ask_witnesses,
    list_witnesses,
    remove_witness,
)
from node.use_cases.own_log.own_head import own_head_of
from protocol.core.errors import PeerError, RefusedError
from protocol.core.identity import generate
from protocol.core.note import parse_note, parse_vkey
from protocol.log.cosignature import make_verifier, read_cosigned, sign_cosignature
from protocol.log.outside.cosigning import ANSWER_BYTES_MAX
from protocol.log.policy import check_head, make_policy
from protocol.log.proof import check_proof, parse_proof
from storage.log.cosignatures import Cosignature
from storage.peers.outside_witnesses import KEPT_HEADS_MAX, kept_sizes, outside_witnesses
from tests.node.homes import Rosters
from tests.node.use_cases.log.grown_home import fill, vkey_of
from tests.node.use_cases.outside.strangers import TIME_S, OutsideWitness, Server, Silence
from tests.node.use_cases.two_homes import open_home

SIZE = 300


@pytest.fixture
async def north(tmp_path: Path) -> AsyncIterator[Node]:
    node = await open_home(tmp_path, "north")
    # Read before the log is filled past its rules.
    assert own_head_of(node).reason == ""
    fill(node, SIZE)
    yield node
    node.database.close()


@pytest.fixture
def oak(north: Node) -> OutsideWitness:
    return OutsideWitness(north.origin, generate(north.keys.log).public)


async def ask(node: Node, url: str, *vkeys: str) -> str:
    """Add a witness and ask it once; what went wrong, empty when nothing did."""
    await add_witness(node, AddWitness(url=url, keys=vkeys))
    (shown,) = (await ask_witnesses(node, NoParams())).witnesses
    return shown.error


async def names_under_head(node: Node) -> list[str]:
    return [one.name for one in parse_note((await show_head(node, LogName())).note.encode())[1]]


async def test_a_new_head_is_cosigned_with_both_keys_and_served(north: Node, oak: OutsideWitness) -> None:
    async with Server(oak) as server:
        assert await ask(north, server.url, *oak.vkeys) == ""
        assert await names_under_head(north) == [north.origin, oak.name, oak.name]
        fill(north, SIZE + 7)
        assert await names_under_head(north) == [north.origin]
        (shown,) = (await ask_witnesses(north, NoParams())).witnesses
    assert (shown.size, shown.log_size, shown.names, shown.error) == (SIZE + 7, SIZE + 7, (oak.name,), "")
    assert oak.asked == [(0, SIZE, 200), (SIZE, SIZE + 7, 200)]
    note = (await show_head(north, LogName())).note.encode()
    cosigned = read_cosigned(note, [(oak.name, make_verifier(parse_vkey(vkey))) for vkey in oak.vkeys])
    assert cosigned == ({oak.name: TIME_S}, ())


async def test_a_policy_that_asks_for_an_outsider_accepts_head_and_proof(north: Node, oak: OutsideWitness) -> None:
    policy = make_policy(parse_vkey(vkey_of(north)), [parse_vkey(oak.vkeys[0])], "nobody", "half")
    async with Server(oak) as server:
        await ask(north, server.url, *oak.vkeys)
    note = (await show_head(north, LogName())).note.encode()
    assert check_head(note, policy).times_s
    proof = parse_proof((await prove_record(north, ProveParams(index=299))).proof.encode())
    assert check_proof(proof, bytes.fromhex((await prove_record(north, ProveParams(index=299))).leaf), policy)


async def test_a_witness_that_stands_elsewhere_is_asked_from_there(north: Node, oak: OutsideWitness) -> None:
    async with Server(oak) as server:
        await ask(north, server.url, oak.vkeys[0])
        fill(north, SIZE + 20)
        # Added anew, as after a restore: where it stands is not known here any more.
        assert await ask(north, server.url, oak.vkeys[0]) == ""
    assert oak.asked[1:] == [(0, SIZE + 20, 409), (SIZE, SIZE + 20, 200)]


async def test_a_witness_ahead_of_the_log_says_that_the_home_is_old(north: Node, oak: OutsideWitness) -> None:
    async def ahead(_: web.Request) -> web.Response:
        return web.Response(text=f"{SIZE + 1}\n", status=409, content_type="text/x.tlog.size")

    async with Server(ahead) as server:
        assert f"it has cosigned a head of {SIZE + 1} entries" in await ask(north, server.url, *oak.vkeys)


# Status, body, and the words that say what went wrong.
WRONG = {
    "it finds the request malformed": (400, "", "calls the request malformed"),
    "it knows another key of the log": (403, "", "does not accept the log's signature"),
    "it does not know the log": (404, "", "it does not know this log"),
    "it moves on again and again": (409, "200\n", "stands at another head again and again"),
    "a conflict without a size": (409, "", "a conflict that names no size"),
    "a conflict with a size that cannot be": (409, "9999999999999999\n", "a conflict that names no size"),
    "it sees another branch": (422, "", "there may be two versions"),
    "it is overloaded": (503, "", "it answered 503"),
    "it sends us elsewhere": (302, "", "it answered 302"),
    "no line at all": (200, "", "no signature lines"),
    "bytes that are no line": (200, "ok\n", "signature line"),
    "a line under another head": (200, "FALSE", "the signature of oak.example/witness is wrong"),
    "a line of somebody else": (200, "ODD", "not signed by any key that is known"),
    "a line without a time": (200, "TIMELESS", "without a time"),
    "an answer without an end": (200, "x" * (ANSWER_BYTES_MAX + 1), f"more than {ANSWER_BYTES_MAX} bytes"),
}


@pytest.mark.parametrize("case", WRONG)
async def test_of_a_wrong_answer_nothing_is_kept_and_the_reason_is_said(
    north: Node, oak: OutsideWitness, case: str
) -> None:
    status, body, words = WRONG[case]
    text = parse_note((await show_head(north, LogName())).note.encode())[0]
    body = {
        "FALSE": sign_cosignature(text.replace(str(SIZE), "299"), oak.name, oak.key, TIME_S),
        "ODD": sign_cosignature(text, "odd.example/witness", generate(b"x" * 32), TIME_S),
        "TIMELESS": sign_cosignature(text, oak.name, oak.key, 0),
    }.get(body, body)

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=body, status=status, headers={"Location": "http://127.0.0.1:9/"})

    async with Server(answer) as server:
        assert words in await ask(north, server.url, oak.vkeys[0])
    assert await names_under_head(north) == [north.origin]
    assert kept_sizes(north.database.reader, north.origin) == []


async def test_lines_of_strangers_beside_a_right_one_are_ignored(north: Node, oak: OutsideWitness) -> None:
    async def answer(request: web.Request) -> web.Response:
        verdict = oak.judge(await request.read())
        text = parse_note((await show_head(north, LogName())).note.encode())[0]
        return web.Response(text=verdict.body + sign_cosignature(text, "odd.example/w", generate(b"x" * 32), TIME_S))

    async with Server(answer) as server:
        assert await ask(north, server.url, oak.vkeys[0]) == ""
    assert await names_under_head(north) == [north.origin, oak.name]


async def test_nobody_listens_and_nobody_answers_in_time(north: Node, oak: OutsideWitness) -> None:
    assert "cannot be reached" in await ask(north, "http://127.0.0.1:9", *oak.vkeys)
    silence, client = Silence(), WebClient()
    async with Server(silence) as server:
        await add_witness(north, AddWitness(url=server.url, keys=oak.vkeys))
        witness = next(one for one in outside_witnesses(north.database.reader) if one.url == server.url)
        assert not await ask_and_note(north, client, witness, wait_s=0.05)
        silence.ended.set()
    await client.stop()
    shown = (await list_witnesses(north, NoParams())).witnesses
    assert "did not answer in 0.05 seconds" in {one.error for one in shown}


async def test_a_home_that_must_not_sign_shows_its_head_to_nobody(north: Node, oak: OutsideWitness) -> None:
    own_head_of(north).hold("it is marked as restored from a backup")
    async with Server(oak) as server:
        assert "must not sign" in await ask(north, server.url, *oak.vkeys)
    assert oak.asked == []


ADDRESSES = {
    "http over the net": "http://oak.example/w",
    "no scheme": "oak.example/w",
    "another scheme": "ftp://oak.example/w",
    "with a question": "https://oak.example/w?x=1",
    "with a name and word": "https://me:word@oak.example/w",
    "a port that cannot be": "https://oak.example:99999/w",
    "letters that steer": "https://oak.example/\x1b[2J",
    "nothing": "",
}


@pytest.mark.parametrize("case", ADDRESSES)
async def test_an_address_that_cannot_be_is_refused(north: Node, oak: OutsideWitness, case: str) -> None:
    with pytest.raises(RefusedError, match="url"):
        await add_witness(north, AddWitness(url=ADDRESSES[case], keys=oak.vkeys))


async def test_keys_that_cannot_witness_are_refused_and_the_list_is_bounded(north: Node, oak: OutsideWitness) -> None:
    for key, words in ((vkey_of(north), "not the key of a cosigner"), ("no key", "not of the form")):
        with pytest.raises(RefusedError, match=words):
            await add_witness(north, AddWitness(url="https://oak.example", keys=(key,)))
    for number in range(OUTSIDE_WITNESSES_MAX):
        await add_witness(north, AddWitness(url=f"https://oak-{number}.example/", keys=oak.vkeys))
    with pytest.raises(RefusedError, match="15 witnesses are asked already"):
        await add_witness(north, AddWitness(url="https://one-more.example", keys=oak.vkeys))
    left = await remove_witness(north, WitnessUrl(url="https://oak-3.example"))
    assert len(left.witnesses) == OUTSIDE_WITNESSES_MAX - 1
    with pytest.raises(RefusedError, match="no such witness"):
        await remove_witness(north, WitnessUrl(url="https://oak-3.example"))


async def test_old_heads_are_kept_up_to_a_bound(north: Node, oak: OutsideWitness) -> None:
    async with Server(oak) as server:
        await ask(north, server.url, oak.vkeys[0])
        for size in range(SIZE + 1, SIZE + KEPT_HEADS_MAX + 3):
            fill(north, size)
            await ask_witnesses(north, NoParams())
    kept = kept_sizes(north.database.reader, north.origin)
    assert (len(kept), kept[-1]) == (KEPT_HEADS_MAX, SIZE + KEPT_HEADS_MAX + 2)


async def test_a_record_is_proven_under_an_earlier_head_that_was_kept(north: Node, oak: OutsideWitness) -> None:
    policy = make_policy(parse_vkey(vkey_of(north)), [parse_vkey(oak.vkeys[0])], "nobody", "half")
    async with Server(oak) as server:
        await ask(north, server.url, *oak.vkeys)
    before = await prove_record(north, ProveParams(index=7))
    fill(north, SIZE + 1_000)
    newest = await prove_record(north, ProveParams(index=7))
    with pytest.raises(PeerError, match="not its quorum"):
        audit_proof(newest.proof.encode(), policy)
    older = await prove_record(north, ProveParams(index=7, size=SIZE))
    assert older == before
    assert audit_proof(older.proof.encode(), policy).size == SIZE
    with pytest.raises(RefusedError, match="this head has 300 records"):
        await prove_record(north, ProveParams(index=SIZE, size=SIZE))
    with pytest.raises(RefusedError, match="no head of 299 records was kept; there are those of 300, 1300"):
        await prove_record(north, ProveParams(index=7, size=299))


async def test_a_witness_that_the_charter_names_counts_and_the_peers_are_told(north: Node, oak: OutsideWitness) -> None:
    told: list[str] = []

    class Peers:
        @staticmethod
        def speaking() -> AbstractContextManager[None]:
            return nullcontext()

        @staticmethod
        def hand_on(found: Cosignature, source: int) -> None:
            told.append(found.cosigner)

    north.parts.update(speaker=Peers(), roster=Rosters(north.origin, {oak.name: oak.key.public}, ()))
    async with Server(oak) as server:
        await ask(north, server.url, *oak.vkeys)
        await ask_witnesses(north, NoParams())
    (log,) = (await list_logs(north, NoParams())).logs
    assert (log.witnesses, log.needed, log.witnessed_size) == (1, 1, SIZE)
    assert told == [oak.name]
    # Under the head each line stands once.
    assert await names_under_head(north) == [north.origin, oak.name, oak.name]
