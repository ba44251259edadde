"""A person's own key and signature, on the person's own device: no node and no home is touched.

Invariant: what is signed is shown from the very entries that the statement names, never from words beside it.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec

from node.clock import Clock
from node.use_cases.context import Desk, DeskOperation
from node.use_cases.description import PLACE, Command
from node.use_cases.supply.drafts import Hex32, SignedStatement
from node.use_cases.supply.signing import ToSign
from protocol.core.encoding import to_struct
from protocol.core.errors import RefusedError
from protocol.core.identity import SEED_BYTES, SigningKey, generate, key_id
from protocol.core.record import Statement, leaf_hash_of, parse_record, parse_statement, sign_statement
from protocol.supply.price_agreement import APPROVAL_KIND, REASONS, PriceApproval, PriceProposal

FORMAT = "rochdale-person-key/v1"
KEY_FILE_BYTES_MAX = 4_096
FILE_MODE = 0o600


class _PersonKeyFile(msgspec.Struct, forbid_unknown_fields=True):
    """The file of a person's key: whoever has it can sign as that person."""

    format: Annotated[str, msgspec.Meta(pattern=rf"^{FORMAT}\Z")]
    seed: Hex32
    public: Hex32


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a person is about to sign, out of the entries themselves."""

    product: str
    maker: str
    buyer: str
    version: int
    price: str
    lines: list[tuple[str, str]]
    valid_from: str
    approve: bool
    reason: str


class PersonKeyParams(msgspec.Struct):
    """Where the key is to lie."""

    file: Annotated[str, PLACE]


class PersonKeyMade(msgspec.Struct, frozen=True):
    """The file that holds the key now, and the key's public part in hex."""

    file: str
    public: str


def make_key_at_desk(desk: Desk, params: PersonKeyParams) -> PersonKeyMade:
    """Make a person's own key, outside the home that is meant."""
    return PersonKeyMade(params.file, make_person_key(Path(params.file), desk.clock, desk.home))


def make_person_key(path: Path, clock: Clock, home: Path) -> str:
    """Make a key file that only its owner can read, outside the node's home; its public key in hex."""
    if path.resolve().is_relative_to(home.resolve()):
        raise RefusedError.at(str(path), "a person's key does not belong in the home of a node")
    seed = clock.random_bytes(SEED_BYTES)
    public = generate(seed).public.hex()
    content = msgspec.json.encode(_PersonKeyFile(FORMAT, seed.hex(), public))
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    except FileExistsError:
        raise RefusedError.at(str(path), "there is a file already; nothing was changed") from None
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    return public


def read_person_key(path: Path) -> SigningKey:
    """The key of a key file."""
    with path.open("rb") as stream:
        raw = stream.read(KEY_FILE_BYTES_MAX)
    try:
        found = msgspec.json.decode(raw, type=_PersonKeyFile)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise RefusedError.at(str(path), "not the key file of a person") from None
    key = generate(bytes.fromhex(found.seed))
    if key.public.hex() != found.public:
        raise RefusedError.at(str(path), "its two halves do not belong together")
    return key


def read_before_signing(to_sign: ToSign) -> Reading:
    """What the statement says, in figures; RefusedError when the entries beside it are not those that it names."""
    statement = parse_statement(to_sign.statement)
    if statement.kind != APPROVAL_KIND or isinstance(statement.body, bytes):
        raise RefusedError.at("statement.kind", "this is no approval of a price")
    approval = to_struct(statement.body, PriceApproval, "statement.body")
    named = {"proposal": approval.proposal, "disclosure": approval.disclosure}
    for place, entry in (("proposal", to_sign.proposal), ("disclosure", to_sign.disclosure)):
        if leaf_hash_of(entry) != named[place]:
            raise RefusedError.at(place, "is not the entry that the statement names")
    proposal = to_struct(parse_record(to_sign.proposal).body, PriceProposal, "proposal")
    sheet = proposal.sheet
    return Reading(
        product=proposal.product,
        maker=proposal.maker,
        buyer=statement.audience,
        version=proposal.version,
        price=str(sheet.money(sheet.price_minor)),
        lines=[
            (line.label, "hidden" if line.amount_minor is None else str(sheet.money(line.amount_minor)))
            for line in sheet.lines
        ],
        valid_from=proposal.valid_from,
        approve=approval.approve,
        reason=REASONS.get(approval.reason, ""),
    )


def check_is_theirs(to_sign: ToSign, key: SigningKey) -> Statement:
    """The statement; RefusedError when it was written for another key."""
    statement = parse_statement(to_sign.statement)
    if statement.by != key_id(key.public):
        raise RefusedError.at("statement.by", "was written for another person's key")
    return statement


def sign_as_person(to_sign: ToSign, key: SigningKey) -> SignedStatement:
    """The statement with the person's signature; RefusedError when it was written for another key."""
    read_before_signing(to_sign)
    statement = check_is_theirs(to_sign, key)
    return SignedStatement(statement=to_sign.statement, sigs=[sign_statement(statement, key)])


def _tell_made(answer: PersonKeyMade) -> Iterator[str]:
    yield answer.public


OPERATIONS = (
    DeskOperation(
        "key.person",
        PersonKeyParams,
        make_key_at_desk,
        "Make a person's own key in FILE, outside the node's home; print its public part.",
        tell=_tell_made,
        command=Command("key person", ("file",), "my-key.json", group="Keys: of this home, and of persons."),
    ),
)
