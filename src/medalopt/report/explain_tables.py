"""Tables of an explanation: binding constraints, marginal prices both ways, and the cost breakdown by shadow price."""

from __future__ import annotations

from medalopt.analysis.explanation.explanation import Explanation
from medalopt.analysis.explanation.invoice import Line
from medalopt.analysis.explanation.kinks import Kink
from medalopt.instance.paths import parse
from medalopt.report.numbers import column, digits, money, scale
from medalopt.report.section import Column, Section, section
from medalopt.wording import shown

MOST_BINDING, MOST_OWN, MOST_LINES = 6, 3, 7
LITTLE = 1e-3  # relative to the largest saving from relaxing by a hundredth; smaller ones are in --json only
FAR_ABOVE = 1.5  # times the market price, above which a metal gets a sentence
SAME = 1e-6  # relative tolerance of masses
_KINK = 1e-7  # relative tolerance of the two prices at a breakpoint
_ALIKE = 1e-4  # relative tolerance within which a price equals the market price


def binding(found: Explanation) -> Section:
    """Return the table of binding constraints with the saving from relaxing each by one unit.

    Args:
        found: Explanation of an optimal plan.

    Returns:
        The constraints of the largest saving, then those added by the user.
    """
    least = LITTLE * max((row.hint for row in found.binding), default=0.0)
    much = [row for row in found.binding if row.hint >= least][:MOST_BINDING]
    own = [row for row in found.binding[len(much) :] if parse(row.paths[0])[0] == "extension"]
    listed = [*much, *own[:MOST_OWN]]
    rest = len(found.binding) - len(listed)
    changes = [
        f"1 {f'{row.unit} ' if row.unit else ''}{'more' if row.step > 0 else 'less'}"
        f"{' in each period' if row.every_period else ''}"
        for row in listed
    ]
    columns = [
        (Column("what", right=False), [shown(row.what) for row in listed]),
        (Column("change", right=False), changes),
        (Column(f"saves {found.plan.unit}"), [money(row.saves) for row in listed]),
    ]
    notes = [f"{rest} more, of less worth: --json has all."] if rest > 0 else []
    return section("What binds, and what loosening it a little would save", columns, notes=notes)


def prices(found: Explanation) -> Section:
    """Return the table of the marginal prices of metals and medals.

    The objective is piecewise linear in each demand, so the increase for one more and the saving for one fewer differ
    at a breakpoint.

    Args:
        found: Explanation of an optimal plan.

    Returns:
        The table beside market prices; prices equal to the market, or far below it with a surplus, are notes.
    """
    plain = [shown(kink.name) for kink in found.kinks if _as_on_the_market(kink)]
    listed = [kink for kink in found.kinks if not _as_on_the_market(kink) and not in_plenty(found, kink)]
    unit = found.plan.unit
    columns = [
        (Column("what", right=False), [_name(kink) for kink in listed]),
        (Column(f"one more costs {unit}"), [_money(kink.more, kink.fewer) for kink in listed]),
        (Column(f"one fewer saves {unit}"), [_money(kink.fewer, kink.more) for kink in listed]),
        (Column(f"market {unit}", rank=2), [money(kink.market.price) if kink.market else "" for kink in listed]),
        (Column("times", rank=1), [_times(kink) for kink in listed]),
    ]
    notes = [f"As on the market: {', '.join(plain)}."] if plain else []
    plenty = [f"{shown(kink.name)} ({money(kink.more or 0.0)})" for kink in found.kinks if in_plenty(found, kink)]
    notes += [f"Far below the market, as more comes back than is needed: {', '.join(plenty)}."] if plenty else []
    if any(kink.unit for kink in listed):
        notes.append("A kg of metal: of what is charged; `solve` has a kg at hand in one period.")
    return section("What one more costs, and one fewer saves", columns, notes=notes, always=3)


def in_plenty(found: Explanation, kink: Kink) -> bool:
    """Return whether a metal is in surplus: its price is far below the market and the same in both directions."""
    if kink.metal is None or kink.ratio is None or kink.ratio >= 1 / FAR_ABOVE or kink.more is None:
        return False
    account, same = found.plan.account, kink.fewer is not None and abs(kink.more - kink.fewer) <= _KINK * abs(kink.more)
    left, needed = account.decisions.surplus[kink.metal].sum(), account.composition[:, kink.metal].sum()
    return bool(same and left > SAME * needed > 0)


