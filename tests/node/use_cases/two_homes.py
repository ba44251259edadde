"""Two homes on one machine, a bakery and a co-op, whose logs are carried over by hand."""

from pathlib import Path
from typing import Any

from node.clock import Clock
from node.config import Config
from node.use_cases.context import Node
from node.use_cases.home import init_home, open_node
from node.use_cases.supply.drafts import (
    DisclosureDraft,
    LineDraft,
    ProductDraft,
    ProposalDraft,
    SectionDraft,
    SheetDraft,
)
from protocol.core.identity import generate
from protocol.core.quantities import Money, Quantity
from protocol.log.checkpoint import open_checkpoint
from protocol.supply.disclosure import SECTIONS
from storage.log import log_store, record_index

LOAF = "in-house:wheat-loaf"


async def open_home(folder: Path, name: str) -> Node:
    """A fresh home of this name, opened."""
    config = Config(home=folder / name, name=name)
    await init_home(config, Clock())
    return open_node(config, Clock())


async def carry(source: Node, target: Node) -> None:
    """Bring the source's own log to the target, verified as any replica is."""
    db, origin = source.database.reader, source.origin
    key = log_store.log_key_of(db, origin)
    head = log_store.head(db, origin)
    assert key is not None and head is not None
    checkpoint = open_checkpoint(head.note, key, origin)
    entries = log_store.entries(db, origin, 0, head.size)

    def take(target_db: Any) -> None:
        log_store.add_log(target_db, origin, key)
        log_store.extend(target_db, origin, 0, entries, checkpoint, head.note)
        record_index.catch_up(target_db, origin)

    await target.database.write(take)


def loaf(**changes: Any) -> ProductDraft:
    given: dict[str, Any] = {
        "code": LOAF,
        "names": {"en": "wheat loaf"},
        "category": "bread",
        "unit": "C62",
        "piece": Quantity(750, "GRM", 0),
        "minimum_order": Quantity(1, "C62", 0),
        "made_up": True,
    }
    return ProductDraft(**(given | changes))


def told(*names: str, hidden: str = "", cost_cents: int = 300) -> DisclosureDraft:
    sections = [
        SectionDraft(name=name, texts={"en": f"made up: {name}"}, scope="buyers" if name == hidden else "public")
        for name in names or SECTIONS
    ]
    return DisclosureDraft(product=LOAF, sections=sections, cost=Money(cost_cents, "EUR", 2), made_up=True)


def price(*buyers: str, maker: str = "", hidden: tuple[str, ...] = (), **cents: int) -> ProposalDraft:
    amounts = cents or {"materials": 120, "labour": 150, "energy": 30, "surplus": 18, "tax": 24}
    lines = [
        LineDraft(
            heading=heading, label=heading, amount_minor=amount, scope="buyers" if heading in hidden else "public"
        )
        for heading, amount in amounts.items()
    ]
    sheet = SheetDraft(currency="EUR", exponent=2, unit="C62", language="en", price_minor=342, lines=lines)
    return ProposalDraft(
        product=LOAF,
        maker=maker,
        buyers=list(buyers),
        sheet=sheet,
        guaranteed_minimum=Quantity(400, "C62", 0),
        period_days=7,
        valid_from="2026-03-01",
        made_up=True,
    )


def member(number: int) -> Any:
    """A committee member's own key, made up."""
    return generate(bytes([number]) * 32)
