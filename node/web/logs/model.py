"""Peers and their logs: how long each is, its root, who cosigned it, and how we are connected.

Invariant: facts in neutral words; two versions of a log are shown side by side with no judgement.
"""

import msgspec


class Cosigner(msgspec.Struct, frozen=True):
    """One cosigner of a head and the size it cosigned."""

    name: str
    size: int


class LogRow(msgspec.Struct, frozen=True):
    """One log as this node holds it; `witnessed` is a whole phrase such as "witnessed by 6 of 10", `cut`
    a sentence on where the records that count end, empty where all count."""

    origin: str
    path: str
    name: str
    size: int
    root: str
    cosigned_by: tuple[Cosigner, ...]
    witnessed: str
    connection: str
    is_own: bool = False
    versions: int = 1
    cut: str = ""


class LogList(msgspec.Struct, frozen=True):
    """All logs this node holds, its own first."""

    rows: tuple[LogRow, ...]


class RecordRow(msgspec.Struct, frozen=True):
    """One record: `doc` says in a few words what its kind is, `void` why it does not count."""

    index: int
    kind: str
    doc: str
    at: str
    leaf: str
    subject: str = ""
    void: str | None = None


class LogPage(msgspec.Struct, frozen=True):
    """One log with its latest records, newest first."""

    row: LogRow
    records: tuple[RecordRow, ...]
    note: str = ""

    @property
    def title(self) -> str:
        """Whose log it is."""
        return self.row.name or self.row.origin
