"""Which network a node is reached in, as far as its address tells: what one cable or one provider may cut off.

Invariant: the same address gives the same network at every node.
Spec: docs/spec/gossip/membership.md
"""

import ipaddress
from typing import Final
from urllib.parse import urlsplit

IPV4_BITS: Final = 16
IPV6_BITS: Final = 32
NAME_PARTS: Final = 2


def network_of(url: str) -> str:
    """The first 16 bits of an IPv4 address, 32 of an IPv6 one, the last two parts of a name; empty without address."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return ".".join(host.lower().split(".")[-NAME_PARTS:])
    bits = IPV4_BITS if address.version == 4 else IPV6_BITS
    return str(ipaddress.ip_network((address, bits), strict=False))
