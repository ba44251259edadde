"""The vectors of a federation: the records in its members' logs, what was closed, and the versions that follow."""

from typing import Any, Final

import msgspec

from protocol.core.encoding import to_value
from protocol.core.identity import SigningKey, key_id
from protocol.core.note import COSIGNATURE_V1, format_vkey
from protocol.core.record import Record, Reference, format_record, leaf_hash_of
from protocol.federation.charter import Charter, CouncilException, Floor, hash_charter
from protocol.federation.log_policy import make_log_policy
from protocol.federation.membership import (
    Admission,
    CharterProposal,
    FederationFounding,
    History,
    JoinRequest,
    LeaveNotice,
    PeopleCount,
    Question,
    Retirement,
    Said,
    Succession,
    fold_federation,
    format_changes,
    list_questions,
    name_federation,
)
from protocol.federation.roster import Member
from protocol.log.policy import format_policy
from scripts.vectors.made_up import AT_MS, HEX, KEYS

ASH, BIRCH, CEDAR, DOGWOOD, ELM = (f"{name}.example/log" for name in ("ash", "birch", "cedar", "dogwood", "elm"))
OUTSIDE: Final = format_vkey("oak.example/witness", COSIGNATURE_V1, KEYS["witness"].public)
CHARTER: Final = Charter(
    name="the valley, made up",
    language="en",
    currency="EUR",
    currency_exponent=2,
    required_sections=("ingredients", "working_conditions"),
    committee_threshold=2,
    approvals_percent_coops=67,
    approvals_percent_people=50,
    witnesses=(ASH, BIRCH, OUTSIDE),
    witness_rule="half",
    credits_per_person_micro=120_000_000,
    floors=(Floor("bread", 4, 1), Floor("milk", 25, 2)),
    k_households=5,
    rules={"planning": 1},
)
KINDS: Final = {
    FederationFounding: "federation.founding",
    JoinRequest: "federation.join",
    Admission: "federation.admission",
    LeaveNotice: "federation.leave",
    PeopleCount: "federation.people",
    CharterProposal: "federation.charter",
    Retirement: "federation.retirement",
    Succession: "federation.succession",
}


class _Valley:
    """The members' logs as they grow, and what they close."""

    def __init__(self) -> None:
        self.founding = FederationFounding(CHARTER, _member(ASH, 100))
        self.name = name_federation(self.founding)
        self.said: list[Said] = []
        self.entries: list[bytes] = []
        self.closed: dict[bytes, bytes] = {}
        self.steps: list[dict[str, Any]] = []
        self.say(ASH, self.founding)

    @property
    def history(self) -> History:
        """What follows from all of it."""
        known = {said.leaf: said for said in self.said}
        return fold_federation(self.founding, self._content_of, known.get)

    def say(self, origin: str, body: msgspec.Struct) -> Said:
        """A record more at the end of a log."""
        index = sum(said.origin == origin for said in self.said)
        by = key_id(_key(origin, "log").public)
        entry = format_record(Record(kind=KINDS[type(body)], seq=index, at=AT_MS, by=by, body=to_value(body)))
        self.entries.append(entry)
        self.said.append(Said(origin, index, leaf_hash_of(entry), body))
        return self.said[-1]

    def admit(self, origin: str, people: int) -> Said:
        """A request and who vouches for it."""
        asked = self.say(origin, JoinRequest(self.name, "consumers", people))
        join = Reference(origin, asked.index, asked.leaf)
        return self.say(ASH, Admission(self.name, _member(origin, people), join))

    def close(self, says: str, *changes: Said, subject: str = "") -> None:
        """The next version's slot, or the one that ends a member's log, closes on these records."""
        question = next(one for one in list_questions(self.history) if one.subject == subject)
        content = format_changes([said.leaf for said in changes])
        before, after = len(self.history.findings), self._follow(question.slot, content)
        self.steps.append(
            {
                "says": says,
                "subject": subject,
                "slot": question.slot,
                "voters": question.voters,
                "needed": question.needed,
                "content": content,
                "version": after.newest.roster.version,
                "attempt": after.attempt,
                "roster": after.newest.hash,
                "charter": hash_charter(after.newest.charter),
                "members": [[member.origin, member.people] for member in after.newest.roster.members],
                "findings": [f"{finding.place}: {finding.reason}" for finding in after.findings[before:]],
            }
        )

    def _follow(self, slot: bytes, content: bytes) -> History:
        self.closed[slot] = content
        return self.history

    def _content_of(self, question: Question) -> bytes | None:
        return self.closed.get(question.slot)


def export_rosters() -> dict[str, Any]:
    """A federation from its founding on, with contents that make no version."""
    valley = _Valley()
    first, birch = valley.history, valley.admit(BIRCH, 80)
    valley.close("birch is admitted by ash alone", birch)
    older = valley.say(ASH, PeopleCount(valley.name, 95))
    cedar, dogwood, people = (
        valley.admit(CEDAR, 0),
        valley.admit(DOGWOOD, 40),
        valley.say(ASH, PeopleCount(valley.name, 90)),
    )
    valley.close("birch's admission again: no version, another attempt", birch)
    valley.close("two more, and ash counts anew", cedar, dogwood, people)
    valley.close("a count that is older than the one followed", older)
    exception = CouncilException(BIRCH, "a school kitchen eats here", (Floor("milk", 40, 0),), 120_000_000)
    wanted = msgspec.structs.replace(CHARTER, facilitators=(ASH,), exceptions=(exception,))
    valley.close("another charter", valley.say(BIRCH, CharterProposal(valley.name, wanted)))
    lost = valley.say(ASH, Retirement(valley.name, DOGWOOD, 7, bytes([7]) * 32))
    valley.close("in the ordinary slot no log is ended", lost)
    valley.close("the others end dogwood's log", lost, subject=DOGWOOD)
    went_on = Succession(valley.name, CEDAR, _member(ELM, 5), Reference(ELM, 1, bytes([9]) * 32))
    valley.close("elm goes on for cedar, with cedar's people", valley.say(ASH, went_on))
    valley.close("birch leaves", valley.say(BIRCH, LeaveNotice(valley.name)))
    policy = make_log_policy(first.newest.roster, CHARTER, ASH)
    return {
        "about": f"A federation's versions (docs/spec: federation.md, succession.md, policy.md). {HEX} Versions are "
        "the same in whatever order the records come. Made up.",
        "federation": valley.name,
        "charter": {"bytes": to_value(CHARTER), "hash": hash_charter(CHARTER)},
        "policy_of_ash_in_version_1": format_policy(policy).decode(),
        "records": [
            {"log": said.origin, "index": said.index, "entry": entry, "leaf": said.leaf}
            for said, entry in zip(valley.said, valley.entries, strict=True)
        ],
        "steps": valley.steps,
    }


def _member(origin: str, people: int) -> Member:
    log_key, witness_key, mirror_key = (_key(origin, use).public for use in ("log", "witness", "mirror"))
    return Member(origin, origin.partition(".")[0], "consumers", people, log_key, witness_key, mirror_key, b"", "")


def _key(origin: str, use: str) -> SigningKey:
    return SigningKey(f"made up: {origin} {use}".encode().ljust(32)[:32])


FILES = {"federation/rosters.json": export_rosters}
