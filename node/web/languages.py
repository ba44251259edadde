"""The languages of the pages and the side each is written from.

Only English has a catalogue. A direction can be asked for on its own, so that the layout can be looked at from the
other side before a translation exists.
"""

import msgspec

DIRECTIONS = ("ltr", "rtl")


class Language(msgspec.Struct, frozen=True):
    """A language of the pages: BCP 47 code, its own name, and its writing direction."""

    code: str
    name: str
    direction: str


LANGUAGES = {language.code: language for language in (Language("en", "English", "ltr"),)}
DEFAULT_LANGUAGE = LANGUAGES["en"]


def choose_language(code: str | None, direction: str | None) -> Language:
    """The language asked for, or English; `direction` overrides the side it is written from."""
    language = LANGUAGES.get(code or "", DEFAULT_LANGUAGE)
    if direction in DIRECTIONS and direction != language.direction:
        return Language(language.code, language.name, direction)
    return language
