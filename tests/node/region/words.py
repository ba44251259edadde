"""What an operation tells people of its answer, after the way through JSON that the answer takes to a command."""

from typing import Any

import msgspec

from node.cli.from_operations import read_answer
from node.operations import load_operation
from node.use_cases.description import Rows
from tests.node.region.machine import Machine


async def read_aloud(machine: Machine, name: str, **params: Any) -> str:
    """Every sentence and every row, a line each."""
    operation = load_operation(name)
    assert operation.tell is not None
    answer = await operation.run(machine.node, operation.params(**params))
    said = read_answer(operation, msgspec.json.decode(msgspec.json.encode(answer)))
    assert said == answer
    return "\n".join(line for one in operation.tell(said) for line in _list_lines(one))


def _list_lines(one: str | Rows) -> list[str]:
    return [one] if isinstance(one, str) else [" | ".join(map(str, row)) for row in (one.columns, *one.rows)]
