"""JSON of the device mix: shares from 0 to 1 of all tonnes offered, metal in kg."""

from __future__ import annotations

from typing import Any

from medalopt.analysis.sensitivity.mix.answers import Amounts, Answer
from medalopt.analysis.sensitivity.mix.curve import ACCURACY, Curve
from medalopt.analysis.sensitivity.mix.mix import DeviceMix
from medalopt.analysis.sensitivity.mix.named import NamedMix
from medalopt.analysis.sensitivity.mix.triangle import Split, Triangle


def members(found: DeviceMix) -> dict[str, Any]:
    """Return the device mix for JSON."""
    return {
        "measure": found.measure,
        "unit": found.unit,
        "accuracy": ACCURACY,
        "present": _whole(found, found.base),
        "devices": [_curve(curve) for curve in found.ranking],
        "fixed": list(found.fixed),
        "unproven": list(found.unproven),
        "mixes": [_named(found, mix) for mix in found.named],
        **({} if found.triangle is None else {"triangle": _triangle(found.triangle)}),
    }


def _answer(answer: Answer) -> dict[str, Any]:
    told = {"objective": answer.value, "scarce": dict(answer.scarce), "short": _short(answer.short)}
    return {**told, "why": answer.why} if answer.why else told


def _short(short: Amounts | None) -> dict[str, float] | None:
    return None if short is None else dict(short)


def _whole(found: DeviceMix, answer: Answer) -> dict[str, Any]:
    shares = zip(found.instance.devices.names, answer.shares, strict=True)
    return {**_answer(answer), "tonnes": answer.tonnes, "shares": {name: share for name, share in shares if share}}


def _curve(curve: Curve) -> dict[str, Any]:
    low, high = curve.range or (None, None)
    return {
        "device": curve.device,
        "share": curve.share,
        "tenth_less": curve.less,
        "tenth_more": curve.more,
        "tenth_less_short": curve.short_less,
        "tenth_more_short": curve.short_more,
        "low": low,
        "high": high,
        "points": [{"times": point.times, "share": point.share, **_answer(point.answer)} for point in curve.points],
    }


def _named(found: DeviceMix, mix: NamedMix) -> dict[str, Any]:
    return {
        "name": mix.name,
        "bundle": mix.bundle,
        "missing": mix.missing,
        "absent": list(mix.absent),
        **_whole(found, mix.answer),
    }


def _triangle(triangle: Triangle) -> dict[str, Any]:
    def split(one: Split) -> dict[str, Any]:
        return {"parts": dict(zip(triangle.devices, one.parts, strict=True)), **_answer(one.answer)}

    return {
        "devices": list(triangle.devices),
        "share": triangle.share,
        "present": split(triangle.now),
        "splits": [split(one) for one in triangle.splits],
    }
