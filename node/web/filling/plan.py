"""The pages of a plan from the story that this node tells of it.

Invariant: a pure function of the story and the price list; quantities only, no money.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from node.use_cases.planning.story import PlanStory, ReadingStory
from node.web.figures.words import Signal
from node.web.filling.plan_words import Labels, labels_of, tell_bindings, tell_edits, tell_state
from node.web.pages.plan import (
    Certificate,
    CoopGood,
    CoopPage,
    CoopRow,
    GoodRow,
    PlanPage,
    Reading,
    Round,
    Share,
    Vote,
    WorkplaceRow,
)
from node.web.pages.prices import PriceList
from protocol.planning.cards import MICRO
from protocol.planning.certificate import capacity_used
from protocol.planning.plan import Plan
from protocol.planning.summary import ConsumerRow, list_consumers, list_goods
from protocol.planning.summary import GoodRow as GoodSums

DOCUMENT_PATH = "/plan.json"
IN_HOUSE_PREFIX = "in-house:"
NEARLY = 1_000
PPM = 1_000_000


@dataclass(frozen=True)
class PlanPages:
    """All pages of one plan, and its document."""

    page: PlanPage
    coops: Mapping[str, CoopPage]
    document: bytes


def fill_plan_pages(story: PlanStory, prices: PriceList) -> PlanPages:
    """The plan's page and one for each co-op, by the key of its row."""
    plan = story.last_plan
    document = next((reading.document for reading in reversed(story.readings) if reading.plan is not None), b"")
    if plan is None:
        return PlanPages(_fill_page(story, None, None, {}), {}, document)
    products = match_products(plan, prices)
    labels = labels_of(plan, {good: row[0] for good, row in products.items()}, story.names)
    open_goods = {good.id for good in plan.goods_table.goods if good.id in products and not products[good.id][1]}
    sums = {row.good: row for row in list_goods(plan)}
    coops = _fill_coops(plan, sums, labels)
    goods = {row.good: _fill_good(row, labels, row.good in open_goods) for row in sums.values()}
    return PlanPages(_fill_page(story, plan, labels, goods, coops), coops, document)


def match_products(plan: Plan, prices: PriceList) -> dict[str, tuple[str, bool]]:
    """For each good its product's name and whether a price is agreed.

    A product stands for a good when its in-house code ends in the good's id, with hyphens for underscores.
    """
    found: dict[str, tuple[str, bool]] = {}
    rows = [(row.code.removeprefix(IN_HOUSE_PREFIX), row) for row in prices.rows]
    for good in plan.goods_table.goods:
        ending = good.id.replace("_", "-")
        fitting = [row for code, row in rows if code == ending or code.endswith(f"-{ending}")]
        if fitting:
            # The shortest code fits best: `mill-flour` rather than `mill-rye-flour` for `flour`.
            best = min(fitting, key=lambda row: (len(row.code), row.code))
            found[good.id] = (best.name, best.price is not None)
    return found


def _fill_page(
    story: PlanStory,
    plan: Plan | None,
    labels: Labels | None,
    goods: Mapping[str, GoodRow],
    coops: Mapping[str, CoopPage] | None = None,
) -> PlanPage:
    return PlanPage(
        region=story.scope,
        period=story.period,
        state=tell_state(story),
        digest=next((each.digest for each in reversed(story.readings) if each.digest), ""),
        tolerance_ppm=story.tolerance_ppm,
        members=len(story.names),
        readings=_fill_readings(story, goods, labels),
        goods=tuple(goods.values()),
        coops=tuple(_fill_coop_row(key, coop) for key, coop in (coops or {}).items()),
        workplaces=_fill_workplaces(plan, labels) if plan is not None and labels is not None else (),
        binding=tell_bindings(plan, labels) if plan is not None and labels is not None else (),
        votes=tuple(_fill_vote(story, origin, place) for place, (origin, _) in enumerate(story.approvals)),
        certificate=_fill_certificate(story),
        trouble=story.trouble,
        waits_for=tuple(story.names.get(origin, origin) for origin in story.waits_for),
        document_path=DOCUMENT_PATH if plan is not None else "",
    )


def _fill_readings(story: PlanStory, goods: Mapping[str, GoodRow], labels: Labels | None) -> tuple[Reading, ...]:
    before: ReadingStory | None = None
    filled = []
    for reading in story.readings:
        edits: tuple[str, ...] = ()
        if before is not None and before.plan is not None and reading.plan is not None and labels is not None:
            edits = tell_edits(before.plan, reading.plan, labels)
        rounds = tuple(
            Round(
                number=place,
                worst_ppm=report.worst_good_ppm,
                worst_good=goods[report.worst_good].name if report.worst_good in goods else report.worst_good,
                answered=story.participants - len(report.silent),
                silent=len(report.silent),
            )
            for place, report in enumerate(reading.reports, start=1)
        )
        filled.append(Reading(reading.number, rounds, reading.digest, edits))
        before = reading
    return tuple(filled)


