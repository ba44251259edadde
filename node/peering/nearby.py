"""Nodes that said in the local network where they are: a suggestion of an address, never a reason to trust.

Invariant: an address is tried only for a certificate that is pinned already; who is not pinned is shown to a person.
Invariant: only addresses of private networks and of this machine are kept, and only so many.
Spec: docs/guides/run.md
"""

import hashlib
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final

from node.use_cases.peers import Neighbour
from protocol.core.founding import NAME_LENGTH_MAX

NEARBY_MAX: Final = 64
FINGERPRINT_LENGTH: Final = 64
_HEX = frozenset("0123456789abcdef")


class Nearby:
    """The newest that was heard, by the label under which it was said."""

    def __init__(self) -> None:
        self._heard: dict[str, Neighbour] = {}

    def note(self, label: str, name: str, fingerprint: str, host: str, port: int) -> bool:
        """Take in what was heard; False where it is nothing that could be a node here."""
        is_hash = len(fingerprint) == FINGERPRINT_LENGTH and set(fingerprint) <= _HEX
        if not is_hash or not _is_local(host) or not 0 < port <= 0xFFFF:
            return False
        if label not in self._heard and len(self._heard) >= NEARBY_MAX:
            return False
        shown = "".join(letter for letter in name if letter.isprintable())[:NAME_LENGTH_MAX]
        bracketed = f"[{host}]" if ":" in host else host
        self._heard[label] = Neighbour(shown, f"wss://{bracketed}:{port}", fingerprint)
        return True

    def forget(self, label: str) -> None:
        """It has said goodbye."""
        self._heard.pop(label, None)

    def url_of(self, certificate: bytes) -> str:
        """Where the node of this DER certificate says it is; empty where nobody says so."""
        wanted = fingerprint_of(certificate)
        return next((one.url for one in self._heard.values() if one.fingerprint == wanted), "")

    def strangers(self, pinned: Iterable[bytes]) -> list[Neighbour]:
        """Those whose certificate is none of these: for a person to ask for their card."""
        known = {fingerprint_of(certificate) for certificate in pinned}
        found = {one for one in self._heard.values() if one.fingerprint not in known}
        return sorted(found, key=lambda one: (one.name, one.url))


def fingerprint_of(certificate: bytes) -> str:
    """The hex SHA-256 of a DER certificate."""
    return hashlib.sha256(certificate).hexdigest()


def _is_local(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_private and not address.is_unspecified and not address.is_multicast
