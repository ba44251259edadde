"""The vectors made again from the pages alone: struct, hashlib and JSON, and no line of the code that wrote them.

What another implementer would have to guess shows here as a difference, or as a word that the page does not have.
"""

import base64
import hashlib
import json
import struct
from collections.abc import Callable
from typing import Any, Final

import pytest

from tests.protocol.core.values import load_vectors
from tests.vectors.packing import pack, unpack

ENCODING, RECORDS = load_vectors("core/encoding.json"), load_vectors("core/records.json")
TREES, FRAMES = load_vectors("log/trees.json"), load_vectors("gossip/frames.json")
LINES, DECISION = load_vectors("federation/lines.json"), load_vectors("federation/decision.json")
ROSTERS, SUCCESSION = load_vectors("federation/rosters.json"), load_vectors("federation/succession.json")
SETS, ECONOMY = load_vectors("planning/sets.json"), load_vectors("planning/economy.json")
VILLAGES = [load_vectors("planning/rounds-open.json"), load_vectors("planning/rounds-private.json")]


def sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def mark(name: str, *parts: bytes) -> bytes:
    """SHA-256(name ‖ 0 ‖ …), as every page writes it."""
    return sha(name.encode(), b"\0", *parts)


def fold(leaves: list[bytes]) -> bytes:
    """tree.md."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha()
    left = 1
    while left * 2 < len(leaves):
        left *= 2
    return sha(b"\1", fold(leaves[:left]), fold(leaves[left:]))


@pytest.mark.parametrize("row", ENCODING["canonical"], ids=lambda row: row["says"])
def test_values_have_their_bytes(row: dict[str, Any]) -> None:
    assert pack(row["value"]) == row["encoded"]


def test_records_statements_and_commitments() -> None:
    for row in RECORDS["records"]:
        assert (pack(row["value"]), sha(b"\0", row["entry"])) == (row["entry"], row["leaf"])
    for key in RECORDS["keys"].values():
        assert mark("rochdale/key/v1", key["public"]) == key["key_id"]
    for row in RECORDS["commitments"]:
        said = unpack(row["opening"])
        place = [said["origin"], said["kind"], said["field_path"], said["value"]]
        assert mark("rochdale/commitment/v1", said["salt"], pack(place)) == row["commitment"]


def test_a_log_has_its_roots() -> None:
    entries = [b"entry %d" % number for number in range(7)]
    assert b"".join(struct.pack(">H", len(entry)) + entry for entry in entries) == TREES["bundle"]
    leaves = [sha(b"\0", entry) for entry in entries]
    assert leaves == TREES["leaves"]
    assert [fold(leaves[:count]) for count in range(8)] == TREES["roots"]


BULK: Final[dict[int, Callable[[dict[str, Any]], bytes]]] = {
    0x02: lambda said: (
        struct.pack(">QBH", said["counter"], said["is_last"], len(said["heads"]))
        + b"".join(
            origin(name) + struct.pack(">Q", size) + root + mark + bytes([links])
            for name, size, root, mark, links in said["heads"]
        )
    ),
    0x03: lambda said: origin(said["origin"]) + struct.pack(">QB", said["start"], said["is_grafted"]),
    0x05: lambda said: (
        origin(said["origin"])
        + struct.pack(">IBH", said["first"], said["is_last"], len(said["note"]))
        + said["note"]
        + said["roots"]
    ),
    0x07: lambda said: (
        origin(said["origin"]) + struct.pack(">IHH", said["number"], said["part"], said["parts"]) + said["raw"]
    ),
    0x08: lambda said: (
        struct.pack(">HBH", said["count"], said["hops"], len(said["note"])) + said["note"] + said["entries"]
    ),
    0x0C: lambda said: said["sha256"] + struct.pack(">II", said["offset"], said["total"]) + said["raw"],
}
"""The frames with a header of their own (session.md); all others are their type and a map."""


def origin(name: str) -> bytes:
    return bytes([len(name)]) + name.encode("ascii")


@pytest.mark.parametrize("row", FRAMES["frames"], ids=lambda row: row["says"])
def test_frames(row: dict[str, Any]) -> None:
    code = row["frame"][0]
    write: Callable[[Any], bytes] = BULK.get(code, pack)
    assert bytes([code]) + write(row["fields"]) == row["frame"]


def test_marks_of_cosigners() -> None:
    sizes = FRAMES["cosigners_mark"]["sizes"]
    lines = "".join(f"{name}\n{sizes[name]}\n" for name in sorted(sizes))
    assert sha(lines.encode())[:4] == FRAMES["cosigners_mark"]["mark"]


@pytest.mark.parametrize(("name", "prefix"), [("card", "rochdale-peer:"), ("invitation", "rochdale-invitation:")])
def test_lines_to_paste(name: str, prefix: str) -> None:
    raw = pack(LINES[name]["fields"])
    token = base64.urlsafe_b64encode(sha(raw)[:4] + raw).decode().rstrip("=")
    assert LINES[name]["line"] == prefix + token


def test_a_decision() -> None:
    voters, slot = DECISION["voters"], DECISION["slot"]
    assert mark("rochdale/decision-content/v1", DECISION["content"]) == DECISION["value"]
    seat = int.from_bytes(sha(slot)[:8], "big")
    assert [sorted(voters)[(seat + number) % len(voters)] for number in range(6)] == DECISION["proposers"]
    assert all(2 * int(count) // 3 + 1 == needed for count, needed in DECISION["quorum_of_voters"].items())
    precommits = [unpack(row["body"]) for row in DECISION["counted"] if row["kind"] == "decision.precommit"]
    assert [vote["value"] for vote in precommits] == [DECISION["value"]] * 3


def test_slots_and_sets_of_a_call() -> None:
    call = SETS["call"]
    for row in SETS["round_slots"]:
        assert mark("rochdale/plan-round/v1", pack([call, row["reading"], row["round"]])) == row["slot"]
    for row in SETS["vote_slots"]:
        assert mark("rochdale/plan-vote/v1", pack([call, row["attempt"]])) == row["slot"]
    listed = SETS["listed"]
    assert pack([[name, listed[name]] for name in sorted(listed)]) == SETS["set"]


def test_the_slot_that_ends_a_log_and_who_is_needed() -> None:
    slot = SUCCESSION["slot"]
    content = pack([slot["predecessor"], slot["attempt"], slot["subject"]])
    assert mark("rochdale/retirement-slot/v1", content) == slot["slot"]
    for members, needed in SUCCESSION["needed_of_members"].items():
        count = int(members)
        faulty = count - (2 * count // 3) - 1
        assert max(2 * (count - 1) // 3 + 1, (count + faulty) // 2 + 1) == needed


def test_a_federation_of_records() -> None:
    """federation.md: founding, joins, counts, a charter, an ended log, a successor, a leaving."""
    entries = {row["leaf"]: (row["log"], unpack(row["entry"])) for row in ROSTERS["records"]}
    assert all(sha(b"\0", row["entry"]) == row["leaf"] for row in ROSTERS["records"])
    founding = ROSTERS["records"][0]["leaf"]
    body = entries[founding][1]["body"]
    charter, members = body["charter"], {body["member"]["origin"]: body["member"]}
    assert mark("rochdale/charter/v1", pack(charter)) == ROSTERS["charter"]["hash"]
    version, predecessor = 1, bytes(32)
    named = name_roster(version, predecessor, charter, members)
    assert named == ROSTERS["federation"]
    attempt = 0
    for step in ROSTERS["steps"]:
        if not step["subject"]:
            assert mark("rochdale/roster-slot/v1", pack([named, attempt])) == step["slot"]
        leaves = unpack(step["content"])
        assert leaves == sorted(leaves) and pack(leaves) == step["content"]
        attempt = step["attempt"]
        if attempt:
            continue
        for leaf in leaves:
            charter = apply_change(*entries[leaf], charter, members)
        version, predecessor = version + 1, named
        named = name_roster(version, predecessor, charter, members)
        assert (version, named) == (step["version"], step["roster"])
        assert [[name, members[name]["people"]] for name in sorted(members)] == step["members"]


def apply_change(log: str, record: dict[str, Any], charter: Any, members: dict[str, Any]) -> Any:
    body = record["body"]
    match record["kind"]:
        case "federation.admission":
            members[body["member"]["origin"]] = body["member"]
        case "federation.people":
            members[log] = {**members[log], "people": body["people"]}
        case "federation.retirement":
            del members[body["old"]]
        case "federation.succession":
            people = members.pop(body["old"])["people"]
            members[body["member"]["origin"]] = {**body["member"], "people": people}
        case "federation.leave":
            del members[log]
        case "federation.charter":
            return body["charter"]
    return charter


def name_roster(version: int, predecessor: bytes, charter: Any, members: dict[str, Any]) -> bytes:
    roster = {
        "version": version,
        "predecessor": predecessor,
        "charter": mark("rochdale/charter/v1", pack(charter)),
        "members": [members[name] for name in sorted(members)],
    }
    return mark("rochdale/roster/v1", pack(roster))


@pytest.mark.parametrize("village", VILLAGES, ids=["open", "private"])
def test_states_and_the_plan_have_their_hashes(village: dict[str, Any]) -> None:
    cards = [village["goods_table"], *(in_order(village[side]) for side in ("consumers", "workplaces"))]
    assert sha(pack(["rochdale/economy/1", *cards])) == village["economy"]
    for number, state in enumerate([village["start"], *(one["state"] for one in village["rounds"])]):
        columns = [state[name] for name in ("prices", "carried", "metric", "answers", "planned")]
        raw = pack(["rochdale/plan-state/1", village["economy"], number, *columns])
        assert mark("rochdale/plan-state/v1", raw) == state["hash"]
    assert raw == village["last_state"]
    document = json.loads(village["plan"])
    assert json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False) == village["plan"]
    assert sha(village["plan"].encode()) == village["digest"]


def test_the_table_of_a_call_is_a_file() -> None:
    raw = ECONOMY["table_of_the_call"]["bytes"]
    assert (pack(unpack(raw)), sha(raw)) == (raw, ECONOMY["table_of_the_call"]["sha256"])


def in_order(cards: list[Any]) -> list[Any]:
    return sorted(cards, key=lambda card: card["id"].encode())
