"""Every verb of a node in one table: pages, API, commands and simulator call these and nothing else."""

from node.use_cases import logs, peers, status, supply, till
from node.use_cases.context import Operation
from node.use_cases.federation import amending, exceptions
from node.use_cases.federation import verbs as federation
from node.use_cases.keys import custody, following, succeed
from node.use_cases.log import verbs as log
from node.use_cases.outside import mirrors, witnesses
from node.use_cases.planning import verbs as planning
from node.use_cases.planning.agent import proposal
from node.use_cases.planning.agent import verbs as agent
from node.use_cases.planning.exploring import verbs as exploring
from node.use_cases.planning.facilitating import verbs as facilitating
from node.use_cases.planning.following import revising
from node.use_cases.planning.following import verbs as fulfilling

_AREAS = (
    *(status, till, peers, logs, log, witnesses, mirrors),
    *(federation, following, custody, succeed, supply, planning, agent, proposal, facilitating, exploring),
    *(fulfilling, revising, amending, exceptions),
)

OPERATIONS: dict[str, Operation] = {operation.name: operation for area in _AREAS for operation in area.OPERATIONS}
