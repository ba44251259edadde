"""Which goods tables and cards count: bad ones are refused with the place and the reason.

Invariant: whatever passes these rules can be planned with without any integer leaving its declared bounds.
Spec: docs/spec/planning/planning-step.md, section "Bounds".
"""

from collections.abc import Sequence

from protocol.core.errors import Finding, refuse, shorten
from protocol.core.quantities import divide_up
from protocol.planning.cards import (
    GOODS_TABLE_FORMAT,
    MICRO,
    YEAR_WEEKS,
    CardTerms,
    ConsumerCard,
    GoodsTable,
    Nest,
    Technique,
    WorkplaceCard,
)
from protocol.planning.periods.names import name_in

GOODS_MOST = 2_048
PARTICIPANTS_MOST = 4_096
NESTS_MOST = 64
CARD_GOODS_MOST = 512
TECHNIQUES_MOST = 16
NET_MOST = 512
NAME_CHARACTERS_MOST = 128
DECIMALS_MOST = 9
START_PRICE_LEAST_MICRO = 100
START_PRICE_MOST_MICRO = 10**12
QUANTITY_MOST = 10**15
WHOLE_UNITS_MOST = 10**9
CREDITS_MOST_MICRO = 10**15
PEOPLE_MOST = 10**8
AMOUNT_MOST = 10**15
CAPACITY_MOST = 10**15
BATCHES_MOST = 1_000_000
PERIODS_MOST = 52
PERIOD_CHARACTERS_MOST = 32
TOLERANCE_LEAST_PPM = 100
TOLERANCE_MOST_PPM = 100_000


def audit_goods_table(table: GoodsTable) -> list[Finding]:
    """Everything that keeps this goods table from being planned with."""
    findings: list[Finding] = []
    if table.format != GOODS_TABLE_FORMAT:
        findings.append(Finding("format", f"is {shorten(table.format)!r}, expected {GOODS_TABLE_FORMAT!r}"))
    if not TOLERANCE_LEAST_PPM <= table.tolerance_ppm <= TOLERANCE_MOST_PPM:
        findings.append(Finding("tolerance_ppm", f"must be {TOLERANCE_LEAST_PPM} to {TOLERANCE_MOST_PPM}"))
    if not 1 <= len(table.goods) <= GOODS_MOST:
        findings.append(Finding("goods", f"a table holds 1 to {GOODS_MOST} goods, this one {len(table.goods)}"))
    if len(table.trade) > PARTICIPANTS_MOST:
        findings.append(Finding("trade", f"a table holds at most {PARTICIPANTS_MOST} trade nodes"))
    findings += _audit_periods(table)
    if findings:
        return findings
    findings += _audit_names([good.id for good in table.goods], "goods")
    findings += _audit_names([card.id for card in table.trade], "trade")
    for position, good in enumerate(table.goods):
        place = f"goods[{position}]"
        if not 0 <= good.decimals <= DECIMALS_MOST:
            findings.append(Finding(f"{place}.decimals", f"must be 0 to {DECIMALS_MOST}"))
            continue
        if not START_PRICE_LEAST_MICRO <= good.start_price_micro <= START_PRICE_MOST_MICRO:
            reason = f"must be {START_PRICE_LEAST_MICRO} to {START_PRICE_MOST_MICRO} micro-credits: choose another unit"
            findings.append(Finding(f"{place}.start_price_micro", reason))
        if not 0 <= good.endowment <= quantity_most(good.decimals):
            findings.append(Finding(f"{place}.endowment", f"must be 0 to {quantity_most(good.decimals)} units"))
    for card in table.trade:
        findings += [Finding(f"trade.{finding.place}", finding.reason) for finding in audit_workplace_card(table, card)]
    return findings


def _audit_periods(table: GoodsTable) -> list[Finding]:
    names = table.period_names
    if len(names) > PERIODS_MOST or len(set(names)) < len(names):
        return [Finding("periods", f"at most {PERIODS_MOST}, and none twice")]
    return [
        Finding(
            f"periods.{period.id[:PERIOD_CHARACTERS_MOST]}", f"needs a short name, and weeks from 1 to {YEAR_WEEKS}"
        )
        for period in table.periods
        if not 1 <= len(period.id) <= PERIOD_CHARACTERS_MOST
        or not period.id.isprintable()
        or not all(1 <= week <= YEAR_WEEKS for week in (period.first_week, period.last_week))
    ]


def quantity_most(decimals: int) -> int:
    """The most units of a good with so many decimals that any card, answer or plan may name."""
    return min(QUANTITY_MOST, WHOLE_UNITS_MOST * int(10**decimals))


def check_goods_table(table: GoodsTable) -> None:
    """Raises RefusedError with every finding."""
    refuse(audit_goods_table(table), "the goods table is refused")


