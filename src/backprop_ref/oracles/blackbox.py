"""The slopes of any function f: R^n -> R, each with an error bar: no formula of f, no tolerance.

f is a Python function of an array (or numbers, or a tuple, list or dict of them, nested) that gives one number. Where f
carries complex numbers through faithfully, which is tested, a slope is Im f(x + i h e_i) / h; elsewhere it comes from central
differences whose step and error bar follow from the measured noise of f. An error bar is an estimate, not a bound.

x      the point, as a vector of n entries
s      how far each entry may move, shape (n,)
h      a step
"""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DtypeError, ShapeError, UnknownName, ValueRefused
from ..rounding import TINY, U, power_of_two_above
from .containers import Layout, Vector, flatten
from .noise import POINTS, QUARTER, SAFE, difference_noise, noise_along, slope_of

Progress = Callable[[int, int], None]

METHODS = ("auto", "central")
WIDEST = 0.05  # the widest step, as a part of s
PAIRS = 6  # central pairs for each entry
FINER = 6  # an entry that looks wrong is measured again with steps that start where the first ones ended
H = 2.0**-50  # the imaginary step, as a part of s: its square is below rounding
RADII = (2.0**-6, 2.0**-18)  # of the circle on which f is held to be analytic
RANDOM = (
    "f is not deterministic: two calls at the same x gave {!r} and {!r}. Fix the seed inside f, so that every call draws "
    "the same numbers: def f(x): rng = np.random.default_rng(0); ... (and switch dropout off)."
)


@dataclass(frozen=True, eq=False)
class Slopes:
    """df/dx_i with an error bar each, as measured; arrays of shape (len(indices),), in the order of `indices`.

    value: the slope, NaN where there is none. bar: its error bar (an estimate), inf where there is none.
    lo, hi: the one-sided slopes with their bars taken off and put on, at a kink; NaN elsewhere.
    by_complex_step: True where the complex step gave the value, False where central differences did.
    indices: places in the vector that x is flattened to. layout: the containers of x, and names.
    refused: why f has no slope at all here ("" if it may). not_complex: why the complex step was not used ("" if it was).
    evaluations: calls of f; again: those among them that measured an entry again. noise: of f, one standard deviation.
    mutates: f changed the x that it was given (a copy). rounds_x: f rounds x to float32 first, so that the slopes are those at
    x rounded. x: the vector at which they were measured; a gradient is to be checked there.
    """

    value: Vector
    bar: Vector
    lo: Vector
    hi: Vector
    by_complex_step: NDArray[np.bool_]
    indices: NDArray[np.intp]
    layout: Layout
    x: Vector
    refused: str = ""
    reasons: Mapping[int, str] = field(default_factory=dict)
    not_complex: str = ""
    f_x: float = np.nan
    noise: float = 0.0
    evaluations: int = 0
    again: int = 0
    seed: int = 0
    mutates: bool = False
    rounds_x: bool = False

    def name(self, p: int) -> str:
        """What the p-th entry measured is called: x[2,3], x['W1'][0,2]."""
        return self.layout.name(int(self.indices[p]))

    def reason(self, p: int) -> str:
        """Why the p-th entry measured has no slope; "" if it has one."""
        return self.refused or self.reasons.get(p, "")

    def method(self, p: int) -> str:
        """How the p-th entry was measured."""
        return "complex step" if self.by_complex_step[p] else "central differences"

    @property
    def kinks(self) -> NDArray[np.intp]:
        """Places p at which the slopes on the two sides differ."""
        return np.flatnonzero(~np.isnan(self.lo))


