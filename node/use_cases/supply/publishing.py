"""A home speaks for itself: its products, what it discloses, what it proposes, and its yes or no as a producer.

Invariant: nothing is published that its author could still put right; what is refused leaves no trace.
Invariant: the opening of what is hidden is on disk before the record that hides it.
"""

from typing import Any

import msgspec

from node.use_cases.context import Node
from node.use_cases.publish import Published, publish
from node.use_cases.supply.board import Board, read_product_board, read_proposal_board
from node.use_cases.supply.drafts import (
    AnswerParams,
    DisclosureDraft,
    GrantParams,
    ProductDraft,
    ProposalDraft,
    Refusal,
    SheetDraft,
)
from node.use_cases.supply.views import PriceView, PublishedView, describe_price, describe_published
from protocol.core.commitment import SALT_BYTES, Opening, commit_opening, format_opening
from protocol.core.errors import RefusedError, refuse, shorten
from protocol.core.record import Reference
from protocol.federation.grants import GRANT_KIND, KeyGrant, check_grant
from protocol.federation.scopes import PUBLIC, SCOPES
from protocol.supply.cost_sheet import CostLine, CostSheet, check_cost_sheet
from protocol.supply.disclosure import DISCLOSURE_KIND, Disclosure, Section, check_disclosure
from protocol.supply.facts import Filed
from protocol.supply.openings import hide_line, hide_section
from protocol.supply.price_agreement import (
    APPROVAL_KIND,
    COMMITTEE_ROLE,
    PROPOSAL_KIND,
    PriceApproval,
    PriceProposal,
    check_approval,
)
from protocol.supply.price_status import audit_offer, list_product_missing
from protocol.supply.product import PRODUCT_KIND, Product, check_product
from protocol.supply.texts import TEXT_LENGTH_MAX, audit_texts
from storage.private.openings import KeptOpening, keep_openings

Kept = list[tuple[str, Opening]]


async def publish_product(node: Node, draft: ProductDraft) -> PublishedView:
    """Publish a product of this home, or its next version (supply.product); the same again changes nothing.
    RefusedError with every finding."""
    before = read_product_board(node, draft.code).facts.products.get((node.origin, draft.code))
    fields: dict[str, Any] = {name: getattr(draft, name) for name in draft.__struct_fields__}
    version = 1 if before is None else before.body.version
    product = Product(**fields, maker=node.origin, version=version)
    check_product(product)
    if before is not None and before.body == product:
        return describe_published(Published(before.origin, before.index, before.leaf), version, known=True)
    if before is not None:
        version += 1
        product = msgspec.structs.replace(product, version=version)
    published = await publish(node, PRODUCT_KIND, product, _refer(before))
    return describe_published(published, version)


async def publish_disclosure(node: Node, draft: DisclosureDraft) -> PublishedView:
    """Publish what is to be known of a product of this home (supply.disclosure); sections that are not public go in as
    commitments, and their openings are kept before. RefusedError for a product that this home has not published, and
    with every finding."""
    board = read_product_board(node, draft.product)
    item = (node.origin, draft.product)
    if item not in board.facts.products:
        raise RefusedError.at("product", f"this home has published no product {draft.product}")
    before = board.facts.current_disclosure(item)
    version = 1 if before is None else before.body.version + 1
    sections, kept = _hide_sections(node, draft)
    disclosure = Disclosure(
        product=draft.product,
        maker=node.origin,
        version=version,
        sections=sections,
        cost=draft.cost,
        made_up=draft.made_up,
    )
    check_disclosure(disclosure)
    await _keep(node, kept)
    return describe_published(await publish(node, DISCLOSURE_KIND, disclosure, _refer(before)), version)


async def propose_price(node: Node, draft: ProposalDraft) -> PriceView:
    """Propose a price as its maker or as a buyer (supply.price_proposal); openings of hidden lines are kept before. The
    answer says what still stands in its way, RefusedError what its author has to put right first."""
    board = read_product_board(node, draft.product)
    maker = draft.maker or node.origin
    buyers = sorted(set(draft.buyers)) or [node.origin]
    before = _find_version_before(board, maker, draft.product, buyers)
    sheet, kept = _hide_lines(node, draft.sheet)
    proposal = PriceProposal(
        product=draft.product,
        maker=maker,
        buyers=buyers,
        version=1 if before is None else before.body.version + 1,
        predecessor=None if before is None else before.leaf,
        sheet=sheet,
        guaranteed_minimum=draft.guaranteed_minimum,
        period_days=draft.period_days,
        valid_from=draft.valid_from,
        made_up=draft.made_up,
    )
    refuse(audit_offer(board.facts, node.origin, proposal), "the price proposal is refused")
    await _keep(node, kept)
    published = await publish(node, PROPOSAL_KIND, proposal, _refer(before))
    return describe_price(node, read_product_board(node, draft.product), published.leaf, PUBLIC)


