"""TLS for peers: 1.3 only, both sides show a certificate, and only pinned ones pass the handshake.

Invariant: each pinned certificate is its own authority; nothing that any other authority signed is accepted.
Invariant: the key never lies readable on disk; OpenSSL gets it in an encrypted file that is gone at once.
Spec: docs/spec/gossip/session.md
"""

import ssl
import tempfile
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from node.clock import Clock
from protocol.federation.peer_certificate import make_certificate

PASSWORD_BYTES = 32


class Identity:
    """Our own certificate and key, in the form that OpenSSL loads."""

    def __init__(self, tls_seed: bytes, clock: Clock) -> None:
        self.certificate = make_certificate(tls_seed)
        self._password = clock.random_bytes(PASSWORD_BYTES).hex()
        key = Ed25519PrivateKey.from_private_bytes(tls_seed)
        encryption = BestAvailableEncryption(self._password.encode())
        pem = x509.load_der_x509_certificate(self.certificate).public_bytes(Encoding.PEM)
        self._pem = pem + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)

    def server_context(self, pinned: Iterable[bytes]) -> ssl.SSLContext:
        """For the side that is dialled: any of the pinned DER certificates may come."""
        context = self._context(ssl.PROTOCOL_TLS_SERVER, pinned)
        # A resumed session would skip the certificate check of a peer that was removed meanwhile.
        context.num_tickets = 0
        return context

    def client_context(self, pinned: bytes) -> ssl.SSLContext:
        """For the side that dials: only this peer's DER certificate may answer, whatever name it is reached by."""
        return self._context(ssl.PROTOCOL_TLS_CLIENT, [pinned])

    def _context(self, side: int, pinned: Iterable[bytes]) -> ssl.SSLContext:
        context = ssl.SSLContext(side)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "identity.pem"
            path.write_bytes(self._pem)
            context.load_cert_chain(path, password=self._password)
        for der in pinned:
            context.load_verify_locations(cadata=der)
        return context
