"""A plan checked by someone who trusts nobody: from the document alone, or from the minutes of all that was said.

Invariant: needs no home; what could not be checked is named, never counted as good.
Spec: docs/spec/planning/plan-audit.md
"""

from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec

from node.use_cases.context import Desk, DeskOperation
from node.use_cases.description import EXIT_REFUSED, Command, count, help_of, in_file, percent, tell_some
from protocol.core.errors import Finding
from protocol.planning.audit.answers import AnswerVerdict, judge_answers
from protocol.planning.audit.minutes import MINUTES_BYTES_MAX, parse_minutes
from protocol.planning.audit.replay import Played, Watch, audit_replay, replay_minutes
from protocol.planning.cards import PPM
from protocol.planning.certificate import check_certificate
from protocol.planning.plan import PLAN_BYTES_MOST, Plan, digest_plan, format_plan, parse_plan

ONLY_THE_DOCUMENT = "no minutes were given: that the plan follows from what everybody answered was not checked"
TASTES = "what each council would still gain (its tastes are private)"
EFFORTS = "what each workplace would still gain (its effort is private)"
RECIPES = "that they can do what they last answered, and at which effort (their recipes are private)"
CARDS = "that cards tell the truth about recipes, capacities and people"
RECORDS = "that the minutes repeat the members' logs (their places are in it: `rochdale audit log`)"


class PlanAuditParams(msgspec.Struct, kw_only=True):
    """A plan document with its minutes; without a document, those of the newest draft at the home that is meant."""

    plan: Annotated[bytes | None, in_file(PLAN_BYTES_MOST)] = None
    minutes: Annotated[bytes | None, in_file(MINUTES_BYTES_MAX), help_of("All that was said: `plan minutes`.")] = None
    digest: Annotated[str, help_of("The digest that the meetings voted on.")] = ""


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


def _audit_at_desk(desk: Desk, params: PlanAuditParams) -> PlanAudit:
    document, minutes = params.plan, params.minutes
    if document is None:
        own = desk.ask("plan.minutes", {})
        document, minutes = own["document"].encode(), minutes or own["minutes"].encode()
    return audit_plan(document, minutes, params.digest, desk.watch("rounds"))


def _tell_audit(audit: PlanAudit) -> Iterator[str]:
    who = f"{count(audit.councils, 'council')}, {count(audit.workplaces, 'workplace')}"
    yield f"Plan {audit.digest[:16]}: {count(audit.goods, 'good')}, {who}."
    if audit.replayed_rounds:
        readings = count(audit.readings, "reading")
        yield f"{count(audit.replayed_rounds, 'round')} of {readings} done over from the minutes."
    yield from tell_findings(audit.findings)
    if audit.gap_ppm is not None:
        yield f"No plan could be better by more than {percent(audit.gap_ppm)} % of all credits."
    else:
        yield f"How much better a plan could be is unknown: {len(audit.unknown_regrets)} regrets are missing."
    for odd in audit.odd_answers:
        first, second = odd.rounds
        wrong = f"{percent(odd.wrong_ppm)} % of what moved went the wrong way"
        yield f"Ask {odd.card}: its answers to rounds {first} and {second} do not fit one wish ({wrong})."
    yield f"Taken at their word: {'; '.join(audit.at_their_word)}."
    for missing in audit.unchecked:
        yield f"Not checked: {missing}."


def tell_findings(findings: Sequence[Finding]) -> Iterator[str]:
    """What is wanting, and how much of it, or that nothing is."""
    yield from tell_some(list(map(str, findings)))
    yield f"{count(len(findings), 'thing is', 'things are')} wanting." if findings else "Nothing is wanting."


OPERATIONS = (
    DeskOperation(
        "audit.plan",
        PlanAuditParams,
        _audit_at_desk,
        "Check PLAN, a plan document's file; without one this home's newest draft, with its minutes.\n\n"
        "Balances, recipes, capacities, floors, caps and credits in whole numbers, and how far the plan can be from "
        "the best one. With --minutes every round is done over again: the answers must lead to this very plan.",
        tell=_tell_audit,
        command=Command("audit plan", ("plan",), "absent", 1, ends=lambda audit: 0 if audit.holds else EXIT_REFUSED),
    ),
)
