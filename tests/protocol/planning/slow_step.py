"""The public step once more, slowly: plain Python numbers and loops, written from docs/spec/planning/planning-step.md.

It shares no arithmetic with protocol/planning; a Python float operation is the same IEEE-754 operation as numpy's.
"""

import math
from math import isqrt, sqrt
from types import SimpleNamespace
from typing import Any

from protocol.planning.cards import Technique as PublicTechnique
from protocol.planning.cards import WorkplaceCard
from protocol.planning.economy import Economy
from protocol.planning.state import State

FIXED, EXTREME, SLACK, MATRIX, ONE = 2.0**44, 2.0**14, 2.0**-36, 2.0**40, 2.0**50
Vector = list[float]
Heard = tuple[Vector, list[Vector], Vector, Vector]
Technique = tuple[dict[int, float], float, float, float, float]


class SlowStep:
    """One economy and one round's integers; `solve` gives prices and quantities as integers."""

    def __init__(self, economy: Economy, state: State, said: list[int]) -> None:
        self.goods = economy.goods
        self.price = [good.start_price_micro / 1_000_000 for good in self.goods]
        self.unit = [float(10**good.decimals) for good in self.goods]
        self.stock = [good.endowment / unit for good, unit in zip(self.goods, self.unit, strict=True)]
        self.cards: tuple[Any, ...] = tuple(row for card in economy.workplaces for row in one_row_a_good(card))
        self._read_edges(economy)
        self._read_techniques(economy)
        self._add_flows()
        carried, metric = state.carried.tolist(), state.metric.tolist()
        self.aim = [2 * x - v for x, v in zip(said, carried, strict=True)]
        self.metric = [m / 2.0**24 for m in metric]
        self.start = [int(p) / 1_000_000 / q for p, q in zip(state.prices.tolist(), self.price, strict=True)]
        self.eaten_goods = {good for good, _, _ in self.edges}
        self._set_targets()
        self.mixed: list[tuple[int, list[float]]] = []
        self._add_mixes(economy, state)

    def _add_mixes(self, economy: Economy, state: State) -> None:
        """A row for each outline after all others: all of its last answer, held by 1.5 of what that is worth."""
        whole, prices, answers = len(self.rows), state.prices.tolist(), state.answers.tolist()
        row, entry = 0, len(self.edges)
        for card in economy.workplaces:
            if card.techniques:
                row, entry = row + 1, entry + len(card.techniques)
                continue
            levels = [answers[entry + place] / 1_000_000 for place in range(len(card.outline))]
            net, worth, made, used = {}, 0.0, 0.0, 0.0
            for level, (good, lowest, highest) in zip(levels, card.outline, strict=True):
                span = max(-lowest, highest) / 1_000_000
                net[good] = level * span
                worth += abs(net[good]) * self.price[good]
                value = level * span * max(prices[good] / 1_000_000, 0.02 * self.price[good])
                used, made = used + max(value, 0.0), made + max(-value, 0.0)
            self.rows.append([(net, 1.0, 1.0, worth if worth > 0.0 else 1.0, 1.0)])
            self.make.append([(0.0, max(1.5 * max(used, made), 2.0**-20))])
            self.cards += (SimpleNamespace(capacity=float("inf"), least=0, bounds=(-EXTREME, EXTREME)),)
            self.mixed.append((row, levels))
            row, entry = row + len(card.outline), entry + len(card.outline)
        self.whole = whole

    def _read_edges(self, economy: Economy) -> None:
        self.edges = []
        for card in economy.consumers:
            for nest in card.nests:
                share = nest.credits_micro / 1_000_000 / len(nest.goods)
                for good, floor in zip(nest.goods, nest.floors, strict=True):
                    low = floor / self.unit[good]
                    self.edges.append((good, low, low + share / self.price[good]))

    def _read_techniques(self, economy: Economy) -> None:
        micro = sum(nest.credits_micro for card in economy.consumers for nest in card.nests)
        self.rows: list[list[Technique]] = []
        for card in self.cards:
            row: list[Technique] = []
            for technique in card.techniques:
                net = {good: amount / 1_000_000 for good, amount in technique.net}
                making, using = 0.0, 0.0
                for good, amount in net.items():
                    if amount < 0:
                        making += abs(amount) * self.price[good]
                    else:
                        using += abs(amount) * self.price[good]
                turnover, use = max(making, using), technique.capacity_use / 1_000_000
                level = (
                    1.0 if card.bounds else min(card.capacity / 1_000_000 / use, 4.0 * (micro / 1_000_000) / turnover)
                )
                row.append((net, use, level, making + using, turnover))
            self.rows.append(row)
        self.slots = max(len(row) for row in self.rows)

    def _supports(self) -> list[list[int]]:
        return [sorted({good for technique in row for good in technique[0]}) for row in self.rows]

    def _add_flows(self) -> None:
        used, made = [0.0] * len(self.goods), [0.0] * len(self.goods)
        for good, _, scale in self.edges:
            used[good] += scale
        for row, support in zip(self.rows, self._supports(), strict=True):
            for good in support:
                for net, _, level, _, _ in row:
                    moved = net.get(good, 0.0) * level
                    used[good] += max(moved, 0.0)
                    made[good] += max(-moved, 0.0)
        self.flow = []
        for good, stock in enumerate(self.stock):
            moving = used[good] + made[good] + min(stock, used[good])
            self.flow.append(moving if moving > 0.0 else 1.0)

    def _set_targets(self) -> None:
        self.eat, entry = [], 0
        for good, _, scale in self.edges:
            self.eat.append((self.aim[entry] / self.unit[good], self.metric[entry] * (self.price[good] / scale)))
            entry += 1
        self.make: list[list[tuple[float, float]]] = []
        for row in self.rows:
            targets = []
            for _, _, level, _, turnover in row:
                targets.append((self.aim[entry] / 1_000_000, self.metric[entry] * (turnover / level)))
                entry += 1
            self.make.append(targets)

    def respond(self, relative: Vector) -> Heard:
        """Consumption, activity, capacity prices and excess at these relative prices."""
        price = [a * b for a, b in zip(relative, self.price, strict=True)]
        total = [-round(min(s / f, EXTREME) * FIXED) for s, f in zip(self.stock, self.flow, strict=True)]
        eaten = []
        for (good, floor, scale), (target, metric) in zip(self.edges, self.eat, strict=True):
            eaten.append(min(max(target - price[good] / metric, floor), scale * EXTREME))
            total[good] += round(eaten[-1] / self.flow[good] * FIXED)
        levels, capacity_prices = [], []
        for card, row, targets in zip(self.cards, self.rows, self.make, strict=True):
            made, capacity_price = self._produce(card.capacity, card.least, row, targets, price)
            if card.bounds:
                # One technique alone, without a capacity: its cost against its hold, between its bounds.
                (net, _, _, worth, _), (target, metric) = row[0], targets[0]
                cost = sum(round(a * price[g] / worth * FIXED) for g, a in net.items()) / FIXED * worth
                made = [min(max((metric * target - cost) / metric, card.bounds[0]), card.bounds[1])]
            levels.append(made)
            capacity_prices.append(capacity_price)
            for (net, *_), level in zip(row, made, strict=True):
                for good, amount in net.items():
                    total[good] += round(amount * level / self.flow[good] * FIXED)
        excess = [whole / FIXED - p * SLACK for whole, p in zip(total, relative, strict=True)]
        return eaten, levels, capacity_prices, excess

    def _produce(
        self, capacity: int, least: int, row: list[Technique], targets: list[tuple[float, float]], price: Vector
    ) -> tuple[Vector, float]:
        gains = []
        for (net, _, _, worth, _), (target, metric) in zip(row, targets, strict=True):
            cost = sum(round(amount * price[good] / worth * FIXED) for good, amount in net.items()) / FIXED * worth
            gains.append(metric * target - cost)
        order = sorted(range(len(row)), key=lambda slot: -(gains[slot] / row[slot][1]))
        level_sum = slope_sum = 0.0
        at_most = at_least = float("-inf")
        for slot in order:
            steepness = row[slot][1] / targets[slot][1]
            level_sum = level_sum + steepness * gains[slot]
            slope_sum = slope_sum + steepness * row[slot][1]
            at_most = max(at_most, (level_sum - capacity / 1_000_000) / slope_sum)
            at_least = max(at_least, (level_sum - least / 1_000_000) / slope_sum)
        mu = max(at_most, 0.0) + min(at_least if least > 0 else 0.0, 0.0)
        made = []
        for slot, (_, use, level, _, _) in enumerate(row):
            made.append(min(max((gains[slot] - mu * use) / targets[slot][1], 0.0), level * EXTREME))
        return made, mu

    def slopes(self, eaten: Vector, levels: list[Vector], capacity_prices: Vector) -> list[Vector]:
        """The matrix of Newton's step."""
        size = len(self.goods)
        total = [[0] * size for _ in range(size)]
        for (good, floor, _), (_, metric), amount in zip(self.edges, self.eat, eaten, strict=True):
            if amount > floor:
                total[good][good] += round(self.price[good] / (metric * self.flow[good]) * MATRIX)
        weight = [sqrt(p / f) for p, f in zip(self.price, self.flow, strict=True)]
        parts = zip(self.cards, self.rows, self.make, levels, capacity_prices, self._supports(), strict=True)
        for card, row, targets, made, mu, support in parts:
            low = card.bounds[0] if card.bounds else 0.0
            ease = [1.0 / metric if level > low else 0.0 for (_, metric), level in zip(targets, made, strict=True)]
            stiffness, joint = 0.0, dict.fromkeys(support, 0.0)
            for (net, use, *_), easy in zip(row, ease, strict=True):
                stiffness = stiffness + use * easy * use
                for good in support:
                    joint[good] = joint[good] + net.get(good, 0.0) * weight[good] * (use * easy)
            shared = 1.0 / stiffness if mu != 0.0 and stiffness > 0.0 else 0.0
            for place, left in enumerate(support):
                for right in support[place:]:
                    whole = -round(joint[left] * joint[right] * shared * MATRIX)
                    for (net, *_), easy in zip(row, ease, strict=True):
                        both = net.get(left, 0.0) * weight[left] * (net.get(right, 0.0) * weight[right])
                        whole += round(both * easy * MATRIX)
                    total[left][right] += whole
                    if left != right:
                        total[right][left] += whole
        matrix = [[entry / MATRIX for entry in line] for line in total]
        for good in range(size):
            matrix[good][good] = matrix[good][good] + SLACK
        return matrix

    def solve(self) -> tuple[list[int], list[int]]:
        """Prices in micro-credits, and units eaten with millionths of activities, rounded half to even."""
        point, eaten, levels = self.find()
        planned = [round(x * self.unit[good]) for x, (good, _, _) in zip(eaten, self.edges, strict=True)]
        for (start, mix), together in zip(self.mixed, levels[self.whole :], strict=True):
            for place, level in enumerate(mix):
                levels[start + place][0] = levels[start + place][0] + level * together[0]
        made = [round(level * 1_000_000) for row in levels[: self.whole] for level in row]
        return self.priced(point), planned + made

    def priced(self, point: Vector) -> list[int]:
        """Prices as a state holds them: what anybody eats costs at least a micro-credit."""
        prices = [round(p * q * 1_000_000) for p, q in zip(point, self.price, strict=True)]
        return [max(price, 1) if good in self.eaten_goods else price for good, price in enumerate(prices)]

    def find(self) -> tuple[Vector, Vector, list[Vector]]:
        """Relative prices, units eaten and activities of the public plan."""
        point = [min(max(price, 0.0), EXTREME) for price in self.start]
        heard = self.respond(point)
        best, least, steps = (point, heard), self._residual(point, heard[3]), 0
        while least > 2.0**-22 and steps < 60:
            steps += 1
            point, heard = self._search(point, heard)
            residual = self._residual(point, heard[3])
            if residual < least:
                best, least = (point, heard), residual
        point, (eaten, levels, _, _) = best
        return point, eaten, levels

    @staticmethod
    def _residual(point: Vector, excess: Vector) -> float:
        return max(max(e, min(max(-e, 0.0), p)) for e, p in zip(excess, point, strict=True))

    def _rise(self, point: Vector, excess: Vector, price: Vector) -> float:
        total = 0.0
        for new, old, over, start, flow in zip(price, point, excess, self.price, self.flow, strict=True):
            total += (new - old) * over * (start * flow)
        return total

    def _search(self, point: Vector, heard: Heard) -> tuple[Vector, Heard]:
        eaten, levels, capacity_prices, excess = heard
        matrix = self.slopes(eaten, levels, capacity_prices)
        damping = max(2.0**-20, 0.3 * min(self._residual(point, excess), 1.0))
        for good in range(len(point)):
            matrix[good][good] *= 1.0 + damping
        step = self._direction(matrix, point, excess)
        if self._rise(point, excess, self._move(point, step, 1.0)) <= 0.0:
            step = self._gradient(matrix, point, excess)
        length = 1.0
        for _ in range(12):
            trial = self._move(point, step, length)
            answer = self.respond(trial)
            before, after = self._rise(point, excess, trial), self._rise(point, answer[3], trial)
            if after >= -0.25 * before:
                break
            length *= min(max(before / (before - after), 0.1), 0.7)
        return trial, answer

    @staticmethod
    def _move(point: Vector, step: Vector, length: float) -> Vector:
        return [min(max(p + length * d, 0.0), EXTREME) for p, d in zip(point, step, strict=True)]

    def _direction(self, matrix: list[Vector], point: Vector, excess: Vector) -> Vector:
        size = len(self.goods)
        value = [sqrt(p * f) for p, f in zip(self.price, self.flow, strict=True)]
        right = [e * v for e, v in zip(excess, value, strict=True)]
        low = [-p * v for p, v in zip(point, value, strict=True)]
        high = [max(4.0 * p, 0.25) * v for p, v in zip(point, value, strict=True)]
        step = [0.0] * size
        stuck = [p == 0.0 and e <= 0.0 for p, e in zip(point, excess, strict=True)]
        for _ in range(2):
            moving = [good for good in range(size) if not stuck[good]]
            if not moving:
                break
            part = [[matrix[i][j] for j in moving] for i in moving]
            for good, solved in zip(moving, self._factor([right[good] for good in moving], part), strict=True):
                step[good] = solved
            outside = [not low[good] <= step[good] <= high[good] for good in range(size)]
            step = [min(max(s, a), b) for s, a, b in zip(step, low, high, strict=True)]
            if not any(outside):
                break
            for good in range(size):
                if outside[good] and not stuck[good]:
                    right = [r - matrix[good][j] * step[good] for j, r in enumerate(right)]
            stuck = [a or b for a, b in zip(stuck, outside, strict=True)]
        return [s / v for s, v in zip(step, value, strict=True)]

    def _gradient(self, matrix: list[Vector], point: Vector, excess: Vector) -> Vector:
        moves = []
        for good, (price, over) in enumerate(zip(point, excess, strict=True)):
            diagonal = matrix[good][good]
            moves.append(min(max(over / diagonal, -price), max(4.0 * price, 0.25)))
        return moves

    @staticmethod
    def _factor(right: Vector, matrix: list[Vector]) -> Vector:
        size = len(right)
        scale = [sqrt(matrix[row][row]) for row in range(size)]
        factor = factor_whole(
            [
                [round(min(max(matrix[i][j] / scale[i] / scale[j], -1.0), 1.0) * ONE) for j in range(size)]
                for i in range(size)
            ]
        )

        def substitute(wanted: Vector) -> Vector:
            found = wanted.copy()
            for column in range(size):
                found[column] /= factor[column][column] / 2.0**25
                for row in range(column + 1, size):
                    found[row] -= factor[row][column] / 2.0**25 * found[column]
            for column in reversed(range(size)):
                found[column] /= factor[column][column] / 2.0**25
                for row in range(column):
                    found[row] -= factor[column][row] / 2.0**25 * found[column]
            return found

        found = substitute([r / s for r, s in zip(right, scale, strict=True)])
        return [z / s for z, s in zip(found, scale, strict=True)]


