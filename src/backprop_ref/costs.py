"""Cost functions of one example: C_x and nabla_a C_x, on arrays, on complex arrays, on plain numbers.

a      outputs a^L of shape (n_L, ...): outputs along the first axis, any examples along the others
y      desired outputs, of the same shape
C      the cost of each example, of the shape that is left: (...)

A pair of an activation and a cost may be written as one function of z^L. Sigmoid with cross-entropy and softmax with
log-likelihood are: the literal BP1, (a - y)/(a (1 - a)) times a (1 - a), is 0/0 on a saturated output.
"""

import cmath
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import activations
from .activations import Activation
from .errors import FormMissing, NotComplex, UnknownName

Array = NDArray[Any]
ArrayCost = Callable[[Array, Array], Array]
PlainCost = Callable[[Sequence[Any], Sequence[Any]], Any]


@dataclass(frozen=True, eq=False)
class Pair:
    """A cost as a function of z^L, for one activation of the last layer.

    C        (z, y) -> cost of each example
    delta_L  (z, y) -> delta^L, where the literal BP1 would divide zero by zero
    complex  C on complex z, exact in a tiny imaginary part
    plain    (C, delta^L) on sequences of plain numbers
    """

    C: ArrayCost
    delta_L: ArrayCost
    complex: ArrayCost
    plain: tuple[PlainCost, PlainCost]


@dataclass(frozen=True, eq=False)
class Cost:
    """The cost of one example as a function of its outputs; pass your own wherever a name is accepted.

    name       what reports call it
    C          (a, y) -> cost of each example
    nabla_a_C  (a, y) -> dC_x/da^L, of the shape of a; held against C by assumptions.check_cost
    complex    C on complex outputs, exact in a tiny imaginary part; None: no complex step
    plain      (C_x, dC_x/da) on sequences of plain numbers; None: neuron.py calls the array forms on floats
    pairs      the activations of layer L with which C is better written as a function of z^L
    targets    the interval that y must lie in, or None
    degree     of C in a where it is a polynomial, so that oracles.exact can be used; else None
    separable  True if C_x is a sum of one term for each output: a bound is found faster then
    multiple_of  (c, cost) where this is c times that cost, made by times()
    """

    name: str
    C: ArrayCost
    nabla_a_C: ArrayCost
    complex: ArrayCost | None = None
    plain: tuple[PlainCost, PlainCost] | None = None
    pairs: Mapping[Activation, Pair] = field(default_factory=dict)
    targets: tuple[float, float] | None = None
    degree: int | None = None
    separable: bool = False
    multiple_of: "tuple[float, Cost] | None" = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "pairs", MappingProxyType(dict(self.pairs)))

    def pair(self, sigma: Activation) -> Pair | None:
        """This cost as a function of z^L behind that activation, or None where no such form is needed."""
        return self.pairs.get(sigma)

    def on_complex(self) -> ArrayCost:
        """C on complex outputs. Raises NotComplex if there is no such form."""
        if self.complex is None:
            raise NotComplex(
                f"cost {self.name!r} has no complex form, which complex numbers need. Use the central oracle, "
                "or pass Cost(..., complex=f) with f exact in a tiny imaginary part."
            )
        return self.complex

    def on_plain(self, kind: type) -> tuple[PlainCost, PlainCost]:
        """(C_x, dC_x/da) on sequences of plain numbers of one kind. Raises FormMissing if there is none for it."""
        if self.plain is not None:
            return self.plain
        if kind is float:
            return (
                lambda a, y: float(self.C(np.array(a), np.array(y))),
                lambda a, y: self.nabla_a_C(np.array(a), np.array(y)).tolist(),
            )
        raise FormMissing(
            f"cost {self.name!r} has no form for plain numbers of kind {kind.__name__}. Pass Cost(..., plain=(C, dC_da))."
        )


def times(c: float, cost: Cost) -> Cost:
    """The cost c C, with its derivative and its pairs scaled along.

    >>> times(2, quadratic).C(np.array([3.0]), np.array([1.0])).item()
    4.0
    """

    def scaled(f: ArrayCost) -> ArrayCost:
        return lambda q, y: c * f(q, y)

    def plainly(forms: tuple[PlainCost, PlainCost]) -> tuple[PlainCost, PlainCost]:
        C, slope = forms
        return lambda q, y: c * C(q, y), lambda q, y: [c * s for s in slope(q, y)]

    return Cost(
        f"{c:g} {cost.name}",
        scaled(cost.C),
        scaled(cost.nabla_a_C),
        cost.complex and scaled(cost.complex),
        cost.plain and plainly(cost.plain),
        {s: Pair(scaled(p.C), scaled(p.delta_L), scaled(p.complex), plainly(p.plain)) for s, p in cost.pairs.items()},
        cost.targets,
        cost.degree,
        cost.separable,
        (c, cost),
    )


