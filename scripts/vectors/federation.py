"""The vectors of a federation's small parts: lines to paste, scopes, and logs that end and go on."""

from itertools import product
from typing import Any

from protocol.core.encoding import to_value
from protocol.core.founding import Founding
from protocol.core.identity import HomeKeys, SigningKey, public_keys, recovery_key_hash
from protocol.core.record import embed_statement, format_record
from protocol.federation.peer_card import Invitation, PeerCard, format_card, format_invitation
from protocol.federation.peer_certificate import make_certificate
from protocol.federation.scopes import SCOPES, may_read
from protocol.federation.succession import (
    KeySuccession,
    fold_ends,
    retirement_quorum,
    retirement_slot_of,
    sign_succession,
)
from scripts.vectors.made_up import AT_MS, HEX, KEYS, ORIGIN, SEEDS

TLS_SEED = b"made-up TLS key, for tests only "
OTHER, NEW = "oak.example/log", "northside-2.example/log"
MEMBERS, PARTIES = ("bakery", "coop", "shop"), ("coop", "kiosk")
MEMBERS_MOST = 10


def export_lines() -> dict[str, Any]:
    """A certificate, a peer card, an invitation, and lines that are none."""
    card = PeerCard(
        origin=ORIGIN,
        name="Northside Co-op, made up",
        url="wss://192.0.2.7:7401",
        log_key=KEYS["log"].public,
        witness_key=KEYS["witness"].public,
        mirror_key=KEYS["member"].public,
        tls_certificate=make_certificate(TLS_SEED),
    )
    line = format_card(card)
    invitation = Invitation(bytes(range(32)), (card,))
    return {
        "about": f"Lines to paste into a mail (docs/spec: session.md, federation.md). {HEX} Made up.",
        "certificate": {"seed": TLS_SEED, "der": card.tls_certificate},
        "card": {"fields": to_value(card), "line": line},
        "invitation": {"fields": to_value(invitation), "line": format_invitation(invitation)},
        "refused_cards": [
            {"says": "another prefix", "line": line.replace("peer", "card", 1), "at": "card"},
            {
                "says": "one letter wrong",
                "line": line[:-2] + ("A" if line[-2] != "A" else "B") + line[-1],
                "at": "card",
            },
            {"says": "a letter missing", "line": line[:-1], "at": "card"},
            {"says": "padded", "line": line + "=", "at": "card"},
        ],
    }


def export_scopes() -> dict[str, Any]:
    """Who may read what the bakery gave a scope: coop and kiosk buy of it; kiosk and farm are no members."""
    readers = (*MEMBERS, "kiosk", "farm")
    return {
        "about": "Who may read (docs/spec: scopes.md). Made up.",
        "owner": "bakery",
        "members": MEMBERS,
        "parties": PARTIES,
        "may_read": [
            {"scope": scope, "reader": reader, "may": may_read(scope, reader, "bakery", MEMBERS, PARTIES)}
            for scope, reader in product((*SCOPES, "a scope that is none"), readers)
        ],
    }


def export_succession() -> dict[str, Any]:
    """A log that goes on elsewhere by its recovery key, words that do not count, and how many end another's log."""
    recovery = KEYS["member"]
    keys = HomeKeys(*(bytes([number]) * 32 for number in range(1, 7)))
    founding = Founding("Northside Co-op", public_keys(keys), recovery_key_hash(recovery.public))
    succession = KeySuccession(ORIGIN, 12, bytes(range(32)), recovery.public)
    other_key = KeySuccession(ORIGIN, 12, bytes(range(32)), KEYS["office"].public)
    itself = KeySuccession(NEW, 12, bytes(range(32)), recovery.public)
    said = [
        (NEW, succession),
        ("northside-3.example/log", KeySuccession(ORIGIN, 12, bytes(32), recovery.public)),
        ("northside-4.example/log", KeySuccession(ORIGIN, 11, bytes([255]) * 32, recovery.public)),
        ("oak-2.example/log", KeySuccession(OTHER, 3, bytes(32), recovery.public)),
    ]
    retired = {OTHER: (2, bytes([7]) * 32), "elm.example/log": (5, bytes(32))}
    return {
        "about": f"Where logs end (docs/spec: succession.md). {HEX} Made up.",
        "recovery_seed": SEEDS["member"],
        "old": {"origin": ORIGIN, "founding": to_value(founding)},
        "new_origin": NEW,
        "accepted": _sign(succession, NEW, recovery),
        "refused": [
            {"says": "meant for another log", "entry": _sign(succession, OTHER, recovery), "at": "statement.for"},
            {"says": "another recovery key", "entry": _sign(other_key, NEW, KEYS["office"]), "at": "recovery_key"},
            {"says": "a log that succeeds itself", "entry": _sign(itself, NEW, recovery), "at": "old"},
        ],
        "successions": [{"origin": origin, "body": to_value(body)} for origin, body in said],
        "retirements": [{"old": old, "size": size, "root": root} for old, (size, root) in retired.items()],
        "ends": {old: end._asdict() for old, end in sorted(fold_ends(said, retired).items())},
        "needed_of_members": {count: retirement_quorum(count) for count in range(3, MEMBERS_MOST + 1)},
        "slot": {
            "predecessor": bytes(32),
            "attempt": 1,
            "subject": OTHER,
            "slot": retirement_slot_of(bytes(32), 1, OTHER),
        },
    }


def _sign(succession: KeySuccession, audience: str, recovery: SigningKey) -> bytes:
    statement, sig = sign_succession(succession, audience, recovery, bytes(range(16)), AT_MS)
    return format_record(embed_statement(statement, (sig,), 1))


FILES = {
    "federation/lines.json": export_lines,
    "federation/scopes.json": export_scopes,
    "federation/succession.json": export_succession,
}
