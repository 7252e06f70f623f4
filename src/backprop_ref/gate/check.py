"""A claimed gradient of a network against an oracle: a verdict for each entry, and a report.

The candidate is called on copies of its inputs: twice at the given point, once at another. An entry may be off by the
rounding of a right candidate in the dtype that came back (bounds.py) and by what the oracle may be off by. No tolerance.
"""

import contextlib
import io
import re
import threading
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
from ..rounding import unit_roundoff
from .bounds import Bounds, rounding
from .claim import CandidateFailed, Claim
from .mistakes import COMMON
from .planting import unseen
from .report import Finding, Part, Report

Array = NDArray[Any]
Candidate = Callable[[list[Array], list[Array], Array, Array], Any]
Oracle = Callable[..., Estimate]
TIMEOUT = 60.0  # seconds that a call of the candidate may take
DTYPES = (np.float64, np.float32, np.float16)


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
    X, Y = network.batch(X, Y)
    size = divisor(reduction, len(X))
    left_out = _frozen(frozen, network)
    if not (np.isfinite(weight_decay) and weight_decay >= 0):
        raise ValueRefused(f"weight_decay={weight_decay} was given; pass a finite lambda of at least 0.")
    call = _Call(network, X, Y, candidate, inputs, timeout)
    first = call.at(network, X)
    target = target or f"{getattr(candidate, '__name__', type(candidate).__name__)}, network {_sizes(network)}, m = {len(X)}"
    total = network.parameters + (X.size if inputs else 0)
    if first.claim is None:
        return Report(target, (), tuple(first.findings), total=total, seed=seed, seconds=perf_counter() - start)
    expected = _expect(network, X, Y, oracle, reduction, inputs)
    allowed = Allowed.of(network, X, Y, first.dtype, reduction)
    bracket = _kink_interval(network, X, Y, expected, reduction, inputs)
    job = _Job(network, expected, allowed, bracket, weight_decay, size, inputs, left_out)
    parts = job.compare(first.claim, first.extra)
    findings = [*first.findings, *_again(call, job, first, parts)]
    if not any(p.count(Verdict.DISAGREES) for p in parts):
        findings += _elsewhere(call, first, X, Y, reduction, weight_decay, seed)
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
    notes = [*_accuracy(job, first, parts, X, Y, reduction), *_untested(job, len(X), reduction)]
    return replace(report, notes=tuple(notes), unseen=_unseen(job, first, X, Y, reduction), seconds=perf_counter() - start)


def compare(
    network: Network,
    X: Array,
    Y: Array,
    claimed: Gradient,
    expected: Estimate,
    dtype: Any = np.float64,
    reduction: str = "mean",
) -> list[Part]:
    """A whole claimed gradient, its deltas too, against an estimate: every array, entry by entry."""
    allowed = Allowed.of(network, X, Y, dtype, reduction)
    return _Job(network, expected, allowed, None, 0.0, 1, False, frozenset()).compare(claimed)


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
    bracket: tuple[Estimate, Estimate] | None
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
            if part == "nabla_w" and self.weight_decay:
                decay = self.weight_decay * self.network.w[l].astype(np.float64)
                allowed = allowed + 4 * unit_roundoff(claimed.dtype) * (np.abs(value) + np.abs(decay) + allowed)
                value = value + decay
            low, high = self._interval(part, l, scale, allowed)
            if self.weight_decay and part == "nabla_w" and low is not None and high is not None:
                low, high = low + decay, high + decay
            equation = {"nabla_w": "BP4", "nabla_b": "BP3"}.get(part, "BP1" if l == self.network.L else "BP2")
            name = "nabla_x" if of_inputs else part
            parts.append(Part(name, l, equation, _double(claimed), value, allowed + error, why, low, high, unsure))
        return sorted(parts, key=lambda p: (p.l, p.part != "nabla_w"))

    def _interval(self, part: str, l: int, scale: float, allowed: Array) -> tuple[Array, Array] | tuple[None, None]:
        """Between what values the derivative of an entry lies, where exactly one neuron stands at a kink."""
        if self.bracket is None:
            return None, None
        sides = [(getattr(e, part)[l] * scale, getattr(e.bound, part)[l] * scale + allowed) for e in self.bracket]
        low = np.minimum(*(v - e for v, e in sides))
        high = np.maximum(*(v + e for v, e in sides))
        told = getattr(self.expected.why, part)[l] == 0
        return np.where(told | ~np.isfinite(low), np.nan, low), np.where(told | ~np.isfinite(high), np.nan, high)


