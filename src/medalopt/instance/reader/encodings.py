"""Decode bytes to text: UTF-8, or for tables the stated encoding, or CP932 if plausible."""

from __future__ import annotations

import re

from medalopt.instance.reader.faults import Faults, Place
from medalopt.instance.reader.files import Bytes
from medalopt.wording import shown

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
CODECS = {
    "utf-8": "utf-8-sig",
    "cp932": "cp932",
    "shift_jis": "cp932",
    "euc-jp": "euc_jp",
    "gbk": "gbk",
    "gb18030": "gb18030",
    "big5": "cp950",
    "euc-kr": "cp949",
    "latin-1": "latin_1",
    "iso-8859-2": "iso8859_2",
    "iso-8859-15": "iso8859_15",
    "cp1250": "cp1250",
    "cp1251": "cp1251",
    "cp1252": "cp1252",
    "koi8-r": "koi8_r",
    "koi8-u": "koi8_u",
}
"""The encodings that may be stated, with Python's names of them: single bytes, or ASCII beside pairs of bytes."""

_AS_UTF8 = "save it as `CSV UTF-8`"
# Python's decoding of bytes unused in CP932, and of those reserved for vendor characters
_UNUSED = re.compile("[\x80\xa0\uf8f0-\uf8f3]")
_PRIVATE = re.compile("[\ue000-\uf8ff]")
_RUN = re.compile(rb"(?:[\x81-\x9f\xe0-\xfc][\x40-\x7e\x80-\xfc]|[\xa1-\xdf])+")
_SIGN = re.compile(rb"[\x81-\x9f\xe0-\xfc][\x40-\x7e\x80-\xfc]|[\xa1-\xdf]")
# half-width katakana that no word contains: initial small letter or mark, mark after a letter that takes none
_NO_WORD = re.compile(
    rb"(?<![0-9A-Za-z\xa1-\xdf])[\xa7-\xb0\xde\xdf]|(?<![\xb3\xb6-\xc4\xca-\xce])\xde|(?<![\xca-\xce])\xdf"
)
_LETTER = re.compile(rb"[A-Za-z]")
_BEYOND_ASCII = re.compile("[^\x00-\x7f]")
_CELL_END = re.compile('[,"\r\n]')


def decode_yaml(data: Bytes, faults: Faults) -> str | None:
    """Decode a YAML file: UTF-8 with or without byte-order mark.

    Args:
        data: Content of the file.
        faults: Log for errors.

    Returns:
        The text; None after an error.
    """
    return _decode_utf8(data, "save it with the encoding UTF-8", faults)


def decode_csv(data: Bytes, faults: Faults) -> str | None:
    """Decode a CSV table that cannot state an encoding: UTF-8 with or without byte-order mark.

    Args:
        data: Content of the table.
        faults: Log for errors.

    Returns:
        The text; None after an error.
    """
    return _decode_utf8(data, _AS_UTF8, faults)


def decode_table(data: Bytes, stated: str | None, faults: Faults) -> str | None:
    """Decode a CSV table of an instance.

    Args:
        data: Content of the table.
        stated: Its encoding, a key of `CODECS`; None for UTF-8, with CP932 as fallback (with a warning).
        faults: Log for errors and warnings.

    Returns:
        The text; None after an error.
    """
    if _note_utf16(data, _AS_UTF8, faults):
        return None
    try:
        text = data.content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _decode_stated(data, stated, faults) if stated else _decode_cp932(data, faults)
    if stated in (None, "utf-8") or text.isascii():
        return text
    faults.warn(Place(data.name), (), f"is UTF-8, but read as {stated}, as `encoding` says; delete `encoding`")
    return _decode_stated(data, stated or "", faults)


def _decode_utf8(data: Bytes, advice: str, faults: Faults) -> str | None:
    """Decode UTF-8 text; return None and log an error if it is not UTF-8."""
    if _note_utf16(data, advice, faults):
        return None
    try:
        return data.content.decode("utf-8-sig")
    except UnicodeDecodeError:
        faults.add(_place(data, _first_bad(data.content)), (), f"is not UTF-8 text: {advice} and try again")
        return None


def _note_utf16(data: Bytes, advice: str, faults: Faults) -> bool:
    """Log an error if a file is UTF-16, with or without byte-order mark; return True if it is."""
    head = data.content[:64]
    blank = len(head) >= 4 and (not any(head[0::2]) or not any(head[1::2]))
    if blank or head.startswith(_UTF16):
        faults.add(Place(data.name), (), f"is UTF-16, not UTF-8: {advice} and try again")
    return blank or head.startswith(_UTF16)