class SlowFit(SlowStep):
    """The last public step: a row for each nest that uses its basket, in place of the councils."""

    def __init__(self, economy: Economy, state: State) -> None:
        said = state.answers.tolist()
        super().__init__(economy, state, said)
        self.makers = len(self.cards)
        floors, entry = [0.0] * len(self.goods), 0
        for good, low, _ in self.edges:
            floors[good] += low
        self.stock = [stock - floor for stock, floor in zip(self.stock, floors, strict=True)]
        for card in economy.consumers:
            for nest in card.nests:
                net, worth = {}, 0.0
                for good in nest.goods:
                    equal = nest.credits_micro / 1_000_000 / len(nest.goods) / self.price[good]
                    above = max(said[entry] - nest.floors[nest.goods.index(good)], 0)
                    net[good] = min(above, math.floor(256.0 * equal * self.unit[good])) / self.unit[good]
                    worth += net[good] * self.price[good]
                    entry += 1
                self.rows.append([(dict(sorted(net.items())), 1.0, 2.0**-13, worth if worth > 0.0 else 1.0, 1.0)])
                self.make.append([(2.0, nest.credits_micro / 1_000_000)])
        without_end = SimpleNamespace(capacity=float("inf"), least=0, bounds=None)
        self.cards = (*self.cards, *[without_end] * (len(self.rows) - self.makers))
        self.edges, self.eat = [], []

    def fit(self) -> tuple[list[int], list[int], list[int]]:
        """Shares of the baskets in 2^-30, millionths of activities, prices in micro-credits."""
        point, _, levels = self.find()
        shares = [math.floor(row[0] * 2.0**30) for row in levels[self.makers :]]
        return shares, [round(level * 1e6) for row in levels[: self.makers] for level in row], self.priced(point)


