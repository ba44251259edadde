"""Made-up economies for the tests of planning, and a driver that lets every participant answer honestly."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from protocol.planning.cards import GoodsTable
from protocol.planning.clearing import clear_plan
from protocol.planning.economy import Economy, build_economy
from protocol.planning.economy_file import EconomyFile, read_economy
from protocol.planning.plan import Plan, make_plan
from protocol.planning.responses import answer_consumer, answer_workplace, regret_consumer, regret_workplace
from protocol.planning.rounds import Answer, RoundReport, close_round, start_state
from protocol.planning.state import State, hash_state

SHARED = Path(__file__).resolve().parents[4] / "shared"
VILLAGE = Path(__file__).resolve().parents[2] / "vectors" / "planning" / "village.json"
Answers = dict[str, Answer | None]


def village() -> dict[str, Any]:
    """Two councils, a mill, a bakery and a farm, outside milk: small enough to follow by hand."""
    return dict(json.loads(VILLAGE.read_bytes()))


def _good(name: str, unit: str, kind: str, price: str, endowment: str = "0") -> dict[str, str]:
    return {"id": name, "unit": unit, "kind": kind, "start_price": price, "endowment": endowment}


def _nest(sigma: str, credits: str, goods: dict[str, tuple[str, str]]) -> dict[str, Any]:
    cells = {name: {"weight": weight, "floor": floor} for name, (weight, floor) in goods.items()}
    return {"sigma": sigma, "credits": credits, "goods": cells}


def _workplace(name: str, capacity: str, techniques: list[tuple[dict[str, str], str, str]]) -> dict[str, Any]:
    rows = [{"net": net, "capacity_use": use, "effort": effort} for net, use, effort in techniques]
    return {"id": name, "capacity": capacity, "techniques": rows}


def region(seed: int, councils: int = 4, eaten: int = 48, sigma: str | None = None) -> dict[str, Any]:
    """About 70 goods: a made-up region with materials, skills, land, an emission cap, floors and outside trade."""
    chance = random.Random(seed)
    materials = [f"material{number:02d}" for number in range(14)]
    foods = [f"food{number:02d}" for number in range(eaten)]
    price = {name: chance.uniform(0.5, 3) for name in materials} | {name: chance.uniform(2, 9) for name in foods}
    price |= {"skill-a": 10.0, "skill-b": 12.0, "land": 3.0, "co2": 0.1, "outside": 1.0}
    demand = {name: chance.uniform(20, 200) * councils for name in foods}
    workplaces, uses = [], dict.fromkeys(price, 0.0)
    for names, inputs in ((foods, materials), (materials, [])):
        for start in range(0, len(names), 3):
            made = names[start : start + 3]
            techniques = [_recipe(chance, name, chance.sample(inputs, min(2, len(inputs))), price) for name in made]
            for name, (net, _, _) in zip(made, techniques, strict=True):
                for used, amount in net.items():
                    uses[used] += max(0.0, float(amount)) * demand.get(name, 0.0)
            capacity = sum(demand.get(name, uses[name]) for name in made) * chance.uniform(0.7, 1.3)
            workplaces.append(_workplace(f"workplace-{made[0]}", f"{capacity:.3f}", techniques))
        demand |= {name: uses[name] + 1 for name in materials}
    for name in foods + materials:
        trade = ({name: "-1", "outside": f"{price[name] * chance.uniform(1.1, 1.5):.6f}"}, "1", "0")
        workplaces.append(_workplace(f"import-{name}", f"{demand[name]:.3f}", [trade]))
    factors = {name: f"{uses[name] * share:.3f}" for name, share in FACTOR_SHARES.items()}
    money = sum(price[name] * demand[name] for name in foods)
    goods = [_good(name, "KGM", "good", f"{price[name] * chance.uniform(0.8, 1.3):.6f}") for name in materials + foods]
    goods += [
        _good("skill-a", "HUR", "labour", "10", factors["skill-a"]),
        _good("land", "HAR", "land", "3", factors["land"]),
    ]
    goods += [
        _good("skill-b", "HUR", "labour", "12", factors["skill-b"]),
        _good("co2", "KGM", "cap", "0.1", factors["co2"]),
    ]
    goods.append(_good("outside", "C62", "outside", "1", f"{money * 0.15:.3f}"))
    consumers = [
        _council(chance, f"council-{number}", foods, price, demand, councils, sigma) for number in range(councils)
    ]
    return {"format": "rochdale-economy/1", "goods": goods, "consumers": consumers, "workplaces": workplaces}


FACTOR_SHARES = {"skill-a": 0.95, "skill-b": 1.0, "land": 1.1, "co2": 0.85}


def _recipe(
    chance: random.Random, name: str, inputs: list[str], price: dict[str, float]
) -> tuple[dict[str, str], str, str]:
    worth = price[name]
    net = {used: 0.3 * worth / price[used] for used in inputs}
    skill = chance.choice(["skill-a", "skill-b"])
    net |= {skill: 0.3 * worth / price[skill], "co2": worth * chance.uniform(0.2, 0.8), "land": 0.1 * worth / 3}
    written = {used: f"{amount:.6f}" for used, amount in net.items()} | {name: "-1"}
    return written, "1", f"{worth * chance.choice([0.00001, 0.0005, 0.003]):.8f}"


def _council(
    chance: random.Random,
    name: str,
    foods: list[str],
    price: dict[str, float],
    demand: dict[str, float],
    councils: int,
    sigma: str | None,
) -> dict[str, Any]:
    chosen = chance.sample(foods, len(foods) * 3 // 4)
    nests, start = [], 0
    while start < len(chosen):
        picked = chosen[start : start + chance.randint(2, 6)]
        start += len(picked)
        wants = {food: demand[food] / councils * chance.uniform(0.5, 1.8) for food in picked}
        credits = sum(wants[food] * price[food] for food in picked)
        flex = sigma or chance.choice(["0", "0.3", "1", "2"])
        power = float(flex)
        cells = {
            food: (f"{want * price[food] ** power:.9f}", f"{want * chance.choice([0, 0, 0.2]):.3f}")
            for food, want in wants.items()
        }
        nests.append(_nest(flex, f"{credits:.4f}", cells))
    return {"id": name, "nests": nests}


def open_trade(file: EconomyFile) -> EconomyFile:
    """The same economy with its import nodes in the goods table, where nobody answers for them."""
    trade = tuple(card for card in file.workplaces if card.id.startswith("import-"))
    own = tuple(card for card in file.workplaces if not card.id.startswith("import-"))
    table = GoodsTable(file.table.format, file.table.tolerance_ppm, file.table.goods, trade)
    return EconomyFile(table, file.consumers, own, file.tastes, file.efforts)


def load(document: dict[str, Any], tolerance_ppm: int = 10_000) -> tuple[EconomyFile, Economy]:
    """An economy with its import nodes as public trade."""
    file = open_trade(read_economy(document, tolerance_ppm))
    return file, build_economy(file.table, file.consumers, file.workplaces)


def honest_answers(file: EconomyFile, economy: Economy, state: State) -> Answers:
    """What everybody would say to this state."""
    reply = hash_state(state)
    answers: Answers = {}
    for consumer in economy.consumers:
        said = answer_consumer(consumer, file.tastes[consumer.id], state, economy)
        answers[consumer.id] = Answer(reply, tuple(said))
    for workplace in economy.workplaces[: economy.answering]:
        said = answer_workplace(workplace, file.efforts[workplace.id], state, economy)
        answers[workplace.id] = Answer(reply, tuple(said))
    return answers


def plan_rounds(
    file: EconomyFile,
    economy: Economy,
    state: State | None = None,
    rounds_most: int = 30,
    change: Callable[[State, Answers], Answers] = lambda _, answers: answers,
) -> tuple[State, list[RoundReport]]:
    """Rounds until close enough; `change` stands between the honest answers and the closed set."""
    state = state or start_state(economy)
    reports: list[RoundReport] = []
    while len(reports) < rounds_most:
        state, report = close_round(economy, state, change(state, honest_answers(file, economy, state)))
        reports.append(report)
        if report.is_close_enough:
            break
    return state, reports


def finished_plan(file: EconomyFile, economy: Economy) -> Plan:
    """A cleared plan after honest rounds."""
    state, reports = plan_rounds(file, economy)
    return make_plan(economy, state, clear_plan(economy, state), reports[-1], {"call": "a made-up call"})


def attested_regrets(file: EconomyFile, plan: Plan) -> dict[str, int]:
    """What everybody says they would still gain."""
    decimals = tuple(good.decimals for good in plan.goods_table.goods)
    regrets = {}
    for card in plan.consumers:
        eaten = plan.consumption[card.id]
        regrets[card.id] = regret_consumer(card, file.tastes[card.id], eaten, plan.prices, decimals)
    for workplace in plan.workplaces:
        levels = plan.activity[workplace.id]
        regrets[workplace.id] = regret_workplace(workplace, file.efforts[workplace.id], levels, plan.prices)
    return regrets


def shared_economy(name: str) -> dict[str, Any]:
    """One of the economies with known optimum; callers skip where ../shared is absent."""
    return dict(json.loads((SHARED / "data" / "economies" / f"{name}.json").read_bytes()))
