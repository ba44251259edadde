"""The pages of logs, asked of the use cases of logs and peers."""

from node.use_cases import logs
from node.use_cases.context import Node, NoParams
from node.use_cases.peers import list_peers
from node.web.asked import Asked
from node.web.logs.filling import fill_log_page, fill_log_row, tell_connection
from node.web.logs.model import LogList, LogPage
from node.web.page import FilledPage
from protocol.core.errors import RefusedError

LATEST_RECORDS = 50


async def fill_logs(asked: Asked) -> LogList:
    """The logs this node holds, with how it talks to their owners."""
    found = await logs.list_logs(asked.node, NoParams())
    connections = await _tell_connections(asked.node)
    return LogList(tuple(fill_log_row(view, connections) for view in found.logs))


async def fill_log(asked: Asked) -> LogPage | None:
    """One log with its latest records."""
    try:
        found = await logs.show_log(asked.node, logs.LogParams(origin=asked.said["origin"], last=LATEST_RECORDS))
    except RefusedError:
        return None
    return fill_log_page(found, await _tell_connections(asked.node))


async def _tell_connections(node: Node) -> dict[str, str]:
    found = await list_peers(node, NoParams())
    return {line.origin: tell_connection(line) for line in found.peers}


ROUTES = (
    FilledPage(
        path="/logs",
        template="logs/templates/logs.html",
        title="Peers and logs",
        fill=fill_logs,
        doc="peers and logs",
    ),
    FilledPage(
        path="/logs/{origin:.+}",
        template="logs/templates/log.html",
        fill=fill_log,
        doc="one log and its latest records",
    ),
)