def _expect(network: Network, X: Array, Y: Array, oracle: Oracle | None, reduction: str, inputs: bool) -> Estimate:
    options: dict[str, Any] = {"reduction": reduction} | ({"inputs": True} if inputs else {})
    if oracle is not None:
        return oracle(network, X, Y, **options)
    try:
        return differences.complex_step(network, X, Y, **options)
    except NotComplex:
        return differences.central(network, X, Y, **options)


def _kink_interval(
    network: Network, X: Array, Y: Array, expected: Estimate, reduction: str, inputs: bool
) -> tuple[Estimate, Estimate] | None:
    """The gradient on both sides of a kink, if exactly one neuron of one example stands at one: its bias is nudged."""
    at = [r for r in expected.reasons if r.startswith("not differentiable: kink")]
    if len(at) != 1 or not expected.proven:
        return None
    j, l = (int(n) for n in re.findall(r"\d+", at[0])[:2])
    wide = network.astype(np.float64)
    step = 2.0**-40 * max(1.0, float(np.abs(wide.b[l][j - 1])))

    def nudged(by: float) -> Estimate:
        b = wide.b[l].copy()
        b[j - 1] += by
        return _expect(replace(wide, b=dict(wide.b) | {l: b}), X, Y, differences.complex_step, reduction, inputs)

    return nudged(step), nudged(-step)


# -------------------------------------------------------------------------------------------------- calling a candidate


@dataclass(frozen=True)
class _Answer:
    claim: Gradient | None
    dtype: Any
    findings: list[Finding]
    extra: Gradient | None = None


class _Call:
    """Calls the candidate on copies, and turns whatever it does into a claim and findings."""

    def __init__(self, network: Network, X: Array, Y: Array, candidate: Candidate, inputs: bool, timeout: float) -> None:
        self.network, self.X, self.Y = network, X, Y
        self.candidate, self.inputs, self.timeout = candidate, inputs, timeout

    def at(self, network: Network, X: Array) -> _Answer:
        """The candidate's answer at these weights and inputs."""
        weights, biases = ([v.copy() for v in layers.values()] for layers in (network.w, network.b))
        arrays = [*weights, *(biases if network.has_biases else []), X.copy(), self.Y.copy()]
        given = (weights, biases if network.has_biases else [], arrays[-2], arrays[-1])
        before = [v.copy() for v in arrays]
        answer, problem = _run(lambda: self.candidate(*given), self.timeout)
        if problem:
            return _Answer(None, np.float64, [Finding(Verdict.CANNOT_TELL, problem)])
        findings = []
        names = [f"w[{l}]" for l in network.w] + [f"b[{l}]" for l in network.b if network.has_biases] + ["X", "Y"]
        changed = [n for n, v, old in zip(names, arrays, before, strict=True) if not np.array_equal(v, old)]
        if changed or len(weights) != len(network.w):
            what = ", ".join(changed) or "the list of weights"
            findings.append(
                Finding(Verdict.DISAGREES, f"the candidate changed its inputs: {what}; it must leave them as they are")
            )
        extra = None
        if isinstance(answer, Claim):
            findings += [Finding(Verdict.DISAGREES, text) for text in answer.wrong]
            if answer.extra_w:
                parts = zip(("nabla_w", "nabla_b"), (answer.extra_w, answer.extra_b), strict=True)
                extra = Gradient(**{part: dict(enumerate(layers, start=2)) for part, layers in parts})
            answer = (answer.nabla_w, answer.nabla_b) if network.has_biases else (answer.nabla_w,)
        claim, dtype, found = self._claim(answer, arrays)
        return _Answer(claim, dtype, findings + found, extra)

    def _claim(self, answer: Any, inputs: list[Array]) -> tuple[Gradient | None, Any, list[Finding]]:
        wanted = "(nabla_w, nabla_b, nabla_x)" if self.inputs else "(nabla_w, nabla_b)"
        network, L = self.network, self.network.L
        parts = list(answer) if isinstance(answer, tuple | list) else None
        if parts is None or len(parts) not in {2 + self.inputs} | ({1 + self.inputs} if not network.has_biases else set()):
            got = f"{type(answer).__name__}" + (f" of {len(parts)}" if parts is not None else "")
            return (
                None,
                None,
                [Finding(Verdict.CANNOT_TELL, f"the candidate returned a {got}; {wanted} is needed, lists for layers 2..{L}")],
            )
        nabla_x = parts.pop() if self.inputs else None
        named = {"nabla_w": parts[0]} | ({"nabla_b": parts[1]} if network.has_biases else {})
        claim: dict[str, dict[int, Array]] = {"nabla_w": {}, "nabla_b": {}, "delta": {}}
        for part, arrays in named.items():
            if not isinstance(arrays, tuple | list) or len(arrays) != L - 1:
                got = f"{len(arrays)} arrays" if isinstance(arrays, tuple | list) else f"a {type(arrays).__name__}"
                return (
                    None,
                    None,
                    [Finding(Verdict.DISAGREES, f"{part} is {got}; a list of {L - 1} is needed, for layers 2..{L}")],
                )
            shapes = network.w if part == "nabla_w" else network.b
            for l, array in zip(network.layers, arrays, strict=True):
                claim[part][l], trouble = _numbers(f"{part}[{l}]", array, shapes[l].shape)
                if trouble:
                    return None, None, [trouble]
        if self.inputs:
            claim["delta"][1], trouble = _numbers("nabla_x", nabla_x, self.X.shape)
            if trouble:
                return None, None, [trouble]
        found = [v for part in claim.values() for v in part.values()]
        findings = _shared(claim, inputs)
        dtype = max((v.dtype for v in found), key=unit_roundoff)
        kept = {part: {l: v.copy() for l, v in layers.items()} for part, layers in claim.items()}
        return Gradient(**kept), dtype, findings


