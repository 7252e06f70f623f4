"""The claimed gradient of any function against the black-box oracle: check_gradient(f, grad, x).

What can be expected of an entry rests on an error bar, an estimate; an entry outside it is measured again with other
steps, and disagrees only if it is outside both.
"""

import copy
import inspect
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BackpropRefError, DtypeError, ShapeError
from ..gradient import Verdict
from ..oracles import blackbox
from ..oracles.blackbox import Progress, Slopes
from ..oracles.containers import flatten
from ..rounding import U
from .progress import bar
from .report import Finding, Part, Report

Array = NDArray[Any]
DIRECTIONS = 2  # random cotangents that a vector-Jacobian product is held to
SOURCE = {True: "complex step of f", False: "central differences of f"}


def check_gradient(
    f: Callable[[Any], Any],
    grad: Callable[..., Any],
    x: Any,
    *,
    seed: int = 0,
    on_progress: Progress | None = None,
    target: str = "",
) -> Report:
    """Is grad the gradient of f at x? A verdict for each entry of x.

    f: takes an array, a number, or a tuple, list or dict of them, nested, and returns a number; grad(x) returns a container
    like x. If f returns an array, grad(x) is its Jacobian, of shape f(x).shape + x.shape (x one array), or, if grad takes
    two arguments, grad(x, v) is the vector-Jacobian product, checked for two random v of the shape of f(x).
    on_progress(done, of): called while f is evaluated; by default a bar is drawn after one second, if stderr is a terminal.
    Whatever f and grad do ends in the report.
    Raises DtypeError, ShapeError or ValueRefused for an x that is no point with finite entries.
    """
    start = perf_counter()
    flatten(x)  # an x that is none is an error of the caller's, not a verdict
    target = target or f"{getattr(grad, '__name__', type(grad).__name__)}, gradient of {getattr(f, '__name__', type(f).__name__)}"
    with np.errstate(all="ignore"):  # an overflow shows in what comes back
        try:
            value = f(copy.deepcopy(x))
        except (Exception, SystemExit) as error:  # nothing that f or grad does may end the check
            return _untold(target, f"f raised {type(error).__name__} at x: {error}", start)
        shape = np.shape(value)
        if shape == ():
            with nullcontext(on_progress) if on_progress else bar("evaluating f") as show:
                report = _check(f, grad, x, target, seed, show)
        elif _arguments(grad) >= 2:
            report = _check_products(f, grad, x, shape, target, seed)
        else:
            report = _check_jacobian(f, grad, x, shape, target, seed)
    return replace(report, seed=seed, seconds=perf_counter() - start)


def _untold(target: str, why: str, start: float = 0.0) -> Report:
    seconds = perf_counter() - start if start else 0.0
    return Report(target, (), (Finding(Verdict.CANNOT_TELL, why),), seconds=seconds)


def _check(
    f: Callable[[Any], Any], grad: Callable[[Any], Any], x: Any, target: str, seed: int, on_progress: Progress | None
) -> Report:
    """One number-valued f."""
    try:
        slopes = blackbox.measure(f, x, seed=seed, on_progress=on_progress)
    except BackpropRefError as error:
        return _untold(target, f"f cannot be measured: {error}")
    except (Exception, SystemExit) as error:
        return _untold(target, f"f cannot be measured: it raised {type(error).__name__}: {error}")
    if slopes.refused:
        return _untold(target, slopes.refused)
    given = slopes.layout.unflatten(slopes.x)
    findings = list(_manners(grad, given, slopes))
    try:
        claim, claim_bar = blackbox.claim_bar(grad, given, seed=seed)
    except ShapeError as error:
        return Report(target, (), (*findings, Finding(Verdict.DISAGREES, str(error))))
    except DtypeError as error:
        return Report(target, (), (*findings, Finding(Verdict.CANNOT_TELL, str(error))))
    except (Exception, SystemExit) as error:
        why = f"the gradient raised {type(error).__name__}: {error}"
        return Report(target, (), (*findings, Finding(Verdict.CANNOT_TELL, why)))
    part, reasons = _compare(f, x, slopes, claim, claim_bar, seed)
    notes = [f"{slopes.evaluations:,} evaluations of f for {claim.size:,} {'entry' if claim.size == 1 else 'entries'}"]
    if slopes.not_complex:
        notes.append(f"complex step was not used: {slopes.not_complex}")
    if slopes.rounds_x:
        notes.append("f rounds x to float32 first; the slopes are those at x rounded")
    if slopes.mutates:
        notes.append("f changes the x that it is given; it was called on copies")
    source = SOURCE[bool(slopes.by_complex_step.all())] if slopes.by_complex_step.size else SOURCE[False]
    return Report(target, (part,), tuple(findings), reasons, source, False, tuple(notes), total=claim.size)


