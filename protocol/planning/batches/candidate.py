"""A candidate: a plan that keeps batches, made from a draft that knows none. Any member may bring one; the best counts.

Invariant: whether a candidate holds and what it is worth follow from draft and candidate alone, in whole numbers; so
all who see the same candidates choose the same one, whoever worked it out and however long.
Spec: docs/spec/planning/batches.md, section "Candidates"
"""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import msgspec

from protocol.core.errors import Finding, RefusedError
from protocol.core.quantities import divide_up
from protocol.planning.batches.pinned import Levels, hold_plan, pin_batches
from protocol.planning.batches.sizes import DRAFT, cost_setups
from protocol.planning.cards import MICRO, WorkplaceCard
from protocol.planning.certificate import all_workplaces, capacity_used, check_certificate, goods_of
from protocol.planning.economy import build_economy
from protocol.planning.plan import Plan, digest_plan, format_plan

SHARE_BITS: Final = 30
LN2: Final = 744_261_118
"""The natural logarithm of 2, in 2^-30."""
FULL_SHARE: Final = Fraction(999, 1_000)
SAME_FIELDS: Final = ("goods_table", "consumers", "workplaces", "prices", "rounds", "worst_good_ppm")


@dataclass(frozen=True)
class Judgement:
    """What anyone finds about a candidate; `value_micro` counts only when there are no findings.

    The value is what all councils together gain on the draft (below 0: lose) in micro-credits whatever their tastes
    are, less the effort that the draft's prices show.
    """

    digest: bytes
    findings: tuple[Finding, ...]
    value_micro: int


def make_candidate(draft: Plan, levels: Levels) -> Plan:
    """The draft with its batches at `levels` (millionths, by card) and everything else fitted round them.

    Recipes that are kept private stay at what the draft asks of them. Raises RefusedError where these batches leave
    floors, or one another's needs, unmet.
    """
    economy = build_economy(draft.goods_table, draft.consumers, draft.workplaces)
    eaten = [units for card in economy.consumers for units in draft.consumption[card.id]]
    done = [level for card in economy.workplaces for level in draft.activity[card.id]]
    costs = [cost / MICRO**2 for card in economy.workplaces for cost in show_efforts(draft, card)]
    state = hold_plan(economy, [*eaten, *done], [*[0.0] * len(eaten), *costs], draft.prices)
    private = {card.id: draft.activity[card.id] for card in draft.workplaces if card.outline}
    pinned = pin_batches(economy, {**levels, **private})
    cleared = pinned.clear(pinned.start(state), draft.prices)
    consumption, activity = cleared.by_card(economy)
    return msgspec.structs.replace(draft, consumption=consumption, activity=activity, parameters=name_draft(draft))


def fit_all(draft: Plan, offered: Iterable[Levels]) -> list[Plan]:
    """Candidates from these levels, each once; those that leave a need unmet fall away."""
    made: list[Plan] = []
    tried: list[Levels] = []
    for levels in offered:
        if levels in tried:
            continue
        tried.append(levels)
        with contextlib.suppress(RefusedError):
            made.append(make_candidate(draft, levels))
    return made


def name_draft(draft: Plan) -> dict[str, str | int]:
    """The parameters of whatever is made from this draft."""
    return {**draft.parameters, DRAFT: digest_plan(format_plan(draft)).hex()}


def judge_candidate(draft: Plan, candidate: Plan) -> Judgement:
    """Whether a candidate is one of this draft and holds, and what it is worth."""
    digest = digest_plan(format_plan(candidate))
    findings = [
        Finding(field, "is not the draft's")
        for field in SAME_FIELDS
        if getattr(candidate, field) != getattr(draft, field)
    ]
    if candidate.parameters != name_draft(draft):
        findings.append(Finding("parameters", "are not the draft's, with the draft's digest"))
    findings = findings or list(check_certificate(candidate, {}).findings)
    return Judgement(digest, tuple(findings), 0 if findings else _measure_value(draft, candidate))