def audit_workplace_card(table: GoodsTable, card: WorkplaceCard) -> list[Finding]:
    """Everything that keeps this workplace card from being planned with."""
    findings = _audit_names([card.id], "id")
    if card.outline:
        findings += _audit_outline(table, card)
        if not card.techniques:
            return findings
    if card.apart:
        findings.append(Finding(f"{card.id}.apart", "is only said of an outline without recipes"))
    if not 1 <= card.capacity <= CAPACITY_MOST:
        findings.append(Finding(f"{card.id}.capacity", f"must be 1 to {CAPACITY_MOST} millionths"))
    if not 0 <= card.least <= card.capacity:
        findings.append(Finding(f"{card.id}.least", "must be 0 up to the capacity"))
    if not 1 <= len(card.techniques) <= TECHNIQUES_MOST:
        findings.append(Finding(f"{card.id}.techniques", f"a workplace has 1 to {TECHNIQUES_MOST} techniques"))
        return findings
    for position, technique in enumerate(card.techniques):
        findings += _audit_technique(table, card, technique, f"{card.id}.techniques[{position}]")
    return findings


def _audit_outline(table: GoodsTable, card: WorkplaceCard) -> list[Finding]:
    """A card without open recipes, or one whose only recipe is its last answer."""
    place = f"{card.id}.outline"
    findings: list[Finding] = []
    if (card.capacity, card.least) != (MICRO, 0) or len(card.techniques) > 1:
        findings.append(Finding(place, f"goes with a capacity of {MICRO}, a least of 0 and no other recipes"))
    if len(card.outline) > NET_MOST:
        findings.append(Finding(place, f"must name at most {NET_MOST} goods"))
    indexes = [good for good, _, _ in card.outline]
    if indexes != sorted(set(indexes)):
        findings.append(Finding(place, "goods must be listed once each, in ascending order"))
    for good, lowest, highest in card.outline:
        if not 0 <= good < len(table.goods):
            findings.append(Finding(place, f"unknown good {good}"))
        if not -AMOUNT_MOST <= lowest <= 0 <= highest <= AMOUNT_MOST or lowest == highest:
            reason = f"good {good} moves between {-AMOUNT_MOST} to 0 and 0 to {AMOUNT_MOST}, not both 0"
            findings.append(Finding(place, reason))
    return findings


def _audit_technique(table: GoodsTable, card: WorkplaceCard, technique: Technique, place: str) -> list[Finding]:
    findings: list[Finding] = []
    if not 1 <= technique.capacity_use <= CAPACITY_MOST:
        findings.append(Finding(f"{place}.capacity_use", f"must be 1 to {CAPACITY_MOST} millionths"))
    elif card.capacity > WHOLE_UNITS_MOST * technique.capacity_use:
        findings.append(
            Finding(f"{place}.capacity_use", f"lets more than {WHOLE_UNITS_MOST} activities into the capacity")
        )
    if says_batches(technique):
        findings += _audit_batch(card, technique, place)
    if not 1 <= len(technique.net) <= NET_MOST:
        findings.append(Finding(f"{place}.net", f"must name 1 to {NET_MOST} goods"))
    indexes = [good for good, _ in technique.net]
    if indexes != sorted(set(indexes)):
        findings.append(Finding(f"{place}.net", "goods must be listed once each, in ascending order"))
    for good, amount in technique.net:
        if not 0 <= good < len(table.goods):
            findings.append(Finding(f"{place}.net", f"unknown good {good}"))
        if amount == 0 or abs(amount) > AMOUNT_MOST:
            findings.append(Finding(f"{place}.net", f"amount of good {good} must not be 0 nor beyond {AMOUNT_MOST}"))
    return findings


def says_batches(technique: Technique) -> bool:
    """Whether a technique says anything of batches, possible or not."""
    return bool(technique.batch or technique.batches_least or technique.setup_micro)


def _audit_batch(card: WorkplaceCard, technique: Technique, place: str) -> list[Finding]:
    """A batch is something that can be done: it has a size, and as many as are worth setting up fit the capacity."""
    if not 1 <= technique.batch <= AMOUNT_MOST:
        return [Finding(f"{place}.batch", f"must be 1 to {AMOUNT_MOST} millionths of an activity")]
    if technique.batches_least and not 2 <= technique.batches_least <= BATCHES_MOST:
        return [Finding(f"{place}.batches_least", f"must be 2 to {BATCHES_MOST}, or not be there")]
    if not 0 <= technique.setup_micro <= CREDITS_MOST_MICRO:
        return [Finding(f"{place}.setup_micro", f"must be 1 to {CREDITS_MOST_MICRO}, or not be there")]
    once = max(technique.batches_least, 1) * technique.batch
    if once * technique.capacity_use > card.capacity * MICRO:
        return [Finding(f"{place}.batch", "does not fit into the capacity, so it could never be done")]
    return []


