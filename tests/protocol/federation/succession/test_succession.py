"""Who may name a successor, and where logs end: the recovery key alone, the same in any order."""

from itertools import permutations
from typing import Any

import msgspec
import pytest

from protocol.core.errors import RefusedError
from protocol.core.founding import Founding
from protocol.core.identity import (
    HOME_SEED_BYTES,
    SigningKey,
    generate,
    generate_home_keys,
    key_id,
    public_keys,
    recovery_key_hash,
)
from protocol.core.record import Record, embed_statement, enter_by_office, sign_statement
from protocol.federation.succession import (
    End,
    KeySuccession,
    check_succession,
    fold_ends,
    sign_succession,
)

OLD, NEW, OTHER = "old.example/log", "new.example/log", "other.example/log"
RECOVERY, THIEF = generate(bytes([7]) * 32), generate(bytes([8]) * 32)
KEYS = generate_home_keys(bytes(range(HOME_SEED_BYTES)))
FOUNDING = Founding("Northside", public_keys(KEYS), recovery_key_hash(RECOVERY.public))
BODY = KeySuccession(OLD, 10, bytes([1]) * 32, RECOVERY.public)
NONCE = bytes(16)


def said(body: KeySuccession = BODY, signer: SigningKey = RECOVERY, audience: str = NEW) -> Record:
    statement, sig = sign_succession(body, audience, signer, NONCE, 5)
    return embed_statement(statement, (sig,), 1)


def check(record: Record, body: KeySuccession = BODY, origin: str = NEW, founding: Founding = FOUNDING) -> None:
    check_succession(record, body, origin, founding)


def test_the_recovery_key_names_a_successor() -> None:
    check(said())


def unsigned() -> Record:
    return Record(kind="key.succession", seq=1, at=5, by=key_id(RECOVERY.public), body={})


def by_the_office() -> Record:
    statement, _ = sign_succession(BODY, NEW, RECOVERY, NONCE, 5)
    return embed_statement(statement, (enter_by_office(statement, RECOVERY),), 1)


def signed_by_two() -> Record:
    statement, sig = sign_succession(BODY, NEW, RECOVERY, NONCE, 5)
    return embed_statement(statement, (sig, sign_statement(statement, THIEF)), 1)


def said_by_another() -> Record:
    statement, _ = sign_succession(BODY, NEW, RECOVERY, NONCE, 5)
    other = msgspec.structs.replace(statement, by=key_id(THIEF.public))
    return embed_statement(other, (sign_statement(other, RECOVERY),), 1)


THIEFS_OWN = KeySuccession(OLD, 10, bytes([1]) * 32, THIEF.public)
OLD_LOG_KEY = KeySuccession(OLD, 10, bytes([1]) * 32, generate(KEYS.log).public)


@pytest.mark.parametrize(
    ("record", "changes", "reason"),
    [
        (unsigned(), {}, "only the recovery key can say this"),
        (said(signer=THIEF), {}, "key is not known here"),
        (said(THIEFS_OWN, THIEF), {"body": THIEFS_OWN}, "not the key that the old log's first record promised"),
        (said(OLD_LOG_KEY, generate(KEYS.log)), {"body": OLD_LOG_KEY}, "not the key that the old log"),
        (said(), {"origin": OTHER}, "meant for another log"),
        (said(audience=OLD), {"origin": OLD}, "cannot succeed itself"),
        (by_the_office(), {}, "has not signed this itself"),
        (signed_by_two(), {}, "key is not known"),
        (said_by_another(), {}, "author has not signed"),
    ],
    ids=[
        "nobody has signed",
        "another key has signed",
        "a thief with a key of his own",
        "a thief with the old log's key",
        "copied into another log",
        "the old log itself",
        "entered by the office",
        "somebody signs along",
        "in another's name",
    ],
)
def test_nobody_else_does(record: Record, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        check(record, **changes)


def test_of_several_successions_the_one_that_leaves_least_counts_in_any_order() -> None:
    said_bodies = [
        (NEW, BODY),
        (OTHER, KeySuccession(OLD, 8, bytes([2]) * 32, RECOVERY.public)),
        (NEW, KeySuccession(OTHER, 3, bytes([3]) * 32, RECOVERY.public)),
        (OLD, KeySuccession(OTHER, 3, bytes([3]) * 32, RECOVERY.public)),
    ]
    expected = {OLD: End(8, bytes([2]) * 32, OTHER), OTHER: End(3, bytes([3]) * 32, NEW)}
    for order in permutations(said_bodies):
        assert fold_ends(order, {}) == expected


def test_what_a_roster_closed_on_stands_above_a_recovery_key() -> None:
    ended = {OLD: (4, bytes([4]) * 32), OTHER: (2, bytes([5]) * 32)}
    ends = fold_ends([(NEW, BODY)], ended)
    assert ends == {OLD: End(4, bytes([4]) * 32, NEW), OTHER: End(2, bytes([5]) * 32, "")}
