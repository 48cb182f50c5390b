"""Repairs of an infeasible instance in words: each changed parameter as an amount, a count, a period or a window."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from medalopt.analysis.refusal_words import period
from medalopt.analysis.repair import Change
from medalopt.instance.instance import Instance
from medalopt.instance.paths import Path, parse
from medalopt.report.numbers import digits
from medalopt.wording import counted, shown

OWN = "extension"  # first step of the path of a constraint added by the user
Saying = Callable[[Instance, Path, Change], str]


def said(instance: Instance, change: Change) -> str:
    """Return one change of a repair in words, such as `2 t more of phone@tokyo by 2018-03`.

    Args:
        instance: Infeasible instance.
        change: Parameter with its value before and after.

    Returns:
        The phrase; of a parameter without a phrase of its own, its path.
    """
    path = parse(change.path)
    if path[0] == OWN:
        return _own(path, change)
    for step in reversed(path[1:]):
        saying = _SAYING.get((str(path[0]), str(step)))
        if saying is not None:
            return saying(instance, path, change)
    return f"another {shown(change.path)}"


def _own(path: Path, change: Change) -> str:
    """Return the change of a constraint that the user added by an extension."""
    name = shown(str(path[1]))
    if change.after == []:
        return f"your own rule {name} left out"
    return f"your own rule {name} ending at {digits(float(str(change.after)))}"


def _more(change: Change) -> str:
    """Return the difference of the values, summed over periods, with its unit, such as `2 t more`."""
    before, after = (sum(value) if isinstance(value, list) else float(value) for value in (change.before, change.after))
    by = abs(after - before)
    return f"{digits(by)}{f' {change.unit}' if change.unit else ''} {'more' if after > before else 'less'}"


def _during(instance: Instance, path: Path, change: Change, until: bool = False) -> str:
    """Return the periods of a change: one period of an index, all together for a list or a total, else each."""
    if isinstance(path[-1], int):
        return f" {'by the end of' if until else 'in'} {period(instance.periods[path[-1]])}"
    if path[-1] == "total" or isinstance(change.after, list):
        return " in all"
    return "" if len(instance.periods) == 1 else f" in each {_span(instance)}"


def _stream(instance: Instance, path: Path, change: Change) -> str:
    """Return a change of the supply of a stream."""
    return f"{_more(change)} of {shown(str(path[1]))}{_during(instance, path, change, until=True)}"


def _waiting(_: Instance, path: Path, change: Change) -> str:
    """Return a change of the storage limit of a stream."""
    return f"room for {_more(change)} of {shown(str(path[1]))} to wait"


def _committed(_: Instance, path: Path, change: Change) -> str:
    """Return a change of a committed quantity."""
    name = shown(str(path[1]))
    return f"the commitment of {name} dropped" if change.after == 0 else f"{_more(change)} committed of {name}"


def _through(what: str) -> Saying:
    """Make the phrase for a capacity or limit."""

    def saying(instance: Instance, path: Path, change: Change) -> str:
        """Return the change of the capacity or limit."""
        in_all = " in all" if path[-1] == "limit" else _during(instance, path, change)
        return f"{_more(change)} {what} {shown(str(path[1]))}{in_all}"

    return saying


def _medals(_: Instance, path: Path, change: Change) -> str:
    """Return a change of the number of medals."""
    by = int(float(str(change.after))) - int(float(str(change.before)))
    return f"{abs(by):,} {'more' if by > 0 else 'fewer'} of medal {shown(str(path[1]))}"


def _due(instance: Instance, path: Path, change: Change) -> str:
    """Return the delay of a due date in periods."""
    before, after = (instance.periods.index(str(value)) for value in (change.before, change.after))
    return f"medal {shown(str(path[1]))} due {spans(instance, after - before)} later"


def _lead(instance: Instance, path: Path, change: Change) -> str:
    """Return the reduction of a lead time in periods."""
    by = int(float(str(change.before))) - int(float(str(change.after)))
    what = "process scrap" if path[0] == "alloys" else "metal"
    return f"{what} back from {shown(str(path[1]))} {spans(instance, by)} sooner"


def spans(instance: Instance, count: int) -> str:
    """Return a number of periods in words, by their length where it is known: `2 months`.

    Args:
        instance: Instance with its periods.
        count: Number of periods.

    Returns:
        The count with its noun.
    """
    return counted(count, _span(instance))


def _span(instance: Instance) -> str:
    """Return the word for one period: its length, or `period` where periods are only numbered."""
    return "period" if instance.periods[0].isdecimal() else instance.period_length


def _window(_: Instance, path: Path, change: Change) -> str:
    """Return by how many percentage points a window of fineness or of device shares becomes wider."""
    of = [shown(str(step)) for step in path[1:] if step not in ("composition", "device_share", "share")]
    values = [value if isinstance(value, list) else [value] for value in (change.before, change.after)]
    before, after = ([float(one) for one in ends] for ends in values)
    wider = max(abs(one - before[0]) for one in after)
    return f"a window of {' '.join(one for one in of if not one.isdecimal())} {digits(wider)} points wider"


def _others(_: Instance, path: Path, change: Change) -> str:
    """Return a change of the admitted share of metals that the composition does not name."""
    return f"up to {digits(float(str(change.after)))} % of what its composition does not name in {shown(str(path[1]))}"


def _at(what: str) -> Saying:
    """Make the phrase for a parameter that is set to a value."""

    def saying(_: Instance, path: Path, change: Change) -> str:
        """Return the new value in words."""
        unit = f" {change.unit}" if change.unit else ""
        return f"{what.format(shown(str(path[1])), shown(str(path[-1])))} of {digits(float(str(change.after)))}{unit}"

    return saying


def _stock(instance: Instance, path: Path, change: Change) -> str:
    """Return a change of the opening stock of a metal."""
    title = instance.metals.titles[instance.metals.names.index(str(path[1]))]
    return f"{_more(change)} of {shown(title)} in stock at the start, whose own price is not counted"


def _floor(instance: Instance, path: Path, change: Change) -> str:
    """Return a change of the minimum recycled share of a metal."""
    title = instance.metals.titles[instance.metals.names.index(str(path[2]))]
    return f"a floor of {digits(float(str(change.after)))} % on recycled {shown(title)}"


_SAYING: Mapping[tuple[str, str], Saying] = {
    ("streams", "available"): _stream,
    ("streams", "total"): _stream,
    ("streams", "limit"): _waiting,
    ("streams", "committed"): _committed,
    ("smelters", "committed"): _committed,
    ("market", "committed"): _committed,
    ("smelters", "capacity"): _through("through"),
    ("smelters", "limit"): _through("through"),
    ("treatments", "capacity"): _through("through"),
    ("alloys", "capacity"): _through("cast of"),
    ("market", "limit"): _through("of"),
    ("medals", "count"): _medals,
    ("medals", "due"): _due,
    ("smelters", "lead"): _lead,
    ("alloys", "lead"): _lead,
    ("alloys", "composition"): _window,
    ("alloys", "others"): _others,
    ("policy", "device_share"): _window,
    ("alloys", "loss"): _at("a melt loss of {}"),
    ("alloys", "share"): _at("a share of process scrap of {}"),
    ("alloys", "returned"): _at("a share of the scrap of {} charged again"),
    ("policy", "participation"): _at("a share sent by every region"),
    ("policy", "footprint_cap"): _at("a cap on the footprint"),
    ("policy", "recycled"): _floor,
    ("metals", "opening_stock"): _stock,
}
