"""The real run of a plan call, with an eye on every set that it follows and every state that it reaches."""

from node.simulation.rounds.ledger import Ledger
from node.use_cases.planning.rounds.run import PlanRun
from node.use_cases.planning.rounds.slot import Slot
from protocol.planning.state import hash_state


class WatchedRun(PlanRun):
    """Tells the ledger; changes nothing."""

    def watch(self, ledger: Ledger, origin: str, is_honest: bool) -> None:
        """What an honest member follows must be what all honest ones follow; a liar's word is not asked."""
        self._ledger, self._watched_as, self._is_honest = ledger, origin, is_honest

    async def _apply(self, slot: Slot, content: bytes) -> bool:
        state = b"" if self.state is None else hash_state(self.state)
        followed = await super()._apply(slot, content)
        if followed and self._is_honest:
            self._ledger.note_set(self._watched_as, slot, content, state)
            if self.state is not None:
                self._ledger.note_state(self._watched_as, slot, hash_state(self.state))
            drafts = 0
            for reading in self.readings:
                votes, drafts = max(0, drafts - self.call.readings), drafts + (not reading.decides_batches)
                if reading.draft is not None:
                    self._ledger.note_draft(self._watched_as, reading.reading, reading.draft, votes)
        return followed
