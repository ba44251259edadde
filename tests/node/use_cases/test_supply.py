"""From a product to an agreed price between two homes, and everything that is refused on the way."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast, get_args

import msgspec
import pytest

from node.use_cases.context import Node
from node.use_cases.federation import verbs as federation
from node.use_cases.publish import publish
from node.use_cases.supply import list_products, show_product
from node.use_cases.supply.board import RULES_WITHOUT_CHARTER, read_board, read_rules
from node.use_cases.supply.drafts import (
    AnswerParams,
    GrantParams,
    ItemParams,
    ListParams,
    OpeningsParams,
    Reader,
    Refusal,
    SignedStatement,
    StatementParams,
)
from node.use_cases.supply.handing import accept_openings, hand_openings
from node.use_cases.supply.person_key import read_before_signing, sign_as_person
from node.use_cases.supply.publishing import (
    answer_price,
    grant_committee_key,
    propose_price,
    publish_disclosure,
    publish_product,
)
from node.use_cases.supply.signing import submit_approval, write_statement
from node.use_cases.supply.views import PriceView
from protocol.core.commitment import format_opening
from protocol.core.errors import PeerError, RefusedError
from protocol.core.identity import generate
from protocol.core.record import enter_by_office, parse_statement
from protocol.federation.vote_records import PrevoteBody
from protocol.supply.disclosure import DISCLOSURE_KIND, Disclosure, Section
from protocol.supply.facts import PriceRules
from protocol.supply.openings import hide_section
from protocol.supply.price_agreement import REASONS
from storage.log import log_store
from tests.node.use_cases.two_homes import LOAF, carry, loaf, member, open_home, price, told
from tests.protocol.federation.made_up_federation import make_charter


class Homes:
    """A bakery and a co-op; `meet` carries both logs over."""

    def __init__(self, bakery: Node, coop: Node) -> None:
        self.bakery, self.coop = bakery, coop

    async def meet(self) -> None:
        await carry(self.bakery, self.coop)
        await carry(self.coop, self.bakery)

    async def seat(self, *numbers: int) -> None:
        for number in numbers:
            params = GrantParams(key=member(number).public.hex(), holder=f"committee member {number}")
            await grant_committee_key(self.coop, params)

    async def sign(self, number: int, proposal: str, **answer: Any) -> PriceView:
        params = StatementParams(proposal=proposal, key=member(number).public.hex(), **answer)
        return await submit_approval(
            self.coop, sign_as_person(await write_statement(self.coop, params), member(number))
        )

    async def propose(self, draft: Any = None) -> PriceView:
        """A product, fully disclosed, at a price that both homes know."""
        await publish_product(self.bakery, loaf())
        await publish_disclosure(self.bakery, told())
        proposed = await propose_price(self.bakery, draft or price(self.coop.origin))
        await self.meet()
        return proposed


@pytest.fixture
async def homes(tmp_path: Path) -> AsyncIterator[Homes]:
    bakery, coop = await open_home(tmp_path, "Oak bakery"), await open_home(tmp_path, "Northside")
    yield Homes(bakery, coop)
    bakery.database.close()
    coop.database.close()


def sizes(node: Node) -> list[int]:
    return [head.size for head in log_store.heads(node.database.reader)]


async def test_two_members_sign_on_their_own_devices_and_both_homes_see_the_price_agreed(homes: Homes) -> None:
    proposed = await homes.propose()
    await homes.seat(1, 2, 3)
    assert proposed.state == "proposed"
    assert (await homes.sign(1, proposed.record)).state == "in talks"
    agreed = await homes.sign(3, proposed.record)
    assert agreed.state == "agreed"
    assert [word.holder for word in agreed.signed_by] == ["", "committee member 1", "committee member 3"]
    await homes.meet()
    for node in (homes.bakery, homes.coop):
        (line,) = (await list_products(node, ListParams())).products
        assert (line.state, line.price, line.price_minor, line.made_up) == ("agreed", "3.42 EUR", 342, True)
        view = await show_product(node, ItemParams(product=LOAF))
        assert sum(each.amount_minor or 0 for each in view.prices[0].lines) == view.prices[0].price_minor == 342
        assert len(view.sections) == 8


async def test_a_price_is_void_and_named_so_until_the_disclosure_is_full(homes: Homes) -> None:
    await publish_product(homes.bakery, loaf())
    await publish_disclosure(homes.bakery, told("ingredients", "production"))
    proposed = await propose_price(homes.bakery, price(homes.coop.origin))
    assert proposed.state == "void"
    assert "disclosure.working_conditions" in [finding.place for finding in proposed.reasons]
    await homes.seat(1)
    await homes.meet()
    with pytest.raises(RefusedError, match="no yes before the disclosure is full") as refused:
        await homes.sign(1, proposed.record)
    assert len(refused.value.findings) == 6
    await publish_disclosure(homes.bakery, told())
    (line,) = (await list_products(homes.bakery, ListParams())).products
    assert (line.state, line.missing) == ("disclosed", [])
    (shown,) = (await show_product(homes.bakery, ItemParams(product=LOAF))).prices
    assert shown.state == "proposed"


async def test_a_sheet_that_is_off_by_one_cent_is_refused_and_nothing_is_stored(homes: Homes) -> None:
    await homes.propose()
    before = sizes(homes.bakery)
    with pytest.raises(RefusedError, match=r"add up to 3.41 EUR, the price is 3.42 EUR: 0.01 EUR is missing"):
        await propose_price(homes.bakery, price(homes.coop.origin, materials=300, surplus=41))
    with pytest.raises(RefusedError, match=r"0.01 EUR is missing"):
        short = price(homes.coop.origin, hidden=("materials", "labour"), materials=200, labour=141)
        await propose_price(homes.bakery, short)
    assert sizes(homes.bakery) == before


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            lambda homes: propose_price(homes.bakery, price(homes.coop.origin, materials=299, tax=43)),
            "below the disclosed",
        ),
        (lambda homes: propose_price(homes.coop, price(maker="x.example/log")), "has published no product"),
        (lambda homes: propose_price(homes.bakery, price()), "nobody agrees a price with itself"),
        (
            lambda homes: propose_price(homes.coop, price("a.example/log", maker=homes.bakery.origin)),
            "only the maker or",
        ),
        (lambda homes: publish_disclosure(homes.coop, told()), "this home has published no product"),
        (lambda homes: publish_disclosure(homes.bakery, told("colour")), "is no section"),
        (lambda homes: publish_disclosure(homes.bakery, _blank_hidden()), "texts.en: is empty"),
        (lambda homes: publish_product(homes.bakery, loaf(code="4006381333932")), "check digit"),
        (lambda homes: show_product(homes.coop, ItemParams(product="in-house:x")), "no product in-house:x is known"),
        (
            lambda homes: show_product(homes.coop, ItemParams(product=LOAF, reader=cast("Reader", "me"))),
            "reader: is none of",
        ),
        (lambda homes: grant_committee_key(homes.coop, GrantParams(key="00" * 32, holder="")), "holder"),
    ],
)
async def test_what_a_person_can_put_right_is_refused_with_the_reason(homes: Homes, change: Any, reason: str) -> None:
    await homes.propose()
    before = sizes(homes.bakery) + sizes(homes.coop)
    with pytest.raises(RefusedError, match=reason):
        await change(homes)
    assert sizes(homes.bakery) + sizes(homes.coop) == before


def _blank_hidden() -> Any:
    draft = told("delivery", hidden="delivery")
    draft.sections[0].texts = {"en": " "}
    return draft


async def test_the_charter_says_which_sections_and_how_many_signatures(homes: Homes) -> None:
    await publish_product(homes.coop, loaf())
    await publish_disclosure(homes.coop, told("ingredients"))
    await homes.meet()
    (line,) = (await list_products(homes.coop, ListParams())).products
    assert (line.state, len(line.missing)) == ("in talks", 7)
    charter = make_charter(required_sections=("ingredients",), committee_threshold=1)
    await federation.create(homes.coop, federation.CreateParams(charter=charter, kind="consumers", people=180))
    (line,) = (await list_products(homes.coop, ListParams())).products
    assert (line.state, line.missing) == ("disclosed", [])
    assert read_rules(homes.coop) == PriceRules(("ingredients",), 1)
    assert read_rules(homes.bakery) == RULES_WITHOUT_CHARTER


async def test_publishing_the_same_product_again_changes_nothing(homes: Homes) -> None:
    first = await publish_product(homes.bakery, loaf())
    again = await publish_product(homes.bakery, loaf())
    assert (again.record, again.known) == (first.record, True)
    renamed = await publish_product(homes.bakery, loaf(names={"en": "big wheat loaf"}))
    assert (renamed.version, renamed.known) == (2, False)


async def test_what_is_laid_out_of_prices_stays_while_others_vote_and_falls_with_a_record_of_its_own(
    homes: Homes,
) -> None:
    """It is read at every turn of the peering; a plan's votes alone must not have it laid out anew."""
    await homes.propose()
    board = read_board(homes.coop)
    assert len(board.facts.products) == 1
    await publish(homes.coop, "decision.prevote", PrevoteBody(bytes(32), 1, None))
    assert read_board(homes.coop) is board
    await publish_product(homes.coop, loaf(code="in-house:rolls"))
    assert len(read_board(homes.coop).facts.products) == 2


