"""A log ends and another goes on for it: by the recovery key alone; what was signed later counts nowhere."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from node.clock import Clock
from node.config import Config
from node.use_cases.context import Node
from node.use_cases.home import Made, init_home, open_node
from node.use_cases.keys.ends import list_ends, recount_ends
from node.use_cases.keys.succeed import SucceedParams, succeed
from node.use_cases.publish import publish
from protocol.core.errors import RefusedError
from protocol.federation.grants import KeyGrant
from storage.log import fork_cuts, log_store, record_index
from tests.node.use_cases.two_homes import carry

GRANTS = [KeyGrant(bytes([number]) * 32, "facilitator", f"facilitator {number}", False) for number in range(6)]


class Scene:
    def __init__(self, made: Made, old: Node, new: Node, third: Node) -> None:
        self.made, self.old, self.new, self.third = made, old, new, third

    def counted(self, node: Node) -> list[int]:
        found = record_index.records(node.database.reader, "key.grant", origin=self.old.origin)
        return [one.index for one in found]


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    nodes, mades = [], []
    for name in ("old", "new", "third"):
        config = Config(home=tmp_path / name, name=name)
        mades.append(await init_home(config, Clock()))
        nodes.append(open_node(config, Clock()))
    for grant in GRANTS:
        await publish(nodes[0], "key.grant", grant)
    yield Scene(mades[0], *nodes)
    for node in nodes:
        node.database.close()


async def test_a_new_home_goes_on_for_an_old_one_and_all_know_where_it_ended(scene: Scene) -> None:
    said = await succeed(
        scene.new, SucceedParams(recovery_key=scene.made.recovery_key, old_home=str(scene.old.config.home), size=4)
    )
    assert (said.old, said.size, said.origin) == (scene.old.origin, 4, scene.new.origin)
    assert scene.counted(scene.new) == [1, 2, 3]
    # In whatever order the two logs come.
    await carry(scene.new, scene.third)
    await recount_ends(scene.third)
    assert list_ends(scene.third) == {}
    await carry(scene.old, scene.third)
    await recount_ends(scene.third)
    assert scene.counted(scene.third) == [1, 2, 3]
    end = list_ends(scene.third)[scene.old.origin]
    assert (end.size, end.successor) == (4, scene.new.origin)
    # What was signed stays readable, and the log verifiable.
    db = scene.third.database.reader
    assert len(log_store.entries(db, scene.old.origin, 0, 99)) == 7
    assert {row.void for row in record_index.rows(db, scene.old.origin)} == {"", fork_cuts.RETIRED}
    before = list(record_index.rows(db))
    await scene.third.database.write(record_index.rebuild)
    assert list(record_index.rows(db)) == before


async def test_an_ended_home_signs_nothing_more(scene: Scene) -> None:
    params = SucceedParams(recovery_key=scene.made.recovery_key, old_home=str(scene.old.config.home))
    await succeed(scene.new, params)
    await carry(scene.new, scene.old)
    await recount_ends(scene.old)
    with pytest.raises(RefusedError, match="its successor goes on"):
        await publish(scene.old, "key.grant", GRANTS[0])
    assert scene.counted(scene.old) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("key", "changes", "reason"),
    [
        ("00" * 32, {}, "not the key that was printed"),
        ("no key", {}, "must be 64 digits"),
        ("", {"size": 99}, "only 7 entries"),
        ("", {"old_home": "", "old": "nobody.example/log"}, "that log is not here"),
        ("", {"old_home": "nowhere"}, "no home that can be read"),
    ],
    ids=["another key", "no key", "more than there is", "a log that is not here", "a folder that is not there"],
)
async def test_what_cannot_be_is_refused_and_nothing_said(
    scene: Scene, key: str, changes: dict[str, object], reason: str
) -> None:
    given = {"recovery_key": key or scene.made.recovery_key, "old_home": str(scene.old.config.home)} | changes
    with pytest.raises(RefusedError, match=reason):
        await succeed(scene.new, SucceedParams(**given))  # type: ignore[arg-type]
    head = log_store.head(scene.new.database.reader, scene.new.origin)
    assert head is not None and head.size == 1


async def test_one_log_goes_on_for_one_other_only(scene: Scene) -> None:
    params = SucceedParams(recovery_key=scene.made.recovery_key, old_home=str(scene.old.config.home))
    await succeed(scene.new, params)
    with pytest.raises(RefusedError, match="goes on for another already"):
        await succeed(scene.new, params)
