"""A plan checked by someone who trusts nobody: from the document alone, or from the minutes of all that was said.

Invariant: needs no home; what could not be checked is named, never counted as good.
Spec: docs/spec/planning/plan-audit.md
"""

import msgspec

from protocol.core.errors import Finding
from protocol.planning.audit.answers import AnswerVerdict, judge_answers
from protocol.planning.audit.minutes import parse_minutes
from protocol.planning.audit.replay import Played, Watch, audit_replay, replay_minutes
from protocol.planning.certificate import check_certificate
from protocol.planning.plan import Plan, digest_plan, format_plan, parse_plan

PPM = 1_000_000
ONLY_THE_DOCUMENT = "no minutes were given: that the plan follows from what everybody answered was not checked"
TASTES = "what each council would still gain (its tastes are private)"
EFFORTS = "what each workplace would still gain (its effort is private)"
RECIPES = "that they can do what they last answered, and at which effort (their recipes are private)"
CARDS = "that cards tell the truth about recipes, capacities and people"
RECORDS = "that the minutes repeat the members' logs (their places are in it: `rochdale audit log`)"


class Oddity(msgspec.Struct, frozen=True):
    """A card whose answers to two rounds do not fit one wish: a question to ask, not a verdict."""

    card: str
    rounds: tuple[int, int]
    wrong_ppm: int


class PlanAudit(msgspec.Struct, frozen=True, kw_only=True):
    """What an audit came to. `holds`: nothing was found wanting. `at_their_word`: what nobody else can check.

    `replayed_rounds` is 0 without minutes. The gap is in micro-credits and parts per million of all credits, None
    while regrets are missing.
    """

    digest: str
    holds: bool
    findings: tuple[Finding, ...]
    goods: int
    councils: int
    workplaces: int
    readings: int
    replayed_rounds: int
    gap_micro: int | None
    gap_ppm: int | None
    known_gap_micro: int
    credits_micro: int
    unknown_regrets: tuple[str, ...]
    odd_answers: tuple[Oddity, ...]
    at_their_word: tuple[str, ...]
    unchecked: tuple[str, ...]


def audit_plan(
    document: bytes, minutes: bytes | None = None, digest: str = "", watch: Watch = lambda done, of: None
) -> PlanAudit:
    """Check a plan document, and with its minutes every round that led to it; `digest` is the one that was voted on.

    RefusedError where the bytes are no plan, or no minutes, at all.
    """
    plan, named = parse_plan(document), digest_plan(document).hex()
    played = None if minutes is None else _play(plan, minutes, watch)
    found = [Finding("digest", f"the plan's is {named}: another plan was voted on")]
    return _audit(plan, named, played, found if digest and digest.lower() != named else [])


def play_plan(document: bytes, minutes: bytes) -> Played:
    """A plan document with the rounds of its minutes done over. RefusedError where the bytes are none."""
    return _play(parse_plan(document), minutes, lambda done, of: None)


def audit_played(played: Played) -> PlanAudit:
    """As audit_plan, for a plan whose rounds have been done over."""
    return _audit(played.plan, digest_plan(format_plan(played.plan)).hex(), played, [])


def _play(plan: Plan, minutes: bytes, watch: Watch) -> Played:
    said = parse_minutes(minutes)
    return Played(said, replay_minutes(said, watch), plan)


def _audit(plan: Plan, named: str, played: Played | None, findings: list[Finding]) -> PlanAudit:
    odd: list[AnswerVerdict] = []
    if played is not None:
        findings += audit_replay(played)
        odd = [verdict for verdict in judge_answers(played.readings[-1]) if verdict.is_erratic]
    readings = () if played is None else played.readings
    certificate = check_certificate(plan, {} if played is None else played.minutes.regrets)
    findings += certificate.findings
    return PlanAudit(
        digest=named,
        holds=not findings,
        findings=tuple(findings),
        goods=len(plan.goods_table.goods),
        councils=len(plan.consumers),
        workplaces=len(plan.workplaces),
        readings=len(readings),
        replayed_rounds=sum(len(reading.rounds) for reading in readings),
        gap_micro=certificate.gap_micro,
        gap_ppm=certificate.gap_ppm,
        known_gap_micro=certificate.known_gap_micro,
        credits_micro=certificate.credits_micro,
        unknown_regrets=certificate.unknown_regrets,
        odd_answers=tuple(Oddity(one.card, one.rounds, round(one.wrong_share * PPM)) for one in odd),
        at_their_word=_list_taken(plan, played is not None),
        unchecked=() if played is not None else (ONLY_THE_DOCUMENT,),
    )


def _list_taken(plan: Plan, has_minutes: bool) -> tuple[str, ...]:
    taken = [CARDS, TASTES]
    if plan.workplaces:
        taken.append(EFFORTS)
    hidden = [card.id for card in plan.workplaces if card.outline]
    if hidden:
        taken.append(f"{RECIPES}: {', '.join(hidden)}")
    return tuple([*taken, RECORDS] if has_minutes else taken)
