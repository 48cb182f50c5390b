"""Latin hypercube samples, standard normal quantiles, and factors with mean 1 and a given coefficient of variation."""

from __future__ import annotations

import math

import numpy as np

from medalopt.instance.arrays import Floats

SAMPLING_SEED = 2020
QUANTILE_MARGIN = 1e-12  # least distance of a uniform variate from 0 and 1
_CENTRE, _NEAR = 0.425, 5.0  # ends of the three ranges of the rational approximations
# coefficients of numerator and denominator, highest power first: Wichura 1988, algorithm AS 241, PPND16
_CENTRAL = (
    (
        *(2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457),
        *(13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608),
    ),
    (
        *(5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867),
        *(5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0),
    ),
)
_MIDDLE = (
    (
        *(7.7454501427834140764e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258),
        *(3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734),
    ),
    (
        *(1.05075007164441684324e-9, 5.475938084995344946e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1),
        *(6.89767334985100004550e-1, 1.67638483018380384940, 2.05319162663775882187, 1.0),
    ),
)
_TAIL = (
    (
        *(2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2),
        *(2.96560571828504891230e-1, 1.78482653991729133580, 5.46378491116411436990, 6.65790464350110377720),
    ),
    (
        *(2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4),
        *(1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0),
    ),
)


def compute_normal_quantiles(probabilities: Floats) -> Floats:
    """Compute quantiles of the standard normal distribution (Wichura 1988, AS 241; relative error below 1e-15).

    Args:
        probabilities: Probabilities of any shape; those nearer than 1e-12 to 0 or 1 are moved to there.

    Returns:
        Quantiles of the same shape.
    """
    p = np.clip(probabilities, QUANTILE_MARGIN, 1 - QUANTILE_MARGIN)
    q = p - 0.5
    result = np.empty_like(q)
    central = np.abs(q) <= _CENTRE
    result[central] = q[central] * _evaluate_ratio(_CENTRAL, 0.180625 - q[central] ** 2)
    outer = p[~central]
    r = np.sqrt(-np.log(np.minimum(outer, 1 - outer)))
    size = np.where(r <= _NEAR, _evaluate_ratio(_MIDDLE, r - 1.6), _evaluate_ratio(_TAIL, r - _NEAR))
    result[~central] = np.copysign(size, outer - 0.5)
    return result


def _evaluate_ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], r: Floats) -> Floats:
    """Return the ratio of two polynomials."""
    return np.asarray(np.polyval(coefficients[0], r) / np.polyval(coefficients[1], r))


def draw_latin_hypercube(random: np.random.Generator, count: int, width: int) -> Floats:
    """Draw a Latin hypercube sample: each column has one point in each of `count` equal intervals.

    Args:
        random: Random generator.
        count: Rows.
        width: Columns.

    Returns:
        (count, width): points in [0, 1).
    """
    drawn = [random.permutation(count) for _ in range(width)]
    ranks = np.stack(drawn, axis=1) if width else np.zeros((count, 0), int)
    return np.asarray((ranks + random.random(ranks.shape)) / count)


def compute_factors(z: Floats, cv: float | Floats, normal: bool = False) -> Floats:
    """Compute factors with mean 1 from standard normal variates.

    Args:
        z (N, ...): Standard normal variates.
        cv: Coefficient of variation of each column.
        normal: Normal factors, cut at 0; else lognormal ones.

    Returns:
        Factors of the shape of `z`.
    """
    if normal:
        return np.asarray(np.maximum(1 + cv * z, 0.0))
    spread = np.sqrt(np.log1p(np.square(cv)))
    return np.asarray(np.exp(spread * z - spread**2 / 2))


def compute_wilson_interval(share: float, count: int) -> tuple[float, float]:
    """Compute the 95 % confidence interval of a probability from the share of draws (Wilson 1927).

    Args:
        share: Share of the draws, 0 to 1.
        count: Draws.

    Returns:
        Lower and upper end; conservative for a stratified sample.
    """
    z = 1.959963984540054
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return (centre - half if share > 0 else 0.0), (centre + half if share < 1 else 1.0)
