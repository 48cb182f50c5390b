"""The glossary: terms in order, each once, and everything it refers to exists."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
ENTRIES = {part.partition("\n")[0]: part.partition("\n")[2] for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]}
SCHEMA: dict[str, Any] = json.loads((ROOT / "instances/medalopt-1.schema.json").read_text(encoding="utf-8"))
KINDS = {"Unit", "Symbol", "Format", "Report", "Code"}


def attributes(text: str) -> dict[str, str]:
    """Return unit, symbol, format, report and code of an entry."""
    lines = re.findall(r"^- (.+)$", text, flags=re.MULTILINE)
    return dict(part.split(": ", 1) for line in lines for part in line.split(" · "))


def quoted(kind: str) -> list[tuple[str, str]]:
    """Return term and reference for every reference of one kind."""
    parts = {term: attributes(text).get(kind, "") for term, text in ENTRIES.items()}
    return [(term, reference) for term, part in parts.items() for reference in re.findall(r"`([^`]+)`", part)]


def defined_in(body: list[ast.stmt], name: str) -> ast.stmt | None:
    """Return the class, function or attribute `name` of a module or class; None where there is none."""
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name == name:
            return node
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name:
            return node
    return None


def exists_in_code(reference: str) -> bool:
    """Return whether `file.py:Name` or `file.py:Name.attribute` is defined in the package."""
    file, _, name = reference.partition(":")
    path = ROOT / "src" / "medalopt" / file
    if not path.exists():
        return False
    body = ast.parse(path.read_text(encoding="utf-8")).body
    for part in name.split("."):
        node = defined_in(body, part)
        if node is None:
            return False
        body = node.body if isinstance(node, ast.ClassDef) else []
    return True


def known_fields() -> set[str]:
    """Return the names of all sections and fields of the instance format."""
    models = [SCHEMA, *SCHEMA["$defs"].values()]
    return {name for model in models for name in model.get("properties", {})}


def test_terms_are_alphabetical_and_unique() -> None:
    """The terms are in alphabetical order and unique."""
    terms = re.findall(r"^## (.+)$", PAGE, flags=re.MULTILINE)
    assert len(terms) > 80
    assert terms == sorted(set(terms), key=str.lower)


@pytest.mark.parametrize("term", ENTRIES)
def test_an_entry_is_complete(term: str) -> None:
    """Each entry has a definition that ends in a full stop, and says where the term appears."""
    definition = ENTRIES[term].strip().partition("\n")[0]
    assert definition.endswith(".") and not definition.startswith("- ")
    assert attributes(ENTRIES[term]).keys() & {"Report", "Code"}
    assert attributes(ENTRIES[term]).keys() <= KINDS


def anchor(term: str) -> str:
    """Return the anchor of the heading of a term."""
    return re.sub(r"[^\w\- ]", "", term.lower()).replace(" ", "-")


def mentions(text: str) -> Iterator[tuple[str, bool]]:
    """Yield the terms that a definition mentions outside code, the longest first, and whether it links to each."""
    prose = re.sub(r"`[^`]*`", "", "\n".join(line for line in text.splitlines() if not line.startswith("- ")))
    linked = set(re.findall(r"\]\(#([\w-]+)\)", prose))
    plain = re.sub(r"\[[^\]]*\]\([^)]*\)", "\0", prose)
    for term in sorted(ENTRIES, key=len, reverse=True):
        if re.search(rf"(?<![\w\-]){re.escape(term)}(s|es)?(?![\w\-])", plain, flags=re.IGNORECASE):
            yield term, anchor(term) in linked
            plain = re.sub(rf"(?<![\w\-]){re.escape(term)}(s|es)?(?![\w\-])", "\0", plain, flags=re.IGNORECASE)


@pytest.mark.parametrize("term", ENTRIES)
def test_a_definition_links_to_the_terms_it_uses(term: str) -> None:
    """Each other term that a definition mentions is linked at least once."""
    assert [other for other, linked in mentions(ENTRIES[term]) if not linked and other != term] == []


def test_every_term_is_linked() -> None:
    """Each term is linked from another definition or from a page, and no link leads to a term that is none."""
    pages = [path.read_text(encoding="utf-8") for path in (ROOT / "docs").rglob("*.md") if path.name != "glossary.md"]
    linked = {name for page in pages for name in re.findall(r"glossary\.md#([\w-]+)", page)}
    linked |= {name for text in ENTRIES.values() for name in re.findall(r"\]\(#([\w-]+)\)", text)}
    assert linked == {anchor(term) for term in ENTRIES}


@pytest.mark.parametrize(("term", "reference"), quoted("Code"))
def test_code_of_the_glossary_exists(term: str, reference: str) -> None:
    """Each class, function and attribute that the glossary names is defined where it says."""
    assert exists_in_code(reference), f"{term}: src/medalopt/{reference}"


@pytest.mark.parametrize(("term", "reference"), quoted("Format"))
def test_fields_of_the_glossary_exist(term: str, reference: str) -> None:
    """Each field that the glossary names is a field of the instance format."""
    assert {part for part in reference.split(".") if part != "*"} <= known_fields(), term


@pytest.mark.parametrize(("term", "symbol"), quoted("Symbol"))
def test_symbols_of_the_glossary_exist(term: str, symbol: str) -> None:
    """Each symbol in the glossary occurs in models/sourcing.md."""
    assert symbol in (ROOT / "models" / "sourcing.md").read_text(encoding="utf-8"), term


def test_a_reference_to_nothing_is_seen() -> None:
    """A file, a name and an attribute that do not exist are found where they are planted."""
    assert exists_in_code("instance/instance.py:Streams.available")
    planted = ("instance/gone.py:Streams", "instance/instance.py:Gone", "instance/instance.py:Streams.gone")
    assert not any(exists_in_code(reference) for reference in planted)
