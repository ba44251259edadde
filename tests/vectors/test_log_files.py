"""The vectors of logs.json, read as someone else's program would: from the file, with the rules alone."""

from typing import Any

import pytest

from protocol.core.errors import PeerError
from protocol.core.identity import SigningKey, verify
from protocol.core.mldsa44 import Mldsa44Key
from protocol.core.note import (
    COSIGNATURE_MLDSA44,
    ED25519,
    Ed25519Verifier,
    VerifierKey,
    format_vkey,
    parse_note,
    parse_vkey,
)
from protocol.log.branch_point import check_side, check_trunk, format_side, parse_side
from protocol.log.checkpoint import Checkpoint, format_checkpoint, open_checkpoint
from protocol.log.cosignature import format_cosignature_message, format_cosigned_message, make_verifier
from protocol.log.fork import check_after_end, check_evidence, format_after_end, parse_after_end, parse_evidence
from protocol.log.merkle import check_inclusion
from protocol.log.mirror import (
    Span,
    check_package,
    format_mirror_info,
    mirror_prefix,
    parse_entries_header,
    parse_mirror_info,
    parse_package,
)
from protocol.log.policy import format_policy, parse_policy
from protocol.log.proof import check_proof, format_proof, parse_proof
from protocol.log.subtree import check_subtree
from protocol.log.tiles import Tile, format_tile_path, list_tiles, parse_tile, parse_tile_path
from protocol.log.witness import CosignedHead, format_add_checkpoint, judge_checkpoint, parse_add_checkpoint
from tests.protocol.core.values import load_vectors

LOGS, TREES = load_vectors("log/logs.json"), load_vectors("log/trees.json")
LEAVES, ROOT, SIZE = TREES["leaves"], TREES["roots"][-1], len(TREES["leaves"])
KEY = parse_vkey(TREES["log_vkey"])


def test_tiles_and_their_paths() -> None:
    for case in LOGS["tiles"]["paths"]:
        assert parse_tile_path(case["path"]) == Tile(case["level"], case["number"], case["width"])
    for case in LOGS["tiles"]["partial_tiles"]:
        partial = [format_tile_path(tile) for tile in list_tiles(case["size"]) if tile.width < 256]
        assert partial == case["paths"]
    assert parse_tile(LOGS["tiles"]["tile"]["bytes"], SIZE) == LEAVES


def test_every_part_of_the_log_is_proven() -> None:
    assert len(LOGS["subtrees"]) == 16
    for part in LOGS["subtrees"]:
        check_subtree(part["start"], part["end"], part["root"], SIZE, ROOT, part["proof"])
        if part["end"] == part["start"] + 1:
            check_inclusion(part["root"], part["start"], SIZE, part["proof"], ROOT)


def test_proof_files_under_their_policy() -> None:
    proofs, policy = LOGS["proof"], parse_policy(LOGS["proof"]["policy"].encode())
    assert format_policy(policy).decode() == proofs["policy"]
    for name in ("accepted", "with_extra"):
        proof = parse_proof(proofs[name].encode())
        assert format_proof(proof).decode() == proofs[name]
        assert check_proof(proof, proofs["leaf"], policy).checkpoint.root == ROOT
    for name, reason in (("too_few_witnesses", "not its quorum"), ("wrong_index", "does not lead to the root")):
        with pytest.raises(PeerError, match=reason):
            check_proof(parse_proof(proofs[name].encode()), proofs["leaf"], policy)


def test_requests_to_witness_and_mirror() -> None:
    requests = LOGS["requests"]
    request = parse_add_checkpoint(requests["add_checkpoint"].encode())
    held = CosignedHead(requests["old_size"], requests["old_root"])
    assert judge_checkpoint(request, [Ed25519Verifier(KEY.name, KEY.public)], held).status == 200
    header = parse_entries_header(requests["add_entries_header"])
    assert header is not None and (header[0].origin, header[0].start, header[0].end) == (KEY.name, 3, SIZE)
    package = parse_package(requests["package"], Span(0, 3, SIZE))
    assert package is not None and package[1] == len(requests["package"])
    assert check_package(Span(0, 3, SIZE), requests["held"], package[0], SIZE, ROOT) == ROOT
    assert format_mirror_info(parse_mirror_info(requests["mirror_info"].encode())) == requests["mirror_info"]
    assert mirror_prefix(KEY.name) == requests["mirror_prefix"]


