"""Activation functions: sigma and sigma' on arrays, sigma on complex arrays, both on plain numbers.

z      weighted input: a number, or an array of any shape (softmax: neurons along the first axis)
sigma' the derivative of sigma; of softmax, which mixes its neurons, the Jacobian J[k, j] = da_k/dz_j

A complex form keeps the full relative accuracy of a tiny imaginary part. It is written in pairs of real arrays,
x + iy -> (real, imaginary), because NumPy's complex log1p and expm1 lose tiny arguments and its exp(1000 + ih) is
inf + inf j. A piecewise sigma takes its branch from the real part.
"""

import cmath
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import FormMissing, NotComplex, UnknownName

Array = NDArray[Any]
Plain = Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class Activation:
    """An activation function with its derivative; pass your own wherever a name is accepted.

    name         what reports call it
    sigma        array -> array of the same shape and dtype
    sigma_prime  the derivative, array -> array; held against sigma by assumptions.check_activation
    complex      sigma on complex arrays, exact in a tiny imaginary part; None: no complex step, no imaginary moves
    plain        (sigma, sigma_prime) on plain numbers: float, and complex or Fraction where they make sense;
                 None: neuron.py calls the array forms on one float at a time
    kinks        the z at which sigma is not differentiable
    elementwise  False if a_j depends on more than z_j (softmax): sigma_prime is then the Jacobian (n, n, ...),
                 and the function is for layer L only
    degree       of sigma where it is a polynomial, so that oracles.exact can be used; else None
    sharp        True if the imaginary part of `complex` is accurate relative to itself; False: relative to that of z
    """

    name: str
    sigma: Callable[[Array], Array]
    sigma_prime: Callable[[Array], Array]
    complex: Callable[[Array], Array] | None = None
    plain: tuple[Plain, Plain] | None = None
    kinks: tuple[float, ...] = ()
    elementwise: bool = True
    degree: int | None = None
    sharp: bool = False

    @property
    def continues_to_complex(self) -> bool:
        """True if sigma has a form for complex arrays."""
        return self.complex is not None

    def on_complex(self) -> Callable[[Array], Array]:
        """Sigma on complex arrays. Raises NotComplex if there is none."""
        if self.complex is None:
            raise NotComplex(
                f"activation {self.name!r} has no complex form, which complex numbers need. Use the central oracle, "
                "or pass Activation(..., complex=f) with f exact in a tiny imaginary part."
            )
        return self.complex

    def on_plain(self, kind: type) -> tuple[Plain, Plain]:
        """(sigma, sigma') on plain numbers of one kind. Raises FormMissing if this activation has none for it."""
        if self.plain is not None:
            return self.plain
        if kind is float:
            return _one_at_a_time(self.sigma, self.elementwise), _one_at_a_time(self.sigma_prime, self.elementwise)
        if kind is complex and self.complex is not None:
            return _one_at_a_time(self.complex, self.elementwise), _no_form(self.name, "sigma_prime", "complex")
        raise FormMissing(
            f"activation {self.name!r} has no form for plain numbers of kind {kind.__name__}. "
            f"Pass Activation(..., plain=(sigma, sigma_prime)) with functions of one {kind.__name__}."
        )


def _one_at_a_time(f: Callable[[Array], Array], elementwise: bool) -> Plain:
    if elementwise:
        return lambda z: f(np.array([z]))[0].item()
    return lambda z: f(np.array(z)).tolist()


def _no_form(name: str, what: str, kind: str) -> Plain:
    def refuse(z: Any) -> Any:
        raise FormMissing(
            f"activation {name!r} has no {what} for plain numbers of kind {kind}; "
            "pass Activation(..., plain=(sigma, sigma_prime))."
        )

    return refuse


# ---------------------------------------------------------------------------------------------- plain numbers


