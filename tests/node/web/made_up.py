"""Made-up names and amounts of which the examples of all areas are made."""

from protocol.core.quantities import Money, Quantity

HOSTILE = "<script>alert('x')</script> & \"Söhne\" <b>"
NAMES = ("Northside", "Southgate", "Riverside", "Hillcrest", HOSTILE)
DIGEST = "9f2c41d07be85a6611c3f0a7d2e4b895f04c7716a2d93be8515fd0c9e6a4b731"


def pieces(amount: int) -> Quantity:
    """So many pieces."""
    return Quantity(amount, "C62", 0)


def kilograms(grams: int) -> Quantity:
    """Kilograms by the gram."""
    return Quantity(grams, "KGM", 3)


def euros(cents: int) -> Money:
    """Euros by the cent."""
    return Money(cents, "EUR", 2)
