"""Plans of two levels checked by someone who trusts nobody: each by itself, who spoke for whom, and all as one plan.

Invariant: needs no home; the joined plan is checked in whole numbers by the certificate of any plan.
Spec: docs/spec/planning/nested-plans.md, section "On real nodes".
"""

from collections.abc import Mapping

import msgspec

from node.use_cases.planning.reports.auditing import audit_played, play_plan
from protocol.core.errors import Finding, RefusedError
from protocol.planning.audit.minutes import Minutes
from protocol.planning.audit.replay import Played
from protocol.planning.certificate import check_certificate
from protocol.planning.contributions import owner_of_card, workplace_id
from protocol.planning.nested.joined_documents import LevelPart, join_documents
from protocol.planning.nested.region_card import ABOVE_LABEL, REGION_LABEL
from protocol.planning.nested.speaker_audit import audit_speaker, find_rounds


class LevelsAudit(msgspec.Struct, frozen=True, kw_only=True):
    """What an audit of two levels came to. `speakers`: region (as it was named to the audit) to who spoke for it.

    `findings` are those of all plans, each with the plan's name before its place, of the speakers' answers, and of the
    joined plan; `holds` when there are none. The gap is that of the joined plan, None while regrets are missing.
    """

    holds: bool
    findings: tuple[Finding, ...]
    speakers: dict[str, str]
    unheard: tuple[str, ...]
    answers_checked: int
    gap_micro: int | None
    gap_ppm: int | None
    credits_micro: int


def audit_levels(above: tuple[bytes, bytes], regions: Mapping[str, tuple[bytes, bytes]]) -> LevelsAudit:
    """Check (document, minutes) of a plan above and of its regions by name. RefusedError where bytes are no plan.

    `unheard` are regions of the plan above whose own plans were not given: nothing is said of them.
    """
    played = {name: play_plan(*files) for name, files in regions.items()}
    top = play_plan(*above)
    findings = _audit_alone("above", top)
    speakers: dict[str, str] = {}
    for name, one in played.items():
        findings += _audit_alone(name, one)
        speakers[name] = _find_speaker(name, find_rounds(one).minutes)
        said = audit_speaker(speakers[name], top, one)
        findings += [Finding(f"{name}.{finding.place}", finding.reason) for finding in said]
    spoken = {workplace_id(origin, REGION_LABEL) for origin in speakers.values()}
    all_regions = {card.id for card in top.plan.workplaces if card.id.endswith(f"#{REGION_LABEL}") and card.outline}
    joined = join_documents(
        LevelPart("", top.plan, frozenset(spoken)),
        [
            LevelPart(origin, played[name].plan, frozenset({workplace_id(origin, ABOVE_LABEL)}))
            for name, origin in speakers.items()
        ],
    )
    regrets = {card: regret for one in (top, *played.values()) for card, regret in one.minutes.regrets.items()}
    certificate = check_certificate(joined, regrets)
    findings += [Finding(f"joined.{finding.place}", finding.reason) for finding in certificate.findings]
    return LevelsAudit(
        holds=not findings,
        findings=tuple(findings),
        speakers=speakers,
        unheard=tuple(sorted(map(owner_of_card, all_regions - spoken))),
        answers_checked=sum(len(one.minutes.levels) for one in (top, *played.values())),
        gap_micro=certificate.gap_micro,
        gap_ppm=certificate.gap_ppm,
        credits_micro=certificate.credits_micro,
    )


def _find_speaker(name: str, minutes: Minutes) -> str:
    names = [card.id for card in minutes.readings[0].workplaces if card.apart]
    found = [owner_of_card(card) for card in names if card == workplace_id(owner_of_card(card), ABOVE_LABEL)]
    if len(found) != 1:
        raise RefusedError.at(name, "is no region's plan: nobody's card in it stands for a level above")
    return found[0]


def _audit_alone(name: str, played: Played) -> list[Finding]:
    return [Finding(f"{name}.{finding.place}", finding.reason) for finding in audit_played(played).findings]
