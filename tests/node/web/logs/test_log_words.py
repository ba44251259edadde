"""How a log and its owner's connection are told, in neutral words."""

from typing import Any

import msgspec
import pytest

from node.use_cases.logs import CosignerView, LogView
from node.use_cases.peers import PeerLine
from node.web.logs.filling import tell_connection, tell_cut, tell_witnessed

VIEW = LogView(
    origin="oak.rochdale/log",
    name="Oak",
    is_own=False,
    size=40,
    root="00",
    cosigners=tuple(CosignerView(name, name, size) for name, size in (("a", 40), ("b", 40), ("c", 12))),
    witnesses=3,
    needed=2,
    witnessed_size=40,
    versions=1,
    counted=40,
    has_ended=False,
    signed_after_end=0,
)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ""),
        ({"versions": 2, "counted": 12}, "part after record 12"),
        ({"versions": 2, "counted": 0}, "is not known yet"),
        ({"versions": 2, "counted": 30, "has_ended": True}, "ended: its first 30 records count"),
    ],
    ids=["one version", "two versions", "two that part nobody knows where", "an ended log"],
)
def test_where_the_records_that_count_end_is_said_in_words(changes: dict[str, Any], words: str) -> None:
    said = tell_cut(msgspec.structs.replace(VIEW, **changes))
    assert words in said and bool(said) == bool(words)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "witnessed by 2 of 3"),
        ({"witnessed_size": 12, "needed": 3}, "witnessed up to record 12 so far (3 of 3 witnesses are needed)"),
        ({"witnessed_size": 0}, "witnessed up to nothing so far (2 of 3 witnesses are needed)"),
        ({"witnesses": 0, "needed": 0, "witnessed_size": 0}, "no witnesses are named for it yet"),
        ({"witnesses": 1, "needed": 1}, "seen by one partner, which is not safe against two versions"),
    ],
)
def test_how_far_a_log_is_witnessed_is_said_neutrally(changes: dict[str, int], words: str) -> None:
    values = {field: getattr(VIEW, field) for field in LogView.__struct_fields__}
    assert tell_witnessed(LogView(**(values | changes))) == words


@pytest.mark.parametrize(
    ("state", "since_ms", "seen_ms", "error", "words"),
    [
        ("connected", 1_485_856_800_000, 0, "", "connected since 2017-01-31 10:00:00 UTC, 5 bytes in and 7 out"),
        ("not connected", 0, 0, "", "not connected, never seen yet"),
        (
            "not connected",
            0,
            1_485_856_800_000,
            "refused",
            "not connected, last seen 2017-01-31 10:00:00 UTC (refused)",
        ),
    ],
)
def test_how_this_node_talks_to_a_peer(state: str, since_ms: int, seen_ms: int, error: str, words: str) -> None:
    line = PeerLine(
        origin="oak.rochdale/log",
        name="Oak",
        url="",
        state=state,
        connected_since_ms=since_ms,
        bytes_in=5,
        bytes_out=7,
        last_seen_ms=seen_ms,
        last_error=error,
    )
    assert tell_connection(line) == words
