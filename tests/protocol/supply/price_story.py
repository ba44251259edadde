"""A story of one loaf and its price, to be told on by tests."""

from typing import Any

from protocol.supply.facts import Filed
from protocol.supply.price_status import PriceStatus, assess_prices, describe_product
from tests.protocol.supply.made_up_logs import (
    BAKERY,
    LOAF,
    REQUIRED,
    RULES,
    Region,
    disclosure,
    loaf,
    person,
    proposal,
    yes,
)

ITEM = (BAKERY, LOAF)


class Story(Region):
    """A region where the loaf is published and, unless said otherwise, fully disclosed and proposed at 3.42 EUR."""

    def __init__(self, *sections: str, cost_cents: int | None = 300) -> None:
        super().__init__()
        self.bakery.say(loaf())
        self.read = self.bakery.say(disclosure(*(sections or REQUIRED), cost_cents=cost_cents))
        self.price = self.bakery.say(proposal())

    def status(self, price: Filed[Any] | None = None) -> PriceStatus:
        return assess_prices(self.facts(), RULES)[(price or self.price).leaf]

    def sign(self, *numbers: int, price: Filed[Any] | None = None, read: Filed[Any] | None = None) -> None:
        for number in numbers:
            log = self.northside if number < 10 else self.southgate
            log.embed(person(number), yes(price or self.price, read or self.read))

    def product_state(self) -> str:
        facts = self.facts()
        return describe_product(facts, RULES, ITEM, assess_prices(facts, RULES).values())


def reasons(status: PriceStatus) -> list[str]:
    return [str(finding) for finding in status.reasons]
