"""Tolerances: differences that count as zero, their scale, and the quantities compared.

Numbers are double precision, with 2**-53 ≈ 1.1e-16 relative error an operation. A program of some 10,000 terms keeps
about twelve digits, the simplex method about ten; all else follows from these.

- **Primal feasibility.** A constraint holds if it is violated by at most `FEASIBILITY_TOLERANCE` of its size: the
  largest of its right-hand side and the sum of the magnitudes of its terms. Relative, since rows are in tonnes,
  kilograms and currencies of any size.
- **Optimality.** A plan is optimal if objective − lower bound ≤ `GAP_TOLERANCE` times the sum of the magnitudes of all
  cost terms, and of at least 1. Relative to payments, not to their balance, which may be near 0. The bound is exact or
  has a proven error.
- **Dual feasibility** needs no tolerance: any duals give a lower bound, and a wrong sign makes it a worse one.
- **Infeasibility** is proven if the Farkas multipliers, of magnitude at most 1, leave a margin above
  `FARKAS_TOLERANCE`, or any above 0 in exact arithmetic.
- **HiGHS** works on a scaled program, in which columns and coefficients are about 1, with absolute tolerances ten times
  as fine. Its results are proposals: nothing is accepted but by the two relative tolerances above.
- **Amounts.** An amount counts as 0, and two as equal, within `AMOUNT_TOLERANCE` of the amount it is a part of: tonnes
  taken of those offered, a stock of all receipts, a cost of all costs. A sum of few terms that should cancel is 0
  within `SUM_TOLERANCE` of the terms.
- **Values of two solves** agree within `VALUE_TOLERANCE` of the cost terms: each has its own gap, and some basis error.
  Prices are differences of such values over a step, so they agree within `PRICE_TOLERANCE`.
- **Reports** leave out amounts below `DISPLAY_TOLERANCE` of its reference: four digits are shown.

Constants that steer an algorithm (iteration limits, step sizes, smoothing, sampling accuracy) and limits of what is
worth a reader's time stay in their modules.
"""

# Proof: relative to sizes, in the units of the instance
FEASIBILITY_TOLERANCE = 1e-9  # violation of a constraint, of its size
GAP_TOLERANCE = 1e-9  # objective above its lower bound, of the sum of the magnitudes of its terms
FARKAS_TOLERANCE = 1e-9  # margin of multipliers of magnitude at most 1, in floating point
CANCELLATION_TOLERANCE = 1e-9  # sum of many products, of the largest or of the sum of its terms: rounding
CUT_TOLERANCE = 2.0**-31  # violation of a chance constraint, of its size, from which a cut is added

# HiGHS: absolute, in the units of the scaled program
SOLVER_FEASIBILITY_TOLERANCE = 1e-10  # rows and reduced costs in HiGHS, its minimum
SMALL_MATRIX_VALUE = 1e-12  # entries of at most this magnitude are dropped by HiGHS
INTEGRALITY_TOLERANCE = 1e-9  # distance of a number of lots or loads from an integer
DUAL_TOLERANCE = 1e-9  # reduced cost or dual: below it alternative optima are possible
ACTIVE_TOLERANCE = 1e-11  # distance of a column or row from an active bound, of its size and at least 1
PRICED_ACTIVE_TOLERANCE = 1e-8  # the same where the reduced cost or dual is not 0
NEGLIGIBLE_SHARE = 2.0**-43  # column, of its implied bound: set to 0
LINEARITY_TOLERANCE = 1e-12  # deviation of a number of a parametric program from its line
RANGE_TOLERANCE = 1e-9  # parameter values, feasibility of a step, and Newton's method, of the value or the step
ALTERNATIVE_TOLERANCE = 1e-7  # distance from which an alternative optimum counts as different

# Column generation: relative to the sum of the magnitudes of the terms
REDUCED_COST_TOLERANCE = 1e-12  # reduced cost of a block solution that is not added
PHASE_ONE_TOLERANCE = 1e-12  # sum of relative violations at which phase one has found a feasible combination
TARGET_GAP = 1e-10  # gap at which crossover begins
CROSSOVER_GAP = 1e-12  # gap at which crossover ends
TIE_MARGIN = 1e-9  # margin between two alternatives of a cell up to which they are tied

# Analyses and reports: relative
SUM_TOLERANCE = 1e-12  # sum of few terms, of the largest of them
AMOUNT_TOLERANCE = 1e-9  # amount, of what it is a part of
VALUE_TOLERANCE = 1e-8  # two objective values, of the sum of the magnitudes of all cost terms
POSITION_TOLERANCE = 1e-8  # two values of a parameter, of the interval or of the value
PRICE_TOLERANCE = 1e-7  # two prices, of the larger one
DISPLAY_TOLERANCE = 1e-6  # what a report leaves out, of its reference
