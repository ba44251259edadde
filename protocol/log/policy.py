"""Whom to believe about a head: a file that names the logs, the witnesses, and how many of these must have cosigned.

Invariant: a policy that parses is whole: every name stands above its first use and is a member of one group at most,
so that each witness counts in one way.
Invariant: names are bytes without spaces; nothing here depends on Unicode tables. No finding on a line repeats one.
Spec: docs/spec/log/policy.md (c2sp.org/tlog-policy)
"""

import re
from collections.abc import Collection, Sequence
from typing import Final, TypeVar

import msgspec

from protocol.core.errors import Finding, MisuseError, PeerError, RefusedError, refuse
from protocol.core.note import (
    COSIGNATURE_MLDSA44,
    COSIGNATURE_V1,
    ED25519,
    Ed25519Verifier,
    Verifier,
    VerifierKey,
    format_vkey,
    key_hash,
    parse_note,
    parse_vkey,
    verify_note,
)
from protocol.log.checkpoint import Checkpoint, parse_checkpoint
from protocol.log.cosignature import Cosigned, make_verifier, read_cosigned
from protocol.log.quorum import Rule, count_needed, list_eligible

LOGS_MAX: Final = 128
WITNESSES_MAX: Final = 128
GROUPS_MAX: Final = 128
POLICY_BYTES_MAX: Final = 1_048_576
FINDINGS_MAX: Final = 100
NO_QUORUM: Final = "none"

_NOT_ALLOWED = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")
_NOT_IN_TOKEN = re.compile(r"[\x00-\x20\x7f]")
_SPACES = re.compile("[ \t]+")
_THRESHOLD = re.compile("[1-9][0-9]{0,4}")

_Definition = TypeVar("_Definition")


class PolicyLog(msgspec.Struct, frozen=True):
    """A log whose heads are accepted: its key, named as its origin, and where it is reached (or "")."""

    key: VerifierKey
    url: str = ""


class PolicyWitness(msgspec.Struct, frozen=True):
    """A witness: its name in this policy, its key, and where it is reached (or "")."""

    name: str
    key: VerifierKey
    url: str = ""


class PolicyGroup(msgspec.Struct, frozen=True):
    """A group: it has witnessed a head when at least `threshold` of its members (witnesses or groups) have."""

    name: str
    threshold: int
    members: tuple[str, ...]


class Policy(msgspec.Struct, frozen=True):
    """Logs, witnesses, groups in the order of their definition, and the name that must have witnessed (or "none")."""

    logs: tuple[PolicyLog, ...]
    witnesses: tuple[PolicyWitness, ...]
    groups: tuple[PolicyGroup, ...]
    quorum: str

    def __post_init__(self) -> None:
        lines = _Lines()
        try:
            for log in self.logs:
                lines.add_log(log)
            for witness in self.witnesses:
                lines.add_witness(witness)
            for group in self.groups:
                lines.add_group(group)
            lines.set_quorum(self.quorum)
        except RefusedError as error:
            raise ValueError(error.reason) from None


class WitnessedHead(msgspec.Struct, frozen=True):
    """A head that a policy accepts; `times_s` has the POSIX time of each known witness that cosigned it."""

    checkpoint: Checkpoint
    times_s: dict[str, int]


def parse_policy(raw: bytes) -> Policy:
    """The policy of a file; RefusedError lists what is wrong, line by line."""
    if len(raw) > POLICY_BYTES_MAX:
        raise RefusedError.at("policy", f"{len(raw)} bytes, at most {POLICY_BYTES_MAX} are allowed")
    # A file that was cut off could still name a weaker quorum.
    if not raw.endswith(b"\n"):
        raise RefusedError.at("policy", "its last line does not end in a newline")
    lines, findings = _Lines(), []
    for number, line in enumerate(raw[:-1].split(b"\n"), start=1):
        try:
            if _NOT_ALLOWED.search(line):
                raise RefusedError("a control character")
            _read_line(line.decode(errors="surrogateescape"), lines)
        except RefusedError as error:
            findings.append(Finding(f"line {number}", error.reason))
        if len(findings) >= FINDINGS_MAX:
            break
    if lines.quorum is None and not findings:
        findings.append(Finding("policy", "no quorum line"))
    refuse(findings, "policy")
    assert lines.quorum is not None
    return Policy(tuple(lines.logs), tuple(lines.witnesses), tuple(lines.groups), lines.quorum)