def _as_on_the_market(kink: Kink) -> bool:
    """Return whether both marginal prices equal the market price."""
    both = (kink.more, kink.fewer)
    return kink.market is not None and all(
        value is not None and abs(value - kink.market.price) <= _ALIKE * abs(kink.market.price) for value in both
    )


def _name(kink: Kink) -> str:
    """Return a unit of a metal or medal with its name."""
    return f"kg of {shown(kink.name)}" if kink.metal is not None else f"medal {shown(kink.name)}"


def _money(value: float | None, other: float | None) -> str:
    """Return a price, with more digits where the two prices differ only beyond the usual ones."""
    if value is None:
        return "no plan"
    if other is None or money(value) != money(other) or abs(value - other) <= _KINK * abs(value):
        return money(value)
    return digits(value, 7)


def _times(kink: Kink) -> str:
    """Return the ratio to the market price."""
    if kink.ratio is None:
        return ""
    return f"{kink.ratio:,.0f}" if kink.ratio >= 10 else f"{kink.ratio:.1f}" if kink.ratio >= 0.05 else "≈0"


def invoice(found: Explanation) -> Section:
    """Return the cost breakdown by shadow price: demands at marginal prices, less the rents of binding limits.

    By strong duality the values add up to the objective.

    Args:
        found: Explanation of an optimal plan.

    Returns:
        The table with its total; small lines are summed.
    """
    rows = _gathered(found)
    needs = [row for row in rows if row[2] > 0]
    taken_off = [row for row in rows if row[2] <= 0]
    room = max(MOST_LINES - len(needs), 3)
    shown_rows = [
        *_cut(needs, MOST_LINES - min(len(taken_off), 4), "other needs"),
        *_cut(taken_off, room, "other rents"),
    ]
    total = found.plan.objective
    size, word = scale([row[2] for row in shown_rows])
    columns = [
        (Column("figure", right=False), [*(row[0] for row in shown_rows), "in all"]),
        (Column("amount", rank=1), [*(row[1] for row in shown_rows), ""]),
        (Column(f"{word}{found.plan.unit}"), _values([*(row[2] / size for row in shown_rows), total / size])),
    ]
    title = "The invoice: needs at their marginal prices, less the rents of what is scarce"
    return section(title, columns if shown_rows else [(Column("figure"), [])], total=True)


Row = tuple[str, str, float]


def _values(amounts: list[float]) -> list[str]:
    """Return amounts as the cells of one column."""
    largest = max(abs(amount) for amount in amounts)
    return column(amounts) if largest >= 100 else [digits(amount) for amount in amounts]


def _cut(rows: list[Row], most: int, rest: str) -> list[Row]:
    """Return at most `most` rows, the last of which sums the rest."""
    if len(rows) <= most:
        return rows
    return [*rows[: most - 1], (f"{len(rows) - most + 1} {rest}", "", sum(row[2] for row in rows[most - 1 :]))]


def _gathered(found: Explanation) -> list[Row]:
    """Return the breakdown by parameter, streams of one source as one; added amounts first, then by size."""
    of = {path: source.name for source in found.told for path in source.paths(found.plan.instance)}
    groups: dict[str, list[Line]] = {}
    for line in found.invoice:
        steps = parse(line.path)
        stream = line.path.removesuffix(".available")
        groups.setdefault(of[stream] if steps[-1] == "available" else _told(line, steps), []).append(line)
    rows = [(name, _amount(lines), sum(line.value for line in lines)) for name, lines in groups.items()]
    return sorted(rows, key=lambda row: (row[2] <= 0, -abs(row[2]), row[0]))


def _amount(lines: list[Line]) -> str:
    """Return the total amount of lines with its unit."""
    amount, unit = sum(line.amount for line in lines), lines[0].unit
    if lines[0].kind == "added":
        return digits(amount)
    return f"{digits(amount)} {unit}" if unit else f"{amount:,.0f}"


def _told(line: Line, steps: tuple[str | int, ...]) -> str:
    """Return the name of the parameter of a line."""
    if line.kind == "need":
        return f"medals {shown(str(steps[1]))}"
    if line.kind == "rule":
        return str(steps[-1]).replace("_", " ")
    if line.kind == "added":
        return shown(str(steps[1]))
    words = " ".join(str(step).replace("_", " ") for step in steps[2:])
    return f"{shown(str(steps[1]))}, {words}"
