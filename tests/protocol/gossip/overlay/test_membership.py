"""Views of a large federation: every event at every relation, bounds against hostile members, and swarms that heal."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.gossip.messages import ForwardJoin, Shuffle
from protocol.gossip.overlay import limits
from protocol.gossip.overlay import membership_events as events
from protocol.gossip.overlay.membership import TABLE, Membership, Relation
from protocol.gossip.overlay.membership_events import Urgency
from protocol.gossip.overlay.views import Contact, Roster, rank
from tests.protocol.gossip.overlay.swarm import Swarm, make_contacts

US, THEM = "coop0.example/log", "coop1.example/log"
DRAW = bytes(16)
HERE, AWAY = Contact("here", True), Contact("away", True)

EVENTS: dict[str, events.Event] = {
    "calls, having nobody": events.Calls(THEM, Urgency.ALONE),
    "is up": events.Up(THEM, Urgency.SPARE, is_called_by_us=False),
    "is up and new": events.Up(THEM, Urgency.JOINING, is_called_by_us=False),
    "goes": events.Down(THEM, is_parting=True),
    "is lost": events.Down(THEM, is_parting=False),
    "cannot be called": events.CallFailed(THEM, is_refusal=False),
    "has no room": events.CallFailed(THEM, is_refusal=True),
    "tells of a newcomer": events.Heard(THEM, ForwardJoin("coop20.example/log", 2)),
    "shuffles": events.Heard(THEM, Shuffle(("coop20.example/log",), False)),
}

# What is done (SetTimer left out), and what the other node is to us afterwards.
NOTHING = ""
TABLE_OF_RELATIONS: dict[Relation, dict[str, tuple[str, Relation]]] = {
    Relation.STRANGER: {
        "calls, having nobody": ("Accept", Relation.STRANGER),
        **dict.fromkeys([name for name in EVENTS if not name.startswith("calls")], (NOTHING, Relation.STRANGER)),
    },
    Relation.KNOWN: {
        "calls, having nobody": ("Accept", Relation.KNOWN),
        "is up": (NOTHING, Relation.ACTIVE),
        "is up and new": ("Say Say Say Say Say", Relation.ACTIVE),
        "goes": (NOTHING, Relation.KNOWN),
        "is lost": (NOTHING, Relation.KNOWN),
        "cannot be called": (NOTHING, Relation.KNOWN),
        "has no room": (NOTHING, Relation.PASSIVE),
        "tells of a newcomer": (NOTHING, Relation.KNOWN),
        "shuffles": (NOTHING, Relation.KNOWN),
    },
    Relation.PASSIVE: {
        "calls, having nobody": ("Accept", Relation.PASSIVE),
        "is up": (NOTHING, Relation.ACTIVE),
        "is up and new": ("Say Say Say Say Say", Relation.ACTIVE),
        "goes": (NOTHING, Relation.PASSIVE),
        "is lost": (NOTHING, Relation.PASSIVE),
        "cannot be called": (NOTHING, Relation.KNOWN),
        "has no room": (NOTHING, Relation.PASSIVE),
        "tells of a newcomer": (NOTHING, Relation.PASSIVE),
        "shuffles": (NOTHING, Relation.PASSIVE),
    },
    Relation.CALLED: {
        "calls, having nobody": ("Accept", Relation.CALLED),
        "is up": (NOTHING, Relation.ACTIVE),
        "is up and new": ("Say Say Say Say", Relation.ACTIVE),
        "goes": (NOTHING, Relation.CALLED),
        "is lost": (NOTHING, Relation.CALLED),
        "cannot be called": ("Call", Relation.KNOWN),
        "has no room": ("Call", Relation.PASSIVE),
        "tells of a newcomer": (NOTHING, Relation.CALLED),
        "shuffles": (NOTHING, Relation.CALLED),
    },
    Relation.ACTIVE: {
        "calls, having nobody": ("Accept", Relation.ACTIVE),
        "is up": (NOTHING, Relation.ACTIVE),
        "is up and new": ("Say Say Say Say", Relation.ACTIVE),
        "goes": ("Call", Relation.PASSIVE),
        "is lost": ("Call", Relation.KNOWN),
        "cannot be called": (NOTHING, Relation.ACTIVE),
        "has no room": (NOTHING, Relation.ACTIVE),
        "tells of a newcomer": ("Say", Relation.ACTIVE),
        "shuffles": ("Say", Relation.ACTIVE),
    },
}


def node_of(count: int = 40, networks: int = 4) -> Membership:
    node = Membership(US)
    node.handle(events.RosterRead(make_contacts(count, networks)), 0, DRAW)
    return node


def seat(node: Membership, *names: str) -> None:
    for name in names:
        node.handle(events.Up(name, Urgency.SPARE, is_called_by_us=True), 0, DRAW)


def node_at(relation: Relation) -> Membership:
    """A node with neighbours enough to which THEM is what is asked for."""
    contacts = make_contacts(40, 1)
    if relation is Relation.STRANGER:
        del contacts[THEM]
    node = Membership(US)
    node.handle(events.RosterRead({}), 0, DRAW)
    node.roster = Roster({origin: contact for origin, contact in contacts.items() if origin != US})
    others = [f"coop{index}.example/log" for index in range(2, 2 + limits.ACTIVE_WANTED)]
    if relation in (Relation.ACTIVE, Relation.CALLED):
        others.pop()
    if relation is Relation.ACTIVE:
        others.insert(0, THEM)
    node.active = dict.fromkeys(others)
    if relation is Relation.CALLED:
        node._called[THEM] = limits.CALL_WAIT_MS
    if relation is Relation.PASSIVE:
        node.passive[THEM] = None
    node._has_joined = True
    node._shuffle_ms = limits.SHUFFLE_EVERY_MS
    assert node.relation(THEM) is relation
    return node


def test_the_table_names_every_event_about_a_node_at_every_relation() -> None:
    assert TABLE.keys() == set(events.NodeEvent.__subclasses__())
    assert set(events.Event.__subclasses__()) == {events.RosterRead, events.Due, events.NodeEvent}
    assert all(row.keys() == set(Relation) for row in TABLE.values())
    assert {type(event) for event in EVENTS.values()} == TABLE.keys()
    assert all(row.keys() == EVENTS.keys() for row in TABLE_OF_RELATIONS.values())
    assert TABLE_OF_RELATIONS.keys() == set(Relation)


@pytest.mark.parametrize("name", EVENTS)
@pytest.mark.parametrize("relation", Relation, ids=lambda one: one.name)
def test_each_event_at_each_relation(relation: Relation, name: str) -> None:
    node = node_at(relation)
    actions = node.handle(EVENTS[name], 1, DRAW)
    done = " ".join(type(action).__name__ for action in actions if not isinstance(action, events.SetTimer))
    assert (done, node.relation(THEM)) == TABLE_OF_RELATIONS[relation][name]


def test_a_small_federation_calls_everyone_and_turns_nobody_away() -> None:
    node = node_of(limits.MESH_MEMBERS_MAX + 1)
    assert node.is_mesh and len(node._called) == limits.MESH_MEMBERS_MAX
    seat(node, *[origin for origin in node.roster.contacts if origin != THEM])
    assert events.Accept(THEM) in node.handle(events.Calls(THEM, Urgency.SPARE), 1, DRAW)


def test_a_full_node_turns_away_who_has_others_and_makes_room_for_who_has_nobody() -> None:
    node = node_of(networks=1)
    seat(node, *[f"coop{index}.example/log" for index in range(2, 2 + limits.ACTIVE_MAX)])
    node._called.clear()
    assert events.Refuse(THEM) in node.handle(events.Calls(THEM, Urgency.SPARE), 1, DRAW)
    actions = node.handle(events.Calls(THEM, Urgency.ALONE), 1, DRAW)
    assert [type(action) for action in actions[:2]] == [events.HangUp, events.Accept]
    assert len(node.active) == limits.ACTIVE_MAX - 1


def test_where_calls_cross_the_newcomer_stays_and_another_makes_room() -> None:
    node = node_of(networks=1)
    seat(node, *[f"coop{index}.example/log" for index in range(2, 2 + limits.ACTIVE_MAX)])
    actions = node.handle(events.Up(THEM, Urgency.SPARE, is_called_by_us=True), 1, DRAW)
    assert any(isinstance(action, events.HangUp) and action.origin != THEM for action in actions)
    assert THEM in node.active and len(node.active) == limits.ACTIVE_MAX


def test_one_place_never_fills_more_than_its_part_of_the_views() -> None:
    contacts = {f"here{index}": HERE for index in range(40)} | {f"away{index}": AWAY for index in range(40)}
    node = Membership(US)
    node.handle(events.RosterRead(contacts), 0, DRAW)
    accepted = 0
    for index in range(40):
        caller = f"here{index}"
        actions = node.handle(events.Calls(caller, Urgency.SPARE), index, DRAW)
        if events.Accept(caller) in actions:
            accepted += 1
            node.handle(events.Up(caller, Urgency.SPARE, is_called_by_us=False), index, DRAW)
        node.handle(events.Heard(caller, Shuffle(tuple(f"here{one}" for one in range(8)), False)), index, DRAW)
    here = [origin for origin in node.active if origin.startswith("here")]
    assert len(here) == limits.ACTIVE_MAX // 2
    assert sum(origin.startswith("here") for origin in node.passive) <= limits.PASSIVE_MAX // 2
    # One of them goes for another of the same network; the seats of others stay theirs.
    seat(node, "away0", "away1")
    alone = node.handle(events.Calls("here39", Urgency.ALONE), 99, DRAW)
    assert isinstance(alone[0], events.HangUp) and alone[0].origin.startswith("here")


def test_a_place_with_most_members_is_not_held_below_its_share() -> None:
    contacts = {f"here{index}": HERE for index in range(36)} | {f"away{index}": AWAY for index in range(4)}
    roster = Roster(contacts)
    held = [f"here{index}" for index in range(limits.ACTIVE_MAX - 1)]
    assert not roster.is_crowded(held, "here20", limits.ACTIVE_MAX)
    assert not roster.is_crowded(held, "away0", limits.ACTIVE_MAX)


def test_names_outside_the_roster_are_passed_over_and_what_is_said_is_bounded() -> None:
    node = node_of()
    seat(node, THEM)
    strangers = tuple(f"stranger{index}.example/log" for index in range(limits.SHUFFLE_ORIGINS_MAX))
    for turn in range(200):
        node.handle(events.Heard(THEM, Shuffle(strangers, True)), turn, DRAW)
        node.handle(events.Heard(THEM, ForwardJoin(strangers[0], limits.WALK_LINKS)), turn, DRAW)
        names = tuple(f"coop{(turn * 8 + index) % 40}.example/log" for index in range(limits.SHUFFLE_ORIGINS_MAX))
        node.handle(events.Heard(THEM, Shuffle(names, True)), turn, DRAW)
    assert all(origin in node.roster for origin in [*node.active, *node.passive])
    assert len(node.passive) <= limits.PASSIVE_MAX and len(node.active) <= limits.ACTIVE_MAX
    assert US not in node.passive


def test_a_neighbour_is_answered_one_shuffle_in_a_while() -> None:
    node = node_of()
    seat(node, THEM)
    shuffle = events.Heard(THEM, Shuffle((), False))
    answers = [node.handle(shuffle, turn, DRAW) for turn in range(50)]
    assert sum(isinstance(action, events.Say) for actions in answers for action in actions) == 1
    later = node.handle(shuffle, limits.SHUFFLE_EVERY_MS, DRAW)
    assert any(isinstance(action, events.Say) for action in later)


def test_a_newcomer_that_comes_again_and_again_is_told_of_once_in_a_while() -> None:
    node = node_of()
    seat(node, *[f"coop{index}.example/log" for index in range(2, 6)])
    come, go = events.Up(THEM, Urgency.JOINING, is_called_by_us=False), events.Down(THEM, is_parting=True)
    walks = 0
    for turn in range(20):
        walks += sum(isinstance(action, events.Say) for action in node.handle(come, turn, DRAW))
        node.handle(go, turn, DRAW)
    assert walks == 4


def test_members_that_cannot_be_called_are_let_in_and_never_called() -> None:
    swarm = Swarm(make_contacts(60, callable_share=0.7), seed=5)
    swarm.start()
    swarm.run(120_000)
    assert [len(part) for part in swarm.components()] == [60]
    assert all(swarm.contacts[origin].is_callable for node in swarm.nodes.values() for origin in node.passive)


def test_a_removed_member_leaves_every_view() -> None:
    node = node_of()
    seat(node, THEM, "coop2.example/log")
    node.handle(events.Heard("coop2.example/log", Shuffle(("coop9.example/log",), True)), 1, DRAW)
    contacts = make_contacts(40)
    del contacts[THEM], contacts["coop9.example/log"]
    node.handle(events.RosterRead(contacts), 2, DRAW)
    assert THEM not in node.active and "coop9.example/log" not in node.passive


def test_who_has_nobody_asks_all_again_soon_and_who_has_others_lets_the_dead_rest() -> None:
    node = node_of()
    for turn in range(6):
        for origin in list(node._called):
            node.handle(events.CallFailed(origin, is_refusal=False), turn, DRAW)
    assert max(node._resting.values()) <= 6 + 2 * limits.REST_ALONE_MS
    seat(node, THEM)
    for _ in range(4):
        node._resting.pop("coop2.example/log", None)
        node._called["coop2.example/log"] = 10**9
        node.handle(events.CallFailed("coop2.example/log", is_refusal=False), 0, DRAW)
    assert node._resting["coop2.example/log"] >= limits.REST_MS << 3


@pytest.mark.parametrize("seed", range(3))
def test_a_swarm_hangs_together_within_its_bounds_and_heals_when_a_third_vanishes(seed: int) -> None:
    swarm = Swarm(make_contacts(120), seed)
    swarm.start()
    swarm.run(180_000)
    assert [len(part) for part in swarm.components()] == [120]
    assert max(swarm.most.values()) <= limits.ACTIVE_MAX
    assert all(len(node.active) >= limits.ACTIVE_WANTED for node in swarm.nodes.values())
    assert all(len({swarm.contacts[one].network for one in node.active}) > 1 for node in swarm.nodes.values())
    gone = set(swarm.chance.sample(sorted(swarm.contacts), 40))
    swarm.vanish(gone)
    swarm.run(240_000)
    assert [len(part) for part in swarm.components()] == [80]
    left = [node for origin, node in swarm.nodes.items() if origin not in gone]
    assert all(len(node.active) >= limits.ACTIVE_WANTED and not gone & node.active.keys() for node in left)


def test_when_a_whole_place_is_cut_off_the_others_stay_together() -> None:
    swarm = Swarm(make_contacts(100, networks=4), seed=9)
    swarm.start()
    swarm.run(120_000)
    swarm.vanish({origin for origin, contact in swarm.contacts.items() if contact.network == "network 2"})
    assert [len(part) for part in swarm.components()] == [75]


def test_the_same_seed_gives_the_same_swarm() -> None:
    links = []
    for _ in range(2):
        swarm = Swarm(make_contacts(30), seed=3)
        swarm.start()
        swarm.run(90_000)
        links.append(swarm.links)
    assert links[0] == links[1]


names = st.integers(0, 39).map(lambda index: f"coop{index}.example/log")
said = st.one_of(
    st.builds(ForwardJoin, names, st.integers(0, limits.WALK_LINKS)),
    st.builds(Shuffle, st.lists(names, max_size=8).map(tuple), st.booleans()),
)
happenings = st.one_of(
    st.builds(events.Calls, names, st.sampled_from(Urgency)),
    st.builds(events.Up, names, st.sampled_from(Urgency), st.booleans()),
    st.builds(events.Down, names, st.booleans()),
    st.builds(events.CallFailed, names, st.booleans()),
    st.builds(events.Heard, names, said),
    st.just(events.Due()),
)


@settings(max_examples=60)
@given(st.lists(st.tuples(happenings, st.integers(0, 90_000), st.binary(min_size=16, max_size=16)), max_size=60))
def test_whatever_happens_the_views_stay_apart_and_within_their_bounds(
    script: list[tuple[events.Event, int, bytes]],
) -> None:
    node, now_ms = node_of(), 0
    for event, wait_ms, draw in script:
        now_ms += wait_ms
        actions = node.handle(event, now_ms, draw)
        views = [set(node.active), set(node.passive), set(node._called)]
        assert sum(map(len, views)) == len(set().union(*views)), "a node is in two views"
        assert len(node.active) <= limits.ACTIVE_MAX and len(node.passive) <= limits.PASSIVE_MAX
        assert len(actions) <= 3 * limits.ACTIVE_MAX
        assert US not in set().union(*views) and all(one in node.roster for view in views for one in view)


def test_an_order_hangs_on_the_drawn_bytes_alone() -> None:
    found = [f"name {index}" for index in range(20)]
    assert rank(found, b"one") == rank(reversed(found), b"one") != rank(found, b"two")
