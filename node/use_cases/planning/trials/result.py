"""What came of a trial: its rounds, prices, quantities, welfare and certificate, and how they are worked out.

Invariant: figures of the plan are read from its document and from members who are all known; shares are rounded alike.
Spec: docs/spec/planning/planning-step.md, section "Trial".
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from node.use_cases.planning.batches.report import BatchLine
from node.use_cases.planning.periods.stocks import StockLine
from protocol.planning.cards import MICRO, MICRO_DECIMALS, PPM, ConsumerCard
from protocol.planning.certificate import Certificate, check_certificate, measure_left
from protocol.planning.economy import Economy
from protocol.planning.plan import Plan, digest_plan, format_plan
from protocol.planning.rounds import RoundReport
from protocol.planning.simulation.members import Members
from protocol.planning.summary import format_amount

PERCENT_DECIMALS: Final = 6
SECONDS_DECIMALS: Final = 3


class TrialCertificate(msgspec.Struct, frozen=True, kw_only=True):
    """What a check of the plan came to. `worst_balance` counts 10^-12 whole units by which the worst good is short: 0,
    or the plan does not hold."""

    checked: bool
    holds: bool
    worst_balance: int
    findings: tuple[str, ...]
    slack_micro: int
    gap_micro: int | None
    digest: str


class TrialRounds(msgspec.Struct, frozen=True, kw_only=True):
    """How the rounds went: the worst good as a share of what is wanted of it, at the end and after each round."""

    rounds: int
    converged: bool
    worst_good: float
    worst_good_id: str
    worst_good_by_round: tuple[float, ...]
    seconds: float


class TrialPlan(TrialRounds, frozen=True, kw_only=True):
    """And the plan that they ended in: prices and quantities as decimals by good, activities by workplace, and at most
    how much better a plan could be."""

    gap_percent_of_credits: float
    welfare: float
    prices: dict[str, str]
    consumption: dict[str, dict[str, str]]
    activity: dict[str, tuple[str, ...]]
    certificate: TrialCertificate


class TrialBatches(msgspec.Struct, frozen=True, kw_only=True):
    """What whole batches cost. `draft` is the plan that knows none (by digest and welfare), `chosen` the candidate and
    its worth against that; then how the further rounds went, and all that was lost."""

    draft: str
    chosen: str
    value_micro: int
    rounds: int
    converged: bool
    draft_welfare: float
    gap_percent: float
    loss_percent: float
    techniques: tuple[BatchLine, ...]


class OpenedTrial(msgspec.Struct, frozen=True, kw_only=True):
    """What the same trial comes to when nobody keeps recipes private."""

    rounds: int
    converged: bool
    gap_percent_of_credits: float
    bytes_per_round: int


class TrialResult(TrialPlan, frozen=True, kw_only=True, omit_defaults=True):
    """A trial as `--json` gives it; what there is not is left out. `bytes_per_round` are the answers of one round."""

    bytes_per_round: int
    bytes_per_round_with_heads: int
    batches: TrialBatches | None = None
    stocks: tuple[StockLine, ...] = ()
    private_workplaces: tuple[str, ...] = ()
    recipes_opened: OpenedTrial | None = None


def describe_rounds(reports: Sequence[RoundReport], seconds: float) -> TrialRounds:
    """What the rounds came to; `seconds` is how long they took."""
    last = reports[-1]
    return TrialRounds(
        rounds=len(reports),
        converged=last.is_close_enough,
        worst_good=last.worst_good_ppm / PPM,
        worst_good_id=last.worst_good,
        worst_good_by_round=tuple(report.worst_good_ppm / PPM for report in reports),
        seconds=round(seconds, SECONDS_DECIMALS),
    )


def describe_plan(rounds: TrialRounds, economy: Economy, members: Members, plan: Plan) -> TrialPlan:
    """Prices, quantities, welfare and certificate of a plan whose members are all known."""
    goods = economy.goods
    certificate = check_certificate(plan, members.regrets(plan))
    assert certificate.gap_micro is not None, "all regrets are known in a trial"
    return TrialPlan(
        **msgspec.structs.asdict(rounds),
        gap_percent_of_credits=round(100 * certificate.gap_micro / certificate.credits_micro, PERCENT_DECIMALS),
        welfare=round(members.welfare(plan), PERCENT_DECIMALS),
        prices={good.id: _write(price) for good, price in zip(goods, plan.prices, strict=True)},
        consumption={card.id: _describe_eating(economy, plan, card) for card in economy.consumers},
        activity={name: tuple(map(_write, levels)) for name, levels in members.unveil(plan).activity.items()},
        certificate=_describe_certificate(certificate, plan),
    )


def percent_of_credits(economy: Economy, amount: float) -> float:
    """An amount of credits as a percentage of all there are."""
    return round(100 * amount / (economy.credits_micro / MICRO), PERCENT_DECIMALS)


def _write(micro: int) -> str:
    return format_amount(micro, MICRO_DECIMALS)


def _describe_eating(economy: Economy, plan: Plan, card: ConsumerCard) -> dict[str, str]:
    named = [economy.goods[good] for nest in card.nests for good in nest.goods]
    eaten = plan.consumption[card.id]
    return {good.id: format_amount(units, good.decimals) for good, units in zip(named, eaten, strict=True)}


def _describe_certificate(certificate: Certificate, plan: Plan) -> TrialCertificate:
    return TrialCertificate(
        checked=True,
        holds=not certificate.findings,
        worst_balance=max(0, -min(measure_left(plan))),
        findings=tuple(map(str, certificate.findings)),
        slack_micro=certificate.slack_micro,
        gap_micro=certificate.gap_micro,
        digest=digest_plan(format_plan(plan)).hex(),
    )
