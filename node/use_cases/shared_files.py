"""Files that others may fetch by their hash: kept with the scope that says who.

Invariant: a file is on disk before its scope lets anyone have it.
Spec: docs/spec/federation/scopes.md
"""

from node.use_cases.context import Node
from protocol.core.errors import MisuseError
from protocol.federation.scopes import FEDERATION, PUBLIC, may_read
from protocol.gossip.frontier import Circle
from storage import files

FILE_SCOPES = (PUBLIC, FEDERATION)


async def share_file(node: Node, content: bytes, scope: str) -> bytes:
    """Keep a file and let those whom the scope names (public, federation) fetch it; its SHA-256."""
    if scope not in FILE_SCOPES:
        raise MisuseError(f"no file is {scope}: its scope is one of {', '.join(FILE_SCOPES)}")
    digest = node.files.put(content)
    await node.database.write(lambda db: files.share_file(db, digest, scope))
    return digest


def read_shared(node: Node, sha256: bytes, reader: str, circles: tuple[Circle, ...]) -> bytes | None:
    """A file's content for a peer; None where it is not here or not for this peer."""
    members = frozenset(origin for one in circles if node.origin in one.members for origin in one.members)
    scope = files.file_scope(node.database.reader, sha256)
    return node.files.get(sha256) if may_read(scope, reader, node.origin, members) else None