def format_policy(policy: Policy) -> bytes:
    """The file of a policy: logs, witnesses, groups, quorum, a line each."""
    lines = [_join("log", _vkey(log.key), log.url) for log in policy.logs]
    lines += [_join("witness", witness.name, _vkey(witness.key), witness.url) for witness in policy.witnesses]
    for group in policy.groups:
        word = "all" if group.threshold == len(group.members) else "any" if group.threshold == 1 else None
        lines.append(_join("group", group.name, word or str(group.threshold), *group.members))
    lines.append(_join("quorum", policy.quorum))
    return "".join(lines).encode(errors="surrogateescape")


def is_quorum(policy: Policy, cosigners: Collection[str]) -> bool:
    """Whether the witnesses of these names in the policy, together, are enough."""
    if policy.quorum == NO_QUORUM:
        return True
    known = {witness.name for witness in policy.witnesses}
    witnessed = known & set(cosigners)
    # Members stand above their group, so one pass settles all, however deep.
    for group in policy.groups:
        if sum(member in witnessed for member in group.members) >= group.threshold:
            witnessed.add(group.name)
    return policy.quorum in witnessed


def check_head(note: bytes, policy: Policy, log_key: VerifierKey | None = None) -> WitnessedHead:
    """The head in a note, when a log of the policy signed it and its quorum cosigned it; PeerError otherwise.

    With `log_key` only that log's heads are accepted, whatever logs the policy names. A wrong signature of any known
    key refuses the note.
    """
    head = parse_checkpoint(parse_note(note)[0])
    logs = [log_key] if log_key is not None else [log.key for log in policy.logs]
    verifiers = [_log_verifier(key) for key in logs if key.name == head.origin]
    if not verifiers:
        raise PeerError(f"policy: no log in it is called {head.origin}")
    verify_note(note, verifiers)
    times_s, wrong = read_witnesses(note, policy)
    if wrong:
        raise PeerError(f"cosignature: that of {wrong[0]} is wrong")
    if not is_quorum(policy, times_s):
        count = len(policy.witnesses)
        raise PeerError(f"policy: {len(times_s)} of {count} witnesses cosigned, which is not its quorum")
    return WitnessedHead(head, times_s)


def read_witnesses(note: bytes, policy: Policy) -> Cosigned:
    """Which witnesses of the policy, by their names there, cosigned a note, and which of them wrongly."""
    return read_cosigned(note, [(witness.name, make_verifier(witness.key)) for witness in policy.witnesses])


def make_policy(log_key: VerifierKey, witness_keys: Sequence[VerifierKey], owner: str, rule: Rule | None) -> Policy:
    """A federation's witness set as the policy for one member's log.

    `owner` is the name under which the log's owner cosigns; it never counts. Several keys of one name are one
    witness, who may sign with any of them. With no `rule` no cosignature is asked for. RefusedError when nobody
    but the owner could witness.
    """
    names = list_eligible({key.name for key in witness_keys}, owner)
    if rule is not None and not names:
        raise RefusedError.at("policy", "no witness besides the log's owner: no head is ever witnessed")
    witnesses: list[PolicyWitness] = []
    groups: list[PolicyGroup] = []
    for name in sorted(names):
        own = [key for key in witness_keys if key.name == name]
        # No key is named with a plus, so these names are free.
        added = [name] if len(own) == 1 else [f"{name}+{number}" for number in range(1, len(own) + 1)]
        witnesses += [PolicyWitness(added_name, key) for added_name, key in zip(added, own, strict=True)]
        if len(own) > 1:
            groups.append(PolicyGroup(name, 1, tuple(added)))
    quorum = NO_QUORUM if rule is None else f"+{rule}"
    if rule is not None:
        needed = count_needed({key.name for key in witness_keys}, owner, rule)
        groups.append(PolicyGroup(quorum, needed, tuple(sorted(names))))
    return Policy((PolicyLog(log_key),), tuple(witnesses), tuple(groups), quorum)


