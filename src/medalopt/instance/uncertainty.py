r"""Uncertainty of the metal returned: random factors, their correlation, and the risk of each deadline of a plan.

Every assay of a device type and metal, recovery of a treatment, accountability of a smelter and supply of a stream
with a coefficient of variation is one factor with mean 1: one factor for all tonnes of its owner, as the error is
systematic. To first order the metal $e$ returned by the end of period $t$ is

$$\tilde R_{et}=\bar R_{et}(x)+\sum_f\sigma_f\,g_{fet}(x)\,\xi_f,\qquad
g_{fet}(x)=\sum_j g_{fej}\sum_{\tau+\ell\le t}x_{j\tau},$$

with standard normal $\xi=L\zeta$, so that the standard deviation is $\lVert L^\top D g_{et}(x)\rVert_2$ with
$D=\mathrm{diag}(\sigma)$. $L$ has a column for each factor and one for each shared cause, not the triangular form of
Cholesky: so $LL^\top$ is the correlation matrix exactly, also where that is singular (correlation 100 %).

The need of a metal by a deadline is the charge of the melts of a plan from the account for the castings owed by then,
less the opening stock: melts ahead of their time are left out, planned purchases are deducted as the melts hold them.
The risk of the deadline is that the metal returned, normal to first order, is less. Shipments and purchases stay as
planned; melts may be re-timed up to the deadline.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import Any

import numpy as np

from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arrays import Bools, Floats, Ints
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes
from medalopt.text import ParameterPath
from medalopt.tolerances import AMOUNT_TOLERANCE

JOINT_CONFIDENCE = "joint confidence"  # beside the metals, in the promised confidences of an instance
ASSAY, RECOVERY, ACCOUNTABILITY, SUPPLY = "assay", "recovery", "accountability", "supply"
_SECTIONS = {ASSAY: "devices", RECOVERY: "treatments", ACCOUNTABILITY: "smelters", SUPPLY: "streams"}  # by kind
_CV_FIELDS = {  # section of the instance: field that its `cv` refers to
    "devices": "content",
    "treatments": "recovery",
    "smelters": "returned",
    "streams": "available",
}


@dataclass(frozen=True)
class UncertainFactor:
    """A random factor with mean 1 on one parameter of `owner`; `metal` is '' where it scales all metals.

    `deviation` is its standard deviation, the coefficient of variation in the file.
    """

    kind: str
    owner: str
    metal: str
    deviation: float

    @property
    def path(self) -> ParameterPath:
        """Path of the parameter that it scales, down to the metal if there is one."""
        section = _SECTIONS[self.kind]
        return (section, self.owner, _CV_FIELDS[section], *([self.metal] if self.metal else []))


@dataclass(frozen=True, eq=False)
class LoadingMatrix:
    """The sparse matrix $L$ (F, Z): factors as combinations of Z independent standard normal variates."""

    factor: Ints  # (N,) row of each element
    variate: Ints  # (N,) column of each element
    loading: Floats  # (N,)
    shape: tuple[int, int]

    def apply(self, variates: Floats) -> Floats:
        """Return $L\\zeta$.

        Args:
            variates (..., Z): Independent standard normal variates.

        Returns:
            (..., F): correlated standard normal variates.
        """
        result = np.zeros((*variates.shape[:-1], self.shape[0]))
        order = np.argsort(self.factor, kind="stable")
        place = np.arange(len(order)) - np.searchsorted(self.factor[order], self.factor[order])
        for rank in range(int(place.max(initial=-1)) + 1):  # the n-th term of every factor: few, each factor once
            rows = order[place == rank]
            result[..., self.factor[rows]] += self.loading[rows] * variates[..., self.variate[rows]]
        return result

    def apply_transposed(self, values: Floats) -> Floats:
        """Return $L^\\top v$.

        Args:
            values (F,): One value for each factor.

        Returns:
            (Z,): one value for each independent variate.
        """
        return np.bincount(self.variate, self.loading * values[self.factor], self.shape[1]).astype(np.float64)

    def build_dense(self) -> Floats:
        """Return the matrix as an array.

        Returns:
            (F, Z).
        """
        dense = np.zeros(self.shape)
        np.add.at(dense, (self.factor, self.variate), self.loading)
        return dense


@dataclass(frozen=True, eq=False)
class UncertaintyModel:
    """Factors, their correlation, and the derivatives of the metal returned by each factor and shipment.

    An element of the gradient: a tonne sent on `route` returns `rate` kilograms of `metal` more, `lead` periods later,
    for each unit by which `factor` rises. `deducted_rate` holds instead where the lot is pooled and its minimum
    deduction is in force; of other lots the regime in force decides, and both rates are equal.
    """

    factors: tuple[UncertainFactor, ...]
    loading: LoadingMatrix
    route: Ints  # (N,)
    metal: Ints  # (N,)
    factor: Ints  # (N,)
    lead: Ints  # (N,)
    pool: Ints  # (N,) index of the pooled lot, -1: settled by route
    rate: Floats  # (N,) kg/t of devices
    deducted_rate: Floats  # (N,) kg/t of devices
    route_count: int
    normal: bool  # the factors are normal, else lognormal; the moments are the same

    @cached_property
    def deviation(self) -> Floats:
        """Standard deviations of the factors, (F,), relative to the mean of 1."""
        return np.array([factor.deviation for factor in self.factors])

    @cached_property
    def correlation(self) -> Floats:
        """Correlation matrix of the factors, (F, F), dense."""
        dense = self.loading.build_dense()
        return np.asarray(dense @ dense.T)

    @cached_property
    def _rows(self) -> Mapping[int, Ints]:
        """Elements of the gradient by metal."""
        return {metal: np.flatnonzero(self.metal == metal) for metal in np.unique(self.metal).tolist()}

    def compute_exposure(self, sent: Floats, metal: int, period: int, deducted: Bools | None = None) -> Floats:
        """Compute $Dg_{et}(x)$: change of the metal returned by the end of a period for one deviation of each factor.

        Args:
            sent (J, T): Devices sent on each route in each period, t.
            metal: Index of the metal.
            period: Index of the period by whose end the metal is back.
            deducted (P, E, T): Pooled lots whose minimum deduction is in force, by period of shipment; None: none.

        Returns:
            (F,): kilograms.
        """
        rows = self._rows.get(metal, np.zeros(0, dtype=np.intp))
        moved = np.zeros(len(rows))
        for lead in np.unique(self.lead[rows]).tolist():  # the sums are of routes, which are fewer than derivatives
            those = np.flatnonzero(self.lead[rows] == lead)
            moved[those] = sent[:, : max(period + 1 - lead, 0)].sum(axis=1)[self.route[rows[those]]]
        moved *= self.rate[rows]
        if deducted is not None and len(deducted):
            due = np.arange(sent.shape[1])[None, :] + self.lead[rows][:, None] <= period
            tonnes = np.where(due, sent[self.route[rows]], 0.0)
            deducts = (self.pool[rows] >= 0)[:, None] & deducted[self.pool[rows], metal]
            moved += (self.deducted_rate[rows] - self.rate[rows]) * np.where(deducts, tonnes, 0.0).sum(axis=1)
        return np.bincount(self.factor[rows], moved, len(self.factors)) * self.deviation

    def compute_deviation(self, exposure: Floats) -> float:
        r"""Compute the standard deviation $\lVert L^\top Dg\rVert_2$.

        Args:
            exposure (F,): Result of `compute_exposure`, kg.

        Returns:
            Kilograms.
        """
        return float(np.linalg.norm(self.loading.apply_transposed(exposure)))

    def compute_variance_shares(self, exposure: Floats) -> Floats:
        r"""Compute the share of each factor in the variance; the covariance of two factors is divided equally.

        With $v=Dg$ and the correlation matrix $C=LL^\top$ the share of a factor is $v_f(Cv)_f/v^\top Cv$.

        Args:
            exposure (F,): Result of `compute_exposure`, with a positive deviation, kg.

        Returns:
            (F,): shares that sum to 1.
        """
        covariance = self.loading.apply(self.loading.apply_transposed(exposure))
        return np.asarray(exposure * covariance / self.compute_deviation(exposure) ** 2)

    def compute_cut_rates(self, metal: int, direction: Floats) -> Floats:
        r"""Compute the coefficients of $u^\top L^\top Dg_{et}(x)$ on shipments, a lower bound of the deviation.

        The coefficient of a route is the same for every shipment that is back by the end of the period, that is shipped
        no later than the lead time before, and 0 for later ones. Rates of pooled lots are those without deduction.

        Args:
            metal: Index of the metal.
            direction (Z,): Vector of length at most 1.

        Returns:
            (J,): kg/t of devices.
        """
        rows = self._rows.get(metal, np.zeros(0, dtype=np.intp))
        dense = np.bincount(
            self.loading.factor, self.loading.loading * direction[self.loading.variate], len(self.factors)
        )
        weight = dense * self.deviation
        kilograms = self.rate[rows] * weight[self.factor[rows]]
        return np.bincount(self.route[rows], kilograms, self.route_count).astype(np.float64)


@dataclass(frozen=True, eq=False)
class YieldDerivatives:
    """Metal of N routes per tonne of devices (N, E), kg/t, and the regime of settlement in force."""

    credited: Floats  # metal in the feed that is credited, chi m
    payable: Floats  # its payable share, chi r m
    returned: Floats  # metal returned; of pooled lots without the deduction
    deducted: Floats  # chi (m - delta pi), returned where the minimum deduction is in force
    by_share: Bools  # the payable share decides, else the minimum deduction
    active: Bools  # any metal is returned


def compute_yield_derivatives(instance: Instance, routes: Routes, used: Ints) -> YieldDerivatives:
    """Compute the metal of routes in each regime of settlement, and which regime is in force at the planned assay.

    Args:
        instance: The instance.
        routes: Its routes.
        used (N,): Indices of routes that have a smelter.

    Returns:
        Metal by route; pooled lots in the regime of the payable share.
    """
    device, treatment = instance.streams.device[routes.stream[used]], routes.treatment[used]
    line = routes.line[used]
    credited = instance.streams.credited.value[routes.stream[used]]
    metal = instance.devices.assay.value[device] * instance.treatments.recovery.value[treatment, device]
    share = instance.terms.returned.value[line]
    deducted = metal - instance.terms.deduction.value[line] * routes.to_smelter[used][:, None]
    by_share = (share * metal <= deducted) | instance.terms.pooled[line][:, None]
    returned = np.asarray(routes.returned[used])
    return YieldDerivatives(
        credited * metal, credited * (share * metal), returned, credited * deducted, by_share, returned > 0
    )


def has_uncertain_returns(instance: Instance) -> bool:
    """Return whether an assay, a recovery, an accountability or a supply has a coefficient of variation.

    Returns:
        True if any coefficient of variation is above 0.
    """
    return any(
        value > 0
        for section in _CV_FIELDS
        for member in instance.annex.get(f"{section}_cv", {}).values()
        for value in _list_values(member.get("cv"))
    )


def get_uncertainty_budget(instance: Instance) -> float:
    """Return the uncertainty budget of an instance; 0 without any.

    Returns:
        Number of parameters.
    """
    return float(instance.annex.get("uncertainty_budget", {}).get("number", 0.0))


def has_confidence(instance: Instance) -> bool:
    """Return whether an instance promises a confidence, or has an uncertainty budget, and its returns are uncertain.

    Returns:
        True if there can be a chance constraint.
    """
    return bool(instance.annex.get("confidence") or get_uncertainty_budget(instance)) and has_uncertain_returns(
        instance
    )


def get_joint_confidence(instance: Instance) -> float | None:
    """Return the confidence promised for all metals and deadlines together; None without any.

    Returns:
        The confidence, from 0.5 to below 1.
    """
    joint = instance.annex.get("confidence", {}).get(JOINT_CONFIDENCE)
    return float(joint) if joint and has_confidence(instance) else None


def _list_values(cv: Any) -> list[float]:
    """Return the coefficients of variation of one member."""
    return list(cv.values()) if isinstance(cv, Mapping) else [cv or 0.0]


def build_uncertainty(instance: Instance, routes: Routes, used: Ints | None = None) -> UncertaintyModel:
    """Build the model of uncertainty of the metal returned.

    Args:
        instance: The instance.
        routes: Its routes.
        used: Indices of the routes whose derivatives are wanted; None: all.

    Returns:
        Factors, correlation and gradient; without factors where the instance gives no coefficient of variation.
    """
    used = np.arange(len(routes)) if used is None else used
    used = used[routes.smelter[used] >= 0]
    factors = tuple(list_uncertain_factors(instance))
    yields = compute_yield_derivatives(instance, routes, used)
    entries = [_build_entries(instance, routes, used, yields, kind, factors) for kind in _SECTIONS]
    row, metal, factor, rate, deducted = (np.concatenate(parts) for parts in zip(*entries, strict=True))
    route = used[row]
    pools = np.full(len(instance.terms.names) + 1, -1, dtype=np.intp)
    lines = np.flatnonzero(instance.terms.pooled)
    pools[lines] = np.arange(len(lines))
    return UncertaintyModel(
        factors,
        build_loading(instance, factors),
        route,
        metal,
        factor,
        instance.smelters.lead[routes.smelter[route], metal],
        pools[routes.line[route]],
        rate,
        np.where(pools[routes.line[route]] >= 0, deducted, rate),
        len(routes),
        instance.annex.get("distribution") == "normal",
    )


def _build_entries(
    instance: Instance,
    routes: Routes,
    used: Ints,
    yields: YieldDerivatives,
    kind: str,
    factors: tuple[UncertainFactor, ...],
) -> tuple[Ints, Ints, Ints, Floats, Floats]:
    """Return row of `used`, metal, factor and both rates of every element of the gradient of one kind of factor."""
    owners = {
        ASSAY: instance.streams.device[routes.stream[used]],
        RECOVERY: routes.treatment[used],
        ACCOUNTABILITY: routes.smelter[used],
        SUPPLY: routes.stream[used],
    }[kind]
    moved = np.where(yields.by_share, yields.payable, yields.credited)
    rate, deducted = {
        ASSAY: (moved, yields.credited),
        RECOVERY: (moved, yields.credited),
        ACCOUNTABILITY: (np.where(yields.by_share, yields.payable, 0.0), np.zeros_like(moved)),
        SUPPLY: (yields.returned, yields.deducted),
    }[kind]
    which = index_factors(instance, factors, kind)[owners]  # (N, E)
    row, metal = np.nonzero((which >= 0) & yields.active & (rate != 0))
    return row, metal, which[row, metal], rate[row, metal], deducted[row, metal]


def index_factors(instance: Instance, factors: tuple[UncertainFactor, ...], kind: str) -> Ints:
    """Return the factor of each owner and metal.

    Args:
        instance: The instance.
        factors: Its factors.
        kind: Kind of the factors.

    Returns:
        Index of the factor, (owners, E); -1: none.
    """
    names: tuple[str, ...] = getattr(instance, _SECTIONS[kind]).names
    table = np.full((len(names), len(instance.metals.names)), -1, dtype=np.intp)
    place = {name: number for number, name in enumerate(names)}
    metals = {name: number for number, name in enumerate(instance.metals.names)}
    for number, factor in enumerate(factors):
        if factor.kind == kind:
            table[place[factor.owner], metals[factor.metal] if factor.metal else slice(None)] = number
    return table[instance.treatments.owner] if kind == RECOVERY else table  # one factor for all fractions


def list_uncertain_factors(instance: Instance) -> Iterator[UncertainFactor]:
    """Yield the random factors of the metal returned, in canonical order.

    An assay has one factor for each device type and metal. A recovery or accountability has one for all its metals, or
    one for each where its coefficient of variation is given by metal. A supply has one factor for all periods.

    Yields:
        Factors with a positive standard deviation.
    """
    for kind, section in _SECTIONS.items():
        stated = instance.annex.get(f"{section}_cv", {})
        for owner in getattr(instance, section).names if stated else ():
            cv = stated.get(owner, {}).get("cv") or 0.0
            if kind == ASSAY or isinstance(cv, Mapping):
                by_metal = cv if isinstance(cv, Mapping) else {"default": cv}
                every = ((metal, by_metal.get(metal, by_metal.get("default", 0.0))) for metal in instance.metals.names)
                yield from (UncertainFactor(kind, owner, metal, value) for metal, value in every if value > 0)
            elif cv > 0:
                yield UncertainFactor(kind, owner, "", cv)


def build_loading(instance: Instance, factors: tuple[UncertainFactor, ...]) -> LoadingMatrix:
    """Build the matrix that makes correlated factors from independent variates.

    Each factor has a variate of its own; assays of one device type share one, and so do supplies of one region, of one
    device type, and of all streams. A shared variate with correlation rho has the loading sqrt(rho), the own one the
    root of the remainder to 1.

    Returns:
        The matrix (F, Z).
    """
    shared = list(_list_shared_causes(instance, factors))
    left = np.ones(len(factors))
    column: dict[tuple[str, ...], int] = {}
    rows, columns, loadings = [], [], []
    for factor, cause, correlation in shared:
        rows.append(factor)
        columns.append(column.setdefault(cause, len(factors) + len(column)))
        loadings.append(math.sqrt(correlation))
        left[factor] -= correlation
    own = np.arange(len(factors))
    return LoadingMatrix(
        np.concatenate([own, np.array(rows, dtype=np.intp)]),
        np.concatenate([own, np.array(columns, dtype=np.intp)]),
        np.concatenate([np.sqrt(np.maximum(left, 0.0)), np.array(loadings)]),
        (len(factors), len(factors) + len(column)),
    )


def _list_shared_causes(
    instance: Instance, factors: tuple[UncertainFactor, ...]
) -> Iterator[tuple[int, tuple[str, ...], float]]:
    """Yield factor, name of the shared cause and correlation due to it."""
    supply, streams = instance.annex.get("supply_correlation", {}), instance.streams
    assays = instance.annex.get("devices_cv", {})
    place = {name: number for number, name in enumerate(streams.names)}
    for number, factor in enumerate(factors):
        if factor.kind == ASSAY and (correlation := assays[factor.owner].get("correlation") or 0.0) > 0:
            yield number, (ASSAY, factor.owner), correlation
        if factor.kind == SUPPLY and supply:
            i = place[factor.owner]
            groups = {
                "all": "",
                "region": instance.regions[streams.region[i]],
                "device": instance.devices.names[streams.device[i]],
            }
            for name, group in groups.items():
                if supply.get(name, 0.0) > 0:
                    yield number, (SUPPLY, name, group), supply[name]


TAIL = 0.05  # probability below the lower and above the upper quantile
_STANDARD = NormalDist()


@dataclass(frozen=True, eq=False)
class DeadlineRisk:
    """Need and metal returned of one metal by the end of one period, kg, under normal errors."""

    metal: int
    period: int
    needed: float
    mean: float
    deviation: float
    exposure: Floats  # (F,) kg, change of the metal returned for one standard deviation of each factor

    def compute_quantile(self, probability: float) -> float:
        """Compute a quantile of the metal returned, which is never negative.

        Args:
            probability: Probability of less, between 0 and 1.

        Returns:
            Kilograms.
        """
        return max(self.mean + _STANDARD.inv_cdf(probability) * self.deviation, 0.0)

    @property
    def low(self) -> float:
        """Metal returned in all but the worst 5 % of cases, kg."""
        return self.compute_quantile(TAIL)

    @property
    def high(self) -> float:
        """Metal returned that is exceeded in 5 % of cases, kg."""
        return self.compute_quantile(1 - TAIL)

    @property
    def probability(self) -> float:
        """Probability that the metal returned covers the need; without uncertainty 1 or 0, and 1 at equality."""
        margin = self.mean - self.needed
        if self.needed <= 0 or (abs(margin) <= AMOUNT_TOLERANCE * self.needed and self.deviation == 0):
            return 1.0
        return float(margin > 0) if self.deviation == 0 else _STANDARD.cdf(margin / self.deviation)


def compute_risk(account: PlanAccount) -> tuple[DeadlineRisk, ...]:
    """Compute the risk of every metal that the plan charges from the account, at each deadline of its alloys.

    Returns:
        Risks by metal and period; none where nothing returned is uncertain.
    """
    if not has_uncertain_returns(account.instance):
        return ()
    sent = account.decisions.sent
    model = build_uncertainty(account.instance, account.routes, np.flatnonzero((sent > 0).any(axis=1)))
    back = account.returned.sum(axis=0).cumsum(axis=1)
    need, deducted = compute_need(account), None
    if len(account.pools.line):  # pooled lots whose minimum deduction is in force, by period of shipment (P, E, T)
        deducted = np.asarray(account.decisions.withheld > AMOUNT_TOLERANCE * account.gross_payable, dtype=np.bool_)
    risks = []
    for metal, period in np.argwhere(find_deadlines(account)).tolist():
        exposure = model.compute_exposure(sent, metal, period, deducted)
        needed, mean = float(need[metal, period]), float(back[metal, period])
        risks.append(DeadlineRisk(metal, period, needed, mean, model.compute_deviation(exposure), exposure))
    return tuple(risks)


def find_deadlines(account: PlanAccount) -> Bools:
    """Find the deadlines of each metal: periods in which a medal is due whose alloy is charged with it from stock.

    Returns:
        Mask (E, T).
    """
    medals, periods = account.instance.medals, len(account.instance.periods)
    due = np.zeros((len(account.instance.alloys.names), periods), dtype=np.bool_)
    for kind in np.flatnonzero(medals.count > 0).tolist():
        due[medals.parts.raw[kind] > 0, medals.due[kind]] = True
    charged = account.decisions.charged.sum(axis=2)  # (A, E)
    held = charged > AMOUNT_TOLERANCE * charged.sum(axis=1, keepdims=True)
    return np.asarray((held[:, :, None] & due[:, None, :]).any(axis=0))


def compute_need(account: PlanAccount) -> Floats:
    """Compute the metal to charge from the account for all that is owed, beyond the opening stock.

    Returns:
        Kilograms by the end of each period (E, T), 0 or more.
    """
    instance = account.instance
    owed = account.demand  # (A, T)
    usable = (1 - instance.alloys.scrap_share.value)[:, None] * account.cast.cumsum(axis=1)
    charged = account.decisions.charged.cumsum(axis=2)
    total = np.zeros(charged.shape[1:])
    for alloy in range(len(owed)):
        castings = np.concatenate([[0.0], usable[alloy]])
        for metal in np.flatnonzero(charged[alloy, :, -1] > 0).tolist():
            total[metal] += np.interp(owed[alloy], castings, np.concatenate([[0.0], charged[alloy, metal]]))
    return np.maximum(total - instance.metals.opening_stock.value[:, None], 0.0)
