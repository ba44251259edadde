"""What a workplace shows when it keeps its recipes to itself: which goods it touches, and between which bounds.

In the public step each good of an outline is a technique of its own that moves freely between its bounds; its level is
the workplace's answer, in millionths of the larger bound, above 0 for use and below for output.
Invariants: integers only; at the end of the rounds the last answer is a recipe that is only scaled as a whole.
Spec: docs/spec/planning/private-recipes.md.
"""

from collections.abc import Sequence

import msgspec

from protocol.core.quantities import divide_up
from protocol.planning.cards import MICRO, Technique, WorkplaceCard


def is_private(card: WorkplaceCard) -> bool:
    """Whether this card shows an outline in place of recipes."""
    return bool(card.outline) and not card.techniques


def count_entries(card: WorkplaceCard) -> int:
    """How many numbers an answer for this card holds: one a technique, or one a good of its outline."""
    return len(card.outline) if is_private(card) else len(card.techniques)


def span_of(lowest: int, highest: int) -> int:
    """The larger of two bounds: what a level of a million stands for."""
    return max(-lowest, highest)


def bound_levels(card: WorkplaceCard) -> list[tuple[int, int]]:
    """The least and the most that an answer may say of each good of an outline, in millionths."""
    spans = [span_of(lowest, highest) for _, lowest, highest in card.outline]
    return [
        (divide_up(lowest * MICRO, span), highest * MICRO // span)
        for (_, lowest, highest), span in zip(card.outline, spans, strict=True)
    ]


def list_rows(card: WorkplaceCard) -> list[WorkplaceCard]:
    """The rows that stand for a card in the public step, one capacity each."""
    if not is_private(card):
        return [card]
    nets = [((good, span_of(lowest, highest)),) for good, lowest, highest in card.outline]
    return [msgspec.structs.replace(card, techniques=(Technique(net, MICRO),)) for net in nets]


def fix_card(card: WorkplaceCard, answer: Sequence[int]) -> WorkplaceCard:
    """The card with its last answer as the one recipe: a whole activity is that answer, less is all of it less.

    To the next millionth of a unit: more of what it uses, less of what it makes, so that no plan counts on too much. A
    workplace that answers nothing stands for one millionth of its first good, which it is then not asked for.
    """
    net = [
        (good, divide_up(span_of(lowest, highest) * level, MICRO))
        for (good, lowest, highest), level in zip(card.outline, answer, strict=True)
    ]
    moving = tuple((good, amount) for good, amount in net if amount) or ((card.outline[0][0], 1),)
    return msgspec.structs.replace(card, techniques=(Technique(moving, MICRO),), apart=False)
