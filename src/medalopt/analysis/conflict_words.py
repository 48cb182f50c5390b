"""Sentences for the rules of a conflict, each with the path, amount and unit of the parameter that states the rule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from medalopt.analysis.conflict_members import Key
from medalopt.analysis.refusal_words import kilograms, names, number, per_cent, period, tonnes, when
from medalopt.instance.instance import Instance
from medalopt.instance.needs import owed
from medalopt.instance.paths import Path
from medalopt.instance.pooling import pool_names, pool_path
from medalopt.wording import shown

Said = tuple[Path, float | None, str | None, str]


def supply(instance: Instance, rule: Key, periods: tuple[str, ...]) -> Said:
    """Describe the supply of one stream, or of all streams together.

    Args:
        instance: Instance.
        rule: Rule with the name of the stream; without names, all streams.
        periods: Periods in which it is part of the conflict.

    Returns:
        Path, amount [t], unit and sentence.
    """
    streams, during = instance.streams, [instance.periods.index(t) for t in periods]
    within = streams.available.value[:, during].sum(axis=1)
    if not rule.names:
        offering = np.flatnonzero(within).tolist()
        best = streams.names[int(np.argmax(within))]
        text = f"all {len(offering)} streams together offer {tonnes(float(within.sum()))}{when(periods)}"
        return ("streams", best, "available"), float(within.sum()), "t", text
    i = streams.names.index(rule.names[0])
    text = f"{shown(rule.names[0])} offers {tonnes(float(within[i])) if within[i] else 'nothing'}{when(periods)}"
    return ("streams", rule.names[0], "available"), float(within[i]), "t", text


def together(instance: Instance, rule: Key, periods: tuple[str, ...]) -> Said:
    """Describe the bundles whose streams are taken in the proportion offered.

    Args:
        instance: Instance.
        rule: Rule with the names of streams; without names, all bundles.
        periods: Periods in which it is part of the conflict.

    Returns:
        Path, no amount, no unit, and sentence.
    """
    streams = instance.streams
    members = [streams.names.index(name) for name in rule.names or streams.names]
    bundles = sorted({instance.bundles[streams.bundle[i]] for i in members if streams.bundle[i] >= 0})
    listed = names([f"{bundle} of {region}" for region, bundle in bundles])
    text = f"the streams of a bundle come together, in the proportion offered: {listed}"
    return ("streams", streams.names[members[0]], "bundle"), None, None, text


def stockpile(instance: Instance, rule: Key, periods: tuple[str, ...]) -> Said:
    """Describe the storage limit of a stream.

    Args:
        instance: Instance.
        rule: Rule with the name of the stream; without names, the first stream that can be stored.
        periods: Periods in which it is part of the conflict.

    Returns:
        Path, amount [t], unit and sentence.
    """
    streams = instance.streams
    name = rule.names[0] if rule.names else streams.names[int(np.argmax(streams.storable))]
    limit = float(streams.storage_limit.value[streams.names.index(name)])
    text = f"of {shown(name)} at most {tonnes(limit)} may wait{when(periods)}"
    return ("streams", name, "storage", "limit"), limit, "t", text


def capacity(section: str, say: Callable[..., str], what: str) -> Callable[..., Said]:
    """Return a describer of the capacities of smelters, treatments or castings.

    Args:
        section: Section of the instance: `smelters`, `treatments` or `alloys`.
        say: Formatter of an amount.
        what: Words after the amount.

    Returns:
        Function from instance, rule and periods to path, total amount [t; kg of alloys], unit and sentence.
    """

    def saying(instance: Instance, rule: Key, periods: tuple[str, ...]) -> Said:
        every = getattr(instance, section)
        unit = "kg" if section == "alloys" else "t"
        during = [instance.periods.index(t) for t in periods]
        which = [every.names.index(name) for name in rule.names or every.names]
        limits = every.capacity.value[which][:, during]
        total = float(np.where(np.isfinite(limits), limits, 0.0).sum())
        path: Path = (section, every.names[which[0]], "capacity")
        text = f"{names([every.names[n] for n in which])}: at most {say(total)} {what}{when(periods)}"
        return path, total, unit, text

    return saying


def total(section: str, field: str, say: Callable[..., str], unit: str, most: str) -> Callable[..., Said]:
    """Return a describer of commitments or limits over the horizon.

    Args:
        section: Section of the instance: `streams`, `smelters` or `market`.
        field: `committed` or `limit`.
        say: Formatter of an amount.
        unit: Unit of the amount.
        most: Sentence with `{}` for the amount.

    Returns:
        Function from instance, rule and periods to path, total amount, unit and sentence.
    """

    def saying(instance: Instance, rule: Key, _: tuple[str, ...]) -> Said:
        every = getattr(instance, section)
        which = [every.names.index(name) for name in rule.names or every.names]
        values = getattr(every, field).value[which]
        total = float(np.where(np.isfinite(values), values, 0.0).sum())
        text = f"{names([every.names[n] for n in which])}: {most.format(say(total))}"
        return (section, every.names[which[0]], field), total, unit, text

    return saying


def demand(instance: Instance, rule: Key, periods: tuple[str, ...]) -> Said:
    """Describe the mass of alloy owed by a deadline, and the medals it is for.

    Args:
        instance: Instance.
        rule: Rule with alloy and last period; without names, all alloys over the horizon.
        periods: Periods in which it is part of the conflict.

    Returns:
        Path, amount [kg], unit and sentence.
    """
    alloys = [instance.alloys.names.index(rule.names[0])] if rule.names else list(range(len(instance.alloys.names)))
    until = rule.names[1] if len(rule.names) > 1 else instance.periods[-1]
    t = instance.periods.index(until)
    amount = float(owed(instance)[alloys, t].sum())
    medals = instance.medals
    each = (medals.parts.value[:, alloys].sum(axis=1)) * medals.count * (medals.due <= t)
    asking = [medals.names[m] for m in np.argsort(-each, kind="stable").tolist() if each[m] > 0]
    of = names([instance.alloys.names[a] for a in alloys])
    text = f"{kilograms(amount)} of {of} are owed by the end of {period(until)} ({_kinds(asking)})"
    return ("medals", asking[0] if asking else medals.names[0], "count"), amount, "kg", text


def _kinds(asking: list[str]) -> str:
    """Return the medals as an enumeration."""
    return f"medal{'' if len(asking) == 1 else 's'} {names(asking)}" if asking else "no medal"


def no_more(instance: Instance, rule: Key, periods: tuple[str, ...]) -> Said:
    """Describe the limit that no more of an alloy is cast than the medals take.

    Args:
        instance: Instance.
        rule: Rule with the name of the alloy; without names, all alloys.
        periods: Periods in which it is part of the conflict.

    Returns:
        Path, amount [kg], unit and sentence.
    """
    path, amount, unit, _ = demand(instance, Key("demand", rule.names[:1]), periods)
    of = shown(rule.names[0]) if rule.names else "every alloy"
    return path, amount, unit, f"no more of {of} is cast than the {kilograms(amount or 0.0)} that medals take in all"


def fineness(side: str) -> Callable[..., Said]:
    """Return a describer of the least or greatest share of a metal in an alloy.

    Args:
        side: `low` or `high`.

    Returns:
        Function from instance, rule and periods to path, share [%], unit and sentence.
    """

    def saying(instance: Instance, rule: Key, _: tuple[str, ...]) -> Said:
        if not rule.names:
            return (
                ("alloys", instance.alloys.names[0], "composition"),
                None,
                None,
                "the composition windows of the alloys",
            )
        alloy, metal = rule.names
        at = instance.alloys.names.index(alloy), instance.metals.names.index(metal)
        share = float(getattr(instance.alloys, side).value[at])
        word = "at least" if side == "low" else "at most"
        title = instance.metals.titles[at[1]]
        path: Path = ("alloys", alloy, "composition", metal)
        return path, 100 * share, "%", f"{shown(alloy)} must hold {word} {per_cent(share)} {title}"

    return saying


def others(instance: Instance, rule: Key, _: tuple[str, ...]) -> Said:
    """Describe the greatest share of unnamed metals in an alloy.

    Args:
        instance: Instance.
        rule: Rule with the name of the alloy; without names, the first alloy that admits others.

    Returns:
        Path, share [%], unit and sentence.
    """
    alloy = rule.names[0] if rule.names else instance.alloys.names[int(np.argmax(instance.alloys.admits_others))]
    share = float(instance.alloys.others.value[instance.alloys.names.index(alloy)])
    text = f"{shown(alloy)} may hold at most {per_cent(share)} of all that its composition does not name"
    return ("alloys", alloy, "others"), 100 * share, "%", text


def recycled(instance: Instance, rule: Key, _: tuple[str, ...]) -> Said:
    """Describe the least share of recycled metal.

    Args:
        instance: Instance.
        rule: Rule with the name of the metal; without names, all metals.

    Returns:
        Path, share [%], unit and sentence.
    """
    metals = [instance.metals.names.index(name) for name in rule.names] or list(range(len(instance.metals.names)))
    share = float(instance.policy.recycled.value[metals].max())
    text = f"at least {per_cent(share)} of the {names([instance.metals.titles[e] for e in metals])} must be recycled"
    return ("policy", "recycled", instance.metals.names[metals[0]]), 100 * share, "%", text


def mix(side: str) -> Callable[..., Said]:
    """Return a describer of the least or greatest share of a device in all tonnes sent.

    Args:
        side: `window_low` or `window_high`.

    Returns:
        Function from instance, rule and periods to path, share [%], unit and sentence.
    """

    def saying(instance: Instance, rule: Key, _: tuple[str, ...]) -> Said:
        policy = instance.policy
        which = [policy.windows.index(name) for name in rule.names or policy.windows]
        share = float(getattr(policy, side).value[which[0]])
        word = "at least" if side == "window_low" else "at most"
        text = f"{names([policy.windows[w] for w in which])}: {word} {per_cent(share)} of all tonnes sent"
        return ("policy", "device_share", policy.windows[which[0]]), 100 * share, "%", text

    return saying


def participation(instance: Instance, rule: Key, _: tuple[str, ...]) -> Said:
    """Describe the least share of its supply that each region must send.

    Args:
        instance: Instance.
        rule: Rule with the name of the region; without names, all regions.

    Returns:
        Path, amount [t], unit and sentence.
    """
    share = float(instance.policy.participation.value)
    regions = [instance.regions.index(name) for name in rule.names] or list(range(len(instance.regions)))
    offers = instance.streams.available.value[np.isin(instance.streams.region, regions)].sum()
    least = share * float(offers)
    of = names([instance.regions[g] for g in regions]) if rule.names else "every region"
    text = f"{of} must send at least {per_cent(share)} of what it offers, {tonnes(least)}"
    return ("policy", "participation"), least, "t", text


def footprint(instance: Instance, *_: Any) -> Said:
    """Describe the footprint cap.

    Args:
        instance: Instance.

    Returns:
        Path, cap [t CO2e], unit and sentence.
    """
    cap = float(instance.policy.footprint_cap.value) / 1000
    return ("policy", "footprint_cap"), cap, "t", f"the footprint is at most {number(cap)} t CO2e"


def extension(instance: Instance, rule: Key, _: tuple[str, ...]) -> Said:
    """Describe a constraint that the user added.

    Args:
        instance: Instance.
        rule: Rule with the name of the Pyomo constraint and its index.

    Returns:
        Path, no amount, no unit, and sentence.
    """
    name = f"{rule.names[0]}[{','.join(rule.names[1:])}]" if len(rule.names) > 1 else "".join(rule.names[:1])
    return (
        ("extension", rule.names[0] if rule.names else "all"),
        None,
        None,
        f"the extension's own constraint `{shown(name)}`",
    )


def settlement(says: str) -> Callable[..., Said]:
    """Return a describer of the settlement of a pooled lot.

    Args:
        says: Sentence with `{lot}`, `{metal}` and `{deduction}`.

    Returns:
        Function from instance, rule and periods to path, minimum deduction [g/t], unit and sentence.
    """

    def saying(instance: Instance, rule: Key, periods: tuple[str, ...]) -> Said:
        lots = pool_names(instance)
        pool = lots.index(rule.names[0]) if rule.names else 0
        line, metals = int(np.flatnonzero(instance.terms.pooled)[pool]), instance.metals.names
        e = metals.index(rule.names[1]) if rule.names else int(instance.terms.deduction.value[line].argmax())
        least = float(instance.terms.deduction.value[line, e])
        of = f"the pooled lot of {shown(lots[pool])}{when(periods)}"
        text = says.format(lot=of, metal=instance.metals.titles[e], deduction=f"{1000 * least:.6g} g/t")
        return pool_path(instance, pool), 1000 * least, "g/t", text

    return saying
