"""Peer cards and certificates: the same for ever, one line, and a wrong letter is noticed."""

import hashlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.core.errors import RefusedError
from protocol.federation.peer_card import PREFIX, PeerCard, format_card, parse_card
from protocol.federation.peer_certificate import check_certificate, make_certificate

CARD = PeerCard(
    origin="north.example/log",
    name="Northside Co-op",
    url="wss://192.0.2.7:7001",
    log_key=bytes(range(32)),
    witness_key=bytes(range(1, 33)),
    mirror_key=bytes(range(2, 34)),
    tls_certificate=make_certificate(bytes(32)),
)
LINE = format_card(CARD)


def test_a_card_says_again_what_was_put_in() -> None:
    assert parse_card(LINE) == CARD
    assert LINE.startswith(PREFIX) and "\n" not in LINE and len(LINE) < 1_000


def test_a_mail_may_break_the_line() -> None:
    assert parse_card(f"  {LINE[:70]}\r\n> ".replace("> ", "") + LINE[70:] + "\n") == CARD


@given(st.integers(len(PREFIX), len(LINE) - 1), st.sampled_from("ABCxyz019-_!"))
def test_one_wrong_letter_is_noticed(place: int, letter: str) -> None:
    changed = LINE[:place] + letter + LINE[place + 1 :]
    if changed != LINE:
        with pytest.raises(RefusedError, match="card"):
            parse_card(changed)


@given(st.text(max_size=200))
def test_any_text_is_a_card_or_refused(text: str) -> None:
    with pytest.raises(RefusedError):
        parse_card(text)
    with pytest.raises(RefusedError):
        parse_card(PREFIX + text)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"origin": "Not An Origin"}, "origin"),
        ({"name": ""}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"url": "http://192.0.2.7:7001"}, "url"),
        ({"url": "wss://192.0.2.7:7001/elsewhere"}, "url"),
        ({"url": "wss://user@192.0.2.7:7001"}, "url"),
        ({"log_key": bytes(31)}, "log_key"),
        ({"mirror_key": b""}, "mirror_key"),
        ({"tls_certificate": b""}, "tls_certificate"),
        ({"tls_certificate": bytes(300)}, "tls_certificate"),
        ({"tls_certificate": CARD.tls_certificate[:-1] + b"x"}, "tls_certificate"),
    ],
)
def test_a_card_with_an_unfit_field_is_neither_made_nor_read(changes: dict[str, object], place: str) -> None:
    with pytest.raises(RefusedError, match=place):
        format_card(msgspec.structs.replace(CARD, **changes))


@pytest.mark.parametrize("url", ["", "wss://[2001:db8::1]:443", "wss://coop.example:65535"])
def test_an_address_may_be_empty_or_of_any_kind(url: str) -> None:
    card = msgspec.structs.replace(CARD, url=url)
    assert parse_card(format_card(card)) == card


def test_the_same_key_gives_the_same_certificate_and_others_another() -> None:
    assert make_certificate(bytes(32)) == CARD.tls_certificate
    assert make_certificate(b"\x01" * 32) != CARD.tls_certificate
    # Pinned here for ever: a change of a library must not change what peers have pinned.

    assert (
        hashlib.sha256(CARD.tls_certificate).hexdigest()
        == "c048ae286a3d70c335dac175ac70090a654450a252e53f4d91ce055372cfbe67"
    )
    check_certificate(CARD.tls_certificate)
