"""When a head is witnessed: enough of the federation's witnesses, the log's owner not counted, have cosigned it.

Invariant: any two sets of witnesses that are enough for the same log have a witness in common.
Spec: docs/spec/log/note-and-checkpoint.md
"""

from collections.abc import Collection, Mapping
from typing import Final, Literal

from protocol.core.errors import MisuseError
from protocol.core.quantities import divide_up

WITNESSES_MAX: Final = 15

Rule = Literal["half", "two_thirds"]
"""More than half of the witnesses, or at least two thirds of them: the charter says which."""


def witnessed_size(cosigned: Mapping[str, int], witness_set: Collection[str], owner: str, rule: Rule) -> int:
    """How far the log of `owner` is witnessed: the largest size that enough have cosigned, 0 where there is none.

    `cosigned` is the size of the newest head that each has cosigned; strangers and the owner never count. With nobody
    to witness (the owner alone, or an empty set) nothing is ever witnessed.
    """
    sizes = sorted((cosigned.get(name, 0) for name in list_eligible(witness_set, owner)), reverse=True)
    return sizes[count_needed(witness_set, owner, rule) - 1] if sizes else 0


def count_needed(witness_set: Collection[str], owner: str, rule: Rule) -> int:
    """How many witnesses must cosign a head of `owner`."""
    count = len(list_eligible(witness_set, owner))
    if rule == "half":
        return count // 2 + 1
    if rule == "two_thirds":
        return max(1, divide_up(2 * count, 3))
    raise MisuseError(f"no rule is called {rule}")


def list_eligible(witness_set: Collection[str], owner: str) -> set[str]:
    """The witnesses who may vouch for `owner`: all but itself."""
    witnesses = set(witness_set)
    if len(witnesses) > WITNESSES_MAX:
        raise MisuseError(f"{len(witnesses)} witnesses, at most {WITNESSES_MAX} are allowed")
    return witnesses - {owner}
