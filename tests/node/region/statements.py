"""A statement of some person that a co-op's log carries: it is not the co-op's own word."""

import msgspec

from node.use_cases.publish import publish_statement
from protocol.core.encoding import to_value
from protocol.core.identity import generate, key_id
from protocol.core.record import NONCE_BYTES, Statement, sign_statement
from tests.node.region.machine import Machine

PERSON = generate(b"p" * 32)


async def carry(machine: Machine, kind: str, body: msgspec.Struct) -> None:
    """Put a person's statement of this kind into a machine's log."""
    node = machine.node
    statement = Statement(
        kind=kind,
        at=node.clock.now_ms(),
        by=key_id(PERSON.public),
        audience=node.origin,
        nonce=bytes(NONCE_BYTES),
        body=to_value(body),
    )
    await machine.do(publish_statement(node, statement, [sign_statement(statement, PERSON)]))