def test_evidence_of_forks() -> None:
    sizes = []
    for fork in LOGS["forks"]:
        heads = check_evidence(parse_evidence(fork["evidence"].encode()), KEY.public, KEY.name)
        sizes.append([head.size for head in heads])
    assert sizes == [[4, 4], [4, SIZE]]


def test_evidence_of_a_head_after_its_log_s_end() -> None:
    evidence = parse_after_end(LOGS["after_end"].encode())
    assert format_after_end(evidence).decode() == LOGS["after_end"]
    assert (evidence.end.size, check_after_end(evidence, KEY.public).size) == (4, SIZE)
    with pytest.raises(PeerError):
        check_after_end(evidence, bytes(32))


def test_the_message_of_an_ed25519_cosigner() -> None:
    told = LOGS["cosigned_messages"]["ed25519"]
    assert format_cosignature_message(told["text"], told["time_s"]) == told["message"].encode()
    witness = next(one.key for one in parse_policy(LOGS["proof"]["policy"].encode()).witnesses if "oak" in one.name)
    signatures = parse_note(parse_proof(LOGS["proof"]["accepted"].encode()).note)[1]
    oak = next(one for one in signatures if one.name == witness.name)
    assert verify(witness.public, told["message"].encode(), oak.raw[8:])


def test_messages_of_mldsa44_cosigners() -> None:
    messages = LOGS["cosigned_messages"]
    key, vkey = Mldsa44Key(messages["seed"]), parse_vkey(messages["vkey"])
    assert vkey == VerifierKey(vkey.name, COSIGNATURE_MLDSA44, key.public)
    for case in messages["messages"]:
        root = next(s["root"] for s in LOGS["subtrees"] if (s["start"], s["end"]) == (0, case["size"]))
        head = Checkpoint(KEY.name, case["size"], root)
        assert format_cosigned_message(head, vkey.name, case["time_s"]) == case["bytes"]
        line = f"{case['time_s']:016x}" + key.sign(case["bytes"]).hex()
        assert make_verifier(vkey).is_valid(format_checkpoint(head), bytes.fromhex(line))
    assert format_vkey(KEY.name, ED25519, SigningKey(TREES["keys"]["log"]["seed"]).public) == TREES["log_vkey"]


BRANCHES = LOGS["branch_point"]


@pytest.mark.parametrize("name", BRANCHES["sides"])
def test_a_side_says_what_a_head_begins_with(name: str) -> None:
    head = open_checkpoint(BRANCHES[name].encode(), TREES["keys"]["log"]["public"], "northside.example/log")
    for size, raw in enumerate(BRANCHES["sides"][name]):
        side = parse_side(raw)
        check_side(side, head)
        assert (side.size, format_side(side)) == (size, raw)


def test_both_versions_begin_with_the_trunk() -> None:
    roots = [[parse_side(raw).root for raw in said] for said in BRANCHES["sides"].values()]
    assert [one == other for one, other in zip(*roots, strict=True)] == [True, True, True, False]
    assert open_trunk(BRANCHES["trunk"]) == BRANCHES["size"]


@pytest.mark.parametrize("refused", BRANCHES["refused"], ids=lambda refused: refused["says"])
def test_a_trunk_that_is_not_shown_is_refused(refused: dict[str, bytes]) -> None:
    with pytest.raises(PeerError):
        open_trunk(refused["trunk"])


def open_trunk(raw: bytes) -> int:
    notes = BRANCHES["note_a"].encode(), BRANCHES["note_b"].encode()
    return check_trunk(*notes, raw, TREES["keys"]["log"]["public"], "northside.example/log")


WITNESS = load_vectors("log/witness.json")


@pytest.mark.parametrize("row", WITNESS["answers"], ids=lambda row: row["says"])
def test_a_witness_answers_each_request_with_its_status(row: dict[str, Any]) -> None:
    held = CosignedHead(row["held"]["size"], row["held"]["root"])
    request = parse_add_checkpoint(row["request"].encode())
    assert format_add_checkpoint(request.old_size, request.proof, request.note).decode() == row["request"]
    verdict = judge_checkpoint(request, [Ed25519Verifier("northside.example/log", WITNESS["log_key"])], held)
    assert (verdict.status, verdict.is_evidence) == (row["status"], row["is_evidence"])
    assert row["size_told"] in (None, verdict.body)
