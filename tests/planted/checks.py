"""The checks that have to catch an error. They run in a process of their own, in which `medalopt` holds one."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from itertools import chain, islice
from pathlib import Path
from random import Random
from statistics import NormalDist
from typing import Any

from tests.planted.explained import explained, own_rules, rules_and_lots
from tests.planted.moved import MOVED
from tests.planted.saved import statements
from tests.planted.taken_apart import taken_apart
from tests.planted.two_stages import two_stages

ROOT = Path(__file__).parents[2]
CONFORMANCE, TINY, OWN = ROOT / "tests/conformance", ROOT / "instances/tiny.yaml", Path(__file__).parent / "instances"
APART = (
    TINY,
    *(CONFORMANCE / f"{name}.yaml" for name in ("c00", "c07", "c10")),
    OWN / "prices.yaml",
    OWN / "pooled.yaml",
)
SOLVED = (TINY, *sorted(OWN.glob("*.yaml")), *sorted(CONFORMANCE.glob("*.yaml")))
_BY_HAND = (
    *("slack", "ends", "waiting", "offers", "concentration", "shortfall", "left_metal"),
    *("reserve", "reserve_of_two", "prices", "offer_stock", "price_steps"),
)
PRICED = (
    *((TINY, measure) for measure in ("cost", "footprint", "mass")),
    *((OWN / f"{name}.yaml", "cost") for name in _BY_HAND),
    *((CONFORMANCE / f"{name}.yaml", "cost") for name in ("c00", "c07", "page")),
    (CONFORMANCE / "c10.yaml", "mass"),  # its prices of supply are nothing but for rounding
)
PROMISED = Path(__file__).with_name("promised.yaml")
UNCERTAIN = ROOT / "tests/instance/uncertain.yaml"
STEPS = ROOT / "tests/planted/instances/price_steps.yaml"
REFUSED = ROOT / "instances/infeasible.yaml"
ADDED = OWN / "added.py"
NOTHING_MORE = "def extend(model, instance):\n    pass\n"
CLOSE = 1e-7  # of its value, within which an optimum is the expected one


@dataclass(frozen=True)
class Known:
    """Reference results: from the unchanged code, and from GLPK on the MathProg model."""

    optima: dict[str, dict[str, float | None]]  # by path of the instance and measure; None: no plan
    wrong: dict[str, tuple[str, tuple[Any, ...]]]  # path, and decisions for it that break one rule
    priced: dict[tuple[str, str], tuple[float, Any, tuple[Any, ...]]]  # by path and measure: optimum, duals, decisions


Check = Callable[[Known], Iterator[str]]


@cache
def loaded(path: Path) -> Any:
    """Return the instance at `path`."""
    import medalopt

    return medalopt.load(path)


def optimum(path: Path, measure: str, extensions: tuple[Path, ...] = ()) -> tuple[str, float | None]:
    """Return the result of `solve`: `optimal` with its value, `infeasible`, or `unproven`.

    Only the first method is used: on a wrong program the other methods would agree with it, eight times.
    """
    import medalopt
    from medalopt.errors import NoPlanError, SolverError

    try:
        with first_answers():
            return "optimal", medalopt.solve(loaded(path), measure, extensions).objective
    except NoPlanError as error:
        return error.status, None
    except SolverError:
        return "unproven", None


@contextmanager
def first_answers() -> Iterator[None]:
    """Within, the ladder of methods has a single rung."""
    from medalopt import solve_instance

    answers = solve_instance.solve_linear_program
    solve_instance.solve_linear_program = lambda task: islice(answers(task), 1)
    try:
        yield
    finally:
        solve_instance.solve_linear_program = answers


def differs(found: tuple[str, float | None], expected: float | None) -> str | None:
    """Return the part of a result that reveals an error: `certificate` or `optimum`, else None."""
    status, value = found
    if status == "unproven":
        return "certificate"
    if value is None or expected is None:
        return None if status == "infeasible" and expected is None else "optimum"
    return None if abs(value - expected) <= CLOSE * max(1, abs(expected)) else "optimum"


def check_optimum(known: Known, path: Path, measure: str) -> Iterator[str]:
    """The optimum of an instance by a measure is that of GLPK, or of expected.json."""
    caught = differs(optimum(path, measure), known.optima[str(path)][measure])
    if caught:
        yield caught


def extension(known: Known) -> Iterator[str]:
    """The model of `build` has the same optimum with an extension that adds no constraint."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "nothing_more.py"
        path.write_text(NOTHING_MORE, encoding="utf-8")
        for name in (TINY, CONFORMANCE / "c03.yaml"):
            caught = differs(optimum(name, "cost", (path,)), known.optima[str(name)]["cost"])
            if caught:
                yield caught


