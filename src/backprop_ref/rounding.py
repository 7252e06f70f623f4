"""Rounding: unit roundoff, gamma_n, what is assumed of elementary functions, and errors that keep their signs.

Source: Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., chapters 2 and 3; of the last part, affine
arithmetic: Comba and Stolfi, Affine arithmetic and its applications to computer graphics, SIBGRAPI 1993.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[Any]

U = 2.0**-53  # unit roundoff of float64
TINY = 2.0**-1022  # the smallest normal float64: a product below it may be flushed to zero
ELEMENTARY = 8.0  # an elementary function is off by at most 8 u, relatively; the worst seen in the wild is 6.9 u


def unit_roundoff(dtype: DTypeLike) -> float:
    """u of a floating dtype: half the distance from 1 to the next number (float64: 2**-53)."""
    return float(np.finfo(np.dtype(dtype)).eps) / 2


def smallest_normal(dtype: DTypeLike) -> float:
    """The smallest normal number of a floating dtype: hardware may flush what is smaller to zero."""
    return float(np.finfo(np.dtype(dtype)).smallest_normal)


def gamma(m: int, u: float = U) -> float:
    """Bound on the relative error of m roundings in a row: m u / (1 - m u).

    m: roundings between input and result. u: unit roundoff of the dtype (float64: 2**-53).
    Raises ValueError if m u >= 1: no digit is certain then, and there is no bound to give.
    Source: Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., Lemma 3.1.

    >>> f"{gamma(26):.1e}"
    '2.9e-15'
    """
    if m * u >= 1:
        raise ValueError(f"{m} roundings at unit roundoff {u:.1e} leave no certain digit; use a wider dtype.")
    return m * u / (1 - m * u)


def power_of_two_above(x: Any) -> Any:
    """The least power of two that is larger than x >= 0, elementwise (1 for x = 0): multiplying by it is exact."""
    _, exponent = np.frexp(x)
    return np.ldexp(1.0, exponent)


# ------------------------------------------------------------------------------------- errors that keep their signs
#
# The error of a quantity of n neurons and m examples is a sum over sources i: P[j, i, x] times a number in [-1, 1] that
# nobody knows, so at most magnitude(P)[j, x]. A source is an error made at one neuron. On its way through w and the slopes s
# it keeps its sign: w s w' is formed first and its magnitude taken last, where |w| |s| |w'| grows with each layer.


def through(w: Array, P: Array) -> Array:
    """The errors P (n', sources, m) behind the matrix product with w (n, n'): (n, sources, m)."""
    return np.asarray((w @ P.reshape(len(P), -1)).reshape(len(w), *P.shape[1:]))


def onward(s: Array | None, P: Array | None, made: Array) -> Array:
    """The errors P behind slopes s (n, m), and a source for each error made there, (n, m): (n, sources + n, m)."""
    own = made[:, None] * np.eye(len(made))[:, :, None]
    return own if s is None or P is None else np.concatenate([s[:, None] * P, own], axis=1)


def magnitude(P: Array) -> Array:
    """The largest magnitude that the sum of all sources may have: (n, m)."""
    return np.asarray(np.abs(P).sum(axis=1))


def examples_at_once(sizes: Sequence[int]) -> int:
    """How many examples of a network of these sizes have few enough sources to stay in cache: 1 at least."""
    return int(max(1, 2**17 // (max(sizes) * sum(sizes[1:]))))
