"""Parsed instance before assembly: document, calendar, currency and rates, entries of scenarios, sheets, error log."""

from __future__ import annotations

import re
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

from medalopt.errors import FaultKind
from medalopt.instance.reader.files import FaultLog
from medalopt.instance.reader.rows import InputSheet
from medalopt.instance.reader.yaml_nodes import MappingNode, Node, ScalarNode, find_node, locate_key, locate_path
from medalopt.instance.schema.document import Document, Periods
from medalopt.instance.schema.field_types import QuantityField, ValidationContext
from medalopt.text import ParameterPath, escape_text, join_names
from medalopt.units import Money, QuantityError, find_currency, parse_quantity

_CURRENCY_CODE = "[A-Z]{3}"


def read_money(root: MappingNode, faults: FaultLog) -> Money:
    """Read the currency and the exchange rates; chains of rates are resolved, cyclic ones remain unknown.

    Returns:
        Currency and exchange rates.
    """
    node = find_node(root, ("currency",))
    currency = node.text if isinstance(node, ScalarNode) and re.fullmatch(_CURRENCY_CODE, node.text) else ""
    rates, unknown = resolve_exchange_rates(_list_rates(root, currency, faults), currency)
    return Money(currency, rates, complete=bool(currency), unknown=unknown)


def resolve_exchange_rates(
    given: AnyMapping[str, str | float], currency: str
) -> tuple[dict[str, Fraction], dict[str, str]]:
    """Resolve exchange rates to one currency, in linear time.

    Args:
        given: Rate of each currency, in `currency` or in another currency that has a rate.
        currency: Target currency.

    Returns:
        Value of one unit of each currency in `currency`; and for each currency without a rate the reason.
    """
    rates: dict[str, Fraction] = {}
    causes: dict[str, str] = {}
    for start in given:
        chain: list[str] = []
        members: set[str] = set()
        code = start
        while code in given and code not in rates and code not in causes and code not in members:
            chain.append(code)
            members.add(code)
            code = _find_rate_currency(given[code])
        if code in members:
            circle = chain[chain.index(code) :]
            text = f"the rates of {join_names(circle)} are given in terms of each other: give one of them in {currency}"
            causes |= dict.fromkeys(circle, text)
            chain = chain[: -len(circle)]
        for one in reversed(chain):
            rate = _resolve_rate(one, given[one], causes, Money(currency, rates, complete=bool(currency)))
            (rates if isinstance(rate, Fraction) else causes)[one] = rate  # type: ignore[assignment]
    return rates, {code: f"the currency `{code}` has no rate in {currency}: {cause}" for code, cause in causes.items()}


def _list_rates(root: MappingNode, currency: str, faults: FaultLog) -> dict[str, str | float]:
    """Return the exchange rates as written, without one of the instance's own currency, which is an error."""
    section = find_node(root, ("exchange",))
    if not isinstance(section, MappingNode):
        return {}
    result = {code: node for code, node in section.items.items() if isinstance(node, ScalarNode) and not node.null}
    if currency in result:
        message = f"`{escape_text(currency)}` is the instance's own currency: delete its rate"
        faults.add_error(section.keys[currency], ("exchange", currency), message, kind=FaultKind.VALUE)
    return {
        code: node.value
        for code, node in result.items()
        if code != currency and re.fullmatch(_CURRENCY_CODE, code) and isinstance(node.value, (str, int, float))
    }


def _find_rate_currency(rate: str | float) -> str:
    """Return the currency in which a rate is given; '' for that of the instance, or if the rate is unreadable."""
    return find_currency(rate) if isinstance(rate, str) else ""


def _resolve_rate(code: str, text: str | float, causes: AnyMapping[str, str], known: Money) -> Fraction | str:
    """Return the rate of a currency in that of the instance, or the reason why there is none."""
    target = _find_rate_currency(text)
    if target and known.find_rate(target) is None:
        return causes.get(target, f"`exchange` gives that of `{code}` in `{target}`, for which it gives none")
    try:
        quantity = parse_quantity(text, "money", known)
    except QuantityError:
        return f"that of `{code}`, `{escape_text(str(text))}`, is no amount of money"
    return quantity.exact if quantity.raw > 0 else f"that of `{code}`, `{escape_text(str(text))}`, is not more than 0"


