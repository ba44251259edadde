"""Policies: what a file may say, who is enough, and which heads are accepted under it."""

from itertools import combinations

import pytest

from protocol.core.errors import PeerError, RefusedError
from protocol.core.identity import SigningKey
from protocol.core.mldsa44 import Mldsa44Key
from protocol.core.note import COSIGNATURE_MLDSA44, COSIGNATURE_V1, ED25519, VerifierKey, format_vkey
from protocol.log.checkpoint import Checkpoint, format_checkpoint, sign_checkpoint
from protocol.log.cosignature import add_signature, sign_cosignature, sign_mldsa44_cosignature
from protocol.log.policy import (
    FINDINGS_MAX,
    GROUPS_MAX,
    LOGS_MAX,
    POLICY_BYTES_MAX,
    Policy,
    PolicyGroup,
    PolicyLog,
    PolicyWitness,
    check_head,
    format_policy,
    is_quorum,
    make_policy,
    parse_policy,
)
from protocol.log.quorum import Rule, witnessed_size
from tests.protocol.core.values import LOG_KEY, MEMBER_KEY, ORIGIN

LOG = VerifierKey(ORIGIN, ED25519, LOG_KEY.public)
LOG_VKEY = format_vkey(ORIGIN, ED25519, LOG_KEY.public)
KEYS = {f"w{number}.example": SigningKey(bytes([number]) * 32) for number in range(1, 7)}
WITNESSES = [VerifierKey(name, COSIGNATURE_V1, key.public) for name, key in KEYS.items()]
VKEYS = [format_vkey(key.name, key.key_type, key.public) for key in WITNESSES]
PQ_KEY = Mldsa44Key(b"made-up ML-DSA key, for tests on")
HEAD = Checkpoint(ORIGIN, 1234, bytes(range(32)))
TEXT = format_checkpoint(HEAD)
TIME_S = 1_679_315_147
NESTED = f"""
# The example of the standard.
log {LOG_VKEY}

witness X1 {VKEYS[0]}
witness X2 {VKEYS[1]}\thttps://w2.example/
  witness X3 {VKEYS[2]}
group X-witnesses 2 X1 X2 X3

witness Y1 {VKEYS[3]}
witness Y2 {VKEYS[4]}
witness Y3 {VKEYS[5]}
group Y-witnesses any Y1 Y2 Y3

\tgroup X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
""".encode()
LINES = f"log {LOG_VKEY}\nwitness a {VKEYS[0]}\nwitness b {VKEYS[1]}\n"


def cosign(*names: str) -> bytes:
    note = sign_checkpoint(HEAD, LOG_KEY)
    for name in names:
        note = add_signature(note, sign_cosignature(TEXT, name, KEYS[name], TIME_S))
    return note


def test_groups_within_groups_are_counted_as_the_standard_says() -> None:
    policy = parse_policy(NESTED)
    names = [witness.name for witness in policy.witnesses]
    for count in range(len(names) + 1):
        for chosen in combinations(names, count):
            xs, ys = (sum(name.startswith(letter) for name in chosen) for letter in "XY")
            assert is_quorum(policy, chosen) == (xs >= 2 and ys >= 1)
    assert not is_quorum(policy, ["X-and-Y", "X-witnesses", "stranger"])


def test_a_group_is_written_in_the_words_of_the_standard() -> None:
    lines = format_policy(parse_policy(NESTED)).decode().splitlines()
    assert [line for line in lines if line.startswith("group")] == [
        "group X-witnesses 2 X1 X2 X3",
        "group Y-witnesses any Y1 Y2 Y3",
        "group X-and-Y all X-witnesses Y-witnesses",
    ]


def test_a_policy_comes_back_from_its_own_words() -> None:
    policy = parse_policy(NESTED)
    assert policy.witnesses[1].url == "https://w2.example/" and policy.logs == (PolicyLog(LOG),)
    assert parse_policy(format_policy(policy)) == policy
    assert format_policy(policy).endswith(b"group X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n")


@pytest.mark.parametrize(
    ("text", "cosigners", "enough"),
    [
        ("quorum none\n", [], True),
        (LINES + "quorum none\n", [], True),
        (LINES + "quorum a\n", ["a"], True),
        (LINES + "quorum a\n", ["b"], False),
        (LINES + "group g all a b\nquorum g\n", ["a"], False),
        (LINES + "group g all a b\nquorum g\n", ["a", "b"], True),
        (LINES + "group g 1 a b\nquorum g\n", ["b"], True),
        (LINES + "group all all a b\nquorum all\n", ["a", "b"], True),
        (LINES + "group g any a\ngroup h any g\ngroup i any h\nquorum i\n", ["a"], True),
        (LINES + "group g any a\nquorum b\n", ["a"], False),
    ],
)
def test_small_policies(text: str, cosigners: list[str], enough: bool) -> None:
    assert is_quorum(parse_policy(text.encode()), cosigners) == enough