def _fill_good(row: GoodSums, labels: Labels, price_is_open: bool) -> GoodRow:
    def sums(cells: tuple[tuple[str, int], ...]) -> int:
        return sum(units for _, units in cells)

    return GoodRow(
        name=labels.heading(row.good),
        kind=row.kind,
        wanted=labels.amount(row.good, row.wanted),
        planned=labels.amount(row.good, row.planned),
        used=labels.amount(row.good, sums(row.used)),
        bought=labels.amount(row.good, sums(row.bought)),
        sold=labels.amount(row.good, sums(row.sold)),
        endowment=labels.amount(row.good, row.endowment),
        left=labels.amount(row.good, row.left),
        makers=_fill_makers(row, labels),
        signal=Signal(row.price_micro),
        price_is_open=price_is_open,
    )


def _fill_makers(row: GoodSums, labels: Labels) -> tuple[Share, ...]:
    largest = sorted(row.made, key=lambda cell: (-cell[1], cell[0]))
    return tuple(Share(labels.workplace(name), labels.amount(row.good, units)) for name, units in largest if units)


def _fill_coops(plan: Plan, sums: Mapping[str, GoodSums], labels: Labels) -> dict[str, CoopPage]:
    rows: dict[str, list[ConsumerRow]] = {}
    for row in list_consumers(plan):
        rows.setdefault(row.consumer, []).append(row)
    return {
        card.partition("#")[0]: CoopPage(
            name=labels.member(card),
            people=found[0].heads,
            goods=tuple(_fill_coop_good(row, sums[row.good], labels) for row in found),
        )
        for card, found in sorted(rows.items(), key=lambda item: labels.member(item[0]))
    }


def _fill_coop_good(row: ConsumerRow, whole: GoodSums, labels: Labels) -> CoopGood:
    return CoopGood(
        name=labels.heading(row.good),
        wanted=labels.amount(row.good, row.wanted),
        gets=labels.amount(row.good, row.planned),
        makers=_fill_makers(whole, labels),
        bought_outside=labels.amount(row.good, sum(units for _, units in whole.bought)),
        floor=labels.amount(row.good, row.floor) if row.floor else None,
        is_carried=row.planned - row.floor < row.floor,
    )


def _fill_coop_row(key: str, coop: CoopPage) -> CoopRow:
    return CoopRow(
        key=key,
        name=coop.name,
        people=coop.people,
        goods=sum(good.gets.amount > 0 for good in coop.goods),
        below_floor=coop.below_floor,
        carried=sum(good.is_carried for good in coop.goods),
        cut_goods=sum(good.is_cut for good in coop.goods),
    )


def _fill_workplaces(plan: Plan, labels: Labels) -> tuple[WorkplaceRow, ...]:
    makes: dict[str, list[Share]] = {}
    uses: dict[str, list[Share]] = {}
    for row in list_goods(plan):
        for cells, kept in ((row.made, makes), (row.used, uses)):
            for name, units in cells:
                if units:
                    kept.setdefault(name, []).append(Share(labels.good(row.good), labels.amount(row.good, units)))
    rows = []
    for card in plan.workplaces:
        whole = card.capacity * MICRO
        share_ppm = capacity_used(plan, card) * PPM // whole if whole else 0
        rows.append(
            WorkplaceRow(
                name=labels.workplace(card.id),
                member=labels.member(card.id),
                makes=tuple(makes.get(card.id, ())),
                uses=tuple(uses.get(card.id, ())),
                capacity_ppm=share_ppm,
                is_binding=share_ppm * NEARLY >= PPM * (NEARLY - 1),
            )
        )
    return tuple(sorted(rows, key=lambda row: (row.member, row.name)))


def _fill_vote(story: PlanStory, origin: str, place: int) -> Vote:
    body = story.approvals[place][1]
    meeting = body.meeting
    return Vote(
        name=story.names.get(origin, origin),
        approved=body.approve,
        reason=body.reason,
        scripted=meeting.made_up,
        yes=meeting.yes,
        no=meeting.no,
        abstained=meeting.abstained,
    )


def _fill_certificate(story: PlanStory) -> Certificate | None:
    certificate = story.certificate
    if certificate is None:
        return None
    digest = certificate.digest.hex()
    return Certificate(
        checked_by=tuple(sorted(story.names.get(origin, origin) for origin in story.checked_by)),
        gap_ppm=certificate.gap_ppm,
        findings=certificate.findings,
        unknown_regrets=len(certificate.unknown_regrets),
        command=f"python3 scripts/check_plan plan.json --digest {digest}",
    )
