"""Products, disclosures and prices: what a home publishes, what its committee signs, what a page shows."""

from node.use_cases.context import Node, Operation
from node.use_cases.supply.board import read_board, read_product_board
from node.use_cases.supply.drafts import (
    AnswerParams,
    DisclosureDraft,
    GrantParams,
    ItemParams,
    ListParams,
    OpeningsParams,
    ProductDraft,
    ProposalDraft,
    SignedStatement,
    StatementParams,
)
from node.use_cases.supply.handing import accept_openings, hand_openings
from node.use_cases.supply.publishing import (
    answer_price,
    grant_committee_key,
    propose_price,
    publish_disclosure,
    publish_product,
)
from node.use_cases.supply.signing import submit_approval, write_statement
from node.use_cases.supply.views import ProductLine, ProductView, describe_item, describe_line


async def list_products(node: Node, params: ListParams) -> list[ProductLine]:
    """Every product that is known here, by maker and code, with its state and agreed price."""
    board = read_board(node)
    items = sorted(item for item in board.facts.products if params.maker in ("", item[0]))
    return [describe_line(board, item) for item in items]


async def show_product(node: Node, params: ItemParams) -> ProductView:
    """All that a reader may see of a product: sections, and what each version of its price is made of."""
    board = read_product_board(node, params.product)
    return describe_item(node, board, board.find_item(params.product, params.maker), params.reader)


OPERATIONS = (
    Operation("product.publish", ProductDraft, publish_product, "Publish a product of this home, or its next version."),
    Operation("product.list", ListParams, list_products, "Every product that is known here.", writes=False),
    Operation("disclosure.publish", DisclosureDraft, publish_disclosure, "Tell what is to be known of a product."),
    Operation("disclosure.openings", ItemParams, hand_openings, "Openings to hand to those in scope.", writes=False),
    Operation("disclosure.accept", OpeningsParams, accept_openings, "Keep openings that were handed to this home."),
    Operation("price.propose", ProposalDraft, propose_price, "Propose a price, to the cent."),
    Operation("price.approve", AnswerParams, answer_price, "The producer's yes or no to a proposal."),
    Operation("price.grant", GrantParams, grant_committee_key, "Give a key a seat on the price committee, or end it."),
    Operation("price.statement", StatementParams, write_statement, "The words that a committee member signs."),
    Operation("price.submit_approval", SignedStatement, submit_approval, "Take in a committee member's signed words."),
    Operation(
        "price.show", ItemParams, show_product, "What a product's price is made of, and who signed.", writes=False
    ),
)
