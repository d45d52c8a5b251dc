"""An engine's XML, bounded: elements by their local names, and the text of those that are asked for.

Guarantees that a document with a document type is refused at its first byte: entities, which expand without bound or
read files and addresses, can be declared nowhere else. Depth and number of elements are bounded too. The text of an
element that is not asked for, and every attribute, is dropped as it is read. Namespaces are not looked at: engines
change theirs with their firmware. A refusal quotes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

# Expat itself: what the standard library builds on it keeps entities and keeps no bound (ADR 10).
from xml.parsers import expat

from blindplate.core.errors import EventError

_MAX_DEPTH: Final = 32
_MAX_ELEMENTS: Final = 8192


@dataclass(slots=True)
class Element:
    """An element: its name without prefix, its own text stripped ("" where it is not asked for), and what is in it."""

    name: str
    text: str = field(default="", repr=False)
    children: list[Element] = field(default_factory=list["Element"], repr=False)

    def walk(self) -> Iterator[Element]:
        """This element and all below it, in the order of the document."""
        yield self
        for child in self.children:
            yield from child.walk()

    def child(self, name: str) -> Element:
        """The first child of that name, or an empty element."""
        return next((child for child in self.children if child.name == name), Element(name))

    def texts(self) -> dict[str, str]:
        """The texts of the children by name, empty ones and all but the first of a name left out."""
        found: dict[str, str] = {}
        for child in self.children:
            if child.text:
                found.setdefault(child.name, child.text)
        return found


def parse_xml(raw: bytes, fields: frozenset[str], source: str) -> Element:
    """The root element of ``raw``, with the texts of the elements named in ``fields``. Raises EventError."""
    building = _Building(fields)
    try:
        building.parser().Parse(raw, True)
    # Besides its own error: encodings that Python does not know, or that expat cannot take from it.
    except (expat.ExpatError, LookupError, ValueError):
        raise EventError(f"A {source} event is not XML.", "Send one XML document a message.") from None
    except _RefusedError as refused:
        raise EventError(
            f"The XML of a {source} event {refused}.",
            "Have the engine send its own events, and nothing else.",
        ) from None
    return building.root


class _RefusedError(Exception):
    """Why a document is not read on; the text is this module's own."""


class _Building:
    """The elements that are open, and the root once there is one."""

    def __init__(self, fields: frozenset[str]) -> None:
        self._fields = fields
        # Each with the pieces of its text: a comment between any two characters must not have them copied each time.
        self._open: list[tuple[Element, list[str]]] = []
        self._count = 0
        self.root = Element("")

    def parser(self) -> expat.XMLParserType:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        return parser

    def _doctype(self, *_: object) -> None:
        raise _RefusedError("has a document type")

    def _start(self, name: str, _attributes: object) -> None:
        self._count += 1
        if len(self._open) == _MAX_DEPTH or self._count > _MAX_ELEMENTS:
            raise _RefusedError(f"is deeper than {_MAX_DEPTH} elements, or has more than {_MAX_ELEMENTS}")
        element = Element(name.rpartition(":")[2])
        if self._open:
            self._open[-1][0].children.append(element)
        else:
            self.root = element
        self._open.append((element, []))

    def _characters(self, text: str) -> None:
        element, pieces = self._open[-1]
        if element.name in self._fields:
            pieces.append(text)

    def _end(self, _name: str) -> None:
        element, pieces = self._open.pop()
        element.text = "".join(pieces).strip()
