"""Witnesses that the roster has not named before: their lines were passed over until now, and are asked for.

Invariant: no cursor stands that was kept while lines of a witness which counts now were passed over.
Spec: docs/spec/gossip/session.md
"""

import sqlite3
from typing import Final

from node.peering.backlog import Backlog
from node.peering.roads.sessions import Sessions
from node.use_cases.context import Node
from node.use_cases.cosign import witness_roster
from protocol.core.errors import RefusedError
from protocol.gossip import events
from protocol.gossip.frontier import Frontier
from storage.peers import gossip_marks
from storage.settings import set_setting, setting

HEARD_SETTING: Final = "witnesses_heard"


class NewWitnesses:
    """Compares the roster's witnesses with those whose lines are taken already."""

    def __init__(self, node: Node, frontier: Frontier, backlog: Backlog, sessions: Sessions) -> None:
        heard = setting(node.database.reader, HEARD_SETTING)
        self._heard = frozenset(map(str, heard)) if isinstance(heard, list) else frozenset()
        self._node, self._frontier, self._backlog, self._sessions = node, frontier, backlog, sessions
        self._is_asking = False

    def look(self) -> None:
        """Once in a while: where there are new ones, have every peer tell again what it holds."""
        names = frozenset(witness_roster(self._node).witness_keys())
        if not self._is_asking and not names <= self._heard:
            self._is_asking = True
            self._backlog.spawn(self._ask(names))

    async def _ask(self, names: frozenset[str]) -> None:
        def forget(db: sqlite3.Connection) -> None:
            gossip_marks.reset_cursors(db)
            set_setting(db, HEARD_SETTING, sorted(names))

        try:
            await self._node.database.write(forget)
            self._heard = names
            for origin in list(self._frontier.heads):
                self._sessions.broadcast(events.LogAdded(origin))
        except (sqlite3.Error, RefusedError) as error:
            # A full or failing disk: tried again with the next tick.
            self._node.log.error("witnesses_not_noted", error=type(error).__name__)
        finally:
            self._is_asking = False
