r"""Linear programs with second-order cones $\lVert Ax+b\rVert_2\le c^\top x+d$, by outer approximation with cuts.

At a point $\hat x$ that violates the cone, $u=(A\hat x+b)/\lVert A\hat x+b\rVert$ gives the cut
$u^\top(Ax+b)\le c^\top x+d$ (Kelley 1960). It holds for every point of the cone, because $u^\top v\le\lVert v\rVert$
(Cauchy and Schwarz), so each program with cuts is a relaxation and its dual values prove a lower bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from medalopt.errors import NoPlanError, SolverError
from medalopt.instance.arrays import Floats
from medalopt.proof.rational import enclose_square_root
from medalopt.solver.highs import DUAL_SIMPLEX, load_simplex
from medalopt.solver.program import ProgramBuilder, SolverProgram
from medalopt.solver.scaling import compute_exponents, scale_program
from medalopt.solver.verification import compute_bound_and_violation
from medalopt.tolerances import FEASIBILITY_TOLERANCE

MAX_ROUNDS = 1_000  # programs solved before the approximation is given up
_CUT = "cone_cut"


@dataclass(frozen=True, eq=False)
class SecondOrderCone:
    """The constraint ||matrix x + offset|| <= slope @ x + constant on the columns of a program."""

    matrix: Floats  # (m, N)
    offset: Floats  # (m,)
    slope: Floats  # (N,)
    constant: float

    def compute_violation(self, x: Floats) -> float:
        """Return the violation at a point, relative to the size of the constraint.

        Args:
            x (N,): Columns.

        Returns:
            Violation; 0 or less where the constraint holds.
        """
        inner, right = self.matrix @ x + self.offset, float(self.slope @ x) + self.constant
        size = float(np.abs(self.slope) @ np.abs(x)) + abs(self.constant)
        norm = float(np.linalg.norm(inner))
        return (norm - right) / (max(size, norm) or 1.0)

    def build_cut(self, x: Floats) -> tuple[Floats, float]:
        """Build the cut at a point.

        Args:
            x (N,): Columns.

        Returns:
            Coefficients (N,) and lower bound of a row that every point of the cone satisfies.
        """
        inner = self.matrix @ x + self.offset
        norm = float(np.linalg.norm(inner))
        unit = inner / norm if norm > 0 else np.zeros(len(inner))
        return self.slope - unit @ self.matrix, float(unit @ self.offset) - self.constant


@dataclass(frozen=True, eq=False)
class ConeSolution:
    """Optimum of a cone program; `bound` is proven by the dual values of the program with cuts."""

    x: Floats  # (N,)
    value: float
    bound: float
    cuts: int  # number of cuts added
    violation: float  # greatest violation of a cone, relative to its size


def solve_cone_program(
    program: SolverProgram, cones: Sequence[SecondOrderCone], tolerance: float = FEASIBILITY_TOLERANCE
) -> ConeSolution:
    """Minimise the first objective of a program subject to cones.

    Args:
        program: Linear program with finite optimum.
        cones: Second-order cones on its columns.
        tolerance: Relative violation of a cone that is accepted.

    Returns:
        The optimum, with a proven lower bound.

    Raises:
        NoPlanError: No point satisfies the linear constraints and the cuts.
        SolverError: The program is unbounded, or the violation stays above `tolerance`.
    """
    built = ProgramBuilder.extend(program)
    for number, cone in enumerate(cones):  # the norm is not negative
        _add_cut(built, number, cone.slope, -cone.constant)
    current = built.build()
    scaled, cuts = scale_program(current), 0
    exponents = scaled.row
    session = load_simplex(scaled, "the cone program could not be loaded")
    session.use_simplex(DUAL_SIMPLEX)
    for _ in range(MAX_ROUNDS):
        status = session.run()
        if status == "infeasible":
            raise NoPlanError("cone program", "infeasible")
        if status != "optimal":
            raise SolverError(f"the linear relaxation of the cone program is {status}")
        values, duals = session.read_solution()
        x = scaled.unscale_columns(values)
        broken = [(number, cone) for number, cone in enumerate(cones) if cone.compute_violation(x) > tolerance]
        if not broken:
            bound = compute_bound_and_violation(current, x, np.ldexp(duals, exponents - scaled.cost[0]))[0]
            violation = max((cone.compute_violation(x) for cone in cones), default=0.0)
            return ConeSolution(x, float(program.costs[0] @ x), bound, cuts, violation)
        built = ProgramBuilder.extend(current)
        for number, cone in broken:
            slope, least = cone.build_cut(x)
            _add_cut(built, number, slope, least)
            at = np.flatnonzero(slope)
            value = np.ldexp(slope[at], scaled.column[at])
            row = -compute_exponents(np.abs(value).max(initial=0.0, keepdims=True))
            ends = np.ldexp(np.array([least]), row), np.array([np.inf])
            session.add_rows(*ends, np.zeros(1, dtype=np.intp), at, np.ldexp(value, row))
            exponents = np.append(exponents, row)
        current, cuts = built.build(), cuts + len(broken)
    raise SolverError(f"{cuts} cuts do not approximate the cones to {tolerance:g}")


def _add_cut(built: ProgramBuilder, number: int, slope: Floats, least: float) -> None:
    """Add the row slope @ x >= least."""
    row = built.add_rows([(_CUT, number)], least)
    at = np.flatnonzero(slope)
    built.add_entries(np.repeat(row, len(at)), at, slope[at])


def certify_cone(cone: SecondOrderCone, x: Floats, tolerance: float = FEASIBILITY_TOLERANCE) -> bool:
    """Return whether a point satisfies a cone within a relative tolerance, in exact arithmetic.

    Args:
        cone: Second-order cone.
        x (N,): Columns.
        tolerance: Relative violation that is accepted.

    Returns:
        True if the constraint is proven to hold, with an upper bound of the square root.
    """
    point = [Fraction(value) for value in x.tolist()]

    def evaluate(slopes: Floats, constant: float, size: bool = False) -> Fraction:
        """Evaluate an affine function at the point in exact arithmetic.

        Args:
            slopes: Coefficients.
            constant: Constant.
            size: Whether to sum the magnitudes of the terms.

        Returns:
            Exact value.
        """
        terms = [Fraction(slope) * value for slope, value in zip(slopes.tolist(), point, strict=True)]
        return sum(map(abs, terms) if size else terms, abs(Fraction(constant)) if size else Fraction(constant))

    inner = [evaluate(row, offset) for row, offset in zip(cone.matrix, cone.offset.tolist(), strict=True)]
    norm = enclose_square_root(sum((value * value for value in inner), Fraction(0)))[1]
    size = max(evaluate(cone.slope, cone.constant, size=True), norm)
    return norm - evaluate(cone.slope, cone.constant) <= Fraction(tolerance) * size
