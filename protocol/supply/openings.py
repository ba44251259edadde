"""What is told to some only: sections and lines hidden behind commitments, and what opens them.

Invariant: an opening adds findings, never another state: a price's status reads log bytes alone.
Invariant: an opening counts only at the place that its commitment was made for.
Spec: docs/spec/supply/price.md, docs/spec/core/commitment.md
"""

from typing import Any, Final, NamedTuple

import msgspec

from protocol.core.commitment import Opening, check_opening, commit_opening
from protocol.core.errors import Finding, PeerError
from protocol.federation.scopes import PUBLIC
from protocol.supply.cost_sheet import AMOUNT_MAX, CostLine, CostSheet, audit_cost_sheet
from protocol.supply.disclosure import DISCLOSURE_KIND, Disclosure, Section
from protocol.supply.facts import Facts, Filed, Item, item_of
from protocol.supply.price_agreement import APPROVAL_KIND, PROPOSAL_KIND, PriceProposal
from protocol.supply.texts import TEXT_LENGTH_MAX, audit_text, audit_texts

NOTE_PATH: Final = "body.note"


class Hidden(NamedTuple):
    """One hidden place in the logs: its commitment, the log and kind it stands in, its field path, its scope.

    `parties`: the origins of those who buy and sell what it is about.
    """

    commitment: bytes
    origin: str
    kind: str
    field_path: str
    scope: str
    parties: frozenset[str] = frozenset()


def list_hidden(facts: Facts, item: Item) -> list[Hidden]:
    """All that the records about a product hide."""
    parties = _list_parties(facts, item)
    sections = [hidden for told in facts.disclosures.get(item, []) for hidden in _list_hidden_sections(told, parties)]
    filed = [one for one in facts.proposals.values() if item_of(one.body) == item]
    return sections + [hidden for one in filed for hidden in _list_hidden_lines(one)]


def _list_parties(facts: Facts, item: Item) -> frozenset[str]:
    """The maker of a product and its buyers: those whom the maker itself has named, or said yes to.

    Anybody can propose to buy; only the maker's own word lets a buyer read what is for buyers.
    """
    maker, parties = item[0], {item[0]}
    for filed in facts.proposals.values():
        if item_of(filed.body) == item and (filed.origin == maker or _has_agreed(facts, maker, filed.leaf)):
            parties.update(filed.body.buyers)
    return frozenset(parties)


def _has_agreed(facts: Facts, maker: str, proposal: bytes) -> bool:
    words = (one for one in facts.approvals.get(proposal, []) if one.origin == maker and one.is_own_word)
    return any(one.body.approve for one in words)


def _list_hidden_sections(filed: Filed[Disclosure], parties: frozenset[str] = frozenset()) -> list[Hidden]:
    """What a disclosure hides."""
    return [
        Hidden(section.commitment, filed.origin, DISCLOSURE_KIND, _section_path(section.name), section.scope, parties)
        for section in filed.body.sections
        if section.commitment is not None
    ]


def _list_hidden_lines(filed: Filed[PriceProposal]) -> list[Hidden]:
    """What a proposal's cost sheet hides: its own parties are those whom its author named."""
    parties = frozenset({filed.body.maker, *filed.body.buyers})
    return [
        Hidden(line.commitment, filed.origin, PROPOSAL_KIND, _line_path(number), line.scope, parties)
        for number, line in enumerate(filed.body.sheet.lines, start=1)
        if line.commitment is not None
    ]


def check_hidden(hidden: Hidden, opening: Opening) -> None:
    """PeerError unless the opening is that of this very place and holds what belongs there."""
    _check_place(hidden.origin, hidden.kind, hidden.field_path, opening)
    check_opening(hidden.commitment, opening)
    if hidden.kind == DISCLOSURE_KIND:
        _check_texts(opening)
    else:
        _check_amount(opening)