def _function(name: str, real: Plain, complex_: Plain) -> Plain:
    """exp and its like on one number of any kind: float, complex, or a type with the method (arb, Decimal, mpf)."""

    def f(z: Any) -> Any:
        if isinstance(z, float):
            return real(z)
        if isinstance(z, complex):
            return complex_(z)
        if method := getattr(z, name, None):
            return method()
        raise FormMissing(
            f"{name} of a {type(z).__name__} is not a {type(z).__name__}. "
            "Use an activation that is a polynomial (linear, square, cube), or floats."
        )

    return f


def _complex_log1p(w: complex) -> complex:
    u, v = w.real, w.imag
    return complex(0.5 * math.log1p(2 * u + u * u + v * v), math.atan2(v, 1 + u))


_exp = _function("exp", math.exp, cmath.exp)
_log1p = _function("log1p", math.log1p, _complex_log1p)
_tanh = _function("tanh", math.tanh, cmath.tanh)


def _positive(z: Any) -> bool:
    return bool((z.real if isinstance(z, complex) else z) > 0)


def _plain_sigmoid(z: Any) -> Any:
    if _positive(z):
        return 1 / (1 + _exp(-z))
    e = _exp(z)
    return e / (1 + e)


def _plain_sigmoid_prime(z: Any) -> Any:
    return _plain_sigmoid(z) * _plain_sigmoid(-z)


def _plain_tanh_prime(z: Any) -> Any:
    return 4 * _plain_sigmoid_prime(2 * z)


def _plain_relu(z: Any) -> Any:
    return z if _positive(z) else 0 * z


def _plain_relu_prime(z: Any) -> Any:
    return 0 * z + (1 if _positive(z) else 0)


def _plain_leaky(z: Any) -> Any:
    return z if _positive(z) else z / 100


def _plain_leaky_prime(z: Any) -> Any:
    return 0 * z + 1 if _positive(z) else (0 * z + 1) / 100


def _plain_softplus(z: Any) -> Any:
    return z + _log1p(_exp(-z)) if _positive(z) else _log1p(_exp(z))


def _plain_silu(z: Any) -> Any:
    return z * _plain_sigmoid(z)


def _plain_silu_prime(z: Any) -> Any:
    return _plain_sigmoid(z) * (1 + z * _plain_sigmoid(-z))


GELU_K, GELU_C = 2 * math.sqrt(2 / math.pi), 0.044715  # gelu(z) = z sigmoid(K (z + C z^3)), the tanh form


def _plain_gelu(z: Any) -> Any:
    return z * _plain_sigmoid(GELU_K * (z + GELU_C * (z * z * z)))


def _plain_gelu_prime(z: Any) -> Any:
    q = GELU_K * (z + GELU_C * (z * z * z))
    return _plain_sigmoid(q) * (1 + z * _plain_sigmoid(-q) * GELU_K * (1 + 3 * (GELU_C * (z * z))))


def _plain_gelu_erf(z: Any) -> Any:
    return z * _normal_cdf(z)


def _plain_gelu_erf_prime(z: Any) -> Any:
    return _normal_cdf(z) + z * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def _normal_cdf(z: Any) -> float:
    if not isinstance(z, float):
        raise FormMissing(f"gelu_erf is computed by math.erfc, on floats only, and was given a {type(z).__name__}; use gelu.")
    return math.erfc(-z / math.sqrt(2)) / 2


def _plain_softmax(z: Sequence[Any]) -> list[Any]:
    top = max(v.real if isinstance(v, complex) else v for v in z)
    e = [_exp(v - top) for v in z]
    total = sum(e[1:], start=e[0])
    return [v / total for v in e]


def _plain_softmax_jacobian(z: Sequence[Any]) -> list[list[Any]]:
    a = _plain_softmax(z)
    return [[a_k * ((1 if j == k else 0) - a_j) for j, a_j in enumerate(a)] for k, a_k in enumerate(a)]


# ------------------------------------------------------------------------------------------------------ arrays