def _numbers(name: str, value: Any, shape: tuple[int, ...]) -> tuple[Array, Finding | None]:
    try:
        array = np.asarray(value)
    except Exception as error:  # an object of the candidate's, with whatever its conversion does
        return np.empty(0), Finding(
            Verdict.CANNOT_TELL, f"{name} is a {type(value).__name__} that is no array of numbers: {error}"
        )
    if array.dtype not in DTYPES:
        if np.issubdtype(array.dtype, np.integer) and not np.any(array):
            array = array.astype(np.float64)  # a zero gradient, written as 0
        else:
            return array, Finding(
                Verdict.CANNOT_TELL,
                f"{name} holds {array.dtype}; float64, float32 or float16 are needed to say how far it may be off",
            )
    if array.shape != shape:
        return array, Finding(
            Verdict.DISAGREES, f"{name} has shape {array.shape}; it must have shape {shape}, one entry for each parameter"
        )
    return array, None


def _shared(claim: dict[str, dict[int, Array]], inputs: list[Array]) -> list[Finding]:
    named = [(f"{part}[{l}]", v) for part, layers in claim.items() for l, v in layers.items()]
    findings = []
    for i, (name, v) in enumerate(named):
        twins = [other for other, u in named[:i] if np.may_share_memory(v, u) and np.shares_memory(v, u)]
        if twins:
            findings.append(Finding(Verdict.DISAGREES, f"{name} and {twins[0]} are one array: a later write changes both"))
        if any(np.may_share_memory(v, u) for u in inputs):
            findings.append(Finding(Verdict.DISAGREES, f"{name} is an array of the candidate's inputs, not one of its own"))
    return findings


def _run(call: Callable[[], Any], timeout: float) -> tuple[Any, str]:
    """(what the call returned, "") or (None, what went wrong). It runs in a thread of its own, its prints swallowed."""
    outcome: list[Any] = []

    def work() -> None:
        try:
            with np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
                outcome.append((call(), ""))
        except CandidateFailed as error:
            outcome.append((None, str(error)))
        except BaseException as error:  # SystemExit too: nothing that a candidate does may end the check
            outcome.append((None, f"the candidate raised {type(error).__name__}: {error}{_line(error)}"))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(timeout)
    if not outcome:
        return None, f"the candidate did not come back within {timeout:g} s; pass a larger timeout if it is only slow"
    return outcome[0][0], outcome[0][1]


def _line(error: BaseException) -> str:
    last = error.__traceback__
    while last and last.tb_next:
        last = last.tb_next
    return f" ({last.tb_frame.f_code.co_filename}:{last.tb_lineno})" if last else ""


# ------------------------------------------------------------------------------------------------------ other findings


