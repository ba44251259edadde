"""The certificate by which a home is known on the wire: self-signed, and the same for ever.

Invariant: the same key gives the same certificate, byte for byte, so that a pin never has to change.
Spec: docs/spec/gossip/session.md
"""

import datetime
import hashlib
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from protocol.core.errors import RefusedError

CERTIFICATE_BYTES_MAX: Final = 1_024

# Both ends pin the certificate itself; its dates say nothing and must never run out.
_FROM = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
_UNTIL = datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)
_NAME_HEX = 32


def make_certificate(tls_seed: bytes) -> bytes:
    """The DER certificate of a home's 32-byte TLS seed."""
    key = Ed25519PrivateKey.from_private_bytes(tls_seed)
    public = key.public_key()
    mark = hashlib.sha256(public.public_bytes_raw()).digest()
    # Every home has a name of its own, since a trust store looks certificates up by name.
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"rochdale {mark.hex()[:_NAME_HEX]}")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(int.from_bytes(mark[:16]) | 1)
        .not_valid_before(_FROM)
        .not_valid_after(_UNTIL)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )
    return builder.sign(key, None).public_bytes(Encoding.DER)


def check_certificate(der: bytes) -> None:
    """RefusedError unless these are the bytes of a self-signed certificate with an Ed25519 key, short enough to pin."""
    if not 0 < len(der) <= CERTIFICATE_BYTES_MAX:
        raise RefusedError.at("tls_certificate", f"{len(der)} bytes, at most {CERTIFICATE_BYTES_MAX} are allowed")
    try:
        certificate = x509.load_der_x509_certificate(der)
        public = certificate.public_key()
        is_ours = isinstance(public, Ed25519PublicKey)
        certificate.verify_directly_issued_by(certificate)
    except Exception:
        # The parser and the verifier have many errors of their own; all say that this is no such certificate.
        raise RefusedError.at("tls_certificate", "not a self-signed certificate") from None
    if not is_ours:
        raise RefusedError.at("tls_certificate", "its key is not an Ed25519 key")
