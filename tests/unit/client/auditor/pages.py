"""The report's page as its reader's browser has it: a tree of elements, refused when it is not well formed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

_VOID: Final = frozenset({"meta", "br"})
# In an HTML document these of SVG have no end of their own either, where they are closed at once.
_TEXT_ONLY: Final = frozenset({"title", "desc", "style"})


@dataclass(eq=False)
class Element:
    """One element; ``text`` is all that stands in it, at any depth."""

    tag: str
    attributes: dict[str, str]
    above: Element | None = None
    children: list[Element] = field(default_factory=list["Element"])
    parts: list[str] = field(default_factory=list[str])

    @property
    def text(self) -> str:
        """The text, blanks folded."""
        return " ".join("".join(self.parts).split())

    def all(self, *tags: str) -> Iterator[Element]:
        """Every element of these tags in it, in order; of any tag, when none is named."""
        for child in self.children:
            if not tags or child.tag in tags:
                yield child
            yield from child.all(*tags)

    def one(self, tag: str) -> Element:
        """The only one."""
        (found,) = self.all(tag)
        return found

    def within(self, tag: str) -> bool:
        """Whether it stands in an element of this tag."""
        return self.above is not None and (self.above.tag == tag or self.above.within(tag))


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.open = self.root
        self.declarations: list[str] = []

    def handle_decl(self, decl: str) -> None:
        self.declarations.append(decl)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"<{tag}> has an attribute twice"
        assert self.open.tag not in _TEXT_ONLY, f"<{tag}> in <{self.open.tag}>"
        element = Element(tag, {name: value or "" for name, value in attrs}, self.open)
        self.open.children.append(element)
        if tag not in _VOID:
            self.open = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {"line", "path"}, f"<{tag}/> is no HTML"
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.tag == tag, f"</{tag}> closes <{self.open.tag}>"
        assert self.open.above is not None
        self.open = self.open.above

    def handle_data(self, data: str) -> None:
        element: Element | None = self.open
        while element is not None:
            element.parts.append(data)
            element = element.above


def parse(page: str) -> Element:
    """The document. Fails for elements that are not closed in their order, and without the HTML declaration."""
    parser = _Parser()
    parser.feed(page)
    parser.close()
    assert parser.open is parser.root, f"<{parser.open.tag}> is never closed"
    assert parser.declarations == ["DOCTYPE html"]
    assert page.lstrip().startswith("<!DOCTYPE html>")
    return parser.root


def rows(document: Element, caption: str) -> list[list[str]]:
    """The cells of the body of the table of this caption, row by row."""
    (table,) = (one for one in document.all("table") if one.one("caption").text == caption)
    return [[cell.text for cell in row.all("th", "td")] for row in table.one("tbody").all("tr")]
