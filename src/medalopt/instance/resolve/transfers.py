"""Transfers between parties as an instance file states them: what each is paid for, and statements that are refused."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from medalopt.errors import FaultKind
from medalopt.instance.payers import RAISED_PRICES, TRANSFERS
from medalopt.instance.resolve.parsed_document import Draft
from medalopt.instance.resolve.row_validation import name_stream_rows
from medalopt.instance.scenario import matches_name
from medalopt.instance.schema.parties import Transfer
from medalopt.text import PathError, escape_text, find_wildcards, join_names, parse_path, suggest_name
from medalopt.units import Quantity


def collect_transfers(draft: Draft) -> dict[str, dict[str, Any]]:
    """Collect the transfers as plain values.

    Args:
        draft: Parsed instance without errors.

    Returns:
        By name, sorted, without those whose price is 0 in every period.
    """
    result: dict[str, dict[str, Any]] = {}
    for name, one in sorted(draft.document.transfers.items()):
        price = [float(each.exact) for each in _list_prices(one)]
        if any(price):
            section, members = _find_members(draft, one.per)
            parties = {"payer": one.payer, "receiver": one.receiver}
            result[name] = {**parties, "section": section, "members": members, "price": price}
    return result


def check_transfers(draft: Draft) -> None:
    """Log transfers of a party to itself, and those paid for nothing that the instance has.

    Args:
        draft: Parsed instance; faults are added to it.
    """
    for name, one in draft.document.transfers.items():
        if one.payer == one.receiver:
            text = f"`{escape_text(one.payer)}` would pay itself: name another party as `payer` or `receiver`"
            draft.add_fault((TRANSFERS, name, "receiver"), text, kind=FaultKind.CONFLICT)
        try:
            _find_members(draft, one.per)
        except PathError as error:
            draft.add_fault((TRANSFERS, name, "per"), str(error), kind=FaultKind.VALUE)


def _list_prices(transfer: Transfer) -> list[Quantity]:
    """Return the prices of a transfer, one for all periods or one per period."""
    return transfer.price if isinstance(transfer.price, list) else [transfer.price]


def _find_members(draft: Draft, per: str) -> tuple[str, list[str]]:
    """Return the section that a path names and the names that it matches, sorted; PathError if there are none."""
    steps, wild = parse_path(per), find_wildcards(per)
    section, name = steps[0], steps[-1]
    if section not in RAISED_PRICES or len(steps) != 2 or not isinstance(name, str):
        allowed = join_names([f"{one}.NAME" for one in RAISED_PRICES])
        raise PathError(f"`{escape_text(per)}`: a transfer is paid per tonne or kilogram of {allowed}")
    names = sorted(_list_names(draft, section))
    members = [one for one in names if (matches_name(tuple(name.split("*")), one) if wild[-1] else one == name)]
    if not members:
        hint = suggest_name(name, names) or "; name something that the file states"
        kind = section.removesuffix("s")
        raise PathError(f"`{escape_text(per)}` matches nothing: no {kind} is called `{escape_text(name)}`{hint}")
    return section, members


def _list_names(draft: Draft, section: str) -> Iterable[str]:
    """Return the names in a section."""
    document = draft.document
    if section == "streams":
        if draft.streams is None:
            return ()
        names = name_stream_rows(draft.streams)
        return {text for code in names.list_codes().tolist() if (text := names.texts[code])}
    whole = document.treatments if document.treatments is not None else ("whole",)
    return {"treatments": whole, "smelters": document.smelters or (), "metals": document.metals}[section]
