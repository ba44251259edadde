"""The plan's pages from a real plan: its figures are the document's, its sentences whole, nothing reads as money."""

import re
from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from node.use_cases.context import Node
from node.use_cases.planning.batches.decided import DecidedBatches
from node.use_cases.planning.batches.report import BatchLine
from node.use_cases.planning.facilitating.notices import NoticeRow
from node.use_cases.planning.facilitating.restless import RestlessRow
from node.use_cases.planning.following.account import write_report
from node.use_cases.planning.reports.view import ReadingRow
from node.web.figures.words import format_percent
from node.web.front.model import FrontPage
from node.web.front.tour import Told as Shown
from node.web.front.tour import tell_stop
from node.web.logs.model import LogList
from node.web.planning.filling.plan import PlanPages, fill_plan_pages, match_products
from node.web.planning.filling.plan_words import labels_of, tell_bindings, tell_openable, tell_used_up
from node.web.planning.model.batches import BatchRow
from node.web.planning.model.plan import PlanPage
from node.web.supply.model import PriceList
from node.web.till.model import FirstDay
from protocol.federation.charter import CouncilException, Floor
from protocol.planning.following.account import account_for
from protocol.planning.following.deliveries import Told
from protocol.planning.following.promises import list_planned
from protocol.planning.summary import UsedUpCap, list_goods, what_binds
from tests.node.web.conftest import build_client
from tests.node.web.example import EXAMPLE
from tests.node.web.logs.example import example_logs
from tests.node.web.page_reader import read_page
from tests.node.web.planning.story import village_plan
from tests.node.web.supply.example import example_prices


@pytest.fixture(scope="module")
def pages() -> PlanPages:
    """The pages of the village's plan."""
    return fill_plan_pages(village_plan().report, village_plan().earlier, PriceList(()))


def test_the_goods_of_the_page_are_those_of_the_document(pages: PlanPages) -> None:
    plan = village_plan().report.plan
    assert plan is not None
    for row, good in zip(list_goods(plan), pages.page.goods, strict=True):
        assert (good.wanted.amount, good.planned.amount) == (row.wanted, row.planned)
        assert good.bought.amount == sum(units for _, units in row.bought)
        assert good.endowment.amount - good.spent.amount == good.left.amount == row.left
    assert {good.name for good in pages.page.taken_home} == {"Bread", "Milk"}
    assert {good.name for good in pages.page.between} == {"Flour"}
    assert {good.name for good in pages.page.means} == {"Hours", "CO₂", "Outside"}


def test_what_goes_in_comes_out(pages: PlanPages) -> None:
    for good in pages.page.goods:
        made = sum(share.amount.amount for share in good.makers)
        there = made + good.bought.amount + good.endowment.amount
        gone = good.planned.amount + good.used.amount + good.sold.amount + good.left.amount
        # Each cell is rounded to a whole unit on its own.
        assert abs(there - gone) <= 4


def test_the_rounds_of_both_readings_are_told(pages: PlanPages) -> None:
    page = pages.page
    assert [reading.number for reading in page.readings] == [1, 2]
    assert page.readings[1].rounds[-1].worst_ppm <= page.tolerance_ppm < page.readings[0].rounds[0].worst_ppm
    assert all(each.answered == 5 and each.silent == 0 for reading in page.readings for each in reading.rounds)


def test_who_edited_its_proposal_is_told_with_figures(pages: PlanPages) -> None:
    (edit,) = pages.page.readings[1].edits
    assert edit.startswith("Northside changed its proposal: ")
    assert "kg of bread instead of" in edit
    assert "everything else moves by" in edit


def test_each_co_op_reads_what_it_gets(pages: PlanPages) -> None:
    assert [coop.name for coop in pages.page.coops] == ["Northside", "Southgate"]
    north = pages.coops[pages.page.coops[0].key]
    bread = next(good for good in north.goods if good.name == "Bread")
    assert bread.floor is not None
    assert bread.gets.amount >= bread.floor.amount
    assert [share.name for share in bread.makers] == ["Oven place"]


def test_what_binds_is_named_in_whole_sentences(pages: PlanPages) -> None:
    kinds = {binding.kind for binding in pages.page.binding}
    assert kinds >= {"capacity"}
    for binding in pages.page.binding:
        assert binding.name in binding.sentence
        assert binding.sentence.endswith(".")
    titles = dict(pages.page.binding_by_kind)
    assert sum(len(sentences) for sentences in titles.values()) == len(pages.page.binding)
    assert "Workplaces at the end of their capacity" in titles


