"""Made-up logs: our own, a peer's, and one of which two versions exist."""

from collections.abc import Mapping

from node.web.logs.model import Cosigner, LogList, LogPage, LogRow, RecordRow
from tests.node.web.made_up import DIGEST, HOSTILE


def example_logs() -> LogList:
    """Three logs: our own, a peer's, and one of which two versions exist."""
    cosigners = (Cosigner("Southgate", 812), Cosigner("Oak bakery", 801))
    own, oak, odd = "northside-1a2b3c4d.rochdale/log", "oak-99aa77bb.rochdale/log", "x-00.rochdale/log"
    unseen = ((), "not witnessed yet")
    return LogList(
        (
            LogRow(own, f"/logs/{own}", "Northside", 812, DIGEST, cosigners, "witnessed by 6 of 10", "this node", True),
            LogRow(oak, f"/logs/{oak}", "Oak bakery", 655, DIGEST, *unseen, "connected", False),
            LogRow(odd, f"/logs/{odd}", HOSTILE, 12, DIGEST, *unseen, "not connected since 10:41", False, 2),
        )
    )


def example_log(said: Mapping[str, str]) -> LogPage | None:
    """Our own log."""
    row = example_logs().rows[0]
    if said["origin"] != row.origin:
        return None
    records = (
        RecordRow(
            811, "supply.price_approval", "a committee's yes or no to one version", "2017-03-01 10:41", "ab" * 32
        ),
        RecordRow(
            810,
            "supply.price_proposal",
            "a price and what it is made of",
            "2017-03-01 10:40",
            "cd" * 32,
            void=HOSTILE,
        ),
    )
    return LogPage(row, records, "northside-1a2b3c4d.rochdale/log\n812\nabc=\n\n— northside sig\n")
