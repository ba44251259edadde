"""Only a home's own word is its leaving, not what its log carries of somebody else."""

from pathlib import Path

import pytest

from node.use_cases.federation.history import current_history
from node.use_cases.federation.verbs import CreateParams, WhichParams, create, leave
from node.use_cases.publish import publish_statement
from protocol.core.encoding import to_value
from protocol.core.errors import RefusedError
from protocol.core.identity import generate, key_id
from protocol.core.record import NONCE_BYTES, Statement, sign_statement
from protocol.federation.membership import LeaveNotice
from tests.node.use_cases.two_homes import open_home
from tests.protocol.federation.made_up_federation import make_charter

MEMBER = generate(b"m" * 32)


async def test_a_member_s_statement_in_the_log_is_not_the_home_s_word(tmp_path: Path) -> None:
    node = await open_home(tmp_path, "Northside")
    try:
        await create(node, CreateParams(charter=make_charter(required_sections=()), kind="consumers", people=180))
        history = current_history(node)
        assert history is not None
        statement = Statement(
            kind="federation.leave",
            at=node.clock.now_ms(),
            by=key_id(MEMBER.public),
            audience=node.origin,
            nonce=bytes(NONCE_BYTES),
            body=to_value(LeaveNotice(history.federation)),
        )
        await publish_statement(node, statement, [sign_statement(statement, MEMBER)])
        said = await leave(node, WhichParams())
        assert said.federation == history.federation.hex()
        with pytest.raises(RefusedError, match="has said so already"):
            await leave(node, WhichParams())
    finally:
        node.database.close()
