"""Tables of the device mix: objective by share of each device, scarce metals, and named mixes."""

from __future__ import annotations

from medalopt.analysis.sensitivity.mix.curve import Curve, Point
from medalopt.analysis.sensitivity.mix.mix import DeviceMix
from medalopt.analysis.sensitivity.mix.named import NamedMix
from medalopt.report.numbers import mass, money, share, tonnes
from medalopt.report.section import Column, Section, section
from medalopt.report.sensitivity.mix.words import cell, listed, worth


def shares(found: DeviceMix) -> Section:
    """Return the objective by share of each device, in the order of their effect."""
    rows = found.ranking
    columns = [
        (Column("device", right=False), [curve.device for curve in rows]),
        (Column("share now"), [share(curve.share, 1) for curve in rows]),
        (Column("none of it"), [_end(curve, curve.without) for curve in rows]),
        (Column("a tenth less", rank=1), [_rate(curve.less, curve.short_less) for curve in rows]),
        (Column("a tenth more", rank=1), [_rate(curve.more, curve.short_more) for curve in rows]),
        (Column("most of it"), [_end(curve, curve.most) for curve in rows]),
        (Column("a plan at", rank=2), [_range(curve) for curve in rows]),
    ]
    notes = (
        "Most of it: double its share, or all that its sources can hold. Each bundle, region and period keeps its "
        "tonnes, the other devices move in proportion.",
        "A tenth less, a tenth more: of the share now, 0.5 % becoming 0.45 % or 0.55 %; the change of the objective.",
    )
    return section(f"What the share of each device does to the {found.measure}, {found.unit}", columns, notes=notes)


def _end(curve: Curve, point: Point) -> str:
    """Format the objective at an end of a curve, with its share where that is neither none nor double."""
    told = cell(point.answer)
    odd = point.share > 1e-9 if point is curve.without else abs(point.share - 2 * curve.share) > 1e-3 * curve.share
    return f"{told} at {share(point.share, 1)}" if odd else told


def _rate(change: float | None, lack: float) -> str:
    if change is None:
        return f"{mass(lack)} short" if lack else "no plan"
    return ("+" if change > 0 else "") + money(change)


def _range(curve: Curve) -> str:
    found = curve.range
    if found is None:
        return "no share"
    low, high = (share(end, 1) for end in found)
    if found == (curve.without.share, curve.most.share):
        return "any"
    if found[0] == curve.without.share:
        return f"up to {high}"
    return f"from {low}" if found[1] == curve.most.share else f"{low} to {high}"


def metals(found: DeviceMix) -> Section:
    """Return the scarce metals with their shadow prices at both ends of each curve."""
    rows = found.ranking
    columns = [
        (Column("device", right=False), [curve.device for curve in rows]),
        (Column("none of it", right=False), [worth(found, curve.without.answer) for curve in rows]),
        (Column("now", right=False), [worth(found, found.base) for _ in rows]),
        (Column("most of it", right=False), [worth(found, curve.most.answer) for curve in rows]),
    ]
    return section(f"Scarce metals, and what one kilogram more would save, {found.unit}", columns)


def mixes(found: DeviceMix) -> Section:
    """Return the named mixes beside the supply as offered."""
    answers = [found.base, *(mix.answer for mix in found.named)]
    base = found.base.value
    more = ["" if base is None or one.value is None else _rate(one.value - base, 0.0) for one in answers]
    each = ["" if one.value is None or not found.medals else money(one.value / found.medals) for one in answers]
    columns = [
        (Column("mix", right=False), ["as offered", *(mix.name for mix in found.named)]),
        (Column("offered, t"), [tonnes(one.tonnes).removesuffix(" t") for one in answers]),
        (Column(f"{found.measure}, {found.unit}"), [cell(one) for one in answers]),
        (Column("difference", rank=1), ["", *more[1:]]),
        (Column("a medal", rank=2), each),
        (Column("scarce, 1 kg more would save", right=False, rank=1), [worth(found, one) for one in answers]),
    ]
    notes = [note for mix in found.named for note in _notes(mix)]
    return section("The mixes of the file", columns, notes=notes, always=3)


def _notes(mix: NamedMix) -> list[str]:
    where = f"the bundle {mix.bundle}" if mix.bundle else "all tonnes"
    notes = []
    if mix.absent:
        notes.append(f"{mix.name}: nobody offers {listed(mix.absent)} there, so none of it is handed in.")
    if mix.missing:
        notes.append(f"{mix.name}: its shares leave {share(mix.missing, 1)} of {where}, which is not handed in.")
    return notes
