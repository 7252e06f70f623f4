"""The slope of a function of one number from its values alone, with an error bar: what holds a sigma' to its sigma.

x  (c,)            the points, one for each column
f  (c,) -> (r, c)  r functions of the x of their own column

An error bar is an estimate, and called so; it is made of what was measured: rounding noise, and how fast the
extrapolation settles.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .rounding import smallest_normal, unit_roundoff

Array = NDArray[Any]
Function = Callable[[Array], Array]
STEPS = 7  # 1/2, 1/8, ... 1/8192
PLACES = np.random.default_rng(0).uniform(-3.5, 3.5, 12)  # irregular: rounding errors can keep step with regular ones
ROUGH = np.linalg.qr(np.vander(PLACES, 4), mode="complete")[0][:, 4:].T  # takes the cubic out of values at these places


@dataclass(frozen=True, eq=False)
class Slope:
    """A slope for each function and point, all (r, c).

    bar    the error bar; infinity where f is not finite nearby
    noise  of the values of f that it was made from
    kink   True where the slopes left and right of x stay apart however small the step
    """

    value: Array
    bar: Array
    noise: Array
    kink: Array


def noise(f: Function, x: Array, reach: Array | float = 1.0, spacing: float = 2.0**-26) -> Array:
    """The size of the rounding errors in f near x, (r, c): what no cubic explains of its values at twelve places nearby.

    reach: how far from x to either side f is smooth. Infinity where a value nearby is not finite. What is rounded so
    coarsely that it is the same at all these places shows none: see precision_of, and what slope calls least.
    Source: as Moré and Wild, Estimating computational noise, SIAM J. Sci. Comput. 33 (2011) 1292-1314, with irregular
    places instead of a difference table.
    """
    step = np.minimum(spacing * np.maximum(np.abs(x), 1 / 16), np.asarray(reach) / 8)
    rest = np.tensordot(ROUGH, np.array([f(x + k * step) for k in PLACES], float), axes=1)
    return np.nan_to_num(np.sqrt((rest * rest).mean(axis=0)), nan=np.inf)


def precision(values: Array) -> np.dtype[Any]:
    """The dtype that these values were computed in: float32 if none has a digit more, whatever holds them."""
    with np.errstate(all="ignore"):
        short = np.array_equal(values.astype(np.float32), values, equal_nan=True)
    return np.dtype(np.float32 if short else np.float64)


def precision_of(f: Function, x: Array) -> np.dtype[Any]:
    """The dtype that f computes in, from its values beside x: a short x may have a short f(x)."""
    return precision(f(x + (x + 1 / 16) * 2.0**-27 / 3))


def slope(f: Function, x: Array, reach: Array | float = 1.0, first: float = 0.5, least: float = 0.0) -> Slope:
    """df/dx by central differences with steps first, first / 4, ..., extrapolated; the best of all extrapolations.

    reach: how far from x to either side f is smooth; no step goes beyond half of it. least: the noise in f, where x may
    stand in a place too flat to show it. A kink that nobody told of is found: for a smooth f the slopes right and left
    of x differ in proportion to the step. Steps that cross one count for nothing.
    Source: Ridders, Adv. Eng. Softw. 4 (1982) 75-76, with the rounding measured instead of ignored.
    """
    middle = f(x)
    kind = precision_of(f, x)
    u, tiny = unit_roundoff(kind), smallest_normal(kind)  # below tiny, f may have been flushed to zero
    middle = middle.astype(float)
    size = np.maximum(noise(f, x, reach), np.maximum(2 * u * np.abs(middle), max(least, tiny)))
    h_0 = np.minimum(first, np.asarray(reach) * first)
    central, rounding, jump = [], [], []
    crossed = np.full(middle.shape, -1)  # the last step that crosses a kink
    for k in range(STEPS):
        up, down = x + h_0 / 4**k, x - h_0 / 4**k
        f_up, f_down = f(up).astype(float), f(down).astype(float)
        central.append((f_up - f_down) / (up - down))
        rounding.append(2 * size / (up - down))
        jump.append(np.abs((f_up - middle) / (up - x) - (middle - f_down) / (x - down)))
        if k > 0:
            crossed[(jump[k] > jump[k - 1] / 2) & (jump[k] > 16 * rounding[k])] = k
    value, bar = _extrapolated(central, rounding, crossed)
    return Slope(value, bar, size, crossed >= STEPS - 2)


def _extrapolated(central: list[Array], rounding: list[Array], crossed: Array) -> tuple[Array, Array]:
    value, bar = central[-1], np.full_like(central[-1], np.inf)
    above: list[tuple[Array, Array]] = []  # of the step before: extrapolations of order 0, 1, ... and the noise in each
    for k, first_of_row in enumerate(zip(central, rounding, strict=True)):
        row = [first_of_row]
        for j, (coarse, coarse_noise) in enumerate(above, start=1):
            fine, fine_noise = row[-1]
            best = fine + (fine - coarse) / (16**j - 1)  # Neville: the error of order h^(2j) goes
            best_noise = (16**j * fine_noise + coarse_noise) / (16**j - 1)
            row.append((best, best_noise))
            change = 4 * np.maximum(np.abs(best - fine), np.abs(best - coarse)) + 8 * best_noise
            better = (change < bar) & (k - j > crossed)
            value, bar = np.where(better, best, value), np.where(better, change, bar)
        above = row
    return value, bar
