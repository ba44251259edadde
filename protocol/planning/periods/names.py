"""What goods, workplaces and stores are called in each period, and which period a name belongs to.

Spec: docs/spec/planning/periods.md
"""


def name_in(name: str, period: str) -> str:
    """How a good or workplace is called in one period."""
    return f"{name} in {period}"


def name_store(good: str, period: str) -> str:
    """What carries a good from this period to the next."""
    return f"{good} kept from {period}"


def find_base(name: str) -> str:
    """What a workplace, a store or a good is called in the file, whatever the period: the name before the period."""
    return name.rpartition(" kept from ")[0] or name.rpartition(" in ")[0] or name
