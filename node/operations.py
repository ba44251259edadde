"""Every verb of a node in one table: pages, API, commands and simulator call these and nothing else."""

from node.use_cases import federation, peers, planning, status, supply, till
from node.use_cases.context import Operation

_AREAS = (status, till, peers, federation, supply, planning)

OPERATIONS: dict[str, Operation] = {operation.name: operation for area in _AREAS for operation in area.OPERATIONS}
