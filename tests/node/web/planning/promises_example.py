"""One co-op's promises, made up: what it gives and takes, with and without an agreed price."""

from msgspec.structs import replace

from node.web.planning.model.promises import AgreedPrice, CoopPromises, Promise
from protocol.core.quantities import Money
from tests.node.web.made_up import pieces


def example_promises(hostile: str) -> CoopPromises:
    """Loaves of which an oven's breakdown takes some, milk that nothing was promised of, and a hostile good."""
    loaf = Promise(
        good="Wheat loaf",
        place="Oven",
        planned=pieces(1_376),
        promised=pieces(1_300),
        carried=pieces(700),
        open=pieces(600),
        short=pieces(76),
        prices=(AgreedPrice("Oak bakery", Money(341, "EUR", 2), "piece", "/prices/loaf"),),
    )
    milk = replace(
        loaf, good="Milk", place="", promised=None, short=pieces(0), prices=(), price_open=(hostile, "Fen farm")
    )
    odd = replace(loaf, good=hostile, place=hostile, promised=pieces(1_376), open=pieces(0), short=pieces(0))
    return CoopPromises((loaf, odd), (milk, replace(milk, good="Tea", price_open=())), (hostile,))