def hide_section(origin: str, section: Section, salt: bytes) -> tuple[Section, Opening]:
    """The section as it stands in the record, texts replaced by a commitment, and the opening to keep."""
    path = _section_path(section.name)
    opening = Opening(origin=origin, kind=DISCLOSURE_KIND, field_path=path, value=section.texts, salt=salt)
    return msgspec.structs.replace(section, texts={}, commitment=commit_opening(opening)), opening


def hide_line(origin: str, line: CostLine, number: int, salt: bytes) -> tuple[CostLine, Opening]:
    """Line `number` (from 1) as it stands in the record, its amount replaced by a commitment, and the opening."""
    path = _line_path(number)
    opening = Opening(origin=origin, kind=PROPOSAL_KIND, field_path=path, value=line.amount_minor, salt=salt)
    return msgspec.structs.replace(line, amount_minor=None, commitment=commit_opening(opening)), opening


def hide_note(origin: str, note: str, salt: bytes) -> Opening:
    """The opening of a person's note beside an approval meant for the log `origin`."""
    return Opening(origin=origin, kind=APPROVAL_KIND, field_path=NOTE_PATH, value=note, salt=salt)


def open_section(origin: str, section: Section, opening: Opening) -> dict[str, str]:
    """The texts by language of a hidden section; PeerError when the opening is not that of its commitment."""
    _check_place(origin, DISCLOSURE_KIND, _section_path(section.name), opening)
    check_opening(section.commitment or b"", opening)
    _check_texts(opening)
    texts: dict[str, str] = opening.value
    return texts


def open_line(origin: str, line: CostLine, number: int, opening: Opening) -> int:
    """The amount of hidden line `number` (from 1); PeerError when the opening is not that of its commitment."""
    _check_place(origin, PROPOSAL_KIND, _line_path(number), opening)
    check_opening(line.commitment or b"", opening)
    _check_amount(opening)
    amount: int = opening.value
    return amount


def open_note(origin: str, commitment: bytes, opening: Opening) -> str:
    """The words of a note; PeerError when the opening is not that of its commitment."""
    _check_place(origin, APPROVAL_KIND, NOTE_PATH, opening)
    check_opening(commitment, opening)
    if not isinstance(opening.value, str) or audit_text(opening.value, "note", TEXT_LENGTH_MAX, lines=True):
        raise PeerError("opening of the note: holds no text")
    return opening.value


def audit_opened_sheet(sheet: CostSheet, amounts: dict[int, int]) -> list[Finding]:
    """What the opened lines (number from 1 to amount) show to be wrong; nothing while some are still closed."""
    lines = [
        msgspec.structs.replace(line, amount_minor=amounts[number], commitment=None, scope=PUBLIC)
        if line.scope != PUBLIC and number in amounts
        else line
        for number, line in enumerate(sheet.lines, start=1)
    ]
    if any(line.scope != PUBLIC for line in lines):
        return []
    return audit_cost_sheet(msgspec.structs.replace(sheet, lines=lines, hidden_minor=0))


def _section_path(name: str) -> str:
    return f"body.sections.{name}"


def _line_path(number: int) -> str:
    return f"body.sheet.lines.{number}"


def _check_place(origin: str, kind: str, path: str, opening: Opening) -> None:
    if (opening.origin, opening.kind, opening.field_path) != (origin, kind, path):
        raise PeerError(f"opening: made for {opening.field_path} of another record, not for {path}")


def _check_texts(opening: Opening) -> None:
    if not _is_texts(opening.value) or audit_texts(opening.value, "texts", TEXT_LENGTH_MAX, lines=True):
        raise PeerError(f"opening of {opening.field_path}: holds no texts by language")


def _check_amount(opening: Opening) -> None:
    if type(opening.value) is not int or abs(opening.value) > AMOUNT_MAX:
        raise PeerError(f"opening of {opening.field_path}: holds no amount of money")


def _is_texts(texts: Any) -> bool:
    return isinstance(texts, dict) and all(isinstance(text, str) for text in texts.values())
