"""The two assumptions about the cost, held against numbers; and sigma' against sigma, nabla_a C against C.

Backpropagation gives the gradient of C_x for one example, from the outputs down. It is the gradient of C only if

1  C = 1/n sum over x of C_x: the cost is an average over examples;
2  C = C(a^L): the cost is a function of the outputs alone.

Source: the chapter's section "the two assumptions we need about the cost function".
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import matrix
from .errors import ValueRefused
from .functions import Finding, FunctionReport, check_activation, check_cost, overall
from .gradient import Verdict
from .network import Network
from .rounding import gamma, unit_roundoff
from .slopes import noise, precision

__all__ = ["Assumption", "Assumptions", "Finding", "FunctionReport", "check", "check_activation", "check_cost"]

Array = NDArray[Any]
TotalCost = Callable[[Network, Array, Array], Any]
MOST_EXAMPLES = 16  # of a larger batch, these many are looked at one by one
NOISE = 16  # two costs are told apart above sixteen times the noise measured in them


@dataclass(frozen=True)
class Assumption:
    """What was found about one assumption.

    claim     the assumption, in words
    verdict   agrees, disagrees or cannot tell
    findings  every comparison that was made, with its two numbers and the noise level that they were held to
    reason    what breaks it, where that was found out, or why it cannot be told
    tried     what was tried, in words
    """

    claim: str
    verdict: Verdict
    findings: tuple[Finding, ...]
    reason: str
    tried: str

    @property
    def worst(self) -> Finding | None:
        """The comparison whose two numbers differ most, by their noise level; None if none could be made."""
        return max(self.findings, key=_excess, default=None)

    def __str__(self) -> str:
        lines = [f"{self.verdict.upper():<12} {self.claim}"]
        if self.worst:
            w = self.worst
            lines.append(
                f"{w.at}: {w.got:.10g}, expected {w.expected:.10g}; off by {w.got - w.expected:.2g}, noise {w.level:.2g}"
            )
        lines += [self.reason] if self.reason else []
        return "\n    ".join([*lines, f"tried: {self.tried}"])


@dataclass(frozen=True)
class Assumptions:
    """What was found about a cost: `average` (assumption 1), `outputs` (assumption 2), and `verdict`, of both."""

    network: str
    average: Assumption
    outputs: Assumption

    @property
    def verdict(self) -> Verdict:
        """Disagrees if either does, else cannot tell if either cannot be told, else agrees."""
        return overall([self.average.verdict, self.outputs.verdict])

    def __str__(self) -> str:
        return (
            f"{self.verdict.upper()}  the two assumptions about the cost, {self.network}\n  1 {self.average}\n  2 {self.outputs}"
        )


class _NoAnswer(Exception):
    """total_cost did not give one finite number."""


def check(total_cost: TotalCost, network: Network, X: ArrayLike, Y: ArrayLike, seed: int = 0) -> Assumptions:
    """Is total_cost(network, X, Y) -> float an average over the examples, and a function of the outputs alone?

    X: (m, n_1), Y: (m, n_L) or m integer class labels; total_cost is called on copies, with float arrays. It decides the
    first by single examples, pairs, another order and repeated examples; the second by pairs of networks that have equal
    outputs and different parameters. Raises ShapeError, DtypeError, ValueRefused for a wrong X or Y, and for nothing that
    total_cost does.

    >>> network = Network.random([2, 3, 1])
    >>> check(matrix.cost, network, [[0.0, 1.0], [1.0, 0.5]], [[0.0], [1.0]]).verdict
    <Verdict.AGREES: 'agrees'>
    """
    if not callable(total_cost):
        raise ValueRefused(f"total_cost is {total_cost!r}; pass a function of (network, X, Y) that returns one float.")
    X, Y = network.batch(X, Y)
    ask = _Question(total_cost, np.random.default_rng(seed))
    with np.errstate(all="ignore"):
        return Assumptions(repr(network), _average(ask, network, X, Y), _outputs(ask, network, X, Y))


@dataclass(frozen=True, eq=False)
class _Question:
    total_cost: TotalCost
    rng: np.random.Generator

    def __call__(self, what: str, network: Network, X: Array, Y: Array) -> float:
        x, y = X.copy(), Y.copy()
        try:
            C = self.total_cost(network, x, y)
        except Exception as error:
            raise _NoAnswer(f"total_cost raised {type(error).__name__} for {what}: {error}") from error
        if not (np.array_equal(x, X) and np.array_equal(y, Y)):
            raise _NoAnswer(f"total_cost changed the X or Y it was given, for {what}; let it work on a copy")
        try:
            value = np.asarray(C)
            if value.shape != () or value.dtype.kind not in "fiu":
                raise TypeError
        except (TypeError, ValueError):
            shape = f" of shape {np.shape(C)}" if isinstance(C, np.ndarray | list | tuple) else ""
            raise _NoAnswer(
                f"total_cost returned a {type(C).__name__}{shape} for {what}; it must return one real number"
            ) from None
        if not np.isfinite(value):
            raise _NoAnswer(f"total_cost returned {float(value)} for {what}")
        return float(value)

    def level(self, what: str, network: Network, X: Array, Y: Array) -> float:
        """16 times the noise in C, as measured while every parameter moves a little, and gamma of the sum over examples."""
        C = self(what, network, X, Y)
        if (again := self(what, network, X, Y)) != C:
            raise _NoAnswer(f"two equal calls gave {C!r} and {again!r} for {what}; fix the seed inside total_cost")
        away = {key: self.rng.choice([-1.0, 1.0], v.shape) for key, v in _parameters(network).items()}

        def moved(t: Array) -> Array:
            return np.array([[self(what, _moved(network, away, float(v) - 1), X, Y) for v in t]])

        near = moved(1 + 2.0**-26 * np.arange(4))
        coarse = len(np.unique(near)) < 4  # C is the same at neighbours: its rounding shows further apart only
        measured = float(noise(moved, np.array([1.0]), spacing=2.0**-10 if coarse else 2.0**-26)[0, 0])
        u = max(unit_roundoff(network.dtype), unit_roundoff(precision(near)))
        return NOISE * measured + gamma(len(X) + 8, u) * abs(C)


def _parameters(network: Network) -> dict[tuple[str, int], Array]:
    biases = {("b", l): v for l, v in network.b.items()} if network.has_biases else {}
    return {("w", l): v for l, v in network.w.items()} | biases


def _moved(network: Network, away: dict[tuple[str, int], Array], t: float) -> Network:
    return _changed(network, {key: v * (1 + t * away[key]) for key, v in _parameters(network).items()})


def _changed(network: Network, parameters: dict[tuple[str, int], Array]) -> Network:
    """The same network with some of its arrays replaced."""
    new = {key: v.astype(network.dtype) for key, v in (_parameters(network) | parameters).items()}
    w, b = ([v for (kind, _), v in new.items() if kind == letter] for letter in "wb")
    return Network.from_arrays(w, b if network.has_biases else None, list(network.sigma.values()), network.cost)


def _excess(finding: Finding) -> float:
    off = abs(finding.got - finding.expected)
    return off / finding.level if finding.level > 0 else np.inf if off > 0 else 0.0


def _compare(law: str, at: str, got: float, expected: float, level: float) -> Finding:
    wrong = abs(got - expected) > level
    return Finding(law, Verdict.DISAGREES if wrong else Verdict.AGREES, 1, int(wrong), at, got, expected, level)


# ---------------------------------------------------------------------------------- 1: an average over the examples


def _average(ask: _Question, network: Network, X: Array, Y: Array) -> Assumption:
    claim = "the cost is an average over the examples, C = 1/n sum of C_x"
    made = ""
    if len(X) == 1:
        X, Y, made = np.concatenate([X, X / 2]), np.concatenate([Y, Y]), " (only one example was given; x/2 is the other)"
    chosen = np.unique(np.linspace(0, len(X) - 1, min(len(X), MOST_EXAMPLES)).astype(int))
    X, Y = X[chosen], Y[chosen]
    m = len(X)
    tried = f"{m} examples{made} one by one, {m - 1} pairs, all together, in reverse order, each of them twice, one of them twice"
    findings: list[Finding] = []
    try:
        C_x = [ask(f"example {i + 1} alone", network, X[i : i + 1], Y[i : i + 1]) for i in range(m)]
        largest = int(np.argmax(np.abs(C_x)))
        level = max(
            ask.level("all examples", network, X, Y),
            ask.level(f"example {largest + 1} alone", network, X[largest : largest + 1], Y[largest : largest + 1]),
        )
        for at, index in _batches(m):
            expected = float(np.mean([C_x[i] for i in index]))
            findings.append(_compare(claim, at, ask(at, network, X[index], Y[index]), expected, level))
    except _NoAnswer as no:
        return _answered(claim, findings, str(no), f"{len(findings)} comparisons, before that; there would have been {tried}")
    if max(abs(c) for c in C_x) <= level:
        reason = "every C_x is zero within its noise, and a sum of zeros is their average; pass examples that cost something"
        return _answered(claim, findings, reason, tried)
    return _answered(claim, findings, "", tried, _why_no_average(findings, C_x, level))


def _batches(m: int) -> Iterator[tuple[str, list[int]]]:
    everything = list(range(m))
    yield "C of all examples", everything
    yield "C of all examples in reverse order", everything[::-1]
    yield "C of all examples, each twice", [*everything, *everything]
    yield "C of example 1 twice", [0, 0]
    for i in range(m - 1):
        yield f"C of examples {i + 1} and {i + 2}", [i, i + 1]


def _why_no_average(findings: list[Finding], C_x: list[float], level: float) -> str:
    sizes = [len(index) for _, index in _batches(len(C_x))]
    if all(abs(f.got - size * f.expected) <= size * level for f, size in zip(findings, sizes, strict=True)):
        return "It is the sum of the C_x: divide by the number of examples."
    if abs(findings[1].got - findings[0].got) > level:
        return "It depends on the order of the examples."
    return "C of a batch does not follow from the C_x of its examples: they are coupled in it."


def _answered(claim: str, findings: list[Finding], unanswered: str, tried: str, why: str = "") -> Assumption:
    if any(f.verdict is Verdict.DISAGREES for f in findings):
        return Assumption(claim, Verdict.DISAGREES, tuple(findings), why or unanswered, tried)
    verdict = Verdict.CANNOT_TELL if unanswered else Verdict.AGREES
    return Assumption(claim, verdict, tuple(findings), unanswered, tried)


# ------------------------------------------------------------------------------- 2: a function of the outputs alone


@dataclass(frozen=True, eq=False)
class _Twins:
    """Two networks that have equal outputs for X, whatever the activations, and different parameters."""

    what: str
    one: Network
    other: Network
    X: Array

    def squares(self, *letters: str) -> float:
        """By how much the sum of the squared parameters differs."""
        one, other = (
            sum(float((v.astype(float) ** 2).sum()) for (letter, _), v in _parameters(n).items() if letter in letters)
            for n in (self.one, self.other)
        )
        return other - one


def _twins(network: Network, X: Array) -> Iterator[_Twins]:
    """The ways to change a network, all sizes kept, that leave its outputs what they were."""
    w, b = network.w, network.b
    zero, one = X.copy(), X.copy()
    zero[:, 0], one[:, 0] = 0.0, 1.0
    changed = {("w", 2): _column(w[2], 0, 3 * w[2][:, 0] + _size(w[2]))}
    yield _Twins("input 1 is 0 and its weights w^2_j1 are changed", network, _changed(network, changed), zero)
    if network.has_biases:
        one_of = {("w", 2): _column(w[2], 0, 0.0), ("b", 2): np.full_like(b[2], 1)}
        other = {("w", 2): _column(w[2], 0, 3.0), ("b", 2): np.full_like(b[2], -2)}
        yield _Twins(
            "input 1 is 1: w^2_j1 = 0 and b^2 = 1, or 3 and -2", _changed(network, one_of), _changed(network, other), one
        )
    for l in range(3, network.L + 1):
        silent = {("w", l): _column(w[l], 0, 0.0)}
        below = {("w", l - 1): _row(w[l - 1], 0, 3 * w[l - 1][0] + _size(w[l - 1]))}
        below |= {("b", l - 1): _row(b[l - 1], 0, 3 * b[l - 1][0] + 1)} if network.has_biases else {}
        what = f"neuron 1 of layer {l - 1} sends nothing, and what it receives is changed"
        yield _Twins(what, _changed(network, silent), _changed(network, silent | below), X)
        if network.n[l - 1] > 1:
            alike = {("w", l - 1): _row(w[l - 1], 1, w[l - 1][0]), ("b", l - 1): _row(b[l - 1], 1, b[l - 1][0])}
            if not network.has_biases:
                del alike["b", l - 1]
            both = {("w", l): _column(_column(w[l], 0, 1.0), 1, 1.0)}
            first = {("w", l): _column(_column(w[l], 0, 2.0), 1, 0.0)}
            what = f"neurons 1 and 2 of layer {l - 1} are alike: weights 1 and 1 to layer {l}, or 2 and 0"
            yield _Twins(what, _changed(network, alike | both), _changed(network, alike | first), X)
        if network.has_biases and (c := _constant(network, l - 1)):
            constant = {("w", l - 1): _row(w[l - 1], 0, 0.0), ("b", l - 1): _row(b[l - 1], 0, c[0])}
            one_of = {("w", l): _column(w[l], 0, 0.0), ("b", l): np.full_like(b[l], 1)}
            other = {("w", l): _column(w[l], 0, 3 / c[1]), ("b", l): np.full_like(b[l], -2)}
            what = f"neuron 1 of layer {l - 1} is constant: its weights to layer {l} are 0 and b^{l} = 1, or more and -2"
            yield _Twins(what, _changed(network, constant | one_of), _changed(network, constant | other), X)


def _constant(network: Network, l: int) -> tuple[float, float] | None:
    """(c, sigma(c)) with sigma(c) of moderate size, or None."""
    for c in (1.0, 2.0, 0.5, -1.0):
        a = float(network.sigma[l].sigma(np.array([c], network.dtype))[0])
        if 1 / 8 <= abs(a) <= 8:
            return c, a
    return None


def _size(v: Array) -> float:
    return max(1.0, float(np.abs(v).max()))


def _column(v: Array, k: int, to: Any) -> Array:
    v = v.copy()
    v[:, k] = to
    return v


def _row(v: Array, j: int, to: Any) -> Array:
    v = v.copy()
    v[j] = to
    return v


def _outputs(ask: _Question, network: Network, X: Array, Y: Array) -> Assumption:
    claim = "the cost is a function of the outputs alone, C = C(a^L)"
    chosen = np.unique(np.linspace(0, len(X) - 1, min(len(X), MOST_EXAMPLES)).astype(int))
    X, Y = X[chosen], Y[chosen]
    findings: list[Finding] = []
    used: list[_Twins] = []
    unanswered = ""
    for twins in _twins(network, X):
        a, a_other = (matrix.feedforward(n, twins.X)[1][network.L] for n in (twins.one, twins.other))
        apart = float(np.abs(a - a_other).max())
        if not np.isfinite(apart):
            continue
        try:
            level = ask.level(twins.what, twins.one, twins.X, Y) + ask.level(twins.what, twins.other, twins.X, Y)
            C, C_other = (ask(twins.what, n, twins.X, Y) for n in (twins.one, twins.other))
        except _NoAnswer as no:
            unanswered = unanswered or str(no)
            continue
        equal = "equal" if apart == 0 else f"equal to {apart:.1g}"
        findings.append(_compare(claim, f"outputs {equal} ({twins.what}), C", C_other, C, level))
        used.append(twins)
    tried = f"{len(used)} pairs of networks with equal outputs: " + "; ".join(t.what for t in used)
    if not used:
        return _answered(claim, findings, unanswered or "no two networks with equal, finite outputs were found", "nothing")
    visible = max((2 * f.level / abs(t.squares("w")) for f, t in zip(findings, used, strict=True) if t.squares("w")), default=0)
    if visible:
        tried += f". A weight decay (lambda/2) sum of w^2 would have shown from lambda = {visible:.1g} on"
    return _answered(claim, findings, unanswered, tried, _weight_decay(findings, used))


def _weight_decay(findings: list[Finding], used: list[_Twins]) -> str:
    """Whether the change of C is lambda/2 times the change of the sum of squares, with one lambda everywhere."""
    off = [f.got - f.expected for f in findings]
    for letters, of in (("w", "weights"), ("wb", "weights and biases")):
        squares = [t.squares(*letters) for t in used]
        best = int(np.argmax(np.abs(squares)))
        if squares[best]:
            lam = 2 * off[best] / squares[best]
            slack = 2 * findings[best].level / abs(squares[best])
            if lam and all(
                abs(d - lam / 2 * s) <= f.level + slack / 2 * abs(s) for d, s, f in zip(off, squares, findings, strict=True)
            ):
                return f"It moves like weight decay, (lambda/2) sum of squared {of}, with lambda = {lam:.6g}."
    return "It moves with parameters that do not move the outputs."
