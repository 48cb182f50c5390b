"""Mutants of a source file: cosmic-ray's operators, each applied at one place."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import cosmic_ray.plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import MutationVisitor

# What may turn into what. Left out: what stands for the same in sound code (`==` and `is`), and the
# many operators in the place of one that only make it crash.
_SWAPS = (
    "Add_Sub Sub_Add Mul_Div Div_Mul FloorDiv_Mul Mod_Mul Pow_Mul BitOr_BitAnd BitAnd_BitOr BitXor_BitAnd "
    "LShift_RShift RShift_LShift"
)
_COMPARED = "Eq_NotEq NotEq_Eq Is_IsNot IsNot_Is Lt_LtE Lt_GtE LtE_Lt LtE_Gt Gt_GtE Gt_LtE GtE_Gt GtE_Lt Eq_LtE Eq_GtE"
_SINGLE = "Delete_USub Delete_Invert Delete_Not UAdd_USub"
OPERATORS = (
    *(f"ReplaceBinaryOperator_{swap}" for swap in _SWAPS.split()),
    *(f"ReplaceComparisonOperator_{swap}" for swap in _COMPARED.split()),
    *(f"ReplaceUnaryOperator_{swap}" for swap in _SINGLE.split()),
    *("ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd", "AddNot"),
    *("NumberReplacer", "ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ExceptionReplacer"),
    *("RemoveDecorator", "ZeroIterationForLoop"),
)


Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Mutant:
    """A file with one change."""

    file: str  # within the package
    operator: str
    line: int
    within: str  # the outermost function, by its qualified name, that the change is in; "" where it is in none
    body: tuple[int, int]  # the lines of that function's body
    text: str  # of the whole file
    was: str
    becomes: str

    @property
    def module(self) -> str:
        """The module that the file makes."""
        return ".".join(("medalopt", *Path(self.file).with_suffix("").parts)).removesuffix(".__init__")

    @property
    def name(self) -> str:
        """Return a one-line description of this mutant."""
        return f"{self.file}:{self.line} {self.operator}: {self.was} => {self.becomes}"


def mutants(package: Path, file: str) -> Iterator[Mutant]:
    """Yield the distinct mutants of a file, none in an annotation."""
    source = (package / file).read_text(encoding="utf-8")
    tree = ast.parse(source)
    idle, bodies, seen = list(_annotations(tree)), list(_bodies(tree, "")), {source}
    for before, statement, after in _statements(source, tree):
        for operator, occurrence, (line, column) in _places(statement):
            place = before.count("\n") + line, column
            if any(start <= place < end for start, end in idle) or _asserted(source, place):
                continue
            changed = _changed(statement, operator, occurrence)
            text = before + changed + after
            if not changed or text in seen:
                continue
            seen.add(text)
            around = next((each for each in bodies if each[1] <= place[0] < each[2]), ("", 0, 0))
            yield Mutant(file, operator, place[0], around[0], around[1:], text, *_change(source, text))


def _statements(source: str, tree: ast.Module) -> Iterator[tuple[str, str, str]]:
    """Yield each statement of a module, with the text before and after it: parsing it alone is quick."""
    lines = source.splitlines(keepends=True)
    first = [min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))]) for node in tree.body]
    for start, end in pairwise([*first, len(lines) + 1]):
        yield "".join(lines[: start - 1]), "".join(lines[start - 1 : end - 1]), "".join(lines[end - 1 :])


@cache
def _operator(name: str) -> Any:
    return cosmic_ray.plugins.get_operator(f"core/{name}")()


def _places(statement: str) -> Iterator[tuple[str, int, tuple[int, int]]]:
    """Yield where which operator applies: its name, the number of the occurrence, line and column."""
    nodes = list(ast_nodes(get_ast(statement)))
    for operator in OPERATORS:
        applied = _operator(operator)
        places = (start for node in nodes for start, _ in applied.mutation_positions(node))
        for occurrence, place in enumerate(places):
            yield operator, occurrence, place


def _changed(statement: str, operator: str, occurrence: int) -> str:
    """Return the changed statement; "" where that cannot be had, or is no Python."""
    try:
        changed = str(MutationVisitor.mutate_code(statement, _operator(operator), occurrence))
        ast.parse(changed)
    except (AttributeError, SyntaxError):  # an exception with a dot in its name; `**` before a mapping, halved
        return ""
    return changed


def _asserted(source: str, place: tuple[int, int]) -> bool:
    """Return whether the code at `place` is only an assertion, for types, or for speed."""
    line = source.splitlines()[place[0] - 1]
    before, after = line[: place[1]], line[place[1] :]
    if after.lstrip().startswith("TYPE_CHECKING"):
        return True
    return before.endswith("strict=") or bool(re.match(r"@(functools\.)?(cache|lru_cache)\b", after))


def _annotations(tree: ast.AST) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    for node in ast.walk(tree):
        for name in ("annotation", "returns"):
            found = getattr(node, name, None)
            if isinstance(found, ast.expr):
                yield (found.lineno, found.col_offset), (found.end_lineno or 0, found.end_col_offset or 0)


def _bodies(tree: ast.AST, prefix: str) -> Iterator[tuple[str, int, int]]:
    """Yield each outermost function, with the line in which its body starts and the one after its end."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Function):
            yield prefix + node.name, node.body[0].lineno, (node.end_lineno or 0) + 1
        elif isinstance(node, ast.ClassDef):
            yield from _bodies(node, f"{prefix}{node.name}.")


def _change(source: str, text: str) -> tuple[str, str]:
    """Return the lines that a mutant removes, and those that it inserts."""
    lines = list(difflib.unified_diff(source.splitlines(), text.splitlines(), lineterm="", n=0))[2:]
    was, becomes = ([line[1:].strip() for line in lines if line[0] == sign] for sign in "-+")
    return " ".join(was), " ".join(becomes)