def _manners(grad: Callable[[Any], Any], x: Any, slopes: Slopes) -> list[Finding]:
    """Whether grad leaves x alone and gives the same twice."""
    mine = [copy.deepcopy(x), copy.deepcopy(x)]
    try:
        first, second = (slopes.layout.read(copy.deepcopy(grad(v)))[0] for v in mine)
    except (Exception, SystemExit):
        return []  # it is told by the call that follows
    findings = []
    if any(not np.array_equal(flatten(v)[0], slopes.x) for v in mine):
        findings.append(Finding(Verdict.DISAGREES, "the gradient changed the x that it was given; it must leave it as it is"))
    if not np.array_equal(first, second, equal_nan=True):
        findings.append(
            Finding(
                Verdict.CANNOT_TELL,
                "two calls of the gradient at the same x differ; fix the seed of what is random in it, "
                "or the state that is kept between calls",
            )
        )
    return findings


def _compare(
    f: Callable[[Any], Any], x: Any, slopes: Slopes, claim: Array, claim_bar: Array, seed: int
) -> tuple[Part, tuple[str, ...]]:
    expected, bar = slopes.value.copy(), slopes.bar.copy()
    claim_bar = np.where(np.isfinite(claim), claim_bar, 0.0)  # NaN is not a little off
    with np.errstate(invalid="ignore"):
        outside = ~(np.abs(claim - expected) <= bar + claim_bar) & np.isfinite(expected) & np.isfinite(claim)
    again = np.flatnonzero(outside)
    if again.size:
        second = blackbox.remeasure(f, x, again, seed=seed + 1)
        for p, i in enumerate(again):
            closer = np.abs(claim[i] - second.value[p]) <= second.bar[p] + claim_bar[i]
            if closer or not np.isfinite(second.value[p]):
                expected[i], bar[i] = second.value[p], second.bar[p]
    reasons = [""]
    why = np.zeros(claim.size, int)
    for p in range(claim.size):
        reason = slopes.reason(p) or ("" if np.isfinite(expected[p]) else "measured again, it has no slope")
        if reason:
            if reason not in reasons:
                reasons.append(reason)
            why[p] = reasons.index(reason)
    expected = np.where(why == 0, expected, np.nan)
    own = 4 * U * np.abs(np.nan_to_num(claim))  # at a kink the claim jumps as well, so its noise says nothing
    low, high = slopes.lo - own, slopes.hi + own
    layout = slopes.layout
    part = Part("gradient", 0, "", claim, expected, bar + claim_bar, why, low, high, None, lambda index: layout.name(index[0]))
    return part, tuple(reasons)


def _arguments(grad: Callable[..., Any]) -> int:
    """How many positional arguments grad needs."""
    try:
        parameters = inspect.signature(grad).parameters.values()
    except (TypeError, ValueError):
        return 1
    return sum(p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)


def _check_products(
    f: Callable[[Any], Any], grad: Callable[..., Any], x: Any, shape: tuple[int, ...], target: str, seed: int
) -> Report:
    """grad(x, v) against the gradient of <v, f(x)>, for random v."""
    rng = np.random.default_rng(seed)
    reports = []
    for n in range(DIRECTIONS):
        v = rng.standard_normal(shape)

        def product(u: Any, v: Array = v) -> Any:
            return (v * f(u)).sum()

        def claimed(u: Any, v: Array = v) -> Any:
            return grad(u, v.copy())

        reports.append(_check(product, claimed, x, f"v {n + 1}", seed, None))
    return _merged(
        reports, [f"v{n + 1}" for n in range(DIRECTIONS)], f"{target}, as vector-Jacobian products with {DIRECTIONS} random v"
    )


def _check_jacobian(
    f: Callable[[Any], Any], grad: Callable[[Any], Any], x: Any, shape: tuple[int, ...], target: str, seed: int
) -> Report:
    """Each row of the Jacobian against the gradient of one output."""
    size = np.shape(x)

    def output(index: tuple[int, ...], u: Any) -> Any:
        return np.asarray(f(u))[index]

    def row(index: tuple[int, ...], u: Any) -> Any:
        jacobian = np.asarray(grad(u))
        if jacobian.shape != (*shape, *size):
            raise ShapeError(
                f"the Jacobian has shape {jacobian.shape}, but f(x) has shape {shape} and x has shape {size}: it must have shape "
                f"{(*shape, *size)}. For a vector-Jacobian product, let grad take two arguments, (x, v)."
            )
        return jacobian[index]

    places = list(np.ndindex(*shape))
    reports = [_check(partial(output, i), partial(row, i), x, target, seed, None) for i in places]
    return _merged(reports, [f"f{list(i)}" for i in places], f"{target}, as a Jacobian")


def _merged(reports: list[Report], names: list[str], target: str) -> Report:
    """One report of several functions of the same x."""
    reasons: list[str] = [""]
    parts = []
    for name, report in zip(names, reports, strict=True):
        for part in report.parts:
            first = len(reasons) - 1
            of_one = partial(_name_in, name, part)
            parts.append(replace(part, part=name, why=np.where(part.why == 0, 0, part.why + first), name_of=of_one))
            reasons += report.reasons[1:]
    findings = tuple(dict.fromkeys(finding for r in reports for finding in r.findings))
    notes = tuple(dict.fromkeys(note for r in reports for note in r.notes))
    source = next((r.source for r in reports if r.source), "")
    return Report(target, tuple(parts), findings, tuple(reasons), source, False, notes, total=sum(p.size for p in parts))


def _name_in(row: str, part: Part, index: tuple[int, ...]) -> str:
    return f"{row} by {part.name(index)}"