def measure(
    f: Callable[[Any], Any],
    x: Any,
    *,
    indices: Sequence[int] | NDArray[np.intp] | None = None,
    method: str = "auto",
    root: str = "x",
    seed: int = 0,
    on_progress: Progress | None = None,
) -> Slopes:
    """The slope of f at x along each entry of x, with an error bar, or the reason why there is none.

    x: an array of any shape, a number, or a tuple, list or dict of them, nested; f gets a new copy at each call and returns one
    number. indices: which entries (all). method: "auto" (the complex step if f proves fit for it) or "central". root: what x
    is called in names. on_progress(done, of): called after each entry.
    Cost: 9 calls for an entry by complex step, 12 by central differences, and up to 70 for the whole; an entry that looks wrong
    (a kink, a jump, a step too wide) is measured again, by at most 36 more.
    Raises DtypeError, ShapeError or ValueRefused for an x or an f(x) that is no real number. An error raised by f away from x
    counts as "f is not defined there".
    Sources: Squire and Trapp, SIAM Review 40 (1998) 110-112; More and Wild, SIAM J. Sci. Comput. 33 (2011) 1292-1314.

    >>> slopes = measure(lambda x: x[0] * x[1] ** 2, np.array([2.0, 3.0]))
    >>> slopes.value.tolist(), slopes.method(0)
    ([9.0, 12.0], 'complex step')
    """
    if method not in METHODS:
        raise UnknownName("method", method, METHODS)
    return _measure(f, x, indices, method, root, seed, on_progress, 1.0)


def remeasure(
    f: Callable[[Any], Any], x: Any, indices: Sequence[int] | NDArray[np.intp], *, root: str = "x", seed: int = 1
) -> Slopes:
    """Some entries again, by central differences with other steps and the noise along another line: a second opinion.

    Use it for the entries of a claimed gradient that lie outside their bar: an estimated bar fails about once in some thousand
    entries, and two of them at the same entry almost never. Arguments and result as for `measure`.
    """
    return _measure(f, x, indices, "central", root, seed, None, 0.75)


