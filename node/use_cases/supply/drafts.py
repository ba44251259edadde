"""What people hand in: products, disclosures and price proposals before the node has filled in who and which version.

Invariant: a draft says nothing that the node knows better: its log, the version, commitments and references.
Spec: docs/guides/prices.md
"""

from typing import Annotated, Literal

import msgspec

from node.use_cases.description import help_of, typed
from protocol.core.quantities import CurrencyCode, Exponent, Money, Quantity
from protocol.core.record import Sig
from protocol.federation.scopes import PUBLIC
from protocol.supply.cost_sheet import LineAmount

Hex32 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""32 bytes in lower-case hex: the id of a record or a public key."""

Refusal = Literal["delivery", "disclosure", "other", "price", "quality", "volume"]
"""A key of protocol.supply.price_agreement.REASONS."""

Reader = Literal["public", "buyers", "federation", "auditors"]
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class ProductDraft(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A product of this home's own; see protocol/supply/product.py for the fields."""

    code: Code
    names: dict[str, str]
    category: str
    unit: str
    piece: Quantity
    minimum_order: Quantity
    pack: Quantity | None = None
    case: Quantity | None = None
    partial_cases: bool = True
    made_up: bool = False
    shelf_life_days: int | None = None


class SectionDraft(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One section with its texts by language, open or hidden as its scope says."""

    name: str
    texts: dict[str, str]
    scope: str = PUBLIC


class DisclosureDraft(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """All that is told about one of this home's products; it replaces what was told before."""

    product: Code
    sections: list[SectionDraft]
    cost: Money | None = None
    made_up: bool = False


class LineDraft(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One line of a cost sheet in minor units of its money."""

    heading: str
    label: str
    amount_minor: LineAmount
    scope: str = PUBLIC


class SheetDraft(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A cost sheet per unit; whoever hides lines hides at least two."""

    currency: CurrencyCode
    exponent: Exponent
    unit: str
    language: str
    price_minor: LineAmount
    lines: list[LineDraft]


class ProposalDraft(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A price to propose. `maker` empty: this home; `buyers` empty: this home; the version follows the newest one
    between the same parties."""

    product: Code
    sheet: SheetDraft
    guaranteed_minimum: Quantity
    period_days: int
    valid_from: str
    maker: str = ""
    buyers: list[str] = []
    made_up: bool = False


class AnswerParams(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The producer's own yes or no to a proposal, by its id."""

    proposal: Hex32
    refuse: Annotated[Refusal | None, help_of("Say no, for this reason.")] = None


class StatementParams(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Whose statement to write: the member's public key, the proposal, yes or no, and a note kept out of the log."""

    proposal: Hex32
    key: Annotated[Hex32, help_of("The member's public key in hex.")]
    refuse: Annotated[Refusal | None, help_of("A no, for this reason.")] = None
    note: Annotated[str, help_of("Words for the committee; they stay out of the log.")] = ""


class SignedStatement(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A statement's exact bytes and the signatures under it."""

    statement: bytes
    sigs: list[Sig]


class GrantParams(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A committee member's public key joins (or leaves) the price committee; `holder` is a label, never a name."""

    key: Hex32
    holder: Annotated[str, help_of("A label such as 'committee member 1', never a name.")]
    ends: Annotated[bool, help_of("End the seat instead."), typed("--end")] = False


class ItemParams(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A product by its code, of this maker or of the only one that has it; `reader` is who looks."""

    product: Annotated[Code, typed("CODE")]
    maker: Annotated[str, help_of("Whose, when several have this code.")] = ""
    reader: Annotated[Reader, help_of("Who looks.")] = "public"


class ListParams(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which products: all, or one maker's."""

    maker: Annotated[str, help_of("Only this maker's (the name of its log).")] = ""


class OpeningsParams(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Openings that somebody handed over, each in its canonical bytes; `reader` is for whom they were written."""

    openings: list[bytes]
    reader: Reader | None = None
