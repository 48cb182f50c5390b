"""Warnings of supply that cannot reach a smelter, and of smelters and treatments without supply, with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from medalopt.errors import FaultKind
from medalopt.instance.arithmetic import read_floats
from medalopt.instance.arrays import Bools, Ints
from medalopt.instance.instance import Instance
from medalopt.instance.reader.files import MAX_LISTED
from medalopt.instance.reader.yaml_nodes import find_node
from medalopt.instance.resolve.parsed_document import Draft
from medalopt.instance.resolve.streams import StreamRows
from medalopt.instance.smelter_terms import compute_impurity_content, find_accepted_lines, find_refused_elements
from medalopt.text import escape_text, format_count, suggest_name

_MAX_BATCH = 2_000_000  # pairs times smelters per batch


@dataclass(frozen=True, eq=False)
class Reachability:
    """Reachability of the P pairs of device and region with available supply."""

    instance: Instance

    @cached_property
    def offered(self) -> Ints:
        """Indices of the streams with available supply."""
        return np.flatnonzero((self.instance.streams.available.raw > 0).any(axis=1))

    @cached_property
    def pairs(self) -> tuple[Ints, Ints, Ints]:
        """Device and region with available supply (P,) each, and the index of the pair of each such stream."""
        streams, regions = self.instance.streams, max(len(self.instance.regions), 1)
        numbers, which = np.unique(
            streams.device[self.offered] * regions + streams.region[self.offered], return_inverse=True
        )
        return numbers // regions, numbers % regions, which

    @cached_property
    def treated(self) -> Bools:
        """Treatments that are open to each pair, (P, H)."""
        treatments, (device, region, _) = self.instance.treatments, self.pairs
        return treatments.accepts[:, device].T & treatments.regions[:, region].T

    @cached_property
    def leaves(self) -> Bools:
        """Pairs with a treatment that sends nothing to a smelter, (P,)."""
        share = self.instance.treatments.to_smelter.raw[:, self.pairs[0]].T
        return (self.treated & (share == 0)).any(axis=1)

    @property
    def feeds(self) -> Bools:
        """Feeds with available supply that can reach each smelter, (K, D, H)."""
        return self._ways[0]

    @property
    def smelted(self) -> Bools:
        """Pairs that can reach a smelter, (P,)."""
        return self._ways[1]

    @property
    def stranded_metals(self) -> Bools:
        """Metals in available supply that cannot reach a smelter, (E,)."""
        contained = self.instance.devices.assay.raw[self.pairs[0][~self.smelted]] > 0
        return np.asarray(np.logical_or.reduce(contained, axis=0), dtype=np.bool_)

    @cached_property
    def _ways(self) -> tuple[Bools, Bools]:
        """Feeds and pairs that reach a smelter, computed in batches of pairs to bound memory."""
        line, exists = find_accepted_lines(self.instance), self.instance.lanes.exists
        device, region, _ = self.pairs
        feeds, smelted = np.zeros(line.shape, dtype=np.bool_), np.zeros(len(device), dtype=np.bool_)
        step = max(_MAX_BATCH // max(len(line), 1), 1)
        for h in range(line.shape[2]):
            goes = np.flatnonzero(self.treated[:, h])
            for part in (goes[start : start + step] for start in range(0, len(goes), step)):
                k, p = np.nonzero((line[:, device[part], h] >= 0) & exists[region[part]].T)
                feeds[k, device[part[p]], h] = True
                smelted[part[p]] = True
        return feeds, smelted


def warn_of_unreachable(draft: Draft, reachability: Reachability, supply: StreamRows) -> None:
    """Warn of supply that cannot reach a smelter, and of smelters and treatments without supply.

    Args:
        draft: Parsed instance, for the log.
        reachability: Reachability.
        supply: Parsed streams.
    """
    _warn_of_refused_feeds(draft, reachability)
    _warn_of_stranded_supply(draft, reachability, supply)
    _warn_of_blocked_bundles(draft, reachability, supply)
    _warn_of_idle_sites(draft, reachability)
    _warn_of_idle_fractions(draft, reachability)


def _warn_of_idle_fractions(draft: Draft, reachability: Reachability) -> None:
    """Warn of fractions that are neither sold nor accepted by any smelter: they are residue."""
    treatments = reachability.instance.treatments
    goes = reachability.feeds.any(axis=0).T | treatments.sells  # (H, D)
    idle = (treatments.parent >= 0) & ~goes.any(axis=1) & reachability.treated.any(axis=0)
    for h in np.flatnonzero(idle)[:MAX_LISTED].tolist():
        name, fraction = treatments.split_name(h)
        text = f"no smelter that can be reached accepts the fraction `{escape_text(fraction or '')}`: it is residue"
        hint = "name it in `terms` of one, or give the price at which it is `sold`"
        draft.add_warning(("treatments", name), f"{text}; {hint}", kind=FaultKind.UNREACHABLE)


def _warn_of_refused_feeds(draft: Draft, reachability: Reachability) -> None:
    """Warn of feeds that every smelter which could settle them refuses, with the content and the greatest accepted."""
    instance = reachability.instance
    refused = find_refused_elements(instance)
    if not refused.any():
        return
    impurities, line, streams = instance.impurities, instance.smelters.line, instance.streams
    lost = (line >= 0).any(axis=0) & ~(find_accepted_lines(instance) >= 0).any(axis=0)  # (D, H)
    for d, h in np.argwhere(lost & instance.treatments.accepts.T)[:MAX_LISTED].tolist():
        open_to = (streams.device == d) & instance.treatments.regions[h][streams.region]
        tonnes = float(streams.available.value[open_to].sum())
        if not tonnes:
            continue
        held = compute_impurity_content(instance, read_floats, np.array([d]), np.array([h]))[0]
        held = held / instance.treatments.to_smelter.value[h, d]
        x = int(np.argmax(refused[:, d, h].sum(axis=0)))
        k = int(np.argmax(np.where(refused[:, d, h, x], impurities.refuse.value[line[:, d, h], x], -1)))
        device, element = instance.devices.names[d], impurities.names[x]
        feed = f"`{escape_text(device)}` after `{escape_text(instance.treatments.names[h])}`"
        limit = f"{impurities.refuse.value[line[k, d, h], x]:.4g} kg/t (`{escape_text(instance.smelters.names[k])}`)"
        draft.add_warning(
            ("devices", device, "content", element),
            f"every smelter refuses {feed}, {_format_tonnes(tonnes)} on offer: its feed contains {held[x]:.4g} kg/t of "
            f"{escape_text(impurities.titles[x])}, and at most {limit} is accepted",
            kind=FaultKind.UNREACHABLE,
        )


def _warn_of_stranded_supply(draft: Draft, reachability: Reachability, supply: StreamRows) -> None:
    """Warn of supply that cannot reach a smelter, by reason, with the tonnes.

    Devices that no smelter accepts and that a treatment passes on to ordinary recycling are as intended.
    """
    instance, (_, _, which) = reachability.instance, reachability.pairs
    tonnes = instance.streams.available.value.sum(axis=1)
    reasons: dict[tuple[str, str, str], list[int]] = {}
    why: dict[int, tuple[str, str, str] | None] = {}
    stranded = ~reachability.smelted[which]
    for i, p in zip(reachability.offered[stranded].tolist(), which[stranded].tolist(), strict=True):
        if p not in why:
            why[p] = _explain_stranded(draft, reachability, p)
        if (reason := why[p]) is not None:
            reasons.setdefault(reason, []).append(i)
    ordered = sorted(reasons.items(), key=lambda item: -float(tonnes[item[1]].sum()))
    for (field, what, text), streams in ordered[:MAX_LISTED]:
        amount = f"{_format_tonnes(float(tonnes[streams].sum()))} {what} cannot reach any smelter: {text}"
        supply.add_warning(streams[0], (field,), amount, FaultKind.UNREACHABLE)
    if rest := ordered[MAX_LISTED:]:
        lost = float(sum(tonnes[streams].sum() for _, streams in rest))
        text = f"{_format_tonnes(lost)} more cannot reach any smelter, for {format_count(len(rest), 'more reason')}"
        supply.add_warning(rest[0][1][0], ("region",), text, FaultKind.UNREACHABLE)


def _explain_stranded(draft: Draft, reachability: Reachability, p: int) -> tuple[str, str, str] | None:
    """Return field, subject and reason why a pair reaches no smelter; None if that is as intended.

    Reasons are tried from the most general to the one that concerns this pair only.
    """
    instance = reachability.instance
    d, g = int(reachability.pairs[0][p]), int(reachability.pairs[1][p])
    device, region = escape_text(instance.devices.names[d]), escape_text(instance.regions[g])
    exists, treatments = instance.lanes.exists, instance.treatments
    if not exists[g].any():
        known = [instance.regions[index] for index in np.flatnonzero(np.logical_or.reduce(exists, axis=1)).tolist()]
        suggestion = suggest_name(instance.regions[g], known) or "; add one, or correct the region"
        return "region", f"in `{region}`", f"no lane leaves this region{suggestion}"
    if not treatments.accepts[:, d].any():
        return "device", f"of `{device}`", "no treatment accepts this device; name it in `accepts` of one"
    if not reachability.treated[p].any():
        text = f"no treatment that accepts this device is open to `{region}`; name the region in `regions` of one"
        return "region", f"of `{device}` in `{region}`", text
    if not ((find_accepted_lines(instance)[:, d, :] >= 0) & treatments.accepts[:, d]).any():
        if ((instance.smelters.line[:, d, :] >= 0) & treatments.accepts[:, d]).any():
            return None  # reported as a refused feed
        if reachability.leaves[p]:
            return None
        text = (
            "no smelter accepts this device; name it in `accepts` or `terms` of one, "
            "or in a treatment that sends nothing on"
        )
        return "device", f"of `{device}`", text
    if reachability.leaves[p]:
        return None
    text = f"no lane from `{region}` leads to a smelter that accepts this device as it is treated there"
    return "region", f"of `{device}` in `{region}`", text


def _warn_of_blocked_bundles(draft: Draft, reachability: Reachability, supply: StreamRows) -> None:
    """Warn of bundles that cannot be purchased because one of their streams has no route."""
    instance, (_, _, which) = reachability.instance, reachability.pairs
    stranded = reachability.offered[~(reachability.smelted | reachability.leaves)[which]]
    bundle = instance.streams.bundle
    tonnes = instance.streams.available.value.sum(axis=1)
    for b in np.unique(bundle[stranded][bundle[stranded] >= 0])[:MAX_LISTED].tolist():
        members = np.flatnonzero(bundle == b)
        first = int(stranded[bundle[stranded] == b][0])
        name, region = escape_text(instance.bundles[b][1]), escape_text(instance.bundles[b][0])
        if len(members) > 1:
            text = f"the bundle `{name}` of `{region}`, {_format_tonnes(float(tonnes[members].sum()))}, cannot be taken"
            stream = escape_text(instance.streams.names[first])
            reason = f"its stream `{stream}` has no route, and streams of a bundle are taken in proportion"
            supply.add_warning(first, ("bundle",), f"{text}: {reason}", FaultKind.UNREACHABLE)


def _warn_of_idle_sites(draft: Draft, reachability: Reachability) -> None:
    """Warn of smelters and treatments that no supply can reach, if supply can reach others."""
    instance = reachability.instance
    if not reachability.smelted.any():
        return
    lanes = instance.lanes.exists.any(axis=0)
    for k in np.flatnonzero(~reachability.feeds.any(axis=(1, 2)) & lanes)[:MAX_LISTED].tolist():
        name = instance.smelters.names[k]
        text = f"no supply can be sent to `{escape_text(name)}`; check its `accepts`, `terms` and lanes"
        draft.add_warning(("smelters", name), text, kind=FaultKind.UNREACHABLE)
    for h in np.flatnonzero(~reachability.treated.any(axis=0))[:MAX_LISTED].tolist():
        name = instance.treatments.names[h]
        if find_node(draft.root, ("treatments", name)) is not None:
            text = f"no supply can go through `{escape_text(name)}`; check its `accepts` and `regions`"
            draft.add_warning(("treatments", name), text, kind=FaultKind.UNREACHABLE)


def _format_tonnes(amount: float) -> str:
    """Format tonnes: four significant digits, from 10,000 t on whole tonnes."""
    return f"{amount:_.4g} t" if amount < 10_000 else f"{amount:_.0f} t"
