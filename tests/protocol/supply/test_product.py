"""Products and disclosures by themselves: codes, names, units, sections."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import ean

from protocol.core.errors import RefusedError
from protocol.core.quantities import Quantity
from protocol.supply.disclosure import SECTIONS, Section, audit_disclosure, check_disclosure, is_filled, list_missing
from protocol.supply.product import check_product, is_gtin
from tests.protocol.supply.made_up_logs import disclosure, loaf, section


@given(st.text("0123456789", min_size=6, max_size=15))
def test_a_gtin_is_what_python_stdnum_calls_one(digits: str) -> None:
    assert is_gtin(digits) == ean.is_valid(digits)


@given(st.sampled_from((7, 11, 12, 13)).flatmap(lambda count: st.text("0123456789", min_size=count, max_size=count)))
def test_exactly_one_check_digit_makes_a_gtin(digits: str) -> None:
    assert [last for last in "0123456789" if is_gtin(digits + last)] == [ean.calc_check_digit(digits)]


def test_digits_of_other_scripts_are_no_gtin() -> None:
    assert is_gtin("4006381333931")
    assert not is_gtin("٤٠٠٦٣٨١٣٣٣٩٣١")


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"code": "4006381333932"}, "code: the check digit of this GTIN is wrong"),
        ({"code": "bread"}, "code: neither a GTIN"),
        ({"code": "in-house:"}, "code: an in-house code is"),
        ({"names": {}}, "names: is missing"),
        ({"names": {"english": "loaf"}}, "names: is no language tag"),
        ({"names": {"en": "  "}}, "names.en: is empty"),
        ({"names": {"en": "loaf\u202e"}}, "names.en: holds a control character"),
        ({"maker": "Oak Bakery"}, "maker: not the name of a log"),
        ({"unit": "loaf"}, "unit: no UN/ECE unit code"),
        ({"piece": Quantity(0, "GRM", 0)}, "piece.amount: must be more than nothing"),
        ({"shelf_life_days": 0}, "shelf_life_days: must be 1 to 36500 days, or not be told"),
        ({"case": Quantity(12, "KGM", 0)}, "case.unit: is counted in C62"),
        ({"version": 0}, "version: not a version"),
    ],
)
def test_a_product_that_is_not_right_is_refused_with_place_and_reason(changes: dict[str, object], finding: str) -> None:
    check_product(loaf())
    with pytest.raises(RefusedError) as refused:
        check_product(loaf(**changes))
    assert any(str(each).startswith(finding) for each in refused.value.findings)


def test_names_in_scripts_that_join_and_run_right_to_left_are_welcome() -> None:
    check_product(loaf(names={"fa": "نان\u200cگندم", "hi": "गेहूँ की रोटी"}))


def test_a_full_disclosure_lacks_nothing_and_an_empty_one_names_each_section() -> None:
    required = ("ingredients", "working_conditions")
    assert list_missing(disclosure(*required).sections, required) == []
    missing = list_missing(disclosure("ingredients").sections, required)
    assert [str(each) for each in missing] == ["disclosure.working_conditions: working conditions: not disclosed yet"]


@pytest.mark.parametrize(
    ("scope", "filled"), [("public", True), ("buyers", True), ("federation", True), ("auditors", False)]
)
def test_a_section_is_filled_when_the_members_who_pay_can_read_it(scope: str, filled: bool) -> None:
    hidden = Section(name="delivery", scope=scope, texts={}, commitment=bytes(32))
    shown = section("delivery")
    assert is_filled(shown if scope == "public" else hidden) == filled
    assert not is_filled(Section(name="delivery", scope=scope, texts={}, commitment=None))


def test_a_section_for_auditors_alone_is_named_as_such() -> None:
    told = disclosure("ingredients")
    hidden = Section(name="delivery", scope="auditors", texts={}, commitment=bytes(32))
    told.sections.append(hidden)
    (missing,) = list_missing(told.sections, ("delivery",))
    assert missing.reason == "delivery cost: only appointed auditors can read it"


@pytest.mark.parametrize(
    ("wrong", "finding"),
    [
        (section("colour"), "sections.colour: is no section"),
        (section("ingredients"), "sections.ingredients: is there twice"),
        (section("delivery", ""), "sections.delivery.texts.en: is empty"),
        (
            Section("delivery", "buyers", {"en": "shown"}, bytes(32)),
            "sections.delivery.texts: a section that",
        ),
        (Section("delivery", "buyers", {}, bytes(31)), "sections.delivery.commitment: must be 32 bytes"),
        (Section("delivery", "buyers", {}, None), "sections.delivery.commitment: must be 32 bytes"),
        (Section("delivery", "public", {"en": "x"}, bytes(32)), "sections.delivery.commitment: a public"),
        (Section("delivery", "friends", {}, bytes(32)), "sections.delivery.scope: is none of"),
    ],
)
def test_a_disclosure_that_is_not_right_is_refused_with_place_and_reason(wrong: Section, finding: str) -> None:
    told = disclosure("ingredients")
    check_disclosure(told)
    told.sections.append(wrong)
    with pytest.raises(RefusedError) as refused:
        check_disclosure(told)
    assert any(str(each).startswith(finding) for each in refused.value.findings)


def test_a_cost_below_nothing_is_refused() -> None:
    with pytest.raises(RefusedError, match="cost: is less than nothing"):
        check_disclosure(disclosure("ingredients", cost_cents=-1))
    check_disclosure(disclosure("ingredients", cost_cents=0))


def test_a_section_may_have_several_lines_and_no_tabs() -> None:
    told = disclosure()
    told.sections[:] = [section("quality", "dry\nclean")]
    check_disclosure(told)
    told.sections[:] = [section("quality", "dry\tclean")]
    assert [finding.place for finding in audit_disclosure(told)] == ["sections.quality.texts.en"]


def test_a_disclosure_names_its_product_its_maker_and_its_version() -> None:
    wrong = msgspec.structs.replace(disclosure("ingredients"), product="12", maker="two words", version=0)
    assert [finding.place for finding in audit_disclosure(wrong)] == ["product", "maker", "version"]


def test_the_last_section_is_looked_at_too_and_one_beyond_all_names() -> None:
    told = disclosure(*sorted(SECTIONS))
    check_disclosure(told)
    told.sections.append(section("colour"))
    assert [finding.place for finding in audit_disclosure(told)] == ["sections.colour"]
    told.sections[-2:] = [section(told.sections[-2].name, "")]
    assert [finding.place for finding in audit_disclosure(told)] == [f"sections.{told.sections[-1].name}.texts.en"]
