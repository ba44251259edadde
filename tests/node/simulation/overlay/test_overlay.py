"""A large federation in small: the bars are reached, the same seed says the same, and a broken tree is seen."""

import msgspec
import pytest

from node.simulation.overlay.archive import MadeUpLog, check_push
from node.simulation.overlay.federation import Federation
from node.simulation.overlay.network import Queue
from node.simulation.overlay.reduced import draw_links, run_reduced
from node.simulation.overlay.run import BYTES_BAR, LINKS_BAR, Report, run_overlay
from node.simulation.overlay.words import LEAST, list_lines, list_reduced_lines
from protocol.gossip.overlay import broadcast, limits
from protocol.gossip.overlay.broadcast import Move, News, Standpoint
from scripts.benches.figures import Figure

NODES, AUTHORS = 80, 4


@pytest.fixture(scope="module")
def report() -> Report:
    return run_overlay(NODES, AUTHORS, seed=1)


@pytest.mark.slow
def test_a_federation_reaches_the_bars(report: Report) -> None:
    assert report.find_missed() == []
    assert report.active_most <= limits.ACTIVE_MAX and report.active_mean >= limits.ACTIVE_WANTED
    assert report.steady.reached_least == 1.0 and report.steady.links_reach <= LINKS_BAR
    assert 1.0 < report.steady.payload_times <= BYTES_BAR
    assert report.first.bytes_fetched > report.first.bytes_eager, "the first record is told of, then fetched"
    assert report.steady.bytes_fetched == 0, "those after it are pushed"


@pytest.mark.slow
def test_what_is_left_of_it_when_a_third_vanish_goes_on(report: Report) -> None:
    assert report.vanished == NODES * 3 // 10
    # A node whose neighbours have all vanished waits until it notices; nobody is left out in the end.
    assert report.after.reached_least > 0.9 and report.after_in_the_end == 1.0 and report.repair_ms > 0
    assert report.repaired.payload_times <= BYTES_BAR
    assert (report.cosignature_reached, report.fork_reached) == (1.0, 1.0)


def test_the_same_seed_says_the_same_and_another_one_does_not() -> None:
    reports = [run_overlay(24, 2, seed) for seed in (7, 7, 8)]
    assert reports[0] == reports[1] != msgspec.structs.replace(reports[2], seed=7)


@pytest.mark.slow
def test_every_line_with_a_bar_is_reached_and_says_so(report: Report) -> None:
    lines = list_lines(report)
    assert all(Figure(*line).is_reached for line in lines)
    assert sum(bool(line.side) for line in lines) == 11
    worse = msgspec.structs.replace(report, fork_reached=0.5)
    missed = [line.name for line in list_lines(worse) if not Figure(*line).is_reached]
    assert missed == ["evidence of a fork reached"]
    assert len({line.name for line in lines}) == len(lines)


def test_a_tree_that_never_prunes_is_seen_by_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    everyone = {news: dict.fromkeys(Standpoint, Move.GRAFT) for news in News}
    monkeypatch.setattr(broadcast, "TABLE", everyone)
    federation = Federation(40, 1, 4, seed=2)
    _publish(federation, 3)
    assert federation.again.total() > 40


def test_a_tree_that_never_grafts_is_seen_by_what_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = {news: dict.fromkeys(Standpoint, Move.STAY) for news in News}
    monkeypatch.setattr(broadcast, "TABLE", nobody)
    federation = Federation(40, 1, 4, seed=2)
    _publish(federation, 3)
    assert federation.wires.received["fetched"] > federation.wires.received["eager"]


def _publish(federation: Federation, count: int) -> None:
    federation.join_all()
    federation.run(60_000)
    for _ in range(count):
        federation.members[federation.authors[0]].publish()
        federation.run(3_000)


def test_a_node_that_vanishes_hears_and_does_nothing_more() -> None:
    federation = Federation(20, 1, 4, seed=3)
    _publish(federation, 1)
    gone = sorted(federation.present)[5]
    federation.vanish([gone])
    federation.members[federation.authors[0]].publish()
    federation.run(3_000)
    reached = federation.reached(federation.authors[0], 2)
    assert gone not in reached and reached.keys() == federation.present


def test_the_made_up_logs_are_checked_like_any_other() -> None:
    log = MadeUpLog("author.example/log", Queue(1).chance)
    for _ in range(3):
        log.publish()
    good = log.bundle(1, 3)
    assert check_push(log, 1, 1, 2, log.notes[3], good) is not None
    assert check_push(log, 0, 1, 2, log.notes[3], good) is None
    assert check_push(log, 1, 1, 2, log.sign_other(), good) is None
    assert check_push(log, 1, 1, 2, log.notes[3], good[:-1] + bytes([good[-1] ^ 1])) is None


def test_the_reduced_model_draws_what_the_views_would_and_says_that_it_is_reduced() -> None:
    near = draw_links(2_000, Queue(4).chance)
    assert all(limits.ACTIVE_WANTED <= len(peers) <= limits.ACTIVE_MAX for peers in near)
    assert all(node in near[peer] for node, peers in enumerate(near) for peer in peers)
    report = run_reduced(2_000, seed=4)
    assert report.reached == 1.0 and report.links_reach <= 6 and "Reduced" in report.reduced
    assert all("reduced" in line.name for line in list_reduced_lines(report))
    assert LEAST not in {line.side for line in list_reduced_lines(report)}
