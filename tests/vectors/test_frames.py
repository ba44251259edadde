"""The vectors of the session: frames parse to their fields and back, what is no frame is refused with its reason."""

import re
from typing import Any

import msgspec
import pytest

from protocol.core.errors import PeerError
from protocol.gossip import messages
from protocol.gossip.frames import format_frame, parse_frame
from protocol.gossip.frontier import mark_cosigners
from tests.protocol.core.values import load_vectors
from tests.spec_pages.examples import read_page

VECTORS = load_vectors("gossip/frames.json")
FRAMES = VECTORS["frames"]
TYPES = {
    "HELLO": messages.Hello,
    "HAVE": messages.Have,
    "WANT": messages.Want,
    "ASK": messages.Ask,
    "HEAD": messages.Head,
    "FETCH": messages.Fetch,
    "BUNDLE": messages.Bundle,
    "PUSH": messages.Push,
    "COSIG": messages.Cosig,
    "FORK": messages.Fork,
    "FILE_WANT": messages.FileWant,
    "FILE": messages.FilePart,
    "PING": messages.Ping,
    "PONG": messages.Pong,
    "BYE": messages.Bye,
    "OPENING_WANT": messages.OpeningWant,
    "REVEAL": messages.Reveal,
    "GRAFT": messages.Graft,
    "PRUNE": messages.Prune,
    "FORWARD_JOIN": messages.ForwardJoin,
    "SHUFFLE": messages.Shuffle,
}


def name_of(frame: dict[str, Any]) -> str:
    return str(frame["says"].partition(":")[0])


def test_every_frame_of_the_pages_has_a_vector_with_its_type() -> None:
    tables = read_page("session.md") + read_page("membership.md")
    rows = re.findall(r"^\| ([0-9A-F]{2}) \| (\w+) \|", tables, re.MULTILINE)
    assert {(f"{frame['frame'][0]:02X}", name_of(frame)) for frame in FRAMES} == set(rows)
    assert len(rows) == len(TYPES)


@pytest.mark.parametrize("frame", FRAMES, ids=lambda frame: frame["says"])
def test_a_frame_says_its_fields_and_they_its_bytes(frame: dict[str, Any]) -> None:
    message = msgspec.convert(frame["fields"], TYPES[name_of(frame)], builtin_types=(bytes,))
    assert parse_frame(frame["frame"]) == message
    assert format_frame(message) == frame["frame"]


@pytest.mark.parametrize("refused", VECTORS["refused"], ids=lambda refused: refused["says"])
def test_what_is_no_frame_is_refused_with_its_reason(refused: dict[str, Any]) -> None:
    with pytest.raises(PeerError, match=re.escape(refused["reason"])):
        parse_frame(refused["frame"])


def test_cosigners_have_their_mark() -> None:
    assert mark_cosigners(VECTORS["cosigners_mark"]["sizes"]) == VECTORS["cosigners_mark"]["mark"]
