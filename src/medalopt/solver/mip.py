"""Mixed-integer programs by branch and bound, of whole lots and of truckloads, and slope scaling of fixed charges.

Branch and bound finds the integer columns; with these fixed, the linear program is solved and verified. Over all
shipments of a nation it takes gigabytes: there it plans lots among those cheapest at the duals of the relaxation, with
which column generation has priced every one of them, so that the bound holds for all.

Dynamic slope scaling (Kim & Pardalos, Operations Research Letters 24:195, 1999) finds plans with charges by linear
programs: a charge is spread over the quantity that the last plan uses, so that the next program prices what is used at
its average cost; what is not used keeps its last slope. Every plan without least quantities is a plan with charges; the
cheapest is kept. A last program fixes the contracts that it uses: their charges are paid already, and others cost a
multiple of theirs.

For truckloads, sums of shipments must be whole numbers of loads; the search starts next to the continuous plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from medalopt.errors import SolverError
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arrays import Bools, Floats, Ints
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.instance import Instance
from medalopt.instance.lot_relaxation import drop_lot_constraints, spread_charges
from medalopt.instance.lots import ACTIVITY_KINDS, compute_quantity, list_falling_paths, measure_activities
from medalopt.instance.routes import fold_prices, has_supply
from medalopt.model.lots import USED_VARIABLES
from medalopt.model.network import Network, NetworkSelection, find_indices, select_network
from medalopt.proof.bound import BoundContext, ObjectiveWeights, price_routes, price_supply
from medalopt.proof.prices import Duals, build_prices
from medalopt.solver.highs import METHODS, NO_TIME_LIMIT, HighsResult, TimeBudget, run_branch_and_bound, solve_by_method
from medalopt.solver.program import ProgramBuilder, SolverProgram, find_integer_columns
from medalopt.solver.scaling import ScaledProgram, scale_program
from medalopt.solver.solve_lp import Solution, SolveTask, build_program, build_solution, extract_decisions
from medalopt.solver.verification import VerifiedResult, solve_from_scratch
from medalopt.tolerances import AMOUNT_TOLERANCE, INTEGRALITY_TOLERANCE

_ROUNDING_SHARES = (0.5, 1.0, 0.0)  # of the least quantity, from which a contract of the relaxation is used
WIDE_SEARCH_GAP = (
    1e-3  # relative gap of the search over all numbers of loads, where those next to the plan are infeasible
)
_LOADS, _REST = "loads", "rest"
SLOPE_ROUNDS = 3
_CLOSED_SHARE = 0.01  # of the quantity of the last slope, over which the charge of an unused contract is spread at last
MAX_LOT_SHIPMENTS = 20_000  # greatest number of shipments in a program with lots


def solve_lot_mip(task: SolveTask, gap: float) -> Iterator[Solution]:
    """Yield solutions by one method after the other, with the integer columns fixed as branch and bound found them.

    The search starts from a rounded relaxation where one is feasible.

    Args:
        task: Instance with lots.
        gap: Relative optimality gap at which branch and bound stops.

    Yields:
        Unverified solutions; `stopped` where the time limit ended the search.
    """
    mip = _LotProgram.build(task)
    starts = [start for start in (mip._round_relaxation(), mip._reuse_contracts()) if start is not None]
    start = min(starts, key=lambda one: float(mip.ready.costs[0] @ one.x), default=None)
    found = run_branch_and_bound(mip.ready, mip.whole, gap, task.budget, None if start is None else start.x)
    if not len(found.x):
        yield Solution(found.status, found.method)
        return
    bound = None if found.bound is None else float(np.ldexp(found.bound, -int(mip.ready.cost[0])))
    for result in mip._iterate_fixed(np.rint(found.x)):
        plan = build_solution(task, mip.network, mip.program, mip.ready, result)
        method = f"{found.method}, then {result.method}"
        yield replace(plan, status=found.status, method=method, search_bound=bound)


def solve_rounded_lots(task: SolveTask) -> Iterator[Solution]:
    """Yield the solution of a rounded relaxation; nothing where none is feasible.

    Args:
        task: Instance with lots of feed or fixed charges.

    Yields:
        An unverified solution.
    """
    mip = _LotProgram.build(task)
    result = mip._round_relaxation()
    if result is not None:
        plan = build_solution(task, mip.network, mip.program, mip.ready, result)
        yield replace(plan, method=f"rounding, then {result.method}")


def solve_program_in_lots(program: SolverProgram, budget: TimeBudget = NO_TIME_LIMIT) -> VerifiedResult:
    """Solve a program with integer columns by branch and bound, then verify the linear program with these fixed.

    Args:
        program: Program in own units, with integer columns or without.
        budget: Time limit of the search.

    Returns:
        The result; its bound and duals are those at the integer columns. That no integer columns are feasible is found
        by search and not proven.

    Raises:
        SolverError: The search did not end in time, or no result can be verified.
    """
    whole = find_integer_columns(program)
    if not whole.any():
        return solve_from_scratch(program)
    ready = scale_program(replace(program, size=np.where(whole, 1.0, program.size)))
    found = run_branch_and_bound(ready, whole, 0.0, budget)
    if found.status == "infeasible":
        none = np.zeros(0)
        return VerifiedResult("infeasible", np.inf, none, np.zeros(len(program.rows)), np.inf, 0.0, warm=False)
    if found.status != "optimal":
        raise SolverError("the search for a plan in lots did not end in time")
    numbers = np.rint(found.x)
    lower, upper = (np.where(whole, numbers, side) for side in (program.lower, program.upper))
    return solve_from_scratch(replace(program, lower=lower, upper=upper))


@dataclass(frozen=True, eq=False)
class _LotProgram:
    """Program with its integer columns, which are not scaled: `whole` (N,) is their mask."""

    task: SolveTask
    network: Network
    program: SolverProgram
    whole: Bools
    ready: ScaledProgram

    @classmethod
    def build(cls, task: SolveTask) -> _LotProgram:
        """Build and scale the program of an instance with lots."""
        network, program = build_program(task)
        whole = find_integer_columns(program)
        ready = scale_program(replace(program, size=np.where(whole, 1.0, program.size)))
        return cls(task, network, program, whole, ready)

    def _iterate_fixed(self, numbers: Floats) -> Iterator[HighsResult]:
        """Yield the optima of one method after the other, with the integer columns fixed."""
        lower, upper = (np.where(self.whole, numbers, side) for side in (self.ready.lower, self.ready.upper))
        upper[find_unused_columns(self.task, self.network, self.program, numbers)] = 0.0
        for method in METHODS:
            result = solve_by_method(replace(self.ready, lower=lower, upper=upper), method)
            if len(result.x) and result.status == "optimal":
                yield result

    def _reuse_contracts(self) -> HighsResult | None:
        """Solve with the contracts that a similar plan uses; None without one, or where they are not feasible."""
        places = list(enumerate(self.program.places, start=self.program.network))
        if self.task.used is None or any(self.whole[n] and place[0] not in USED_VARIABLES for n, place in places):
            return None
        numbers = np.zeros(len(self.whole))
        numbers[[n for n, place in places if place in self.task.used]] = 1.0
        return next(self._iterate_fixed(numbers), None)

    def _round_relaxation(self) -> HighsResult | None:
        """Solve the relaxation, use the contracts of which it uses enough, and solve again with these."""
        places = enumerate(self.program.places, start=self.program.network)
        used = [(column, *place) for column, place in places if place[0] in USED_VARIABLES]
        if not used or len(used) < int(self.whole.sum()):
            return None
        relaxed = solve_by_method(self.ready, METHODS[0], None, self.task.budget)
        if relaxed.status != "optimal":
            return None
        instance, x = self.task.instance, self.ready.unscale_columns(relaxed.x)
        decisions = extract_decisions(instance, self.task.routes, self.network, self.program, x)
        account = PlanAccount(instance, self.task.routes, decisions)
        for share in _ROUNDING_SHARES:
            amounts = _list_amounts(account, share)
            numbers = relaxed.x.copy()
            numbers[[column for column, *_ in used]] = [float(amounts[name, index]) for _, name, index in used]
            result = next(self._iterate_fixed(numbers), None)
            if result is not None:
                return result
        return None


def _list_amounts(account: PlanAccount, share: float) -> dict[tuple[str, Any], bool]:
    """Return whether a plan uses more than a share of the least quantity of each contract, by binary variable."""
    instance, enough = account.instance, dict[tuple[str, Any], bool]()
    for kind in ACTIVITY_KINDS:
        quantity = np.asarray(compute_quantity(account, kind))
        quantity = quantity if kind.periodic else quantity.sum(axis=1, keepdims=True)
        least = np.maximum(share * kind.get_least(instance)[:, None], AMOUNT_TOLERANCE * quantity.max(initial=0.0))
        for name, row in zip(kind.list_names(instance), (quantity > least).tolist(), strict=True):
            index = zip(((name, t) for t in instance.periods) if kind.periodic else (name,), row, strict=True)
            enough |= {(f"{kind.name}_used", key): yes for key, yes in index}
    return enough


def find_unused_columns(task: SolveTask, network: Network, program: SolverProgram, numbers: Floats) -> Bools:
    """Find the shipments and purchases of contracts that a solution does not use, which are exactly 0.

    Args:
        task: Instance with its routes.
        network: Network block, whose shipments are the first columns.
        numbers (N,): Columns of the solution, those of integer variables rounded.

    Returns:
        Mask (N,).
    """
    instance, routes = task.instance, task.routes
    unused: dict[str, set[Any]] = {name: set() for name in USED_VARIABLES}
    for (name, index), value in zip(program.places, numbers[program.network :].tolist(), strict=True):
        if name in unused and value == 0:
            unused[name].add(index)
    mask = np.zeros(len(numbers), dtype=np.bool_)
    ships = slice(0, len(network.route))
    axes = {
        "smelter": routes.smelter,
        "treatment": instance.treatments.owner[routes.treatment],
        "stream": routes.stream,
        "line": routes.line,
    }
    for kind in ACTIVITY_KINDS:
        idle = unused[f"{kind.name}_used"]
        if not idle:
            continue
        names, periods = kind.list_names(instance), instance.periods
        if kind.name == "offer":
            bought = [name in ("buy", "acquire") and index[0] in idle for name, index in program.places]
            mask[program.network :] |= np.array(bought, dtype=np.bool_)
            continue
        off = [[((name, t) if kind.periodic else name) in idle for t in periods] for name in names]
        off.append([False] * len(periods))  # last: routes without a smelter
        mask[ships] |= np.array(off)[axes[kind.name][network.route], network.period]
    return mask


@dataclass(frozen=True, eq=False)
class TruckloadGroup:
    """Group of network columns whose sum must be a whole number of loads of `size` tonnes, or all of `maximum`.

    `known` is the sum in the continuous plan. With `waits`, a part load stays behind instead of going as the last load.
    """

    columns: Ints
    size: float
    maximum: float
    known: float
    waits: bool = False

    @property
    def full(self) -> int:
        """Greatest number of full loads."""
        return int(np.floor(self.maximum / self.size + INTEGRALITY_TOLERANCE))

    @property
    def rest(self) -> float:
        """Size of the last part load, t; 0 if it may not go."""
        rest = self.maximum - self.full * self.size
        return 0.0 if self.waits or rest <= INTEGRALITY_TOLERANCE * self.size else rest

    def compute_tonnes(self, loads: float, rest: float) -> float:
        """Return the tonnes of a number of loads.

        Args:
            loads: Number of full loads.
            rest: 1 with the part load, else 0.

        Returns:
            Tonnes.
        """
        return self.maximum if rest and round(loads) == self.full else round(loads) * self.size

    def compute_bounds(self, wide: bool) -> tuple[int, int, int, int]:
        """Return the bounds of the number of loads and of the part load.

        Args:
            wide: Whether all numbers are allowed, not only those next to the plan.

        Returns:
            Fewest and most full loads, least and most part loads.
        """
        if wide:
            return 0, self.full, 0, int(self.rest > 0)
        if self.rest and self.known > self.full * self.size + INTEGRALITY_TOLERANCE * self.size:
            return self.full, self.full, int(self.known >= self.maximum - INTEGRALITY_TOLERANCE * self.size), 1
        loads = self.known / self.size
        low = int(np.floor(loads + INTEGRALITY_TOLERANCE))
        return min(low, self.full), min(int(np.ceil(loads - INTEGRALITY_TOLERANCE)), self.full), 0, 0


def solve_truckload_mip(
    program: SolverProgram, loads: Sequence[TruckloadGroup], budget: TimeBudget
) -> tuple[Floats, VerifiedResult] | None:
    """Find the best whole numbers of loads, then solve the linear program with these.

    Args:
        program: Program in own units.
        loads: Groups of columns.
        budget: Time limit of branch and bound.

    Returns:
        Tonnes of each group, and the verified optimum; None where none is found.
    """
    if not loads:
        return np.zeros(0), solve_from_scratch(program)
    for wide in (False, True):
        posed, whole = _add_load_columns(program, loads, wide)
        ready = scale_program(replace(posed, size=np.where(whole, 1.0, posed.size)))
        result = run_branch_and_bound(ready, whole, WIDE_SEARCH_GAP if wide else 0.0, budget)
        if len(result.x):
            numbers = np.rint(result.x)
            lower, upper = (np.where(whole, numbers, side) for side in (posed.lower, posed.upper))
            outcome = solve_from_scratch(replace(posed, lower=lower, upper=upper))
            own = numbers[len(program.lower) :].reshape(2, len(loads)).T.tolist()
            amounts = np.array([load.compute_tonnes(*counted) for load, counted in zip(loads, own, strict=True)])
            if outcome.feasible:
                return amounts, outcome
    return None


def _add_load_columns(
    program: SolverProgram, loads: Sequence[TruckloadGroup], wide: bool
) -> tuple[SolverProgram, Bools]:
    """Return the program with integer columns for the loads and the part load of each group, and the mask of these."""
    count, number = len(loads), range(len(loads))
    bounds = np.array([load.compute_bounds(wide) for load in loads], dtype=float).reshape(count, 4)
    size, rest, full = (
        np.array([getattr(load, name) for load in loads], dtype=float) for name in ("size", "rest", "full")
    )
    size = np.where(full > 0, size, 0.0)  # no load larger than the available tonnes
    built = ProgramBuilder.extend(program)
    whole = built.add_columns([(_LOADS, n) for n in number], bounds[:, 0], bounds[:, 1])
    last = built.add_columns([(_REST, n) for n in number], bounds[:, 2], bounds[:, 3])
    sums = built.add_rows([(f"{_LOADS}_sum", n) for n in number], 0.0, 0.0)
    after = built.add_rows([(f"{_REST}_last", n) for n in number], 0.0)
    for row, load in zip(sums.tolist(), loads, strict=True):
        built.add_entries(row, load.columns)
    for row, column, value in (
        (sums, whole, -size),
        (sums, last, -rest),
        (after, whole, np.ones(count)),
        (after, last, -full),
    ):
        built.add_entries(row[value != 0], column[value != 0], value[value != 0])
    return built.build(), np.concatenate([find_integer_columns(program), np.ones(2 * count, dtype=bool)])


class PricedPlan(NamedTuple):
    """Plan with its dual values."""

    account: PlanAccount
    duals: Duals


def iterate_slopes(
    instance: Instance, relaxed: PricedPlan, solve_priced: Callable[[Instance], PricedPlan | None]
) -> Iterator[PricedPlan]:
    """Yield plans of an instance with charges and without least quantities.

    Args:
        instance: Instance with charges and falling prices.
        relaxed: Optimal plan with charges pro rata.
        solve_priced: Solves an instance without integers; None where it has no time left.

    Yields:
        Accounts of the plans in `instance`, with the dual values at their slopes.
    """
    plan: PricedPlan | None = relaxed
    slopes: dict[str, Floats] = {}
    best, kept = np.inf, slopes
    for number in range(SLOPE_ROUNDS + 2):
        if plan is None:
            return
        account = PlanAccount(instance, relaxed.account.routes, plan.account.decisions)
        yield plan._replace(account=account)
        used = measure_activities(account)
        slopes = {name: np.where(own > 0, own, slopes.get(name, 0.0)) for name, own in used.items()}
        if float(account.cost) < best:
            best = float(account.cost)  # charges of used contracts are paid, and those of others a multiple of theirs
            kept = {name: np.where(own > 0, np.inf, _CLOSED_SHARE * slopes[name]) for name, own in used.items()}
        last = number == SLOPE_ROUNDS and not list_falling_paths(instance)
        if number == SLOPE_ROUNDS and not last:
            return
        plan = solve_priced(drop_lot_constraints(spread_charges(instance, kept if last else slopes)))


def has_only_charges(instance: Instance) -> bool:
    """Return whether charges and falling prices are all that makes an instance a mixed-integer program.

    Args:
        instance: Instance.
    """
    return not instance.annex.get("lots") and not (instance.terms.minimum_lot.value > 0).any()


def select_lot_columns(relaxed: PlanAccount, duals: Duals, objective: str) -> NetworkSelection | None:
    """Select the columns of the network for a program in lots.

    Args:
        relaxed: Optimal plan of the relaxation, without lots and with charges pro rata.
        duals: Its dual values.
        objective: `cost`, `footprint` or `mass`.

    Returns:
        The shipments of the relaxation and those with the least reduced costs, with all stockpiles and bundles; None
        where all columns are few enough.
    """
    instance, routes = relaxed.instance, relaxed.routes
    possible = has_supply(instance)[routes.stream]
    if possible.sum() <= MAX_LOT_SHIPMENTS or instance.whole is not None:
        return None
    reduced = np.where(possible, _compute_reduced_costs(relaxed, duals, objective), np.inf)
    most = np.partition(reduced, MAX_LOT_SHIPMENTS, axis=None)[MAX_LOT_SHIPMENTS]
    kept = possible & ((reduced < most) | (np.asarray(relaxed.decisions.sent) > 0))
    streams = instance.streams
    rows = np.zeros((len(streams.names), len(instance.periods)), dtype=np.bool_)
    rows |= (streams.storable | (streams.bundle >= 0))[:, None]
    route, period = find_indices(kept)
    rows[routes.stream[route], period] = True
    whole = select_network(instance, routes, np.ones(len(streams.names), dtype=np.bool_))
    stream, when = whole.supplied
    own = rows[stream, when]
    return replace(whole, shipped=(route, period), supplied=(stream[own], when[own]))


def _compute_reduced_costs(relaxed: PlanAccount, duals: Duals, objective: str) -> Floats:
    """Return the reduced cost of each shipment, (J, T); of a branch, that of devices with this branch."""
    instance, routes = relaxed.instance, relaxed.routes
    y, weights = build_prices(instance, duals), ObjectiveWeights.from_objective(objective)
    context = BoundContext(instance, routes, compute_bounds(instance, routes))
    own = np.asarray(price_supply(context, y, weights))
    own = np.where(np.isfinite(own), own, 0.0)
    price = np.asarray(price_routes(instance, routes, y, weights), dtype=np.float64)
    taking, folded = fold_prices(routes, price)
    reduced = price.copy()
    reduced[taking] = np.asarray(folded) - own[routes.stream[taking]]
    branches, groups = routes.branches, routes.fraction_groups
    if len(branches):
        least = np.full((len(groups.parent), price.shape[1]), np.inf)
        np.minimum.at(least, groups.group[branches], price[branches])
        of = groups.group[branches]
        reduced[branches] = price[branches] - least[of] + reduced[groups.parent[of]]
    return reduced
