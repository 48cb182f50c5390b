"""Implied bounds of extension variables, and the adjoint of prices of quantities."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from tests.model.cases import changed, loaded, plain, planned
from tests.proof.test_extensions_quantities import account

from medalopt.instance.arithmetic import EXACT_ARITHMETIC, read_floats
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.instance import Instance
from medalopt.instance.routes import build_routes
from medalopt.proof.bound import BoundContext
from medalopt.proof.extension_rows import (
    ExtensionResiduals,
    _imply_variable_bounds,
    _terms_range,
    _variable_range,
    compute_extended_bound,
    compute_extension_residuals,
    price_decisions,
    select_usable_duals,
)
from medalopt.proof.extensions import (
    _QUANTITY_FUNCTIONS,
    ExtensionData,
    ExtensionRow,
    ExtensionTerm,
    ExtensionVariable,
    PlacedExtensions,
    evaluate_quantity,
    place_extensions,
)
from medalopt.proof.prices import build_prices

NONE, ENDLESS = Fraction(0), (-math.inf, math.inf)
FIRST, SECOND = ("smelter", "1"), ("smelter", "2")  # up to 10 t are fed in each


def put(
    *rows: ExtensionRow, variables: tuple[ExtensionVariable, ...] = ()
) -> tuple[Instance, BoundContext, PlacedExtensions]:
    """Return the plain instance and its bound context with `rows`, in fractions."""
    instance = loaded(plain())
    found = build_routes(instance)
    ground = BoundContext(
        instance, found, compute_bounds(instance, found, EXACT_ARITHMETIC.read), EXACT_ARITHMETIC.read
    )
    return instance, ground, place_extensions(instance, found, ExtensionData(rows, variables), EXACT_ARITHMETIC.lift)


@pytest.mark.parametrize(
    ("given", "others", "own", "value", "between"),
    [
        ((4, 10), (1, 5), [(2, (0, 3)), (-1, (-2, 4))], 2, (-4.5, 6.5)),  # all else lies between -3 and 13
        ((4, 10), (1, 5), [(2, (0, 3)), (-1, (-2, 4))], -2, (-6.5, 4.5)),
        ((-math.inf, 10), (1, 5), [], 1, (-math.inf, 9)),
        ((4, math.inf), (1, 5), [], -1, (-math.inf, 1)),
        ((4, 10), (0, 0), [(0, ENDLESS)], 1, (4, 10)),  # what does not count has no say, however far it goes
        ((4, 10), (0, 0), [(1, (-math.inf, 2))], 1, (2, math.inf)),
        ((4, 10), (0, 0), [(-1, (-math.inf, 2))], 1, (-math.inf, 12)),
    ],
)
def test_the_range_of_one_variable_of_a_row(
    given: tuple[float, float],
    others: tuple[int, int],
    own: list[tuple[int, tuple[float, float]]],
    value: int,
    between: tuple[float, float],
) -> None:
    """A row within its bounds, with all other terms within theirs, implies bounds of one variable on both sides."""
    known = [(Fraction(factor), [Fraction(end) if math.isfinite(end) else end for end in ends]) for factor, ends in own]
    least, most = (Fraction(each) for each in others)
    assert _variable_range(given, (least, most), known, Fraction(value)) == between


def test_what_the_terms_of_a_row_can_come_to() -> None:
    """Twice the feed of the first period less thrice that of the second: between -30 and 20 t, prices or not."""
    own = ExtensionVariable("own", *ENDLESS)
    terms = (ExtensionTerm("feed", FIRST, 2.0), ExtensionTerm("feed", SECOND, -3.0), ExtensionTerm("own", (), 5.0))
    instance, ground, rows = put(ExtensionRow("row", 0.0, 1.0, terms), variables=(own,))
    every = {"balance": {("Ag", "2"): 7.0}, "feed_capacity": {FIRST: -7.0}, "supply": {("phone@north", "1"): -7.0}}
    for duals in ({}, every):
        assert _terms_range(ground, build_prices(instance, duals), rows, 0) == (-30, 20)


def test_what_terms_come_to_has_nothing_to_do_with_any_measure() -> None:
    """The feed of a period ranges from 0 to 10 t under every objective."""
    stream = {"device": "phone", "region": "north", "available": "10 t", "collection": "9 JPY/t", "footprint": "5 kg/t"}
    instance = loaded(changed(streams=[stream]))
    found = build_routes(instance)
    ground = BoundContext(
        instance, found, compute_bounds(instance, found, EXACT_ARITHMETIC.read), EXACT_ARITHMETIC.read
    )
    rows = place_extensions(
        instance,
        found,
        ExtensionData((ExtensionRow("row", 0.0, 1.0, (ExtensionTerm("feed", FIRST, 1.0),)),)),
        EXACT_ARITHMETIC.lift,
    )
    assert _terms_range(ground, build_prices(instance, {}), rows, 0) == (0, 10)


def test_bounds_follow_from_row_to_row() -> None:
    """Implied bounds propagate from row to row; a given bound stays."""
    variables = (ExtensionVariable("first", *ENDLESS), ExtensionVariable("second", -math.inf, 60.0))
    chain = (
        ExtensionRow("later", 0.0, 0.0, (ExtensionTerm("second", (), 1.0), ExtensionTerm("first", (), -3.0))),
        ExtensionRow("sent", -1.0, 1.0, (ExtensionTerm("first", (), 1.0), ExtensionTerm("feed", FIRST, -2.0))),
    )
    instance, ground, rows = put(*chain, variables=variables)
    low, high = _imply_variable_bounds(ground, build_prices(instance, {}), rows, *rows.get_variable_bounds())
    assert low.tolist() == pytest.approx([-1, -3])
    assert high.tolist() == pytest.approx([20, 60])  # the first end that is found: a third of 60


def test_only_the_finite_end_of_a_row_proves_anything() -> None:
    """A multiplier selects the bound of its sign; if that is infinite, or the multiplier NaN, both count as 0."""
    terms = (ExtensionTerm("feed", FIRST, 1.0),)
    rows = put(
        ExtensionRow("both", 1.0, 2.0, terms, 3.0),
        ExtensionRow("both", 1.0, 2.0, terms, -3.0),
        ExtensionRow("no upper end", 1.0, math.inf, terms, -3.0),
        ExtensionRow("no lower end", -math.inf, 2.0, terms, 3.0),
        ExtensionRow("no number", 1.0, 2.0, terms, math.nan),
    )[2]
    duals, ends = select_usable_duals(rows)
    assert duals.tolist() == [3, -3, 0, 0, 0]
    assert ends.tolist() == [1, 2, 0, 0, 0]


def test_what_nothing_bounds_proves_nothing() -> None:
    """A variable that may fall without end and pays for it leaves no bound; one bounded by a row leaves that of it."""
    free, own = ExtensionVariable("own", *ENDLESS), ExtensionTerm("own", (), 1.0)
    instance, ground, rows = put(ExtensionRow("row", -math.inf, 4.0, (own,), -2.0), variables=(free,))
    assert compute_extended_bound(ground, build_prices(instance, {}), "cost", rows) == -math.inf
    instance, ground, rows = put(ExtensionRow("row", -5.0, 4.0, (own,), -2.0), variables=(free,))
    assert (
        float(compute_extended_bound(ground, build_prices(instance, {}), "cost", rows)) == -18
    )  # -2 * 4, and 2 a unit from -5 on


@pytest.mark.parametrize(
    ("ends", "coefficient", "dual", "cost", "bound"),
    [
        ((2.0, 3.0), 1.0, 0.5, 1.0, 0.5 * 4 + 0.5 * 2),  # it costs 1 and is paid 0.5: at its least it adds 0.5 each
        ((2.0, 3.0), 1.0, 2.0, 1.0, 2.0 * 4 - 1.0 * 3),  # it is paid more than it costs: at its most
        ((2.0, 3.0), 1.0, -0.5, 1.0, -0.5 * 6 + 1.5 * 2),  # the other end of the row
        ((2.0, 3.0), -1.0, 0.5, 1.0, 0.5 * 4 + 1.5 * 2),
        ((-math.inf, math.inf), 1.0, 1.0, 1.0, 4.0),  # what is paid just what it costs adds nothing, wherever it ends
        ((-math.inf, 3.0), 1.0, 2.0, 1.0, 2.0 * 4 - 1.0 * 3),  # an end that is not asked for may be missing
        ((2.0, math.inf), 1.0, 0.5, 1.0, 0.5 * 4 + 0.5 * 2),
        ((-math.inf, 9.0), 1.0, 0.5, 1.0, 0.5 * 4 + 0.5 * 4),  # one that is asked for is the row's
        ((2.0, math.inf), 1.0, 1.5, 1.0, 1.5 * 4 - 0.5 * 6),
        ((2.0, 3.0), 1.0, 0.0, 1.0, 2.0),
        ((2.0, 3.0), 1.0, 0.0, -1.0, -3.0),
    ],
)
def test_what_a_variable_of_ones_own_adds(
    ends: tuple[float, float], coefficient: float, dual: float, cost: float, bound: float
) -> None:
    """In a row from 4 to 6, at a price and a cost: its least value where it costs, its greatest where it earns."""
    own, row = (
        ExtensionVariable("own", *ends),
        ExtensionRow("row", 4.0, 6.0, (ExtensionTerm("own", (), coefficient),), dual),
    )
    instance = loaded(plain())
    found = build_routes(instance)
    ground = BoundContext(
        instance, found, compute_bounds(instance, found, EXACT_ARITHMETIC.read), EXACT_ARITHMETIC.read
    )
    rows = place_extensions(
        instance, found, ExtensionData((row,), (own,), (ExtensionTerm("own", (), cost),)), EXACT_ARITHMETIC.lift
    )
    assert float(compute_extended_bound(ground, build_prices(instance, {}), "cost", rows)) == bound


@pytest.mark.parametrize(
    ("ends", "cost", "bound"),
    [
        (None, 0.0, 0.0),
        ((-math.inf, 6.0), -1.0, -6.0),
        ((4.0, math.inf), 1.0, 4.0),
        ((-math.inf, 6.0), 1.0, -math.inf),
        ((4.0, math.inf), -1.0, -math.inf),
    ],
)
def test_a_variable_without_bounds_needs_the_end_that_it_pays_at(
    ends: tuple[float, float] | None, cost: float, bound: float
) -> None:
    """One that costs needs a least value, one that earns a greatest; one that does neither needs no row at all."""
    own = ExtensionTerm("own", (), 1.0)
    added = ExtensionData(
        (ExtensionRow("row", *ends, (own,)),) if ends else (),
        (ExtensionVariable("own", *ENDLESS),),
        (replace(own, coefficient=cost),) if cost else (),
    )
    instance, ground, _ = put()
    rows = place_extensions(instance, ground.routes, added, EXACT_ARITHMETIC.lift)
    assert float(compute_extended_bound(ground, build_prices(instance, {}), "cost", rows)) == bound


def test_a_row_without_an_end_is_measured_without_it() -> None:
    """A quarter of a tonne beside no limit is measured by itself, and beside a limit of a tenth by itself as well."""
    terms = (ExtensionTerm("own", (), 1.0),)
    rows = (ExtensionRow("none", -math.inf, math.inf, terms), ExtensionRow("least", 0.1, math.inf, terms))
    instance, _, set_ = put(*rows, variables=(ExtensionVariable("own", *ENDLESS, 0.25),))
    plan = planned(instance)
    assert plan is not None
    found, own = compute_extension_residuals(plan.account, set_)
    assert [float(each) for each in found.size] == [0.25, 0.25] and [float(each) for each in own.size] == [0.25]
    assert [float(each) for each in found.excess] == [0, 0] and [float(each) for each in own.excess] == [0]


def test_an_excess_is_beside_its_size() -> None:
    """An excess is relative to its size, however small; absolute if the size is 0."""
    found = ExtensionResiduals(("a", "b", "c"), np.array([1.0, 1.0, 1.0]), np.array([4.0, 0.5, 0.0]))
    assert found.get_worst().tolist() == [0.25, 2, 1]


def test_a_variable_beyond_its_bounds() -> None:
    """Each extension variable is reported with its distance beyond either bound."""
    variables = tuple(ExtensionVariable(name, 1.0, 3.0, value) for name, value in (("a", 0.5), ("b", 2.0), ("c", 5.0)))
    instance, _, rows = put(variables=variables)
    plan = planned(instance)
    assert plan is not None
    own = list(compute_extension_residuals(plan.account, rows))[1]
    assert own.names == ("a", "b", "c")
    assert [float(each) for each in own.excess] == [0.5, 0, 2]
    assert [float(each) for each in own.size] == [3, 3, 5]


LINKING = ("feed", "treated", "returned", "sent_device", "sent_region", "sent_stream", "spend", "network_footprint")
ON_SHIPMENTS = [array for array in LINKING if array != "spend"]


def asked(*arrays: str) -> dict[str, np.ndarray]:
    """Return prices at random of these arrays of quantities."""
    random = np.random.default_rng(3)
    return {array: random.uniform(-1.0, 2.0, evaluate_quantity(account(), array).shape) for array in arrays}


def paid(price: dict[str, np.ndarray]) -> float:
    """Return the value of all quantities at given prices."""
    return sum(float((each * evaluate_quantity(account(), array)).sum()) for array, each in price.items())


ALONE = [(array,) for array in _QUANTITY_FUNCTIONS]
TOGETHER = [("sent", *LINKING), ("stockpile", "spend"), ("buy", "bought"), tuple(_QUANTITY_FUNCTIONS)]


@pytest.mark.parametrize("arrays", [*ALONE, *TOGETHER], ids=", ".join)
def test_prices_of_quantities_are_prices_of_decisions(arrays: tuple[str, ...]) -> None:
    """The value of quantities at any prices equals that of the decisions at the pulled-back prices."""
    price = asked(*arrays)
    of = account()
    found = price_decisions(of.instance, of.routes, read_floats, price)
    assert paid(found) == pytest.approx(paid(price), rel=1e-12)


def test_each_kind_of_extension_price_applies_to_its_decisions_alone() -> None:
    """Prices of shipments apply to shipments alone, those of spend also to storage, those of purchases to purchases."""
    of = account()
    for arrays, paying in (
        ((), set()),
        (("feed",), {"sent"}),
        (tuple(ON_SHIPMENTS), {"sent"}),
        (("spend",), {"sent", "stockpile"}),
        (("bought",), {"buy"}),
        (("stock", "cast"), {"stock", "cast"}),
    ):
        assert set(price_decisions(of.instance, of.routes, read_floats, asked(*arrays))) == paying
