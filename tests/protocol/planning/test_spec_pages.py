"""The examples of the spec pages are what the code does."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec

from protocol.planning.batches.candidate import judge_candidate, make_candidate
from protocol.planning.cards import Technique
from protocol.planning.certificate import check_certificate
from protocol.planning.delivery.document import check_delivery, parse_delivery
from protocol.planning.economy import build_economy
from protocol.planning.plan import Plan, digest_plan, format_plan, parse_plan
from protocol.planning.rounds import Answer, close_round, start_state
from protocol.planning.state import hash_state
from tests.protocol.planning.batches.test_batches import lumpy_village
from tests.protocol.planning.economies import finished_plan, load

SPEC = Path(__file__).resolve().parents[3] / "docs" / "spec" / "planning"


def example(page: str) -> Any:
    """The numbered JSON block at the head of a page."""
    text = (SPEC / page).read_text()
    block = text.split("```json\n")[1].split("```")[0]
    return json.loads(re.sub(r"^ ?\d+  ", "", block, flags=re.MULTILINE))


def example_plan() -> Plan:
    document = json.dumps(example("plan.md"), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return parse_plan(document.encode())


def test_the_example_plan_holds_and_has_the_digest_on_the_page() -> None:
    plan = example_plan()
    raw = format_plan(plan)
    page = (SPEC / "plan.md").read_text()
    assert digest_plan(raw).hex() in page
    assert f"{len(raw):,} bytes" in page
    regrets = {"north": 5_501, "south": 1, "farm": 2_539, "mill": 0, "oven": 0}
    certificate = check_certificate(plan, regrets)
    assert certificate.findings == ()
    assert certificate.gap_micro == 26_262


def test_the_example_delivery_is_the_shortest_and_as_long_as_the_page_says() -> None:
    document = json.dumps(example("delivery.md"), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    page = (SPEC / "delivery.md").read_text()
    found = check_delivery(example_plan(), parse_delivery(document.encode()))
    assert found.findings == () and {one.longer_ppm for one in found.goods} == {0}
    assert f"{len(document):,} bytes" in page and f"{found.goods[1].unit_metres:,}" in page


def test_the_example_batches_are_made_judged_and_named_as_on_the_page() -> None:
    told, plain = example("batches.md"), example_plan()
    techniques = {name: msgspec.convert(row, Technique) for name, row in told["techniques"].items()}
    cards = tuple(
        msgspec.structs.replace(card, techniques=(techniques.get(card.id, card.techniques[0]),))
        for card in plain.workplaces
    )
    draft = finished_plan(*load(lumpy_village()))
    assert draft.workplaces == cards
    assert draft.activity == {name: tuple(levels) for name, levels in told["draft_activity"].items()}
    candidate = make_candidate(draft, told["activity"])
    assert candidate.parameters["draft"] == told["draft"]
    for column in ("activity", "consumption"):
        assert getattr(candidate, column) == {name: tuple(row) for name, row in told[column].items()}
    judged = judge_candidate(draft, candidate)
    assert (judged.value_micro, judged.digest.hex()) == (told["value_micro"], told["digest"])


def test_the_example_round_gives_the_integers_and_hashes_on_the_page() -> None:
    told, plan = example("planning-step.md"), example_plan()
    economy = build_economy(plan.goods_table, plan.consumers, plan.workplaces)
    assert economy.digest.hex() == told["economy"]
    state = start_state(economy)
    assert hash_state(state).hex() == told["state_0"]
    answers = {name: Answer(hash_state(state), tuple(said)) for name, said in told["answers"].items()}
    after, report = close_round(economy, state, answers)
    for column in ("prices", "planned", "carried", "metric"):
        assert getattr(after, column).tolist() == told[column], column
    assert report.worst_good_ppm == told["worst_good_ppm"]
    assert hash_state(after).hex() == told["state_1"]
