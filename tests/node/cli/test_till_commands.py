"""`rochdale till` and `consumption`, as a volunteer with last month's file types them."""

import json
from pathlib import Path

import pytest

from tests.node.cli.command_line import Run

HEADER = "date,product_code,description,category,quantity,amount,household,receipt\n"
OATS = "2017-01-30,B1,Oats,GRAIN,2,3.40,Marple-4711,R1\n"
LOAF = "2017-01-31,B2,Oak loaf,BREAD,1,1.70,Marple-4712,R2\n"
REFUND = "2017-02-01,B2,Oak loaf,BREAD,-1,-1.70,Marple-4712,R3\n"


@pytest.fixture
def till(tmp_path: Path) -> Path:
    """Last month's file."""
    path = tmp_path / "may.csv"
    path.write_text(HEADER + OATS + LOAF + REFUND, "utf-8")
    return path


def test_a_file_is_looked_through_taken_in_and_known_the_second_time(at_home: Run, till: Path) -> None:
    looked = at_home("till", "preview", till)
    assert "may.csv: looked through, nothing kept. 3 rows from 2017-01-30 to 2017-02-01" in looked.out
    assert "2 products, 2 households, 3.40 in all, 1 refund taken off." in looked.out
    assert "No till lines yet" in at_home("consumption").out
    taken = at_home("till", "import", till)
    assert "New lines: 3. Known already: 0." in taken.out and "Left out as personal: household." in taken.out
    again = at_home("till", "import", till)
    assert again.code == 0 and "This very file was imported before; nothing was changed." in again.out
    assert at_home("till", "import", till, "--json").answer["known_file"] is True
    sold = at_home("consumption").out.splitlines()
    assert sold[0] == "3 till lines of 2 households in 1 week."
    assert [" ".join(line.split()) for line in sold[2:]] == ["Oats GRAIN 2.000 3.40", "Oak loaf BREAD 0.000 0.00"]


BAD: dict[str, tuple[bytes, str]] = {
    "a wrong header": (b"a,b,c\n1,2,3\n", "header: no column for date"),
    "a bad number": ((HEADER + OATS.replace(",2,", ",two,")).encode(), "line 2, column quantity: 'two' is"),
    "another encoding": ((HEADER + LOAF.replace("Oak", "Öl")).encode("cp1252"), "line 2, byte"),
    "nothing at all": (b"", "file: the file is empty"),
}  # fmt: skip


@pytest.mark.parametrize("raw, reason", BAD.values(), ids=BAD)
def test_a_bad_file_is_refused_with_place_and_reason_and_nothing_is_kept(
    at_home: Run, tmp_path: Path, raw: bytes, reason: str
) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(raw)
    told = at_home("till", "import", path)
    assert (told.code, told.out) == (1, "") and told.err.startswith("bad.csv: nothing was imported\n")
    assert reason in told.err and "4711" not in told.err
    said = at_home("till", "import", path, "--json")
    place, _, words = reason.partition(": ")
    assert said.code == 1 and said.json["findings"][0]["place"].startswith(place)
    assert words in said.json["findings"][0]["reason"]
    assert "No till lines yet" in at_home("consumption").out


def test_many_findings_are_cut_for_people_and_all_there_for_programs(at_home: Run, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(HEADER + OATS.replace(",2,", ",two,") * 50)
    told = at_home("till", "import", path)
    assert told.err.count("is not a number") == 20 and "and 30 more; --json lists them." in told.err
    assert len(at_home("till", "import", path, "--json").json["findings"]) == 50


def test_good_rows_are_taken_when_they_are_asked_for_and_the_others_named(at_home: Run, tmp_path: Path) -> None:
    path = tmp_path / "half.csv"
    path.write_text(HEADER + OATS + LOAF.replace(",1,", ",one,"))
    said = at_home("till", "import", path, "--good-rows-only")
    assert (
        said.code == 0 and "New lines: 1." in said.out and "line 3, column quantity: 'one' is not a number" in said.out
    )


def test_a_mapping_and_an_encoding_read_a_till_that_nobody_knows(at_home: Run, tmp_path: Path) -> None:
    path, mapping = tmp_path / "kasse.csv", tmp_path / "mapping.json"
    path.write_bytes("Tag;Ware;Menge;Summe\n31.01.2017;Brötchen;1.5;4.20\n".encode("cp1252"))
    mapping.write_text(json.dumps({"date": "Tag", "name": "Ware", "quantity": "Menge", "amount": "Summe"}))
    words = ("till", "import", path, "--encoding", "cp1252", "--mapping", mapping)
    assert at_home(*words).code == 0 and "Brötchen" in at_home("consumption").out
    mapping.write_text('{"date": "Tag", "colour": "red"}')
    said = at_home(*words)
    assert said.code == 1 and said.err.startswith(f"{mapping}: ")


@pytest.mark.parametrize("name", ["absent.csv", "."])
def test_a_file_that_cannot_be_read_is_named(at_home: Run, tmp_path: Path, name: str) -> None:
    said = at_home("till", "import", tmp_path / name)
    assert said.code == 1 and str(tmp_path) in said.err
