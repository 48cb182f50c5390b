"""Registry of the constraint kinds that can be part of a conflict: family, sentence, and parameters of repairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from medalopt.analysis import conflict_words as words
from medalopt.analysis import repair_candidates as figures
from medalopt.analysis.conflict_members import Key
from medalopt.analysis.refusal_words import Reason, kilograms, plain, tonnes
from medalopt.analysis.repair_figure import Figure
from medalopt.instance.instance import Instance
from medalopt.instance.paths import render

IDENTITIES = frozenset({"balance", "offer_balance", "melt", "process_scrap"})


class Rule(NamedTuple):
    """One constraint kind.

    Attributes:
        family: Constraint family of the formulation.
        says: Describer of a rule of this kind.
        figures: Lister of the parameters that relax it.
    """

    family: str
    says: Callable[..., words.Said]
    figures: Callable[..., Iterator[Figure]]


_LIMITS = "commitments and limits"
_FEED, _OFFER = ("smelters", "t"), ("market", "kg")
RULES: Mapping[str, Rule] = {  # in the order in which the deletion filter tries to drop them from a conflict
    "extension": Rule("extension", words.extension, figures.none),
    "footprint_cap": Rule("footprint", words.footprint, figures.footprint),
    "participation": Rule("participation", words.participation, figures.participation),
    "mix_low": Rule("device mix", words.mix("window_low"), figures.mix("window_low")),
    "mix_high": Rule("device mix", words.mix("window_high"), figures.mix("window_high")),
    "stockpile": Rule("supply", words.stockpile, figures.stockpile),
    "together": Rule("supply", words.together, figures.none),
    "treatment_capacity": Rule(
        "capacity", words.capacity("treatments", tonnes, "of input"), figures.capacity("treatments", "t")
    ),
    "feed_capacity": Rule("capacity", words.capacity("smelters", tonnes, "of feed"), figures.capacity("smelters", "t")),
    "cast_capacity": Rule(
        "capacity", words.capacity("alloys", kilograms, "can be cast"), figures.capacity("alloys", "kg")
    ),
    "no_more": Rule("demand", words.no_more, figures.fewer_or_more(True)),
    "stream_commitment": Rule(
        _LIMITS,
        words.total("streams", "committed", tonnes, "t", "at least {} are committed"),
        figures.total("streams", "committed", "t", False),
    ),
    "feed_committed": Rule(
        _LIMITS,
        words.total("smelters", "committed", tonnes, "t", "at least {} of feed are committed"),
        figures.total("smelters", "committed", "t", False),
    ),
    "feed_limit": Rule(
        _LIMITS,
        words.total("smelters", "limit", tonnes, "t", "at most {} of feed in all"),
        figures.total("smelters", "limit", "t", True),
    ),
    "offer_committed": Rule(
        _LIMITS,
        words.total("market", "committed", kilograms, "kg", "at least {} are committed"),
        figures.total("market", "committed", "kg", False),
    ),
    "offer_limit": Rule(
        _LIMITS,
        words.total("market", "limit", kilograms, "kg", "at most {} can be bought"),
        figures.total("market", "limit", "kg", True),
    ),
    "others": Rule("fineness", words.others, figures.others),
    "fineness_high": Rule("fineness", words.fineness("high"), figures.fineness("high")),
    "fineness_low": Rule("fineness", words.fineness("low"), figures.fineness("low")),
    "recycled": Rule("recycled content", words.recycled, figures.recycled),
    **{
        name: Rule("settlement", words.settlement(says), figures.none)
        for name, says in {
            "withheld_least": "{lot} returns at most its {metal} less the deduction of {deduction}",
            "withheld_most": "{lot} returns at least the {metal} that its feeds would return apart",
            "withheld_all": "{lot} must hold at least the deduction of {deduction} {metal}",
        }.items()
    },
    "supply": Rule("supply", words.supply, figures.more_of_stream),
    "demand": Rule("demand", words.demand, figures.demand),
}
ORDER: Mapping[str, int] = {kind: number for number, kind in enumerate(RULES)}
_BY_END: Mapping[str, tuple[str, str]] = {
    "purchase": ("offer_committed", "offer_limit"),
    "feed_total": ("feed_committed", "feed_limit"),
    "demand": ("demand", "no_more"),
    "bundle_supply": ("together", "supply"),
}
_WHOLE = frozenset({"recycled", "mix_low", "mix_high", "participation", "purchase", "feed_total", "stream_commitment"})
_TOLD_FIRST = ("demand", _LIMITS, "participation", "supply", "capacity")
_LAST = ("available",)  # tried last: more supply than was offered


@lru_cache(maxsize=2**16)
def key(place: tuple[str, Any], end: int) -> tuple[Key, str] | None:
    """Identify the rule that one bound of a model row enforces.

    Args:
        place: Pyomo component and index of the row; not of a user's extension (see `identify_extension_rule`).
        end: `LOWER_END` or `UPPER_END`.

    Returns:
        Rule and period (empty if over the horizon); None for definitions and balances, which state no rule.
    """
    component, index = place
    if component.startswith("define_") or component in IDENTITIES:
        return None
    kind = _BY_END[component][end] if component in _BY_END else component
    at = _names(index)
    if component == "footprint_cap" or component in _WHOLE:
        return Key(kind, tuple(at)), ""
    if kind == "demand":
        return Key(kind, tuple(at)), at[-1]  # one rule per deadline
    return Key(kind, tuple(at[:-1])), at[-1]


def own(place: tuple[str, Any]) -> tuple[Key, str]:
    """Identify the rule of a row that a user's extension added.

    Args:
        place: Pyomo component and index of the row.

    Returns:
        Rule, and an empty period.
    """
    component, index = place
    return Key("extension", (component, *map(str, _names(index)))), ""


def _names(index: Any) -> tuple[Any, ...]:
    """Return an index as a tuple."""
    return index if isinstance(index, tuple) else () if index is None else (index,)


def told(instance: Instance, rules: Mapping[Key, tuple[str, ...]]) -> tuple[Reason, ...]:
    """Describe rules as sentences: demand first, then commitments, participation, supply and capacity, then all others.

    Args:
        instance: Instance.
        rules: Each rule with its periods.

    Returns:
        Reasons in the order of the report.
    """
    rows = []
    for rule, periods in rules.items():
        kind = RULES[rule.kind]
        path, amount, unit, text = kind.says(instance, rule, periods)
        rows.append(Reason(kind.family, render(path), plain(amount), unit, text))
    place = {family: number for number, family in enumerate(_TOLD_FIRST)}
    return tuple(sorted(rows, key=lambda row: (place.get(row.rule, len(place)), row.path, row.text)))


def candidates(instance: Instance, rules: Mapping[Key, tuple[str, ...]], likely: Mapping[str, int]) -> list[Figure]:
    """List the parameters that relax the rules of a conflict, each once, supply in all periods last.

    Args:
        instance: Instance.
        rules: Each rule with its periods.
        likely: Streams in the order in which more supply helps most, see `list_stream_supply`.

    Returns:
        Parameters in the order in which they are tried.
    """
    made: list[Figure] = []
    for rule, periods in rules.items():
        made += RULES[rule.kind].figures(instance, rule.names, periods, likely)
    once = list({figure.paths[0]: figure for figure in made}.values())
    return sorted(once, key=lambda figure: figure.field in _LAST)
