"""Bytes of a till file to text, or the place where they stop being text."""

from __future__ import annotations

import codecs
from typing import Final

from protocol.core.errors import Finding

FILE_BYTES_MAX: Final = 50_000_000
LINE_CHARS_MAX: Final = 16_384

# What a till may be told to have written; an unknown name is refused rather than looked up.
ENCODINGS: Final = ("utf-8", "cp1252", "iso-8859-1", "iso-8859-15", "cp1250", "cp850", "cp437", "utf-16")
UTF16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def decode_text(raw: bytes, encoding: str = "utf-8") -> tuple[str, list[Finding]]:
    """The text without a byte-order mark; findings (and no text) when it is too big, binary or wrongly encoded."""
    if len(raw) > FILE_BYTES_MAX:
        return "", [Finding("file", f"{len(raw)} bytes: more than {FILE_BYTES_MAX}; split it by month")]
    if not raw:
        return "", [Finding("file", "the file is empty")]
    if encoding not in ENCODINGS:
        return "", [Finding("encoding", f"not a known encoding; known: {', '.join(ENCODINGS)}")]
    if encoding == "utf-8" and raw[:2] in UTF16_MARKS:
        return "", [Finding("byte 0", "not UTF-8: the file starts like UTF-16; give the encoding utf-16")]
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return "", [Finding(f"line {line}, byte {error.start}", _explain_encoding(raw, encoding, error.start))]
    text = text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    findings = _audit_lines(text)
    return ("", findings) if findings else (text, [])


def _explain_encoding(raw: bytes, encoding: str, offset: int) -> str:
    """What to try when the bytes are not in the encoding that was said."""
    said = f"byte 0x{raw[offset]:02x} is not {encoding.upper()}"
    if encoding != "utf-8":
        return f"{said}; try another of {', '.join(ENCODINGS)}"
    return f"{said}; a till on Windows often writes cp1252: give that encoding, or save the file as UTF-8"


def _audit_lines(text: str) -> list[Finding]:
    """NUL bytes and lines that no till writes: the first of each."""
    findings: list[Finding] = []
    offset = text.find("\0")
    if offset >= 0:
        place = f"line {text.count(chr(10), 0, offset) + 1}"
        findings.append(Finding(place, "holds a NUL byte: this is not a text file, or it is cut"))
    start, line = 0, 1
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        if end - start > LINE_CHARS_MAX:
            findings.append(Finding(f"line {line}", f"{end - start} characters: more than {LINE_CHARS_MAX}"))
            break
        start, line = end + 1, line + 1
    return findings