def ties(known: Known) -> Iterator[str]:
    """Among streams of one footprint the cheapest is taken, and of those the one with the fewest tonnes."""
    import medalopt
    from medalopt.errors import MedaloptError

    try:
        plan = medalopt.solve(loaded(OWN / "ties.yaml"), "footprint")
    except MedaloptError:
        yield "no plan"
    else:
        if abs(plan.cost - 60) > CLOSE * 60 or abs(plan.tonnes - 1) > CLOSE:
            yield "another plan"


def spoiled(known: Known) -> Iterator[str]:
    """An answer in which more metal is left over than there is is not handed out, nor is it said that there is none."""
    import medalopt
    from medalopt import solve_instance
    from medalopt.errors import MedaloptError, NoPlanError

    answers = solve_instance.solve_linear_program

    def spoilt(task: Any) -> Iterator[Any]:
        for answer in islice(answers(task), 4):  # three methods; then what may show that there is no plan
            made = answer.decisions
            more = made and dataclasses.replace(made, surplus=made.surplus + 1)
            yield dataclasses.replace(answer, decisions=more)

    solve_instance.solve_linear_program = spoilt
    try:
        medalopt.solve(loaded(TINY))
        yield "a wrong plan"
    except NoPlanError:
        yield "no plan"
    except MedaloptError:
        pass
    finally:
        solve_instance.solve_linear_program = answers


def _certified(path: Path, decisions: tuple[Any, ...], priced: Iterable[Any], measure: str) -> Iterator[Any]:
    """Yield the certificate of a plan for each of several prices."""
    from medalopt.instance.accounting import Decisions, PlanAccount
    from medalopt.instance.arithmetic import FLOAT_ARITHMETIC
    from medalopt.instance.bounds import compute_bounds
    from medalopt.instance.routes import build_routes
    from medalopt.proof.certificate import certify_plan

    instance = loaded(path)
    found = build_routes(instance)
    limits, account = compute_bounds(instance, found), PlanAccount(instance, found, Decisions(*decisions))
    for duals in priced:
        yield certify_plan(account, limits, duals, measure, FLOAT_ARITHMETIC)


def wrong_plans(known: Known) -> Iterator[str]:
    """Plans that violate one constraint each are rejected, as is a feasible plan without dual values."""
    for name, (path, decisions) in known.wrong.items():
        _, duals, _ = known.priced[path, "cost"]
        (certificate,) = _certified(Path(path), decisions, [duals], "cost")
        if certificate.optimal or certificate.primal_violation <= CLOSE:
            yield name
    _, _, right = known.priced[str(TINY), "cost"]
    (certificate,) = _certified(TINY, right, [{}], "cost")
    if certificate.optimal:
        yield "the right one without prices"


def check_bounds(known: Known, path: Path, measure: str) -> Iterator[str]:
    """Whatever the prices: no bound above the optimum; with the right ones it is the optimum."""
    value, duals, decisions = known.priced[str(path), measure]
    found = _certified(path, decisions, [duals, {}, *_disturbed(duals)], measure)
    limits = [certificate.lower_bound for certificate in found]
    room = CLOSE * max(1, abs(value))
    if max(limits) > value + room:
        yield "too high"
    if limits[0] < value - room:
        yield "too low"


