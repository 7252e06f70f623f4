"""Each sigma and C on balls: an arb for the real function of activations.py and costs.py, an acb for its continuation.

On a complex box each is analytic wherever it is finite. A function of the user's is called with Numbers, which can do
nothing that would break that.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from .. import activations, costs
from ..activations import GELU_C, GELU_K, Activation
from ..costs import Cost
from ..errors import ExtraMissing, FormMissing
from ..network import Network

try:
    from flint import acb, arb
except ImportError as error:
    raise ExtraMissing("oracles.enclosures", "python-flint", "certified") from error

Ball = Any  # an arb, or on a disc an acb
NAN = arb("nan")


def _real(z: Ball) -> Ball:
    return z.real if isinstance(z, acb) else z


def _log(z: Ball) -> Ball:
    return z.log(analytic=True) if isinstance(z, acb) else z.log()


def _log1p(z: Ball) -> Ball:
    return z.log1p() if _real(z) > -1 else NAN


def _sigmoid(z: Ball) -> Ball:
    if _real(z) > 0:
        return 1 / (1 + (-z).exp())
    e = z.exp()
    return e / (1 + e)


def _softplus(z: Ball) -> Ball:
    return z + _log1p((-z).exp()) if _real(z) > 0 else _log1p(z.exp())


def _relu(z: Ball) -> Ball:
    return _piecewise(z, arb(0))


def _leaky(z: Ball) -> Ball:
    return _piecewise(z, z / 100)  # z/100 exactly: no slope is rounded


def _piecewise(z: Ball, left: Ball) -> Ball:
    """Z right of 0, `left` on the left; of a real ball around 0 the larger of the two, on a disc around 0 nothing."""
    if _real(z) > 0:
        return z
    if _real(z) < 0:
        return left
    return NAN if isinstance(z, acb) else z.max(left)


def _gelu(z: Ball) -> Ball:
    return z * _sigmoid(arb(GELU_K) * (z + arb(GELU_C) * (z * z * z)))


def _gelu_erf(z: Ball) -> Ball:
    return z * (-z / arb(2).sqrt()).erfc() / 2


def _from_top(z: Sequence[Ball]) -> list[Ball]:
    top = max(float(_real(v).mid()) for v in z)  # any constant will do: softmax does not change with it
    return [v - top for v in z]


def _softmax(z: Sequence[Ball]) -> list[Ball]:
    e = [v.exp() for v in _from_top(z)]
    total = sum(e)
    return [v / total for v in e]


def _squared_error(a: Sequence[Ball], y: Sequence[Ball]) -> Ball:
    e = [a_j - y_j for a_j, y_j in zip(a, y, strict=True)]
    return sum(e_j * e_j for e_j in e)


def _cross_entropy(a: Sequence[Ball], y: Sequence[Ball]) -> Ball:
    return _log_likelihood(a, y) + _log_likelihood([1 - a_j for a_j in a], [1 - y_j for y_j in y])


def _log_likelihood(a: Sequence[Ball], y: Sequence[Ball]) -> Ball:
    return sum((-y_j * _log(a_j) for a_j, y_j in zip(a, y, strict=True) if not y_j.is_zero()), start=arb(0))


def _sigmoid_cross_entropy(z: Sequence[Ball], y: Sequence[Ball]) -> Ball:
    return sum(y_j * _softplus(-z_j) + (1 - y_j) * _softplus(z_j) for z_j, y_j in zip(z, y, strict=True))


def _softmax_log_likelihood(z: Sequence[Ball], y: Sequence[Ball]) -> Ball:
    s = _from_top(z)
    log_total = _log(sum(v.exp() for v in s))
    return sum(y_j * (log_total - s_j) for s_j, y_j in zip(s, y, strict=True))


SIGMA: Mapping[Activation, Callable[..., Any]] = MappingProxyType(
    {
        activations.sigmoid: _sigmoid,
        activations.tanh: lambda z: z.tanh(),
        activations.relu: _relu,
        activations.leaky_relu: _leaky,
        activations.softplus: _softplus,
        activations.silu: lambda z: z * _sigmoid(z),
        activations.gelu: _gelu,
        activations.gelu_erf: _gelu_erf,
        activations.linear: lambda z: z,
        activations.square: lambda z: z * z,
        activations.cube: lambda z: z * z * z,
        activations.softmax: _softmax,
    }
)
COST: Mapping[Cost, Callable[..., Any]] = MappingProxyType(
    {
        costs.quadratic: lambda a, y: _squared_error(a, y) / 2,
        costs.squared_error: _squared_error,
        costs.mean_squared_error: lambda a, y: _squared_error(a, y) / len(a),
        costs.cross_entropy: _cross_entropy,
        costs.log_likelihood: _log_likelihood,
    }
)
PAIR: Mapping[tuple[Activation, Cost], Callable[..., Any]] = MappingProxyType(
    {
        (activations.sigmoid, costs.cross_entropy): _sigmoid_cross_entropy,
        (activations.softmax, costs.log_likelihood): _softmax_log_likelihood,
    }
)


class _UndecidedError(Exception):
    """A comparison that the points of one ball would answer differently."""


class Number:
    """A ball as a function of your own sees it: it can do nothing that is not analytic, so that the proof holds.

    +, -, *, /, ** and exp, expm1, sin, cos, tan, sinh, cosh, tanh, erf, erfc, log, log1p, sqrt, abs, >, <, ==. A comparison
    goes by the real part, and where it holds for some points of the ball only, the entry is "cannot tell: kink".
    """

    __slots__ = ("z",)

    def __init__(self, z: Any) -> None:
        self.z: Ball = z.z if isinstance(z, Number) else z if isinstance(z, arb | acb) else arb(z)

    def __add__(self, other: Any) -> "Number":
        return Number(self.z + Number(other).z)

    def __sub__(self, other: Any) -> "Number":
        return Number(self.z - Number(other).z)

    def __mul__(self, other: Any) -> "Number":
        return Number(self.z * Number(other).z)

    def __truediv__(self, other: Any) -> "Number":
        return Number(self.z / Number(other).z)

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, other: Any) -> "Number":
        return Number(other) - self

    def __rtruediv__(self, other: Any) -> "Number":
        return Number(other) / self

    def __pow__(self, n: Any) -> "Number":
        return Number(self.z**n) if isinstance(n, int) else (n * self.log()).exp()

    def __neg__(self) -> "Number":
        return Number(-self.z)

    def __abs__(self) -> "Number":
        return self if self > 0 else -self

    def __gt__(self, other: Any) -> bool:
        difference = _real((self - other).z)
        if not (difference > 0 or difference <= 0):
            raise _UndecidedError
        return bool(difference > 0)

    def __lt__(self, other: Any) -> bool:
        return Number(other) > self

    def __ge__(self, other: Any) -> bool:
        return not self < other

    def __le__(self, other: Any) -> bool:
        return not self > other

    def __eq__(self, other: object) -> bool:
        return not (self > other or self < other)

    def log(self) -> "Number":
        """The logarithm, off the negative axis."""
        return Number(_log(self.z))

    def log1p(self) -> "Number":
        """log(1 + z), for a real part above -1."""
        return Number(_log1p(self.z))

    def sqrt(self) -> "Number":
        """The square root, off the negative axis."""
        return Number(self.z.sqrt(analytic=True) if isinstance(self.z, acb) else self.z.sqrt())


def _analytic(name: str) -> Callable[[Number], Number]:
    return lambda self: Number(getattr(self.z, name)())


for _name in ("exp", "expm1", "sin", "cos", "tan", "sinh", "cosh", "tanh", "erf", "erfc"):
    setattr(Number, _name, _analytic(_name))


def _own(kind: str, name: str, plain: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the user's, on balls; NaN where a comparison in it is undecided."""

    def f(*values: Any) -> Any:
        arguments = [[Number(v) for v in value] if isinstance(value, list) else Number(value) for value in values]
        try:
            result = plain(*arguments)
            return [Number(v).z for v in result] if isinstance(result, list) else Number(result).z
        except _UndecidedError:
            return [NAN] * len(values[0]) if isinstance(values[0], list) and kind == "activation" else NAN
        except (TypeError, AttributeError, ValueError) as error:
            raise FormMissing(
                f"{kind} {name!r} cannot be computed on balls ({error}). Write its plain form with +, -, *, /, ** and "
                "methods such as z.exp(), z.log(), z.tanh()."
            ) from error

    return f


def sigma_on_balls(sigma: Activation) -> Callable[..., Any]:
    """Sigma of a ball (softmax: of the list of them). Raises FormMissing."""
    return SIGMA.get(sigma) or _own("activation", sigma.name, sigma.on_plain(arb)[0])


def cost_on_balls(network: Network) -> tuple[Callable[..., Any], bool]:
    """C_x on balls, and whether it is a function of z^L (a pair) or of a^L. Raises FormMissing."""
    sigma, cost = network.sigma[network.L], network.cost
    if (sigma, cost) in PAIR:
        return PAIR[sigma, cost], True
    if pair := cost.pair(sigma):
        return _own("cost", cost.name, pair.plain[0]), True
    return COST.get(cost) or _own("cost", cost.name, cost.on_plain(arb)[0]), False
