"""What the plan's page says of whole batches: which workplace runs how many, and what keeping them costs all together.

Invariant: credits are allotment, never money; what is lost is the most that it can be, whatever tastes are.
"""

import msgspec


class BatchRow(msgspec.Struct, frozen=True):
    """So many batches at a workplace, what one of them makes, and how many the draft asked for, parts and all."""

    name: str
    member: str
    batches: int
    makes: str
    asked_for: str


class Batches(msgspec.Struct, frozen=True):
    """The batches that were decided. `found_by` names members; nobody, where it is what every node works out. Where
    none hold (`holds` is false) there are no rows, and the draft stands as it is."""

    holds: bool
    lost_ppm: int
    found_by: tuple[str, ...]
    rows: tuple[BatchRow, ...]