def _sigmoid(z: Array) -> Array:
    e = np.abs(z)  # in place from here on: the oracles spend their time in this function
    np.exp(np.negative(e, out=e), out=e)
    a = np.minimum(z, 0)
    np.exp(a, out=a)  # 1 or e
    e += 1
    a /= e
    return a


def _sigmoid_prime(z: Array) -> Array:
    e = np.exp(-np.abs(z))
    return e / (1 + e) ** 2


def _relu(z: Array) -> Array:
    return np.maximum(z, 0)  # a NaN stays a NaN


def _relu_prime(z: Array) -> Array:
    return (z > 0).astype(z.dtype)


def _leaky(z: Array) -> Array:
    return np.where(z > 0, z, z / 100)


def _leaky_prime(z: Array) -> Array:
    return np.where(z > 0, z.dtype.type(1), z.dtype.type(1) / 100)


def _softplus(z: Array) -> Array:
    return np.where(z > 0, z, 0) + np.log1p(np.exp(-np.abs(z)))


def _gelu_inner(z: Array) -> Array:
    return GELU_K * (z + GELU_C * (z * z * z))


def _gelu_prime(z: Array) -> Array:
    q = _gelu_inner(z)
    return _sigmoid(q) * (1 + z * _sigmoid(-q) * GELU_K * (1 + 3 * (GELU_C * (z * z))))


_erfc = np.frompyfunc(math.erfc, 1, 1)


def _array_normal_cdf(z: Array) -> Array:
    return np.asarray(_erfc(-np.asarray(z, np.float64) / math.sqrt(2)), np.float64).astype(z.dtype) / 2


def _gelu_erf_prime(z: Array) -> Array:
    return _array_normal_cdf(z) + z * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def _softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=0, keepdims=True))
    return np.asarray(e / e.sum(axis=0, keepdims=True))


def _softmax_jacobian(z: Array) -> Array:
    a = _softmax(z)
    eye = np.eye(len(a), dtype=a.dtype).reshape(len(a), len(a), *[1] * (a.ndim - 1))
    return a[:, None] * (eye - a[None, :])


# ---------------------------------------------------------------------------------------------- complex arrays


def _complex(real: Array, imag: Array) -> Array:
    out = np.empty(real.shape, np.complex128)
    out.real, out.imag = real, imag
    return out


def _decay(z: Array) -> tuple[Array, Array, Array]:
    """x, and the real and imaginary parts of the exponential of -|x| + iy."""
    x, v = z.real.copy(), z.imag.copy()
    e = np.abs(x)
    np.exp(np.negative(e, out=e), out=e)
    u = np.cos(v)
    u *= e
    np.sin(v, out=v)
    v *= e
    return x, u, v


def _complex_sigmoid(z: Array) -> Array:
    # With e = exp(-|x|), T = tan(y/2) and D = (1 - e)^2 (1 + T^2) + 4e: the imaginary part is 2eT / D, the real part
    # (1 + e + T^2 (1 - e)) / D, and left of 0, e (1 + e - T^2 (1 - e)) / D. One tangent costs less than sine and cosine.
    x, v = z.real, z.imag * 0.5
    e = np.copysign(x, -1.0)
    np.exp(e, out=e)
    np.tan(v, out=v)
    f = 1 - e
    r = v * v
    r *= f
    d = f + r
    d *= f
    np.copysign(r, x, out=r)
    r += e
    r += 1
    e *= 2
    v *= e
    e *= 2
    d += e
    v /= d
    tail = np.minimum(x, 0)
    r *= np.exp(tail, out=tail)
    r /= d
    return _complex(r, v)


def _complex_tanh(z: Array) -> Array:
    x, y = z.real.copy(), z.imag.copy()
    m = np.abs(x)  # tanh z = (sinh x cosh x + i sin y cos y) / (sinh^2 x + cos^2 y), times 4 exp(-2|x|)
    m *= -2
    c, f = np.cos(y), np.exp(m)
    np.expm1(m, out=m)
    f *= 4
    f *= c
    d = m * m
    d += f * c
    f *= np.sin(y, out=y)
    f /= d
    m *= m + 2
    m /= d
    return _complex(np.copysign(m, x, out=m), f)