_MONTHS_PER_PERIOD = {"month": 1, "quarter": 3, "year": 12}
_MONTH_LABEL = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Calendar:
    """Periods of the planning horizon; any month inside a period names it."""

    start: str | None
    count: int
    length: str

    @classmethod
    def build(cls, periods: Periods) -> Calendar:
        """Build the calendar of an instance file.

        Args:
            periods: Section `periods` of the file.

        Returns:
            The calendar.
        """
        return cls(periods.start, periods.count, periods.length)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Label of each period: its first month, or its number from 1 if there is no start, (T,) labels."""
        if self.start is None:
            return tuple(str(number + 1) for number in range(self.count))
        first = _parse_month(self.start)
        return tuple(_format_month(first + number * _MONTHS_PER_PERIOD[self.length]) for number in range(self.count))

    def find_period(self, text: str) -> int | None:
        """Find the period with a label.

        Args:
            text: Month or number of a period.

        Returns:
            Index of the period; None if there is no such period.
        """
        if self.start is None:
            return self.labels.index(text) if text in self.labels else None
        if not _MONTH_LABEL.fullmatch(text):
            return None
        number = (_parse_month(text) - _parse_month(self.start)) // _MONTHS_PER_PERIOD[self.length]
        return number if 0 <= number < self.count else None

    def describe_unknown(self, text: str) -> str:
        """Describe a label that names no period.

        Args:
            text: The label.

        Returns:
            Message for the user.
        """
        ends = f"`{self.labels[0]}` to `{self.labels[-1]}`" if self.count > 1 else f"`{self.labels[0]}` alone"
        inside = ", or any month inside one" if self.start and self.length != "month" else ""
        return f"`{escape_text(text)}` names no period: those are {ends}{inside}"


def _parse_month(text: str) -> int:
    """Return the number of months since year 0."""
    year, month = text.split("-")
    return int(year) * 12 + int(month) - 1


def _format_month(month: int) -> str:
    """Format a number of months since year 0 as `YYYY-MM`."""
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


CHANGES, PROBABILITY = "changes", "probability"
ROUNDING = Fraction(1, 1000)  # by which probabilities may miss 100 % together: 33.3 % three times
_MAX_NAMED = 5


@dataclass(frozen=True)
class ScenarioEntry:
    """Changes of one scenario, as a mapping, and its probability as written.

    The file gives new values by path, or `{changes: …, probability: …}`.
    """

    changes: MappingNode
    probability: Node | None


def read_scenario_entry(node: MappingNode, path: tuple[str, ...], faults: FaultLog) -> ScenarioEntry:
    """Read one scenario in any of its forms.

    Args:
        node: Entry of the section or file.
        path: Path of the entry.
        faults: Log for errors.

    Returns:
        Its changes and probability.
    """
    rest = {name: item for name, item in node.items.items() if name not in (CHANGES, PROBABILITY)}
    changes, probability = node.items.get(CHANGES), node.items.get(PROBABILITY)
    if changes is None:
        keys = {name: node.keys[name] for name in rest}
        return ScenarioEntry(node if probability is None else MappingNode(rest, keys, node.place), probability)
    for name in rest:
        faults.add_error(
            node.keys[name],
            (*path, name),
            f"stands beside `{CHANGES}`: write it below `{CHANGES}`; beside that is only `{PROBABILITY}`",
            kind=FaultKind.STRUCTURE,
        )
    if isinstance(changes, ScalarNode) and changes.null:
        changes = MappingNode({}, {}, changes.place)
    if not isinstance(changes, MappingNode):
        faults.add_error(
            changes.place,
            (*path, CHANGES),
            "expected changes, path to value, such as {devices.*.content.Ag: 85 %}",
            kind=FaultKind.STRUCTURE,
        )
        changes = MappingNode({}, {}, node.place)
    return ScenarioEntry(changes, probability)


def separate_probabilities(root: MappingNode, faults: FaultLog) -> tuple[MappingNode, dict[str, float]]:
    """Return the tree with the changes of each scenario alone, and the probabilities.

    Args:
        root: Root of the instance file, without notes.
        faults: Log for errors.

    Returns:
        The tree, and the probability of each scenario that has one; they sum to 1.
    """
    section = root.items.get("scenarios")
    if not isinstance(section, MappingNode):
        return root, {}
    entries: dict[str, Node] = {}
    stated: dict[str, Fraction] = {}
    wrong = False
    for name, node in section.items.items():
        if not isinstance(node, MappingNode):
            entries[name] = node
            continue
        entry = read_scenario_entry(node, ("scenarios", name), faults)
        entries[name] = entry.changes
        if entry.probability is not None:
            value = _read_probability(entry.probability, name, faults)
            wrong |= value is None
            stated |= {} if value is None else {name: value}
    total = sum(stated.values(), Fraction())
    if stated and not wrong and abs(total - 1) > ROUNDING:
        listed = ", ".join(f"{escape_text(name)} {_percent(value)}" for name, value in [*stated.items()][:_MAX_NAMED])
        more = ", …" if len(stated) > _MAX_NAMED else ""
        faults.add_error(
            section.keys[next(iter(stated))],
            ("scenarios",),
            f"the probabilities sum to {_percent(total)}, not to 100 %: {listed}{more}",
            kind=FaultKind.VALUE,
        )
    scaled = {name: float(value / total) for name, value in stated.items()} if total else {}
    inner = MappingNode(entries, section.keys, section.place)
    return MappingNode({**root.items, "scenarios": inner}, root.keys, root.place), scaled


def _read_probability(node: Node, name: str, faults: FaultLog) -> Fraction | None:
    """Return a probability; None, with an error, where it is none."""
    path = ("scenarios", name, PROBABILITY)
    text = f"expected a probability from 0 to 100 %, such as {PROBABILITY}: 20 %"
    if not isinstance(node, ScalarNode) or node.null or isinstance(node.value, bool):
        faults.add_error(node.place, path, text, kind=FaultKind.VALUE)
        return None
    try:
        return QuantityField(high=1).check(node.value, Money("")).exact
    except QuantityError as error:
        faults.add_error(node.place, path, f"{text}; {error}", kind=FaultKind.VALUE)
        return None


def _percent(share: Fraction) -> str:
    """Return a share in per cent."""
    return f"{float(100 * share):.6g} %"


def list_scenario_items(node: MappingNode) -> list[tuple[str, Node]]:
    """List the changes of a scenario by path, and its probability last.

    Args:
        node: Entry of the file.

    Returns:
        Pairs of path, or `probability`, and value.
    """
    entry = read_scenario_entry(node, (), FaultLog())
    items = [*entry.changes.items.items()]
    return items if entry.probability is None else [*items, (PROBABILITY, entry.probability)]


@dataclass(frozen=True)
class Draft:
    """Validated document and sheets of an instance whose arrays are not yet built.

    Attributes:
        root: Root of the YAML tree, for locations.
        document: Validated document.
        context: Defined names, money and number of periods, for validation.
        calendar: Periods; None if invalid.
        streams: Rows of streams.
        lanes: Rows of lanes; None if there is no such section.
        faults: Log for errors and warnings.
        probabilities: Probability of each scenario that has one.
    """

    root: MappingNode
    document: Document
    context: ValidationContext
    calendar: Calendar | None
    streams: InputSheet
    lanes: InputSheet | None
    faults: FaultLog
    probabilities: AnyMapping[str, float] = field(default_factory=dict)

    def add_fault(self, path: ParameterPath, message: str, *, kind: FaultKind, key: bool = False) -> None:
        """Add an error at a path of the file.

        Args:
            path: Path of the parameter.
            message: Description and remedy.
            kind: Its kind.
            key: True for the location of the key, False for that of the value.
        """
        self.faults.add_error(
            locate_key(self.root, path) if key else locate_path(self.root, path), path, message, kind=kind
        )

    def add_warning(self, path: ParameterPath, message: str, *, kind: FaultKind, key: bool = True) -> None:
        """Add a warning at a path of the file.

        Args:
            path: Path of the parameter.
            message: Description and remedy.
            kind: Its kind.
            key: True for the location of the key, False for that of the value.
        """
        self.faults.add_warning(
            locate_key(self.root, path) if key else locate_path(self.root, path), path, message, kind=kind
        )

    @cached_property
    def unit_mass(self) -> dict[str, Fraction]:
        """Mass of one piece of each device that gives it, kg by device."""
        devices = self.document.devices.items()
        return {name: device.unit_mass.exact for name, device in devices if device.unit_mass is not None}
