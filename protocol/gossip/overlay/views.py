"""Who is in a view: members of the roster, picked by chance so that no network crowds the others out.

Invariant: chance is handed in as bytes; the same bytes pick the same names from the same set, whatever its order.
Invariant: one network fills half of a view at most, or its share of the roster where that is more.
Spec: docs/spec/gossip/membership.md
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from protocol.core.quantities import divide_up


class Contact(NamedTuple):
    """A member of a federation: the network it is reached in (by any name), and whether it can be called."""

    network: str
    is_callable: bool


class Roster:
    """The members of a node's federations, itself left out."""

    def __init__(self, contacts: Mapping[str, Contact]) -> None:
        self.contacts = dict(contacts)
        self._counts = Counter(contact.network for contact in contacts.values())

    def __contains__(self, name: str) -> bool:
        return name in self.contacts

    def __len__(self) -> int:
        return len(self.contacts)

    def network(self, name: str) -> str:
        """The network that a member is reached in."""
        return self.contacts[name].network

    def is_callable(self, name: str) -> bool:
        """Whether a name is a member's that can be called."""
        contact = self.contacts.get(name)
        return contact is not None and contact.is_callable

    def is_crowded(self, view: Iterable[str], name: str, view_max: int) -> bool:
        """Whether one more of this member's network would be more than that network's part of a view."""
        network = self.network(name)
        share = divide_up(view_max * self._counts[network], len(self))
        same = sum(self.network(one) == network for one in view if one != name)
        return same >= max((view_max + 1) // 2, share)

    def pick_spread(self, names: Iterable[str], view: Iterable[str], draw: bytes) -> Iterator[str]:
        """The names, each time one of a network that the view and those picked so far have least of; ties by chance."""
        counts = Counter(self.network(one) for one in view)
        by_network: dict[str, list[str]] = {}
        for name in reversed(rank(names, draw)):
            by_network.setdefault(self.network(name), []).append(name)
        order = {network: index for index, network in enumerate(rank(by_network, draw))}
        while by_network:
            network = min(by_network, key=lambda one: (counts[one], order[one]))
            yield by_network[network].pop()
            counts[network] += 1
            if not by_network[network]:
                del by_network[network]

    def pick_to_leave(self, view: Collection[str], draw: bytes) -> str:
        """Who goes when a view is too full: one of the network that has most in it, by chance."""
        counts = Counter(self.network(one) for one in view)
        return max(rank(view, draw), key=lambda one: counts[self.network(one)])


def rank(names: Iterable[str], draw: bytes) -> list[str]:
    """The names in an order that hangs on the drawn bytes alone."""
    return sorted(names, key=lambda name: hashlib.sha256(draw + name.encode()).digest())
