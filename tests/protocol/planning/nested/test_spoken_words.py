"""What only whoever speaks for another level may say, and that nobody else's records change by it."""

import msgspec

from protocol.core.encoding import decode, encode, to_struct, to_value
from protocol.planning.call import Allocation, CardAnswer, OtherLevel, PlanAnswer, PlanCards
from protocol.planning.cards import MICRO, WorkplaceCard
from protocol.planning.contributions import audit_answer
from protocol.planning.economy import build_economy
from protocol.planning.rounds import start_state
from protocol.planning.state import hash_state
from tests.protocol.planning.economies import load, village

CALL, LEVEL = bytes([7]) * 32, OtherLevel(bytes([9]) * 32, goes_on=True)


def test_only_a_card_that_stands_for_another_level_may_name_its_state() -> None:
    file, _ = load(village())
    reasons = {}
    for apart in (True, False):
        card = WorkplaceCard("ash#above", MICRO, 0, (), ((0, -MICRO, MICRO), (1, 0, MICRO)), apart=apart)
        economy = build_economy(file.table, file.consumers, (*file.workplaces, card))
        state = start_state(economy)
        said = PlanAnswer(CALL, 1, 1, hash_state(state), (CardAnswer(card.id, (0, 5)),), LEVEL)
        reasons[apart] = [finding.place for finding in audit_answer("ash", said, economy, state)]
    assert reasons == {True: [], False: ["level"]}


def test_what_is_not_said_is_not_written() -> None:
    answer = PlanAnswer(CALL, 1, 1, CALL, (CardAnswer("ash", (1,)),))
    cards = PlanCards(CALL, 1, (), ())
    assert "level" not in to_value(answer) and "allocation" not in to_value(cards)
    spoken = msgspec.structs.replace(answer, level=LEVEL)
    allocated = msgspec.structs.replace(cards, allocation=Allocation(CALL, ((0, 5), (3, 0))))
    assert to_struct(decode(encode(to_value(spoken))), PlanAnswer, "answer") == spoken
    assert to_struct(decode(encode(to_value(allocated))), PlanCards, "cards") == allocated
