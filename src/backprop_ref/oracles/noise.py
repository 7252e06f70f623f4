"""How many digits of f are real, and what a row of difference quotients says about the slope.

h      a step; six of them, each a quarter of the one before
D      the difference quotients, a row for each h, a column for each entry
E      what the noise of f can do to D
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..rounding import U, power_of_two_above

Vector = NDArray[np.float64]

POINTS = 9  # at equal distances along a line: eight differences
SAFE = 8.0  # noise counts this many times: it is a standard deviation, and measured from few values
QUARTER = 4.0  # each step is a quarter of the one before
DOUBT = 4.0  # what one more step of extrapolation changed counts this many times


def difference_noise(values: Vector) -> tuple[Vector, NDArray[np.bool_]]:
    """(noise, settled), each of the shape of one value: standard deviation of the noise in values of shape (9, ...).

    The k-th differences of a smooth function die away, those of noise do not: k!^2 / (2k)! times their mean square is the
    variance for every k. Settled where three k in a row agree within a factor of 4 and the differences change sign; where
    they do not, the noise is that of the highest differences.
    Source: More and Wild, Estimating computational noise, SIAM J. Sci. Comput. 33 (2011) 1292-1314, section 3.
    """
    sigma, sign_changes = [], []
    size = power_of_two_above(np.max(np.abs(values), axis=0))  # the square of a huge value overflows
    t = values / size
    for k in range(1, POINTS - 1):
        t = np.diff(t, axis=0)
        sigma.append(np.sqrt(math.factorial(k) ** 2 / math.factorial(2 * k) * np.mean(t**2, axis=0)))
        sign_changes.append(np.any(t[:-1] * t[1:] < 0, axis=0))
    noise, settled = np.array(sigma[-1]), np.zeros(np.shape(sigma[-1]), dtype=bool)
    for k in range(len(sigma) - 2):
        three = np.array(sigma[k : k + 3])
        here = ~settled & sign_changes[k] & (three.max(axis=0) <= 4 * three.min(axis=0))
        noise, settled = np.where(here, three.max(axis=0), noise), settled | here
    return noise * size, settled


def noise_along(f: Callable[[float], float], start: float) -> tuple[float, Vector, float]:
    """(noise of t -> f(t) near 0, its nine values, their distance): the distance is found so that the noise shows.

    f: one number to one number; NaN outside its domain. start: the first distance, relative to the scale of t.
    A distance at which most values are equal is too short, one at which no three differences agree is too long.
    Never below the rounding of the values themselves; at most 45 calls.
    """
    distance, following, least, values, varies = start, start, 2.0**-1074, np.zeros(POINTS), False
    highest = math.inf  # where nothing settles, the least that the highest differences gave
    for _ in range(5):
        distance = following
        values = np.array([f(distance * (k - POINTS // 2)) for k in range(POINTS)])
        if not np.isfinite(values).all():
            following = distance / 2**10
            continue
        digits = np.frexp(values)[0]
        single = bool(np.all(digits == digits.astype(np.float32)))  # 24 bits, as of a float32 function
        varies |= bool(np.any(np.diff(values) != 0))
        least = max(2.0**-1074, (2.0**-24 if single and varies else U) * float(np.max(np.abs(values))))
        if np.mean(np.diff(values) == 0) > 0.5:
            following = distance * (2**20 if single and distance < 2.0**-30 else 2**6)
            continue
        values = _without_jump(values, least)
        noise, settled = difference_noise(values)
        if settled:
            return max(float(noise), least), values, distance
        highest = min(highest, float(noise))
        following = distance / 2**5
    return max(least, highest if math.isfinite(highest) else 0.0), values, distance


def _without_jump(values: Vector, least: float) -> Vector:
    """The values, with one difference that is 1000 times all others made like them: a jump of f on the line is no noise."""
    d = np.diff(values)
    typical = np.median(d)
    p = int(np.argmax(np.abs(d - typical)))
    others = np.abs(np.delete(d, p) - typical)
    if np.abs(d[p] - typical) > 1000 * max(float(others.max()), SAFE * least):
        d[p] = typical
    return values[0] + np.concatenate([[0], np.cumsum(d)])


def slope_of(D: Vector, E: Vector, power: int) -> tuple[Vector, Vector]:
    """(slope, error bar), shapes (n,): the best of all extrapolations to h = 0 of D, shape (K, n), with noise E.

    power: D is the slope plus a series in h^power (2: central differences, 1: one-sided ones). Each run of neighbouring steps
    gives one extrapolation (Neville); its bar is 4 times what the last step of extrapolation changed (16 times in a run of
    two, where only one change is known) plus the noise carried along. The smallest bar wins and is then widened until what
    smaller steps say, which see less of the curvature, agrees. An estimate, not a bound; inf where there is none.
    """
    K, n = D.shape
    row = {(a, a): (D[a], E[a]) for a in range(K)}
    runs: list[tuple[int, Vector, Vector]] = []  # (last step, slope, bar)
    value, bar, last = np.full(n, np.nan), np.full(n, np.inf), np.zeros(n, dtype=int)
    for width in range(1, K):
        r = QUARTER ** (power * width)
        for a in range(K - width):
            b = a + width
            (p, e_p), (q, e_q) = row[a, b - 1], row[a + 1, b]
            change = (q - p) / (r - 1)
            v, e = q + change, (r * e_q + e_p) / (r - 1)
            row[a, b] = v, e
            estimate = DOUBT * (1 if width > 1 else DOUBT) * np.abs(change) + e
            runs.append((b, v, estimate))
            better = np.isfinite(v) & (estimate < bar)
            value, bar, last = np.where(better, v, value), np.where(better, estimate, bar), np.where(better, b, last)
    for b, v, estimate in runs:
        excess = np.abs(v - value) - estimate - bar
        bar = np.where((b > last) & (excess > 0), bar + 2 * excess, bar)
    return value, np.where(np.isnan(value), np.inf, bar + 2 * U * np.abs(value))
