"""The pages of prices, asked of the use cases of supply."""

from node.use_cases import logs, supply
from node.use_cases.context import Node
from node.use_cases.supply.drafts import ItemParams, ListParams
from node.web.asked import Asked
from node.web.page import FilledPage
from node.web.supply.filling import fill_price_list, fill_price_page
from node.web.supply.model import PriceList, PricePage


async def fill_prices(asked: Asked) -> PriceList:
    """Every product this node knows."""
    return fill_price_list((await supply.list_products(asked.node, ListParams())).products, logs.read_names(asked.node))


async def fill_price(asked: Asked) -> PricePage | None:
    """One product by its code, of the maker in the address or of the only one that has it."""
    return await fill_price_of(asked.node, asked.said["product"], asked.said.get("maker", ""))


async def fill_price_of(node: Node, code: str, maker: str) -> PricePage | None:
    """One product by its code, of this maker or (empty) of the only one that has it."""
    listed = await supply.list_products(node, ListParams(maker=maker))
    known = [line for line in listed.products if line.code == code]
    if not known:
        return None
    view = await supply.show_product(node, ItemParams(product=code, maker=maker))
    return fill_price_page(view, logs.read_names(node))


ROUTES = (
    FilledPage(
        path="/prices",
        template="supply/templates/prices.html",
        title="Prices",
        fill=fill_prices,
        doc="every product and the state of its price",
    ),
    FilledPage(
        path="/prices/{product}",
        template="supply/templates/price.html",
        fill=fill_price,
        doc="what one price is made of",
    ),
)
