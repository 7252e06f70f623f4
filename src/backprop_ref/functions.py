"""An Activation or a Cost held against itself: sigma' against sigma, nabla_a C against C, each form against the others.

Every law is checked on a grid of points, of which one coordinate each is moved: base (n, c) holds the points as columns,
j (c,) says which coordinate, and a function of the moved coordinate is (c,) -> (r, c). Nothing here has a tolerance: two
numbers may differ by the rounding noise measured in both, and a slope by its error bar.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import activations, costs
from .activations import Activation
from .costs import Cost, Pair
from .errors import BackpropRefError, ShapeError, ValueRefused
from .gradient import Verdict
from .rounding import TINY, U, unit_roundoff
from .slopes import Function, noise, precision_of, slope

Array = NDArray[Any]
H = 2.0**-60  # the imaginary step: a power of two, so that dividing by it is exact
NOISE = 8  # a difference of two numbers is told from noise above eight times its measured size
ELEMENTARY = 16 * U  # of each term, for what a few elementary functions may be off without being noisy
WHERE_LITERAL = 15  # up to this |z| the literal forms of a pair are right: a(1 - a) is far from underflow


@dataclass(frozen=True)
class Finding:
    """One law held against numbers.

    law        what should hold
    verdict    whether it does
    compared   how many numbers stand out of their noise and were compared; `wrong`: how many were off by more than it
    at         where the worst stands (of right ones: the nearest to its level); `got` and `expected` there
    level      what these two may differ by: rounding noise and truncation, as measured
    reason     what is wrong, where that was found out, or why nothing can be told
    """

    law: str
    verdict: Verdict
    compared: int = 0
    wrong: int = 0
    at: str = ""
    got: float = 0.0
    expected: float = 0.0
    level: float = 0.0
    reason: str = ""

    def __str__(self) -> str:
        if self.verdict is Verdict.CANNOT_TELL:
            return f"{self.law}: cannot tell: {self.reason}"
        numbers = f"{self.at}: {self.got:.10g}, expected {self.expected:.10g}"
        off = f"off by {abs(self.got - self.expected):.2g}, noise level {self.level:.2g}"
        if self.verdict is Verdict.AGREES:
            return f"{self.law}: agrees ({self.compared} compared; nearest to its level: {numbers}, {off})"
        return f"{self.law}: DISAGREES, {self.wrong} of {self.compared} wrong; worst {numbers}, {off}" + (
            f". {self.reason}" if self.reason else ""
        )


@dataclass(frozen=True)
class FunctionReport:
    """What was found about one activation or cost: `findings`, one for each law, and the overall `verdict`.

    notes  what was left out, such as points at a kink
    """

    name: str
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Disagrees if any law does, else cannot tell if any cannot be told, else agrees."""
        return overall([f.verdict for f in self.findings])

    @property
    def cause(self) -> str:
        """What is wrong, in words, or the empty string."""
        return next((f.reason for f in self.findings if f.verdict is Verdict.DISAGREES and f.reason), "")

    def __str__(self) -> str:
        lines = [f"{self.verdict.upper()}  {self.name}", *map(str, self.findings), *(f"note: {n}" for n in self.notes)]
        return "\n  ".join(lines)


