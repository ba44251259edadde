"""What one co-op hands to another so that their nodes can meet: one line to paste into a mail.

Invariant: a card or an invitation parses in one way only, and a mistyped letter is noticed.
Spec: docs/spec/gossip/session.md, docs/spec/federation/federation.md
"""

import re
from typing import Annotated, Final

import msgspec

from protocol.core import encoding
from protocol.core.errors import RefusedError
from protocol.core.founding import NAME_LENGTH_MAX
from protocol.core.identity import PUBLIC_BYTES
from protocol.core.origin import check_origin
from protocol.core.record import Hash
from protocol.core.text_token import format_token, parse_token
from protocol.federation.peer_certificate import check_certificate
from protocol.federation.roster import URL_LENGTH_MAX
from protocol.federation.votes import VOTERS_MAX

PREFIX: Final = "rochdale-peer:"
CARD_BYTES_MAX: Final = 3_000
CARD_LENGTH_MAX: Final = 4_096
INVITATION_PREFIX: Final = "rochdale-invitation:"
INVITATION_BYTES_MAX: Final = 256 * 1024
_URL = re.compile(r"wss://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):[0-9]{1,5}", re.ASCII)


class PeerCard(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A node's name, address (`wss://host:port`, empty when it only dials out) and the keys it is pinned by."""

    origin: str
    name: str
    url: str
    log_key: bytes
    witness_key: bytes
    mirror_key: bytes
    tls_certificate: bytes


class Invitation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an invited co-op needs: the federation's name and how to reach and pin the members it may meet."""

    federation: Hash
    cards: Annotated[tuple[PeerCard, ...], msgspec.Meta(min_length=1, max_length=VOTERS_MAX)]


def format_card(card: PeerCard) -> str:
    """The one-line form of a card; RefusedError when a field of it is not fit to be shown."""
    check_card(card)
    return format_token(PREFIX, encoding.encode(encoding.to_value(card)))


def parse_card(text: str) -> PeerCard:
    """The card in a line; line breaks that a mail put in are passed over. RefusedError says what is wrong."""
    raw = parse_token(PREFIX, text, CARD_BYTES_MAX, "card")
    card = encoding.to_struct(encoding.decode(raw), PeerCard, "card")
    check_card(card)
    return card


def format_invitation(invitation: Invitation) -> str:
    """The one-line form; RefusedError where it would be too long."""
    return format_token(INVITATION_PREFIX, encoding.encode(encoding.to_value(invitation), INVITATION_BYTES_MAX))


def parse_invitation(text: str) -> Invitation:
    """The invitation in a line; line breaks that a mail put in are passed over. RefusedError says what is wrong."""
    raw = parse_token(INVITATION_PREFIX, text, INVITATION_BYTES_MAX, "invitation")
    invitation = encoding.to_struct(encoding.decode(raw, INVITATION_BYTES_MAX), Invitation, "invitation")
    for card in invitation.cards:
        check_card(card)
    return invitation


def check_card(card: PeerCard) -> None:
    """RefusedError with the first field that is not fit."""
    check_origin(card.origin)
    if not 0 < len(card.name) <= NAME_LENGTH_MAX or not card.name.isprintable():
        raise RefusedError.at("name", f"must have 1 to {NAME_LENGTH_MAX} printable characters")
    check_url(card.url)
    for field in ("log_key", "witness_key", "mirror_key"):
        if len(getattr(card, field)) != PUBLIC_BYTES:
            raise RefusedError.at(field, f"must have {PUBLIC_BYTES} bytes")
    check_certificate(card.tls_certificate)


def check_url(url: str) -> None:
    """RefusedError unless empty or `wss://host:port`."""
    if url and (len(url) > URL_LENGTH_MAX or not _URL.fullmatch(url)):
        raise RefusedError.at("url", "must be empty or of the form wss://host:port")
