"""Periods: the farm of the page, what its plan must be, and what is refused with its place in the file."""

import copy
import json
from typing import Any

import msgspec
import pytest

from node.clock import Clock
from node.use_cases.planning.deliveries.degrees import read_places
from node.use_cases.planning.deliveries.ways import deliver_plan
from node.use_cases.planning.trials.trial import Trial, TrialTerms, run_trial
from protocol.core.errors import RefusedError
from protocol.planning.delivery.document import check_delivery
from protocol.planning.economy_file import read_economy
from protocol.planning.nested.levels_file import read_levels
from protocol.planning.periods.expansion import expand_periods
from tests.protocol.planning.economies import village
from tests.protocol.planning.test_spec_pages import SPEC, example


def farm() -> dict[str, Any]:
    """The made-up farm of two seasons."""
    return dict(example("periods.md"))


@pytest.fixture(scope="module")
def trial() -> Trial:
    """Its plan at 0.1 %."""
    return run_trial(read_economy(farm(), 1_000), TrialTerms(), Clock())


def stock(trial: Trial, good: str, period: str) -> dict[str, float]:
    (row,) = [one for one in trial.result.stocks if (one.good, one.period) == (good, period)]
    amounts = {name: value for name, value in msgspec.structs.asdict(row).items() if name not in ("good", "period")}
    return {name: float(value) for name, value in amounts.items()}


def test_summers_potatoes_are_eaten_in_winter_and_milk_does_not_wait(trial: Trial) -> None:
    assert trial.result.converged and trial.result.certificate.holds
    summer, winter = stock(trial, "potatoes", "summer"), stock(trial, "potatoes", "winter")
    assert summer["made"] == pytest.approx(200, abs=0.1) and winter["made"] == 0
    assert summer["kept"] > 80 and winter["from_before"] == pytest.approx(0.9 * summer["kept"], rel=1e-3)
    assert winter["eaten"] == pytest.approx(winter["from_before"], rel=1e-3)
    for period in ("summer", "winter"):
        milk = stock(trial, "milk", period)
        assert milk["kept"] == milk["from_before"] == 0 and milk["eaten"] == pytest.approx(milk["made"], rel=1e-3)


def test_every_stock_is_what_came_less_what_went(trial: Trial) -> None:
    for row in trial.result.stocks:
        amounts = stock(trial, row.good, row.period)
        came = amounts["there"] + amounts["made"] + amounts["from_before"]
        went = amounts["used"] + amounts["eaten"] + amounts["kept"] + amounts["left"]
        assert came == pytest.approx(went, abs=0.01) and amounts["left"] >= 0


def test_what_keeping_leaves_is_the_ratio_of_the_signals(trial: Trial) -> None:
    prices = {name: float(price) for name, price in trial.result.prices.items()}
    assert prices["potatoes in summer"] == pytest.approx(0.9 * prices["potatoes in winter"], rel=1e-4)
    assert prices["milk in winter"] > 3 * prices["milk in summer"]


def test_the_page_tells_the_plan(trial: Trial) -> None:
    page = (SPEC / "periods.md").read_text()
    summer, winter = stock(trial, "potatoes", "summer"), stock(trial, "potatoes", "winter")
    for told in (f"{summer['kept']:.1f} of 200 kg", f"{winter['from_before']:.1f} are left"):
        assert told in page
    for good in ("potatoes in summer", "potatoes in winter"):
        assert trial.result.prices[good] in page


def test_without_a_store_winter_has_no_potatoes_and_its_need_is_named() -> None:
    document = farm()
    del document["goods"][0]["store"]
    with pytest.raises(RefusedError) as refusal:
        run_trial(read_economy(document, 10_000), TrialTerms(), Clock())
    assert [one.place for one in refusal.value.findings] == ["potatoes in winter"]


def test_a_file_without_periods_is_what_it_was() -> None:
    document = village()
    assert expand_periods(document) is document


