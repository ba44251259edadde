"""Who belongs to what is read anew when it can have changed, and not at every vote of a plan."""

from pathlib import Path

from node.use_cases.federation.circles import is_about_circles, read_circles
from node.use_cases.federation.history import read_history
from node.use_cases.federation.verbs import CreateParams, create
from node.use_cases.publish import publish
from protocol.federation.vote_records import PrevoteBody
from tests.node.use_cases.two_homes import open_home
from tests.protocol.federation.made_up_federation import make_charter


async def test_a_vote_counts_only_in_a_slot_in_which_a_federation_goes_on(tmp_path: Path) -> None:
    node = await open_home(tmp_path, "Northside")
    try:
        before = await publish(node, "decision.prevote", PrevoteBody(bytes(32), 0, None))
        assert not is_about_circles(node, node.origin, before.index, before.index + 1)
        await create(node, CreateParams(charter=make_charter(required_sections=()), kind="consumers", people=180))
        (circle,) = read_circles(node)
        assert circle.members == {node.origin}
        history = read_history(node)
        assert history is not None
        asked = await publish(node, "decision.prevote", PrevoteBody(history.question.slot, 0, None))
        other = await publish(node, "decision.prevote", PrevoteBody(bytes([7]) * 32, 0, None))
        assert is_about_circles(node, node.origin, asked.index, asked.index + 1)
        assert not is_about_circles(node, node.origin, other.index, other.index + 1)
        assert is_about_circles(node, node.origin, 0, other.index + 1)
        assert read_circles(node) == (circle,)
    finally:
        node.database.close()