async def test_a_counter_offer_is_the_next_version_and_the_producer_answers_it(homes: Homes) -> None:
    first = await homes.propose()
    await homes.seat(1, 2)
    offer = await propose_price(homes.coop, price(maker=homes.bakery.origin, materials=300, surplus=42))
    assert (offer.version, offer.state) == (2, "in talks")
    await homes.sign(1, offer.record)
    await homes.sign(2, offer.record)
    await homes.meet()
    with pytest.raises(RefusedError, match="only the producer"):
        await answer_price(homes.coop, AnswerParams(proposal=offer.record))
    answered = await answer_price(homes.bakery, AnswerParams(proposal=offer.record))
    assert answered.state == "agreed"
    with pytest.raises(RefusedError, match="what both sides have signed holds"):
        await answer_price(homes.bakery, AnswerParams(proposal=offer.record, refuse="volume"))
    states = {each.record: each.state for each in (await show_product(homes.bakery, ItemParams(product=LOAF))).prices}
    assert states == {first.record: "superseded", offer.record: "agreed"}


async def test_a_producer_says_no_with_a_reason_word(homes: Homes) -> None:
    await homes.propose()
    offer = await propose_price(homes.coop, price(maker=homes.bakery.origin, materials=300, surplus=42))
    await homes.meet()
    with pytest.raises(msgspec.ValidationError, match="Invalid enum value 'too cheap'"):
        msgspec.convert({"proposal": offer.record, "refuse": "too cheap"}, AnswerParams)
    assert set(get_args(Refusal)) == REASONS.keys()
    refused = await answer_price(homes.bakery, AnswerParams(proposal=offer.record, refuse="volume"))
    assert (refused.state, refused.signed_by[0].reason) == ("refused", "the guaranteed volume")