class _Lines:
    """A policy while it is read: each step refuses what does not fit what stands above."""

    def __init__(self) -> None:
        self.logs: list[PolicyLog] = []
        self.witnesses: list[PolicyWitness] = []
        self.groups: list[PolicyGroup] = []
        self.quorum: str | None = None
        # Name of each witness and group -> whether some group has it as a member.
        self._names: dict[str, bool] = {}

    def add_log(self, log: PolicyLog) -> None:
        if log.key.key_type not in (ED25519, COSIGNATURE_MLDSA44):
            raise RefusedError("a kind of key that does not sign logs' heads")
        if any(log.key.public == other.key.public for other in self.logs):
            raise RefusedError("a log's key stands twice")
        _check_url(log.url)
        _add(self.logs, log, LOGS_MAX)

    def add_witness(self, witness: PolicyWitness) -> None:
        if witness.key.key_type not in (COSIGNATURE_V1, COSIGNATURE_MLDSA44):
            raise RefusedError("a kind of key that does not cosign")
        if any(witness.key.public == other.key.public for other in self.witnesses):
            raise RefusedError("a witness's key stands twice")
        # Two keys with one name and one 4-byte hash: a signature line could not say whose it is.
        place = _place(witness.key)
        if any(place == _place(other.key) for other in self.witnesses):
            raise RefusedError("two witnesses' keys cannot be told apart by name and hash")
        _check_url(witness.url)
        self._define(witness.name)
        _add(self.witnesses, witness, WITNESSES_MAX)

    def add_group(self, group: PolicyGroup) -> None:
        for member in group.members:
            if member not in self._names:
                raise RefusedError("a group's member is not defined above it")
            if self._names[member]:
                raise RefusedError("a name is a member twice")
            self._names[member] = True
        if not 1 <= group.threshold <= len(group.members):
            raise RefusedError("a group needs at least 1 and at most all of its members")
        self._define(group.name)
        _add(self.groups, group, GROUPS_MAX)

    def set_quorum(self, name: str) -> None:
        if self.quorum is not None:
            raise RefusedError("a second quorum line")
        if name != NO_QUORUM and name not in self._names:
            raise RefusedError("the quorum is not defined above it")
        self.quorum = name

    def _define(self, name: str) -> None:
        if not name or _NOT_IN_TOKEN.search(name) or name == NO_QUORUM or name in self._names:
            raise RefusedError("a name that is taken, or none at all")
        self._names[name] = False


def _read_line(line: str, lines: _Lines) -> None:
    words = _SPACES.split(line.strip(" \t"))
    keyword, rest = words[0], words[1:]
    if not keyword or keyword.startswith("#"):
        return
    if keyword == "log" and 1 <= len(rest) <= 2:
        lines.add_log(PolicyLog(parse_vkey(rest[0]), *rest[1:]))
    elif keyword == "witness" and 2 <= len(rest) <= 3:
        lines.add_witness(PolicyWitness(rest[0], parse_vkey(rest[1]), *rest[2:]))
    elif keyword == "group" and len(rest) >= 3:
        lines.add_group(PolicyGroup(rest[0], _read_threshold(rest[1], len(rest) - 2), tuple(rest[2:])))
    elif keyword == "quorum" and len(rest) == 1:
        lines.set_quorum(rest[0])
    else:
        raise RefusedError("not a log, witness, group or quorum line of the right number of words")


def _read_threshold(word: str, count: int) -> int:
    if word in ("any", "all"):
        return 1 if word == "any" else count
    if not _THRESHOLD.fullmatch(word):
        raise RefusedError("a group's number is not all, any or a decimal number")
    return int(word)


def _add(definitions: list[_Definition], definition: _Definition, count_max: int) -> None:
    if len(definitions) >= count_max:
        raise RefusedError(f"more than {count_max} of a kind")
    definitions.append(definition)


def _check_url(url: str) -> None:
    if _NOT_IN_TOKEN.search(url):
        raise RefusedError("an address with a space or a control character")


def _join(*words: str) -> str:
    return " ".join(word for word in words if word) + "\n"


def _vkey(key: VerifierKey) -> str:
    return format_vkey(key.name, key.key_type, key.public)


def _place(key: VerifierKey) -> tuple[str, bytes]:
    return key.name, key_hash(key.name, key.key_type, key.public)


def _log_verifier(key: VerifierKey) -> Verifier:
    if key.key_type not in (ED25519, COSIGNATURE_MLDSA44):
        raise MisuseError("a key of this kind does not sign logs' heads")
    return Ed25519Verifier(key.name, key.public) if key.key_type == ED25519 else make_verifier(key)