def overall(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict of a whole: the first of disagrees, cannot tell, agrees that any part has."""
    return next((v for v in (Verdict.DISAGREES, Verdict.CANNOT_TELL) if v in verdicts), Verdict.AGREES)


def judge(law: str, where: Callable[[int, int], str], got: Array, expected: Array, level: Array) -> Finding:
    """Two (r, c) arrays compared; entries without a finite expectation and level are left out."""
    known = np.isfinite(expected) & np.isfinite(level)
    if not known.any():
        return Finding(law, Verdict.CANNOT_TELL, reason="at no point were there finite numbers to compare")
    off = np.where(np.isfinite(got), np.abs(got - expected), np.inf)
    wrong = known & (off > level)
    size = np.abs(np.where(known, expected, 0))
    counted = wrong | (known & (level <= np.maximum(size, 1e-3 * size.max())))  # the others lie below the noise
    if not counted.any():
        return Finding(law, Verdict.CANNOT_TELL, reason="at every point the noise is larger than the number itself")
    excess = off if wrong.any() else np.divide(off, level, out=np.zeros_like(off), where=counted & (level > 0))
    k, i = np.unravel_index(np.where(wrong if wrong.any() else counted, excess, -1.0).argmax(), off.shape)
    verdict = Verdict.DISAGREES if wrong.any() else Verdict.AGREES
    at, numbers = where(int(k), int(i)), [float(v[k, i]) for v in (got, expected, level)]
    return Finding(law, verdict, int(counted.sum()), int(wrong.sum()), at, numbers[0], numbers[1], numbers[2])


# ------------------------------------------------------------------------------------------------------ the laws


@dataclass(frozen=True, eq=False)
class Points:
    """Points as columns of base (n, c), the coordinate j (c,) that moves in each, and how far it may: reach (c,).

    Each point stands in n columns, one for each of its coordinates. alone: a function has no other argument than x.
    """

    base: Array
    j: Array
    reach: Array
    where: Callable[[int, int], str]
    alone: bool = False

    @property
    def x(self) -> Array:
        """The moved coordinates, where they are."""
        return self.pick(self.base)

    def at(self, x: Array) -> Array:
        """The points with x as their moved coordinates."""
        z = self.base.astype(np.result_type(self.base, x))
        z[self.j, np.arange(len(self.j))] = x
        return z

    def pick(self, v: Array) -> Array:
        """The entry of each column that belongs to its moved coordinate: (n, c) -> (c,), (r, n, c) -> (r, c)."""
        return v[..., self.j, np.arange(len(self.j))]

    def least(self, f: Function) -> float:
        """The noise in f where it can be seen; further out f may be flat, and what is inside it, as 1 + exp(z), rounded as here.

        0 for functions of several coordinates, whose noise shows as they are moved.
        """
        if not self.alone:
            return 0.0
        seen = []
        for v in (-1.3, -0.7, 0.4, 0.8, 1.7):
            x = np.full(self.x.shape, v)
            seen.append(float(np.maximum(noise(f, x), 2 * U * np.abs(f(x))).max()))
        seen = [v for v in seen if np.isfinite(v)]
        return float(np.median(seen)) if seen else 0.0

    def noise(self, f: Function) -> Array:
        """The noise in f near each point: the largest that moving any of its coordinates shows."""
        measured = noise(f, self.x, self.reach)
        points = measured.reshape(len(measured), -1, len(self.base))  # a point stands in n columns, one for each coordinate
        return np.repeat(points.max(axis=2), len(self.base), axis=1)


def derivative_law(
    law: str, p: Points, f: Function, claim: Function, variants: Sequence[tuple[str, Function]] = (), floor: Array | float = 0.0
) -> Finding:
    """The claim held against the slope of f; what is outside its error bar is measured again with other steps."""
    first, second = (slope(f, p.x, p.reach, first=h, least=p.least(f)) for h in (0.5, 0.35))

    def held(claim: Function, slack: float = 0.0) -> Finding:
        claimed = claim(p.x)
        if not np.array_equal(claimed, claim(p.x), equal_nan=True):
            return Finding(law, Verdict.CANNOT_TELL, reason="two equal calls gave different numbers; fix the seed inside")
        u = unit_roundoff(precision_of(claim, p.x))
        own = NOISE * (np.maximum(p.noise(claim), p.least(claim)) + u * np.abs(claimed)) + slack * np.abs(claimed) + floor
        own = np.where(np.isfinite(claimed), own, 0)  # no noise excuses a NaN
        inside = np.abs(claimed - first.value) <= first.bar + own
        value, bar = (np.where(inside, a, b) for a, b in ((first.value, second.value), (first.bar, second.bar)))
        return judge(law, p.where, claimed, value, bar + own)

    finding = held(claim)
    if finding.verdict is not Verdict.DISAGREES:
        return finding
    factor, slack = _simple_factor(claim(p.x), first.value, first.bar)
    if factor is not None:
        is_what = "the sign is wrong: it is minus the derivative" if factor == -1 else f"it is {factor} times the derivative"
        variants = [*variants, (f"{is_what}, everywhere", lambda x: claim(x) / float(factor))]
    for reason, variant in variants:
        try:
            right = held(variant, slack).verdict is Verdict.AGREES
        except Exception:  # a variant is a guess: one that cannot be computed explains nothing
            continue
        if right:
            return replace(finding, reason=reason)
    return finding


def _simple_factor(claimed: Array, value: Array, bar: Array) -> tuple[Fraction | None, float]:
    """claimed / value at the entry that is known best, if that is a simple fraction within its error bar."""
    error = np.where((value != 0) & np.isfinite(claimed) & (claimed != 0), bar / np.abs(value), np.inf)
    best = np.unravel_index(np.nanargmin(error), error.shape) if np.isfinite(error).any() else None
    if best is None:
        return None, 0.0
    ratio, slack = float(claimed[best] / value[best]), float(error[best]) + 4 * U
    factor = Fraction(ratio).limit_denominator(64)
    return (factor if factor not in (0, 1) and abs(ratio - factor) <= slack * abs(ratio) else None), slack


def same_law(law: str, p: Points, f: Function, g: Function, only: Array | bool = True) -> Finding:
    """Two ways to compute the same numbers; f is the one that is asked about."""
    got, expected = f(p.x), g(p.x)
    level = NOISE * (p.noise(f) + p.noise(g)) + ELEMENTARY * np.maximum(np.abs(got), np.abs(expected)) + NOISE * p.least(g) + TINY
    return judge(law, p.where, got, expected, np.where(only, level, np.inf))


def complex_laws(
    name: str, primed: str, p: Points, f: Function, claim: Function, form: Callable[[Array], Array]
) -> Iterator[Finding]:
    """A complex form has the real form's values on real numbers, and the slope in its imaginary part."""

    def imaginary(x: Array, h: float = H) -> Array:
        return form(x + 1j * h).imag / h

    floor = 8 * U * TINY / H * (1 + np.abs(p.x)) + np.abs(imaginary(p.x, 2 * H) - imaginary(p.x))  # subnormal; of order h^2
    yield same_law(f"the complex form of {name} is {name} on real numbers", p, lambda x: form(x + 0j).real, f)
    finding = derivative_law(f"the imaginary part of {name} is its slope", p, f, imaginary, floor=floor)
    yield finding
    if finding.verdict is Verdict.AGREES:
        claimed, expected = claim(p.x), imaginary(p.x)
        level = NOISE * (p.noise(claim) + p.noise(imaginary) + p.least(f)) + ELEMENTARY * (np.abs(expected) + np.abs(f(p.x)))
        yield judge(f"{primed} is the imaginary part of {name}", p.where, claimed, expected, level + floor)


def _findings(laws: Sequence[tuple[str, Callable[[], Iterator[Finding]]]]) -> tuple[Finding, ...]:
    """All findings; what a user's function raises is an answer too."""
    found: list[Finding] = []
    for name, law in laws:
        try:
            with np.errstate(all="ignore"):
                found += law()
        except Exception as error:
            own = isinstance(error, BackpropRefError)
            reason = str(error) if own else f"on whole arrays it raised {type(error).__name__}: {error}"
            found.append(Finding(name, Verdict.CANNOT_TELL, reason=reason))
    return tuple(found)


def shaped(what: str, value: Any, shape: tuple[int, ...]) -> Array:
    """The value as an array of that shape. Raises ShapeError."""
    array = np.asarray(value)
    if array.shape != shape:
        hint = (
            "; a cost gives one number for each example: sum over axis 0 alone"
            if what.startswith("C")
            else "; np.full_like(z, c) if constant"
        )
        raise ShapeError(f"{what} returned shape {array.shape} where shape {shape} is needed{hint}")
    return array


# ------------------------------------------------------------------------------------------------- an activation


def check_activation(activation: str | Activation, points: ArrayLike | None = None) -> FunctionReport:
    """Is sigma' the derivative of sigma, and is every form of the activation the same function?

    points: the z to look at, any shape (softmax: (n, m), one point in each column); without them, a grid from -8 to 8
    with tails to +-700, tiny z, and both sides of each kink. At a kink nothing is asked. Raises ValueRefused, UnknownName.

    >>> print(check_activation("sigmoid").verdict)
    agrees
    """
    s = activations.activation(activation)
    p, notes = _points_of_activation(s, points)
    shape, c = p.base.shape, len(p.j)

    def sigma(x: Array) -> Array:
        return shaped("sigma", s.sigma(p.at(x)), shape)

    def sigma_prime(x: Array) -> Array:
        if s.elementwise:
            return shaped("sigma_prime", s.sigma_prime(p.at(x)), shape)
        return p.pick(shaped("sigma_prime", s.sigma_prime(p.at(x)), (len(p.base), *shape)))

    def plainly(f: Callable[[Any], Any], jacobian: bool) -> Function:
        if s.elementwise:
            return lambda x: np.array([[f(float(v)) for v in x]])
        return lambda x: (p.pick if jacobian else np.asarray)(
            np.array([f(z.tolist()) for z in p.at(x).T]).transpose((1, 2, 0) if jacobian else (1, 0))
        )

    def of_a(x: Array) -> Array:
        return shaped("sigma_prime", s.sigma_prime(sigma(x)), shape)

    given_a = "sigma_prime is right if it is given a = sigma(z), and it is given z: write sigma_prime=lambda z: f(sigma(z))"
    law = "sigma_prime is the derivative of sigma"

    def derivative() -> Iterator[Finding]:
        yield derivative_law(law, p, sigma, sigma_prime, [(given_a, of_a)] if s.elementwise else ())

    def continued() -> Iterator[Finding]:
        form = s.on_complex()
        yield from complex_laws("sigma", "sigma_prime", p, sigma, sigma_prime, lambda x: shaped("complex", form(p.at(x)), shape))

    def plain() -> Iterator[Finding]:
        f, f_prime = s.on_plain(float)
        yield same_law("plain sigma is sigma", p, plainly(f, False), sigma)
        yield same_law("plain sigma_prime is sigma_prime", p, plainly(f_prime, True), sigma_prime)

    laws = [(law, derivative)]
    laws += [("complex form", continued)] if s.complex else []
    laws += [("plain form", plain)] if s.plain else []
    return FunctionReport(f"activation {s.name!r}, {c} points", _findings(laws), (*notes, *_undeclared(p, sigma)))


def _undeclared(p: Points, sigma: Function) -> tuple[str, ...]:
    """A note about points that were left out, since sigma bends there as at a kink."""
    try:
        with np.errstate(all="ignore"):
            kinks = p.x[slope(sigma, p.x, p.reach).kink.any(axis=0)]
    except Exception:  # what it raised is among the findings
        return ()
    if len(kinks) == 0:
        return ()
    nearest = kinks[np.abs(kinks - np.median(kinks)).argmin()]
    return (f"{len(kinks)} points are left out: sigma has a kink near z = {nearest:.6g} that `kinks` does not name",)


def _points_of_activation(s: Activation, points: ArrayLike | None) -> tuple[Points, tuple[str, ...]]:
    if points is None:
        points = _grid(s.kinks) if s.elementwise else _columns()
    z = np.asarray(points, dtype=np.float64)
    if z.size == 0 or not np.isfinite(z).all():
        raise ValueRefused("points must be finite numbers, at least one of them.")
    if not s.elementwise:
        if z.ndim != 2:
            raise ValueRefused(f"points has shape {z.shape}; {s.name} mixes neurons and needs (n, m), a point in each column.")
        base, j = np.repeat(z, len(z), axis=1), np.tile(np.arange(len(z)), z.shape[1])
        return Points(base, j, np.ones(len(j)), lambda k, i: f"da_{k + 1}/dz_{j[i] + 1} at z = {_list(base[:, i])}"), ()
    z = z.ravel()
    at_kink = np.isin(z, s.kinks)
    notes = (f"nothing is asked at the {'kink' if at_kink.sum() == 1 else 'kinks'} z = {_list(np.unique(z[at_kink]))}",)
    z = z[~at_kink]
    if z.size == 0:
        raise ValueRefused(f"every point given is a kink of {s.name}, where there is no derivative; pass other points.")
    reach = np.min([np.ones_like(z), *(np.abs(z - kink) for kink in s.kinks)], axis=0)
    base, j = z[None], np.zeros(len(z), int)
    return Points(base, j, reach, lambda k, i: f"z = {z[i]:.6g}", alone=True), notes if at_kink.any() else ()


def _grid(kinks: tuple[float, ...]) -> Array:
    tails = [2.0**-k for k in (5, 8, 12, 16, 20, 27)] + [10, 12.5, 15, 20, 30, 36, 50, 100, 300, 700]
    beside = [2.0**-k for k in range(2, 31, 4)]
    return np.concatenate(
        [np.linspace(-8, 8, 129), tails, np.negative(tails), *(kink + s * np.array(beside) for kink in kinks for s in (1, -1))]
    )


def _columns() -> Array:
    return np.random.default_rng(0).standard_normal((3, 8)) * np.array([0.5, 0.5, 1, 1, 2, 2, 6, 15])


def _list(v: Array) -> str:
    return ", ".join(f"{float(x):.6g}" for x in v) if len(v) == 1 else "(" + ", ".join(f"{float(x):.6g}" for x in v) + ")"


# ------------------------------------------------------------------------------------------------------- a cost


def check_cost(cost: str | Cost, n: int = 3, seed: int = 0) -> FunctionReport:
    """Is nabla_a C the derivative of C, is every form of the cost the same function, and every pair the literal BP1?

    n: outputs. Examples are drawn with the seed: outputs inside (0, 1), two of them near its ends, and, unless the cost
    has an interval for its targets, anywhere. Raises ValueRefused, UnknownName.

    >>> print(check_cost("quadratic").verdict)
    agrees
    """
    C = costs.cost(cost)
    if not isinstance(n, int) or n < 1:
        raise ValueRefused(f"n={n!r} was given; a cost needs at least one output.")
    a, y = _examples(C, n, np.random.default_rng(seed))
    inside = np.minimum(a, 1 - a)
    p, y = _points_of_cost("a", a, y, np.where(inside > 0, inside, 1.0))
    laws = list(_cost_laws("C", "nabla_a_C", p, y, C.C, C.nabla_a_C, C.complex, C.plain))
    for sigma, pair in C.pairs.items():
        z = np.random.default_rng(seed).standard_normal((n, 8)) * np.array([1, 1, 1, 2, 2, 4, 4, 4])
        q, targets = _points_of_cost("z", np.clip(z, -WHERE_LITERAL, WHERE_LITERAL), _targets(C, n, 8, seed), np.ones((n, 8)))
        name = f"C({sigma.name}(z))"
        laws += _cost_laws(name, "delta_L", q, targets, pair.C, pair.delta_L, pair.complex, pair.plain)
        laws.append(_pair_law(name, q, targets, C, sigma, pair))
    return FunctionReport(f"cost {C.name!r}, {n} outputs, seed {seed}", _findings(laws))


def _cost_laws(
    name: str, primed: str, p: Points, y: Array, C: Any, slope_of_C: Any, complex_form: Any, plain: Any
) -> Iterator[tuple[str, Callable[[], Iterator[Finding]]]]:
    m, shape = (len(p.j),), p.base.shape

    def f(x: Array) -> Array:
        return shaped(name, C(p.at(x), y), m)[None]

    def claim(x: Array) -> Array:
        return p.pick(shaped(primed, slope_of_C(p.at(x), y), shape))[None]

    def each(g: Callable[[Any, Any], Any]) -> Function:
        return lambda x: np.array([g(v, t) for v, t in zip(p.at(x).T.tolist(), y.T.tolist(), strict=True)]).T

    def derivative() -> Iterator[Finding]:
        yield derivative_law(law, p, f, claim)

    def continued() -> Iterator[Finding]:
        yield from complex_laws(name, primed, p, f, claim, lambda x: shaped("complex", complex_form(p.at(x), y), m)[None])

    def plainly() -> Iterator[Finding]:
        yield same_law(f"plain {name} is {name}", p, lambda x: each(plain[0])(x)[None], f)
        yield same_law(f"plain {primed} is {primed}", p, lambda x: p.pick(each(plain[1])(x))[None], claim)

    law = f"{primed} is the derivative of {name}"
    yield law, derivative
    if complex_form:
        yield f"complex form of {name}", continued
    if plain:
        yield f"plain form of {name}", plainly


def _pair_law(
    name: str, p: Points, y: Array, C: Cost, sigma: Activation, pair: Pair
) -> tuple[str, Callable[[], Iterator[Finding]]]:
    def literal(x: Array) -> Array:
        z = p.at(x)
        nabla_a_C, s = C.nabla_a_C(sigma.sigma(z), y), sigma.sigma_prime(z)
        return p.pick(nabla_a_C * s if sigma.elementwise else np.einsum("kj...,k...->j...", s, nabla_a_C))[None]  # BP1

    def composed(x: Array) -> Array:
        return C.C(sigma.sigma(p.at(x)), y)[None]

    def laws() -> Iterator[Finding]:
        yield same_law(f"the pair's {name} is C of {sigma.name}", p, lambda x: pair.C(p.at(x), y)[None], composed)
        yield same_law(f"the delta_L of {name} is the literal BP1", p, lambda x: p.pick(pair.delta_L(p.at(x), y))[None], literal)

    return f"literal form of {name}", laws


def _points_of_cost(letter: str, v: Array, y: Array, reach: Array) -> tuple[Points, Array]:
    n, m = v.shape
    j = np.tile(np.arange(n), m)
    base, y, reach = (np.repeat(u, n, axis=1) for u in (v, y, reach))

    def where(_: int, i: int) -> str:
        return f"dC/d{letter}_{j[i] + 1} at {letter} = {_list(base[:, i])}, y = {_list(y[:, i])}"

    return Points(base, j, reach[j, np.arange(n * m)], where), y


def _targets(C: Cost, n: int, m: int, seed: int) -> Array:
    rng = np.random.default_rng(seed + 1)
    low, high = C.targets or (0.0, 1.0)
    y = low + (high - low) * rng.random((n, m))
    y[:, ::2] = np.where(np.arange(n)[:, None] == rng.integers(n, size=y[:, ::2].shape[1]), high, low)  # class labels
    return y


def _examples(C: Cost, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    a = rng.uniform(0.02, 0.98, (n, 12))
    a[:, 4], a[:, 5] = np.resize([1e-7, 0.5, 1 - 1e-7], n), np.resize([1 - 1e-4, 1e-4], n)
    if C.targets is None:
        a[:, 8:] = rng.standard_normal((n, 4)) * [1, 2, 5, 30]
    return a, _targets(C, n, 12, int(rng.integers(2**31)))