def _complex_softplus(z: Array) -> Array:
    x, u, v = _decay(z)  # softplus z = max(z, 0) + log(1 + exp(-z)), or + log(1 + exp(z)) left of 0
    log = _complex(0.5 * np.log1p(2 * u + u * u + v * v), np.arctan2(np.where(x > 0, -v, v), 1 + u))
    return np.where(x > 0, z, 0) + log


def _complex_softmax(z: Array) -> Array:
    e = np.exp(z - z.real.max(axis=0, keepdims=True))
    return np.asarray(e / e.sum(axis=0, keepdims=True))


def _ones(z: Array) -> Array:
    return np.ones_like(z)


sigmoid = Activation("sigmoid", _sigmoid, _sigmoid_prime, _complex_sigmoid, (_plain_sigmoid, _plain_sigmoid_prime), sharp=True)
tanh = Activation("tanh", np.tanh, lambda z: 4 * _sigmoid_prime(2 * z), _complex_tanh, (_tanh, _plain_tanh_prime), sharp=True)
relu = Activation(
    "relu", _relu, _relu_prime, lambda z: np.where(z.real <= 0, 0, z), (_plain_relu, _plain_relu_prime), kinks=(0.0,), sharp=True
)
leaky_relu = Activation(
    "leaky_relu",
    _leaky,
    _leaky_prime,
    lambda z: np.where(z.real > 0, z, z / 100),
    (_plain_leaky, _plain_leaky_prime),
    kinks=(0.0,),
    sharp=True,
)
softplus = Activation("softplus", _softplus, _sigmoid, _complex_softplus, (_plain_softplus, _plain_sigmoid), sharp=True)
silu = Activation(
    "silu",
    lambda z: z * _sigmoid(z),
    lambda z: _sigmoid(z) * (1 + z * _sigmoid(-z)),
    lambda z: z * _complex_sigmoid(z),
    (_plain_silu, _plain_silu_prime),
)
gelu = Activation(
    "gelu",
    lambda z: z * _sigmoid(_gelu_inner(z)),
    _gelu_prime,
    lambda z: z * _complex_sigmoid(_gelu_inner(z)),
    (_plain_gelu, _plain_gelu_prime),
)
gelu_erf = Activation(
    "gelu_erf",
    lambda z: z * _array_normal_cdf(z),
    _gelu_erf_prime,
    plain=(_plain_gelu_erf, _plain_gelu_erf_prime),
)
linear = Activation("linear", lambda z: z, _ones, lambda z: z, (lambda z: z, lambda z: 0 * z + 1), degree=1, sharp=True)
square = Activation(
    "square", lambda z: z * z, lambda z: 2 * z, lambda z: z * z, (lambda z: z * z, lambda z: 2 * z), degree=2, sharp=True
)
cube = Activation(
    "cube",
    lambda z: z * z * z,
    lambda z: 3 * (z * z),
    lambda z: z * z * z,
    (lambda z: z * z * z, lambda z: 3 * (z * z)),
    degree=3,
    sharp=True,
)
softmax = Activation(
    "softmax",
    _softmax,
    _softmax_jacobian,
    _complex_softmax,
    (_plain_softmax, _plain_softmax_jacobian),
    elementwise=False,
)

ACTIVATIONS: Mapping[str, Activation] = MappingProxyType(
    {s.name: s for s in (sigmoid, tanh, relu, leaky_relu, softplus, silu, gelu, gelu_erf, linear, square, cube, softmax)}
)


def activation(name: str | Activation) -> Activation:
    """The activation of that name, or the one given. Raises UnknownName."""
    if isinstance(name, Activation):
        return name
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise UnknownName("activation", name, ACTIVATIONS)
    return ACTIVATIONS[name]