def one_row_a_good(card: WorkplaceCard) -> list[SimpleNamespace]:
    """A card as it is, or a row for each good of its outline, with the bounds of its level."""
    if card.techniques:
        row = {name: getattr(card, name) for name in ("capacity", "least", "techniques")}
        return [SimpleNamespace(**row, bounds=None)]
    rows = []
    for good, lowest, highest in card.outline:
        span = max(-lowest, highest)
        low, high = -(-lowest * 1_000_000 // span), highest * 1_000_000 // span
        techniques = (PublicTechnique(((good, span),), 1_000_000),)
        bounds = (low / 1_000_000, high / 1_000_000)
        rows.append(SimpleNamespace(capacity=float("inf"), least=0, techniques=techniques, bounds=bounds))
    return rows


def factor_whole(matrix: list[list[int]]) -> list[list[int]]:
    """C with C C^T near the matrix, in Python's own whole numbers, which never overflow and never round."""
    size = len(matrix)
    factor = [[0] * size for _ in range(size)]
    room = [matrix[row][row] for row in range(size)]
    for column in range(size):
        root = round(sqrt(max(room[column], 2**28)))
        factor[column][column] = root
        for row in range(column + 1, size):
            done = sum(factor[row][k] * factor[column][k] for k in range(column))
            most = isqrt(max(room[row], 0))
            factor[row][column] = min(max(round((matrix[row][column] - done) / root), -most), most)
            room[row] -= factor[row][column] ** 2
    return factor
