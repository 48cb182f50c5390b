"""Parts of an Office Open XML file, decompressed and parsed in chunks within set limits, and number formats of cells.

No part is held in memory as a whole, so the compression ratio does not matter; the element limit bounds the time.
"""

from __future__ import annotations

import io
import posixpath
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, NoReturn, TypeVar
from xml.parsers import expat

from medalopt.instance.reader.limits import (
    MAX_UNPACKED_BYTES,
    MAX_WORKBOOK_ELEMENTS,
    MAX_WORKBOOK_PARTS,
    MAX_XML_DEPTH,
    MAX_XML_TAG_BYTES,
    MIB,
)
from medalopt.wording import shown

_PIECE = 64 * 1024  # bytes uncompressed at once
_ENTRY = b"PK\x01\x02"  # signature of an entry of the central directory
_LOCKED = 0x1
BROKEN = (
    *(zipfile.BadZipFile, zlib.error, struct.error, expat.ExpatError),
    *(EOFError, OSError, LookupError, NotImplementedError, ValueError),
)
"""What reading a broken package may raise."""

Attributes = dict[str, str]
Start = Callable[[Attributes], None]
End = Callable[[], None]
_Call = TypeVar("_Call", Start, End)
_NAMESPACES = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",  # strict variant
    "http://schemas.openxmlformats.org/package/2006/relationships",
)


class TooLargeError(ValueError):
    """The file exceeds a limit of memory or time."""


class Relationship(NamedTuple):
    """A reference to another part: last segment of its type, and name of the target part."""

    kind: str
    target: str


class Package:
    """Parts of a file by case-insensitive name, with the remaining budget of bytes and elements.

    Raises on construction TooLargeError or one of `PARSE_ERRORS`.
    """

    def __init__(self, content: bytes) -> None:
        if content.count(_ENTRY) > MAX_WORKBOOK_PARTS:
            raise TooLargeError(f"it has more than {MAX_WORKBOOK_PARTS:_} parts")
        self._file = zipfile.ZipFile(io.BytesIO(content))
        self._parts: dict[str, zipfile.ZipInfo] = {}
        for info in self._file.infolist():
            if self._parts.setdefault(info.filename.casefold(), info) is not info:
                raise ValueError(f"two parts are called {shown(info.filename)}")
        self._bytes, self._elements = MAX_UNPACKED_BYTES, MAX_WORKBOOK_ELEMENTS

    def relationships(self, part: str) -> dict[str, Relationship]:
        """List the relationships of a part within the package.

        Args:
            part: Name of the part; '' for the package.

        Returns:
            Relationships by identifier.
        """
        folder, name = posixpath.split(part)
        found: dict[str, Relationship] = {}

        def add(attributes: Attributes) -> None:
            if attributes.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", ""))).lstrip("/")
                found[attributes.get("Id", "")] = Relationship(attributes.get("Type", "").rsplit("/", 1)[-1], target)

        self.parse(f"{folder}/_rels/{name}.rels".lstrip("/"), {"Relationship": add})
        return found

    def parse(
        self,
        name: str,
        starts: Mapping[str, Start],
        ends: Mapping[str, End] | None = None,
        text: Callable[[str], None] | None = None,
    ) -> None:
        """Parse a part and call the handlers of its elements.

        Args:
            name: Name of the part.
            starts: Handlers of start tags, by local name.
            ends: Handlers of end tags, by local name.
            text: Handler of character data.

        Raises:
            TooLargeError: A limit is exceeded.
            ValueError: The part is missing, encrypted, or not XML of an Office file; or another of `PARSE_ERRORS`.
        """
        info = self._parts.get(name.casefold())
        if info is None:
            raise ValueError(f"the part {shown(name)} is missing")
        if info.flag_bits & _LOCKED or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"the part {shown(name)} is encrypted, or packed in a way that Excel does not use")
        parser = self._parser(starts, ends or {}, text)
        fed = 0
        with self._file.open(info) as part:
            while piece := part.read(_PIECE):
                fed += len(piece)
                self._bytes -= len(piece)
                if self._bytes < 0:
                    raise TooLargeError(f"it unpacks to more than {MAX_UNPACKED_BYTES // MIB} MiB")
                parser.Parse(piece, False)
                if fed - parser.CurrentByteIndex > MAX_XML_TAG_BYTES:
                    raise TooLargeError(f"the part {shown(name)} has a tag of more than {MAX_XML_TAG_BYTES // MIB} MiB")
        parser.Parse(b"", True)

    def _parser(
        self, starts: Mapping[str, Start], ends: Mapping[str, End], text: Callable[[str], None] | None
    ) -> expat.XMLParserType:
        """Create an expat parser that counts elements and depth."""
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        began, ended = _qualified(starts), _qualified(ends)
        depth = 0

        def start(name: str, attributes: Attributes) -> None:
            nonlocal depth
            depth += 1
            self._elements -= 1
            if depth > MAX_XML_DEPTH:
                raise TooLargeError(f"its XML is nested more than {MAX_XML_DEPTH} deep")
            if self._elements < 0:
                raise TooLargeError(f"it has more than {MAX_WORKBOOK_ELEMENTS:_} elements of XML")
            if name in began:
                began[name](attributes)

        def end(name: str) -> None:
            nonlocal depth
            depth -= 1
            if name in ended:
                ended[name]()

        parser.StartElementHandler, parser.EndElementHandler = start, end
        parser.StartDoctypeDeclHandler = _refuse_doctype
        if text is not None:
            parser.CharacterDataHandler = text
        return parser


def _qualified(calls: Mapping[str, _Call]) -> dict[str, _Call]:
    """Return the handlers by qualified name, in each namespace of workbooks."""
    return {f"{space} {name}": call for space in _NAMESPACES for name, call in calls.items()}


def _refuse_doctype(*_: Any) -> NoReturn:
    """Reject a document type declaration."""
    raise ValueError("it has a document type declaration, which no workbook has")