def test_what_binds_is_told_with_what_it_costs_and_the_dearest_first(pages: PlanPages) -> None:
    plan = village_plan().report.plan
    assert plan is not None
    found, goods = what_binds(plan), plan.goods_table.goods
    all_credits = sum(nest.credits_micro for card in plan.consumers for nest in card.nests)
    assert found.caps
    for used in found.caps:
        place = next(number for number, good in enumerate(goods) if good.id == used.good)
        worth = plan.prices[place] * used.endowment / 10 ** goods[place].decimals / 100
        told = next(one.sentence for one in pages.page.binding if one.kind == used.kind)
        (share,) = re.findall(r"One percent more of it would be worth up to (.*) % of all credits\.", told)
        assert float(share) == pytest.approx(100 * worth / all_credits, rel=0.03)
    full = [one.sentence for one in pages.page.binding if one.kind == "capacity"]
    shares = [float(re.findall(r"up to ([0-9.]+) %", sentence)[0]) for sentence in full]
    assert shares == sorted(shares, reverse=True)


def test_needs_are_told_with_their_share_of_all_credits() -> None:
    plan = village_plan().report.plan
    assert plan is not None
    north = plan.consumers[0]
    half = tuple(units * 2 // 3 for units in plan.consumption[north.id])
    needy = replace(north, nests=(replace(north.nests[0], floors=(half[0], 0)),))
    changed = replace(plan, consumers=(needy, *plan.consumers[1:]))
    (needs,) = (one for one in tell_bindings(changed, labels_of(plan, {}, {})) if one.kind == "floor")
    worth = plan.prices[0] * half[0] / 10 ** plan.goods_table.goods[0].decimals
    share = 100 * worth / sum(nest.credits_micro for card in plan.consumers for nest in card.nests)
    assert f"At this plan’s scarcity these needs are worth {share:.1f} % of all credits." in needs.sentence


@pytest.mark.parametrize(
    ("kind", "good", "sentence"),
    [
        ("outside", "outside", "Outside: all 40 set aside for buying outside are spent."),
        ("cap", "co2", "CO₂: all 90 kg that the cap allows are used."),
        ("labour", "hours", "Hours: all 60 hours that people offered are taken."),
    ],
)
def test_what_is_used_up_is_told_with_its_amount(kind: str, good: str, sentence: str) -> None:
    plan = village_plan().report.plan
    assert plan is not None
    row = next(each for each in plan.goods_table.goods if each.id == good)
    used = UsedUpCap(good, kind, row.endowment, 5)
    assert tell_used_up(used, labels_of(plan, {}, {})).sentence == sentence


def test_workplaces_belong_to_their_members(pages: PlanPages) -> None:
    places = {place.name: place for place in pages.page.workplaces}
    assert {name: place.member for name, place in places.items()} == {
        "Farm place": "Southgate",
        "Mill place": "Oak bakery",
        "Oven place": "Oak bakery",
    }
    assert [share.name for share in places["Mill place"].makes] == ["flour"]
    assert {share.name for share in places["Oven place"].uses} == {"flour", "hours", "CO₂"}
    assert all(0 <= place.capacity_ppm <= 1_000_000 for place in places.values())


def test_a_product_names_its_good_and_says_whether_a_price_is_agreed() -> None:
    plan = village_plan().report.plan
    assert plan is not None
    row = example_prices().rows[0]
    rye = replace(row, code="in-house:oak-rye-bread", name="Rye loaf")
    wheat = replace(row, code="in-house:oak-bread", name="Wheat loaf", price=None)
    assert match_products(plan, PriceList((rye, wheat))) == {"bread": ("Wheat loaf", False)}
    page = fill_plan_pages(village_plan().report, None, PriceList((rye, wheat))).page
    assert [(good.name, good.price_is_open) for good in page.taken_home] == [("Wheat loaf", True), ("Milk", False)]


def test_votes_on_another_draft_are_left_out(pages: PlanPages) -> None:
    assert [(vote.name, vote.approved) for vote in pages.page.votes] == [("Northside", True), ("Oak bakery", False)]


async def test_a_call_without_a_draft_has_a_page_too(spare_node: Node) -> None:
    rounds = village_plan().report.readings[0].rounds[:2]
    report = replace(
        village_plan().report,
        state="called",
        plan=None,
        document="",
        digest="",
        certificate=None,
        votes=(),
        readings=(ReadingRow(1, rounds, "", ()),),
        waits_for=("oak-3.rochdale/log",),
    )
    pages = fill_plan_pages(report, None, PriceList(()))
    assert (pages.page.state, pages.page.goods, pages.coops, pages.document) == ("called", (), {}, b"")
    assert [each.answered for each in pages.page.last_rounds] == [None, None]
    front = FrontPage(FirstDay("", None, ()), pages.page, PriceList(()), LogList(()))
    async with build_client(spare_node, {**EXAMPLE, "/plan": lambda _: pages.page, "/": lambda _: front}) as browser:
        shown = read_page(await (await browser.get("/plan")).text())
        opened = read_page(await (await browser.get("/")).text())
    assert "3 members are asked what they want and make; there is no draft yet." in opened.text
    assert "There is no draft yet." in shown.text and "members called 3" in shown.text
    assert "co-ops 0" not in shown.text and "/proposal" in shown.links
    assert pages.page.waits_for == ("Oak bakery",)


def paused_plan(_: Mapping[str, str]) -> PlanPage:
    """The village's plan, which a facilitator has paused, with what was said."""
    objections = (("oak-3.rochdale/log", "we <b>have</b> time"),)
    notice = NoticeRow("00" * 32, "north-1.rochdale/log", 7, "pause", "the harvest", "", objections)
    needs = (Floor("gold", 5, 1), Floor("milk", 4050, 2))
    exception = CouncilException("south-2.rochdale/log", "a <b>school</b> eats here", needs, 70_000_000)
    report = replace(village_plan().report, state="paused", notices=(notice,), exceptions=(exception,))
    return fill_plan_pages(report, None, PriceList(())).page


async def test_what_facilitators_said_stands_on_the_page_with_the_objections(spare_node: Node) -> None:
    async with build_client(spare_node, {**EXAMPLE, "/plan": paused_plan}) as browser:
        plan = read_page(await (await browser.get("/plan")).text())
    assert plan.findings == []
    assert "Northside paused the plan: the harvest" in plan.text
    assert "Oak bakery objects: we <b>have</b> time" in plan.text


async def test_approved_exceptions_stand_on_the_page_with_their_reason(spare_node: Node) -> None:
    async with build_client(spare_node, {**EXAMPLE, "/plan": paused_plan}) as browser:
        plan = read_page(await (await browser.get("/plan")).text())
    told = (
        "Southgate: 0.5 of gold, 40.5 l of milk and 70 credits more than its people are allotted, "
        "because: a <b>school</b>"
    )
    assert plan.findings == [] and told in plan.text


async def test_the_pages_of_a_real_plan_are_whole(spare_node: Node, pages: PlanPages) -> None:
    models = {**EXAMPLE, "/plan": lambda _: pages.page, "/plan/{coop:.+}": lambda said: pages.coops.get(said["coop"])}
    async with build_client(spare_node, models) as browser:
        plan = read_page(await (await browser.get("/plan")).text())
        coop = read_page(await (await browser.get("/plan/north-1.rochdale/log")).text())
    assert plan.findings == []
    assert coop.findings == []
    assert "/plan/north-1.rochdale/log" in plan.links
    assert "31 yes, 2 no, 1 abstained" in plan.text
    assert "Checked by 2 of 3 nodes: Northside and Oak bakery." in plan.text
    assert "EUR" not in plan.text + coop.text
    assert "No one is below a floor." in coop.text


@pytest.mark.parametrize("stop", ["buyer", "baker", "delegate", "auditor"])
def test_the_tour_is_told_from_a_real_plan(pages: PlanPages, stop: str) -> None:
    coop = pages.coops[pages.page.coops[0].key]
    told = tell_stop(stop, Shown(pages.page, coop, example_prices(), None, example_logs()))
    assert len(told.sentences) >= 2
    assert all(sentence.endswith(".") for sentence in told.sentences)
    if stop == "baker":
        assert told.sentences[0].startswith("Oven place of Oak bakery makes ")


@pytest.mark.parametrize("stop", ["buyer", "member", "baker", "delegate", "auditor"])
def test_the_tour_of_a_home_without_a_plan_says_so(stop: str) -> None:
    told = tell_stop(stop, Shown(None, None, PriceList(()), None, example_logs()))
    assert told.sentences
    assert not any("None" in sentence for sentence in told.sentences)


def test_of_a_workplace_with_private_recipes_no_capacity_is_told() -> None:
    report = village_plan().report
    plan = report.plan
    assert plan is not None
    full = what_binds(plan).capacities[0].workplace
    first = next(card for card in plan.workplaces if card.id == full)
    hidden = replace(first, outline=((first.techniques[0].net[0][0], -1, 0),))
    changed = replace(plan, workplaces=tuple(hidden if card is first else card for card in plan.workplaces))
    page = fill_plan_pages(replace(report, plan=changed), None, PriceList(())).page
    private = [row for row in page.workplaces if row.is_private]
    assert len(private) == 1 and not private[0].is_binding
    assert full not in {one.workplace for one in what_binds(changed).capacities}
    assert "1 of 3 workplaces keeps its recipes private." in page.openable
    gap = report.certificate.gap_ppm if report.certificate else None
    assert gap is not None and f"by at most {format_percent(gap)} of all credits" in page.openable
    assert "nobody knows" in tell_openable(changed, None) and tell_openable(plan, None) == ""


def test_a_plan_in_force_says_who_promised_and_tells_both_sides_where_they_differ() -> None:
    report = village_plan().report
    plan = report.plan
    assert plan is not None
    oven, north = "oak-3.rochdale/log#oven_place", "north-1.rochdale/log#north_place"
    told = {("bread", oven, north): Told(9_000, 8_500), ("milk", "import-milk", north): Told(None, 700)}
    planned = list_planned(plan)
    promised = {(oven, 0): planned[oven, 0].units - 2_000, (oven, 2): planned[oven, 2].units}
    following = write_report(plan, bytes(32), account_for(plan, planned, promised, told))
    page = fill_plan_pages(replace(report, following=following), None, PriceList(())).page.followed
    assert page is not None
    assert page.promised_by == ("Oven place (Oak bakery)",) and len(page.missing) == 4
    (bread,) = (good for good in page.goods if good.name == "Bread")
    assert (bread.received.amount, bread.promised.amount) == (8_500, planned[oven, 0].units - 2_000)
    assert bread.short.amount > 1_990 and bread.open.amount == bread.needed.amount - 8_500
    (sentence,) = page.differing
    expected = "Bread: Oven place (Oak bakery) says it gave 9 kg, North place (Northside) says it received 8.5 kg."
    assert sentence == expected
    assert fill_plan_pages(report, None, PriceList(())).page.followed is None


def test_whose_answers_hold_up_the_rounds_is_named_with_what_to_do() -> None:
    oven = "oak-3.rochdale/log#oven_place"
    row = RestlessRow(oven, "oak-3.rochdale/log", 159_627, 990_000, "ab" * 32, is_aside=False)
    told = fill_plan_pages(replace(village_plan().report, restless=row), None, PriceList(())).page.restless
    assert told is not None and told.name == "oven place of Oak bakery" and "ab" * 32 in told.command


def test_whole_batches_are_told_with_what_one_makes_and_what_they_cost() -> None:
    report, oven = village_plan().report, "oak-3.rochdale/log#oven_place"
    assert report.plan is not None
    cards = [
        replace(card, techniques=(replace(card.techniques[0], batch=20 * 10**6),)) if card.id == oven else card
        for card in report.plan.workplaces
    ]
    line = BatchLine(oven, 1, 3, "20", "60", "70")
    credits = 240_000_000
    decided = DecidedBatches(report.digest, True, -credits // 100, credits, ("north-1.rochdale/log",), (line,))
    changed = replace(report, plan=replace(report.plan, workplaces=tuple(cards)), batches=decided)
    told = fill_plan_pages(changed, None, PriceList(())).page.batches
    assert told is not None and told.holds and told.lost_ppm == 10_000 and told.found_by == ("Northside",)
    assert told.rows == (BatchRow("Oven place", "Oak bakery", 3, "20 kg of bread", "3.5"),)
    none = replace(changed, batches=DecidedBatches(report.digest, False, 0, credits, (), ()))
    told = fill_plan_pages(none, None, PriceList(())).page.batches
    assert told is not None and not told.holds and told.rows == ()
    assert fill_plan_pages(report, None, PriceList(())).page.batches is None


def test_who_was_left_out_is_told_with_its_reason() -> None:
    left_out = ("oak-3.rochdale/log", "south-2.rochdale/log")
    page = fill_plan_pages(replace(village_plan().report, left_out=left_out), None, PriceList(())).page
    assert page.left_out == (
        "Oak bakery refused a draft before and has no part in this one: too little milk",
        "Southgate refused a draft before and has no part in this one.",
    )
