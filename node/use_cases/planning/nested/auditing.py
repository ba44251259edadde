"""Plans of two levels checked by someone who trusts nobody: each by itself, who spoke for whom, and all as one plan.

Invariant: needs no home; the joined plan is checked in whole numbers by the certificate of any plan.
Spec: docs/spec/planning/nested-plans.md, section "On real nodes".
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from node.use_cases.context import Desk, DeskOperation
from node.use_cases.description import EXIT_REFUSED, PLACE, Command, count, help_of, in_file, percent, typed
from node.use_cases.planning.reports.auditing import audit_played, play_plan, tell_findings
from protocol.core.errors import Finding, RefusedError
from protocol.planning.audit.minutes import MINUTES_BYTES_MAX, Minutes
from protocol.planning.audit.replay import Played
from protocol.planning.certificate import check_certificate
from protocol.planning.contributions import owner_of_card, workplace_id
from protocol.planning.nested.joined_documents import LevelPart, join_documents
from protocol.planning.nested.levels_file import REGIONS_MOST
from protocol.planning.nested.region_card import ABOVE_LABEL, REGION_LABEL
from protocol.planning.nested.speaker_audit import audit_speaker, find_rounds
from protocol.planning.plan import PLAN_BYTES_MOST

Place = Annotated[str, PLACE]


class LevelsAuditParams(msgspec.Struct, kw_only=True):
    """The document of a plan above with its minutes, and for each of its regions the names of both its files."""

    above: Annotated[bytes, in_file(PLAN_BYTES_MOST)]
    minutes: Annotated[bytes, in_file(MINUTES_BYTES_MAX)]
    regions: Annotated[
        tuple[tuple[Place, Place], ...], help_of("A region's DOCUMENT and MINUTES."), typed("--region DOCUMENT MINUTES")
    ] = ()


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


def _audit_at_desk(desk: Desk, params: LevelsAuditParams) -> LevelsAudit:
    if not 1 <= len(params.regions) <= REGIONS_MOST:
        raise RefusedError.at("region", f"give the files of 1 to {REGIONS_MOST} regions")
    regions = {
        Path(document).stem: (desk.read(document, PLAN_BYTES_MOST), desk.read(minutes, MINUTES_BYTES_MAX))
        for document, minutes in params.regions
    }
    if len(regions) != len(params.regions):
        raise RefusedError.at("region", "two documents have the same file name: each names its region")
    return audit_levels((params.above, params.minutes), regions)


def _tell_audit(audit: LevelsAudit) -> Iterator[str]:
    for name, origin in audit.speakers.items():
        yield f"{name}: {origin} speaks for it."
    yield f"{count(audit.answers_checked, 'answer')} for another level worked out again."
    yield from tell_findings(audit.findings)
    if audit.gap_ppm is not None:
        yield f"No plan of all together could be better by more than {percent(audit.gap_ppm)} % of all credits."
    for origin in audit.unheard:
        yield f"Not checked: the region that {origin} speaks for; its files were not given."


OPERATIONS = (
    DeskOperation(
        "audit.levels",
        LevelsAuditParams,
        _audit_at_desk,
        "Check ABOVE, the document of a plan above, with its MINUTES and those of its regions.\n\n"
        "Each plan is checked as `audit plan` does; then every answer of those who spoke for a region is worked out "
        "again from the minutes of both calls, and all plans together are checked as one.",
        tell=_tell_audit,
        command=Command(
            "audit levels",
            ("above", "minutes"),
            "absent absent --region absent absent",
            1,
            ends=lambda audit: 0 if audit.holds else EXIT_REFUSED,
        ),
    ),
)
