"""Builds a node from its home and runs it: the only place that knows all the parts.

Invariant: `run` drains within ten seconds of a signal to stop; nothing acknowledged is lost however it ends.
Invariant: what a node writes is its owner's alone to read.
"""

import asyncio
import contextlib
import errno
import gc
import json
import logging
import os
import signal
import sys
import webbrowser
from collections.abc import Iterator, Mapping
from typing import TextIO, cast

import structlog

from node.clock import Clock
from node.config import OWNER_ONLY, Config
from node.operations import load_operations
from node.peering.lan import Lan
from node.peering.peering import Peering
from node.running import Running, forget_running, tell_running
from node.use_cases.context import Node
from node.use_cases.federation.keeper import RosterKeeper
from node.use_cases.home import init_home, is_home, open_node
from node.use_cases.keys.ends import EndKeeper
from node.use_cases.outside.asker import WitnessAsker
from node.use_cases.own_log.restored import Return, prepare_return
from node.use_cases.planning.rounds.planner import Planner
from node.web.server import start_web, web_address
from protocol.core.errors import RefusedError
from storage.home.home_lock import HomeLock

TOKEN_BYTES = 32
DRAIN_S = 10
MADE_SENTENCE = (
    "A new home was made. Write this recovery key on paper and keep it away from this machine. It is shown only now:"
)


async def run_node(config: Config, clock: Clock, *, as_json: bool = False) -> None:
    """Run until SIGINT or SIGTERM; an empty home is made first and opens its first page."""
    os.umask(OWNER_ONLY)
    configure_logs()
    unsaid: dict[str, object] = {}
    if not is_home(config.home):
        made = await init_home(config, clock)
        unsaid = {"made": made.origin, "recovery_key": made.recovery_key}
    try:
        await _run_home(config, clock, as_json, unsaid)
    finally:
        # Whatever went wrong: a home that was made by running it has no other moment to show its recovery key.
        if unsaid:
            _announce(as_json, unsaid)


async def _run_home(config: Config, clock: Clock, as_json: bool, unsaid: dict[str, object]) -> None:
    lock = HomeLock.take(config.home)
    try:
        node = open_node(config, clock)
        try:
            await _serve(node, as_json, unsaid)
        finally:
            node.database.close()
    finally:
        lock.release()


async def _serve(node: Node, as_json: bool, unsaid: dict[str, object]) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(name, stopping.set)
    parts = contextlib.AsyncExitStack()
    try:
        token = node.clock.random_bytes(TOKEN_BYTES).hex()
        address, peer_port = await _start_parts(node, parts, token)
        # What is loaded by now stays: a search for garbage in it would hold up every page and peer for 50 ms.
        gc.freeze()
        tell_running(node.config.home, Running(address, token, os.getpid(), peer_port))
        _announce(as_json, {**unsaid, "pages": address, "origin": node.origin, "peer_port": peer_port})
        if unsaid and is_watched(sys.stdout.isatty(), os.environ):
            webbrowser.open(address)
        unsaid.clear()
        await stopping.wait()
    finally:
        forget_running(node.config.home)
        try:
            async with asyncio.timeout(DRAIN_S):
                await parts.aclose()
        except TimeoutError:
            node.log.warning("node.drain_cut_short", wait_s=DRAIN_S)


async def _start_parts(node: Node, parts: contextlib.AsyncExitStack, token: str) -> tuple[str, int]:
    """Start what runs for as long as the node does; the address of its pages and the port that peers call."""
    await prepare_return(node)
    keeper, planner, peering = RosterKeeper(node), Planner(node), Peering(node)
    ends, above = EndKeeper(node), RosterKeeper(node, above=True)
    parts.push_async_callback(ends.stop)
    await ends.start()

    async def go_on() -> None:
        # What takes part in decisions signs: it begins only once this home may.
        await keeper.start()
        await above.start()
        await planner.start()

    returning = Return(node, peering, go_on)
    asker = WitnessAsker(node)
    node.parts.update(
        peering=peering, roster=keeper, roster_above=above, planner=planner, restored=returning, outside_witnesses=asker
    )
    # A home that signs nothing yet keeps the cosignatures that come, all the same.
    keeper.follow()
    above.follow()
    # What is started last stops first.
    with _refused_port("--peer-port", node.config.peer_port):
        parts.push_async_callback(peering.stop)
        await peering.start()
    if node.config.lan:
        node.parts["lan"] = lan = Lan(node, peering)
        parts.push_async_callback(lan.stop)
        await lan.start()
    parts.push_async_callback(keeper.stop)
    parts.push_async_callback(above.stop)
    parts.push_async_callback(planner.stop)
    parts.push_async_callback(returning.stop)
    await returning.start()
    parts.push_async_callback(asker.stop)
    await asker.start()
    with _refused_port("--web-port", node.config.web_port):
        runner = await start_web(node, load_operations(), token)
    parts.push_async_callback(runner.cleanup)
    return web_address(runner), peering.port


@contextlib.contextmanager
def _refused_port(option: str, port: int) -> Iterator[None]:
    """A port that cannot be had is for a person to put right."""
    try:
        yield
    except OSError as error:
        reasons = {
            errno.EADDRINUSE: "another program listens there",
            errno.EACCES: "this user may not listen there; choose one above 1023",
        }
        reason = reasons.get(error.errno or 0, "this machine does not let us listen there")
        raise RefusedError.at(f"{option} {port}", reason) from None


def is_watched(is_terminal: bool, environment: Mapping[str, str]) -> bool:
    """Whether somebody sits at this machine, so that a new home's first-day page may open by itself."""
    has_screen = sys.platform in ("darwin", "win32") or {"DISPLAY", "WAYLAND_DISPLAY"} & environment.keys()
    return is_terminal and bool(has_screen)


class _LogStream:
    """Where log lines go. A disk that takes no more of them, or a terminal that has gone, stops nothing else."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """As of any stream."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """As of any stream."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()


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
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _LogStream(sys.stderr))),
    )


def _announce(as_json: bool, said: dict[str, object]) -> None:
    """One JSON object, or sentences."""
    lines = []
    if as_json:
        lines.append(json.dumps(said))
    else:
        if "recovery_key" in said:
            lines += [MADE_SENTENCE, "", f"    {said['recovery_key']}", ""]
        if "pages" in said:
            lines.append(f"Your pages: {said['pages']}   (Ctrl-C stops this node)")
    sys.stdout.write("".join(line + "\n" for line in lines))
    sys.stdout.flush()
