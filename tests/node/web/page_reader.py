"""Reads a page as a strict browser would: every element closed, and all that it fetches or runs listed."""

from html.parser import HTMLParser

VOID = frozenset({"meta", "link", "input", "img", "br", "hr"})
SHAPES = frozenset({"rect", "line", "polyline", "circle"})
FETCHING = {"src", "href", "action", "data", "poster", "srcset", "xlink:href", "formaction"}


class PageReader(HTMLParser):
    """The findings of one page: what is unbalanced, inline or from elsewhere."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.findings: list[str] = []
        self.attributes: dict[str, dict[str, str]] = {}
        self.links: list[str] = []
        self.ids: list[str] = []
        self.texts: list[str] = []
        self.titles: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what opens and what it refers to."""
        self.attributes.setdefault(tag, {name: value or "" for name, value in attrs})
        if tag in ("script", "style", "iframe", "object", "embed"):
            self.findings.append(f"<{tag}> in a page")
        for name, value in attrs:
            self._note_attribute(tag, name, value or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A shape of a drawing that closes itself."""
        if tag not in SHAPES:
            self.findings.append(f"<{tag}/> closes itself")
        for name, value in attrs:
            self._note_attribute(tag, name, value or "")

    def handle_endtag(self, tag: str) -> None:
        """What closes must have opened last."""
        if not self.open or self.open[-1] != tag:
            self.findings.append(f"</{tag}> closes {self.open[-1:] or 'nothing'}")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        """The words of the page."""
        self.texts.append(data)
        if self.open and self.open[-1] == "title":
            self.titles.append(data)

    def _note_attribute(self, tag: str, name: str, value: str) -> None:
        if name == "style" or name.startswith("on"):
            self.findings.append(f"<{tag} {name}=…>")
        if name == "id":
            self.ids.append(value)
        if name in FETCHING:
            self.links.append(value)
            if not value.startswith(("/", "#")) or value.startswith("//"):
                self.findings.append(f"<{tag} {name}={value!r}> leads elsewhere")

    @property
    def title(self) -> str:
        """What a browser's tab says; empty where the head has no title."""
        return self.titles[0].strip() if self.titles else ""

    @property
    def text(self) -> str:
        """All words of the page in a row."""
        return " ".join(" ".join(self.texts).split())


def read_page(html: str) -> PageReader:
    """A page with its findings; unclosed elements and double ids are findings too."""
    reader = PageReader()
    reader.feed(html)
    reader.close()
    reader.findings += [f"<{tag}> is never closed" for tag in reader.open]
    reader.findings += [f"id {name!r} twice" for name in set(reader.ids) if reader.ids.count(name) > 1]
    return reader
