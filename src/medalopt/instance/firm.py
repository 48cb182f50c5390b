"""Firm parameters: paths, with `*` or without, that no repair and no variation changes; `--set` still may."""

from __future__ import annotations

from collections.abc import Sequence

from medalopt.errors import UsageError
from medalopt.instance.instance import Instance
from medalopt.instance.paths import ParameterPath, has_wildcard, parse_path
from medalopt.instance.scenario import Change, match_paths, touches_pattern
from medalopt.instance.source_values import SourceValues
from medalopt.text import escape_text


def list_firm_paths(instance: Instance) -> tuple[str, ...]:
    """Return the firm paths of an instance, as its file writes them.

    Args:
        instance: Instance.

    Returns:
        Paths, which may contain `*`.
    """
    return tuple(instance.annex.get("firm", ()))


def is_firm(path: ParameterPath, firm: Sequence[str]) -> bool:
    """Return whether a change at a path changes a firm parameter: one at, above or below the path.

    Args:
        path: Path without `*`.
        firm: Firm paths.

    Returns:
        True if the change is not allowed.
    """
    return any(touches_pattern(path, pattern) for pattern in firm)


def find_idle_paths(source_values: SourceValues, firm: Sequence[str]) -> list[tuple[int, str]]:
    """Find the firm paths that are no paths, or at which the file states nothing.

    Args:
        source_values: Values of the instance file.
        firm: Firm paths.

    Returns:
        Number of each in the list, from 0, and the reason.
    """
    wrong = []
    for number, text in enumerate(firm):
        try:
            found = any(source_values.find_value(path) is not None for path in match_paths(source_values, text))
        except UsageError as error:
            wrong.append((number, str(error)))
            continue
        if not found:
            hint = "name a parameter that the file states, such as `medals.*.count`"
            wrong.append((number, f"`{escape_text(text)}` matches nothing in this file: {hint}"))
    return wrong


def spare_firm(change: Change, resolved: dict[str, str], firm: Sequence[str]) -> dict[str, str]:
    """Return the parameters that a change of a scenario or a variation sets, without firm ones that it matches by `*`.

    Args:
        change: The change.
        resolved: New value of each path that it names.
        firm: Firm paths.

    Returns:
        New value of each path that is not firm.

    Raises:
        UsageError: It names a firm parameter without `*`, or firm ones alone.
    """
    if not firm:
        return resolved
    result = {path: value for path, value in resolved.items() if not is_firm(parse_path(path), firm)}
    if len(result) < len(resolved) and (not has_wildcard(change.path) or not result):
        raise UsageError(
            f"{escape_text(change.path)}: is `firm` in this instance, and no scenario or variation changes it; "
            "change it with --set, or take it off `firm`"
        )
    return result