def additions(known: Known) -> Iterator[str]:
    """Added rows prove no more than the optimum, whatever their prices; a plan that breaks one is refused."""
    import medalopt
    from medalopt.errors import MedaloptError
    from medalopt.instance.accounting import Decisions, PlanAccount
    from medalopt.instance.arithmetic import FLOAT_ARITHMETIC
    from medalopt.instance.bounds import compute_bounds
    from medalopt.proof.certificate import certify_plan

    instance, (_, _, free) = loaded(TINY), known.priced[str(TINY), "cost"]
    for path in (*sorted((ROOT / "models/extensions").glob("*.py")), ADDED):
        try:
            plan = medalopt.solve(instance, extensions=[path])
        except MedaloptError:
            yield "unproven"
            continue
        limits = compute_bounds(instance, plan.account.routes)
        for factor in (-1, 0, 0.5, 2):
            added = plan.added.scale_duals(factor)
            if (
                certify_plan(plan.account, limits, plan.duals, "cost", FLOAT_ARITHMETIC, added).lower_bound
                > plan.objective + 1
            ):
                yield "too high"
        account = PlanAccount(instance, plan.account.routes, Decisions(*free))
        if (
            path != ADDED
            and certify_plan(account, limits, plan.duals, "cost", FLOAT_ARITHMETIC, plan.added).primal_violation < CLOSE
        ):
            yield "a broken row"


def bases(known: Known) -> Iterator[str]:
    """The exact vertex next to a plan is found and optimal; without dual values there is none."""
    import numpy as np

    from medalopt.instance.accounting import Decisions, PlanAccount
    from medalopt.instance.bounds import compute_bounds
    from medalopt.instance.routes import build_routes
    from medalopt.proof.basis import ExactBasis

    for (path, measure), (value, duals, decisions) in known.priced.items():
        instance = loaded(Path(path))
        found = build_routes(instance)
        limits = compute_bounds(instance, found)
        account = PlanAccount(instance, found, Decisions(*(part * (1 + 1e-13) for part in decisions)))
        shown = ExactBasis.build(account, limits, duals, measure)
        if shown.best is None:
            yield "not shown"
            continue
        if abs(float(shown.best.compute_objective(measure)) - value) > CLOSE * max(1, abs(value)):
            yield "another value"
        rounded = dataclasses.astuple(shown.round_plan(account).decisions)
        if not all(np.array_equal(one, other) for one, other in zip(rounded, decisions, strict=True)):
            yield "not rounded"
        if value != 0 and ExactBasis.build(account, limits, {}, measure).best is not None:
            yield "shown without prices"
        lots = dataclasses.replace(instance, lots=("market",))
        if ExactBasis.build(PlanAccount(lots, found, account.decisions), limits, duals, measure).best is not None:
            yield "shown of lots"


def refutations(known: Known) -> Iterator[str]:
    """No multipliers refute a feasible instance: neither its dual values, nor others, nor none."""
    from medalopt.proof.certificate import prove_infeasibility

    for (path, _), (_, duals, _) in known.priced.items():
        for multipliers in (duals, {}, *list(_disturbed(duals))[-2:]):
            if prove_infeasibility(loaded(Path(path)), multipliers).holds:
                yield "refuted"


def refusals(known: Known) -> Iterator[str]:
    """A saved proof of infeasibility is rejected if its multipliers prove no contradiction."""
    import medalopt
    from medalopt.errors import MedaloptError, NoPlanError
    from medalopt.plan.schema import SavedInfeasibility
    from medalopt.proof.verdict import verify_infeasibility
    from medalopt.report.render.json import build_no_plan_object

    instance = loaded(REFUSED)
    try:
        medalopt.solve(instance)
    except NoPlanError as error:
        told = build_no_plan_object(instance, "infeasible", "cost", error.proof)
    except MedaloptError:
        return
    duals, margin = told["proof"]["duals"], told["proof"]["margin"]
    for wrong in ({"duals": duals[:1], "margin": -1.0}, {"margin": 2 * margin}, {"duals": [*duals, duals[0]]}):
        if verify_infeasibility(
            instance, SavedInfeasibility.model_validate(told | {"proof": told["proof"] | wrong})
        ).accepted:
            yield "accepted"


