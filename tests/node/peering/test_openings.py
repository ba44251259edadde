"""Hidden sections and lines travel to those whom their scope names, and to nobody else, over real sessions."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from node.use_cases.context import Node
from node.use_cases.supply.board import read_board
from node.use_cases.supply.drafts import AnswerParams
from node.use_cases.supply.publishing import answer_price, propose_price, publish_disclosure, publish_product
from node.use_cases.supply.travelling import list_openings, list_wanted
from node.use_cases.supply.views import describe_item
from protocol.core.commitment import format_opening, parse_opening
from protocol.federation.scopes import AUDITORS, BUYERS, FEDERATION, PUBLIC, may_read
from protocol.gossip.messages import OpeningWant, Ping, Pong, Reveal
from protocol.supply.openings import list_hidden
from storage.log import log_store
from storage.private.openings import find_opening
from tests.node.homes import make_nodes, pin, stop_all, until
from tests.node.peering.raw_peer import call, identity_of
from tests.node.use_cases.two_homes import LOAF, loaf, price, told


class Market:
    """A bakery, a co-op that buys from it, and a third that looks on; the last two are the bakery's peers."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes
        self.bakery, self.coop, self.other = nodes

    async def level(self) -> None:
        """Wait until the bakery's whole log is everywhere, and openings had their time to be asked for."""
        await until(self.nodes, lambda: all(size_of(node, self.bakery) == size_of(self.bakery, self.bakery)
                                            for node in self.nodes))  # fmt: skip
        for node in self.nodes:
            node.parts["peering"].exchange.tick()


def size_of(node: Node, other: Node) -> int:
    head = log_store.head(node.database.reader, other.origin)
    return 0 if head is None else head.size


def hidden(node: Node, maker: Node) -> list[bytes]:
    return [one.commitment for one in list_hidden(read_board(node).facts, (maker.origin, LOAF))]


def opened(node: Node, maker: Node) -> int:
    """How many of the product's hidden places this home can open."""
    return sum(find_opening(node.database.reader, one) is not None for one in hidden(node, maker))


@pytest.fixture
async def market(tmp_path: Path) -> AsyncIterator[Market]:
    nodes = await make_nodes(tmp_path, "bakery", "coop", "other")
    try:
        for node in nodes[1:]:
            await pin(nodes[0], node)
            await pin(node, nodes[0])
        await publish_product(nodes[0], loaf())
        yield Market(nodes)
    finally:
        await stop_all(nodes)


async def test_what_is_for_buyers_comes_to_those_whom_the_maker_names_and_to_nobody_else(market: Market) -> None:
    bakery, coop, other = market.nodes
    await publish_disclosure(bakery, told(hidden="delivery"))
    await propose_price(bakery, price(coop.origin, hidden=("materials", "labour")))
    await market.level()
    await until(market.nodes, lambda: opened(coop, bakery) == 3)
    view = describe_item(coop, read_board(coop), (bakery.origin, LOAF), BUYERS)
    assert [line.amount_minor for line in view.prices[0].lines] == [120, 150, 30, 18, 24]
    await market.level()
    assert len(hidden(other, bakery)) == 3 and opened(other, bakery) == 0
    assert list_wanted(other, ()) == {}


async def test_who_calls_itself_a_buyer_reads_nothing_before_the_maker_has_said_yes(market: Market) -> None:
    bakery, coop, _ = market.nodes
    await publish_disclosure(bakery, told(hidden="delivery"))
    await market.level()
    proposed = await propose_price(coop, price(maker=bakery.origin))
    await until(market.nodes, lambda: size_of(bakery, coop) == size_of(coop, coop))
    await market.level()
    (commitment,) = hidden(bakery, bakery)
    assert list_wanted(coop, ()) == {}
    assert list_openings(bakery, [commitment], coop.origin, ()) == []
    await answer_price(bakery, AnswerParams(proposal=proposed.record))
    await market.level()
    await until(market.nodes, lambda: opened(coop, bakery) == 1)


async def test_asking_by_hand_opens_nothing_for_whoever_is_not_named(market: Market) -> None:
    bakery, coop, other = market.nodes
    await publish_disclosure(bakery, told(hidden="delivery"))
    await propose_price(bakery, price(coop.origin))
    (commitment,) = hidden(bakery, bakery)
    await other.parts["peering"].stop()
    async with aiohttp.ClientSession() as session:
        peer = await call(session, bakery, identity_of(other))
        await peer.greet(other.origin)
        await peer.say(OpeningWant((commitment, bytes(32))))
        await peer.say(Ping(0))
        await peer.hear(Pong)
        assert not any(isinstance(message, Reveal) for message in peer.heard)


async def test_an_opening_that_nobody_here_may_read_or_that_opens_nothing_is_not_kept(market: Market) -> None:
    bakery, coop, other = market.nodes
    await publish_disclosure(bakery, told(hidden="delivery"))
    await propose_price(bakery, price(coop.origin))
    await market.level()
    (commitment,) = hidden(bakery, bakery)
    kept = find_opening(bakery.database.reader, commitment)
    assert kept is not None
    asks = other.parts["peering"].exchange.openings
    await asks.admit(kept.opening)
    assert opened(other, bakery) == 0
    wrong = parse_opening(kept.opening)
    await asks.admit(format_opening(type(wrong)(**{**{name: getattr(wrong, name) for name in wrong.__struct_fields__},
                                                   "salt": bytes(32)})))  # fmt: skip
    assert opened(other, bakery) == 0


@pytest.mark.parametrize(
    ("scope", "reader", "may"),
    [
        (PUBLIC, "anyone", True),
        (BUYERS, "anyone", False),
        (BUYERS, "member", False),
        (BUYERS, "buyer", True),
        (FEDERATION, "member", True),
        (FEDERATION, "buyer", True),
        (FEDERATION, "anyone", False),
        (AUDITORS, "member", False),
        (AUDITORS, "buyer", False),
        (AUDITORS, "owner", True),
        ("no such scope", "member", False),
        ("", "buyer", False),
    ],
)
def test_who_may_read_what(scope: str, reader: str, may: bool) -> None:
    assert may_read(scope, reader, "owner", {"member", "owner"}, {"buyer", "owner"}) is may