def test_one_period_gives_the_plan_of_a_file_without() -> None:
    document = village()
    plain = run_trial(read_economy(document, 1_000), TrialTerms(), Clock()).result
    named = run_trial(read_economy({**document, "periods": ["week"]}, 1_000), TrialTerms(), Clock()).result
    assert named.welfare == plain.welfare and named.rounds == plain.rounds
    assert list(named.prices.values()) == list(plain.prices.values())
    assert list(named.prices) == [f"{name} in week" for name in plain.prices]


def test_the_file_is_written_out_as_the_page_says() -> None:
    written = expand_periods(farm())
    assert json.loads(json.dumps(written)) == written and "periods" not in written
    assert [one["id"] for one in written["goods"]] == [
        *(f"{good} in {period}" for good in ("potatoes", "milk", "hours") for period in ("summer", "winter")), "co2",
    ]  # fmt: skip
    assert [one["id"] for one in written["workplaces"]] == [
        "field in summer",
        "cows in summer",
        "cows in winter",
        "potatoes kept from summer",
    ]
    store = written["workplaces"][-1]["techniques"][0]["net"]
    assert store == {"hours in summer": "0.01", "potatoes in summer": "1", "potatoes in winter": "-0.9"}
    assert written["workplaces"][2]["techniques"][0]["net"]["co2"] == "0.4"
    assert [nest["credits"] for nest in written["consumers"][0]["nests"]] == ["80.000000", "80.000000"]


def test_credits_are_divided_to_the_last_millionth() -> None:
    document = farm()
    document["periods"] = ["spring", "summer", "winter"]
    document["consumers"][0]["nests"][0]["credits"] = "100"
    nests = expand_periods(document)["consumers"][0]["nests"]
    assert [nest["credits"] for nest in nests] == ["33.333334", "33.333333", "33.333333"]
    document["consumers"][0]["nests"][0]["credits"] = {"winter": "60", "summer": "40"}
    assert [nest["credits"] for nest in expand_periods(document)["consumers"][0]["nests"]] == ["40", "60"]


def test_a_technique_may_belong_to_some_periods_and_a_weight_too() -> None:
    document = farm()
    document["workplaces"][1]["techniques"][0]["periods"] = ["winter"]
    document["consumers"][0]["nests"][0]["goods"]["milk"]["weight"] = {"summer": "2"}
    written = expand_periods(document)
    assert [one["id"] for one in written["workplaces"]][:2] == ["field in summer", "cows in winter"]
    assert [list(nest["goods"]) for nest in written["consumers"][0]["nests"]] == [
        ["potatoes in summer", "milk in summer"],
        ["potatoes in winter"],
    ]


def test_what_is_sown_in_one_period_is_reaped_in_the_next_and_otherwise_says_the_rest() -> None:
    document = farm()
    document["periods"] = ["spring", "summer", "winter"]
    document["workplaces"][0] = {
        "id": "field",
        "capacity": {"otherwise": "200", "winter": "0"},
        "techniques": [{"net": {"hours": "0.1", "co2": "0.1"}, "next": {"potatoes": "-1"}}],
    }
    written = {one["id"]: one for one in expand_periods(document)["workplaces"]}
    assert written["field in spring"]["techniques"][0]["net"] == {
        "hours in spring": "0.1",
        "co2": "0.1",
        "potatoes in summer": "-1",
    }
    assert "field in summer" in written and "field in winter" not in written
    document["workplaces"][0]["techniques"][0]["next"]["co2"] = "0.2"
    with pytest.raises(RefusedError, match="'co2' lasts"):
        expand_periods(document)
    document["periods"] = ["otherwise"]
    with pytest.raises(RefusedError, match="periods"):
        expand_periods(document)


