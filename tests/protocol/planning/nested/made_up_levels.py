"""A made-up economy of two levels: regions that eat, bake and grow, and above them energy, tools, a cap and trade.

MADE UP from end to end: everything is drawn from the seed. Format: docs/spec/planning/nested-plans.md.
"""

from random import Random
from typing import Any, Final

Json = dict[str, Any]
Recipe = tuple[dict[str, float], float]
"""What a technique uses (above 0) and makes, and how much capacity it takes."""

REGIONS: Final = ("hills", "shore", "plain", "marsh")
EATEN_HERE: Final = ("bread", "vegetables", "care")
EATEN_SHARED: Final = ("milk", "oil", "tools")
PRICES: Final = {
    "bread": 2.0, "vegetables": 1.5, "care": 12.0, "hours": 8.0, "land": 3.0,
    "grain": 0.5, "milk": 1.0, "oil": 3.0, "tools": 20.0, "energy": 0.3, "co2": 0.1, "money": 1.0,
}  # fmt: skip
KINDS: Final = {"hours": "labour", "land": "land", "co2": "cap", "money": "outside"}
REGIONAL: Final = ("bread", "vegetables", "care", "hours", "land")
FLOORS: Final = {"bread": 0.5, "milk": 0.3}
CREDITS_A_PERSON: Final = 10.0


def make_two_levels(seed: int, regions: int = 3, councils: int = 3) -> Json:
    """An economy file of two levels, the same for the same numbers."""
    chance = Random(f"two levels {seed}")
    names = REGIONS[:regions]
    counts = {name: [chance.randint(20, 60) for _ in range(councils)] for name in names}
    people = {name: sum(counted) for name, counted in counts.items()}
    consumers = [
        _council(chance, f"{name}-{number}", name, count) for name in names for number, count in enumerate(counts[name])
    ]
    workplaces = [row for name in names for row in _workplaces(chance, name, people[name])]
    everybody = sum(people.values())
    consumers.append(_common_tasks(chance, everybody))
    return {
        "format": "rochdale-economy/1",
        "made_up": True,
        "goods": [_good(chance, good, people) for good in PRICES],
        "consumers": consumers,
        "workplaces": workplaces + _shared_works(chance, everybody),
    }


def _good(chance: Random, name: str, people: dict[str, int]) -> Json:
    everybody = sum(people.values())
    row: Json = {
        "id": name,
        "unit": {"hours": "HUR", "land": "HAR", "money": "C62"}.get(name, "KGM"),
        "kind": KINDS.get(name, "good"),
        "start_price": _text(PRICES[name] * chance.uniform(0.8, 1.25)),
        "endowment": _text({"co2": 2.2 * everybody, "money": 2.5 * everybody}.get(name, 0.0)),
    }
    if name in REGIONAL:
        share = {"hours": 0.65, "land": 0.5}.get(name, 0.0)
        row["regional"] = {
            region: _text(share * count * chance.uniform(0.8, 1.2)) for region, count in people.items() if share
        }
    return row


def _council(chance: Random, name: str, region: str, people: int) -> Json:
    credits = CREDITS_A_PERSON * people
    here = chance.uniform(0.45, 0.65)
    return {
        "id": name,
        "region": region,
        "nests": [
            _nest(chance, EATEN_HERE, credits * here, people),
            _nest(chance, EATEN_SHARED, credits * (1 - here), people),
        ],
    }


def _common_tasks(chance: Random, people: int) -> Json:
    """What the regions do together, a hospital say, eats above."""
    return {"id": "common tasks", "nests": [_nest(chance, ("tools", "energy", "milk"), 0.5 * people, 0)]}


def _nest(chance: Random, goods: tuple[str, ...], credits: float, people: int) -> Json:
    cells = {
        good: {"weight": _text(chance.uniform(0.5, 2.0)), "floor": _text(FLOORS.get(good, 0.0) * people)}
        for good in goods
    }
    return {"sigma": chance.choice(("0", "0.5", "1", "2")), "credits": _text(credits), "goods": cells}


def _workplaces(chance: Random, region: str, people: int) -> list[Json]:
    def of(name: str, per_person: float, *techniques: Recipe) -> Json:
        return _workplace(chance, f"{region}-{name}", per_person * people, techniques) | {"region": region}

    # One region is good at grain, the next at milk: what it has over, the others lack.
    grain, milk = chance.choice(((4.0, 0.6), (0.5, 3.0), (2.0, 1.5)))
    return [
        of("bakery", 2.0, ({"bread": -1, "grain": 0.8, "hours": 0.06, "energy": 0.8, "co2": 0.1}, 1.0)),
        of("garden", 2.5, ({"vegetables": -1, "hours": 0.07, "land": 0.1, "energy": 0.2, "co2": 0.1}, 1.0)),
        of("carers", 0.4, ({"care": -1, "hours": 1.0, "energy": 0.5}, 1.0)),
        of("fields", grain, ({"grain": -1, "hours": 0.01, "land": 0.1, "energy": 0.1, "co2": 0.2}, 1.0)),
        of(
            "herd",
            milk,
            ({"milk": -1, "hours": 0.03, "land": 0.08, "energy": 0.1, "co2": 0.5}, 1.0),
            ({"milk": -1, "hours": 0.03, "grain": 0.5, "energy": 0.1, "co2": 0.4}, 1.0),
        ),
        of("wind", 1.5, ({"energy": -1, "hours": 0.01, "land": 0.02}, 1.0)),
    ]


def _shared_works(chance: Random, people: int) -> list[Json]:
    works = [_workplace(chance, "toolworks", 0.2 * people, (({"tools": -1, "energy": 20, "money": 4, "co2": 1}, 1.0),))]
    for good in ("grain", "milk", "oil", "tools", "energy"):
        net = {good: -1.0, "money": PRICES[good] * chance.uniform(0.9, 1.3)}
        works.append(_workplace(chance, f"import-{good}", 3.0 * people, ((net, 1.0),), effort=0.0))
    return works


def _workplace(
    chance: Random,
    name: str,
    capacity: float,
    techniques: tuple[Recipe, ...],
    effort: float = 0.3,
) -> Json:
    rows = []
    for net, use in techniques:
        worth = sum(-amount * PRICES[good] for good, amount in net.items() if amount < 0)
        said = {good: _text(amount) for good, amount in net.items()}
        steep = effort * worth * chance.uniform(0.5, 1.5) / capacity
        rows.append({"net": said, "capacity_use": _text(use), "effort": _text(steep)})
    return {"id": name, "capacity": _text(capacity), "least": "0", "techniques": rows}


def _text(number: float) -> str:
    return f"{number:.6f}".rstrip("0").rstrip(".")
