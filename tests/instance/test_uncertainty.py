"""The model of uncertainty: derivatives against changed instances, correlations by hand, cuts that support the cone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import medalopt
from medalopt.errors import InputError
from medalopt.instance.accounting import Decisions, PlanAccount
from medalopt.instance.confidence import ProtectionNorm
from medalopt.instance.instance import Instance
from medalopt.instance.routes import build_routes
from medalopt.instance.settlement import make_empty_decisions
from medalopt.instance.uncertainty import (
    ACCOUNTABILITY,
    RECOVERY,
    SUPPLY,
    UncertaintyModel,
    build_uncertainty,
    has_uncertain_returns,
)
from medalopt.text import render_path

FILE = Path(__file__).parent / "uncertain.yaml"
POOLED = {"smelters.works.settlement_lot": "pooled", "smelters.works.deduction.Ag": "60 g/t"}


def _build(instance: Instance) -> tuple[PlanAccount, UncertaintyModel]:
    """Return shipments at random, settled, and the model."""
    routes = build_routes(instance)
    decisions = make_empty_decisions(instance, routes)
    sent = np.random.Generator(np.random.PCG64(1)).uniform(1, 9, decisions.sent.shape)
    account = PlanAccount(instance, routes, replace(decisions, sent=sent)).clip_withheld()
    return PlanAccount(instance, routes, account), build_uncertainty(instance, routes)


def _returned(instance: Instance, decisions: Decisions) -> np.ndarray:
    """Return the metal back by the end of each period (E, T), the least withheld of pooled lots."""
    account = PlanAccount(instance, build_routes(instance), decisions)
    if instance.terms.pooled.any():
        account = PlanAccount(instance, account.routes, replace(decisions, withheld=np.zeros_like(decisions.withheld)))
        account = PlanAccount(instance, account.routes, account.clip_withheld())
    return np.asarray(account.returned.sum(axis=0).cumsum(axis=1))


@pytest.mark.parametrize("changes", [{}, POOLED], ids=["routes", "pooled"])
def test_exposure_is_the_derivative(changes: dict[str, str]) -> None:
    """A parameter one part in a million higher in the file returns as much more metal as the gradient says."""
    instance = medalopt.load(FILE).with_changes(changes)
    account, model = _build(instance)
    before, step = _returned(instance, account.decisions), 1e-6
    deducted = account.decisions.withheld > 0
    assert deducted.any() == bool(changes)
    kinds = set()
    for number, factor in enumerate(model.factors):
        decisions = account.decisions
        if factor.kind == SUPPLY:  # what arrives of a stream, not what is offered
            own = np.array(instance.streams.names)[account.routes.stream] == factor.owner
            decisions = replace(decisions, sent=decisions.sent * (1 + step * own[:, None]))
            other = instance
        else:
            field = {RECOVERY: "recovery", ACCOUNTABILITY: "returned"}.get(factor.kind, "content")
            section = factor.path[0]
            metals = [factor.metal] if factor.metal else instance.metals.names
            names = [render_path((section, factor.owner, field, metal)) for metal in metals]
            source = {name: _read(instance, name) for name in names}
            other = instance.with_changes({name: value * (1 + step) for name, value in source.items()})
        gained = (_returned(other, decisions) - before) / step * factor.deviation
        for e in range(2):
            for t in range(3):
                found = model.compute_exposure(account.decisions.sent, e, t, deducted)[number]
                assert found == pytest.approx(gained[e, t], rel=1e-4, abs=1e-7), (factor, e, t)
                kinds |= {factor.kind} if found else set()
    assert len(kinds) == 4


def _read(instance: Instance, path: str) -> float:
    """Return a parameter in its canonical unit."""
    section, owner, _, metal = path.split(".")
    e = instance.metals.names.index(metal)
    if section == "devices":
        return float(instance.devices.assay.value[instance.devices.names.index(owner), e])
    if section == "treatments":
        return float(instance.treatments.recovery.value[0, 0, e])
    return float(instance.terms.returned.value[0, e])


def test_correlation_by_hand() -> None:
    """Assays of one device, and supplies of one region or device, are correlated as in the file; others are not."""
    instance = medalopt.load(FILE)
    _, model = _build(instance)
    name = {(factor.kind, factor.owner, factor.metal): n for n, factor in enumerate(model.factors)}
    wanted = np.eye(len(model.factors))
    east, west, laptop = (name["supply", one, ""] for one in ("phone@east", "phone@west", "laptop@east"))
    pairs = {(east, west): 0.3, (east, laptop): 0.4, (west, laptop): 0.1}
    pairs[name["assay", "phone", "Ag"], name["assay", "phone", "Au"]] = 0.6
    for (a, b), value in pairs.items():
        wanted[a, b] = wanted[b, a] = value
    assert model.correlation == pytest.approx(wanted, abs=1e-12)
    z = np.random.Generator(np.random.PCG64(2)).normal(size=(3, model.loading.shape[1]))
    assert model.loading.apply(z) == pytest.approx(z @ model.loading.build_dense().T)
    alike = instance.with_changes({"devices.phone.correlation": "100 %", "supply_correlation": "{all: 100 %}"})
    assert np.linalg.matrix_rank(_build(alike)[1].correlation) == len(model.factors) - 3


def test_deviation_is_a_norm_that_cuts_support() -> None:
    """The deviation is that of the covariance; a cut equals it where it was made and exceeds it nowhere."""
    instance = medalopt.load(FILE)
    account, model = _build(instance)
    random = np.random.Generator(np.random.PCG64(3))
    sent, last = account.decisions.sent, len(instance.periods) - 1
    for e in range(2):
        exposure = model.compute_exposure(sent, e, last)
        deviation = model.compute_deviation(exposure)
        assert deviation == pytest.approx(float(exposure @ model.correlation @ exposure) ** 0.5)
        rates = model.compute_cut_rates(e, ProtectionNorm().find_direction(model.loading.apply_transposed(exposure)))
        assert rates @ sent[:, :-1].sum(axis=1) == pytest.approx(deviation)  # the last period is back too late
        for other in random.uniform(0, 9, (20, *sent.shape)):
            assert rates @ other[:, :-1].sum(axis=1) <= model.compute_deviation(
                model.compute_exposure(other, e, last)
            ) * (1 + 1e-12)


def test_without_cv_nothing_is_uncertain() -> None:
    """Without a coefficient of variation, or with 0, there is no factor."""
    instance = medalopt.load(FILE)
    assert has_uncertain_returns(instance)
    none = {f"{section}.*.cv": "0" for section in ("devices", "streams", "treatments", "smelters")}
    still = instance.with_changes(none)
    assert not has_uncertain_returns(still) and not _build(still)[1].factors


@pytest.mark.parametrize(
    ("changes", "path", "text"),
    [
        ({"streams.phone@east.cv": "-1 %"}, "streams.phone@east.cv", "must not be negative"),
        ({"devices.phone.correlation": "120 %"}, "devices.phone.correlation", "between 0 % and 100 %"),
        ({"devices.phone.correlation": "-20 %"}, "devices.phone.correlation", "between 0 % and 100 %"),
        ({"supply_correlation.all": "60 %"}, "supply_correlation", "sum to 110 %"),
        ({"distribution": "uniform"}, "distribution", "`lognormal` or `normal`"),
    ],
)
def test_refused(changes: dict[str, str], path: str, text: str) -> None:
    """Invalid uncertainty is an error at its place, with the valid values."""
    with pytest.raises(InputError) as caught:
        medalopt.load(FILE).with_changes(changes)
    assert any(fault.path.startswith(path) and text in fault.message for fault in caught.value.faults), caught.value
