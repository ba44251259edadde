"""The pages of a plan from what this node reports of it.

Invariant: a pure function of the report and the price list; no money but agreed prices beside promises.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from node.use_cases.planning.reports.view import PlanReport, RoundRow, VoteRow
from node.use_cases.supply.matching import find_standing
from node.web.figures.words import Signal
from node.web.planning.filling.batches import fill_batches
from node.web.planning.filling.followed import fill_followed, tell_left_out
from node.web.planning.filling.levels import tell_levels
from node.web.planning.filling.notices import tell_exception, tell_notice, tell_restless
from node.web.planning.filling.plan_words import Labels, labels_of, tell_bindings, tell_edits, tell_openable
from node.web.planning.filling.promises import fill_promises
from node.web.planning.filling.stocks import fill_stocks
from node.web.planning.model.plan import (
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
from node.web.supply.model import PriceList
from protocol.planning.cards import MICRO, PPM
from protocol.planning.certificate import capacity_used
from protocol.planning.contributions import owner_of_card
from protocol.planning.periods.names import name_in
from protocol.planning.plan import Plan
from protocol.planning.summary import ConsumerRow, list_consumers, list_goods
from protocol.planning.summary import GoodRow as GoodSums

DOCUMENT_PATH = "/plan.json"
NEARLY = 1_000


@dataclass(frozen=True)
class PlanPages:
    """All pages of one plan, and its document."""

    page: PlanPage
    coops: Mapping[str, CoopPage]
    document: bytes


def fill_plan_pages(report: PlanReport, earlier: Plan | None, prices: PriceList) -> PlanPages:
    """The plan's page and one for each co-op, by the key of its row; `earlier` is the draft of the reading before."""
    plan, document = report.plan, report.document.encode()
    if plan is None:
        return PlanPages(_fill_page(report, None, None, None, {}, {}), {}, document)
    products = match_products(plan, prices)
    labels = labels_of(plan, {good: row[0] for good, row in products.items()}, report.members)
    open_goods = {good.id for good in plan.goods_table.goods if good.id in products and not products[good.id][1]}
    sums = {row.good: row for row in list_goods(plan)}
    coops = _fill_coops(report, plan, sums, labels, prices)
    goods = {row.good: _fill_good(row, labels, row.good in open_goods) for row in sums.values()}
    return PlanPages(_fill_page(report, plan, earlier, labels, goods, coops), coops, document)


def match_products(plan: Plan, prices: PriceList) -> dict[str, tuple[str, bool]]:
    """For each good the name of the product that stands for it, and whether a price is agreed."""
    found: dict[str, tuple[str, bool]] = {}
    for good in plan.goods_table.goods:
        base, period = plan.goods_table.split_name(good.id)
        best = find_standing(prices.rows, base, lambda row: (row.code, (row.name,)))
        if best is not None:
            found[good.id] = (name_in(best.name, period) if period else best.name, best.price is not None)
    return found


def _fill_page(
    report: PlanReport,
    plan: Plan | None,
    earlier: Plan | None,
    labels: Labels | None,
    goods: Mapping[str, GoodRow],
    coops: Mapping[str, CoopPage],
) -> PlanPage:
    certificate = report.certificate
    return PlanPage(
        region=report.scope,
        period=report.period,
        state=report.state,
        digest=report.digest,
        tolerance_ppm=report.tolerance_ppm,
        members=len(report.members),
        readings=_fill_readings(report, earlier, labels, goods),
        goods=tuple(goods.values()),
        coops=tuple(_fill_coop_row(key, coop) for key, coop in coops.items() if coop.goods),
        workplaces=_fill_workplaces(plan, labels) if plan is not None and labels is not None else (),
        binding=tell_bindings(plan, labels) if plan is not None and labels is not None else (),
        openable="" if plan is None else tell_openable(plan, None if certificate is None else certificate.gap_ppm),
        votes=tuple(_fill_vote(report, vote) for vote in report.votes if vote.digest == report.digest),
        certificate=_fill_certificate(report),
        trouble=report.trouble,
        waits_for=tuple(report.members.get(origin, origin) for origin in report.waits_for),
        document_path=DOCUMENT_PATH if plan is not None else "",
        notices=tuple(tell_notice(report, row) for row in report.notices),
        restless=tell_restless(report),
        stocks=() if plan is None or labels is None else fill_stocks(plan, labels),
        is_revised=bool(report.revised_by),
        revision=report.revision if report.start else 0,
        left_out=tuple(tell_left_out(report, origin) for origin in report.left_out),
        exceptions=tuple(tell_exception(report, one) for one in report.exceptions),
        followed=None if labels is None else fill_followed(report, labels),
        batches=None if labels is None else fill_batches(report, labels),
        levels=tell_levels(report, labels),
    )


