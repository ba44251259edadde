"""Builds a node from its home and runs it: the only place that knows all the parts.

Invariant: `run` drains within ten seconds of a signal to stop; nothing acknowledged is lost however it ends.
"""

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys

import structlog

from node.clock import Clock
from node.config import Config
from node.operations import OPERATIONS
from node.peering.peering import Peering
from node.use_cases.context import Node
from node.use_cases.federation.keeper import RosterKeeper
from node.use_cases.home import init_home, is_home, open_config, open_node
from node.use_cases.planning.planner import Planner
from node.web.node_sources import NodeSources
from node.web.server import start_web, web_address
from storage.files import write_durably
from storage.home_lock import HomeLock

TOKEN_BYTES = 32
DRAIN_S = 10


async def run_node(config: Config, clock: Clock, *, as_json: bool = False) -> None:
    """Run until SIGINT or SIGTERM; an empty home is made first and opens its first page."""
    configure_logs()
    if not is_home(config.home):
        made = await init_home(config, clock)
        # Said once, here: a home that was made by running it has no other moment to show its recovery key.
        _announce(as_json, {"made": made.origin, "recovery_key": made.recovery_key})
        config = open_config(config.home, web_port=config.web_port, peer_port=config.peer_port)
    lock = HomeLock.take(config.home)
    try:
        node = open_node(config, clock)
        try:
            await _serve(node, as_json)
        finally:
            node.database.close()
    finally:
        lock.release()


async def _serve(node: Node, as_json: bool) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(name, stopping.set)
    keeper, planner, peering = RosterKeeper(node), Planner(node), Peering(node)
    node.parts.update(peering=peering, roster=keeper, planner=planner)
    await peering.start()
    await keeper.start()
    await planner.start()
    token = node.clock.random_bytes(TOKEN_BYTES).hex()
    runner = await start_web(node, NodeSources(node), OPERATIONS, token)
    address = web_address(runner)
    running = {"address": address, "token": token, "pid": os.getpid(), "peer_port": peering.port}
    write_durably(node.config.run_path, json.dumps(running).encode())
    _announce(as_json, {"pages": address, "origin": node.origin, "peer_port": peering.port})
    try:
        await stopping.wait()
    finally:
        node.config.run_path.unlink(missing_ok=True)
        async with asyncio.timeout(DRAIN_S):
            await planner.stop()
            await keeper.stop()
            await peering.stop()
            await runner.cleanup()


def configure_logs() -> None:
    """One line of JSON for each event, on stderr."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _announce(as_json: bool, said: dict[str, object]) -> None:
    if as_json:
        line = json.dumps(said)
    elif "pages" in said:
        line = f"Your pages: {said['pages']}   (Ctrl-C stops this node)"
    else:
        line = f"A new home was made. Write down its recovery key, it is shown only now: {said['recovery_key']}"
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