def _again(call: _Call, job: _Job, first: _Answer, parts: list[Part]) -> list[Finding]:
    """The second call at the same point must give the same."""
    second = call.at(call.network, call.X)
    if second.claim is None:
        return [Finding(Verdict.CANNOT_TELL, f"the second call with the same inputs failed: {second.findings[0].text}")]
    if first.claim is not None and all(
        np.array_equal(p, q, equal_nan=True)
        for (_, _, p), (_, _, q) in zip(first.claim.items(), second.claim.items(), strict=True)
    ):
        return []
    lies = [any(p.count(Verdict.DISAGREES) for p in tried) for tried in (parts, job.compare(second.claim, second.extra))]
    verdict = Verdict.DISAGREES if all(lies) else Verdict.CANNOT_TELL
    return [
        Finding(
            verdict,
            "two calls with the same inputs gave different gradients; fix the seed of what is random in it, inside the call",
        )
    ]


def _elsewhere(call: _Call, first: _Answer, X: Array, Y: Array, reduction: str, weight_decay: float, seed: int) -> list[Finding]:
    """At other weights and inputs, one directional derivative: an answer that was remembered is caught."""
    rng = np.random.default_rng(seed)

    def moved(v: Array) -> Array:
        scale = np.sqrt(np.mean(np.square(v, dtype=np.float64))) or 1.0
        return (v + 0.125 * scale * rng.standard_normal(v.shape)).astype(v.dtype)

    network, other_X = call.network, moved(X)
    w = {l: moved(v) for l, v in network.w.items()}
    b = {l: moved(v) if network.has_biases else v for l, v in network.b.items()}
    other = replace(network, w=w, b=b)
    v = Gradient(
        {l: rng.standard_normal(u.shape) for l, u in w.items()},
        {l: rng.standard_normal(u.shape) for l, u in b.items() if network.has_biases},
    )
    try:
        slope, error = differences.directional(other, other_X, Y, v, reduction)
    except (NotComplex, ValueRefused):
        return []
    answer = call.at(other, other_X)
    if answer.claim is None:
        return [Finding(Verdict.CANNOT_TELL, f"at other weights the candidate failed: {answer.findings[0].text}")]
    allowed = rounding(other, other_X, Y, answer.dtype, reduction)
    claimed = bound = size = 0.0
    for part in ("nabla_w", "nabla_b"):
        for l, u in getattr(v, part).items():
            g = getattr(answer.claim, part)[l].astype(np.float64)
            if part == "nabla_w":
                g = g - weight_decay * w[l]
            claimed += float((g * u).sum())
            size += float((np.abs(g) * np.abs(u)).sum())
            off = getattr(allowed, part)[l] + (0.0 if answer.extra is None else getattr(answer.extra, part)[l])
            bound += float((off * np.abs(u)).sum())
    bound += error + 4 * network.parameters * unit_roundoff(np.float64) * size
    if weight_decay:
        bound += 4 * unit_roundoff(answer.dtype) * (size + weight_decay * sum(float(np.abs(u).sum()) for u in w.values()))
    if not np.isfinite(slope + bound) or abs(claimed - slope) <= bound:
        return []
    if first.claim is not None and all(
        np.array_equal(p, q) for (_, _, p), (_, _, q) in zip(first.claim.items(), answer.claim.items(), strict=True)
    ):
        return [
            Finding(
                Verdict.DISAGREES,
                "at other weights and inputs it returned the same gradient again: the answer is remembered, not computed",
            )
        ]
    return [
        Finding(
            Verdict.DISAGREES,
            f"at other weights and inputs (seed {seed}) the gradient along a random direction is {claimed:.6g}, and is "
            f"{slope:.6g} by complex step, allowed {bound:.2g}: right at the given point only",
        )
    ]


def _accuracy(job: _Job, first: _Answer, parts: list[Part], X: Array, Y: Array, reduction: str) -> list[str]:
    """A float64 answer that is right in a narrower dtype only is told so."""
    if first.claim is None or first.dtype != np.float64 or not any(p.count(Verdict.DISAGREES) for p in parts):
        return []
    for dtype in DTYPES[1:]:
        narrow = replace(job, allowed=Allowed.of(job.network, X, Y, dtype, reduction)).compare(first.claim, first.extra)
        if not any(p.count(Verdict.DISAGREES) for p in narrow):
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


def _unseen(job: _Job, first: _Answer, X: Array, Y: Array, reduction: str) -> tuple[tuple[str, str], ...]:
    """The common mistakes that leave every entry within its bound on this very probe, each planted on it."""
    allowed = Gradient(
        *(
            {l: E + getattr(job.expected.bound, part)[l] + (getattr(first.extra, part)[l] if first.extra else 0) for l, E in v.items()}
            for part, v in job.allowed.parts()
        )
    )
    return tuple((u.mistake.title, u.why) for u in unseen(COMMON, job.network, X, Y, reduction, allowed))


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
