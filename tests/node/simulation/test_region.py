"""The made-up region: complete, consistent with itself, and labelled made up wherever it is read."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from node.simulation.region.calls import table_row
from node.simulation.region.cards import council_row, list_floors, to_whole, workplace_rows
from node.simulation.region.economy import format_decimal
from node.simulation.region.prices import Recipe, cost_prices
from node.simulation.region.products import load_products, required_sections
from node.simulation.region.region import MADE_UP_NOTICE, Region, Workplace, check_region, load_region
from node.use_cases.planning.calls.table import TableFile, read_table
from protocol.core.errors import MisuseError
from protocol.core.quantities import UNITS
from protocol.supply.cost_sheet import HEADINGS, CostLine, CostSheet, check_cost_sheet
from protocol.supply.disclosure import SECTIONS
from protocol.supply.product import audit_code


@pytest.fixture(scope="module")
def region() -> Region:
    return load_region()


def test_the_region_is_as_large_as_a_region_should_be(region: Region) -> None:
    assert len(region.coops) >= 4
    assert len(region.producers) == 6
    assert 14 <= len(region.workplaces) <= 24
    assert len(region.coops) + len(region.producers) >= 10
    assert 60 <= len(region.goods) <= 80
    assert region.made_up
    assert MADE_UP_NOTICE.startswith("Made up")


def test_there_are_labour_land_a_cap_outside_money_and_one_nest_of_complements(region: Region) -> None:
    kinds = [good.kind for good in region.goods]
    assert (kinds.count("labour"), kinds.count("land"), kinds.count("cap"), kinds.count("outside")) == (3, 2, 1, 1)
    assert [nest.id for nest in region.nests if nest.sigma == 0] == ["breakfast"]
    assert all(good.unit in UNITS for good in region.goods)
    assert any(workplace.least for workplace in region.workplaces)


def test_every_good_has_a_start_price_and_every_consumer_good_a_till_rule(region: Region) -> None:
    assert all(good.start_price > 0 for good in region.goods)
    assert all(good.till and good.share > 0 for good in region.consumer_goods)


def test_the_price_of_wheat_is_what_its_recipe_costs(region: Region) -> None:
    # 0.75 ha x 6 + 0.4 h x 12 + 1.2 l x 1.4 + 2 kg x (1.1 + 4.5 x 0.08) + 24 kg x 0.08, a tenth on top, for 100 kg.
    inputs = Decimal("4.5") + Decimal("4.8") + Decimal("1.68") + Decimal("2.92") + Decimal("1.92")
    assert region.start_prices()["wheat"] == (inputs * Decimal("1.1") / 100).quantize(Decimal("0.000001"))


def test_a_good_made_from_itself_or_from_nothing_known_is_refused() -> None:
    loop = [Recipe({"egg": Decimal(1)}, {"hen": Decimal(1)}), Recipe({"hen": Decimal(1)}, {"egg": Decimal(1)})]
    with pytest.raises(MisuseError, match="made from itself"):
        cost_prices({}, loop, {})
    with pytest.raises(MisuseError, match="grain is neither made nor bought"):
        cost_prices({}, [Recipe({"egg": Decimal(1)}, {"grain": Decimal(1)})], {})


def test_a_name_that_stands_nowhere_is_refused(region: Region) -> None:
    producer = region.producers[0]
    workplace = producer.workplaces[0]
    technique = msgspec.structs.replace(workplace.techniques[0], uses={"unobtainium": Decimal(1)})
    broken: Workplace = msgspec.structs.replace(workplace, techniques=(technique,))
    other = msgspec.structs.replace(producer, workplaces=(broken,))
    with pytest.raises(MisuseError, match="unobtainium"):
        check_region(msgspec.structs.replace(region, producers=(other,)))
    with pytest.raises(MisuseError, match="stands twice"):
        check_region(msgspec.structs.replace(region, coops=(*region.coops, region.coops[0])))
    with pytest.raises(MisuseError, match="a nest that is not there"):
        check_region(msgspec.structs.replace(region, nests=region.nests[1:]))


def test_the_goods_table_passes_the_rules_of_a_call(region: Region) -> None:
    table = read_table(msgspec.convert(table_row(region), TableFile))
    assert len(table.trade) == len(region.trade)
    bread = table.goods[[good.id for good in region.goods].index("bread_wheat")]
    assert Decimal(bread.start_price_micro) / 1_000_000 == region.start_prices()["bread_wheat"]
    with pytest.raises(MisuseError, match="more decimals"):
        to_whole(Decimal("0.5"), "oats")


def test_what_members_release_is_plain_rows(region: Region) -> None:
    council = council_row(region)
    assert {good for nest in council["nests"] for good in nest["goods"]} == council["till"].keys()
    assert {floor.good for floor in list_floors(region)} >= {"bread_wheat", "milk", "oats"}
    rows: list[dict[str, Any]] = [row for producer in region.producers for row in workplace_rows(producer)]
    assert [row["id"] for row in rows] == [workplace.id for workplace in region.workplaces]


@pytest.mark.parametrize(
    "text, shown", [("1.50", "1.5"), ("100", "100"), ("1E-9", "0.000000001"), ("0", "0"), ("2E+3", "2000")]
)
def test_decimals_are_written_without_exponent_or_idle_zeros(text: str, shown: str) -> None:
    assert format_decimal(Decimal(text)) == shown


def test_cost_sheets_add_up_to_the_cent_and_pass_the_rules_of_prices(region: Region) -> None:
    products = load_products(region)
    assert len(products) >= 40
    assert len({product.code for product in products}) == len(products)
    for product in products:
        assert product.made_up
        assert audit_code(product.code, "code") == []
        lines = [CostLine(line.heading, line.label, line.amount_cents, "public", None) for line in product.cost_lines]
        sheet = CostSheet(product.currency, 2, product.unit, "en", product.price_cents, 0, lines)
        check_cost_sheet(sheet)
        assert {line.heading for line in product.cost_lines} <= HEADINGS.keys()
        assert min(line.amount_cents for line in product.cost_lines) > 0


def test_the_price_of_the_wheat_loaf_is_what_its_recipe_costs(region: Region) -> None:
    loaf = next(product for product in load_products(region) if product.good == "bread_wheat")
    cents = {line.heading: line.amount_cents for line in loaf.cost_lines}
    # For 100 loaves: 3.6 hours at 17.50, 100 bags at 0.07; a twentieth of all before it is tax.
    assert (cents["labour"], cents["packaging"]) == (63, 7)
    assert cents["tax"] == round(sum(cents.values()) / 21)
    assert loaf.price_cents == 122


def test_some_disclosures_have_gaps_and_every_text_says_that_it_is_made_up(region: Region) -> None:
    products = load_products(region)
    assert set(required_sections()) == SECTIONS.keys()
    gaps = [product for product in products if product.missing]
    assert 3 <= len(gaps) < len(products) / 4
    for product in products:
        assert product.sections.keys() | set(product.missing) == SECTIONS.keys()
        assert not product.sections.keys() & set(product.missing)
        assert all(text.startswith("Made up.") and "{" not in text for text in product.sections.values())