def test_names_are_bytes_and_nothing_else() -> None:
    kelvin = f"witness K {VKEYS[0]}\nwitness \u212a {VKEYS[1]}\nquorum K\n".encode()
    assert not is_quorum(parse_policy(kelvin), ["\u212a"])
    latin = b"# \xfc\nwitness m\xfcller " + VKEYS[0].encode() + b"\nquorum m\xfcller\n"
    policy = parse_policy(latin)
    assert parse_policy(format_policy(policy)) == policy
    assert b"m\xfcller" in format_policy(policy)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "policy"),
        ("quorum none", "policy"),
        (LINES, "policy"),
        ("quorum none\nquorum none\n", "line 2"),
        ("quorum a\n", "line 1"),
        (f"quorum a\nwitness a {VKEYS[0]}\n", "line 1"),
        (LINES + "quorum\n", "line 4"),
        (LINES + "quorum a b\n", "line 4"),
        (LINES + "quorum a # because\n", "line 4"),
        (LINES + "group g any a c\nquorum a\n", "line 4"),
        (LINES + "group g any a none\nquorum a\n", "line 4"),
        (LINES + "group g any g\nquorum a\n", "line 4"),
        (LINES + "group g any a a\nquorum a\n", "line 4"),
        (LINES + "group g any a\ngroup h any a\nquorum h\n", "line 5"),
        (LINES + "group g 0 a b\nquorum g\n", "line 4"),
        (LINES + "group g 3 a b\nquorum g\n", "line 4"),
        (LINES + "group g -1 a b\nquorum g\n", "line 4"),
        (LINES + "group g 01 a b\nquorum g\n", "line 4"),
        (LINES + "group g some a b\nquorum g\n", "line 4"),
        (LINES + "group g any\nquorum a\n", "line 4"),
        (LINES + "group a any b\nquorum a\n", "line 4"),
        (LINES + f"witness a {VKEYS[2]}\nquorum a\n", "line 4"),
        (LINES + f"witness none {VKEYS[2]}\nquorum none\n", "line 4"),
        (LINES + f"witness c {VKEYS[0]}\nquorum a\n", "line 4"),
        (LINES + f"witness c {LOG_VKEY}\nquorum a\n", "line 4"),
        (LINES + f"log {LOG_VKEY}\nquorum a\n", "line 4"),
        (LINES + f"log {VKEYS[2]}\nquorum a\n", "line 4"),
        (LINES + "log not-a-key\nquorum a\n", "line 4"),
        (LINES + f"log {LOG_VKEY} url more\nquorum a\n", "line 4"),
        (LINES + "wittness c d\nquorum a\n", "line 4"),
        (LINES + "quorum a\r\n", "line 4"),
        ("# a bell \a\nquorum none\n", "line 1"),
        ("# delete \x7f\nquorum none\n", "line 1"),
        ("quorum\u00a0none\n", "line 1"),
    ],
)
def test_what_a_policy_may_not_say_is_named_by_its_line(text: str, place: str) -> None:
    with pytest.raises(RefusedError) as refused:
        parse_policy(text.encode())
    assert refused.value.findings[0].place == place


def test_the_same_key_under_another_name_is_the_same_key() -> None:
    renamed = format_vkey("other.example", COSIGNATURE_V1, WITNESSES[0].public)
    with pytest.raises(RefusedError, match="a witness's key stands twice"):
        parse_policy(f"{LINES}witness c {renamed}\nquorum a\n".encode())


