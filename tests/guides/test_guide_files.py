"""The files that guides show are taken as they stand there."""

import re
from pathlib import Path

import msgspec
import pytest

from node.use_cases.planning.calls.table import TableFile, read_table
from node.use_cases.planning.proposals.private_side import Release
from node.use_cases.supply.drafts import DisclosureDraft, ProductDraft, ProposalDraft

GUIDES = Path(__file__).resolve().parents[2] / "docs" / "guides"
NAME_OR_BLOCK = re.compile(r"`([a-z-]+\.json)`|```json\n(.*?)```", re.DOTALL)
FORMS: dict[str, type[msgspec.Struct]] = {
    "loaf.json": ProductDraft,
    "told.json": DisclosureDraft,
    "price.json": ProposalDraft,
    "goods.json": TableFile,
    "council.json": Release,
}


def show_files() -> dict[str, str]:
    """Each JSON block of a guide by the file's name that was mentioned last before it."""
    found: dict[str, str] = {}
    for page in sorted(GUIDES.glob("*.md")):
        name = ""
        for mentioned, block in NAME_OR_BLOCK.findall(page.read_text("utf-8")):
            name = mentioned or name
            if block:
                found[name] = block
    return found


@pytest.mark.parametrize("name", FORMS)
def test_a_file_of_a_guide_has_the_form_that_is_asked_for(name: str) -> None:
    assert msgspec.json.decode(show_files()[name], type=FORMS[name])


def test_the_goods_of_the_guide_can_be_planned_over_and_its_council_names_no_others() -> None:
    files = show_files()
    table = read_table(msgspec.json.decode(files["goods.json"], type=TableFile))
    release = msgspec.json.decode(files["council.json"], type=Release)
    goods = {good.id for good in table.goods}
    assert release.council is not None
    assert {good for nest in release.council.nests for good in nest.goods} | release.council.till.keys() <= goods
    assert {good for row in release.workplaces for way in row["techniques"] for good in way["net"]} <= goods