async def answer_price(node: Node, params: AnswerParams) -> PriceView:
    """Publish the producer's yes or no to a proposal (supply.price_approval). RefusedError where another is the
    producer, the proposal is not known here, or a no comes after all have agreed."""
    board = read_proposal_board(node, bytes.fromhex(params.proposal))
    filed = board.proposal(bytes.fromhex(params.proposal))
    if filed.body.maker != node.origin:
        raise RefusedError.at("proposal", f"only the producer {filed.body.maker} answers with its log's key")
    if params.refuse and describe_price(node, board, filed.leaf, PUBLIC).state == "agreed":
        raise RefusedError.at("proposal", "is agreed: what both sides have signed holds; a change is a new version")
    approval = write_approval(board, filed, params.refuse, None)
    await publish(node, APPROVAL_KIND, approval, _refer(filed))
    return describe_price(node, read_product_board(node, filed.body.product), filed.leaf, PUBLIC)


async def grant_committee_key(node: Node, params: GrantParams) -> PublishedView:
    """Give a member's own key a seat on this co-op's price committee, or end it (key.grant). RefusedError with every
    finding."""
    key = bytes.fromhex(params.key)
    grant = KeyGrant(key=key, role=COMMITTEE_ROLE, holder=params.holder, ends=params.ends)
    check_grant(grant)
    return describe_published(await publish(node, GRANT_KIND, grant), 1)


def write_approval(
    board: Board, filed: Filed[PriceProposal], refusal: Refusal | None, note: bytes | None
) -> PriceApproval:
    """A yes or no to a proposal beside the maker's newest disclosure; a yes is refused while that is not full."""
    item = (filed.body.maker, filed.body.product)
    read = board.facts.current_disclosure(item)
    missing = list_product_missing(board.facts, board.rules, item)
    if refusal is None and missing:
        raise RefusedError("no yes before the disclosure is full", missing)
    if read is None:
        raise RefusedError.at("disclosure", "nothing is disclosed yet")
    approval = PriceApproval(
        proposal=filed.leaf, disclosure=read.leaf, approve=refusal is None, reason=refusal or "", note=note
    )
    check_approval(approval)
    return approval


def _find_version_before(board: Board, maker: str, code: str, buyers: list[str]) -> Filed[PriceProposal] | None:
    found = [filed for filed in board.prices_of((maker, code)) if filed.body.buyers == buyers]
    parties = {maker, *buyers}
    return next((filed for filed in found if filed.origin in parties), None)


def _hide_sections(node: Node, draft: DisclosureDraft) -> tuple[list[Section], Kept]:
    sections, kept = [], []
    for told in draft.sections:
        section = Section(name=told.name, scope=told.scope, texts=told.texts, commitment=None)
        if told.scope != PUBLIC and told.scope in SCOPES:
            # Afterwards nobody could see that a hidden text is empty or unreadable.
            place = f"sections.{shorten(told.name)}.texts"
            refuse(audit_texts(told.texts, place, TEXT_LENGTH_MAX, lines=True), "the disclosure is refused")
            section, opening = hide_section(node.origin, section, node.clock.random_bytes(SALT_BYTES))
            kept.append((told.scope, opening))
        sections.append(section)
    return sections, kept


def _hide_lines(node: Node, draft: SheetDraft) -> tuple[CostSheet, Kept]:
    shown = [CostLine(each.heading, each.label, each.amount_minor, PUBLIC, None) for each in draft.lines]
    open_sheet = CostSheet(
        draft.currency, draft.exponent, draft.unit, draft.language, draft.price_minor, hidden_minor=0, lines=shown
    )
    # Afterwards nobody could see what is wrong with a hidden line: the sheet is checked while it is all open.
    check_cost_sheet(open_sheet)
    lines, kept, hidden_minor = [], [], 0
    for number, (line, told) in enumerate(zip(shown, draft.lines, strict=True), start=1):
        if told.scope not in SCOPES:
            raise RefusedError.at(f"cost sheet.lines.{number}.scope", f"is none of {', '.join(SCOPES)}")
        if told.scope != PUBLIC:
            hidden_minor += told.amount_minor
            closed = msgspec.structs.replace(line, scope=told.scope)
            line, opening = hide_line(node.origin, closed, number, node.clock.random_bytes(SALT_BYTES))
            kept.append((told.scope, opening))
        lines.append(line)
    return msgspec.structs.replace(open_sheet, lines=lines, hidden_minor=hidden_minor), kept


async def _keep(node: Node, kept: Kept) -> None:
    if kept:
        rows = [(commit_opening(opening), KeptOpening(scope, format_opening(opening))) for scope, opening in kept]
        await node.database.write(lambda db: keep_openings(db, rows))


def _refer(filed: Filed[Any] | None) -> list[Reference]:
    return [] if filed is None else [Reference(filed.origin, filed.index, filed.leaf)]