def claim_bar(grad: Callable[[Any], Any], x: Any, *, what: str = "the gradient", seed: int = 0) -> tuple[Vector, Vector]:
    """(claim, bar), each of shape (n,): what grad says at x, and how far its own rounding may have moved it.

    grad: from x to a container like x. The noise of each entry is measured as for f, from 9 to 27 values near x.
    Raises ShapeError or DtypeError where grad(x) does not fit x. Where grad fails near x, its unit roundoff must do.
    """
    v, layout = flatten(x)
    claim, u = layout.read(grad(layout.unflatten(v)), what)
    s = layout.scale(v)
    line = s * np.random.default_rng(seed).choice([-1.0, 1.0], size=v.size)
    noise, settled = np.zeros(v.size), np.zeros(v.size, dtype=bool)

    def at(t: float) -> Vector:
        try:
            return layout.read(grad(layout.unflatten(v + t * line)), what)[0]
        except Exception:
            return np.full(v.size, np.nan)

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for distance in (2.0**-40, 2.0**-20, 2.0**-10):
            values = np.array([at(distance * (k - POINTS // 2)) for k in range(POINTS)])
            found, sure = difference_noise(values)
            sure &= np.mean(np.diff(values, axis=0) == 0, axis=0) <= 0.5
            noise = np.where(~settled & np.isfinite(found), np.where(sure, found, np.maximum(noise, found)), noise)
            settled |= sure
            if settled.all():
                break
    return claim, SAFE * noise + 4 * u * np.abs(claim)


class _Probe:
    """f at moved copies of x, counted; what it returns is held to be one number."""

    def __init__(self, f: Callable[[Any], Any], x: Any, root: str) -> None:
        self.f = f
        self.x, self.layout = flatten(x, root)
        self.s = self.layout.scale(self.x)
        self.calls, self.u, self.noise = 0, U, 0.0
        self.mutates, self.rounds_x = False, False
        self.f_x = self.here()

    def here(self) -> float:
        """F at x itself: here an error of f, or a result that is no number, is the caller's to see."""
        given = self.layout.unflatten(self.x)
        self.calls += 1
        result = np.asarray(self.f(given))
        try:
            self.mutates |= not np.array_equal(self.layout.read(given)[0], self.x)
        except (ShapeError, DtypeError):
            self.mutates = True
        if result.size != 1:
            raise ShapeError(
                f"f returned shape {result.shape}, but a slope needs one number: sum it, or check the Jacobian row by row."
            )
        if result.dtype.kind not in "fiub":
            raise DtypeError(f"f returned {result.dtype} for real x, but a slope needs one real number.")
        self.u = 2.0**-24 if result.dtype == np.float32 else 2.0**-11 if result.dtype == np.float16 else U
        return float(result.reshape(())[()])

    def at(self, v: Vector) -> float:
        """F at a real vector; NaN where f has no value."""
        self.calls += 1
        try:
            result = self.f(self.layout.unflatten(v))
            return float(result if isinstance(result, float) else np.asarray(result).reshape(())[()])
        except Exception:
            return np.nan

    def at_complex(self, v: NDArray[np.complex128]) -> complex:
        """F at a complex vector; raises what f raises."""
        self.calls += 1
        result = self.f(self.layout.unflatten(v))
        return complex(result if isinstance(result, complex) else np.asarray(result).reshape(())[()])

    def moved(self, i: int, step: float) -> tuple[float, float]:
        """(f, the step really made) with entry i of x moved."""
        v = self.x.copy()
        v[i] += step
        v = self.seen(v)
        return self.at(v), float(v[i] - self.x[i])

    def seen(self, v: Vector) -> Vector:
        """The vector that f works with: v, rounded where x is narrower than float64 or f rounds it."""
        return v.astype(np.float32).astype(np.float64) if self.rounds_x else self.layout.seen(v)

    def look_for_rounding(self) -> None:
        """Whether f rounds x to float32 first: moves far below that make no difference, though f is no constant."""
        single = self.x.astype(np.float32).astype(np.float64)
        if self.noise > 2.0**-40 * abs(self.f_x) + TINY and self.layout.wide:
            self.rounds_x = self.at(single * (1 + 2.0**-27)) == self.f_x
        if self.rounds_x:
            self.x = single

    def steps(self, part: float, count: int) -> Vector:
        """Shape (count, n): powers of two (times part), so that x + h and x - h are as far from x as they can be."""
        return part * power_of_two_above(WIDEST * self.s) / 2 * QUARTER ** -np.arange(float(count))[:, None]


def _measure(
    f: Callable[[Any], Any],
    x: Any,
    indices: Sequence[int] | NDArray[np.intp] | None,
    method: str,
    root: str,
    seed: int,
    on_progress: Progress | None,
    part: float,
) -> Slopes:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        probe = _Probe(f, x, root)
        chosen = np.arange(probe.x.size) if indices is None else np.asarray(indices, dtype=np.intp)
        if ((chosen < 0) | (chosen >= probe.x.size)).any():
            raise ValueRefused(f"There is no entry {chosen.min()} to {chosen.max()}: x has {probe.x.size}, numbered from 0.")
        slopes = replace(_no_slopes(probe, chosen), seed=seed, mutates=probe.mutates)
        again = probe.here()
        if not np.isfinite(probe.f_x):
            return replace(slopes, refused=f"f(x) is {probe.f_x}: it has no slope here.", evaluations=probe.calls)
        if again != probe.f_x:
            return replace(slopes, refused=RANDOM.format(probe.f_x, again), evaluations=probe.calls)

        rng = np.random.default_rng(seed)
        line = rng.choice([-1.0, 1.0], size=probe.x.size)
        # each entry moves by a part of itself, so that a rounding of x to float32 shows for all; the part has eight bits, so that
        # the moves are exact and yet seldom march in step with the grid of floating-point numbers
        own = (
            line
            * power_of_two_above(np.where(probe.x == 0, probe.s, np.abs(probe.x)))
            * rng.integers(129, 256, probe.x.size)
            / 512
        )

        def along(t: float) -> Vector:
            return probe.seen(probe.x + t * own)

        noise, values, distance = noise_along(lambda t: probe.at(along(t)), 2.0**-40)
        per_ulp = U * abs(values[-1] - values[0]) / (distance * (POINTS - 1))  # what rounding x itself does to f
        probe.noise = max(noise, probe.u * abs(probe.f_x), per_ulp)
        probe.look_for_rounding()
        why = "central differences were asked for" if method == "central" else _why_not_complex(probe, line * probe.s)
        if why:
            end = distance * (POINTS // 2)
            curvature = 2 * abs(values[8] - values[0] - 2 * (values[6] - values[2]))
            held = (values[-1] - values[0], along(end) - along(-end), 2 * SAFE * probe.noise + curvature)
            slopes = _central(probe, chosen, part, on_progress, held)
        else:
            slopes = _complex_step(probe, chosen, rng, on_progress)
        last = probe.here()
        if last != probe.f_x:
            slopes = replace(_no_slopes(probe, chosen), refused=RANDOM.format(probe.f_x, last))
        return replace(
            slopes,
            not_complex=why,
            noise=probe.noise,
            evaluations=probe.calls,
            seed=seed,
            mutates=probe.mutates,
            rounds_x=probe.rounds_x,
        )


def _no_slopes(probe: _Probe, indices: NDArray[np.intp]) -> Slopes:
    none, nothing = np.full(indices.size, np.nan), np.zeros(indices.size, dtype=bool)
    everywhere = np.full(indices.size, np.inf)
    return Slopes(none, everywhere, none, none, nothing, indices, probe.layout, probe.x, f_x=probe.f_x)


def _why_not_complex(probe: _Probe, line: Vector) -> str:
    """Why f is not taken for analytic near x; "" if it passes.

    On a circle around x, an analytic f has no part that turns backwards (its Fourier coefficients -1, -2, -3 vanish); abs,
    conj, real, a cast or a kink inside the circle each leave one. Every entry moves at once.
    """
    theta = np.pi * np.arange(7) / 6  # the lower half of the circle follows: f(conj z) = conj f(z)
    weight = np.array([1, 2, 2, 2, 2, 2, 1]) / 12
    backwards = "f does not carry complex numbers through: an abs, real, conj, a cast or a kink near x"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            flat = probe.at_complex(probe.x.astype(complex))
            if flat.imag != 0 or not abs(flat.real - probe.f_x) <= SAFE * probe.noise:
                return f"f(x) is {probe.f_x!r}, but f(x + 0i) is {flat!r}"
            for radius in RADII:
                z = [radius * np.exp(1j * t) for t in theta]
                v = np.array([probe.at_complex(probe.x + line * t) for t in z])
                turning = [abs(np.sum(weight * (v * np.exp(1j * k * theta)).real)) for k in (1, 2, 3)]
                if max(turning) <= SAFE * max(probe.noise, 2 * probe.u * np.abs(v).max()):
                    return ""
    except Exception as error:  # whatever f raises for complex x
        return f"f raises {type(error).__name__} for complex x"
    return backwards


def _complex_step(probe: _Probe, indices: NDArray[np.intp], rng: np.random.Generator, on_progress: Progress | None) -> Slopes:
    """Im f(x + i h e_i) / h with a bar from four neighbours of x, and held against two central pairs for each entry."""
    n, x = len(indices), probe.x
    h = power_of_two_above(H * probe.s)
    apart = max(2.0**-40, 64 * float(probe.layout.unit_roundoff.max()))
    line = apart * probe.s * rng.choice([-1.0, 1.0], x.size)
    near = [probe.seen(x + k * line) for k in (0, -2, -1, 1, 2)]
    c = np.full((5, n), np.nan)
    D, E, F, B = _quotients(probe, indices, probe.steps(QUARTER**-3, 2), on_progress and (lambda p, _: on_progress(p, 2 * n)))
    for p, i in enumerate(indices):
        for row, v in enumerate(near):
            z = v.astype(complex)
            z[i] += 1j * h[i]
            try:
                c[row, p] = probe.at_complex(z).imag
            except Exception:
                break  # NaN: central differences will do
        if on_progress:
            on_progress(n + p + 1, 2 * n)
    underflow = (c[0] != 0) & (np.abs(c[0]) < TINY / U)
    c /= h[indices]
    value, ordered = c[0], c[[1, 2, 0, 3, 4]]
    rounding = np.sqrt(np.mean(np.diff(ordered, n=2, axis=0) ** 2, axis=0) / 6)  # the trend drops out
    trend = np.abs(ordered[-1] - ordered[0]) / (4 * apart)  # change of the slope if x changed by a part of itself
    u = np.maximum(probe.u, probe.layout.unit_roundoff[indices])
    bar = 32 * rounding + 8 * u * trend + 4 * u * np.abs(value)
    rough, rough_bar = slope_of(D, E, 2)
    gap = np.abs(F - B)
    kink = (gap[1] > 4 * E[1]) & (gap[1] > 0.6 * gap[0])
    doubtful = ~_fit(value, bar, rough, rough_bar) | kink | underflow
    slopes = replace(_no_slopes(probe, indices), value=value, bar=bar, by_complex_step=~doubtful)
    if not doubtful.any():
        return slopes
    first_round, where = probe.calls, np.flatnonzero(doubtful)
    second = _central(probe, indices[where], 1.0, None, None)
    unfit = ~_fit(value[where], bar[where], second.value, second.bar) | underflow[where]
    slopes = replace(slopes, by_complex_step=np.ones(n, dtype=bool))  # where the six pairs agree, the two were too coarse
    return replace(_placed(slopes, where, second, unfit), again=probe.calls - first_round)


def _fit(value: Vector, bar: Vector, other: Vector, other_bar: Vector) -> NDArray[np.bool_]:
    """Where a complex step agrees with central differences, and its own bar is not far worse than theirs."""
    return (np.abs(value - other) <= other_bar + np.minimum(bar, 4 * other_bar)) & (bar <= 16 * other_bar)


def _quotients(
    probe: _Probe, indices: NDArray[np.intp], h: Vector, on_progress: Progress | None = None
) -> tuple[Vector, Vector, Vector, Vector]:
    """(D, E, F, B), each of shape (len(h), len(indices)): central quotients, their noise, and the forward and backward ones."""
    plus, minus, up, down = (np.empty((len(h), len(indices))) for _ in range(4))
    for p, i in enumerate(indices):
        for k in range(len(h)):
            plus[k, p], up[k, p] = probe.moved(i, h[k, i])
            minus[k, p], down[k, p] = probe.moved(i, -h[k, i])
        if on_progress:
            on_progress(p + 1, len(indices))
    F, B = (plus - probe.f_x) / up, (minus - probe.f_x) / down
    uneven = (up + down) / (up - down)  # x + h and x - h were rounded: the curvature does not quite cancel
    noise = SAFE * np.fmax(probe.noise, probe.u * np.fmax(np.abs(plus), np.abs(minus)))
    return (plus - minus) / (up - down) - uneven * (F - B), 2 * noise / (up - down), F, B


def _central(
    probe: _Probe, indices: NDArray[np.intp], part: float, on_progress: Progress | None, held: tuple[float, Vector, float] | None
) -> Slopes:
    """Six central pairs for each entry; what looks wrong once more with finer steps, and what is still wrong has a reason.

    held: (change of f, move of x, noise) over the short line on which the noise was measured: the slopes must add up to it, or
    every step was too wide for f.
    """

    def add_up(slopes: Slopes) -> bool:
        if held is None or len(indices) != probe.x.size:
            return True
        change, move, noise = held
        kink = ~np.isnan(slopes.lo)  # between lo and hi
        value = np.where(kink, (slopes.lo + slopes.hi) / 2, slopes.value)
        bar = np.where(kink, (slopes.hi - slopes.lo) / 2, slopes.bar)
        return not abs(change - value @ move) > bar @ np.abs(move) + noise

    slopes = _table(probe, indices, probe.steps(part, PAIRS), on_progress)
    first_round = probe.calls
    for times in (1, 2):
        too_wide = not add_up(slopes)
        odd = np.flatnonzero(np.isnan(slopes.value) | too_wide)
        if odd.size:
            finer = _table(probe, indices[odd], probe.steps(part * QUARTER ** (-FINER * times), PAIRS), None)
            slopes = _placed(slopes, odd, finer, ~np.isnan(finer.value) | too_wide)
    if not add_up(slopes):
        slopes = replace(_no_slopes(probe, indices), refused="f varies faster than the finest steps that were tried can follow.")
    return replace(slopes, again=probe.calls - first_round)


def _table(probe: _Probe, indices: NDArray[np.intp], h: Vector, on_progress: Progress | None) -> Slopes:
    """The slopes that steps h, shape (K, n), give; NaN with a reason where the sides disagree or f has no values."""
    D, E, F, B = _quotients(probe, indices, h, on_progress)
    value, bar = slope_of(D, E, 2)
    # where x_i is far smaller than s_i, what f computes from the others is off by the same amount at every step
    own = np.where(probe.x == 0, probe.s, np.abs(probe.x))[indices]
    bar = bar + SAFE * probe.noise * np.fmin(1 / own, np.abs(value) / abs(probe.f_x))
    right, right_bar = slope_of(F, 2 * E, 1)
    left, left_bar = slope_of(B, 2 * E, 1)
    gap = np.abs(F - B)  # of a smooth f it shrinks as h does
    stuck = (gap[-1] > 4 * E[-1]) & (gap[-1] > 0.6 * gap[-2]) & (gap[-2] > 0.6 * gap[-3])
    apart = np.abs(right - left) > right_bar + left_bar
    lo, hi = np.full(len(indices), np.nan), np.full(len(indices), np.nan)
    reasons: dict[int, str] = {}
    for p in np.flatnonzero(stuck | apart | np.isnan(value)):
        name, least = probe.layout.name(int(indices[p])), h[-1, indices[p]]
        sides = np.isfinite(F[:, p]).any(), np.isfinite(B[:, p]).any()
        if np.isnan(value[p]):
            side = "either side" if not any(sides) else "both sides" if all(sides) else "the right" if sides[1] else "the left"
            reasons[int(p)] = f"f has no finite values on {side} of {name}, or too few to tell its slope."
        elif stuck[p] and gap[-1, p] > 1.5 * gap[-2, p]:
            reasons[int(p)] = (
                f"f does not settle to a slope as {name} moves by less and less, down to {least:.1e}: it jumps there, its slope "
                "is infinite, or it varies faster than that."
            )
        else:
            lo[p] = min(right[p] - right_bar[p], left[p] - left_bar[p])
            hi[p] = max(right[p] + right_bar[p], left[p] + left_bar[p])
            reasons[int(p)] = (
                f"f has a kink at or near {name}: its slope is {left[p]:.6g} on the left and {right[p]:.6g} on the right, "
                "and any number between them is a valid subgradient."
            )
        value[p], bar[p] = np.nan, np.inf
    return replace(_no_slopes(probe, indices), value=value, bar=bar, lo=lo, hi=hi, reasons=reasons)


def _placed(slopes: Slopes, where: NDArray[np.intp], part: Slopes, mask: NDArray[np.bool_]) -> Slopes:
    """The slopes with those of part at the places `where`, for which the mask holds."""
    fresh = {}
    for name in ("value", "bar", "lo", "hi", "by_complex_step"):
        fresh[name] = getattr(slopes, name).copy()
        fresh[name][where[mask]] = getattr(part, name)[mask]
    reasons = {p: why for p, why in slopes.reasons.items() if p not in set(where[mask].tolist())}
    reasons |= {int(where[p]): part.reason(p) for p in np.flatnonzero(mask).tolist() if part.reason(p)}
    return replace(slopes, reasons=reasons, **fresh)
