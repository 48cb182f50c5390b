"""Tables and files in other encodings than UTF-8: never other text without a word."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.instance.writing import faults, loaded, written

from medalopt.errors import Fault, InputError
from medalopt.instance import load
from medalopt.instance.loading import open_instance
from medalopt.instance.reader.files import CODECS

HEAD = "device,region,available\n"
TABLE = "streams: {table: rows.csv}"
STATE = "state its encoding, such as {table: FILE.csv, encoding: latin-1}"


def table(*regions: str) -> str:
    """Return a table of streams in these regions."""
    return HEAD + "".join(f"phone,{region},1\n" for region in regions)


def list_faults(folder: Path, content: bytes, streams: str = TABLE) -> list[tuple[int, int, str]]:
    """Return line, column and message of all that is wrong with a table of this content."""
    (folder / "rows.csv").write_bytes(content)
    return [(line, column, message) for line, column, _, message in faults(folder, streams=streams)]


def odd(folder: Path, content: bytes, streams: str = TABLE) -> tuple[tuple[str, ...], tuple[Fault, ...]]:
    """Return the regions in a table of this content, and its warnings."""
    (folder / "rows.csv").write_bytes(content)
    one = loaded(folder, streams=streams)
    return one.regions, one.warnings


@pytest.mark.parametrize(
    "regions",
    [
        ("東京", "大阪"),
        ("テスト", "a"),
        ("ﾄｳｷｮｳ", "ｵｵｻｶ"),
        ("ﾊﾟｿｺﾝ本体", "USBﾒﾓﾘ"),
        ("鷺沼",),
        ("津", "a"),
        ("A社", "a"),
        ("Zone 表", "a"),
    ],
)
def test_a_table_in_cp932_throughout_is_read_with_a_warning(regions: tuple[str, ...], tmp_path: Path) -> None:
    """A table in CP932 is read, and the warning shows the first decoded cell."""
    found, (warning,) = odd(tmp_path, table("plain", *regions).encode("cp932"))
    assert set(found) == {"plain", *regions}
    assert (warning.line, warning.column, warning.file) == (3, 2, str(tmp_path / "rows.csv"))
    first = next(region for region in regions if not region.isascii())
    assert f"is read as CP932, in which the first such cell is `{first}`: save it as `CSV UTF-8`" in warning.message
    assert "state {table: FILE.csv, encoding: cp932}" in warning.message


@pytest.mark.parametrize(
    ("encoding", "regions"),
    [
        ("latin-1", ("Orléans", "Besançon")),
        ("latin-1", ("Málaga", "a")),
        ("latin-1", ("Zürich", "Köln")),
        ("latin-1", ("ÉCOLE", "Aÿ-Champagne")),
        ("latin-1", ("Étampes", "a")),
        ("cp850", ("Orléans", "a")),
        ("mac-roman", ("Orléans", "a")),
        ("koi8-r", ("Москва", "Казань")),
        ("cp1251", ("Москва", "Казань")),
        ("gbk", ("北京市朝阳区", "上海")),
        ("gbk", ("广州", "深圳")),
        ("big5", ("臺北", "高雄")),
        ("euc-jp", ("東京", "大阪")),
        ("euc-kr", ("서울", "부산")),
    ],
)
def test_other_encodings_are_no_text(encoding: str, regions: tuple[str, ...], tmp_path: Path) -> None:
    """Western, Cyrillic, Chinese and Korean tables are errors with row and column, whether they decode or not."""
    content = table("plain", *regions).encode(encoding)
    ((line, column, message),) = list_faults(tmp_path, content)
    assert (line, column) == (3, 2) and "UTF-8" in message and message.endswith(STATE)


def test_what_looks_like_half_width_katakana_shows_its_text(tmp_path: Path) -> None:
    """Chinese names may decode as half-width katakana in CP932, so the warning shows the text."""
    found, (warning,) = odd(tmp_path, table("北京").encode("gbk"))
    assert found == ("ｱｱｾｩ",) and "the first such cell is `ｱｱｾｩ`" in warning.message


@pytest.mark.parametrize(
    ("content", "line", "column", "says"),
    [
        (table("横浜").encode() + "phone,大阪,2\n".encode("cp932"), 3, 2, "is not UTF-8 text, but line 2 is"),
        ("phone,大阪,2\n".join([HEAD, ""]).encode("cp932") + "phone,横浜,1\n".encode(), 2, 2, "but line 3 is"),
        (b"\xef\xbb\xbf" + table("大阪").encode("cp932"), 2, 2, "but line 1 is"),
        (table("横浜", '"a, b"').encode() + b'phone,"a, b",\xff\n', 4, 3, "but line 2 is"),
        (table("a").encode() + b"phone,b\xff,1\n", 3, 2, "is neither UTF-8 nor CP932 text"),
        (table("a").encode() + b"phone,b\xb1b,1\n", 3, 2, "hardly CP932, in which it would be `bｱb`"),
        (table("大阪").encode("cp932") + b"phone,b\xf0\x40,1\n", 2, 2, "hardly CP932"),
        (table("大阪").encode("cp932") + b"phone,b\xa0,1\n", 2, 2, "is neither UTF-8 nor CP932 text"),
    ],
)
def test_mixed_and_broken_tables(content: bytes, line: int, column: int, says: str, tmp_path: Path) -> None:
    """Lines in two encodings, and bytes of none, are errors at the first cell that is not UTF-8."""
    ((at, cell, message),) = list_faults(tmp_path, content)
    assert (at, cell) == (line, column) and says in message


@pytest.mark.parametrize("encoding", CODECS)
def test_a_stated_encoding_is_taken_at_its_word(encoding: str, tmp_path: Path) -> None:
    """Every encoding that may be stated is read without a warning, and gives the names that were written."""
    region = {"g": "北京", "b": "臺北", "k": "Москва", "l": "Köln", "i": "Köln"}.get(encoding[0], "東京")
    region = {"koi8-u": "Київ", "cp1250": "Köln", "cp1252": "Köln", "cp1251": "Москва", "euc-kr": "서울"}.get(
        encoding, region
    )
    content = table(region, "plain").encode(encoding)
    found, warnings = odd(tmp_path, content, f"streams: {{table: rows.csv, encoding: {encoding}}}")
    assert found == tuple(sorted([region, "plain"])) and warnings == ()


def test_a_stated_encoding_that_does_not_hold(tmp_path: Path) -> None:
    """Bytes that it does not have are an error with row and column; text in UTF-8 draws a warning; others are named."""
    state = "streams: {table: rows.csv, encoding: %s}"
    for stated, content in (("utf-8", table("大阪").encode("cp932")), ("cp932", table("a\xa0").encode("latin-1"))):
        ((line, column, message),) = list_faults(tmp_path, content, state % stated)
        assert (line, column) == (2, 2) and message.startswith(f"is not {stated} text, as `encoding` says")
    ((line, column, _),) = list_faults(tmp_path, b"\xef\xbb\xbf" + table("a\xa0").encode("latin-1"), state % "utf-8")
    assert (line, column) == (2, 2)
    found, (warning,) = odd(tmp_path, table("大阪").encode(), state % "koi8-r")
    assert found != ("大阪",) and "is UTF-8, but read as koi8-r" in warning.message
    ((_, _, path, message),) = faults(tmp_path, streams=state % "latin1")
    assert path == "streams.encoding" and "did you mean `latin-1`?" in message
    assert faults(tmp_path, streams=state % "[a]")[0][2] == "streams.encoding"
    ((*_, message),) = list_faults(tmp_path, table("a").encode("utf-16"), state % "cp932")
    assert message == "is UTF-16, not UTF-8: save it as `CSV UTF-8` and try again"


def test_the_warning_comes_each_time(tmp_path: Path) -> None:
    """A table is read once for several instances, each of which carries the warning."""
    (tmp_path / "rows.csv").write_bytes(table("東京").encode("cp932"))
    (tmp_path / "case.yaml").write_text(written(streams=TABLE), encoding="utf-8")
    file = open_instance(tmp_path / "case.yaml")
    assert len(file.with_changes().warnings) == len(file.with_changes().warnings) == 1


def test_an_instance_is_utf_8(tmp_path: Path) -> None:
    """A YAML file in CP932 is an error at its first such character."""
    path = tmp_path / "case.yaml"
    path.write_bytes(written(streams="streams:\n- {device: phone, region: 東京, available: 1}").encode("cp932"))
    with pytest.raises(InputError) as caught:
        load(path)
    (fault,) = caught.value.faults
    assert (fault.line, fault.column) == (8, 27) and fault.message.startswith("is not UTF-8 text")
