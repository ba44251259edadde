"""The figures in docs/spec/plan-records.md are those of the code."""

from protocol.planning.call import CARDS_ROUND, format_set, parse_set, round_slot

CALL = bytes([0x11]) * 32
LISTED = {"oak-bakery.example/log": bytes([0x22]) * 32, "northside.example/log": None}


def test_the_slots_of_the_first_two_rounds() -> None:
    assert round_slot(CALL, 1, CARDS_ROUND).hex() == "43791f7d8c3b4186f70a31d9966bfd08ac616a35d80d28256bc0331d201f98b2"
    assert round_slot(CALL, 1, 1).hex() == "66abcb57e826821ee04a602b3abada1a68e270106d147358e09cc4b420a4d085"


def test_the_set_with_one_participant_silent() -> None:
    expected = "9292b56e6f727468736964652e6578616d706c652f6c6f67c092b66f616b2d62616b6572792e6578616d706c652f6c6f67c420"
    assert format_set(LISTED).hex() == expected + "22" * 32
    assert parse_set(format_set(LISTED)) == LISTED
