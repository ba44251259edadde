"""Which column holds what: found by the header's names, never by their position.

Invariant: a personal or card column is never read, except that the one mapped as the household becomes a keyed token.
Guide: docs/guides/till.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from node.till.amounts import DateOrder, show_cell
from protocol.core.errors import Finding

HEADERS_SHOWN: Final = 40

# Roles, and the header names (letters and digits only, lower case) under which plain files hold them, best first.
SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = {
    "date": ("transactiontimestamp", "timestamp", "soldat", "datetime", "date", "invoicedate", "saledate", "day"),
    "receipt": ("basketid", "basket", "receiptnumber", "receiptid", "receipt", "invoiceno", "invoice", "transactionid"),
    "product": (
        "productid",
        "productcode",
        "product",
        "code",
        "sku",
        "stockcode",
        "itemcode",
        "barcode",
        "gtin",
        "ean",
    ),
    "name": ("description", "productname", "itemname", "item", "producttype", "name"),
    "size": ("packagesize", "packsize"),
    "category": ("productcategory", "category", "department"),
    "quantity": ("quantity", "qty", "units"),
    "amount": ("salesvalue", "amount", "netsales", "linetotal", "total"),
    "unit_price": ("unitprice", "price"),
    "household": ("householdid", "household", "customerid", "customer", "customerno", "memberid", "member", "memberno"),
}
# fmt: off
PERSONAL_WORDS: Final = frozenset({
    "account", "address", "age", "birth", "birthdate", "birthday", "card", "cardholder", "cashier", "city", "clerk",
    "comment", "comments", "contact", "contacts", "customer", "email", "firstname", "fullname", "gender",
    "household", "iban", "lastname", "loyalty", "member", "mobile", "note", "notes", "operator", "pan", "patient",
    "payee", "payer", "phone", "postcode", "recipient", "shopper", "staff", "street", "surname", "telephone",
    "user", "zip", "zipcode",
})
# fmt: on


class ColumnMapping(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A saved mapping: the header name that holds each role; None where the file has none.

    Needed: `date`, `quantity`, one of `product` and `name`, one of `amount` (of the whole line) and `unit_price`.
    """

    date: str
    quantity: str
    product: str | None = None
    name: str | None = None
    amount: str | None = None
    unit_price: str | None = None
    category: str | None = None
    household: str | None = None
    receipt: str | None = None
    size: str | None = None
    date_order: DateOrder = "year_first"


class Columns(msgspec.Struct, frozen=True):
    """Positions of the mapped columns in this file (None: not there), and the columns that are not read."""

    count: int
    position: dict[str, int]
    names: dict[str, str]
    dropped: tuple[str, ...]
    unused: tuple[str, ...]
    date_order: DateOrder


def _fold_header(name: str) -> str:
    """A header name as it is compared: lower case, letters and digits only."""
    return re.sub(r"[\W_]+", "", name.casefold())


def _is_personal(name: str) -> bool:
    """Whether a header names a person, a contact or a card: CustomerID, customer_name, Card Brand, E-mail."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.replace("e-mail", "email").replace("E-mail", "email"))
    words = re.split(r"[\W_]+", spaced.casefold())
    return not PERSONAL_WORDS.isdisjoint(words) or _fold_header(name) in PERSONAL_WORDS


def find_columns(header: Sequence[str], mapping: ColumnMapping | None) -> tuple[Columns | None, list[Finding]]:
    """The columns of this header, by the mapping or by known names; findings say what is missing and what was seen."""
    wanted, findings = (_detect_roles(header), []) if mapping is None else _check_mapping(header, mapping)
    findings += _audit_needed(header, wanted) if not findings else []
    if findings:
        return None, findings
    read = set(wanted.values())
    rest = [(index, name) for index, name in enumerate(header) if index not in read]
    household = wanted.get("household")
    # The household's own column is listed too: its cells are not kept, only tokens made from them.
    dropped = [
        name for index, name in enumerate(header) if index == household or (index not in read and _is_personal(name))
    ]
    return Columns(
        count=len(header),
        position=wanted,
        names={role: header[index] for role, index in wanted.items()},
        dropped=tuple(dropped),
        unused=tuple(name for _, name in rest if not _is_personal(name)),
        date_order="year_first" if mapping is None else mapping.date_order,
    ), []


def _detect_roles(header: Sequence[str]) -> dict[str, int]:
    """The position of every role whose known names this header holds."""
    folded = [_fold_header(name) for name in header]
    found: dict[str, int] = {}
    for role, synonyms in SYNONYMS.items():
        for synonym in synonyms:
            if folded.count(synonym) == 1 and folded.index(synonym) not in found.values():
                found[role] = folded.index(synonym)
                break
    if "amount" in found:
        found.pop("unit_price", None)
    return found


def _check_mapping(header: Sequence[str], mapping: ColumnMapping) -> tuple[dict[str, int], list[Finding]]:
    """The positions that a given mapping names, or what stands against it."""
    folded = [_fold_header(name) for name in header]
    found: dict[str, int] = {}
    findings: list[Finding] = []
    for role in SYNONYMS:
        name = getattr(mapping, role)
        if name is None:
            continue
        place = f"header, {role}"
        if folded.count(_fold_header(name)) != 1:
            times = folded.count(_fold_header(name))
            how_often = "is not in the header" if times == 0 else f"stands {times} times in the header"
            findings.append(Finding(place, f"column {show_cell(name)} {how_often}, which reads {_show_header(header)}"))
        elif folded.index(_fold_header(name)) in found.values():
            findings.append(Finding(place, f"column {show_cell(name)} is mapped twice"))
        elif role != "household" and _is_personal(name):
            findings.append(Finding(place, f"column {show_cell(name)} is personal: it may only be mapped as household"))
        else:
            found[role] = folded.index(_fold_header(name))
    if "amount" in found and "unit_price" in found:
        findings.append(Finding("header, amount", "map either the amount of the line or the unit price, not both"))
    return found, findings


def _audit_needed(header: Sequence[str], found: Mapping[str, int]) -> list[Finding]:
    """What a till file cannot do without."""
    needed = (("date",), ("product", "name"), ("quantity",), ("amount", "unit_price"))
    missing = [roles for roles in needed if not any(role in found for role in roles)]
    return [
        Finding(
            "header",
            f"no column for {' or '.join(roles)} {_say_synonyms(roles)}; the header reads {_show_header(header)}",
        )
        for roles in missing
    ]


def _say_synonyms(roles: Sequence[str]) -> str:
    """The header names that would have been known."""
    known = [synonym for role in roles for synonym in SYNONYMS[role]]
    return f"(known: {', '.join(known)})"


def _show_header(header: Sequence[str]) -> str:
    """The header as it was seen, shortened."""
    shown = ", ".join(show_cell(name) for name in header[:HEADERS_SHOWN])
    return shown if len(header) <= HEADERS_SHOWN else f"{shown} and {len(header) - HEADERS_SHOWN} more"