def _disturbed(duals: Any) -> Iterator[dict[str, dict[Any, float]]]:
    """Yield other prices: those of one rule larger, smaller, or of the other sign; all doubled; all a little off."""
    for rule, values in duals.items():
        if not rule.startswith("define_"):
            size = max((abs(value) for value in values.values()), default=0) or 10.0
            for turn in (-2 * size, -size / 2, size / 2):
                yield {**duals, rule: {key: value + turn for key, value in values.items()}}
    yield {rule: {key: 2 * value for key, value in values.items()} for rule, values in duals.items()}
    random = Random(0)
    for turn in (0.001, 0.01, 0.1):
        yield {
            rule: {key: value * (1 + random.gauss(0, turn)) for key, value in values.items()}
            for rule, values in duals.items()
        }


PAYERS = {  # by kind, and of a stream and a treatment their own
    "payers.default": "committee",
    "payers.collection": "municipalities",
    "payers.storage": "operators",
    "streams.phone@east.payer": "carrier",
    "treatments.dismantle.payer": "operators",
    "transfers": (
        "{service: {payer: committee, receiver: operators, per: treatments.dismantle, price: 10_000 JPY/t},"
        " silver: {payer: committee, receiver: operators, per: metals.Ag, price: 1 JPY/g}}"
    ),
}
TRANSFERRED = 85_000 + 12_688  # 8.5 t dismantled at 10,000 JPY, and 12.688 kg of silver returned
PAID = {  # 8.5 t dismantled at 20,000 JPY and 2,750 JPY of storage; phones of the east at 10,000 JPY/t; the rest
    **{"operators": 172_750 - TRANSFERRED, "carrier": 76_362, "municipalities": 605_124 - 76_362},
    "committee": 3_350_183 - 172_750 - 605_124 + TRANSFERRED,
}


def payers(known: Known) -> Iterator[str]:
    """What each party pays is as by hand, and what the plan costs at the prices of that party alone."""
    import medalopt
    from medalopt.instance.accounting import PlanAccount
    from medalopt.instance.payers import compute_party_costs, restrict_costs
    from medalopt.instance.routes import build_routes

    plan = medalopt.solve(medalopt.load(TINY, PAYERS))
    paid = {
        party: sum(float(costs.sum()) for costs in kinds.values())
        for party, kinds in compute_party_costs(plan.account).items()
    }
    for party, amount in PAID.items():
        own = restrict_costs(plan.instance, party)
        if abs(paid.get(party, 0.0) - amount) > 1:
            yield f"paid by {party}"
        if abs(float(PlanAccount(own, build_routes(own), plan.account.decisions).cost) - amount) > 1:
            yield f"at the prices of {party}"


def lots(known: Known) -> Iterator[str]:
    """The worked example in whole lots has its cost by hand, and differs from the plan without lots."""
    import medalopt
    from medalopt.errors import MedaloptError
    from medalopt.instance.lot_relaxation import drop_lot_constraints

    path = ROOT / "tests/solver/lots.yaml"
    for price, least, cost in (("900", "3", 16_000), ("600", "3", 15_600), ("600", "7", 16_000)):
        changes = {"market.silver.price": f"{price} JPY/kg", "market.silver.minimum_order": f"{least} kg"}
        try:
            plan = medalopt.solve(medalopt.load(path, changes))
        except MedaloptError:
            yield "certificate"
        else:
            if abs(plan.cost - cost) > CLOSE * cost:
                yield "optimum"
    for changes, cost in (({}, 1_630), ({"smelters.near.terms.phones.minimum_lot": "5.5 t"}, 1_710)):
        try:
            plan = medalopt.solve(medalopt.load(ROOT / "tests/solver/activities.yaml", changes))
        except MedaloptError:
            yield "certificate"
        else:
            if abs(plan.cost - cost) > CLOSE * cost or plan.certificate.lower_bound > plan.cost * (1 + CLOSE):
                yield "optimum"
            if not changes and abs(plan.certificate.lower_bound - 1_525) > CLOSE * cost:
                yield "bound"
    free = medalopt.solve(drop_lot_constraints(loaded(path)))
    made = tuple(getattr(free.account.decisions, field.name) for field in dataclasses.fields(free.account.decisions))
    for certificate in _certified(path, made, [free.duals], "cost"):
        if certificate.feasible:
            yield "a wrong plan"