def _set(document: dict[str, Any], path: str, value: object) -> None:
    *way, last = path.split("/")
    place: Any = document
    for step in way:
        place = place[int(step) if step.isdigit() else step]
    place[last] = value


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("periods", [], "periods"),
        ("periods", ["a", "a"], "periods"),
        ("periods", ["x" * 33], "periods"),
        ("periods", "summer", "periods"),
        ("periods", [1], "periods"),
        ("goods/0/store", "yes", "goods[0].store"),
        ("goods/0/store/keeps", "1.1", "goods[0].store.keeps"),
        ("goods/0/store/keeps", "0", "goods[0].store.keeps"),
        ("goods/0/store/keeps", 0.9, "goods[0].store.keeps"),
        ("goods/0/store/capacity", {"autumn": "1"}, "goods[0].store.capacity"),
        ("goods/0/store/net", {"potatoes": "0.1"}, "goods[0].store.net"),
        ("goods/3/store", {"capacity": "1"}, "goods[3].store"),
        ("goods/3/lasting", "yes", "goods[3].lasting"),
        ("goods/3/lasting", 1, "goods[3].lasting"),
        ("goods", [{"id": str(number)} for number in range(1_025)], "goods"),
        ("consumers", [{}] * 4_097, "consumers"),
        ("workplaces", [{}] * 4_097, "workplaces"),
        ("goods/2/endowment", {"autumn": "1"}, "goods[2].endowment"),
        ("consumers/0/nests/0/goods/co2", {"weight": "1"}, "consumers[0].nests[0].goods.co2"),
        ("consumers/0/nests/0/goods/milk/weight", {"autumn": "1"}, "consumers[0].nests[0].goods.milk.weight"),
        ("consumers/0/nests/0/goods/potatoes/weight", {"summer": "1"}, "consumers[0].nests[0].goods.potatoes.floor"),
        ("workplaces/0/techniques/0/periods", ["autumn"], "workplaces[0].techniques[0].periods"),
        ("workplaces/0/techniques/0/periods", [], "workplaces[0].techniques[0].periods"),
        ("workplaces/0/techniques", {}, "workplaces[0].techniques"),
        ("workplaces/0/capacity", {"summer": "200", "autumn": "1"}, "workplaces[0].capacity"),
        ("goods", {}, "goods"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(path: str, value: object, place: str) -> None:
    document = copy.deepcopy(farm())
    _set(document, path, value)
    with pytest.raises(RefusedError) as refusal:
        read_economy(document)
    assert refusal.value.findings[0].place == place


def test_batches_are_batches_in_each_period() -> None:
    document = farm()
    document["workplaces"][1]["techniques"][0]["batch"] = "25"
    result = run_trial(read_economy(document, 1_000), TrialTerms(batches_wait_s=1.0), Clock()).result
    assert result.certificate.holds and result.batches is not None
    assert [(row.card, row.batch) for row in result.batches.techniques] == [
        ("cows in summer", "25"),
        ("cows in winter", "25"),
    ]
    milked = [level for name, levels in result.activity.items() if name.startswith("cows") for level in levels]
    assert len(milked) == 2 and all(int(level) % 25 == 0 for level in milked)


def test_a_workplace_is_in_every_period_where_it_is_and_a_store_where_its_good_is(trial: Trial) -> None:
    places = {"field": (53.7, -2.1), "cows": (53.6, -2.2), "potatoes": (53.5, -2.2)}
    places |= {"north": (53.62, -2.16), "south": (53.48, -2.24)}
    delivery = deliver_plan(trial.plan, read_places({name: [*place] for name, place in places.items()}))
    assert check_delivery(trial.plan, delivery).findings == ()
    ways = {(good.good, load.source, load.to) for good in delivery.goods for load in good.loads}
    assert ("potatoes in winter", "potatoes kept from summer", "north") in ways
    assert ("milk in winter", "cows in winter", "north") in ways
    with pytest.raises(RefusedError) as refusal:
        deliver_plan(trial.plan, read_places({name: [*place] for name, place in places.items() if name != "cows"}))
    assert [one.place for one in refusal.value.findings] == ["places.cows in summer", "places.cows in winter"]


def test_a_plan_of_two_levels_has_one_period() -> None:
    with pytest.raises(RefusedError, match="one period"):
        read_levels(farm(), 10_000)
