"""A federation takes part in another one by one of its members, and neither hears of the other's logs."""

from pathlib import Path

import pytest

from node.use_cases.context import NoParams
from node.use_cases.federation.circles import read_circles
from node.use_cases.federation.history import current_history
from node.use_cases.federation.verbs import InviteParams, JoinParams, WhichParams, invite, join, leave
from node.use_cases.peers import make_card
from protocol.core.errors import RefusedError
from storage.log import log_store
from tests.node.region.machine import Machine
from tests.node.region.memory_network import MemoryNetwork, run_region
from tests.node.region.village import bring_in, count_members, found


async def speak_above(host: Machine, guest: Machine) -> None:
    """One founder invites, a member of another federation comes in that one's name."""
    card = await make_card(guest.node, NoParams())
    invitation = await host.do(invite(host.node, InviteParams(card=card.card)))
    params = JoinParams(invitation=invitation.invitation, kind="consumers", people=90, above=True)
    await guest.do(join(guest.node, params))


def list_above(machine: Machine) -> set[str]:
    history = current_history(machine.node, above=True)
    return set() if history is None else set(history.newest.voters)


def test_one_member_speaks_for_its_federation_in_another(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        north, bakery, south = network["north"], network["bakery"], network["south"]
        await found(network, north)
        await bring_in(north, bakery)
        await network.until(lambda: count_members(bakery) == 2, "the roster below")
        await found(network, south)
        await speak_above(south, bakery)
        both = {south.node.origin, bakery.node.origin}
        await network.until(lambda: list_above(bakery) == both and count_members(south) == 2, "the roster above")
        await network.settle()
        assert count_members(north) == count_members(bakery) == 2 and list_above(north) == set()
        assert log_store.head(north.node.database.reader, south.node.origin) is None
        assert log_store.head(south.node.database.reader, north.node.origin) is None
        members = {frozenset(circle.members) for circle in read_circles(bakery.node)}
        assert members == {frozenset(both), frozenset({north.node.origin, bakery.node.origin})}
        await bakery.do(leave(bakery.node, WhichParams(above=True)))
        await network.until(lambda: count_members(south) == 1, "the roster above without it")
        await network.settle()
        assert count_members(north) == count_members(bakery) == 2

    run_region(homes, 3, story)


def test_nobody_speaks_for_no_federation_or_twice_in_one(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        north, bakery = network["north"], network["bakery"]
        await found(network, north)
        with pytest.raises(RefusedError, match="no federation that it could speak for"):
            await speak_above(north, bakery)
        await bring_in(north, bakery)
        await network.until(lambda: count_members(bakery) == 2, "the roster")
        card = await make_card(network["south"].node, NoParams())
        invitation = await north.do(invite(north.node, InviteParams(card=card.card)))
        with pytest.raises(RefusedError, match="not both"):
            params = JoinParams(invitation=invitation.invitation, kind="consumers", people=1, above=True)
            await bakery.do(join(bakery.node, params))

    run_region(homes, 4, story)
