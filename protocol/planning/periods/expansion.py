"""An economy file of several periods, written out as one in which each good has a name of its own in every period.

Storing is a workplace that takes a good in one period and gives what is left of it in the next; what cannot wait has
no store. Nothing behind this page knows periods: rounds, floors, certificate and batches are those of any plan.
Invariant: a file without periods is what it was; what does not fit is refused with its place in the file.
Spec: docs/spec/planning/periods.md
"""

import re
from collections.abc import Collection, Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from itertools import chain
from typing import Any, Final

from protocol.core.errors import RefusedError
from protocol.core.file_rows import Row, read_list, read_rows, read_table
from protocol.planning.card_rules import GOODS_MOST, PARTICIPANTS_MOST, PERIOD_CHARACTERS_MOST, PERIODS_MOST
from protocol.planning.periods.names import name_in, name_store

OTHERWISE: Final = "otherwise"
"""In an object by period: what holds in every period that it does not name."""
CREDITS_DECIMALS: Final = 6
_PLAIN = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?", re.ASCII)


def expand_periods(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same economy without the word `periods`. RefusedError names the place of what does not fit."""
    if "periods" not in document:
        return document
    periods = _read_periods(document["periods"])
    rows = {side: read_rows(document, side) for side in ("goods", "consumers", "workplaces")}
    _check_size(rows, len(periods))
    lasting = frozenset(str(row.get("id")) for row in rows["goods"] if row.get("lasting") is True)
    split = _Split(periods, lasting)
    goods = [split.write_good(row, place) for place, row in enumerate(rows["goods"])]
    stores = [split.write_stores(row, place) for place, row in enumerate(rows["goods"])]
    councils = [split.write_council(row, f"consumers[{place}]") for place, row in enumerate(rows["consumers"])]
    shops = [split.write_shop(row, f"workplaces[{place}]") for place, row in enumerate(rows["workplaces"])]
    kept = {name: value for name, value in document.items() if name != "periods"}
    return {
        **kept,
        "goods": [*chain.from_iterable(goods)],
        "consumers": councils,
        "workplaces": [*chain.from_iterable(shops), *chain.from_iterable(stores)],
    }


def list_periods(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The periods of a file in their order; none where it has none. RefusedError as expand_periods."""
    return _read_periods(document["periods"]) if "periods" in document else ()


def expand_workplaces(
    rows: Sequence[object], periods: Sequence[str], lasting: Collection[str], side: str = "workplaces"
) -> list[Row]:
    """Rows of workplaces as a call of several periods knows them: one for each in which there is something to do."""
    split = _Split(tuple(periods), frozenset(lasting))
    shops = [
        split.write_shop(read_table(row, f"{side}[{place}]"), f"{side}[{place}]") for place, row in enumerate(rows)
    ]
    return [*chain.from_iterable(shops)]


class _Split:
    """Rows of a file, period by period. `lasting` goods, such as a cap for the whole time, stay one."""

    def __init__(self, periods: tuple[str, ...], lasting: frozenset[str]) -> None:
        self.periods = periods
        self.lasting = lasting

    def write_good(self, row: Row, place: int) -> list[Row]:
        """A good for each period, with what is there of it then; a lasting one as it is."""
        where = f"goods[{place}]"
        plain = {name: value for name, value in row.items() if name not in ("lasting", "store")}
        if not isinstance(row.get("lasting", False), bool):
            raise RefusedError.at(f"{where}.lasting", "must be true or false")
        if row.get("lasting"):
            if "store" in row:
                raise RefusedError.at(f"{where}.store", "a good that lasts through all periods needs no store")
            return [plain]
        written = []
        for period in self.periods:
            there: Row = {
                name: self._at(plain[name], period, f"{where}.{name}", "0") for name in _VARYING if name in plain
            }
            written.append({**plain, **there, "id": self._name(row.get("id"), period)})
        return written

    def write_stores(self, row: Row, place: int) -> list[Row]:
        """From each period to the next, for a good that can be kept."""
        if "store" not in row:
            return []
        where = f"goods[{place}].store"
        store, name = read_table(row["store"], where), str(row.get("id"))
        written = []
        for period, following in zip(self.periods, self.periods[1:], strict=False):
            capacity = self._at(store.get("capacity"), period, f"{where}.capacity", "0")
            if _is_nothing(capacity):
                continue
            keeps = self._at(store.get("keeps"), period, f"{where}.keeps", "1")
            if not isinstance(keeps, str) or not _PLAIN.fullmatch(keeps) or not 0 < Decimal(keeps) <= 1:
                raise RefusedError.at(
                    f"{where}.keeps", "must be the share that is left in the next period: above 0, to 1"
                )
            net = self._write_net(read_table(store.get("net", {}), f"{where}.net"), period)
            if net.keys() & {self._name(name, period), self._name(name, following)}:
                raise RefusedError.at(f"{where}.net", f"{name!r} is what is kept")
            net |= {self._name(name, period): "1", self._name(name, following): f"-{keeps}"}
            technique = {"net": net, "effort": store.get("effort", "0")}
            written.append({"id": name_store(name, period), "capacity": capacity, "techniques": [technique]})
        return written

    def write_council(self, row: Row, where: str) -> Row:
        """One council with the nests of all periods; credits that are one number are divided equally among them."""
        nests = []
        for number, nest_row in enumerate(read_list(row.get("nests"), f"{where}.nests")):
            place = f"{where}.nests[{number}]"
            nest = read_table(nest_row, place)
            chosen = {
                period: self._write_cells(read_table(nest.get("goods"), f"{place}.goods"), period, f"{place}.goods")
                for period in self.periods
            }
            there = [period for period in self.periods if chosen[period]]
            shares = self._divide(nest.get("credits"), there, f"{place}.credits")
            nests += [
                {**nest, "credits": shares[period], "goods": chosen[period]}
                for period in there
                if not _is_nothing(shares[period])
            ]
        return {**row, "nests": nests}

    def write_shop(self, row: Row, where: str) -> list[Row]:
        """A workplace for each period in which it has a capacity and something to do."""
        written = []
        for period in self.periods:
            capacity = self._at(row.get("capacity"), period, f"{where}.capacity", "0")
            least = self._at(row.get("least", "0"), period, f"{where}.least", "0")
            techniques = [
                self._write_technique(
                    read_table(technique, f"{where}.techniques[{number}]"), period, f"{where}.techniques[{number}]"
                )
                for number, technique in enumerate(read_list(row.get("techniques"), f"{where}.techniques"))
                if self._is_done(technique, period, f"{where}.techniques[{number}]")
            ]
            if techniques and not _is_nothing(capacity):
                fixed: Row = {"id": self._name(row.get("id"), period), "capacity": capacity, "least": least}
                written.append({**row, **fixed, "techniques": techniques})
        return written

    def _is_done(self, technique: object, period: str, where: str) -> bool:
        if isinstance(technique, dict) and "next" in technique and period == self.periods[-1]:
            return False
        if not isinstance(technique, dict) or "periods" not in technique:
            return True
        chosen = technique["periods"]
        if not isinstance(chosen, list) or not chosen or any(one not in self.periods for one in chosen):
            raise RefusedError.at(f"{where}.periods", f"must list some of {', '.join(self.periods)}")
        return period in chosen

    def _write_technique(self, technique: Row, period: str, where: str) -> Row:
        """A technique in one period; what it gives or takes `next` it does in the period after."""
        kept = {name: value for name, value in technique.items() if name not in ("periods", "next")}
        net = technique.get("net")
        if not isinstance(net, dict):
            return kept
        written = self._write_net(net, period)
        if "next" in technique:
            after = self.periods[self.periods.index(period) + 1]
            later = self._write_net(read_table(technique["next"], f"{where}.next"), after)
            if twice := sorted(written.keys() & later.keys()):
                raise RefusedError.at(f"{where}.next", f"{twice[0]!r} lasts, and stands in net already")
            written |= later
        return {**kept, "net": written}

    def _write_net(self, net: Row, period: str) -> Row:
        return {self._name(good, period): amount for good, amount in net.items()}

    def _write_cells(self, cells: Row, period: str, where: str) -> Row:
        """The goods of a nest in one period; a good whose weight is not said for it is not wanted then."""
        written = {}
        for good, cell_row in cells.items():
            place = f"{where}.{good}"
            if good in self.lasting:
                raise RefusedError.at(place, "a good that lasts through all periods cannot be eaten in each")
            cell = read_table(cell_row, place)
            weight = self._at(cell.get("weight"), period, f"{place}.weight", "0")
            floor = self._at(cell.get("floor", "0"), period, f"{place}.floor", "0")
            if not _is_nothing(weight):
                written[self._name(good, period)] = {**cell, "weight": weight, "floor": floor}
            elif not _is_nothing(floor):
                raise RefusedError.at(f"{place}.floor", f"a need in {period} without a weight in it")
        return written

    def _divide(self, credits: object, there: Sequence[str], where: str) -> dict[str, Any]:
        """One number to the millionth in equal parts, the first ones the larger; anything else as it is written."""
        if isinstance(credits, dict) or not isinstance(credits, str) or not _PLAIN.fullmatch(credits):
            return {period: self._at(credits, period, where, "0") for period in there}
        part = Decimal(1).scaleb(-CREDITS_DECIMALS)
        each = (Decimal(credits) / max(len(there), 1)).quantize(part, ROUND_FLOOR)
        more = int((Decimal(credits) - each * len(there)) / part)
        return {period: format(each + (part if number < more else 0), "f") for number, period in enumerate(there)}

    def _at(self, value: Any, period: str, where: str, missing: str) -> Any:
        """What holds in one period: the value itself, or that of an object by period."""
        if not isinstance(value, dict):
            return value
        unknown = sorted(str(name) for name in value if name not in (*self.periods, OTHERWISE))
        if unknown:
            raise RefusedError.at(where, f"unknown period {unknown[0][:PERIOD_CHARACTERS_MOST]!r}")
        return value.get(period, value.get(OTHERWISE, missing))

    def _name(self, name: object, period: str) -> Any:
        return name if not isinstance(name, str) or name in self.lasting else name_in(name, period)


_VARYING: Final = ("endowment", "start_price")


def _is_nothing(value: object) -> bool:
    return isinstance(value, str) and bool(_PLAIN.fullmatch(value)) and Decimal(value) == 0


def _read_periods(value: object) -> tuple[str, ...]:
    names = read_list(value, "periods")
    if not 1 <= len(names) <= PERIODS_MOST or not all(isinstance(name, str) and name for name in names):
        raise RefusedError.at("periods", f"must be 1 to {PERIODS_MOST} names")
    if len({*names, OTHERWISE}) <= len(names) or max(map(len, names)) > PERIOD_CHARACTERS_MOST:
        raise RefusedError.at(
            "periods", f"a name stands twice, is longer than {PERIOD_CHARACTERS_MOST} letters, or 'otherwise'"
        )
    return tuple(names)


def _check_size(rows: Mapping[str, Sequence[Row]], periods: int) -> None:
    """What cannot be planned with anyway is not written out first."""
    goods = sum(1 if row.get("lasting") else periods for row in rows["goods"])
    if goods > GOODS_MOST:
        raise RefusedError.at(
            "goods", f"in {periods} periods these are {goods} goods, at most {GOODS_MOST} are planned"
        )
    for side in ("consumers", "workplaces"):
        if len(rows[side]) > PARTICIPANTS_MOST:
            raise RefusedError.at(side, f"holds {len(rows[side])}, at most {PARTICIPANTS_MOST} take part")