def _decode_stated(data: Bytes, stated: str, faults: Faults) -> str | None:
    """Decode a table in its stated encoding; return None and log an error if it does not match."""
    try:
        text = data.content.decode(CODECS[stated])
    except UnicodeDecodeError as error:
        at = error.start + len(data.content) - len(error.object)  # `object` lacks the byte-order mark
    else:
        found = _UNUSED.search(text) if CODECS[stated] == "cp932" else None
        if found is None:
            return text
        at = len(text[: found.start()].encode("cp932"))
    faults.add(_cell(data, at), (), f"is not {stated} text, as `encoding` says: {_AS_UTF8}, or name another `encoding`")
    return None


def _decode_cp932(data: Bytes, faults: Faults) -> str | None:
    """Decode a non-UTF-8 table as CP932 with a warning; return None and log an error if CP932 is implausible."""
    place = _cell(data, _first_bad(data.content))
    other = _utf8_line(data.content)
    if other:
        message = f"is not UTF-8 text, but line {other} is, so the file mixes encodings: write this cell anew"
        faults.add(place, (), f"{message}, or {_AS_UTF8} all that it was made of")
        return None
    state = f"{_AS_UTF8}, or state its encoding, such as {{table: FILE.csv, encoding: latin-1}}"
    try:
        text = data.content.decode("cp932")
    except UnicodeDecodeError:
        text = ""
    if not text or _UNUSED.search(text):
        faults.add(place, (), f"is neither UTF-8 nor CP932 text: {state}")
        return None
    example = shown(_example(text))
    if _PRIVATE.search(text) or not _is_japanese(data.content):
        faults.add(place, (), f"is not UTF-8 text, and hardly CP932, in which it would be `{example}`: {state}")
        return None
    message = f"is not UTF-8 and is read as CP932, in which the first such cell is `{example}`"
    faults.warn(place, (), f"{message}: {_AS_UTF8}, or state {{table: FILE.csv, encoding: cp932}}")
    return text


def _is_japanese(content: bytes) -> bool:
    """Test if bytes that decode as CP932 are plausible Japanese text, and unlikely in other encodings.

    True with a common sign (kana, or a kanji of level 1 with first byte 81 to 9F, which Latin, Cyrillic, Chinese and
    Korean texts do not use), unless it is single inside a Latin word. If everything beyond ASCII is half-width
    katakana: two in a row, each in a valid position of a word.
    """
    wide = pair = False
    for run in _RUN.finditer(content):
        signs = _SIGN.findall(run[0])
        wide = wide or any(len(sign) == 2 for sign in signs)
        pair = pair or len(signs) > 1
        beside = content[run.start() - 1 : run.start()] + content[run.end() : run.end() + 1]
        alone = len(signs) == 1 and run[0][-1:].isascii() and _LETTER.search(beside)
        if not alone and any(len(sign) == 2 and sign[0] < 0xA0 for sign in signs):
            return True
    return pair and not wide and not _NO_WORD.search(content)


def _utf8_line(content: bytes) -> int:
    """Return the number of the first line that is UTF-8 beyond ASCII, 0 if there is none."""
    for number, line in enumerate(content.split(b"\n"), start=1):
        if not line.isascii():
            try:
                line.decode()
            except UnicodeDecodeError:
                continue
            return number
    return 0


def _example(text: str) -> str:
    """Return the first cell with a character beyond ASCII, cut to 60 characters."""
    found = _BEYOND_ASCII.search(text)
    at = found.start() if found else 0
    before = _CELL_END.split(text[max(at - 20, 0) : at])[-1]
    return before + _CELL_END.split(text[at : at + 40])[0]


def _first_bad(content: bytes) -> int:
    """Return the offset of the first byte that is not UTF-8."""
    try:
        content.decode()
    except UnicodeDecodeError as error:
        return error.start
    return 0


def _place(data: Bytes, at: int) -> Place:
    """Return line and column (in characters) of a byte offset."""
    line_start = data.content.rfind(b"\n", 0, at) + 1
    before = data.content[line_start:at].decode("utf-8-sig" if line_start == 0 else "utf-8", errors="replace")
    column = len(before) + 1
    return Place(data.name, data.content.count(b"\n", 0, at) + 1, column)


def _cell(data: Bytes, at: int) -> Place:
    """Return line and column (in cells) of a byte offset in a CSV table."""
    line_start = data.content.rfind(b"\n", 0, at) + 1
    outside = data.content[line_start:at].split(b'"')[0::2]  # commas inside quotes do not separate cells
    return Place(data.name, data.content.count(b"\n", 0, at) + 1, sum(part.count(b",") for part in outside) + 1)
