"""Reading an economy file: what is written is what is planned with, and mistakes are named by their place."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from protocol.core.errors import RefusedError
from protocol.planning.economy_file import parse_economy, read_economy
from tests.protocol.planning.economies import village


def encoded(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode()


def test_the_village_reads_as_written() -> None:
    file = parse_economy(encoded(village()))
    bread, hours = file.table.goods[0], file.table.goods[3]
    assert (bread.id, bread.unit, bread.start_price_micro) == ("bread", "KGM", 2_000_000)
    assert hours.endowment == 60 * 10**hours.decimals
    north = file.consumers[0].nests[0]
    assert north.credits_micro == 150_000_000
    assert north.floors == (5 * 10**bread.decimals, 0)
    assert file.workplaces[1].techniques[0].net == ((0, -1_000_000), (2, 700_000), (3, 200_000), (4, 300_000))
    assert file.tastes["south"].nests[0].sigma == 0.0
    assert file.efforts["oven"].costs == (0.003,)


def test_wants_are_what_the_credits_buy_at_start_prices() -> None:
    file = parse_economy(encoded(village()))
    nest = file.consumers[1].nests[0]
    units = [10 ** file.table.goods[good].decimals for good in nest.goods]
    bread, milk = ((want - floor) / unit for want, floor, unit in zip(nest.wants, nest.floors, units, strict=True))
    assert bread == pytest.approx(30, rel=1e-4)
    assert milk == pytest.approx(30, rel=1e-4)


def test_units_are_far_finer_than_the_smallest_want() -> None:
    file = parse_economy(encoded(village()))
    for card in file.consumers:
        for nest in card.nests:
            for floor, want in zip(nest.floors, nest.wants, strict=True):
                assert want - floor > 1_000


def test_numbers_that_do_not_fit_are_rounded_to_the_safe_side() -> None:
    document = village()
    document["workplaces"][0]["capacity"] = "0.0000019"
    document["workplaces"][0]["least"] = "0.0000001"
    card = parse_economy(encoded(document)).workplaces[0]
    assert (card.capacity, card.least) == (1, 1)


def broken(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    document = village()
    change(document)
    return document


MISTAKES: list[tuple[str, Callable[[dict[str, Any]], object], str]] = [
    ("another format", lambda d: d.update(format="rochdale-economy/9"), "format"),
    ("no goods at all", lambda d: d.pop("goods"), "goods"),
    ("a good twice", lambda d: d["goods"].append(d["goods"][0]), "goods"),
    ("a kind that there is not", lambda d: d["goods"][0].update(kind="gold"), "goods.bread.kind"),
    ("a price as a number", lambda d: d["goods"][0].update(start_price=2), "goods.bread.start_price"),
    ("a price in words", lambda d: d["goods"][0].update(start_price="two"), "goods.bread.start_price"),
    ("an endless price", lambda d: d["goods"][0].update(start_price="Infinity"), "goods.bread.start_price"),
    ("a council without a name", lambda d: d["consumers"][0].pop("id"), "consumers[0].id"),
    ("credits missing", lambda d: d["consumers"][0]["nests"][0].pop("credits"), "consumers.north.nests[0].credits"),
    (
        "an unknown good in a nest",
        lambda d: d["consumers"][0]["nests"][0]["goods"].update(gold={"weight": "1"}),
        "consumers.north.nests[0].goods",
    ),
    (
        "a weight of nothing",
        lambda d: d["consumers"][0]["nests"][0]["goods"]["bread"].update(weight="0"),
        "consumers.north.nests[0].goods.bread.weight",
    ),
    (
        "credits below nothing",
        lambda d: d["consumers"][0]["nests"][0].update(credits="-1"),
        "consumers.north.nests[0].credits",
    ),
    (
        "a floor below nothing",
        lambda d: d["consumers"][0]["nests"][0]["goods"]["bread"].update(floor="-0.5"),
        "consumers.north.nests[0].goods.bread.floor",
    ),
    (
        "an elasticity that there is not",
        lambda d: d["consumers"][0]["nests"][0].update(sigma="21"),
        "consumers.north.nests[0].sigma",
    ),
    ("no number at all", lambda d: d["goods"][3].update(endowment="NaN"), "goods.hours.endowment"),
    ("an exponent", lambda d: d["goods"][3].update(endowment="6e1"), "goods.hours.endowment"),
    ("a grouped number", lambda d: d["goods"][3].update(endowment="6_0"), "goods.hours.endowment"),
    ("figures of another script", lambda d: d["goods"][3].update(endowment="\u0666"), "goods.hours.endowment"),
    ("a price of nothing", lambda d: d["goods"][0].update(start_price="0"), "goods.bread.start_price"),
    ("no capacity", lambda d: d["workplaces"][1].update(capacity="0"), "workplaces.oven.capacity"),
    ("a council twice", lambda d: d["consumers"].append(d["consumers"][0]), "consumers"),
    ("a workplace twice", lambda d: d["workplaces"].append(d["workplaces"][0]), "workplaces"),
    ("a council named as a workplace", lambda d: d["consumers"][0].update(id="oven"), "workplaces"),
    (
        "less in a recipe than can be counted",
        lambda d: d["workplaces"][1]["techniques"][0]["net"].update(co2="0.0000004"),
        "workplaces.oven.techniques[0].net.co2",
    ),
    (
        "an unknown good in a recipe",
        lambda d: d["workplaces"][1]["techniques"][0]["net"].update(gold="1"),
        "workplaces.oven.techniques[0].net",
    ),
    (
        "an effort below nothing",
        lambda d: d["workplaces"][1]["techniques"][0].update(effort="-1"),
        "workplaces.oven.techniques[0].effort",
    ),
    ("techniques that are no list", lambda d: d["workplaces"][1].update(techniques={}), "workplaces.oven.techniques"),
]


@pytest.mark.parametrize(("change", "place"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES])
def test_a_mistake_is_refused_with_its_place(change: Callable[[dict[str, Any]], object], place: str) -> None:
    with pytest.raises(RefusedError) as refused:
        read_economy(broken(change))
    assert [finding.place for finding in refused.value.findings] == [place]


def test_a_name_twice_in_one_object_is_refused() -> None:
    raw = encoded(village()).replace(b'"milk": {"weight"', b'"bread": {"weight"', 1)
    with pytest.raises(RefusedError, match="'bread' stands twice"):
        parse_economy(raw)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 5000])
def test_what_is_not_an_economy_is_refused(raw: bytes) -> None:
    with pytest.raises(RefusedError, match="file"):
        parse_economy(raw)
