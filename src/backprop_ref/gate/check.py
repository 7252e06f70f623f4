"""A claimed gradient of a network against an oracle: a verdict for each entry, and a report.

The candidate is called on copies of its inputs: twice at the given point, once at another. An entry may be off by the
rounding of a right candidate in the dtype that came back (bounds.py) and by what the oracle may be off by. No tolerance.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import NotComplex, ValueRefused
from ..gradient import Estimate, Gradient, Verdict
from ..network import Network, divisor
from ..oracles import differences
from ..rounding import U, unit_roundoff
from . import kinks
from .bounds import Bounds, rounding
from .calling import DTYPES, Answer, Call, Candidate
from .diagnosis import diagnose
from .mistakes import COMMON
from .planting import unseen
from .report import Finding, Part, Report
from .reproduce import Case

Array = NDArray[Any]
Oracle = Callable[..., Estimate]
TIMEOUT = 60.0  # seconds that a call of the candidate may take


def check_network(
    network: Network,
    X: ArrayLike,
    Y: ArrayLike,
    candidate: Candidate,
    *,
    oracle: Oracle | None = None,
    reduction: str = "mean",
    weight_decay: float = 0.0,
    inputs: bool = False,
    frozen: Iterable[str] = (),
    timeout: float = TIMEOUT,
    seed: int = 0,
    target: str = "",
) -> Report:
    """Is this the gradient of the mean cost of the batch? A verdict for each entry.

    candidate(weights, biases, X, Y) -> (nabla_w, nabla_b): lists for layers 2..L of arrays (n_l, n_(l-1)) and (n_l,), from
    such lists, X (m, n_1) and Y (m, n_L). Of a network without biases, biases is empty and nabla_b may be left out.
    It may return a Claim instead, whose entries may be off by more; and raise CandidateFailed with a sentence of its own.
    oracle: differences.complex_step (the default; central where a complex form is missing), differences.central or
    enclosures.enclose. reduction: "mean" or "sum". weight_decay: lambda; (lambda/2) times the sum of the squares of all
    weights, not biases, is part of the cost. inputs: the candidate returns a third value, dC/dx of shape (m, n_1).
    frozen: parameters that are not compared, such as "w[2]", "b[3]". timeout: seconds for one call.
    Raises what Network.batch raises, and ValueRefused; whatever the candidate does ends in the report.
    """
    start = perf_counter()
    report, case = checked(
        network,
        X,
        Y,
        candidate,
        oracle=oracle,
        reduction=reduction,
        weight_decay=weight_decay,
        inputs=inputs,
        frozen=frozen,
        timeout=timeout,
        seed=seed,
        target=target,
    )
    if case is not None and report.verdict is Verdict.DISAGREES:
        report = replace(report, diagnosis=diagnose([case]))
    return replace(report, seconds=perf_counter() - start)


def checked(
    network: Network,
    X: ArrayLike,
    Y: ArrayLike,
    candidate: Candidate,
    *,
    oracle: Oracle | None = None,
    reduction: str = "mean",
    weight_decay: float = 0.0,
    inputs: bool = False,
    frozen: Iterable[str] = (),
    timeout: float = TIMEOUT,
    seed: int = 0,
    target: str = "",
) -> tuple[Report, Case | None]:
    """(the report without a diagnosis, what a diagnosis of it and others starts from). As check_network."""
    start = perf_counter()
    X, Y = network.batch(X, Y)
    size = divisor(reduction, len(X))
    left_out = _frozen(frozen, network)
    if not (np.isfinite(weight_decay) and weight_decay >= 0):
        raise ValueRefused(f"weight_decay={weight_decay} was given; pass a finite lambda of at least 0.")
    call = Call(network, X, Y, candidate, inputs, timeout)
    first = call.at(network, X)
    target = target or f"{getattr(candidate, '__name__', type(candidate).__name__)}, network {_sizes(network)}, m = {len(X)}"
    total = network.parameters + (X.size if inputs else 0)
    if first.claim is None:
        failed = Report(target, (), tuple(first.findings), total=total, seed=seed, seconds=perf_counter() - start)
        return failed, None
    expected = _expect(network, X, Y, oracle, reduction, inputs)
    allowed = Allowed.of(network, X, Y, first.dtype, reduction)
    bracket = kinks.sides(network, X, Y, expected, first.dtype, reduction, inputs)
    job = _Job(network, expected, allowed, bracket, weight_decay, size, inputs, left_out)
    parts, found = _again(call, job, first, job.compare(first.claim, first.extra))
    findings, notes = list(dict.fromkeys([*first.findings, *found])), list[str]()
    if len(findings) == len(first.findings) and not any(p.count(Verdict.DISAGREES) for p in parts):
        found, notes = _elsewhere(call, job, first, reduction, seed)
        findings = list(dict.fromkeys([*findings, *found]))
    report = Report(
        target,
        tuple(parts),
        tuple(findings),
        expected.reasons,
        expected.source,
        expected.proven,
        total=total,
        seed=seed,
    )
    notes = [*_accuracy(job, first, parts, X, Y, reduction), *notes, *_untested(job, len(X), reduction)]
    allowed_here = _allowed(job, first)
    unseen_here = tuple((u.mistake.title, u.why) for u in unseen(COMMON, network, X, Y, reduction, allowed_here))
    case = Case(network, X, Y, first.claim, allowed_here, reduction, weight_decay, left_out, first.dtype)
    return replace(report, notes=tuple(notes), unseen=unseen_here, seconds=perf_counter() - start), case


def compare(
    network: Network,
    X: Array,
    Y: Array,
    claimed: Gradient,
    expected: Estimate,
    dtype: Any = np.float64,
    reduction: str = "mean",
    extra: Gradient | None = None,
) -> list[Part]:
    """A whole claimed gradient, its deltas too, against an estimate: every array, entry by entry. extra: as in _Job.compare."""
    allowed = Allowed.of(network, X, Y, dtype, reduction)
    return _Job(network, expected, allowed, None, 0.0, 1, False, frozenset()).compare(claimed, extra)


@dataclass(frozen=True)
class Allowed:
    """What a right candidate may be off by. Where a naive formula (softmax without its shift, cross-entropy with its 0/0)
    may be anything, the bound is that of the stable formula, and what exceeds it cannot be told."""

    usual: Bounds
    stable: Bounds

    @classmethod
    def of(cls, network: Network, X: Array, Y: Array, dtype: Any, reduction: str) -> "Allowed":
        """For a candidate that computes in this dtype."""
        usual = rounding(network, X, Y, dtype, reduction)
        finite = all(np.isfinite(v).all() for _, _, v in usual.items())
        return cls(usual, usual if finite else rounding(network, X, Y, dtype, reduction, naive=False))

    def of_part(self, part: str, l: int) -> tuple[Array, Array | None]:
        """(the bound of each entry, where it is the stable formula's only) of one array."""
        usual, stable = ((b.nabla_x if part == "nabla_x" else getattr(b, part)[l]) for b in (self.usual, self.stable))
        return (usual, None) if usual is stable else (np.where(np.isinf(usual), stable, usual), np.isinf(usual))

    def parts(self) -> list[tuple[str, dict[int, Array]]]:
        """The bounds of nabla_w and nabla_b by layer."""
        return [(part, {l: self.of_part(part, l)[0] for l in getattr(self.usual, part)}) for part in ("nabla_w", "nabla_b")]


@dataclass(frozen=True)
class _Job:
    """What a claim is compared with."""

    network: Network
    expected: Estimate
    allowed: Allowed
    bracket: tuple[kinks.Side, kinks.Side] | None
    weight_decay: float
    size: int
    inputs: bool
    left_out: frozenset[tuple[str, int]]

    def compare(self, claim: Gradient, extra: Gradient | None = None) -> list[Part]:
        """Each array of the claim, entry by entry. extra: what its entries may be off by besides."""
        parts = []
        for part, l, claimed in claim.items():
            if (part, l) in self.left_out:
                continue
            of_inputs = part == "delta" and l == 1
            scale = 1 / self.size if of_inputs else 1.0
            value, error, why = (getattr(g, part)[l] for g in (self.expected, self.expected.bound, self.expected.why))
            allowed, unsure = self.allowed.of_part("nabla_x" if of_inputs else part, l)
            value, error = value * scale, error * scale
            if extra is not None and part != "delta":
                allowed = allowed + getattr(extra, part)[l]
            decay = self.decay(part, l)
            if decay is not None:
                allowed = allowed + 4 * unit_roundoff(claimed.dtype) * (np.abs(value) + np.abs(decay) + allowed)
                value = value + decay
            low, high = self._interval(part, l, claimed, extra)
            equation = {"nabla_w": "BP4", "nabla_b": "BP3"}.get(part, "BP1" if l == self.network.L else "BP2")
            name = "nabla_x" if of_inputs else part
            parts.append(Part(name, l, equation, _double(claimed), value, allowed + error, why, low, high, unsure))
        largest = {l: max(p.largest for p in parts if p.l == l) for l in {p.l for p in parts}}
        return [replace(p, beside=largest[p.l]) for p in sorted(parts, key=lambda p: (p.l, p.part != "nabla_w"))]

    def along(self, other: Network, X: Array, Y: Array, answer: Answer, along: Gradient, reduction: str) -> tuple[float, float]:
        """(what an answer at another network says of a direction, what a right one may be off by), without weight decay."""
        allowed, claimed, bound, size = rounding(other, X, Y, answer.dtype, reduction), 0.0, 0.0, 0.0
        for part in ("nabla_w", "nabla_b"):
            for l, u in getattr(along, part).items():
                if (part, l) in self.left_out:
                    continue
                g, decay = getattr(answer.claim, part)[l].astype(np.float64), np.zeros(u.shape)
                if part == "nabla_w" and self.weight_decay:
                    decay = self.weight_decay * other.w[l].astype(np.float64)
                claimed += float(((g - decay) * u).sum())
                size += float(((np.abs(np.where(np.isfinite(g), g, 0.0)) + np.abs(decay)) * np.abs(u)).sum())
                off = getattr(allowed, part)[l] + (0.0 if answer.extra is None else getattr(answer.extra, part)[l])
                bound += float((off * np.abs(u)).sum())
        rounded = 4 * other.parameters * U + (4 * unit_roundoff(answer.dtype) if self.weight_decay else 0.0)
        return claimed, bound + rounded * size

    def decay(self, part: str, l: int) -> Array | None:
        """What weight decay adds to the gradient: lambda w."""
        return self.weight_decay * self.network.w[l].astype(np.float64) if self.weight_decay and part == "nabla_w" else None

    def _interval(self, part: str, l: int, claimed: Array, extra: Gradient | None) -> tuple[Array, Array] | tuple[None, None]:
        """Between what values a right claim of an entry lies, where exactly one neuron stands at a kink."""
        if self.bracket is None:
            return None, None
        ends, of_inputs, decay = [], part == "delta" and l == 1, self.decay(part, l)
        for side in self.bracket:
            value, error = getattr(side.expected, part)[l], getattr(side.expected.bound, part)[l]
            if of_inputs:
                value, error = value / self.size, error / self.size
            error = error + (side.allowed.nabla_x if of_inputs else getattr(side.allowed, part)[l])
            if extra is not None and part != "delta":
                error = error + getattr(extra, part)[l]
            if decay is not None:
                error = error + 4 * unit_roundoff(claimed.dtype) * (np.abs(value) + np.abs(decay) + error)
                value = value + decay
            ends += [value - error, value + error]
        low, high = np.minimum(ends[0], ends[2]), np.maximum(ends[1], ends[3])
        told = (getattr(self.expected.why, part)[l] == 0) | ~np.isfinite(low) | ~np.isfinite(high)
        return np.where(told, np.nan, low), np.where(told, np.nan, high)


def _expect(network: Network, X: Array, Y: Array, oracle: Oracle | None, reduction: str, inputs: bool) -> Estimate:
    options: dict[str, Any] = {"reduction": reduction} | ({"inputs": True} if inputs else {})
    if oracle is not None:
        return oracle(network, X, Y, **options)
    try:
        return differences.complex_step(network, X, Y, **options)
    except NotComplex:
        return differences.central(network, X, Y, **options)


# ------------------------------------------------------------------------------------------------------ other findings


def _again(call: Call, job: _Job, first: Answer, parts: list[Part]) -> tuple[list[Part], list[Finding]]:
    """The second call at the same point must give the same. If it does not, the parts are those of a call that may be right."""
    second = call.at(call.network, call.X)
    if first.claim is None or second.claim is None:
        return parts, [Finding(Verdict.CANNOT_TELL, f"the second call with the same inputs failed: {second.findings[0].text}")]
    if _same(first.claim, second.claim):
        return parts, second.findings
    other = job.compare(second.claim, second.extra)
    lies = [any(p.count(Verdict.DISAGREES) for p in tried) for tried in (parts, other)]
    found = Finding(
        Verdict.DISAGREES if all(lies) else Verdict.CANNOT_TELL,
        "two calls with the same inputs gave different gradients; fix the seed of what is random in it, inside the call, "
        "or the state that is kept between calls",
    )
    return other if lies[0] and not lies[1] else parts, [*second.findings, found]


def _same(p: Gradient, q: Gradient) -> bool:
    return all(np.array_equal(v, u, equal_nan=True) for (_, _, v), (_, _, u) in zip(p.items(), q.items(), strict=True))


def _elsewhere(call: Call, job: _Job, first: Answer, reduction: str, seed: int) -> tuple[list[Finding], list[str]]:
    """(findings, notes). At other weights and inputs, one directional derivative: an answer that was remembered is caught."""
    rng = np.random.default_rng(seed)

    def moved(v: Array) -> Array:
        scale = np.sqrt(np.mean(np.square(v, dtype=np.float64))) or 1.0
        return (v + 0.125 * scale * rng.standard_normal(v.shape)).astype(v.dtype)

    network, X = call.network, moved(call.X)
    w = {l: moved(v) for l, v in network.w.items()}
    b = {l: moved(v) if network.has_biases else v for l, v in network.b.items()}
    other = replace(network, w=w, b=b)
    along = Gradient(
        *(
            {l: rng.standard_normal(u.shape) * ((part, l) not in job.left_out) for l, u in layers.items()}
            for part, layers in (("nabla_w", w), ("nabla_b", b if network.has_biases else {}))
        )
    )
    untested = "was not held to its cost at other weights and inputs: an answer that was right once and remembered would not show"
    try:
        slope, error, source = _directional(other, X, call.Y, along, reduction)
    except ValueRefused as refused:
        return [], [f"the candidate {untested} ({refused})"]
    answer = call.at(other, X)
    if answer.claim is None or first.claim is None:
        return [Finding(Verdict.CANNOT_TELL, f"at other weights the candidate failed: {answer.findings[0].text}")], []
    claimed, bound = job.along(other, X, call.Y, answer, along, reduction)
    if not np.isfinite(slope + error + bound):
        return answer.findings, [f"the candidate {untested} (nothing is certain there: a kink, or an infinite bound)"]
    if abs(claimed - slope) <= bound + error:
        return answer.findings, []
    if _same(first.claim, answer.claim):
        text = "at other weights and inputs it returned the same gradient again: the answer is remembered, not computed"
        return [*answer.findings, Finding(Verdict.DISAGREES, text)], []
    text = (
        f"at other weights and inputs (seed {seed}) its gradient along a random direction is {claimed:.6g}, and should be "
        f"{slope:.6g} by {source}, allowed {bound + error:.2g}: it is right at the given point only"
    )
    return [*answer.findings, Finding(Verdict.DISAGREES, text)], []


def _directional(network: Network, X: Array, Y: Array, along: Gradient, reduction: str) -> tuple[float, float, str]:
    """(derivative along a direction, how far it may be off, by which oracle)."""
    try:
        return *differences.directional(network, X, Y, along, reduction), "complex step"
    except NotComplex:
        e = differences.central(network, X, Y, reduction)
        both = [
            [float((v * u).sum()) for v, u in ((e_v[l], d[l]), (bar[l], np.abs(d[l])))]
            for e_v, bar, d in ((e.nabla_w, e.bound.nabla_w, along.nabla_w), (e.nabla_b, e.bound.nabla_b, along.nabla_b))
            for l in d
        ]
        return sum(v for v, _ in both), sum(v for _, v in both), "central differences"


def _accuracy(job: _Job, first: Answer, parts: list[Part], X: Array, Y: Array, reduction: str) -> list[str]:
    """A float64 answer that is right in a narrower dtype only is told so: if most of it is off, and by no more than that.

    Most of what is off must be seen to be right there: a bound that is no smaller than its entry shows nothing.
    """
    wrong, told = (sum(int((p.verdicts == v)[p.expected != 0].sum()) for p in parts) for v in (1, 0))
    if first.claim is None or first.dtype != np.float64 or wrong <= told:
        return []
    for dtype in DTYPES[1:]:
        narrow = replace(job, allowed=Allowed.of(job.network, X, Y, dtype, reduction)).compare(first.claim, first.extra)
        seen = [
            (q.verdicts == 0) & (q.bound < np.abs(q.expected)) & (p.verdicts == 1) for p, q in zip(parts, narrow, strict=True)
        ]
        if not any(p.count(Verdict.DISAGREES) for p in narrow) and 2 * sum(int(s.sum()) for s in seen) > wrong:
            name = np.dtype(dtype).name
            return [f"accurate to {name} only: within what a right {name} computation may be off, but it came back as float64"]
    return []


def _untested(job: _Job, m: int, reduction: str) -> list[str]:
    notes = []
    if job.left_out:
        notes.append("not checked, as you asked: " + ", ".join(f"{part[-1]}[{l}]" for part, l in sorted(job.left_out)))
    if m == 1 and reduction == "mean":
        notes.append("averaging is untested: one example; pass a mini-batch of two or more")
    return notes


def _allowed(job: _Job, first: Answer) -> Gradient:
    """How far each entry of a right answer may be from the chapter's, infinite where nothing can be told."""
    made: dict[str, dict[int, Array]] = {}
    for part, layers in job.allowed.parts():
        made[part] = {}
        for l, E in layers.items():
            value, error, why = (getattr(g, part)[l] for g in (job.expected, job.expected.bound, job.expected.why))
            extra, decay = getattr(first.extra, part)[l] if first.extra else 0.0, job.decay(part, l)
            allowed = E + np.nan_to_num(error, nan=np.inf) + extra
            if decay is not None:
                allowed = allowed + 4 * unit_roundoff(first.dtype) * (np.abs(value) + np.abs(decay))
            made[part][l] = np.where(why != 0, np.inf, allowed)
    return Gradient(**made)


def _frozen(names: Iterable[str], network: Network) -> frozenset[tuple[str, int]]:
    found = set()
    for name in names:
        match = re.fullmatch(r"([wb])\W*(\d+)\W*", name.strip())
        known = [f"w[{l}]" for l in network.layers] + [f"b[{l}]" for l in network.layers if network.has_biases]
        if not match or f"{match[1]}[{match[2]}]" not in known:
            raise ValueRefused(f"frozen holds {name!r}, which is no parameter of this network; it has {', '.join(known)}.")
        found.add((f"nabla_{match[1]}", int(match[2])))
    return frozenset(found)


def _sizes(network: Network) -> str:
    return "-".join(map(str, network.sizes))


def _double(v: Array) -> Array:
    return v.astype(np.float64, copy=False)
