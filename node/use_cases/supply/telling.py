"""Products and prices in sentences and tables: what each cent pays for, and what is missing."""

from collections.abc import Iterator

from node.use_cases.description import Rows, count
from node.use_cases.supply.handing import Accepted
from node.use_cases.supply.views import LineView, PriceView, ProductLine, ProductList, ProductView, PublishedView
from protocol.core.quantities import format_decimal

PERCENT_PPM = 10_000


def tell_published(answer: PublishedView) -> Iterator[str]:
    """Where a record lies."""
    place = f"{answer.origin} #{answer.index}"
    yield f"Was there already: {place}." if answer.known else f"Published at {place}, version {answer.version}."


def tell_products(answer: ProductList) -> Iterator[Rows]:
    """A list of products."""
    rows = [(_name(one), one.code, one.maker, one.state, one.price or "-", _made_up(one)) for one in answer.products]
    yield Rows(("product", "code", "maker", "state", "agreed price", ""), rows)


def tell_item(answer: ProductView) -> Iterator[str | Rows]:
    """A product with its sections and every version of its price."""
    product = answer.product
    yield f"{_name(product)} ({product.code}) of {product.maker}: {product.state}. {_made_up(product)}"
    for section in answer.sections:
        words = " / ".join(section.texts.values()) or f"told to {section.readers}"
        yield f"  {section.title}: {words}"
    for finding in product.missing:
        yield f"  missing: {finding.reason}"
    if answer.cost:
        yield f"  disclosed cost: {answer.cost} per {product.unit_name}"
    for price in answer.prices:
        yield ""
        yield from tell_price(price)


def tell_price(price: PriceView) -> Iterator[str | Rows]:
    """One version of a price, to the cent."""
    yield f"{price.price} per {price.unit_name}, version {price.version}: {price.state}. {_made_up(price)}"
    rows = [(line.label, line.title, _amount(line, price.exponent), _share(line)) for line in price.lines]
    yield Rows(("what for", "heading", price.currency, "part"), rows)
    for finding in price.reasons:
        yield f"  {finding.place}: {finding.reason}"
    for word in price.signed_by:
        verdict = "yes" if word.approve else f"no ({word.reason})"
        yield f"  {word.holder or word.role} of {word.origin}: {verdict} {word.note}".rstrip()
    for finding in price.waits_for:
        yield f"  waits for {finding.place}: {finding.reason}"
    for finding in price.not_counted:
        yield f"  does not count, {finding.place}: {finding.reason}"
    yield f"  id {price.record}"


def tell_accepted(answer: Accepted) -> Iterator[str]:
    """What was new of openings."""
    yield f"{count(answer.kept, 'opening')} taken in, {answer.known} were known."


def _name(product: ProductLine) -> str:
    return product.names.get("en") or next(iter(product.names.values()), product.code)


def _made_up(described: ProductLine | PriceView) -> str:
    return "Made up." if described.made_up else ""


def _amount(line: LineView, exponent: int) -> str:
    return "hidden" if line.amount_minor is None else format_decimal(line.amount_minor, exponent)


def _share(line: LineView) -> str:
    return "" if line.share_ppm is None else f"{line.share_ppm // PERCENT_PPM} %"