async def test_a_key_without_a_seat_gets_no_statement_and_cannot_submit_one(homes: Homes) -> None:
    proposed = await homes.propose()
    await homes.seat(1)
    with pytest.raises(RefusedError, match="no seat on the price committee"):
        await write_statement(homes.coop, StatementParams(proposal=proposed.record, key=member(9).public.hex()))
    params = StatementParams(proposal=proposed.record, key=member(1).public.hex())
    signed = sign_as_person(await write_statement(homes.coop, params), member(1))
    ended = GrantParams(key=member(1).public.hex(), holder="committee member 1", ends=True)
    await grant_committee_key(homes.coop, ended)
    with pytest.raises(RefusedError, match="no seat on the price committee"):
        await submit_approval(homes.coop, signed)
    with pytest.raises(RefusedError, match="none of the buyers"):
        await write_statement(homes.bakery, params)


async def test_what_is_not_the_members_own_signature_is_refused(homes: Homes) -> None:
    proposed = await homes.propose()
    await homes.seat(1, 2)
    to_sign = await write_statement(homes.coop, StatementParams(proposal=proposed.record, key=member(1).public.hex()))
    with pytest.raises(RefusedError, match="another person's key"):
        sign_as_person(to_sign, member(2))
    signed = sign_as_person(to_sign, member(1))
    before = sizes(homes.coop)
    (good,) = signed.sigs
    forged = msgspec.structs.replace(good, signature=bytes([good.signature[0] ^ 1]) + good.signature[1:])
    with pytest.raises(RefusedError, match="the signature is wrong"):
        await submit_approval(homes.coop, SignedStatement(statement=signed.statement, sigs=[forged]))
    office = enter_by_office(parse_statement(signed.statement), generate(homes.coop.keys.log))
    with pytest.raises(RefusedError, match="statement: "):
        await submit_approval(homes.coop, SignedStatement(statement=signed.statement, sigs=[office]))
    with pytest.raises(RefusedError):
        await submit_approval(homes.coop, SignedStatement(statement=signed.statement + b"\0", sigs=[good]))
    assert sizes(homes.coop) == before
    await submit_approval(homes.coop, signed)
    with pytest.raises(RefusedError, match="stands in the log already"):
        await submit_approval(homes.coop, signed)


async def test_the_device_shows_what_is_signed_from_the_entries_themselves(homes: Homes) -> None:
    proposed = await homes.propose()
    other = await propose_price(homes.bakery, price(homes.coop.origin, materials=300, surplus=42))
    await homes.meet()
    await homes.seat(1)
    key = member(1).public.hex()
    to_sign = await write_statement(homes.coop, StatementParams(proposal=proposed.record, key=key))
    reading = read_before_signing(to_sign)
    assert (reading.price, reading.version, reading.buyer) == ("3.42 EUR", 1, homes.coop.origin)
    assert reading.lines[0] == ("materials", "1.20 EUR")
    swapped = await write_statement(homes.coop, StatementParams(proposal=other.record, key=key))
    with pytest.raises(RefusedError, match="proposal: is not the entry"):
        sign_as_person(msgspec.structs.replace(to_sign, proposal=swapped.proposal), member(1))


