"""Sentences of an infeasibility diagnosis: one for each kind of conflicting rule, with its numbers, names and periods.

Each comes with path, amount and unit of the parameter that states the rule. A limit without a function here is
described by its sentence in the catalogue.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from medalopt.catalog import Family, Limit
from medalopt.instance.bounds import (
    compute_cumulative_demand,
    compute_required_demand,
    get_limit,
    list_axis_names,
    may_miss,
)
from medalopt.instance.instance import Instance
from medalopt.instance.lots import STEP_KINDS, ActivityKind
from medalopt.instance.schema.validation import ValueForm, find_field_description
from medalopt.instance.smelter_terms import list_pool_names, locate_pool_terms
from medalopt.text import ParameterPath, escape_text, parse_path, render_path

MAX_LISTED_NAMES = 4


@dataclass(frozen=True)
class InfeasibilityReason:
    """One reason for infeasibility.

    Attributes:
        rule: Constraint family.
        path: Path of the parameter that states the rule.
        amount: Amount in `unit`; None if the rule has none.
        unit: Unit of the amount.
        text: Sentence for the reader.
    """

    rule: str
    path: str
    amount: float | None
    unit: str | None
    text: str

    @classmethod
    def state(
        cls, rule: str, path: ParameterPath, amount: float | None, unit: str | None, text: str
    ) -> InfeasibilityReason:
        """Return the reason of a parameter, its amount without floating-point noise.

        Args:
            rule: Constraint family.
            amount: Amount in `unit`, rounded to 12 significant digits; None if there is none.
            unit: Unit of the amount.
            text: Sentence for the reader.

        Returns:
            The reason.
        """
        return cls(rule, render_path(path), None if amount is None else float(f"{amount:.12g}"), unit, text)

    def encode(self) -> dict[str, object]:
        """Return the reason as one JSON row.

        Returns:
            Field name to value.
        """
        return {"rule": self.rule, "path": self.path, "amount": self.amount, "unit": self.unit, "text": self.text}


def format_number(value: float, up: bool | None = None, places: int | None = None) -> str:
    """Format a number with thousands separators and at least four significant digits.

    Args:
        up: Round up (True), down (False) or to nearest (None), so that "at most" and "at least" stay true.
        places: Digits after the point; None: four significant digits.

    Returns:
        The number as text, without trailing zeros.
    """
    if value == 0:
        return "0"
    places = _count_places(value) if places is None else places
    text = f"{_round_number(value, up, places):,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _count_places(value: float) -> int:
    """Return the digits after the point that give a number four significant digits."""
    return max(0, 3 - math.floor(math.log10(abs(value))))


def _round_number(value: float, up: bool | None, places: int) -> float:
    """Round a number up, down or to nearest (None); one that is off by less than a millionth of a digit to nearest."""
    step = 10.0**-places
    steps = value / step
    near = round(steps)
    if up is not None and abs(steps - near) > 1e-6:
        near = math.ceil(steps) if up else math.floor(steps)
    return near * step


def format_shortage(need: float, available: float) -> tuple[str, str, str]:
    """Format a need above the mass available, so that the difference of the first two is the third.

    Args:
        need: Need [kg], rounded down.
        available: Greatest mass available [kg], less than the need, rounded up.

    Returns:
        Need, mass available and shortage, with units, to four significant digits of the shortage.
    """
    places = _count_places(need - available)
    low, high = _round_number(need, False, places), _round_number(available, True, places)
    first, second = (f"{format_number(value, places=places)} kg" for value in (low, high))
    return first, second, format_kilograms(low - high)


def format_kilograms(value: float, up: bool | None = None) -> str:
    """Format a mass of metal, such as `214 kg`; below one kilogram in grams.

    Args:
        up: Rounding direction, see `format_number`.

    Returns:
        The mass with its unit.
    """
    return f"{format_number(value, up)} kg" if value == 0 or abs(value) >= 1 else f"{format_number(value * 1000, up)} g"


def format_tonnes(value: float, up: bool | None = None) -> str:
    """Format a mass of devices, such as `79,653 t`.

    Args:
        up: Rounding direction, see `format_number`.

    Returns:
        The mass with its unit.
    """
    return f"{format_number(value, up)} t"


def format_per_cent(share: float) -> str:
    """Format a share, such as `99.9 %`.

    Returns:
        The share in per cent.
    """
    return f"{share * 100:.6g} %"


def join_names(listed: Sequence[str], word: str = "") -> str:
    """Join names as an enumeration; of more than four, the first three and the number of the others.

    Args:
        word: Noun after the number of the others.

    Returns:
        The enumeration.
    """
    few = [escape_text(name) for name in listed[:MAX_LISTED_NAMES]]
    if len(listed) > MAX_LISTED_NAMES:
        return f"{', '.join(few[:-1])} and {len(listed) - MAX_LISTED_NAMES + 1} more{word and ' ' + word}"
    return " and ".join([", ".join(few[:-1]), few[-1]] if len(few) > 1 else few)


def _format_period_span(periods: Sequence[str]) -> str:
    """Format a span of periods, such as ` in 2017-04 to 2017-06`."""
    if not periods:
        return ""
    return (
        f" in {format_period(periods[0])}" if len(periods) == 1 else f" in {format_period(periods[0])} to {periods[-1]}"
    )


def format_period(name: str) -> str:
    """Format the name of a period for a sentence; a bare number becomes `period 1`.

    Args:
        name: Name of the period.

    Returns:
        The name.
    """
    return f"period {name}" if name.isdecimal() else name


def name_parameter(instance: Instance, path: ParameterPath) -> str:
    """Return a path for people, its last index as the name of the period: `market.silver.price 2018-05`.

    Args:
        instance: Instance with its periods.
        path: Path of a parameter in the instance file.

    Returns:
        The path; an index that is no period remains.
    """
    last = path[-1]
    field = find_field_description(path) if isinstance(last, int) else None
    if not isinstance(last, int) or field is None or field.value_form is not ValueForm.PERIODS:
        return render_path(path)
    return f"{render_path(path[:-1])} {format_period(instance.periods[last])}"


class RuleKey(NamedTuple):
    """One rule of the instance: constraint kind and index, over all periods (`demand`: one rule per deadline).

    Attributes:
        kind: Key of `RULE_FAMILIES`.
        names: Index without the period; empty for all rules of the kind.
    """

    kind: str
    names: tuple[str, ...]


def merge_rule_keys(keys: set[RuleKey], maximum: int) -> dict[RuleKey, RuleKey]:
    """Merge the rules of each kind that has more than `maximum` into one rule for the whole kind.

    Args:
        maximum: Number of rules of one kind that are reported separately.

    Returns:
        Each rule to the rule it is reported under.
    """
    count: dict[str, int] = {}
    for one in keys:
        count[one.kind] = count.get(one.kind, 0) + 1
    return {one: RuleKey(one.kind, ()) if count[one.kind] > maximum and one.names else one for one in keys}


RuleStatement = tuple[ParameterPath, float | None, str | None, str]
"""Path of the parameter that states a rule, its amount and unit, and the sentence.

