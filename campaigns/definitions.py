"""Changes of a source file that are bound to a definition and a fragment of its code, not to the text of a line.

Code is compared as `ast.unparse` writes it. Comments, line breaks, quotes and parentheses therefore make no difference,
and neither does anything outside the definition.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator


class FragmentError(ValueError):
    """A change is impossible: definition or fragment missing or ambiguous, or without effect."""


def normalize(source: str) -> str:
    """Return Python source as `ast.unparse` writes it."""
    return ast.unparse(ast.parse(source))


def replace_fragment(source: str, within: str, old: str, new: str) -> str:
    """Replace the only occurrence of a fragment in one definition of a module.

    Args:
        source: The source of the module.
        within: The qualified name of a function, a class or an assigned name at module or class level, such as
            `Form.sign`. Of several definitions of that name (a property and its setter) one has the fragment.
        old: The fragment, as `ast.unparse` writes it.
        new: The code in its place.

    Returns:
        The normalized source of the changed module.

    Raises:
        FragmentError: The definition is missing, the fragment does not occur in it exactly once, or the replacement
            is no Python or changes nothing.
    """
    tree = ast.parse(source)
    places = [(body, at, ast.unparse(body[at])) for body, at in _find_definitions(tree.body, within)]
    if not places:
        raise FragmentError(f"`{within}` is gone; name the function, class or constant that has the code now")
    found = sum(text.count(old) for _, _, text in places)
    if found != 1:
        raise FragmentError(
            f"`{old}` occurs {found} times in `{within}`, not once; quote the code as `ast.unparse` writes it"
        )
    body, at, text = next(place for place in places if old in place[2])
    try:
        changed = ast.parse(text.replace(old, new)).body
    except SyntaxError as error:
        raise FragmentError(f"`{new}` in the place of `{old}` in `{within}` is no Python: {error}") from None
    if "\n".join(map(ast.unparse, changed)) == text:
        raise FragmentError(f"`{new}` in the place of `{old}` in `{within}` changes nothing")
    body[at : at + 1] = changed
    return ast.unparse(tree)


def _find_definitions(body: list[ast.stmt], name: str) -> Iterator[tuple[list[ast.stmt], int]]:
    """Yield each definition with that qualified name: the list of statements it is in, and its index there."""
    first, _, rest = name.partition(".")
    for at, statement in enumerate(body):
        if first not in _get_names(statement):
            continue
        if not rest:
            yield body, at
        elif isinstance(statement, ast.ClassDef):
            yield from _find_definitions(statement.body, rest)


def _get_names(statement: ast.stmt) -> list[str]:
    """Return the names that a statement defines."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]
