"""A hundred thousand nodes as a drawing: links as the views would have them, ways as the trees end up. Nothing is sent.

Invariant: what is reduced is said wherever a figure of this model is shown.
"""

from random import Random
from typing import Final

import msgspec

from node.simulation.overlay.member import COMMIT_MS
from node.simulation.overlay.network import FAR_MS, NEAR_MS
from node.simulation.overlay.run import NETWORKS, REACH, VANISH_SHARE
from protocol.gossip.overlay import limits

REDUCED: Final = (
    "Reduced: no sessions, frames or clocks. Each node is drawn 5 to 8 neighbours over all networks; a record takes "
    "the fewest links, which is where the trees of the full run end up."
)
TRIES_MAX: Final = 50


class ReducedReport(msgspec.Struct, frozen=True):
    """What the drawing shows, for one record of one author."""

    seed: int
    nodes: int
    reduced: str
    active_most: int
    active_mean: float
    reached: float
    links_half: int
    links_reach: int
    links_most: int
    ms_half: int
    ms_reach: int
    vanished: int
    reached_after: float
    links_reach_after: int


def run_reduced(nodes: int, seed: int) -> ReducedReport:
    """Draw the links, walk them, take away a third of the nodes, walk them again."""
    chance = Random(seed)  # noqa: S311
    near = draw_links(nodes, chance)
    present = bytearray(b"\1" * nodes)
    links, waits = walk(near, present, 0, chance)
    gone = chance.sample(range(1, nodes), int(nodes * VANISH_SHARE))
    for node in gone:
        present[node] = 0
    links_after, _ = walk(near, present, 0, chance)
    degrees = [len(peers) for peers in near]
    return ReducedReport(
        seed=seed,
        nodes=nodes,
        reduced=REDUCED,
        active_most=max(degrees),
        active_mean=sum(degrees) / nodes,
        reached=len(links) / nodes,
        links_half=links[len(links) // 2],
        links_reach=links[int(REACH * len(links))],
        links_most=links[-1],
        ms_half=waits[len(waits) // 2],
        ms_reach=waits[int(REACH * len(waits))],
        vanished=len(gone),
        reached_after=len(links_after) / (nodes - len(gone)),
        links_reach_after=links_after[int(REACH * len(links_after))],
    )


def draw_links(nodes: int, chance: Random) -> list[list[int]]:
    """Neighbours of each node: it calls until it has enough, and lets others in while it has a seat."""
    near: list[list[int]] = [[] for _ in range(nodes)]
    for node in chance.sample(range(nodes), nodes):
        for _ in range(TRIES_MAX):
            if len(near[node]) >= limits.ACTIVE_WANTED:
                break
            other = chance.randrange(nodes)
            if other != node and len(near[other]) < limits.ACTIVE_MAX and other not in near[node]:
                near[node].append(other)
                near[other].append(node)
    return near


def walk(near: list[list[int]], present: bytearray, start: int, chance: Random) -> tuple[list[int], list[int]]:
    """Over how many links, and after how many ms, a record reaches each node that is there; both sorted."""
    links, waits = {start: 0}, {start: 0}
    edge = [start]
    while edge:
        following = []
        for node in edge:
            for other in near[node]:
                if present[other] and other not in links:
                    bounds = NEAR_MS if node % NETWORKS == other % NETWORKS else FAR_MS
                    links[other] = links[node] + 1
                    waits[other] = waits[node] + chance.randint(*bounds) + COMMIT_MS
                    following.append(other)
        edge = following
    return sorted(links.values()), sorted(waits.values())
