"""The pages of prices from what the supply use case answers, as anyone may read it.

Invariant: what is hidden stays hidden here; nothing is opened for a page that has no log-in.
"""

from collections.abc import Iterable, Mapping
from urllib.parse import quote

from node.use_cases.supply.views import LineView, PriceView, ProductLine, ProductView, SectionView, SignatureView
from node.web.languages import DEFAULT_LANGUAGE
from node.web.supply.model import CostLine, PriceList, PricePage, PriceRow, Section, Version
from protocol.core.errors import Finding
from protocol.core.quantities import Money
from protocol.supply.signatures import PRODUCER_ROLE

Names = Mapping[str, str]
"""What each log's owner is called."""


def fill_price_list(lines: Iterable[ProductLine], names: Names) -> PriceList:
    """Every product, by name; where two makers share a code the address says which is meant."""
    found = list(lines)
    codes = [line.code for line in found]
    rows = [_fill_row(line, names, is_shared=codes.count(line.code) > 1) for line in found]
    return PriceList(tuple(sorted(rows, key=lambda row: (row.category, row.name, row.maker))))


def fill_price_page(view: ProductView, names: Names) -> PricePage:
    """One product with its disclosure and all versions of its price."""
    return PricePage(
        row=_fill_row(view.product, names, is_shared=False),
        sections=tuple(_fill_section(section) for section in view.sections),
        versions=tuple(_fill_version(price, names) for price in view.prices),
    )


def _choose_text(texts: Mapping[str, str]) -> str:
    """The text in the language of the pages, else in the first that there is."""
    if DEFAULT_LANGUAGE.code in texts:
        return texts[DEFAULT_LANGUAGE.code]
    return texts[min(texts)] if texts else ""


def _fill_row(line: ProductLine, names: Names, *, is_shared: bool) -> PriceRow:
    price = None if line.price_minor is None else Money(line.price_minor, line.currency, line.exponent)
    maker = f"?maker={quote(line.maker, safe='')}" if is_shared else ""
    return PriceRow(
        path=f"/prices/{quote(line.code, safe='')}{maker}",
        code=line.code,
        name=_choose_text(line.names) or line.code,
        maker=names.get(line.maker, line.maker),
        maker_origin=line.maker,
        category=line.category,
        unit=line.unit_name,
        state=line.state,
        price=price,
        missing=tuple(line.missing),
        void_versions=line.void_versions,
        made_up=line.made_up,
    )


def _fill_section(section: SectionView) -> Section:
    return Section(section.title, _choose_text(section.texts), section.readers)


def _fill_version(view: PriceView, names: Names) -> Version:
    def money(amount: int) -> Money:
        return Money(amount, view.currency, view.exponent)

    return Version(
        number=view.version,
        price=money(view.price_minor),
        unit=view.unit_name,
        state=view.state,
        lines=tuple(_fill_line(line, view) for line in view.lines),
        hidden=money(view.hidden_minor) if view.hidden_minor else None,
        buyers=tuple(names.get(buyer, buyer) for buyer in view.buyers),
        reasons=_name_places(view.reasons, names),
        signed_by=tuple(_tell_signature(word, names) for word in view.signed_by),
        waits_for=tuple(f"{names.get(each.place, each.place)}: {each.reason}" for each in view.waits_for),
        not_counted=_name_places(view.not_counted, names),
        valid_from=view.valid_from,
        minimum=view.guaranteed_minimum,
        record=view.record,
    )


def _fill_line(line: LineView, view: PriceView) -> CostLine:
    if line.amount_minor is None:
        return CostLine(line.title, line.label, None, 0, line.readers)
    cost = Money(line.amount_minor, view.currency, view.exponent)
    return CostLine(line.title, line.label, cost, line.share_ppm or 0, line.readers)


def _name_places(findings: Iterable[Finding], names: Names) -> tuple[Finding, ...]:
    return tuple(Finding(names.get(finding.place, finding.place), finding.reason) for finding in findings)


def _tell_signature(word: SignatureView, names: Names) -> str:
    party = names.get(word.origin, word.origin)
    said = party if word.role == PRODUCER_ROLE else f"{word.holder or word.role} of {party}"
    return said if word.approve else f"{said} (no)"
