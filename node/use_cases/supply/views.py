"""What a page or a command shows of a product and of what its price is made of.

Invariant: what is hidden is shown only to a reader whom its scope names, and only with its opening.
Invariant: provenance goes along: what is made up says so.
"""

import msgspec

from node.use_cases.context import Node
from node.use_cases.publish import Published
from node.use_cases.supply.board import Board
from protocol.core.commitment import parse_opening
from protocol.core.errors import Finding, RefusedError
from protocol.core.quantities import UNITS
from protocol.federation.scopes import AUDITORS, BUYERS, FEDERATION, PUBLIC, SCOPES
from protocol.supply.cost_sheet import HEADINGS
from protocol.supply.disclosure import SECTIONS, Section, is_filled
from protocol.supply.facts import Filed, Item
from protocol.supply.openings import audit_opened_sheet, open_line, open_note, open_section
from protocol.supply.price_agreement import REASONS, PriceProposal
from protocol.supply.price_status import AGREED, describe_product, list_product_missing
from protocol.supply.signatures import PartySignature
from storage.private.openings import find_opening

_READS: dict[str, frozenset[str]] = {
    PUBLIC: frozenset({PUBLIC}),
    FEDERATION: frozenset({PUBLIC, FEDERATION}),
    BUYERS: frozenset({PUBLIC, FEDERATION, BUYERS}),
    AUDITORS: frozenset(SCOPES),
}


class PublishedView(msgspec.Struct, frozen=True):
    """Where a record lies; `known` when it lay there before."""

    record: str
    origin: str
    index: int
    version: int
    known: bool


class SectionView(msgspec.Struct, frozen=True, kw_only=True):
    """One section: its title, who may read it, and its texts by language where this reader may and can."""

    name: str
    title: str
    readers: str
    filled: bool
    hidden: bool
    texts: dict[str, str]


class LineView(msgspec.Struct, frozen=True, kw_only=True):
    """One line in minor units, None where it is hidden; `share_ppm` is its part of the price in millionths."""

    heading: str
    title: str
    label: str
    amount_minor: int | None
    share_ppm: int | None
    readers: str


class SignatureView(msgspec.Struct, frozen=True, kw_only=True):
    """One counted word; `holder` is a free label; `note` is shown to auditors where this node has its opening."""

    origin: str
    role: str
    holder: str
    key: str
    place: str
    approve: bool
    reason: str
    note: str = ""