def choose_candidate(draft: Plan, candidates: Iterable[Plan]) -> Plan:
    """The best that holds; of equal ones that with the smaller digest. RefusedError when none holds."""
    judged = [(judge_candidate(draft, one), one) for one in candidates]
    holding = [(found, one) for found, one in judged if not found.findings]
    if not holding:
        reasons = [finding for found, _ in judged for finding in found.findings[:1]]
        raise RefusedError("no candidate keeps batches and holds", reasons)
    return min(holding, key=lambda pair: (-pair[0].value_micro, pair[0].digest))[1]


def show_efforts(plan: Plan, card: WorkplaceCard) -> list[int]:
    """What the last bit of each technique seems to cost its workers: 10^-12 credits per activity.

    Who could do more and does not finds it not worth what it gains. Who works at full capacity may be held by that
    alone: there half of the gain is a guess. Who does nothing shows nothing.
    """
    full = is_full(plan, card)
    return [gain // 2 if full else gain for gain in list_gains(plan, card)]


def list_gains(plan: Plan, card: WorkplaceCard) -> list[int]:
    """What each technique gains, before effort: 10^-12 credits per activity, 0 where it loses or is not done."""
    gains = [-sum(plan.prices[good] * amount for good, amount in technique.net) for technique in card.techniques]
    return [max(gain, 0) if level else 0 for gain, level in zip(gains, plan.activity[card.id], strict=True)]


def is_full(plan: Plan, card: WorkplaceCard) -> bool:
    """Whether a workplace uses so much of its capacity that this alone may hold it."""
    return capacity_used(plan, card) >= FULL_SHARE * card.capacity * MICRO


def _measure_value(draft: Plan, candidate: Plan) -> int:
    value = 0
    for card in draft.consumers:
        place = 0
        goods = goods_of(card)
        for nest in card.nests:
            end = place + len(nest.goods)
            before, after = draft.consumption[card.id][place:end], candidate.consumption[card.id][place:end]
            share = _least_share(nest.floors, before, after)
            value += nest.credits_micro * _log2(share) * LN2 >> 2 * SHARE_BITS
            place = end
        assert place == len(goods)
    return value - _measure_effort(draft, candidate)


def _least_share(floors: Sequence[int], before: Sequence[int], after: Sequence[int]) -> int:
    """The smallest share of what the draft gave above the floors, in 2^-SHARE_BITS: at least one of these."""
    shares = [
        (new - floor << SHARE_BITS) // (old - floor)
        for floor, old, new in zip(floors, before, after, strict=True)
        if old > floor
    ]
    return max(1, min(shares, default=1 << SHARE_BITS))


def _log2(share: int) -> int:
    """The binary logarithm of share / 2^SHARE_BITS, rounded down, in 2^-SHARE_BITS: by squaring, bit after bit."""
    whole = share.bit_length() - 1
    rest = share << SHARE_BITS >> whole
    result = whole - SHARE_BITS
    for _ in range(SHARE_BITS):
        rest = rest * rest >> SHARE_BITS
        bit = rest >> SHARE_BITS + 1
        rest >>= bit
        result = 2 * result + bit
    return result


def _measure_effort(draft: Plan, candidate: Plan) -> int:
    """What effort rises by, in micro-credits rounded up: each technique's cost grows with the square of its level.

    Where the draft fills the capacity nobody knows what working less spares, so it spares nothing.
    """
    more = 0
    for card in all_workplaces(draft):
        full = is_full(draft, card)
        levels = zip(draft.activity[card.id], candidate.activity[card.id], list_gains(draft, card), strict=True)
        for before, after, cost in levels:
            if before and not (full and after < before):
                more += divide_up(cost * (after * after - before * before), 2 * before)
    set_up = [cost_setups(all_workplaces(draft), plan.activity) for plan in (draft, candidate)]
    return divide_up(more, MICRO**2) + set_up[1] - set_up[0]
