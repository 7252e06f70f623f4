"""A proven interval around every dC/dw, dC/db and dC/dz, from values of C alone: no sigma', no nabla_a C, no BP.

phi(t) is C after a move of one parameter by t. Then phi'(0) lies within h^2/6 sup |phi'''| of (phi(h) - phi(-h))/2h, the
supremum over [-h, h], and Cauchy's estimate bounds it: |phi'''| <= 3! M / (R - h)^3, where M bounds |phi(t) - phi(0)| on
the complex disc |t| <= R. Both are computed in ball arithmetic, whose balls hold the true value whatever was rounded; M is
one evaluation on a box around the disc, and its being finite proves that no pole and no branch cut lies in the disc.

w^l_jk, moved by h, moves z^l_j by h a^(l-1)_k, so one disc for z^l_j serves all weights into neuron j: with
s = h a_k and |s| <= eta the error is at most |a_k| eta^2 M / (R - eta)^3. The steps are taken for each entry by itself.

l, m   layers, 2..L          j, i   neurons, from 0          k   an input of neuron j, from 0; k = n_(l-1) is the bias

Source: Johansson, Arb: efficient arbitrary-precision midpoint-radius interval arithmetic, IEEE Trans. Computers 66 (2017);
Cauchy's estimate: Ahlfors, Complex Analysis, 4.2.3.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ..errors import ShapeError, ValueRefused
from ..gradient import PARTS, Estimate, Gradient
from ..network import Network, divisor
from .balls import NAN, Ball, cost_on_balls, sigma_on_balls  # before flint: raises ExtraMissing if there is none

# isort: split
from flint import acb, acb_mat, arb, arb_mat, ctx

Array = NDArray[Any]
Moves = dict[int, Ball]  # neuron -> the change of its z or a; one that is missing has not moved at all
FLOOR_BITS = 1074  # 2**-1074 is the smallest float64: a radius far below it is small enough for any entry
NOT_SMOOTH = "the cost is not finite and smooth here"
UNCERTAIN = "the enclosure holds a boundary between two floats"
OUT_OF_RANGE = "the derivative is beyond the range of the dtype"

# ------------------------------------------------------------------------------------------- C, and how it changes


class _Balls:
    """The network in exact balls: w[l] as matrices, each column of w[l] with its zeros left out, sigma and C on balls."""

    def __init__(self, network: Network) -> None:
        self.L, self.layers, self.n = network.L, network.layers, network.n
        exact = {l: [[arb(float(v)) for v in row] for row in network.w[l]] for l in self.layers}
        self.w = {l: arb_mat(rows) for l, rows in exact.items()}
        self.complex_w = {l: acb_mat(w) for l, w in self.w.items() if l > 2}
        self.b = {l: [arb(float(v)) for v in network.b[l]] for l in self.layers}
        self.columns = {
            l: [[(i, row[k]) for i, row in enumerate(rows) if not row[k].is_zero()] for k in range(self.n[l - 1])]
            for l, rows in exact.items()
            if l > 2
        }
        self.sigma = {l: sigma_on_balls(s) for l, s in network.sigma.items()}
        self.kinks = {l: [arb(z) for z in s.kinks] for l, s in network.sigma.items()}
        self.cost, self.of_z = cost_on_balls(network)
        self.elementwise = network.sigma[self.L].elementwise


class _Example:
    """One example at one precision: z[l], a[l] and C, how C changes as z^l_j moves, and the derivatives from that."""

    def __init__(self, net: _Balls, x: Array, y: Array) -> None:
        self.net, self.y = net, [arb(float(v)) for v in y]
        self.z: dict[int, list[Ball]] = {}
        self.a: dict[int, list[Ball]] = {1: [arb(float(v)) for v in x]}
        for l in net.layers:
            products = (net.w[l] * arb_mat(net.n[l - 1], 1, self.a[l - 1])).entries()
            self.z[l] = [p + b for p, b in zip(products, net.b[l], strict=True)]
            if l < net.L or (net.elementwise and not net.of_z):
                self.a[l] = [net.sigma[l](z) for z in self.z[l]]
        self.scale = {l: [arb(2) ** -_exponent(a) for a in self.a[l - 1]] for l in net.layers}
        self.C = self._cost(self.z[net.L], self.a.get(net.L, []))

    def _cost(self, z: list[Ball], a: list[Ball]) -> Ball:
        if self.net.of_z:
            return self.net.cost(z, self.y)
        return self.net.cost(a if self.net.elementwise else self.net.sigma[self.net.L](z), self.y)

    def change(self, l: int, j: int, s: Ball) -> Ball:
        """C after z^l_j moved by s, minus C: exactly 0 if the move does not reach the outputs."""
        net, moves = self.net, {j: s}
        for m in range(l, net.L):
            z, a, sigma = self.z[m], self.a[m], net.sigma[m]
            da = {i: sigma(z[i] + dz) - a[i] for i, dz in moves.items()}
            moves = self._up(m + 1, {i: d for i, d in da.items() if not d.is_zero()})
        z, a = list(self.z[net.L]), list(self.a.get(net.L, []))
        for i, dz in moves.items():
            z[i] = z[i] + dz
        if a:
            outputs = {i: net.sigma[net.L](z[i]) for i in moves}
            moves = {i: v for i, v in outputs.items() if not (v - a[i]).is_zero()}
            for i, v in moves.items():
                a[i] = v
        return self._cost(z, a) - self.C if moves else arb(0)

    def _up(self, l: int, da: Moves) -> Moves:
        """By how much z^l moves, neuron by neuron, if a^(l-1) moves by da."""
        if len(da) <= 1:
            return {i: w * d for k, d in da.items() for i, w in self.net.columns[l][k]}
        on_disc = any(isinstance(d, acb) for d in da.values())
        w, matrix = (self.net.complex_w[l], acb_mat) if on_disc else (self.net.w[l], arb_mat)
        dz = (w * matrix(self.net.n[l - 1], 1, [da.get(k, 0) for k in range(self.net.n[l - 1])])).entries()
        return {i: d for i, d in enumerate(dz) if not d.is_zero()}

    def disc(self, l: int, j: int, bits: int) -> tuple[Ball, Ball] | None:
        """(R, M) with |change(l, j, s)| <= M for all complex |s| <= R; None if C is nowhere seen to be analytic."""
        e = 4
        while self.C.is_finite() and e <= max(bits // 2, 4):
            change = self.change(l, j, _box(e))
            if change.is_finite():
                return arb(2) ** -e, change.abs_upper()
            e *= 2
        return None

    def derivatives(self, l: int, j: int, inputs: Iterable[int], bits: int) -> Iterator[tuple[int, Ball, str, bool]]:
        """(k, a ball, why not, whether higher precision may help) for the weights w^l_jk asked for.

        k = n_(l-1) stands for the input of the bias, which is always 1: it gives dC/db^l_j and dC/dz^l_j, whose moves are one.
        """
        found = self.disc(l, j, bits)
        why, hope = ("", True) if found else self.obstacle(l, j, bits)
        R, M = found or (arb(1), NAN)
        halvings = bits // 2 + 10
        eta = R * arb(2) ** -halvings
        truncation = (eta**2 * M / (R - eta) ** 3).upper()
        for k in inputs:
            a, scale = (self.a[l - 1][k], self.scale[l][k]) if k < self.net.n[l - 1] else (arb(1), arb(1) / 2)
            if a.is_zero():
                yield k, arb(0), "", False
            elif why:
                yield k, NAN, why, hope
            else:
                h = eta * scale  # so that |h a| < eta
                slope = (self.change(l, j, h * a) - self.change(l, j, -h * a)) / (2 * h)
                yield k, slope + arb(0, truncation * abs(a).upper()), "", True

    def obstacle(self, l: int, j: int, bits: int) -> tuple[str, bool]:
        """Why no disc around z^l_j is free of singularities, and whether higher precision may show one that is."""
        net, e = self.net, 4
        while 2 * e <= max(bits // 2, 4):
            e *= 2
        moves: Moves = {j: _box(e)}
        for m in range(l, net.L + (1 if net.L in self.a else 0)):
            a = {i: net.sigma[m](self.z[m][i] + dz) for i, dz in moves.items()}
            for i, v in a.items():
                if not v.is_finite():
                    what = "kink of" if net.kinks[m] else "sigma is not smooth at"
                    return f"{what} neuron {i + 1} in layer {m}", self.z[m][i] not in net.kinks[m]
            if m < net.L:
                da = {i: v - self.a[m][i] for i, v in a.items()}
                moves = self._up(m + 1, {i: d for i, d in da.items() if not d.is_zero()})
        return NOT_SMOOTH, True


def _box(e: int) -> Ball:
    """A box of complex numbers that holds the disc |s| <= 2^-e."""
    side = arb(0, arb(2) ** -e)
    return acb(side, side)


def _exponent(a: Ball) -> int:
    """The least E with |a| < 2^E for all of a ball (0 for what is zero or not finite)."""
    if a.is_zero() or not a.is_finite():
        return 0
    m, e = abs(a).upper().man_exp()
    return int(m).bit_length() + int(e)


# ------------------------------------------------------------------------------------------------ every derivative


def enclosures(network: Network, X: ArrayLike, Y: ArrayLike, digits: int = 30, reduction: str = "mean") -> "Enclosure":
    """A proven ball around each dC/dw, dC/db and delta, C the mean cost of a batch (or the sum, reduction="sum").

    X: (m, n_1), Y: (m, n_L) or m integer class labels; delta[l] is (m, n_l), each example's own dC_x/dz. The network and
    the data are taken as the exact binary numbers that they are. digits: the relative radius asked for is 10^-digits; the
    precision rises until it is reached, and an entry so near to 0 that it never is keeps a ball that is proven all the same.
    Raises ShapeError, DtypeError, ValueRefused, and FormMissing for a function of yours that cannot be computed on balls.
    """
    X, Y = network.batch(X, Y)
    if isinstance(digits, bool) or not isinstance(digits, int) or digits < 1:
        raise ValueRefused(f"digits={digits!r} was given; ask for a whole number of significant digits, at least 1.")
    net, found = _Balls(network), _Found(network, len(X), divisor(reduction, len(X)), digits)
    first = math.ceil(digits * math.log2(10)) + 40
    for level in range(math.ceil(math.log2(max(16, 2 * FLOOR_BITS / first))) + 1):
        bits = first << level  # the truncation error is about 2^-bits; the moves are 2^-(bits/2) of the disc
        with ctx.workprec(bits + bits // 2 + 70):
            found.begin()
            for x in range(len(X)):
                example = _Example(net, X[x], Y[x])
                for (l, j), inputs in found.pending.items():
                    for k, ball, why, hope in example.derivatives(l, j, inputs, bits):
                        found.add(x, l, j, k, ball, why, hope)
            found.end()
        if not found.pending:
            break
    return found.enclosure()


def enclose(network: Network, X: ArrayLike, Y: ArrayLike, digits: int = 30, reduction: str = "mean") -> Estimate:
    """enclosures() as floats: each midpoint correctly rounded, and its proven distance to the truth as bound."""
    return enclosures(network, X, Y, digits, reduction).estimate()


class _Found:
    """The balls so far, and which entries still want a higher precision: pending[l, j] lists inputs k of neuron j."""

    def __init__(self, network: Network, m: int, divide_by: int, digits: int) -> None:
        n, self.layers, self.has_biases = network.n, network.layers, network.has_biases
        self.n, self.m, self.divide_by = n, m, divide_by
        self.enough = math.ceil(digits * math.log2(10)) + 2
        self.small = arb(2) ** -(FLOOR_BITS + self.enough)
        self.mean = {l: np.full((n[l], n[l - 1] + 1), arb(0), object) for l in self.layers}
        self.delta = {l: np.full((m, n[l]), arb(0), object) for l in self.layers}
        self.why = {l: np.zeros((n[l], n[l - 1] + 1), np.int64) for l in self.layers}
        self.why_delta = {l: np.zeros((m, n[l]), np.int64) for l in self.layers}
        self.reasons = [""]
        self.pending = {(l, j): list(range(n[l - 1] + 1)) for l in self.layers for j in range(n[l])}
        self.hope: set[tuple[int, int, int]] = set()

    def begin(self) -> None:
        """Forget what is about to be computed again."""
        self.hope.clear()
        for (l, j), inputs in self.pending.items():
            self.mean[l][j, inputs], self.why[l][j, inputs] = arb(0), 0

    def add(self, x: int, l: int, j: int, k: int, ball: Ball, why: str, hope: bool) -> None:
        """The derivative of example x by w^l_jk; k = n_(l-1): by b^l_j and z^l_j."""
        number = self._number(f"{why} (example {x + 1})" if why and self.m > 1 else why)
        self.mean[l][j, k] += ball / self.divide_by
        self.why[l][j, k] = self.why[l][j, k] or number
        if k == self.n[l - 1]:
            self.delta[l][x, j], self.why_delta[l][x, j] = ball, number
        if hope and (why or not self._good(ball)):
            self.hope.add((l, j, k))

    def end(self) -> None:
        """Leave pending what is not narrow enough, where a higher precision may help."""
        for (l, j), inputs in self.pending.items():
            for k in inputs:
                if not self.why[l][j, k] and not self._good(self.mean[l][j, k]):
                    self.hope.add((l, j, k))
        self.pending = {
            (l, j): again for (l, j), inputs in self.pending.items() if (again := [k for k in inputs if (l, j, k) in self.hope])
        }

    def _good(self, ball: Ball) -> bool:
        return bool(ball.rel_accuracy_bits() >= self.enough or ball.rad() < self.small)

    def _number(self, why: str) -> int:
        if why not in self.reasons:
            self.reasons.append(why)
        return self.reasons.index(why)

    def enclosure(self) -> "Enclosure":
        """What was found, part by part."""

        def parts(mean: Mapping[int, Array], delta: Mapping[int, Array]) -> Gradient:
            nabla_b = {l: v[:, -1] for l, v in mean.items()} if self.has_biases else {}
            return Gradient({l: v[:, :-1] for l, v in mean.items()}, nabla_b, delta)

        return Enclosure(parts(self.mean, self.delta), parts(self.why, self.why_delta), tuple(self.reasons))


@dataclass(frozen=True, eq=False)
class Enclosure:
    """A ball around every derivative.

    balls    a Gradient whose entries are arb; NaN where there is none
    why      for each entry, 0, or the number of the reason why it has no ball, in `reasons`
    reasons  reasons[0] is the empty string
    """

    balls: Gradient
    why: Gradient
    reasons: tuple[str, ...] = ("",)

    def estimate(self, dtype: DTypeLike = np.float64) -> Estimate:
        """Each midpoint correctly rounded, with its proven distance to the truth, rounded up, as bound."""
        return self._rounded(np.dtype(dtype), certain=False)

    def correctly_rounded(self, dtype: DTypeLike = np.float64) -> Estimate:
        """The floats nearest to the true derivatives, ties to even; NaN and a reason where a ball leaves two to choose from."""
        return self._rounded(np.dtype(dtype), certain=True)

    def relative_radius(self) -> float:
        """The largest radius of a ball over its midpoint; balls that are exact do not count."""
        with ctx.workprec(64):
            balls = [ball for _, _, array in self.balls.items() for ball in array.flat if ball.is_finite()]
            return max((_float_above(ball.rad() / abs(ball.mid())) for ball in balls if not ball.is_exact()), default=0.0)

    def ulps(self, gradient: Gradient) -> Gradient:
        """How many ulps each entry of a float64 or float32 gradient is off the truth; NaN where there is no ball.

        One ulp is the distance of neighbouring floats of that dtype in the binade of the true value. Parts that the gradient
        does not have are left out. Raises ShapeError.
        """
        off: dict[str, dict[int, Array]] = {part: {} for part in PARTS}
        for part, l, claimed in gradient.items():
            balls = getattr(self.balls, part).get(l)
            if balls is None or balls.shape != claimed.shape:
                shape = "absent" if balls is None else f"of shape {balls.shape}"
                raise ShapeError(f"{part}[{l}] has shape {claimed.shape}, but among these enclosures it is {shape}.")
            with ctx.workprec(256):
                pairs = zip(claimed.flat, balls.flat, strict=True)
                off[part][l] = np.array([_ulps(float(v), ball, claimed.dtype) for v, ball in pairs]).reshape(claimed.shape)
        return Gradient(*off.values())

    def _rounded(self, dtype: np.dtype[Any], certain: bool) -> Estimate:
        values: dict[str, dict[int, Array]] = {part: {} for part in PARTS}
        bounds: dict[str, dict[int, Array]] = {part: {} for part in PARTS}
        whys: dict[str, dict[int, Array]] = {part: {} for part in PARTS}
        unsure, beyond = len(self.reasons), len(self.reasons) + 1
        for part, l, balls in self.balls.items():
            value, bound = np.full(balls.shape, np.nan, dtype), np.full(balls.shape, np.nan)
            why = np.array(getattr(self.why, part)[l])
            for i in np.argwhere(why == 0):
                index, ball = tuple(i), balls[tuple(i)]
                nearest, low, high = (_to_float(v, dtype) for v in _ends(ball))
                if not math.isfinite(low) or not math.isfinite(high):
                    why[index] = beyond
                elif certain and low != high:
                    why[index] = unsure
                else:
                    value[index], bound[index] = nearest, _distance(ball, nearest)
            values[part][l], bounds[part][l], whys[part][l] = value, bound, why
        reasons = (*self.reasons, UNCERTAIN, OUT_OF_RANGE)
        return Estimate(
            **values, bound=Gradient(**bounds), proven=True, why=Gradient(**whys), reasons=reasons, source="certified"
        )


def _ends(ball: Ball) -> tuple[Ball, Ball, Ball]:
    """Midpoint, lower and upper end of a ball; the ends go outward by at most 2^-256 of themselves."""
    with ctx.workprec(256):
        return ball.mid(), ball.lower(), ball.upper()


def _distance(ball: Ball, value: float) -> float:
    """How far a float may be from the number in a ball, rounded up."""
    with ctx.workprec(128):
        return _float_above(abs(ball - value).upper())


def _float_above(x: Ball) -> float:
    """A float that is not below x >= 0, and 0 only for 0."""
    if not x.is_finite():
        return math.inf
    return 0.0 if x.is_zero() else math.nextafter(_to_float(x.upper(), np.dtype(np.float64)), math.inf)


def _to_float(x: Ball, dtype: np.dtype[Any]) -> float:
    """An exact arb rounded to the nearest number of a dtype."""
    m, e = x.man_exp() if x.is_finite() else (0, 0)
    return _nearest(int(m), int(e), dtype) if x.is_finite() else math.inf


def _ulps(claimed: float, ball: Ball, dtype: np.dtype[Any]) -> float:
    """|claimed - truth| in ulps of the truth, which is taken at the midpoint of its ball."""
    if not ball.is_finite():
        return math.nan
    if not math.isfinite(claimed):
        return math.inf
    info, truth = np.finfo(dtype), ball.mid()
    smallest = int(info.minexp) - info.nmant
    ulp = smallest if truth.is_zero() else max(_exponent(truth) - info.nmant - 1, smallest)
    return float(abs(arb(claimed) - truth).mid() * arb(2) ** -ulp)


def _nearest(m: int, e: int, dtype: np.dtype[Any]) -> float:
    """m 2^e rounded to the nearest number of a dtype, ties to even; infinity beyond its range."""
    info = np.finfo(dtype)
    drop = max(abs(m).bit_length() - info.nmant - 1, int(info.minexp) - info.nmant - e)
    if drop > abs(m).bit_length():
        return 0.0
    if drop > 0:
        q, rest, half = abs(m) >> drop, abs(m) & ((1 << drop) - 1), 1 << (drop - 1)
        m, e = (-1 if m < 0 else 1) * (q + (rest > half or (rest == half and q & 1 == 1))), e + drop
    if m.bit_length() + e > info.maxexp:
        return -math.inf if m < 0 else math.inf
    return math.ldexp(m, e)