class PriceView(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a price, to the cent; amounts in 1 / 10**exponent of the currency."""

    record: str
    origin: str
    index: int
    at_ms: int
    product: str
    maker: str
    buyers: list[str]
    version: int
    state: str
    price: str
    price_minor: int
    currency: str
    exponent: int
    unit: str
    unit_name: str
    language: str
    lines: list[LineView]
    hidden_minor: int
    guaranteed_minimum: str
    period_days: int
    valid_from: str
    made_up: bool
    reasons: list[Finding]
    signed_by: list[SignatureView]
    waits_for: list[Finding]
    not_counted: list[Finding]
    opened: list[Finding]


class ProductLine(msgspec.Struct, frozen=True, kw_only=True):
    """A product in a list; `price` is the agreed one, empty while there is none."""

    code: str
    maker: str
    names: dict[str, str]
    category: str
    unit: str
    unit_name: str
    state: str
    price: str
    price_minor: int | None
    currency: str
    exponent: int
    versions: int
    void_versions: int
    missing: list[Finding]
    made_up: bool


class ProductList(msgspec.Struct, frozen=True):
    """Products by maker and code."""

    products: tuple[ProductLine, ...]


class ProductView(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one product: sections, disclosed cost, and every version of its price, newest first."""

    product: ProductLine
    piece: str
    case: str
    minimum_order: str
    partial_cases: bool
    version: int
    disclosure: str
    disclosure_version: int
    cost: str
    sections: list[SectionView]
    prices: list[PriceView]


def describe_published(published: Published, version: int, known: bool = False) -> PublishedView:
    """Where something was published."""
    return PublishedView(published.leaf.hex(), published.origin, published.index, version, known)


def describe_line(board: Board, item: Item) -> ProductLine:
    """A product's line in a list."""
    product = board.facts.products[item].body
    prices = board.prices_of(item)
    statuses = [board.statuses[filed.leaf] for filed in prices]
    agreed = next((filed.body.sheet for filed in prices if board.statuses[filed.leaf].state == AGREED), None)
    return ProductLine(
        code=product.code,
        maker=product.maker,
        names=product.names,
        category=product.category,
        unit=product.unit,
        unit_name=UNITS.get(product.unit, product.unit),
        state=describe_product(board.facts, board.rules, item, statuses),
        price="" if agreed is None else str(agreed.money(agreed.price_minor)),
        price_minor=None if agreed is None else agreed.price_minor,
        currency="" if agreed is None else agreed.currency,
        exponent=0 if agreed is None else agreed.exponent,
        versions=len(prices),
        void_versions=sum(status.state == "void" for status in statuses),
        missing=list_product_missing(board.facts, board.rules, item),
        made_up=product.made_up,
    )


def describe_item(node: Node, board: Board, item: Item, reader: str) -> ProductView:
    """Everything that a reader (public, buyers, federation, auditors) may see of a product."""
    scopes_of(reader)
    product = board.facts.products[item].body
    told = board.facts.current_disclosure(item)
    return ProductView(
        product=describe_line(board, item),
        piece=str(product.piece),
        case="" if product.case is None else str(product.case),
        minimum_order=str(product.minimum_order),
        partial_cases=product.partial_cases,
        version=product.version,
        disclosure="" if told is None else told.leaf.hex(),
        disclosure_version=0 if told is None else told.body.version,
        cost="" if told is None or told.body.cost is None else str(told.body.cost),
        sections=[]
        if told is None
        else [_describe_section(node, told.origin, each, reader) for each in told.body.sections],
        prices=[describe_price(node, board, filed.leaf, reader) for filed in board.prices_of(item)],
    )


def describe_price(node: Node, board: Board, leaf: bytes, reader: str) -> PriceView:
    """One version of a price with its status, as a reader may see it."""
    filed, status = board.proposal(leaf), board.statuses[leaf]
    body, sheet = filed.body, filed.body.sheet
    amounts = _open_lines(node, filed, reader)
    return PriceView(
        record=leaf.hex(),
        origin=filed.origin,
        index=filed.index,
        at_ms=filed.record.at,
        product=body.product,
        maker=body.maker,
        buyers=body.buyers,
        version=body.version,
        state=status.state,
        price=str(sheet.money(sheet.price_minor)),
        price_minor=sheet.price_minor,
        currency=sheet.currency,
        exponent=sheet.exponent,
        unit=sheet.unit,
        unit_name=UNITS.get(sheet.unit, sheet.unit),
        language=sheet.language,
        lines=_describe_lines(filed, amounts),
        hidden_minor=sheet.hidden_minor,
        guaranteed_minimum=str(body.guaranteed_minimum),
        period_days=body.period_days,
        valid_from=body.valid_from,
        made_up=body.made_up,
        reasons=status.reasons,
        signed_by=[_describe_signature(node, word, reader) for word in status.signed_by],
        waits_for=status.waits_for,
        not_counted=status.not_counted,
        opened=audit_opened_sheet(sheet, amounts) if amounts else [],
    )


def scopes_of(reader: str) -> frozenset[str]:
    """The scopes that a reader may see; RefusedError for a reader that there is not."""
    found = _READS.get(reader)
    if found is None:
        raise RefusedError.at("reader", f"is none of {', '.join(_READS)}")
    return found


def _describe_lines(filed: Filed[PriceProposal], amounts: dict[int, int]) -> list[LineView]:
    price = filed.body.sheet.price_minor
    found = []
    for number, line in enumerate(filed.body.sheet.lines, start=1):
        amount = amounts.get(number) if line.amount_minor is None else line.amount_minor
        found.append(
            LineView(
                heading=line.heading,
                title=HEADINGS.get(line.heading, line.heading),
                label=line.label,
                amount_minor=amount,
                share_ppm=None if amount is None or price <= 0 else amount * 1_000_000 // price,
                readers=SCOPES.get(line.scope, line.scope),
            )
        )
    return found


def _describe_section(node: Node, origin: str, section: Section, reader: str) -> SectionView:
    texts = section.texts
    if section.commitment is not None and section.scope in scopes_of(reader):
        kept = find_opening(node.database.reader, section.commitment)
        texts = {} if kept is None else open_section(origin, section, parse_opening(kept.opening))
    return SectionView(
        name=section.name,
        title=SECTIONS.get(section.name, section.name),
        readers=SCOPES.get(section.scope, section.scope),
        filled=is_filled(section),
        hidden=not texts,
        texts=texts,
    )


def _open_lines(node: Node, filed: Filed[PriceProposal], reader: str) -> dict[int, int]:
    amounts: dict[int, int] = {}
    for number, line in enumerate(filed.body.sheet.lines, start=1):
        if line.commitment is None or line.scope not in scopes_of(reader):
            continue
        kept = find_opening(node.database.reader, line.commitment)
        if kept is not None:
            amounts[number] = open_line(filed.origin, line, number, parse_opening(kept.opening))
    return amounts


def _describe_signature(node: Node, word: PartySignature, reader: str) -> SignatureView:
    note = ""
    if word.note is not None and AUDITORS in scopes_of(reader):
        kept = find_opening(node.database.reader, word.note)
        note = "" if kept is None else open_note(word.origin, word.note, parse_opening(kept.opening))
    return SignatureView(
        origin=word.origin,
        role=word.role,
        holder=word.holder,
        key=word.key_id.hex(),
        place=f"{word.origin} #{word.index}",
        approve=word.approve,
        reason=REASONS.get(word.reason, ""),
        note=note,
    )
