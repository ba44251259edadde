"""What a caller keeps between calls: the TLS context of each peer, and of so many peers only."""

import pytest

from node.clock import Clock
from node.peering import dialer
from node.peering.contexts import Identity
from node.peering.dialer import Dialer


async def test_a_context_is_made_once_for_a_certificate_and_only_so_many_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dialer, "CONTEXTS_MAX", 2)
    pins = [Identity(bytes([number]) * 32, Clock()).certificate for number in range(1, 4)]
    calling = Dialer(Identity(bytes(32), Clock()))
    try:
        first = calling._context(pins[0])
        assert calling._context(pins[0]) is first
        for pinned in pins[1:]:
            assert calling._context(pinned) is not first
        assert calling._context(pins[0]) is not first
    finally:
        await calling.stop()
