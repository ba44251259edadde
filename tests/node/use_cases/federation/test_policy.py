"""The policy as auditors get it: what the members' witnesses really sign is enough under it, and less is not."""

from pathlib import Path

import pytest

from node.use_cases.federation.policy import PolicyParams, show_policy
from node.use_cases.public.witnessing import add_checkpoint, show_checkpoint
from protocol.core.errors import PeerError, RefusedError
from protocol.core.note import format_note, format_signature, parse_note
from protocol.log.cosignature import add_signature, witness_name
from protocol.log.mirror import mirror_prefix
from protocol.log.policy import check_head, parse_policy
from protocol.log.witness import format_add_checkpoint
from storage.log import log_store
from tests.node.region.machine import Machine
from tests.node.region.memory_network import MemoryNetwork, run_region
from tests.node.region.village import FOUNDER, MEMBERS, bring_in, count_members, found


def test_what_the_witnesses_sign_is_enough_under_the_exported_policy(homes: Path) -> None:
    async def story(network: MemoryNetwork) -> None:
        founder = network[FOUNDER]
        with pytest.raises(RefusedError, match="no federation here"):
            await show_policy(founder.node, PolicyParams())
        names = tuple(machine.node.origin for machine in network.machines)
        await found(network, founder, names)
        for guest in network.machines:
            if guest is not founder:
                await bring_in(founder, guest)
        await network.until(lambda: all(count_members(one) == len(MEMBERS) for one in network.machines), "the roster")
        await network.settle()
        others = [machine for machine in network.machines if machine is not founder]
        shown = [await cosign(machine, founder) for machine in others[:3]]
        for reader in (founder, network["south"]):
            answer = await show_policy(reader.node, PolicyParams(founder.node.origin))
            policy = parse_policy(answer.policy.encode())
            accepted = check_head(join_notes(shown), policy)
            assert sorted(accepted.times_s) == sorted(f"{name_of(one)}+{key}" for one in others[:3] for key in (1, 2))
            # More than half of the four that are not the owner: two are not enough, with all their keys.
            with pytest.raises(PeerError, match="not its quorum"):
                check_head(join_notes(shown[:2]), policy)
            for key in (0, 1):
                assert len(check_head(join_notes(shown, (key,)), policy).times_s) == 3

    run_region(homes, 3, story)


async def cosign(machine: Machine, owner: Machine) -> bytes:
    """The owner's newest head as this machine's witness shows it."""
    origin = owner.node.origin
    head = log_store.head(owner.node.database.reader, origin)
    assert head is not None
    verdict = await machine.do(add_checkpoint(machine.node, format_add_checkpoint(0, [], head.note)))
    assert verdict.status == 200
    note = show_checkpoint(machine.node, mirror_prefix(origin))
    assert note is not None
    return note


def join_notes(notes: list[bytes], keys: tuple[int, ...] = (0, 1)) -> bytes:
    """One note with the log's signature and these of the two lines of each witness."""
    text, (of_the_log, *_) = parse_note(notes[0])
    joined = format_note(text, [of_the_log])
    for note in notes:
        other_text, (_, *lines) = parse_note(note)
        assert (other_text, len(lines)) == (text, 2)
        for key in keys:
            joined = add_signature(joined, format_signature(lines[key]))
    return joined


def name_of(machine: Machine) -> str:
    return witness_name(machine.node.origin)
