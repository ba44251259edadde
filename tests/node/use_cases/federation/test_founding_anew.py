"""Who belongs to nothing that can still be read founds or joins anew; who waits or belongs does not."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from node.use_cases.context import Node, NoParams
from node.use_cases.federation.history import FEDERATION_SETTING, federation_of
from node.use_cases.federation.verbs import (
    CreateParams,
    InviteParams,
    JoinParams,
    WhichParams,
    create,
    invite,
    join,
    leave,
)
from node.use_cases.own_log.own_head import own_head_of
from node.use_cases.peers import make_card
from protocol.core.errors import RefusedError
from storage.settings import names_under, set_setting
from tests.node.homes import make_node
from tests.node.region.village import charter

# What a home remembers of a federation whose records it reads no more, or that it was cut short in founding.
LOST = bytes(32)
FOUNDING = CreateParams(charter=charter(), kind="consumers", people=10)


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[tuple[Node, Node]]:
    north, south = await make_node(tmp_path, "north"), await make_node(tmp_path, "south")
    yield north, south
    for node in (north, south):
        node.database.close()


async def ask_in(node: Node, host: Node) -> None:
    invitation = await invite(host, InviteParams(card=(await make_card(node, NoParams())).card))
    await join(node, JoinParams(invitation=invitation.invitation, kind="consumers", people=10))


async def test_a_federation_of_which_nothing_is_readable_holds_nobody(nodes: tuple[Node, Node]) -> None:
    north, south = nodes
    for node in nodes:
        await node.database.write(lambda db: set_setting(db, FEDERATION_SETTING, LOST))
    assert (await create(north, FOUNDING)).version == 1
    await ask_in(south, north)
    assert federation_of(south) == federation_of(north) != LOST


async def test_who_belongs_or_waits_to_be_let_in_founds_and_joins_no_other(nodes: tuple[Node, Node]) -> None:
    north, south = nodes
    await create(north, FOUNDING)
    await ask_in(south, north)
    waits_for = federation_of(south)
    for node in nodes:
        with pytest.raises(RefusedError, match="this home belongs to one already"):
            await create(node, FOUNDING)
    assert federation_of(south) == waits_for


async def test_a_home_that_signs_nothing_now_remembers_no_other_federation(nodes: tuple[Node, Node]) -> None:
    north, south = nodes
    await create(south, FOUNDING)
    await north.database.write(lambda db: set_setting(db, FEDERATION_SETTING, LOST))
    own_head_of(north).hold("it was put back")
    for word in (create(north, FOUNDING), ask_in(north, south)):
        with pytest.raises(RefusedError, match="nothing can be signed: it was put back"):
            await word
    assert federation_of(north) == LOST


async def test_of_two_who_leaves_is_free_at_once_and_takes_no_invitation_along(nodes: tuple[Node, Node]) -> None:
    north, south = nodes
    await create(north, FOUNDING)
    former = federation_of(north)
    await ask_in(south, north)
    await leave(north, WhichParams())
    with pytest.raises(RefusedError, match="has founded just this one before"):
        await create(north, FOUNDING)
    assert (await create(north, replace(FOUNDING, people=9))).version == 1
    assert federation_of(north) != former
    assert names_under(north.database.reader, "invited/") == []