A describer takes the instance, the rule with its names (without names: all its members together), and the periods in
which it is part of the conflict.
"""


def _describe_supply(instance: Instance, rule: RuleKey, periods: tuple[str, ...]) -> RuleStatement:
    """Describe the supply of one stream, or of all streams together."""
    streams, during = instance.streams, [instance.periods.index(t) for t in periods]
    within = streams.available.value[:, during].sum(axis=1)
    if not rule.names:
        offering = np.flatnonzero(within).tolist()
        best = streams.names[int(np.argmax(within))]
        text = (
            f"all {len(offering)} streams together offer "
            f"{format_tonnes(float(within.sum()))}{_format_period_span(periods)}"
        )
        return ("streams", best, "available"), float(within.sum()), "t", text
    i = streams.names.index(rule.names[0])
    text = (
        f"{escape_text(rule.names[0])} offers "
        f"{format_tonnes(float(within[i])) if within[i] else 'nothing'}{_format_period_span(periods)}"
    )
    return ("streams", rule.names[0], "available"), float(within[i]), "t", text


def _describe_bundle(instance: Instance, rule: RuleKey, periods: tuple[str, ...]) -> RuleStatement:
    """Describe the bundles whose streams are taken in the proportion offered."""
    streams = instance.streams
    members = [streams.names.index(name) for name in rule.names or streams.names]
    bundles = sorted({instance.bundles[streams.bundle[i]] for i in members if streams.bundle[i] >= 0})
    listed = join_names([f"{bundle} of {region}" for region, bundle in bundles])
    text = f"bundles are supplied in the proportion offered: {listed}"
    return ("streams", streams.names[members[0]], "bundle"), None, None, text


def _describe_stockpile(instance: Instance, rule: RuleKey, periods: tuple[str, ...]) -> RuleStatement:
    """Describe the storage limit of a stream."""
    streams = instance.streams
    name = rule.names[0] if rule.names else streams.names[int(np.argmax(streams.storable))]
    limit = float(streams.storage_limit.value[streams.names.index(name)])
    text = f"{escape_text(name)}: storage limit {format_tonnes(limit)}{_format_period_span(periods)}"
    return ("streams", name, "storage", "limit"), limit, "t", text


def _describe_offer_storage(instance: Instance, rule: RuleKey, periods: tuple[str, ...]) -> RuleStatement:
    """Describe the storage limit of an offer that is bought into stock."""
    market = instance.market
    limits = market.storage_limit.value
    o = market.names.index(rule.names[0]) if rule.names else int(np.isfinite(limits).any(axis=1).argmax())
    during = [instance.periods.index(t) for t in periods] or list(range(len(instance.periods)))
    limit = float(limits[o, during].min())
    text = f"{escape_text(market.names[o])}: storage limit {format_kilograms(limit)}{_format_period_span(periods)}"
    return ("market", market.names[o], "storage", "limit"), limit, "kg", text


def describe_limit(
    family: Family, limit: Limit, instance: Instance, rule: RuleKey, periods: tuple[str, ...]
) -> RuleStatement:
    """Describe a limit: of the total over its subjects and periods, or of a share; of one member, or of all together.

    Args:
        limit: One of its limits, with a sentence.
        rule: Rule with the name of the subject; without names, all together.
        periods: Periods in which it is part of the conflict.

    Returns:
        Path, amount, unit and sentence.
    """
    names, values = list_axis_names(instance)[family.axes[0]], get_limit(instance, limit).value
    indices = [names.index(name) for name in rule.names or names]
    every = limit.common and not rule.names
    of, span = f"every {family.axes[0]}" if every else join_names([names[n] for n in indices]), ""
    path: ParameterPath = limit.figure(names[indices[0]])
    if limit.unit == "%":
        share = float(values if limit.common else values[indices[0]])
        text = limit.sentence.format(format_per_cent(share))
        return path, 100 * share, "%", f"{of}: {text}"
    if family.periodic:
        values, span = values[:, [instance.periods.index(t) for t in periods]], _format_period_span(periods)
    total = float(np.where(np.isfinite(values[indices]), values[indices], 0.0).sum())
    say = format_kilograms if limit.unit == "kg" else format_tonnes
    return path, total, limit.unit, f"{of}: {limit.sentence.format(say(total))}{span}"


def _describe_demand(instance: Instance, rule: RuleKey, periods: tuple[str, ...]) -> RuleStatement:
    """Describe the mass of alloy owed by a deadline, and the medals it is for; medals that may be missed owe none."""
    alloys = [instance.alloys.names.index(rule.names[0])] if rule.names else list(range(len(instance.alloys.names)))
    until = rule.names[1] if len(rule.names) > 1 else instance.periods[-1]
    t = instance.periods.index(until)
    amount = float(compute_required_demand(instance)[alloys, t].sum())
    medals = instance.medals
    each = (medals.parts.value[:, alloys].sum(axis=1)) * medals.count * (medals.due <= t) * ~may_miss(instance)
    asking = [medals.names[m] for m in np.argsort(-each, kind="stable").tolist() if each[m] > 0]
    of = join_names([instance.alloys.names[a] for a in alloys])
    named = f"medal{'' if len(asking) == 1 else 's'} {join_names(asking)}" if asking else "no medal"
    text = f"{format_kilograms(amount)} of {of} are due by the end of {format_period(until)} ({named})"
    return ("medals", asking[0] if asking else medals.names[0], "count"), amount, "kg", text


def _describe_casting_limit(instance: Instance, rule: RuleKey, periods: tuple[str, ...]) -> RuleStatement:
    """Describe the limit that no more of an alloy is cast than the medals take."""
    path = _describe_demand(instance, RuleKey("demand", rule.names[:1]), periods)[0]
    alloys = [instance.alloys.names.index(rule.names[0])] if rule.names else slice(None)
    amount = float(compute_cumulative_demand(instance)[alloys, -1].sum())
    of = escape_text(rule.names[0]) if rule.names else "every alloy"
    text = f"{of}: castings do not exceed the {format_kilograms(amount)} that the medals need in total"
    return path, amount, "kg", text


def _describe_fineness(side: str, instance: Instance, rule: RuleKey, _: tuple[str, ...]) -> RuleStatement:
    """Describe the least (`low`) or greatest (`high`) share of a metal in an alloy."""
    if not rule.names:
        path: ParameterPath = ("alloys", instance.alloys.names[0], "composition")
        return path, None, None, "the composition windows of the alloys"
    alloy, metal = rule.names
    at = instance.alloys.names.index(alloy), instance.metals.names.index(metal)
    share = float(getattr(instance.alloys, side).value[at])
    word = "at least" if side == "low" else "at most"
    title = instance.metals.titles[at[1]]
    path = ("alloys", alloy, "composition", metal)
    return path, 100 * share, "%", f"{escape_text(alloy)} must contain {word} {format_per_cent(share)} {title}"


def _describe_charge_limit(instance: Instance, rule: RuleKey, periods: tuple[str, ...]) -> RuleStatement:
    """Describe the greatest charge of a group of offers to an alloy, in total over the periods."""
    if not rule.names:
        return ("alloys", instance.alloys.names[0], "limits"), None, None, "the limits on groups of offers charged"
    alloy, name = rule.names
    limits, during = instance.charge_limits, [instance.periods.index(t) for t in periods]
    a, n = instance.alloys.names.index(alloy), limits.names.index(name)
    most = float(limits.most.value[a, n, during].sum())
    offers = join_names([instance.market.names[o] for o in np.flatnonzero(limits.offers[a, n]).tolist()])
    text = f"{escape_text(alloy)}: at most {format_kilograms(most)} of {offers} charged{_format_period_span(periods)}"
    return ("alloys", alloy, "limits", name, "most"), most, "kg", text


def _describe_impurity_limit(instance: Instance, rule: RuleKey, _: tuple[str, ...]) -> RuleStatement:
    """Describe the greatest mean content of the feed of a smelter."""
    if not rule.names:
        return ("smelters", instance.smelters.names[0], "limits"), None, None, "the limits on impurities in feed"
    smelter, element = rule.names
    x = instance.impurities.names.index(element)
    limit = float(instance.impurities.limit.value[instance.smelters.names.index(smelter), x])
    title = escape_text(instance.impurities.titles[x])
    text = f"the feed of {escape_text(smelter)} may contain at most {format_number(limit)} kg/t of {title} on average"
    return ("smelters", smelter, "limits", element), limit, "kg/t", text


def _describe_unnamed_share(instance: Instance, rule: RuleKey, _: tuple[str, ...]) -> RuleStatement:
    """Describe the greatest share of unnamed metals in an alloy."""
    alloy = rule.names[0] if rule.names else instance.alloys.names[int(np.argmax(instance.alloys.admits_others))]
    share = float(instance.alloys.others.value[instance.alloys.names.index(alloy)])
    text = f"{escape_text(alloy)} may contain at most {format_per_cent(share)} unnamed metals (`others`)"
    return ("alloys", alloy, "others"), 100 * share, "%", text


def _describe_recycled_content(instance: Instance, rule: RuleKey, _: tuple[str, ...]) -> RuleStatement:
    """Describe the least share of recycled metal."""
    metals = [instance.metals.names.index(name) for name in rule.names] or list(range(len(instance.metals.names)))
    share = float(instance.policy.recycled.value[metals].max())
    text = (
        f"at least {format_per_cent(share)} of the "
        f"{join_names([instance.metals.titles[e] for e in metals])} must be recycled"
    )
    return ("policy", "recycled", instance.metals.names[metals[0]]), 100 * share, "%", text


def _describe_step(kind: ActivityKind, instance: Instance, rule: RuleKey, _: tuple[str, ...]) -> RuleStatement:
    """Describe the limit of the last price step of streams or offers."""
    steps, names, owners = kind.get_steps(instance), kind.list_steps(instance), getattr(instance, kind.part).names
    rows = [names.index(name) for name in rule.names or names]
    total = float(steps.above.value[rows].sum())
    amount = format_kilograms(total) if kind.unit == "kg" else format_tonnes(total)
    whose = join_names([owners[steps.owner[row]] for row in rows])
    return parse_path(names[rows[0]]), total, kind.unit, f"{whose}: the last price step ends at {amount}"


def _describe_reserve(instance: Instance, rule: RuleKey, _: tuple[str, ...]) -> RuleStatement:
    """Describe the safety stock of a metal."""
    metals = instance.metals
    e = metals.names.index(rule.names[0]) if rule.names else int(np.argmax(metals.reserve))
    ahead = int(metals.reserve[e])
    need = "the next period" if ahead == 1 else f"the next {ahead} periods"
    text = f"{metals.titles[e]}: what is charged in {need} must be in stock at the end of each period"
    return ("metals", metals.names[e], "reserve"), float(ahead), None, text


def _describe_participation(instance: Instance, rule: RuleKey, _: tuple[str, ...]) -> RuleStatement:
    """Describe the least share of its supply that each region must send."""
    share = float(instance.policy.participation.value)
    regions = [instance.regions.index(name) for name in rule.names] or list(range(len(instance.regions)))
    offers = instance.streams.available.value[np.isin(instance.streams.region, regions)].sum()
    minimum = share * float(offers)
    of = join_names([instance.regions[g] for g in regions]) if rule.names else "every region"
    text = f"{of} must supply at least {format_per_cent(share)} of its offer, {format_tonnes(minimum)}"
    return ("policy", "participation"), minimum, "t", text


def _describe_footprint_cap(instance: Instance, *_: Any) -> RuleStatement:
    """Describe the footprint cap."""
    cap = float(instance.policy.footprint_cap.value) / 1000
    return ("policy", "footprint_cap"), cap, "t", f"footprint cap {format_number(cap)} t CO2e"


def _describe_extension(instance: Instance, rule: RuleKey, _: tuple[str, ...]) -> RuleStatement:
    """Describe a constraint that the user added."""
    name = f"{rule.names[0]}[{','.join(rule.names[1:])}]" if len(rule.names) > 1 else "".join(rule.names[:1])
    path = ("extension", rule.names[0] if rule.names else "all")
    return path, None, None, f"constraint `{escape_text(name)}` of the extension"


def _describe_settlement(
    description: str, instance: Instance, rule: RuleKey, periods: tuple[str, ...]
) -> RuleStatement:
    """Describe the settlement of a pooled lot, by a sentence with `{lot}`, `{metal}` and `{deduction}`."""
    lots = list_pool_names(instance)
    pool = lots.index(rule.names[0]) if rule.names else 0
    line, metals = int(np.flatnonzero(instance.terms.pooled)[pool]), instance.metals.names
    e = metals.index(rule.names[1]) if rule.names else int(instance.terms.deduction.value[line].argmax())
    minimum = float(instance.terms.deduction.value[line, e])
    of = f"the pooled lot of {escape_text(lots[pool])}{_format_period_span(periods)}"
    text = description.format(lot=of, metal=instance.metals.titles[e], deduction=f"{1000 * minimum:.6g} g/t")
    return locate_pool_terms(instance, pool), 1000 * minimum, "g/t", text


SPECIAL_STATEMENTS: Mapping[str, Callable[..., RuleStatement]] = {  # by kind; else the limit's own sentence
    "extension": _describe_extension,
    "footprint_cap": _describe_footprint_cap,
    "offer_storage": _describe_offer_storage,
    "participation": _describe_participation,
    "recycled": _describe_recycled_content,
    "reserve": _describe_reserve,
    "stockpile": _describe_stockpile,
    "together": _describe_bundle,
    "no_more": _describe_casting_limit,
    "others": _describe_unnamed_share,
    "charge_limit": _describe_charge_limit,
    "impurity_limit": _describe_impurity_limit,
    "fineness_high": partial(_describe_fineness, "high"),
    "fineness_low": partial(_describe_fineness, "low"),
    "withheld_least": partial(
        _describe_settlement, "{lot} returns at most its {metal} less the deduction of {deduction}"
    ),
    "withheld_most": partial(
        _describe_settlement, "{lot} returns at least the {metal} that its feeds would return apart"
    ),
    "withheld_all": partial(_describe_settlement, "{lot} must contain at least the deduction of {deduction} {metal}"),
    "supply": _describe_supply,
    "demand": _describe_demand,
    **{f"{kind.name}_steps": partial(_describe_step, kind) for kind in STEP_KINDS},
}
