"""The tour of five clicks: buyer, member, baker, delegate, auditor, each told in whole sentences with figures.

Invariant: a sentence is told only from figures that are there; what is not there yet is said not to be there.
"""

from collections.abc import Callable

import msgspec

from node.web.figures.words import (
    format_count,
    format_money,
    format_percent,
    format_quantity,
    format_several,
    join_words,
)
from node.web.logs.model import LogList
from node.web.planning.model.plan import CoopGood, CoopPage, PlanPage, Reading, WorkplaceRow
from node.web.supply.model import PriceList, PricePage

TOLD_GOODS_MAX = 3
TOLD_LINES_MAX = 4
BAKERY_WORDS = ("bakery", "oven", "bread", "loaf")
NO_PLAN = (
    "There is no plan yet; once the region has called one, this page tells it with its figures. "
    "How one is called stands on the page of the plan."
)


class Told(msgspec.Struct, frozen=True):
    """All that the tour is told from."""

    plan: PlanPage | None
    coop: CoopPage | None
    prices: PriceList
    price: PricePage | None
    logs: LogList


class TourStop(msgspec.Struct, frozen=True):
    """One stop: its sentences, where to look closer, and the next stop (None after the last)."""

    key: str
    sentences: tuple[str, ...]
    links: tuple[tuple[str, str], ...]
    next_key: str | None
    command: str = ""

    @property
    def title(self) -> str:
        """Whose stop it is."""
        return STEPS[self.key].title


class Step(msgspec.Struct, frozen=True):
    """One person's stop: its title and what it tells."""

    title: str
    tell: Callable[[Told], list[str]]
    links: tuple[tuple[str, str], ...]


def tell_stop(key: str, told: Told) -> TourStop:
    """One stop of the tour; `key` is one of STEPS."""
    keys = list(STEPS)
    place = keys.index(key)
    step = STEPS[key]
    certificate = told.plan.certificate if told.plan else None
    return TourStop(
        key=key,
        sentences=tuple(step.tell(told)),
        links=step.links,
        next_key=keys[place + 1] if place + 1 < len(keys) else None,
        command=certificate.command if certificate and key == "auditor" else "",
    )


def _tell_buyer(told: Told) -> list[str]:
    """What one co-op needs, who makes it, what is bought outside, and whether anyone is below a floor."""
    if told.coop is None:
        return [NO_PLAN]
    goods = _choose_told_goods(told.coop.goods)
    sentences = [_tell_need(told.coop, good) for good in goods]
    return [*sentences, _tell_floors(told.coop)]


def _choose_told_goods(goods: tuple[CoopGood, ...]) -> list[CoopGood]:
    """The goods that tell most: basic needs first, then those that are both made here and bought outside."""

    def rank(good: CoopGood) -> tuple[bool, bool, bool, str]:
        is_bought = good.bought_outside is not None and good.bought_outside.amount > 0
        return (good.floor is None, not good.makers, not is_bought, good.name)

    return sorted((good for good in goods if good.wanted.amount > 0), key=rank)[:TOLD_GOODS_MAX]


def _tell_need(coop: CoopPage, good: CoopGood) -> str:
    """`Northside: 402 people need 412 pieces of wheat loaf and get 405; across the region …`."""
    need = f"{coop.name}: {_tell_people(coop.people)} need {format_quantity(good.wanted)} of {good.name}"
    got = "get all of it" if not good.is_cut else f"get {format_quantity(good.gets)}"
    if good.gets.amount > good.wanted.amount:
        got = f"get {format_quantity(good.gets)}"
    made = [f"{share.name} makes {format_quantity(share.amount)}" for share in good.makers]
    if good.bought_outside is not None and good.bought_outside.amount > 0:
        made.append(f"{format_quantity(good.bought_outside)} are bought outside")
    across = f" For all co-ops together, {join_words(made)}." if made else ""
    return f"{need} and {got}.{across}"


def capitalize(words: str) -> str:
    """The words at the beginning of a sentence."""
    return words[:1].upper() + words[1:]


def _lower_first(words: str) -> str:
    """The words within a sentence; what is written in capitals stays so."""
    return words[:1].lower() + words[1:] if words[1:2].islower() else words


def _tell_people(count: int) -> str:
    """`402 people`, `1 person`."""
    return "1 person" if count == 1 else f"{format_count(count)} people"


def _tell_floors(coop: CoopPage) -> str:
    """Whether anyone is below a basic need, and where."""
    below = [good.name for good in coop.goods if good.is_below_floor]
    if below:
        return f"Below the floor: {join_words(below)}."
    floors = [good.name for good in coop.goods if good.floor is not None]
    if not floors:
        return "The federation's members have adopted no floors yet."
    return f"No one is below the floor of {join_words(floors)}."


def _tell_member(told: Told) -> list[str]:
    """What each cent of one price pays for."""
    version = told.price.shown if told.price else None
    if told.price is None or version is None:
        return ["No price has been agreed yet; once one is, this page says what each cent of it pays for."]
    open_lines = sorted((line for line in version.lines if line.cost), key=lambda line: -line.share_ppm)
    spoken = [
        f"{format_money(line.cost)} pays for {_lower_first(line.label or line.heading)}"
        for line in open_lines[:TOLD_LINES_MAX]
        if line.cost
    ]
    rest = len(version.lines) - len(spoken)
    if rest > 0:
        spoken.append(f"{format_count(rest)} more {'line says' if rest == 1 else 'lines say'} where the rest goes")
    sentences = [f"Of the {format_money(version.price)} for {told.price.row.name}, {join_words(spoken)}."]
    if version.signed_by:
        sentences.append(f"Signed by {join_words(list(version.signed_by))}.")
    return [*sentences, _tell_agreed(told.prices)]


