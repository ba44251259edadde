"""What the roster and charter of a call say: who takes part, and what everybody is due.

Invariant: a call is planned under the roster version that it names, whatever comes later.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from node.use_cases.context import Node
from node.use_cases.federation.history import current_history
from protocol.federation.charter import CouncilException, Floor, approvals_needed, describe_outdated, people_needed
from protocol.federation.membership import History
from protocol.planning.cards import ApprovedFloor, CardTerms


@dataclass(frozen=True)
class Terms:
    """What the roster and charter of a call say: how many people each member counts, what the charter allots.

    `outdated` says why this node must not follow the call, empty when it may.
    """

    members: Mapping[str, int]
    names: Mapping[str, str]
    card_terms: CardTerms
    exceptions: tuple[CouncilException, ...]
    k_households: int
    approvals_needed: int
    people_needed: int
    facilitators: tuple[str, ...] = ()
    outdated: str = ""

    def terms_of(self, origin: str) -> CardTerms:
        """What one member's council is due: what the list and its people come to, and what others approved for it."""
        own = next((one for one in self.exceptions if one.member == origin), None)
        if own is None:
            return self.card_terms
        return msgspec.structs.replace(
            self.card_terms, extra_credits_micro=own.credits_micro, extra_floors=_list_floors(own.floors)
        )


def terms_of_roster(node: Node, roster_hash: bytes) -> Terms | None:
    """What a plan call over this roster version may count on; None while the version is not known here."""
    history = history_of_roster(node, roster_hash)
    for version in () if history is None else history.versions:
        if version.hash == roster_hash:
            charter = version.charter
            return Terms(
                members={member.origin: member.people for member in version.roster.members},
                names={member.origin: member.name for member in version.roster.members},
                card_terms=CardTerms(charter.credits_per_person_micro, _list_floors(charter.floors)),
                exceptions=charter.exceptions,
                k_households=charter.k_households,
                approvals_needed=approvals_needed(charter, len(version.roster.members)),
                people_needed=people_needed(charter, sum(member.people for member in version.roster.members)),
                facilitators=charter.facilitators,
                outdated=describe_outdated(charter, "planning"),
            )
    return None


def history_of_roster(node: Node, roster_hash: bytes) -> History | None:
    """That of this home's federations, its own or the one above, which had this roster; None where neither has."""
    histories = (current_history(node), current_history(node, above=True))
    found = (one for one in histories if one is not None and any(each.hash == roster_hash for each in one.versions))
    return next(found, None)


def _list_floors(floors: tuple[Floor, ...]) -> tuple[ApprovedFloor, ...]:
    return tuple(ApprovedFloor(floor.good, floor.amount, floor.decimals) for floor in floors)