async def test_a_note_stays_out_of_the_log(homes: Homes) -> None:
    proposed = await homes.propose()
    await homes.seat(1)
    await homes.sign(1, proposed.record, refuse="other", note="made up: ask again in spring")
    head = log_store.head(homes.coop.database.reader, homes.coop.origin)
    assert head is not None
    entries = log_store.entries(homes.coop.database.reader, homes.coop.origin, 0, head.size)
    assert not any(b"spring" in entry for entry in entries)
    notes = []
    for reader in ("public", "buyers", "auditors"):
        (shown,) = (await show_product(homes.coop, ItemParams(product=LOAF, reader=reader))).prices
        notes.append(shown.signed_by[1].note)
    assert notes == ["", "", "made up: ask again in spring"]


async def test_hidden_parts_are_seen_only_by_those_in_scope_who_were_handed_the_openings(homes: Homes) -> None:
    await publish_product(homes.bakery, loaf())
    await publish_disclosure(homes.bakery, told(hidden="delivery"))
    await propose_price(homes.bakery, price(homes.coop.origin, hidden=("materials", "labour")))
    await homes.meet()

    async def look(node: Node, reader: Reader) -> tuple[bool, list[int | None]]:
        view = await show_product(node, ItemParams(product=LOAF, reader=reader))
        delivery = next(section for section in view.sections if section.name == "delivery")
        assert view.prices[0].hidden_minor == 270 and delivery.filled
        return delivery.hidden, [line.amount_minor for line in view.prices[0].lines]

    closed = [None, None, 30, 18, 24]
    assert await look(homes.bakery, "buyers") == (False, [120, 150, 30, 18, 24])
    assert await look(homes.bakery, "public") == (True, closed)
    assert await look(homes.bakery, "federation") == (True, closed)
    assert await look(homes.coop, "buyers") == (True, closed)
    handed = await hand_openings(homes.bakery, ItemParams(product=LOAF, reader="buyers"))
    assert (await hand_openings(homes.bakery, ItemParams(product=LOAF, reader="federation"))).openings == []
    accepted = await accept_openings(homes.coop, OpeningsParams(openings=handed.openings))
    assert (accepted.kept, accepted.known) == (3, 0)
    assert await look(homes.coop, "buyers") == (False, [120, 150, 30, 18, 24])
    assert (await accept_openings(homes.coop, OpeningsParams(openings=handed.openings))).known == 3


async def test_an_opening_that_opens_nothing_here_is_refused(homes: Homes) -> None:
    await publish_product(homes.bakery, loaf())
    await publish_disclosure(homes.bakery, told(hidden="delivery"))
    handed = await hand_openings(homes.bakery, ItemParams(product=LOAF, reader="buyers"))
    with pytest.raises(RefusedError, match="opens nothing that is known here"):
        await accept_openings(homes.coop, OpeningsParams(openings=handed.openings))
    with pytest.raises((RefusedError, PeerError)):
        await accept_openings(homes.bakery, OpeningsParams(openings=[handed.openings[0][:-1]]))
    with pytest.raises(RefusedError, match="what is public needs no opening"):
        await hand_openings(homes.bakery, ItemParams(product=LOAF))


async def test_an_opening_that_holds_something_else_is_not_kept(homes: Homes) -> None:
    await publish_product(homes.bakery, loaf())
    section = Section(name="delivery", scope="buyers", texts={}, commitment=None)
    closed, opening = hide_section(homes.bakery.origin, section, bytes(32))
    told_nothing = Disclosure(
        product=LOAF, maker=homes.bakery.origin, version=1, sections=[closed], cost=None, made_up=True
    )
    await publish(homes.bakery, DISCLOSURE_KIND, told_nothing)
    await homes.meet()
    with pytest.raises(PeerError, match="holds no texts by language"):
        await accept_openings(homes.coop, OpeningsParams(openings=[format_opening(opening)]))
    view = await show_product(homes.coop, ItemParams(product=LOAF, reader="buyers"))
    assert view.sections[0].hidden


async def test_a_single_hidden_line_is_refused(homes: Homes) -> None:
    await homes.propose()
    with pytest.raises(RefusedError, match="a single hidden line is the price minus the rest"):
        await propose_price(homes.bakery, price(homes.coop.origin, hidden=("labour",)))


async def test_two_makers_of_one_code_must_be_told_apart(homes: Homes) -> None:
    await homes.propose()
    await publish_product(homes.coop, loaf())
    with pytest.raises(RefusedError, match="2 makers have a product"):
        await show_product(homes.coop, ItemParams(product=LOAF))
    own = await show_product(homes.coop, ItemParams(product=LOAF, maker=homes.coop.origin))
    assert own.product.state == "not disclosed"
