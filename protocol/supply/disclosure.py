"""A disclosure: what a producer tells about a product, section by section, and who may read it.

Invariant: a public section's text is in the record; any other section is there only as a commitment to it.
Invariant: a section counts as filled only when the members who pay can read it; for auditors alone is not filled.
Spec: docs/spec/supply/price.md
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from protocol.core.errors import Finding, refuse, shorten
from protocol.core.quantities import Money
from protocol.federation.scopes import BUYERS, FEDERATION, PUBLIC, SCOPES
from protocol.supply.product import audit_code, audit_maker, audit_version
from protocol.supply.texts import TEXT_LENGTH_MAX, audit_texts

DISCLOSURE_KIND: Final = "supply.disclosure"
COMMITMENT_BYTES: Final = 32

SECTIONS: Final[dict[str, str]] = {
    "ingredients": "ingredients and their origin",
    "production": "production method",
    "packaging": "packaging materials",
    "storage": "storage and distribution",
    "delivery": "delivery cost",
    "quality": "quality tests",
    "working_conditions": "working conditions",
    "environment": "environmental figures",
}

_READ_BY_MEMBERS = frozenset({PUBLIC, BUYERS, FEDERATION})


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One section: its `texts` by language when public, a 32-byte `commitment` to them when not."""

    name: str
    scope: str
    texts: dict[str, str]
    commitment: bytes | None


class Disclosure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that a maker tells about one product; `cost` is what one unit costs the maker, None while not told."""

    product: str
    maker: str
    version: int
    sections: list[Section]
    cost: Money | None
    made_up: bool


def is_filled(section: Section) -> bool:
    """Whether the members who pay can read the section."""
    return section.scope in _READ_BY_MEMBERS and (bool(section.texts) or section.commitment is not None)


def list_missing(sections: Iterable[Section], required: Iterable[str]) -> list[Finding]:
    """The required sections that are not filled, each with the reason; none when the disclosure is full."""
    by_name = {section.name: section for section in sections}
    findings = []
    for name in required:
        section = by_name.get(name)
        if section is None:
            findings.append(Finding(f"disclosure.{name}", f"{_title(name)}: not disclosed yet"))
        elif not is_filled(section):
            readers = SCOPES.get(section.scope, section.scope)
            findings.append(Finding(f"disclosure.{name}", f"{_title(name)}: only {readers} can read it"))
    return findings


def audit_disclosure(disclosure: Disclosure) -> list[Finding]:
    """Everything in a disclosure that its maker has to put right."""
    findings = audit_code(disclosure.product, "product") + audit_maker(disclosure.maker, "maker")
    findings += audit_version(disclosure.version, "version")
    names = [section.name for section in disclosure.sections]
    for name in sorted({name for name in names if names.count(name) > 1}):
        findings.append(Finding(f"sections.{shorten(name)}", "is there twice"))
    # One more than there are names: a section too many is either there twice or of no name that there is.
    for section in disclosure.sections[: len(SECTIONS) + 1]:
        findings += _audit_section(section)
    if disclosure.cost is not None and disclosure.cost.amount < 0:
        findings.append(Finding("cost", "is less than nothing"))
    return findings


def check_disclosure(disclosure: Disclosure) -> None:
    """RefusedError with every finding when a disclosure has any."""
    refuse(audit_disclosure(disclosure), "the disclosure is refused")


def _audit_section(section: Section) -> list[Finding]:
    place = f"sections.{shorten(section.name)}"
    if section.name not in SECTIONS:
        return [Finding(place, f"is no section; the sections are {', '.join(SECTIONS)}")]
    if section.scope not in SCOPES:
        return [Finding(f"{place}.scope", f"is none of {', '.join(SCOPES)}")]
    if section.scope == PUBLIC:
        findings = audit_texts(section.texts, f"{place}.texts", TEXT_LENGTH_MAX, lines=True)
        if section.commitment is not None:
            findings.append(Finding(f"{place}.commitment", "a public section shows its text, it hides nothing"))
        return findings
    return _audit_hidden(section, place)


def _audit_hidden(section: Section, place: str) -> list[Finding]:
    findings = []
    if section.texts:
        findings.append(Finding(f"{place}.texts", "a section that is not public holds no text, only a commitment"))
    if section.commitment is None or len(section.commitment) != COMMITMENT_BYTES:
        findings.append(Finding(f"{place}.commitment", f"must be {COMMITMENT_BYTES} bytes"))
    return findings


def _title(name: str) -> str:
    return SECTIONS.get(name, name)
