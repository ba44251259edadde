"""From a page's model to HTML: one environment of templates, everything escaped.

Invariant: autoescape is on for every template and a name that a template does not know is an error, not an empty word.
Invariant: templates read no clock, no file and no request.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from node.web.figures import charts, words
from node.web.frame import Frame
from node.web.languages import Language
from node.web.told.section import Section

NAVIGATION = (
    ("/", "Three questions"),
    ("/prices", "Prices"),
    ("/plan", "Plan"),
    ("/logs", "Logs"),
    ("/first-day", "Till"),
)


class View(msgspec.Struct, frozen=True):
    """What a handler answers with: a template, its title, its model, and the status to send it with.

    `nonce` is set by a page with a form: the visitor's browser gets it as the cookie that the form is bound to.
    `told` are the sections below the template's own content.
    """

    template: str
    title: str
    page: Any = None
    status: int = 200
    nonce: str = ""
    told: tuple[Section, ...] = ()


def build_environment(static_version: str, more: Sequence[tuple[str, str]] = ()) -> Environment:
    """The environment of all pages; `static_version` makes a browser ask again for a changed style sheet, `more` are
    pages that the head of each page names after the first ones."""
    environment = Environment(
        loader=PackageLoader("node.web", ""),
        autoescape=True,
        undefined=StrictUndefined,
        lstrip_blocks=True,
    )
    environment.filters.update(
        money=words.format_money,
        hundredths=words.format_hundredths,
        quantity=words.format_quantity,
        amount=words.format_amount,
        unit=words.format_unit,
        percent=words.format_percent,
        change=words.format_change,
        signal=words.format_signal,
        count=words.format_count,
        several=words.format_several,
        short=words.format_short_hash,
        words=lambda several: words.join_words(list(several)),
    )
    environment.globals.update(
        draw_stacked_bar=charts.draw_stacked_bar,
        draw_swatch=charts.draw_swatch,
        draw_share=charts.draw_share,
        draw_curve=charts.draw_curve,
        navigation=(*NAVIGATION, *more),
        static_version=static_version,
    )
    return environment


def render_view(environment: Environment, view: View, frame: Frame, language: Language, path: str) -> str:
    """The whole page as text."""
    return environment.get_template(view.template).render(
        page=view.page, told=view.told, title=view.title, frame=frame, language=language, path=path
    )
