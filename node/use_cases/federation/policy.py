"""Whom to believe about the heads of a member's log: roster and charter in force, for auditors' own tools.

Spec: docs/spec/log/policy.md
"""

from collections.abc import Iterator

import msgspec

from node.use_cases.context import Node, Operation
from node.use_cases.description import Command
from node.use_cases.federation.history import known_history
from protocol.federation.log_policy import make_log_policy
from protocol.federation.roster import Roster
from protocol.log.policy import format_policy
from storage.log.record_index import records


class PolicyParams(msgspec.Struct):
    """The log whose heads are to be believed; this node's own where none is named."""

    origin: str = ""


class LogPolicy(msgspec.Struct, frozen=True):
    """A log and the text of the tlog-policy file for it."""

    origin: str
    policy: str


async def show_policy(node: Node, params: PolicyParams) -> LogPolicy:
    """The roster and charter in force as the policy of one member's log, for auditors' own tools."""
    newest, origin = known_history(node).newest, params.origin or node.origin
    policy = make_log_policy(newest.roster, newest.charter, origin, _read_mldsa44_keys(node, newest.roster))
    return LogPolicy(origin, format_policy(policy).decode())


def _read_mldsa44_keys(node: Node, roster: Roster) -> dict[str, bytes]:
    """The second keys of the members' witnesses, as far as the first records of their logs say them."""
    bound = {member.origin: (member.log_key, member.witness_key) for member in roster.members}
    founded = records(node.database.reader, "log.founding")
    return {
        indexed.origin: indexed.body.keys.witness_mldsa44
        for indexed in founded
        if indexed.index == 0 and bound.get(indexed.origin) == (indexed.body.keys.log, indexed.body.keys.witness)
    }


def _tell_policy(answer: LogPolicy) -> Iterator[str]:
    yield answer.policy.removesuffix("\n")


OPERATIONS = (
    Operation(
        "federation.policy",
        PolicyParams,
        show_policy,
        "Whom to believe about the heads of a member's log ORIGIN (our own by default), as a tlog-policy file.",
        writes=False,
        tell=_tell_policy,
        command=Command("federation policy", ("origin",), code=1),
    ),
)
