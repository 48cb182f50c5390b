"""Parts of an Office Open XML file, parsed in chunks within set limits, and number formats of cells.

No part is held in memory as a whole, so the compression ratio does not matter; the element limit bounds the time.
"""

from __future__ import annotations

import datetime
import io
import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from enum import Enum, auto
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
from medalopt.text import escape_text

_CHUNK_BYTES = 64 * 1024  # bytes uncompressed at once
_DIRECTORY_SIGNATURE = b"PK\x01\x02"  # signature of an entry of the central directory
_ENCRYPTED_FLAG = 0x1
PARSE_ERRORS = (
    *(zipfile.BadZipFile, zlib.error, struct.error, expat.ExpatError),
    *(EOFError, OSError, LookupError, NotImplementedError, ValueError),
)
"""Exceptions raised by a damaged package."""

XmlAttributes = dict[str, str]
StartHandler = Callable[[XmlAttributes], None]
EndHandler = Callable[[], None]
_Handler = TypeVar("_Handler", StartHandler, EndHandler)
_NAMESPACES = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",  # strict variant
    "http://schemas.openxmlformats.org/package/2006/relationships",
)


class TooLargeError(ValueError):
    """The file exceeds a limit of memory or time."""


class PartRelationship(NamedTuple):
    """A reference to another part: last segment of its type, and name of the target part."""

    kind: str
    target: str


class ExcelPackage:
    """Parts of a file by case-insensitive name, with the remaining budget of bytes and elements.

    Raises on construction TooLargeError or one of `PARSE_ERRORS`.
    """

    def __init__(self, content: bytes) -> None:
        if content.count(_DIRECTORY_SIGNATURE) > MAX_WORKBOOK_PARTS:
            raise TooLargeError(f"it has more than {MAX_WORKBOOK_PARTS:_} parts")
        self._file = zipfile.ZipFile(io.BytesIO(content))
        self._parts: dict[str, zipfile.ZipInfo] = {}
        for info in self._file.infolist():
            if self._parts.setdefault(info.filename.casefold(), info) is not info:
                raise ValueError(f"two parts are called {escape_text(info.filename)}")
        self._bytes, self._elements = MAX_UNPACKED_BYTES, MAX_WORKBOOK_ELEMENTS

    def relationships(self, part: str) -> dict[str, PartRelationship]:
        """List the relationships of a part within the package.

        Args:
            part: Name of the part; '' for the package.

        Returns:
            Relationships by identifier.
        """
        folder, name = posixpath.split(part)
        result: dict[str, PartRelationship] = {}

        def add(attributes: XmlAttributes) -> None:
            """Record a relationship to another part of the package."""
            if attributes.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", ""))).lstrip("/")
                result[attributes.get("Id", "")] = PartRelationship(
                    attributes.get("Type", "").rsplit("/", 1)[-1], target
                )

        self.parse(f"{folder}/_rels/{name}.rels".lstrip("/"), {"Relationship": add})
        return result

    def parse(
        self,
        name: str,
        starts: Mapping[str, StartHandler],
        ends: Mapping[str, EndHandler] | None = None,
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
            raise ValueError(f"the part {escape_text(name)} is missing")
        if info.flag_bits & _ENCRYPTED_FLAG or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(
                f"the part {escape_text(name)} is encrypted, or compressed in a way that Excel does not use"
            )
        parser = self._parser(starts, ends or {}, text)
        fed = 0
        with self._file.open(info) as part:
            while piece := part.read(_CHUNK_BYTES):
                fed += len(piece)
                self._bytes -= len(piece)
                if self._bytes < 0:
                    raise TooLargeError(f"it unpacks to more than {MAX_UNPACKED_BYTES // MIB} MiB")
                parser.Parse(piece, False)
                if fed - parser.CurrentByteIndex > MAX_XML_TAG_BYTES:
                    raise TooLargeError(
                        f"the part {escape_text(name)} has a tag of more than {MAX_XML_TAG_BYTES // MIB} MiB"
                    )
        parser.Parse(b"", True)

    def _parser(
        self, starts: Mapping[str, StartHandler], ends: Mapping[str, EndHandler], text: Callable[[str], None] | None
    ) -> expat.XMLParserType:
        """Create an expat parser that counts elements and depth."""
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        began, ended = _qualify_names(starts), _qualify_names(ends)
        depth = 0

        def start(name: str, attributes: XmlAttributes) -> None:
            """Count the element and its depth, and call its handler."""
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
            """Call the handler for the end of an element."""
            nonlocal depth
            depth -= 1
            if name in ended:
                ended[name]()

        parser.StartElementHandler, parser.EndElementHandler = start, end
        parser.StartDoctypeDeclHandler = _reject_doctype
        if text is not None:
            parser.CharacterDataHandler = text
        return parser


def _qualify_names(calls: Mapping[str, _Handler]) -> dict[str, _Handler]:
    """Return the handlers by qualified name, in each namespace of workbooks."""
    return {f"{space} {name}": call for space in _NAMESPACES for name, call in calls.items()}


def _reject_doctype(*_: Any) -> NoReturn:
    """Reject a document type declaration."""
    raise ValueError("it has a document type declaration, which no workbook has")


_MAX_FORMAT_LENGTH = 255  # longest format that Excel accepts
_LITERALS = re.compile(r'"[^"]*"|\\.|_.|\*.')  # quoted text, and literal, padding or fill characters
_BRACKETS = re.compile(r"\[[^\]]*\]")  # colour, condition, currency, or elapsed time
_ELAPSED = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)
_DATE_LETTERS = re.compile(r"[ymdhs]", re.IGNORECASE)
_DATE_FORMATS = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})  # built-in number formats
_SCALING_COMMA = re.compile(r"[0#?],+(?![0#?,])")  # a grouping comma is followed by a digit
_PERCENT_FORMATS = frozenset({9, 10})
_FALSE_LEAP_DAY = 60  # serial number of 29 February 1900, which exists in Excel only