def _tell_agreed(prices: PriceList) -> str:
    """How many products have an agreed price, and how many versions are void."""
    agreed, void = prices.count("agreed"), sum(row.void_versions for row in prices.rows)
    said = f"Of {format_count(len(prices.rows))} products, {format_count(agreed)} have an agreed price"
    if not void:
        return f"{said}."
    return f"{said}; {format_count(void)} proposed prices are void, and each says what is missing."


def _tell_baker(told: Told) -> list[str]:
    """What one workplace makes, what it needs for that, and whether it is at the end of its capacity."""
    workplace = _choose_told_workplace(told.plan)
    if workplace is None:
        return [NO_PLAN]
    made = join_words([f"{format_quantity(share.amount)} of {share.name}" for share in workplace.makes])
    used = join_words([f"{share.name} ({format_quantity(share.amount)})" for share in workplace.uses])
    full = "That takes its whole capacity" if workplace.is_binding else "That takes"
    share = "" if workplace.is_binding else f" {format_percent(workplace.capacity_ppm)} of its capacity"
    sentences = [f"{workplace.name} of {workplace.member} makes {made}."]
    if used:
        sentences.append(f"For that it uses {used}.")
    sentences.append(f"{full}{share}.")
    sentences.append("Its recipes and its capacity are open to everyone in the region.")
    return sentences


def _choose_told_workplace(plan: PlanPage | None) -> WorkplaceRow | None:
    """The busiest place that bakes bread, else the busiest workplace; one whose recipes are open."""
    rows = [row for row in plan.workplaces if row.makes and not row.is_private] if plan else []
    return min(rows, key=lambda row: (not _is_bakery(row), -row.capacity_ppm, row.name), default=None)


def _is_bakery(row: WorkplaceRow) -> bool:
    words = " ".join([row.name, *(share.name for share in row.makes)]).lower()
    return any(word in words for word in BAKERY_WORDS)


def _tell_delegate(told: Told) -> list[str]:
    """How the plan came about: rounds, readings, what binds, and the votes."""
    plan = told.plan
    if plan is None:
        return [NO_PLAN]
    sentences = [
        f"{capitalize(plan.region)}, {plan.period}: the plan of {format_count(plan.members)} members is {plan.state}."
    ]
    for reading in plan.readings:
        if reading.rounds:
            sentences.append(" ".join([_tell_reading(reading), *reading.edits]))
    first_of_kind = {binding.kind: binding.sentence for binding in reversed(plan.binding)}
    sentences += reversed(first_of_kind.values())
    if plan.votes:
        sentences.append(_tell_votes(plan))
    return sentences


def _tell_reading(reading: Reading) -> str:
    """How many rounds a reading took, and how far demand and supply came together."""
    first, last = format_percent(reading.rounds[0].worst_ppm), format_percent(reading.rounds[-1].worst_ppm)
    if len(reading.rounds) == 1:
        return f"Reading {reading.number} took 1 round: demand and supply of the worst good stood {last} apart."
    rounds = format_count(len(reading.rounds))
    return f"Reading {reading.number} took {rounds} rounds: the worst good fell from {first} to {last}."


def _tell_votes(plan: PlanPage) -> str:
    """How many meetings approved, and that scripted votes are made up."""
    approved = sum(vote.approved for vote in plan.votes)
    made_up = " These votes are scripted, so made up." if any(vote.scripted for vote in plan.votes) else ""
    return f"{format_count(approved)} of {format_count(len(plan.votes))} meetings approved it.{made_up}"


def _tell_auditor(told: Told) -> list[str]:
    """What can be checked without trusting this node, and what no check can show."""
    rows = told.logs.rows
    cosigned = sum(bool(row.cosigned_by) for row in rows)
    records = sum(row.size for row in rows)
    sentences = [
        f"This node holds {format_several(len(rows), 'log')} with {format_several(records, 'record')}; "
        f"others have cosigned {'all' if cosigned == len(rows) else format_count(cosigned)} of the logs."
    ]
    certificate = told.plan.certificate if told.plan else None
    if told.plan is not None and certificate is not None:
        checked = join_words(list(certificate.checked_by)) or "nobody yet"
        sentences.append(f"The certificate of the plan was checked by {checked}.")
        sentences.append(f"The plan's digest is {told.plan.digest}.")
    sentences.append("No check shows what was never written down; consumers' own regrets are their own word.")
    return sentences


STEPS: dict[str, Step] = {
    "buyer": Step("The buyer", _tell_buyer, (("What each co-op gets", "/plan"),)),
    "member": Step("The member", _tell_member, (("All prices", "/prices"),)),
    "baker": Step("The baker", _tell_baker, (("Who makes what", "/plan#workplaces"),)),
    "delegate": Step("The delegate", _tell_delegate, (("Rounds, readings and votes", "/plan#rounds"),)),
    "auditor": Step(
        "The auditor", _tell_auditor, (("Logs and cosignatures", "/logs"), ("The certificate", "/plan#certificate"))
    ),
}
