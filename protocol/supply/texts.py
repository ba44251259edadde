"""Words that carry their language: what every text in a supply record keeps to.

Invariant: no control character and no invisible character that turns the reading direction round.
Spec: docs/spec/supply/price.md
"""

import re
from collections.abc import Mapping

from protocol.core.errors import Finding

LANGUAGES_MAX = 16
LABEL_LENGTH_MAX = 120
TEXT_LENGTH_MAX = 1_200

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
# Bidirectional overrides and isolates could show a member another text than the one that was signed.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_DELETE = 0x7F
_C1_END = 0x9F


def audit_text(text: str, place: str, length_max: int, lines: bool = False) -> list[Finding]:
    """Findings for a text that is blank, too long or holds characters that do not show; `lines` allows line ends."""
    if not text.strip():
        return [Finding(place, "is empty")]
    if len(text) > length_max:
        return [Finding(place, f"{len(text)} characters, at most {length_max} are allowed")]
    if any(_is_hidden(letter) and not (lines and letter == "\n") for letter in text):
        return [Finding(place, "holds a control character or one that turns the reading direction")]
    return []


def audit_language(language: str, place: str) -> list[Finding]:
    """A finding unless the language is a tag such as `en`, `de-CH` or `zh-Hant`."""
    if _LANGUAGE.fullmatch(language):
        return []
    return [Finding(place, "is no language tag such as en or de-CH")]


def audit_texts(texts: Mapping[str, str], place: str, length_max: int, lines: bool = False) -> list[Finding]:
    """Findings for texts by language: at least one, each with a language tag and readable words."""
    if not texts:
        return [Finding(place, "is missing")]
    if len(texts) > LANGUAGES_MAX:
        return [Finding(place, f"{len(texts)} languages, at most {LANGUAGES_MAX} are allowed")]
    findings: list[Finding] = []
    for language, text in texts.items():
        findings += audit_language(language, place)
        findings += audit_text(text, f"{place}.{language[:LABEL_LENGTH_MAX]}", length_max, lines)
    return findings


def _is_hidden(letter: str) -> bool:
    point = ord(letter)
    return point < ord(" ") or _DELETE <= point <= _C1_END or letter in _TURNING
