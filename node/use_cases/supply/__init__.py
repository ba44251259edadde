"""Products, disclosures and prices: what a home publishes, what its committee signs, what a page shows."""

from node.use_cases.context import Node, Operation
from node.use_cases.description import Command, Out
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
from node.use_cases.supply.telling import (
    tell_accepted,
    tell_item,
    tell_price,
    tell_products,
    tell_published,
)
from node.use_cases.supply.views import ProductList, ProductView, describe_item, describe_line


async def list_products(node: Node, params: ListParams) -> ProductList:
    """Every product that is known here, by maker and code, with its state and agreed price."""
    board = read_board(node)
    items = sorted(item for item in board.facts.products if params.maker in ("", item[0]))
    return ProductList(tuple(describe_line(board, item) for item in items))


async def show_product(node: Node, params: ItemParams) -> ProductView:
    """All that a reader may see of a product: sections, and what each version of its price is made of."""
    board = read_product_board(node, params.product)
    return describe_item(node, board, board.find_item(params.product, params.maker), params.reader)


OPERATIONS = (
    Operation(
        "product.publish",
        ProductDraft,
        publish_product,
        "Publish the product in FILE (JSON), or its next version.",
        tell=tell_published,
        command=Command(
            "product publish",
            example="product.json",
            is_from_file=True,
            group="Products: publish your own, see everybody's.",
        ),
    ),
    Operation(
        "product.list",
        ListParams,
        list_products,
        "Every product that is known here, with its state and agreed price.",
        writes=False,
        tell=tell_products,
        command=Command("product list"),
    ),
    Operation(
        "disclosure.publish",
        DisclosureDraft,
        publish_disclosure,
        "Publish the disclosure in FILE (JSON); it replaces what was told before.",
        tell=tell_published,
        command=Command(
            "disclosure publish",
            example="absent.json",
            code=1,
            group="Disclosures: what a producer tells about a product.",
            is_from_file=True,
        ),
    ),
    Operation(
        "disclosure.openings",
        ItemParams,
        hand_openings,
        "Write what opens the hidden parts of the product CODE for a reader; hand the file to nobody else.",
        writes=False,
        command=Command(
            "disclosure openings",
            ("product",),
            "in-house:wheat-loaf --reader buyers --out out.json",
            1,
            files=(Out("--out", "The file to hand over.", needed=True),),
        ),
    ),
    Operation(
        "disclosure.accept",
        OpeningsParams,
        accept_openings,
        "Take in the openings that somebody handed over in FILE.",
        tell=tell_accepted,
        command=Command("disclosure accept", example="product.json", code=1, is_from_file=True),
    ),
    Operation(
        "price.propose",
        ProposalDraft,
        propose_price,
        "Propose the price in FILE (JSON); a change is a new version.",
        tell=tell_price,
        command=Command(
            "price propose",
            example="product.json",
            code=1,
            group="Prices: proposed to the cent, signed by both sides.",
            is_from_file=True,
        ),
    ),
    Operation(
        "price.approve",
        AnswerParams,
        answer_price,
        "As the producer, say yes (or no) to PROPOSAL, the id of a price.",
        tell=tell_price,
        command=Command("price approve", ("proposal",), "ab" * 32, 1),
    ),
    Operation(
        "price.grant",
        GrantParams,
        grant_committee_key,
        "Give the public KEY (hex) of a member a seat on this co-op's price committee.",
        tell=tell_published,
        command=Command("price grant", ("key",), f"{'ab' * 32} --holder member-1"),
    ),
    Operation(
        "price.statement",
        StatementParams,
        write_statement,
        "Write what a committee member signs about PROPOSAL, the id of a price.",
        command=Command(
            "price statement",
            ("proposal",),
            f"{'ab' * 32} --key {'ab' * 32} --out out.json",
            1,
            files=(Out("--out", "The file to take to the member's device.", needed=True),),
        ),
    ),
    Operation(
        "price.submit_approval",
        SignedStatement,
        submit_approval,
        "Take the signed statement in FILE into this co-op's log.",
        tell=tell_price,
        command=Command("price submit", example="product.json", code=1, is_from_file=True),
    ),
    Operation(
        "price.show",
        ItemParams,
        show_product,
        "What is known of the product CODE: its sections, what its price is made of, who signed it, for whom it waits.",
        writes=False,
        tell=tell_item,
        command=Command("price show", ("product",), "in-house:wheat-loaf", 1, also=("product show", "disclosure show")),
    ),
)
