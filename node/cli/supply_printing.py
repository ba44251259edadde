"""Products and prices on a terminal: what each cent pays for, and what is missing."""

from pathlib import Path
from typing import Any

import click
import msgspec

from node.cli.printing import print_table, say
from node.use_cases.supply.person_key import Reading
from protocol.core.quantities import format_decimal

PERCENT_PPM = 10_000


def print_published(answer: dict[str, Any]) -> None:
    """Where a record lies."""
    place = f"{answer['origin']} #{answer['index']}"
    say(f"Was there already: {place}." if answer["known"] else f"Published at {place}, version {answer['version']}.")


def print_products(answer: list[dict[str, Any]]) -> None:
    """A list of products."""
    rows = [(_name(one), one["code"], one["maker"], one["state"], one["price"] or "-", _made_up(one)) for one in answer]
    print_table(("product", "code", "maker", "state", "agreed price", ""), rows)


def print_item(answer: dict[str, Any]) -> None:
    """A product with its sections and every version of its price."""
    product = answer["product"]
    say(f"{_name(product)} ({product['code']}) of {product['maker']}: {product['state']}. {_made_up(product)}")
    for section in answer["sections"]:
        words = " / ".join(section["texts"].values()) or f"told to {section['readers']}"
        say(f"  {section['title']}: {words}")
    for finding in product["missing"]:
        say(f"  missing: {finding['reason']}")
    if answer["cost"]:
        say(f"  disclosed cost: {answer['cost']} per {product['unit_name']}")
    for price in answer["prices"]:
        say("")
        print_price(price)


def print_price(price: dict[str, Any]) -> None:
    """One version of a price, to the cent."""
    say(f"{price['price']} per {price['unit_name']}, version {price['version']}: {price['state']}. {_made_up(price)}")
    rows = [(line["label"], line["title"], _amount(line, price["exponent"]), _share(line)) for line in price["lines"]]
    print_table(("what for", "heading", price["currency"], "part"), rows)
    for finding in price["reasons"]:
        say(f"  {finding['place']}: {finding['reason']}")
    for word in price["signed_by"]:
        verdict = "yes" if word["approve"] else f"no ({word['reason']})"
        say(f"  {word['holder'] or word['role']} of {word['origin']}: {verdict} {word['note']}".rstrip())
    for finding in price["waits_for"]:
        say(f"  waits for {finding['place']}: {finding['reason']}")
    for finding in price["not_counted"]:
        say(f"  does not count, {finding['place']}: {finding['reason']}")
    say(f"  id {price['record']}")


def print_accepted(answer: dict[str, Any]) -> None:
    """How many openings were taken in."""
    say(f"{answer['kept']} openings taken in, {answer['known']} were known.")


def print_written(out: Path) -> None:
    """Which file was written."""
    say(f"Written to {out}.")


def print_reading(reading: Reading, as_json: bool) -> None:
    """What a person is about to sign."""
    if as_json:
        click.echo(msgspec.json.encode(reading))
        return
    verdict = "YES" if reading.approve else f"NO ({reading.reason})"
    say(f"You say {verdict} to {reading.price} for {reading.product} of {reading.maker}, version {reading.version},")
    say(f"from {reading.valid_from}, on the price committee of {reading.buyer}. The price is made of:")
    print_table(("what for", "amount"), reading.lines)


def _name(product: dict[str, Any]) -> str:
    names = product["names"]
    return str(names.get("en") or next(iter(names.values()), product["code"]))


def _made_up(described: dict[str, Any]) -> str:
    return "Made up." if described["made_up"] else ""


def _amount(line: dict[str, Any], exponent: int) -> str:
    return "hidden" if line["amount_minor"] is None else format_decimal(line["amount_minor"], exponent)


def _share(line: dict[str, Any]) -> str:
    return "" if line["share_ppm"] is None else f"{line['share_ppm'] // PERCENT_PPM} %"
