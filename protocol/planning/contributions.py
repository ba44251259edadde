"""Which cards and answers of a member count: every voter judges them alike, from public facts only.

Invariant: a card belongs to the log whose name it begins with; a member speaks for its own cards and no others.
Spec: docs/spec/planning/plan-records.md
"""

from protocol.core.errors import Finding, RefusedError
from protocol.planning.call import PlanAnswer, PlanCards
from protocol.planning.card_rules import audit_consumer_card, audit_workplace_card
from protocol.planning.cards import CardTerms, GoodsTable
from protocol.planning.economy import Economy
from protocol.planning.rounds import Answer, check_answer
from protocol.planning.state import State

WORKPLACE_MARK = "#"


def workplace_id(origin: str, label: str) -> str:
    """The card id of a member's workplace: the member's log, then its label."""
    return f"{origin}{WORKPLACE_MARK}{label}"


def owner_of_card(card_id: str) -> str:
    """The log that a card belongs to."""
    return card_id.partition(WORKPLACE_MARK)[0]


def _list_card_ids(cards: PlanCards) -> list[str]:
    """The ids of all cards of a member, councils first."""
    return [card.id for card in cards.consumers] + [card.id for card in cards.workplaces]


def audit_cards(origin: str, cards: PlanCards, table: GoodsTable, people: int, terms: CardTerms) -> list[Finding]:
    """Why a member's cards are void: another's name, not the roster's count of people, more than the charter allots."""
    names = _list_card_ids(cards)
    found = [Finding(name, "not a card of this member") for name in names if owner_of_card(name) != origin]
    if len(set(names)) != len(names) or len(cards.consumers) > 1:
        found.append(Finding("cards", "one council card at most, and no card twice"))
    for council in cards.consumers:
        if council.id != origin:
            found.append(Finding(council.id, "a council's card bears the name of its log"))
        if council.people != people:
            found.append(Finding(f"{council.id}.people", f"{council.people}, the roster counts {people}"))
        found += audit_consumer_card(table, council, terms)
    for workplace in cards.workplaces:
        found += audit_workplace_card(table, workplace)
        if workplace.outline and workplace.techniques:
            found.append(Finding(f"{workplace.id}.outline", "stands in place of recipes, not beside them"))
    return found + _audit_allocation(cards, table)


def _audit_allocation(cards: PlanCards, table: GoodsTable) -> list[Finding]:
    goods = [] if cards.allocation is None else [good for good, _ in cards.allocation.prices]
    if goods != sorted(set(goods)) or any(good >= len(table.goods) for good in goods):
        return [Finding("allocation.prices", "must name goods of the table once each, in ascending order")]
    return []


def audit_answer(origin: str, body: PlanAnswer, economy: Economy, state: State) -> list[Finding]:
    """Why a member's answer does not count in the round of `state`."""
    own = {name for name in economy.participants if owner_of_card(name) == origin}
    answered = [answer.card for answer in body.answers]
    if set(answered) != own or len(answered) != len(own):
        return [Finding("answers", "not one answer for each of this member's cards")]
    if body.level is not None and not any(card.apart and card.id in own for card in economy.workplaces):
        return [Finding("level", "no card of this member stands for another level")]
    try:
        for answer in body.answers:
            check_answer(economy, state, answer.card, Answer(body.state, answer.quantities))
    except RefusedError as error:
        return list(error.findings) or [Finding("answers", error.reason)]
    return []