def test_every_wrong_line_is_found_up_to_a_limit() -> None:
    with pytest.raises(RefusedError) as refused:
        parse_policy(b"x\n" * 3 + b"quorum none\n" + b"y\n")
    assert [finding.place for finding in refused.value.findings] == ["line 1", "line 2", "line 3", "line 5"]
    with pytest.raises(RefusedError) as refused:
        parse_policy(b"x\n" * (POLICY_BYTES_MAX // 2))
    assert len(refused.value.findings) == FINDINGS_MAX
    with pytest.raises(RefusedError, match="at most"):
        parse_policy(b"\n" * (POLICY_BYTES_MAX + 1))


def test_as_many_as_the_standard_wants_are_read_and_not_many_more() -> None:
    def many(count: int) -> bytes:
        keys = [number.to_bytes(32, "big") for number in range(count)]
        lines = [f"log {format_vkey('l.example', ED25519, key)}" for key in keys]
        lines += [f"witness w{i} {format_vkey('w.example', COSIGNATURE_V1, key)}" for i, key in enumerate(keys)]
        lines += [f"group g{i} any w{i}" for i in range(count)]
        return "\n".join([*lines, "quorum g0\n"]).encode()

    assert len(parse_policy(many(32)).groups) == 32
    assert len(parse_policy(many(GROUPS_MAX)).logs) == LOGS_MAX
    with pytest.raises(RefusedError) as refused:
        parse_policy(many(GROUPS_MAX + 1))
    assert {finding.reason for finding in refused.value.findings} >= {"more than 128 of a kind"}


def test_a_head_is_accepted_when_its_log_and_enough_witnesses_signed_it() -> None:
    policy = parse_policy(NESTED)
    found = check_head(cosign("w1.example", "w3.example", "w6.example"), policy)
    assert found.checkpoint == HEAD
    assert found.times_s == {"X1": TIME_S, "X3": TIME_S, "Y3": TIME_S}
    assert check_head(cosign("w1.example", "w3.example", "w6.example"), policy, LOG) == found
    with pytest.raises(PeerError, match="2 of 6 witnesses cosigned, which is not its quorum"):
        check_head(cosign("w1.example", "w2.example"), policy)


def test_a_head_of_a_log_that_is_not_meant_is_refused() -> None:
    other = VerifierKey("oak.example/log", ED25519, MEMBER_KEY.public)
    for policy, log_key in ((Policy((), (), (), "none"), None), (Policy((PolicyLog(LOG),), (), (), "none"), other)):
        with pytest.raises(PeerError, match=r"no log in it is called northside\.example/log"):
            check_head(cosign(), policy, log_key)
    assert check_head(cosign(), Policy((), (), (), "none"), LOG).checkpoint == HEAD
    impostor = VerifierKey(ORIGIN, ED25519, MEMBER_KEY.public)
    with pytest.raises(PeerError, match="not signed by any key"):
        check_head(cosign(), Policy((), (), (), "none"), impostor)


def test_a_wrong_cosignature_of_a_known_witness_refuses_the_note_even_without_a_quorum() -> None:
    wrong = sign_cosignature(TEXT.replace("1234", "1235"), "w1.example", KEYS["w1.example"], TIME_S)
    note = add_signature(cosign("w2.example"), wrong)
    with pytest.raises(PeerError, match=r"that of a is wrong"):
        check_head(note, parse_policy((LINES + "quorum none\n").encode()))
    assert check_head(note, parse_policy(f"log {LOG_VKEY}\nquorum none\n".encode())).times_s == {}


def test_a_log_and_a_witness_may_sign_with_mldsa44() -> None:
    log = VerifierKey(ORIGIN, COSIGNATURE_MLDSA44, PQ_KEY.public)
    policy = Policy((PolicyLog(log),), (), (), "none")
    note = add_signature(cosign(), sign_mldsa44_cosignature(TEXT, ORIGIN, PQ_KEY, TIME_S))
    assert check_head(note, parse_policy(format_policy(policy))).checkpoint == HEAD
    with pytest.raises(PeerError, match="not signed by any key"):
        check_head(cosign(), policy)
    witness = PolicyWitness("pq", VerifierKey("w1.example", COSIGNATURE_MLDSA44, PQ_KEY.public))
    note = add_signature(cosign("w1.example"), sign_mldsa44_cosignature(TEXT, "w1.example", PQ_KEY, TIME_S + 1))
    found = check_head(note, Policy((PolicyLog(LOG),), (witness,), (), "pq"))
    assert found.times_s == {"pq": TIME_S + 1}


@pytest.mark.parametrize("rule", ["half", "two_thirds"])
@pytest.mark.parametrize("count", range(2, 7))
def test_a_federations_policy_says_what_its_rule_says(rule: Rule, count: int) -> None:
    keys, names = WITNESSES[:count], list(KEYS)[:count]
    policy = parse_policy(format_policy(make_policy(LOG, keys, names[0], rule)))
    assert [witness.name for witness in policy.witnesses] == names[1:]
    for chosen in (set(some) for size in range(count + 1) for some in combinations(names, size)):
        assert is_quorum(policy, chosen) == bool(witnessed_size(dict.fromkeys(chosen, 1), names, names[0], rule))


def test_a_witness_with_two_keys_counts_once() -> None:
    pq = VerifierKey("w1.example", COSIGNATURE_MLDSA44, PQ_KEY.public)
    policy = make_policy(LOG, [*WITNESSES[:3], pq], "owner.example", "half")
    assert is_quorum(policy, ["w1.example+1", "w2.example"])
    assert not is_quorum(policy, ["w1.example+1", "w1.example+2"])
    with pytest.raises(PeerError, match="not its quorum"):
        both = add_signature(cosign("w1.example"), sign_mldsa44_cosignature(TEXT, "w1.example", PQ_KEY, TIME_S))
        check_head(both, policy)
    assert check_head(cosign("w1.example", "w3.example"), policy).checkpoint == HEAD


def test_a_log_that_nobody_else_can_witness_has_no_policy_but_none() -> None:
    for keys in ([], WITNESSES[:1]):
        with pytest.raises(RefusedError, match="no head is ever witnessed"):
            make_policy(LOG, keys, "w1.example", "half")
        assert format_policy(make_policy(LOG, keys, "w1.example", None)) == f"log {LOG_VKEY}\nquorum none\n".encode()


def test_a_policy_that_does_not_hold_together_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="the quorum is not defined"):
        Policy((), (), (), "a")
    with pytest.raises(ValueError, match="not defined above it"):
        Policy((), (), (PolicyGroup("g", 1, ("h",)), PolicyGroup("h", 1, ("g",))), "h")
    for name in ("", "two words", "none"):
        with pytest.raises(ValueError, match="a name that is taken"):
            Policy((), (PolicyWitness(name, WITNESSES[0]),), (), "none")
    with pytest.raises(ValueError, match="an address with a space"):
        Policy((PolicyLog(LOG, "http://a b"),), (), (), "none")
