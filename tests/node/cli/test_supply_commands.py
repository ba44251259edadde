"""The whole road of a price on the command line, one home and one committee member's own device."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from node.cli.main import rochdale
from node.clock import Clock
from node.config import Config
from node.use_cases.home import init_home
from node.use_cases.supply.publishing import propose_price, publish_disclosure, publish_product
from tests.node.use_cases import two_homes
from tests.node.use_cases.two_homes import open_home

LOAF = "in-house:wheat-loaf"
COOP = "northside.example/log"
LINES = {"materials": 120, "labour": 150, "energy": 30, "surplus": 18, "tax": 24}

Run = Callable[..., Result]


@pytest.fixture
async def run(tmp_path: Path) -> Run:
    """Runs a command of this area at a fresh home; with `as_json` unless said otherwise."""
    await init_home(Config(home=tmp_path / "home", name="Oak bakery"), Clock())
    return runner_at(tmp_path / "home")


def runner_at(home: Path) -> Run:
    def run_words(*words: str, as_json: bool = True) -> Result:
        place = ["--home", str(home), *(["--json"] if as_json else [])]
        return CliRunner().invoke(rochdale, [*place, *map(str, words)])

    return run_words


def write(folder: Path, name: str, content: Any) -> str:
    path = folder / name
    path.write_text(json.dumps(content), "utf-8")
    return str(path)


def answer(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def product() -> dict[str, Any]:
    one = {"amount": 1, "unit": "C62", "exponent": 0}
    grams = {"amount": 750, "unit": "GRM", "exponent": 0}
    names = {"en": "wheat loaf"}
    return {"code": LOAF, "names": names, "category": "bread", "unit": "C62", "piece": grams, "minimum_order": one}


def told(scope: str = "public") -> dict[str, Any]:
    names = (
        "ingredients",
        "production",
        "packaging",
        "storage",
        "delivery",
        "quality",
        "working_conditions",
        "environment",
    )
    sections = [{"name": name, "texts": {"en": f"about {name}"}, "scope": scope} for name in names]
    return {"product": LOAF, "sections": sections, "cost": {"amount": 300, "currency": "EUR", "exponent": 2}}


def price(price_minor: int = 342) -> dict[str, Any]:
    lines = [{"heading": heading, "label": heading, "amount_minor": amount} for heading, amount in LINES.items()]
    sheet = {
        "currency": "EUR",
        "exponent": 2,
        "unit": "C62",
        "language": "en",
        "price_minor": price_minor,
        "lines": lines,
    }
    minimum = {"amount": 400, "unit": "C62", "exponent": 0}
    return {
        "product": LOAF,
        "buyers": [COOP],
        "sheet": sheet,
        "guaranteed_minimum": minimum,
        "period_days": 7,
        "valid_from": "2026-03-01",
    }


def test_a_product_is_published_told_and_priced(run: Run, tmp_path: Path) -> None:
    assert answer(run("product", "publish", write(tmp_path, "loaf.json", product())))["version"] == 1
    proposed = answer(run("price", "propose", write(tmp_path, "price.json", price())))
    assert (proposed["state"], len(proposed["reasons"])) == ("void", 8)
    answer(run("disclosure", "publish", write(tmp_path, "told.json", told())))
    (listed,) = answer(run("product", "list"))["products"]
    assert (listed["state"], listed["versions"]) == ("disclosed", 1)
    shown = answer(run("price", "show", LOAF))
    assert (shown["prices"][0]["state"], shown["cost"]) == ("proposed", "3.00 EUR")
    human = run("price", "show", LOAF, as_json=False)
    assert "3.42 EUR per piece, version 1: proposed." in human.output
    assert f"waits for {COOP}: 2 more signatures" in human.output


def test_a_sheet_that_is_off_by_one_cent_ends_with_code_1_and_the_reason(run: Run, tmp_path: Path) -> None:
    answer(run("product", "publish", write(tmp_path, "loaf.json", product())))
    refused = run("price", "propose", write(tmp_path, "price.json", price(343)))
    assert refused.exit_code == 1
    (finding,) = json.loads(refused.stdout)["findings"]
    assert finding["reason"] == "the lines add up to 3.42 EUR, the price is 3.43 EUR: 0.01 EUR is missing"
    assert answer(run("price", "show", LOAF))["prices"] == []


@pytest.mark.parametrize("content", ["", "{", '{"code": 1}', '{"colour": "red"}', "\x00"])
def test_a_file_that_is_no_product_ends_with_code_1(run: Run, tmp_path: Path, content: str) -> None:
    path = tmp_path / "product.json"
    path.write_text(content, "utf-8")
    assert run("product", "publish", path).exit_code == 1
    assert run("product", "publish", tmp_path / "absent.json").exit_code == 1
    assert answer(run("product", "list")) == {"products": []}


@pytest.fixture
async def offered(tmp_path: Path) -> tuple[Run, str]:
    """A co-op's home that knows a bakery's log with a disclosed loaf and its proposed price, and the price's id."""
    bakery, coop = await open_home(tmp_path, "bakery"), await open_home(tmp_path, "coop")
    await publish_product(bakery, two_homes.loaf())
    await publish_disclosure(bakery, two_homes.told())
    proposed = await propose_price(bakery, two_homes.price(coop.origin))
    await two_homes.carry(bakery, coop)
    bakery.database.close()
    coop.database.close()
    return runner_at(tmp_path / "coop"), proposed.record


