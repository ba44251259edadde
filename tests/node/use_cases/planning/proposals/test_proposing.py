"""From what members say to the card that goes out: every line has its sources, and nothing goes without a person."""

import hashlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from node.use_cases.planning.proposals.lines import CardLine, CardPreview
from node.use_cases.planning.proposals.proposing import ProposeParams, preview_release, propose
from node.use_cases.planning.proposals.releases import Offer
from node.use_cases.planning.proposals.wants import KeptWant, PledgeParams, WishParams, say_pledge, say_wish
from node.web.planning.proposal.buttons import answer_proposal
from node.web.planning.proposal.model import ProposalForm, ProposalPage
from protocol.core.encoding import encode, to_value
from protocol.core.errors import RefusedError
from protocol.planning.call import PlanCards
from storage.log.record_index import records
from storage.private.member_wants import MemberWant, keep_want, member_wants
from tests.node.region.machine import Machine
from tests.node.region.memory_network import MemoryNetwork, run_region
from tests.node.region.village import HOUSEHOLDS, import_till, release_of

SPEAKERS = 6


def test_the_committee_reads_every_line_with_its_sources_and_the_very_card_goes_out(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        north = network["north"]
        await import_till(north)
        plain = await look(north, {})
        await speak(north)
        moved = await look(north, {"cheese": 50})
        told = {line.good: line for line in moved.lines}
        assert told["bread"].sources == (
            f"till: {HOUSEHOLDS} households",
            f"wishes of {SPEAKERS} households: +66.7 %",
            "floor: the charter's list for 40 people",
        )
        assert told["bread"].floor == "20"
        assert f"pledges of {SPEAKERS} households" in told["rolls"].sources[1]
        assert told["cheese"].sources[-1] == "committee: 50 % of that"
        assert [want(moved, good) > want(plain, good) for good in ("bread", "cheese")] == [True, False]
        assert cards_of(north) == [], "a preview lets nothing out"
        params = ProposeParams(release=release_of("north"), edits_percent={"cheese": 50}, standing=True)
        assert (await north.do(propose(north.node, params))).readings == (1, 2)
        await network.until(lambda: len(cards_of(north)) == 1, "the cards")
        (cards,) = cards_of(north)
        wants = [units for nest in cards.consumers[0].nests for units in nest.wants]
        assert wants == [round(float(line.want) * 10_000) for line in moved.lines]
        north.crash()
        await network.boot(north)
        assert north.run is not None and set(north.run.releases) == {1, 2}, "a standing release outlasts a restart"
        again = await look(north, {"bread": 90}, None)
        assert "committee: 90 % of that" in line_of(again, "bread").sources
        assert "committee: 50 % of that" in line_of(again, "cheese").sources, "the last release goes on"

    run_region(homes, 41, story)


def test_a_committee_reads_changes_releases_and_takes_back_on_its_page(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        north = network["north"]
        await import_till(north)

        async def answer(**fields: Any) -> ProposalPage:
            return await north.do(answer_proposal(north.node, ProposalForm(**fields)))

        opened = await answer()
        assert not opened.has_lines and opened.can_change, "nothing was ever released here"
        no_file = await answer(action="file", file=b"{}x")
        assert "is no release" in no_file.refusal
        laid = await answer(action="file", file=msgspec.json.encode(release_of("north")))
        assert laid.has_lines and [row.state for row in laid.readings] == ["open", "open"]
        read = await answer(percents={"cheese": "50"})
        assert percent_of(read, "cheese") == "50" and read.digest != laid.digest and cards_of(north) == []
        unread = await answer(action="release", percents={"cheese": "60"}, digest=read.digest, reading=1)
        assert "these are not the lines that were read" in unread.refusal and percent_of(unread, "cheese") == "60"
        assert (await answer(action="release", percents={"cheese": "60"}, reading=1)).refusal.endswith("release them")
        assert north.run is not None and north.run.releases == {}
        wrong = await answer(percents={"gold": "7"})
        assert [finding.place for finding in wrong.findings] == [] and "edits_percent.gold" in wrong.refusal
        freed = await answer(
            action="release", percents={"cheese": "50"}, digest=read.digest, reading=1, is_standing=True
        )
        assert freed.refusal == "" and "reading 1 and 2" in freed.said
        await network.until(lambda: len(cards_of(north)) == 1, "the cards")
        (cards,) = cards_of(north)
        assert hashlib.sha256(encode(to_value(cards))).hexdigest() == read.digest, "the very lines that were read"
        later = await answer()
        assert [row.state for row in later.readings] == ["gone out", "released"] and later.reading == 2
        assert percent_of(later, "cheese") == "50" and later.is_standing is False
        taken = await answer(action="withdraw")
        assert taken.said.startswith("Taken back for reading 2") and set(north.run.releases) == {1}
        north.crash()
        await network.boot(north)
        assert north.run is not None and set(north.run.releases) == {1}, "what was taken back stays so"
        assert "nothing is released here" in (await answer(action="withdraw")).refusal

    run_region(homes, 45, story)


def percent_of(page: ProposalPage, good: str) -> str:
    """What stands in the field of a good."""
    return next(line.percent for nest in page.nests for line in nest.lines if line.good == good)


def test_a_workplace_is_offered_as_its_people_say(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        bakery = network["bakery"]
        params = ProposeParams(release=release_of("bakery"), offers={"oven": Offer("120", "15")})
        told = {one.label: one for one in (await bakery.do(preview_release(bakery.node, params))).workplaces}
        assert (told["oven"].capacity, told["oven"].least, told["oven"].makes) == ("120", "15", ("bread", "rolls"))
        assert told["mill"].capacity == "160"
        for offers, place in (({"mine": Offer("1")}, "workplaces.mine"), ({"oven": Offer("x")}, "workplaces.oven.cap")):
            with pytest.raises(RefusedError, match=place):
                wrong = ProposeParams(release=release_of("bakery"), offers=offers)
                await bakery.do(preview_release(bakery.node, wrong))

    run_region(homes, 46, story)


def test_what_cannot_be_is_refused_with_the_place(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        north, bakery = network["north"], network["bakery"]
        for refused, place in (
            (preview_release(north.node, ProposeParams()), "release"),
            (say_pledge(north.node, PledgeParams(household="7", good="bread", amount="-1")), "amount"),
            (say_wish(north.node, WishParams(household=" n/a", good="bread", percent=7)), "household"),
            (propose(bakery.node, ProposeParams(release=release_of("bakery"), edits_percent={"bread": 7})), "edits"),
        ):
            with pytest.raises(RefusedError, match=place):
                await (bakery if place == "edits" else north).do(refused)

    run_region(homes, 42, story)


def test_a_word_is_kept_as_a_token_and_can_be_changed_and_taken_back(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        north = network["north"]
        db = north.node.database.reader
        for percent in (150, 80):
            await north.do(say_wish(north.node, WishParams(household="7", good="bread", percent=percent)))
        (kept,) = member_wants(db, "wish")
        assert (kept.good, kept.amount, len(kept.household)) == ("bread", 80, 16) and kept.household != b"7"
        answer = await north.do(say_wish(north.node, WishParams(household="7", good="bread", percent=100)))
        assert answer == KeptWant(good="bread", kept=False, households=0) and member_wants(db, "wish") == []

    run_region(homes, 43, story)


def test_a_home_keeps_a_bounded_number_of_words(homes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(network: MemoryNetwork) -> None:
        north = network["north"]
        monkeypatch.setattr("storage.private.member_wants.MEMBER_WANTS_MAX", 1)
        first, second = (MemberWant(bytes(16), good, 7) for good in ("bread", "rolls"))
        await north.node.database.write(lambda db: keep_want(db, "wish", first, 0))
        with pytest.raises(RefusedError, match="at most 1"):
            await north.node.database.write(lambda db: keep_want(db, "wish", second, 0))

    run_region(homes, 44, story)


async def speak(machine: Machine) -> None:
    """Six of the till's households want twice the bread, and pledge rolls."""
    node = machine.node
    for household in range(1, SPEAKERS + 1):
        await machine.do(say_wish(node, WishParams(household=str(household), good="bread", percent=200)))
        await machine.do(say_pledge(node, PledgeParams(household=str(household), good="rolls", amount="8.5")))


async def look(machine: Machine, edits: dict[str, int], released: str | None = "north") -> CardPreview:
    """What would go out."""
    params = ProposeParams(release=release_of(released) if released else None, edits_percent=edits)
    return await machine.do(preview_release(machine.node, params))


def line_of(preview: CardPreview, good: str) -> CardLine:
    """The line of a good."""
    return next(line for line in preview.lines if line.good == good)


def want(preview: CardPreview, good: str) -> float:
    """What the card would take of a good at the start prices."""
    return float(line_of(preview, good).want)


def cards_of(machine: Machine) -> list[PlanCards]:
    """The cards in a machine's own log."""
    return [one.body for one in records(machine.node.database.reader, "plan.card", origin=machine.node.origin)]