def _fill_readings(
    report: PlanReport, earlier: Plan | None, labels: Labels | None, goods: Mapping[str, GoodRow]
) -> tuple[Reading, ...]:
    plan = report.plan
    participants = None if plan is None else len(plan.consumers) + len(plan.workplaces)
    filled = []
    for reading in report.readings:
        edits: tuple[str, ...] = ()
        if plan is not None and earlier is not None and labels is not None and reading.digest == report.digest:
            edits = tell_edits(earlier, plan, labels)
        rounds = tuple(_fill_round(row, goods, participants) for row in reading.rounds)
        filled.append(Reading(reading.reading, rounds, reading.digest, edits))
    return tuple(filled)


def _fill_round(row: RoundRow, goods: Mapping[str, GoodRow], participants: int | None) -> Round:
    return Round(
        number=row.number,
        worst_ppm=row.worst_good_ppm,
        worst_good=goods[row.worst_good].name if row.worst_good in goods else row.worst_good,
        answered=None if participants is None else participants - len(row.silent),
        silent=len(row.silent),
    )


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


def _fill_coops(
    report: PlanReport, plan: Plan, sums: Mapping[str, GoodSums], labels: Labels, prices: PriceList
) -> dict[str, CoopPage]:
    """A page for every co-op with a card in the plan, by name."""
    cards = [*(card.id for card in plan.consumers), *(card.id for card in plan.workplaces)]
    rows: dict[str, list[ConsumerRow]] = {owner_of_card(card): [] for card in cards}
    for row in list_consumers(plan):
        rows[owner_of_card(row.consumer)].append(row)
    following = report.following
    return {
        origin: CoopPage(
            name=labels.member(origin),
            people=rows[origin][0].people if rows[origin] else report.people.get(origin, 0),
            goods=tuple(_fill_coop_good(row, sums[row.good], labels) for row in rows[origin]),
            promises=None if following is None else fill_promises(following, origin, plan.goods_table, labels, prices),
        )
        for origin in sorted(rows, key=labels.member)
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
                key=owner_of_card(card.id),
                makes=tuple(makes.get(card.id, ())),
                uses=tuple(uses.get(card.id, ())),
                capacity_ppm=share_ppm,
                is_binding=not card.outline and share_ppm * NEARLY >= PPM * (NEARLY - 1),
                is_private=bool(card.outline),
            )
        )
    return tuple(sorted(rows, key=lambda row: (row.member, row.name)))


def _fill_vote(report: PlanReport, row: VoteRow) -> Vote:
    return Vote(
        name=report.members.get(row.origin, row.origin),
        approved=row.approve,
        reason=row.reason,
        scripted=row.made_up,
        yes=row.yes,
        no=row.no,
        abstained=row.abstained,
    )


def _fill_certificate(report: PlanReport) -> Certificate | None:
    row = report.certificate
    if row is None:
        return None
    return Certificate(
        checked_by=tuple(sorted(report.members.get(origin, origin) for origin in row.checked_by)),
        gap_ppm=row.gap_ppm,
        findings=row.findings,
        unknown_regrets=len(row.unknown_regrets),
        command=f"python3 scripts/check_plan plan.json --digest {report.digest}",
    )
