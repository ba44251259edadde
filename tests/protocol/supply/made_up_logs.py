"""Made-up logs of a bakery, two co-ops and their committees, built from real records and signatures."""

from dataclasses import dataclass, field
from typing import Any

from protocol.core.encoding import to_value
from protocol.core.founding import Founding
from protocol.core.identity import SigningKey, generate, generate_home_keys, key_id, public_keys
from protocol.core.quantities import Money, Quantity
from protocol.core.record import (
    Record,
    Sig,
    Statement,
    embed_statement,
    enter_by_office,
    format_record,
    leaf_hash_of,
    parse_record,
    sign_statement,
)
from protocol.federation.grants import GRANT_KIND, KeyGrant
from protocol.supply.cost_sheet import CostLine, CostSheet
from protocol.supply.disclosure import DISCLOSURE_KIND, Disclosure, Section
from protocol.supply.facts import Facts, Filed, PriceRules, gather_facts
from protocol.supply.price_agreement import APPROVAL_KIND, COMMITTEE_ROLE, PROPOSAL_KIND, PriceApproval, PriceProposal
from protocol.supply.product import PRODUCT_KIND, Product

BAKERY = "oak-bakery.example/log"
NORTHSIDE = "northside.example/log"
SOUTHGATE = "southgate.example/log"
LOAF = "in-house:wheat-loaf"
REQUIRED = ("ingredients", "working_conditions")
RULES = PriceRules(required_sections=REQUIRED, committee_threshold=2)

_KINDS: dict[Any, str] = {
    Product: PRODUCT_KIND,
    Disclosure: DISCLOSURE_KIND,
    PriceProposal: PROPOSAL_KIND,
    PriceApproval: APPROVAL_KIND,
    KeyGrant: GRANT_KIND,
    Founding: "log.founding",
}


def person(number: int) -> SigningKey:
    """The key of committee member `number`, made up."""
    return generate(bytes([number]) * 32)


@dataclass
class Log:
    """One log in the making; `say` by its own key, `embed` a person's statement."""

    origin: str
    keys: Any
    filed: list[Filed[Any]] = field(default_factory=list)
    nonce: int = 0

    def say(self, body: Any) -> Filed[Any]:
        own = key_id(generate(self.keys.log).public)
        record = Record(kind=_KINDS[type(body)], seq=len(self.filed), at=1, by=own, body=to_value(body))
        return self._file(record, body)

    def embed(
        self, key: SigningKey, body: Any, audience: str = "", nonce: int | None = None, office: bool = False
    ) -> Filed[Any]:
        self.nonce += 1
        statement = Statement(
            kind=_KINDS[type(body)],
            at=2,
            by=key_id(key.public),
            audience=audience or self.origin,
            nonce=(self.nonce if nonce is None else nonce).to_bytes(16, "big"),
            body=to_value(body),
        )
        sig = enter_by_office(statement, generate(self.keys.log)) if office else sign_statement(statement, key)
        return self.embed_signed(statement, sig, body)

    def embed_signed(self, statement: Statement, sig: Sig, body: Any) -> Filed[Any]:
        return self._file(embed_statement(statement, (sig,), len(self.filed)), body)

    def grant(self, key: SigningKey, ends: bool = False, role: str = COMMITTEE_ROLE) -> Filed[Any]:
        return self.say(KeyGrant(key=key.public, role=role, holder="committee member", ends=ends))

    def _file(self, record: Record, body: Any) -> Filed[Any]:
        raw = format_record(record)
        filed = Filed(self.origin, record.seq, leaf_hash_of(raw), parse_record(raw), body)
        self.filed.append(filed)
        return filed


class Region:
    """A bakery, Northside and Southgate; the committees are persons 1, 2, 3 and 11, 12."""

    def __init__(self) -> None:
        self.bakery = _begin(BAKERY, 101)
        self.northside = _begin(NORTHSIDE, 102)
        self.southgate = _begin(SOUTHGATE, 103)
        for number in (1, 2, 3):
            self.northside.grant(person(number))
        for number in (11, 12):
            self.southgate.grant(person(number))

    def records(self) -> list[Filed[Any]]:
        return [*self.bakery.filed, *self.northside.filed, *self.southgate.filed]

    def facts(self) -> Facts:
        return gather_facts(self.records())


def _begin(origin: str, number: int) -> Log:
    keys = generate_home_keys(b"".join(bytes([number, part]) * 16 for part in range(6)))
    log = Log(origin, keys)
    log.say(Founding(name=origin.split(".")[0], keys=public_keys(keys), recovery_key_hash=bytes(32)))
    return log


def loaf(**changes: Any) -> Product:
    given: dict[str, Any] = {
        "code": LOAF,
        "names": {"en": "wheat loaf", "de": "Weizenbrot"},
        "category": "bread",
        "maker": BAKERY,
        "unit": "C62",
        "piece": Quantity(750, "GRM", 0),
        "pack": None,
        "case": Quantity(12, "C62", 0),
        "minimum_order": Quantity(1, "C62", 0),
        "partial_cases": True,
        "made_up": True,
        "version": 1,
    }
    return Product(**(given | changes))


def section(name: str, text: str = "made up for this test") -> Section:
    return Section(name=name, scope="public", texts={"en": text}, commitment=None)


def disclosure(*names: str, cost_cents: int | None = 300, version: int = 1) -> Disclosure:
    cost = None if cost_cents is None else Money(cost_cents, "EUR", 2)
    return Disclosure(
        product=LOAF,
        maker=BAKERY,
        version=version,
        sections=[section(name) for name in names],
        cost=cost,
        made_up=True,
    )


def line(heading: str, cents: int) -> CostLine:
    return CostLine(heading=heading, label=heading, amount_minor=cents, scope="public", commitment=None)


def sheet(price_cents: int = 342, **cents: int) -> CostSheet:
    amounts = cents or {"materials": 120, "labour": 150, "energy": 30, "surplus": 18, "tax": price_cents - 318}
    lines = [line(heading, amount) for heading, amount in amounts.items()]
    return CostSheet(
        currency="EUR", exponent=2, unit="C62", language="en", price_minor=price_cents, hidden_minor=0, lines=lines
    )


def proposal(*buyers: str, version: int = 1, after: bytes | None = None, **changes: Any) -> PriceProposal:
    given: dict[str, Any] = {
        "product": LOAF,
        "maker": BAKERY,
        "buyers": sorted(buyers or (NORTHSIDE,)),
        "version": version,
        "predecessor": after,
        "sheet": sheet(),
        "guaranteed_minimum": Quantity(400, "C62", 0),
        "period_days": 7,
        "valid_from": "2026-03-01",
        "made_up": True,
    }
    return PriceProposal(**(given | changes))


def yes(proposed: Filed[Any], read: Filed[Any]) -> PriceApproval:
    return PriceApproval(proposal=proposed.leaf, disclosure=read.leaf, approve=True, reason="", note=None)


def no(proposed: Filed[Any], read: Filed[Any], reason: str = "price") -> PriceApproval:
    return PriceApproval(proposal=proposed.leaf, disclosure=read.leaf, approve=False, reason=reason, note=None)
