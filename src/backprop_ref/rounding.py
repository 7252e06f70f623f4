"""Rounding: unit roundoff, gamma_n, and what is assumed of elementary functions.

Source: Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., chapters 2 and 3.
"""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

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