class NumberFormat(Enum):
    """Interpretation of a number by its format."""

    PLAIN = auto()
    DATE = auto()
    PERCENT = auto()
    SCALED = auto()  # displayed divided by a thousand per trailing comma


def classify_number_format(number: int, code: str) -> NumberFormat:
    """Classify a number format.

    Args:
        number: Number of a built-in format.
        code: Format code, if not built in.

    Returns:
        Interpretation of numbers in this format.
    """
    if number in _DATE_FORMATS:
        return NumberFormat.DATE
    if number in _PERCENT_FORMATS:
        return NumberFormat.PERCENT
    every = _LITERALS.sub("", code[:_MAX_FORMAT_LENGTH])
    bare = every.partition(";")[0]
    if bare.strip().casefold() == "general":
        return NumberFormat.PLAIN
    if _ELAPSED.search(bare) or _DATE_LETTERS.search(_BRACKETS.sub("", bare)):
        return NumberFormat.DATE
    if _SCALING_COMMA.search(every):
        return NumberFormat.SCALED
    return NumberFormat.PERCENT if "%" in bare else NumberFormat.PLAIN


def format_serial_date(number: float, from_1904: bool) -> str:
    """Format the date of an Excel serial number.

    Args:
        number: Days since the epoch.
        from_1904: True for the epoch of 1904, False for 1900.

    Returns:
        ISO date; the month only for the first day of a month, since Excel stores `2017-04` so.

    Raises:
        ValueError: The number is no valid date.
    """
    days, part = divmod(number, 1)
    if days < 1 or (days == _FALSE_LEAP_DAY and not from_1904):
        raise ValueError(f"{number:.15g} days are not a date")
    first = datetime.datetime(1904, 1, 1) if from_1904 else datetime.datetime(1899, 12, 30 + (days < _FALSE_LEAP_DAY))
    try:
        return format_date(first + datetime.timedelta(days=days, milliseconds=round(part * 86_400_000)))
    except OverflowError:
        raise ValueError(f"{number:.15g} days are not a date") from None


def format_date(found: datetime.datetime) -> str:
    """Format a date: month for midnight of a first day, date for any other midnight, else date and time.

    Returns:
        Text such as `2017-04`, `2017-04-15` or `2017-04-15 08:00:00`.
    """
    if found.time() != datetime.time():
        return found.isoformat(" ")
    return found.strftime("%Y-%m") if found.day == 1 else found.strftime("%Y-%m-%d")
