"""Bodies with any value that their types let through: never an exception, never an agreed price out of nonsense."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from protocol.core.encoding import INT_MAX, INT_MIN, decode, encode, to_struct, to_value
from protocol.core.errors import RefusedError
from protocol.supply.price_status import assess_prices, describe_product
from tests.protocol.supply.made_up_logs import NORTHSIDE, REQUIRED, RULES, disclosure, loaf, no, proposal, yes
from tests.protocol.supply.price_story import ITEM, Story

TEXTS = st.sampled_from(["", " ", "\x00", "\u202e", "x" * 2_000, "EUR", "C62", "-", "2026-13-45", NORTHSIDE, "٣"])
NUMBERS = st.sampled_from([INT_MIN, -1, 0, 1, 9, 10**15, INT_MAX])
RAW = st.sampled_from([b"", bytes(32), bytes(33)])
ODD = st.one_of(TEXTS, NUMBERS, RAW, st.none(), st.booleans(), st.just([]), st.just({}))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place below a plain value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found: list[tuple[Any, ...]] = []
    for key, member in inner:
        found += [(*path, key), *places(member, (*path, key))]
    return found


def change(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    """A copy with one place replaced."""
    copied = decode(encode(value))
    holder = copied
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = odd
    return copied


@given(st.sampled_from(["product", "disclosure", "proposal", "yes", "no"]), st.data())
def test_any_single_odd_value_is_refused_by_its_type_or_judged_without_harm(kind: str, data: st.DataObject) -> None:
    story = Story()
    bodies: dict[str, msgspec.Struct] = {
        "product": loaf(version=2),
        "disclosure": disclosure(*REQUIRED, version=2),
        "proposal": proposal(),
        "yes": yes(story.price, story.read),
        "no": no(story.price, story.read),
    }
    plain = to_value(bodies[kind])
    path = data.draw(st.sampled_from(places(plain)))
    odd = data.draw(ODD)
    try:
        body = to_struct(change(plain, path, odd), type(bodies[kind]))
    except RefusedError:
        return
    filed = story.bakery.say(body)
    facts = story.facts()
    statuses = assess_prices(facts, RULES)
    assert all(status.state != "agreed" for status in statuses.values())
    assert describe_product(facts, RULES, ITEM, statuses.values()) in ("disclosed", "in talks")
    if kind == "proposal" and body != bodies[kind]:
        assert statuses[filed.leaf].state in ("void", "proposed")
