"""The logs as people look at them: names, cosigners, how far enough witnesses vouch, and records with their reasons."""

import sqlite3
from collections.abc import AsyncIterator, Collection, Mapping
from functools import partial
from pathlib import Path

import pytest

from node.clock import Clock
from node.config import Config
from node.use_cases.context import Node, NoParams
from node.use_cases.home import init_home, open_node
from node.use_cases.logs import LogParams, list_logs, show_log
from protocol.core.errors import RefusedError
from protocol.log.quorum import Rule
from storage.log.cosignatures import Cosignature, add_cosignature, add_fork


class Witnesses:
    """A roster that names these homes as witnesses."""

    def __init__(self, origins: Collection[str], rule: Rule = "half") -> None:
        self._names = [f"{origin}/witness" for origin in origins]
        self._rule = rule

    def witness_duties(self) -> Collection[str]:
        """None: here only others cosign."""
        return ()

    def witness_keys(self) -> Mapping[str, bytes]:
        """The witnesses by name."""
        return dict.fromkeys(self._names, bytes(32))

    def witness_rule(self) -> Rule:
        """How many of them are enough."""
        return self._rule


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    """A home with nothing but its first record."""
    config = Config(home=tmp_path / "home", name="Northside")
    await init_home(config, Clock())
    opened = open_node(config, Clock())
    yield opened
    opened.database.close()


def add_line(line: Cosignature, db: sqlite3.Connection) -> bool:
    """Keep one cosignature."""
    return add_cosignature(db, line)


async def cosign(node: Node, size: int, *origins: str) -> None:
    """Keep the cosignatures of these homes' witnesses under a head of this size."""
    for origin in origins:
        line = Cosignature(node.origin, size, f"{origin}/witness", b"line", 1)
        await node.database.write(partial(add_line, line))


async def test_a_new_home_lists_its_own_log(node: Node) -> None:
    (log,) = (await list_logs(node, NoParams())).logs
    assert (log.origin, log.name, log.is_own, log.size, log.versions) == (node.origin, "Northside", True, 1, 1)
    assert (log.witnesses, log.needed, log.witnessed_size, log.cosigners) == (0, 0, 0, ())


@pytest.mark.parametrize(
    ("cosigners", "witnessed_size"),
    [((), 0), (("oak",), 0), (("oak", "elm"), 1), (("oak", "elm", "ash"), 1), (("oak", "stranger"), 0)],
)
async def test_more_than_half_of_the_witnesses_are_needed(
    node: Node, cosigners: tuple[str, ...], witnessed_size: int
) -> None:
    # The owner itself is a witness too, and does not count for its own log.
    node.parts["roster"] = Witnesses(["oak", "elm", "ash", node.origin])
    await cosign(node, 1, *cosigners)
    (log,) = (await list_logs(node, NoParams())).logs
    assert (log.witnesses, log.needed, log.witnessed_size) == (3, 2, witnessed_size)
    assert {cosigner.origin for cosigner in log.cosigners} == set(cosigners)


async def test_a_charter_may_ask_for_two_thirds_of_the_witnesses(node: Node) -> None:
    node.parts["roster"] = Witnesses(["oak", "elm", "ash", "fir", "yew"], "two_thirds")
    await cosign(node, 1, "oak", "elm", "ash")
    (log,) = (await list_logs(node, NoParams())).logs
    assert (log.witnesses, log.needed, log.witnessed_size) == (5, 4, 0)


async def test_two_heads_that_nothing_joins_are_two_versions(node: Node) -> None:
    await node.database.write(lambda db: add_fork(db, node.origin, b"one", b"other", b"proof"))
    (log,) = (await list_logs(node, NoParams())).logs
    assert log.versions == 2


async def test_a_log_is_shown_with_its_signed_head_and_records(node: Node) -> None:
    contents = await show_log(node, LogParams(origin=node.origin))
    assert contents.note.startswith(f"{node.origin}\n1\n")
    (record,) = contents.records
    assert (record.index, record.kind, record.void) == (0, "log.founding", "")
    assert (await show_log(node, LogParams(origin=node.origin, last=0))).records == ()


async def test_a_log_that_is_not_held_is_refused(node: Node) -> None:
    with pytest.raises(RefusedError, match="origin: this node holds no log of that name"):
        await show_log(node, LogParams(origin="nobody.rochdale/log"))
