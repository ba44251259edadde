"""The page on which a committee reads its co-op's proposal line by line, changes it, and lets it go.

Invariant: every line shows where it comes from; nothing goes out by looking, only by a person's release.
"""

from typing import Literal

import msgspec

from node.web.forms import FormModel

Action = Literal["look", "release", "withdraw", "file"]


class ProposalForm(msgspec.Struct, frozen=True, kw_only=True):
    """What was sent: percent by good, capacity and least by workplace, all as typed; `digest` of the lines that were
    read, `file` a release from a file."""

    action: Action = "look"
    reading: int = 0
    percents: dict[str, str] = {}
    capacities: dict[str, str] = {}
    leasts: dict[str, str] = {}
    is_standing: bool = False
    digest: str = ""
    file: bytes = b""


class LineRow(msgspec.Struct, frozen=True):
    """One good: what the card asks for, floor included, where it comes from, and the committee's percent."""

    good: str
    name: str
    unit: str
    want: str
    floor: str
    sources: tuple[str, ...]
    percent: str
    is_editable: bool
    error: str = ""


class NestRow(msgspec.Struct, frozen=True):
    """Goods that share a part of the credits, and how they go together."""

    name: str
    togetherness: str
    credits: str
    lines: tuple[LineRow, ...]


class OfferRow(msgspec.Struct, frozen=True):
    """One workplace: the most and the least of it that is offered, and what it can make."""

    label: str
    capacity: str
    least: str
    makes: tuple[str, ...]
    is_private: bool
    error: str = ""


class ReadingRow(msgspec.Struct, frozen=True):
    """One reading and where our cards for it are; `can_change` until they have gone out."""

    number: int
    state: str
    is_chosen: bool
    can_change: bool


class ProposalPage(FormModel, frozen=True, kw_only=True):
    """The proposal for one reading. `has_lines` is False where nothing was ever released here; `said` is what was just
    done; a refusal names the field where one is at fault."""

    region: str
    period: str
    readings: tuple[ReadingRow, ...]
    reading: int
    people: int = 0
    credits: str = ""
    has_lines: bool = False
    nests: tuple[NestRow, ...] = ()
    workplaces: tuple[OfferRow, ...] = ()
    till_lines_left_out: int = 0
    digest: str = ""
    is_standing: bool = False
    said: str = ""

    @property
    def can_change(self) -> bool:
        """Whether cards for this reading can still go out."""
        return any(row.is_chosen and row.can_change for row in self.readings)

    @property
    def can_withdraw(self) -> bool:
        """Whether something stands released that has not gone out."""
        return any(row.state == "released" for row in self.readings)