def _plain_log(x: Any) -> Any:
    if isinstance(x, complex):
        return cmath.log(x)
    if isinstance(x, float):
        return math.log(x) if x > 0 else (-math.inf if x == 0 else math.nan)
    if log := getattr(x, "log", None):
        return log()
    raise FormMissing(f"log of a {type(x).__name__} is not a {type(x).__name__}; use the quadratic cost, or floats.")


def _quadratic(a: Array, y: Array) -> Array:
    return _squared_error(a, y) / 2  # (27)


def _squared_error(a: Array, y: Array) -> Array:
    e = a - y
    e *= e  # not |e|^2: complex outputs must pass through
    return np.asarray(e.sum(axis=0))


def _mean_squared_error(a: Array, y: Array) -> Array:
    return _squared_error(a, y) / len(a)


def _plain_squares(a: Sequence[Any], y: Sequence[Any]) -> Any:
    return sum((a_j - y_j) * (a_j - y_j) for a_j, y_j in zip(a, y, strict=True))


def _weighted_log(weight: Array, log: Array) -> Array:
    """weight * log, with 0 log 0 = 0."""
    return np.where(weight == 0, 0, weight * log)


def _cross_entropy(a: Array, y: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return -(_weighted_log(y, np.log(a)) + _weighted_log(1 - y, np.log1p(-a))).sum(axis=0)


def _complex_log(a: Array) -> Array:
    """log a right of 0, else NaN: the real log ends there, and the complex one would go on with log |a| + i pi."""
    return np.where(a.real > 0, np.log(a), complex(math.nan, math.nan))


def _complex_log_of_rest(a: Array) -> Array:
    """log(1 - a) left of 1, else NaN. 1 - a is exact from 1/2 up; below, log |1 - a|^2 = log1p(x (x - 2) + y^2)."""
    x, y = a.real, a.imag
    near_0 = 0.5 * np.log1p(x * (x - 2) + y * y) + 1j * np.arctan2(-y, 1 - x)
    return np.where(x < 0.5, near_0, _complex_log(1 - a))


def _cross_entropy_complex(a: Array, y: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return -(_weighted_log(y, _complex_log(a)) + _weighted_log(1 - y, _complex_log_of_rest(a))).sum(axis=0)


def _cross_entropy_prime(a: Array, y: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return (a - y) / (a * (1 - a))


def _plain_log_of_rest(a: Any) -> Any:
    return math.log1p(-a) if isinstance(a, float) and a < 1 else _plain_log(1 - a)


def _plain_cross_entropy(a: Sequence[Any], y: Sequence[Any]) -> Any:
    return -sum(
        (y_j * _plain_log(a_j) if y_j != 0 else 0) + ((1 - y_j) * _plain_log_of_rest(a_j) if y_j != 1 else 0)
        for a_j, y_j in zip(a, y, strict=True)
    )


def _plain_cross_entropy_prime(a: Sequence[Any], y: Sequence[Any]) -> list[Any]:
    return [_quotient(a_j - y_j, a_j * (1 - a_j)) for a_j, y_j in zip(a, y, strict=True)]


def _quotient(p: Any, q: Any) -> Any:
    return p / q if q != 0 else math.nan if p == 0 else math.copysign(math.inf, p)


def _sigmoid_cross_entropy(z: Array, y: Array) -> Array:
    softplus = activations.softplus.sigma
    return np.asarray((y * softplus(-z) + (1 - y) * softplus(z)).sum(axis=0))


def _sigmoid_cross_entropy_complex(z: Array, y: Array) -> Array:
    softplus = activations.softplus.on_complex()
    return np.asarray((y * softplus(-z) + (1 - y) * softplus(z)).sum(axis=0))


def _sigmoid_cross_entropy_delta(z: Array, y: Array) -> Array:
    sigma = activations.sigmoid.sigma
    return (1 - y) * sigma(z) - y * sigma(-z)  # a - y without its cancellation, since sigma(-z) = 1 - sigma(z)


def _plain_sigmoid_cross_entropy(z: Sequence[Any], y: Sequence[Any]) -> Any:
    softplus, _ = activations.softplus.on_plain(float)
    return sum(y_j * softplus(-z_j) + (1 - y_j) * softplus(z_j) for z_j, y_j in zip(z, y, strict=True))


def _plain_sigmoid_cross_entropy_delta(z: Sequence[Any], y: Sequence[Any]) -> list[Any]:
    sigma, _ = activations.sigmoid.on_plain(float)
    return [(1 - y_j) * sigma(z_j) - y_j * sigma(-z_j) for z_j, y_j in zip(z, y, strict=True)]


def _log_likelihood(a: Array, y: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(-_weighted_log(y, np.log(a)).sum(axis=0))


def _log_likelihood_complex(a: Array, y: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(-_weighted_log(y, _complex_log(a)).sum(axis=0))


def _log_likelihood_prime(a: Array, y: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(y == 0, 0, -y / a)


def _plain_log_likelihood(a: Sequence[Any], y: Sequence[Any]) -> Any:
    return -sum(y_j * _plain_log(a_j) if y_j != 0 else 0 for a_j, y_j in zip(a, y, strict=True))


def _plain_log_likelihood_prime(a: Sequence[Any], y: Sequence[Any]) -> list[Any]:
    return [_quotient(-y_j, a_j) if y_j != 0 else 0 * a_j for a_j, y_j in zip(a, y, strict=True)]


def _softmax_log_likelihood(z: Array, y: Array) -> Array:
    s = z - z.real.max(axis=0, keepdims=True)
    return np.asarray((y * (np.log(np.exp(s).sum(axis=0)) - s)).sum(axis=0))


def _softmax_log_likelihood_delta(z: Array, y: Array) -> Array:
    return np.asarray(y.sum(axis=0) * activations.softmax.sigma(z) - y)  # a - y where the y of an example sum to 1


def _plain_softmax_log_likelihood(z: Sequence[Any], y: Sequence[Any]) -> Any:
    softmax, _ = activations.softmax.on_plain(float)
    top = max(z, key=lambda z_j: z_j.real if isinstance(z_j, complex) else z_j)
    log_top = _plain_log(softmax(z)[list(z).index(top)])
    return sum(y_j * (top - z_j - log_top) for z_j, y_j in zip(z, y, strict=True))


def _plain_softmax_log_likelihood_delta(z: Sequence[Any], y: Sequence[Any]) -> list[Any]:
    softmax, _ = activations.softmax.on_plain(float)
    total = sum(y)
    return [total * a_j - y_j for a_j, y_j in zip(softmax(z), y, strict=True)]


quadratic = Cost(
    "quadratic",
    _quadratic,
    lambda a, y: a - y,
    _quadratic,
    (lambda a, y: _plain_squares(a, y) / 2, lambda a, y: [a_j - y_j for a_j, y_j in zip(a, y, strict=True)]),
    degree=2,
    separable=True,
)
squared_error = Cost(
    "squared_error",
    _squared_error,
    lambda a, y: 2 * (a - y),
    _squared_error,
    (_plain_squares, lambda a, y: [2 * (a_j - y_j) for a_j, y_j in zip(a, y, strict=True)]),
    degree=2,
    separable=True,
)
mean_squared_error = Cost(
    "mean_squared_error",
    _mean_squared_error,
    lambda a, y: 2 * (a - y) / len(a),
    _mean_squared_error,
    (
        lambda a, y: _plain_squares(a, y) / len(a),
        lambda a, y: [2 * (a_j - y_j) / len(a) for a_j, y_j in zip(a, y, strict=True)],
    ),
    degree=2,
    separable=True,
)
cross_entropy = Cost(
    "cross_entropy",
    _cross_entropy,
    _cross_entropy_prime,
    _cross_entropy_complex,
    (_plain_cross_entropy, _plain_cross_entropy_prime),
    {
        activations.sigmoid: Pair(
            _sigmoid_cross_entropy,
            _sigmoid_cross_entropy_delta,
            _sigmoid_cross_entropy_complex,
            (_plain_sigmoid_cross_entropy, _plain_sigmoid_cross_entropy_delta),
        )
    },
    targets=(0.0, 1.0),
    separable=True,
)
log_likelihood = Cost(
    "log_likelihood",
    _log_likelihood,
    _log_likelihood_prime,
    _log_likelihood_complex,
    (_plain_log_likelihood, _plain_log_likelihood_prime),
    {
        activations.softmax: Pair(
            _softmax_log_likelihood,
            _softmax_log_likelihood_delta,
            _softmax_log_likelihood,
            (_plain_softmax_log_likelihood, _plain_softmax_log_likelihood_delta),
        )
    },
    targets=(0.0, 1.0),
    separable=True,
)

COSTS: Mapping[str, Cost] = MappingProxyType(
    {c.name: c for c in (quadratic, squared_error, mean_squared_error, cross_entropy, log_likelihood)}
)


def cost(name: str | Cost) -> Cost:
    """The cost of that name, or the one given. Raises UnknownName."""
    if isinstance(name, Cost):
        return name
    if not isinstance(name, str) or name not in COSTS:
        raise UnknownName("cost", name, COSTS)
    return COSTS[name]