def audit_consumer_card(table: GoodsTable, card: ConsumerCard, terms: CardTerms | None = None) -> list[Finding]:
    """Everything that makes this consumer card void; with `terms` also what goes beyond the charter's ceilings."""
    findings = _audit_names([card.id], "id")
    if not 1 <= card.people <= PEOPLE_MOST:
        findings.append(Finding(f"{card.id}.people", f"must be 1 to {PEOPLE_MOST}"))
    if not 1 <= len(card.nests) <= NESTS_MOST:
        findings.append(Finding(f"{card.id}.nests", f"a card has 1 to {NESTS_MOST} nests"))
    for position, nest in enumerate(card.nests):
        findings += _audit_nest(table, nest, f"{card.id}.nests[{position}]")
    named = [good for nest in card.nests for good in nest.goods]
    if len(named) > CARD_GOODS_MOST or len(named) != len(set(named)):
        findings.append(Finding(f"{card.id}.nests", f"must name each good once, at most {CARD_GOODS_MOST} goods"))
    if terms is not None and not findings:
        findings += _audit_credits(card, terms) + _audit_floors(table, card, terms)
    return findings


def _audit_nest(table: GoodsTable, nest: Nest, place: str) -> list[Finding]:
    findings: list[Finding] = []
    if not 1 <= nest.credits_micro <= CREDITS_MOST_MICRO:
        findings.append(Finding(f"{place}.credits_micro", f"must be 1 to {CREDITS_MOST_MICRO}"))
    if not nest.goods or not len(nest.goods) == len(nest.floors) == len(nest.wants):
        findings.append(
            Finding(f"{place}.goods", "goods, floors and wants must be lists of the same length, not empty")
        )
        return findings
    for good, floor, want in zip(nest.goods, nest.floors, nest.wants, strict=True):
        if not 0 <= good < len(table.goods):
            findings.append(Finding(f"{place}.goods", f"unknown good {good}"))
            continue
        most = quantity_most(table.goods[good].decimals)
        if not 0 <= floor <= most:
            findings.append(Finding(f"{place}.floors", f"of {table.goods[good].id} must be 0 to {most} units"))
        if not floor <= want <= most:
            findings.append(
                Finding(f"{place}.wants", f"of {table.goods[good].id} must be its floor up to {most} units")
            )
    return findings


def _audit_credits(card: ConsumerCard, terms: CardTerms) -> list[Finding]:
    ceiling = allotted_credits(card.people, terms)
    claimed = sum(nest.credits_micro for nest in card.nests)
    if claimed <= ceiling:
        return []
    reason = f"{claimed} micro-credits claimed, {card.people} people may have {ceiling}: {claimed - ceiling} too many"
    return [Finding(f"{card.id}.credits_micro", reason)]


def _audit_floors(table: GoodsTable, card: ConsumerCard, terms: CardTerms) -> list[Finding]:
    allotted = allotted_floors(table, card.people, terms)
    claimed = {good: floor for nest in card.nests for good, floor in zip(nest.goods, nest.floors, strict=True)}
    findings: list[Finding] = []
    for good in sorted(set(allotted) | set(claimed)):
        due, has = allotted.get(good, 0), claimed.get(good)
        if has != due and not (has is None and due == 0):
            name = table.goods[good].id
            said = "does not name it" if has is None else f"says {has}"
            findings.append(Finding(f"{card.id}.floors.{name}", f"the card {said}, the list allots {due} units"))
    return findings


def allotted_credits(people: int, terms: CardTerms) -> int:
    """Micro-credits that so many `people` may claim: the equal allotment, and what others approved for them."""
    return people * terms.credits_per_person_micro + terms.extra_credits_micro


def allotted_floors(table: GoodsTable, people: int, terms: CardTerms) -> dict[int, int]:
    """Good index -> units that so many `people` may claim as basic needs: list x people, rounded up, plus exceptions.

    A need of a good that stands in several periods is spread over them by their weeks, each sum so far rounded up.
    """
    index = {good.id: position for position, good in enumerate(table.goods)}
    allotted: dict[int, int] = {}
    for floors, counted in ((terms.floors, people), (terms.extra_floors, 1)):
        for floor in floors:
            places = [(index[floor.good], 1)] if floor.good in index else _places_of(table, index, floor.good)
            so_far, all_weeks = 0, sum(weeks for _, weeks in places)
            for place, weeks in places:
                need = counted * floor.amount * 10 ** table.goods[place].decimals
                whole = all_weeks * 10**floor.decimals
                due = divide_up(need * (so_far + weeks), whole) - divide_up(need * so_far, whole)
                allotted[place] = allotted.get(place, 0) + due
                so_far += weeks
    return allotted


def _places_of(table: GoodsTable, index: dict[str, int], good: str) -> list[tuple[int, int]]:
    """Where a good stands in each period, with the weeks of it."""
    named = [(index.get(name_in(good, period.id)), period.weeks) for period in table.periods]
    return [(place, weeks) for place, weeks in named if place is not None]


def _audit_names(names: Sequence[str], place: str) -> list[Finding]:
    findings: list[Finding] = []
    for name in names:
        if not 1 <= len(name) <= NAME_CHARACTERS_MOST or not name.isprintable():
            findings.append(Finding(place, f"a name must be 1 to {NAME_CHARACTERS_MOST} printable characters"))
    if len(set(names)) != len(names):
        findings.append(Finding(place, "the same name stands twice"))
    return findings