def promised(known: Known) -> Iterator[str]:
    """A promise costs what it costs by hand; the plan without it is refused, and no prices prove a higher cost."""
    import medalopt
    from medalopt.errors import MedaloptError
    from medalopt.proof.confidence import DIRECTION_RULE

    changes: tuple[dict[str, str], ...] = ({}, {"policy.confidence": "50 %"}, {"supply_correlation.all": "0 %"})
    try:
        plan, *wrong = (medalopt.solve(medalopt.load(PROMISED, change)) for change in changes)
    except MedaloptError:
        yield "certificate"
        return
    cost = 100 * (12 + 5) / (1 - 0.1 * NormalDist().inv_cdf(0.9))  # both streams come short together: 10 % of all
    if abs(plan.cost - cost) > CLOSE * cost:
        yield "optimum"
    made, *broken = (tuple(vars(one.account.decisions).values()) for one in (plan, *wrong))
    for decisions in broken:
        if next(_certified(PROMISED, decisions, [plan.duals], "cost")).primal_violation <= CLOSE:
            yield "a broken promise"
    longer = {
        rule: {key: (20 if rule == DIRECTION_RULE else 2) * value for key, value in values.items()}
        for rule, values in plan.duals.items()
    }
    prices = [plan.duals, longer, *_disturbed(plan.duals)]
    limits = [each.lower_bound for each in _certified(PROMISED, made, prices, "cost")]
    if max(limits) > cost * (1 + CLOSE):
        yield "too high"
    if limits[0] < cost * (1 - CLOSE):
        yield "too low"


def risk(known: Known) -> Iterator[str]:
    """Need, distribution and probability of every deadline equal those that the proof derives from the plan."""
    import medalopt
    from medalopt.errors import MedaloptError
    from medalopt.instance.uncertainty import compute_risk
    from medalopt.proof.derived import derive_risk

    changes = {"smelters.works.settlement_lot": "pooled", "smelters.works.deduction.Ag": "60 g/t"}
    for change in ({}, changes):
        try:
            account = medalopt.solve(medalopt.load(UNCERTAIN, change)).account
        except MedaloptError:
            yield "no plan"
            continue
        told, follows = compute_risk(account), dict(derive_risk(account))
        names = account.instance.metals.names, account.instance.periods
        found = {(names[0][one.metal], names[1][one.period]): one for one in told}
        if found.keys() != follows.keys():
            yield "another deadline"
            continue
        for key, values in follows.items():
            one = found[key]
            stated = (one.needed, one.mean, one.deviation, one.low, one.high, one.probability)
            if any(abs(a - b) > CLOSE * max(1, abs(b)) for a, b in zip(stated, values.values(), strict=True)):
                yield "another distribution"


def _each(check: Callable[..., Iterator[str]], cases: Iterable[tuple[Path, str]]) -> dict[str, Check]:
    """Return a check for each instance and measure, by name."""
    kind = check.__name__.removeprefix("check_")
    return {f"{kind}: {path.stem}, {measure}": partial(check, path=path, measure=measure) for path, measure in cases}


CHECKS: dict[str, Check] = {
    **_each(check_optimum, ((path, "cost") for path in SOLVED)),
    **{check.__name__: check for check in (ties, extension, spoiled)},
    **_each(check_optimum, ((path, measure) for measure in ("footprint", "mass") for path in SOLVED)),
    "wrong plans": wrong_plans,
    **_each(check_bounds, PRICED),
    **{check.__name__: check for check in (additions, bases, refutations, refusals)},
    "statements": lambda known: chain(statements(loaded(TINY)), statements(loaded(STEPS), ())),
    **{check.__name__: check for check in (lots, payers, risk, promised)},
    "explained": lambda known: explained(),
    "taken apart": lambda known: taken_apart(known.optima, APART),
    "own rules": lambda known: own_rules(),
    "rules and lots": lambda known: rules_and_lots(),
    "two stages": lambda known: two_stages(),
    **MOVED,
}