def test_two_members_sign_on_devices_of_their_own(offered: tuple[Run, str], tmp_path: Path) -> None:
    run, proposal = offered
    for number, state in ((1, "in talks"), (2, "agreed")):
        key, to_sign, signed = (tmp_path / f"{name}-{number}.json" for name in ("key", "to-sign", "signed"))
        public = answer(run("key", "person", key))["public"]
        answer(run("price", "grant", public, "--holder", f"committee member {number}"))
        answer(run("price", "statement", proposal, "--key", public, "--out", to_sign))
        reading = answer(run("price", "sign", to_sign, "--key", key, "--out", signed, "--yes"))
        assert (reading["price"], reading["approve"]) == ("3.42 EUR", True)
        assert answer(run("price", "submit", signed))["state"] == state
        assert run("price", "submit", signed).exit_code == 1
    human = run("price", "show", LOAF, as_json=False).output
    assert "committee member 2" in human and "agreed" in human


def test_nothing_is_signed_unread(offered: tuple[Run, str], tmp_path: Path) -> None:
    run, proposal = offered
    key, to_sign, signed = (tmp_path / f"{name}.json" for name in ("key", "to-sign", "signed"))
    public = answer(run("key", "person", key))["public"]
    assert run("price", "statement", proposal, "--key", public, "--out", to_sign).exit_code == 1
    answer(run("price", "grant", public, "--holder", "committee member 1"))
    answer(run("price", "statement", proposal, "--key", public, "--refuse", "price", "--out", to_sign))
    unsaid = run("price", "sign", to_sign, "--key", key, "--out", signed, as_json=False)
    assert unsaid.exit_code == 1 and "You say NO (the price) to 3.42 EUR" in unsaid.output
    assert not signed.exists()
    for raw in (b"{}", b'{"format": "\xff"}'):
        (tmp_path / "other.json").write_bytes(raw)
        other = run("price", "sign", to_sign, "--key", tmp_path / "other.json", "--out", signed, "--yes")
        assert other.exit_code == 1 and "other.json: not the key file of a person" in other.output
    words = json.loads(to_sign.read_text("utf-8"))
    write(tmp_path, "to-sign.json", words | {"proposal": words["disclosure"]})
    assert run("price", "sign", to_sign, "--key", key, "--out", signed, "--yes").exit_code == 1
    assert not signed.exists()


def test_a_signature_that_is_not_made_is_one_answer(offered: tuple[Run, str], tmp_path: Path) -> None:
    run, proposal = offered
    key, other, to_sign = (tmp_path / f"{name}.json" for name in ("key", "other", "to-sign"))
    public = answer(run("key", "person", key))["public"]
    answer(run("key", "person", other))
    answer(run("price", "grant", public, "--holder", "committee member 1"))
    answer(run("price", "statement", proposal, "--key", public, "--out", to_sign))
    for signer, out, reason in (
        (other, tmp_path / "signed.json", "was written for another person's key"),
        (key, tmp_path / "gone" / "signed.json", "its folder is not there"),
        (tmp_path / "gone.json", tmp_path / "signed.json", "No such file"),
    ):
        refused = run("price", "sign", to_sign, "--key", signer, "--out", out, "--yes")
        assert refused.exit_code == 1 and reason in json.loads(refused.stdout)["error"]
    unsaid = run("price", "sign", to_sign, "--key", key, "--out", tmp_path / "signed.json")
    assert json.loads(unsaid.stderr.splitlines()[0])["price"] == "3.42 EUR"
    assert unsaid.exit_code == 1 and not (tmp_path / "signed.json").exists()


def test_a_persons_key_is_only_its_owners_and_never_in_the_home(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "my-key.json"
    made = answer(run("key", "person", path))
    assert len(bytes.fromhex(made["public"])) == 32
    assert path.stat().st_mode & 0o077 == 0
    assert run("key", "person", path).exit_code == 1
    assert run("key", "person", tmp_path / "home" / "key.json").exit_code == 1
    assert not (tmp_path / "home" / "key.json").exists()
    granted = run("price", "grant", made["public"], "--holder", "committee member 1")
    assert answer(granted)["version"] == 1


def test_openings_are_written_for_their_owner_alone_and_taken_in_again(run: Run, tmp_path: Path) -> None:
    answer(run("product", "publish", write(tmp_path, "loaf.json", product())))
    answer(run("disclosure", "publish", write(tmp_path, "told.json", told("buyers"))))
    out = tmp_path / "openings.json"
    written = run("disclosure", "openings", LOAF, "--reader", "buyers", "--out", out)
    assert answer(written) == {"file": str(out)}
    assert len(json.loads(out.read_text("utf-8"))["openings"]) == 8
    assert out.stat().st_mode & 0o077 == 0
    assert answer(run("disclosure", "accept", out)) == {"kept": 0, "known": 8}
    assert run("disclosure", "openings", LOAF, "--reader", "buyers", "--out", out).exit_code == 1
    hidden = answer(run("disclosure", "show", LOAF))["sections"]
    assert all(section["hidden"] for section in hidden)
