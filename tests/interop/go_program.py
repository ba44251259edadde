"""The small Go program of `tests/interop/go`, built once on Debian's golang.org/x/mod and asked line by line."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec

SOURCE = Path(__file__).parent / "go"
PACKAGES = "golang-go and golang-golang-x-mod-dev"
GOPATH = Path("/usr/share/gocode")
BUILD_WAIT_S = 300
ANSWER_WAIT_S = 120


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One check: its name, vkeys (the log's first), the file under test and what it is held against, or a folder."""

    check: str
    keys: tuple[str, ...]
    raw: bytes = b""
    beside: bytes = b""
    folder: str = ""


class Answer(msgspec.Struct, frozen=True):
    """The keys whose signatures Go found right, in the order of their lines; or why it refuses."""

    signers: list[str] | None
    refused: str

    @property
    def is_accepted(self) -> bool:
        return not self.refused


class GoProgram:
    """The built program; every call of `ask` runs it once over all its questions."""

    def __init__(self, binary: Path) -> None:
        self._binary = binary

    def ask(self, questions: Sequence[Question]) -> list[Answer]:
        """An answer for each question, in order."""
        asked = "".join(_format_question(question) for question in questions).encode()
        done = subprocess.run([self._binary], input=asked, capture_output=True, timeout=ANSWER_WAIT_S, check=True)
        answers = [msgspec.json.decode(line, type=Answer) for line in done.stdout.splitlines()]
        assert len(answers) == len(questions), done.stderr.decode()
        return answers


def find_missing() -> str:
    """Why the program cannot be built here; empty when it can."""
    if shutil.which("go") is None or not (GOPATH / "src/golang.org/x/mod/sumdb").is_dir():
        return f"needs the Debian packages {PACKAGES}"
    return ""


def build_program(folder: Path) -> GoProgram:
    """Build it from what Debian installed, without modules and without the network."""
    binary = folder / "auditcheck"
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GOCACHE": str(folder / "cache"),
        "GOPATH": str(GOPATH),
        "GO111MODULE": "off",
        "GOPROXY": "off",
        "CGO_ENABLED": "0",
    }
    for words in (["go", "vet", "."], ["go", "build", "-o", str(binary), "."]):
        done = subprocess.run(words, cwd=SOURCE, env=environment, capture_output=True, timeout=BUILD_WAIT_S)
        assert done.returncode == 0, done.stderr.decode()
    return GoProgram(binary)


def _format_question(question: Question) -> str:
    asked = {
        "check": question.check,
        "keys": question.keys,
        "folder": question.folder,
        "raw": base64.b64encode(question.raw).decode(),
        "beside": base64.b64encode(question.beside).decode(),
    }
    return json.dumps(asked) + "\n"
