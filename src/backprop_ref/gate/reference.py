"""The reference checked as a candidate is: neuron.py and matrix.py in all their forms, against each oracle.

Every entry of every nabla_w, nabla_b and delta is compared with every oracle, and with the other implementation.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import matrix, neuron
from ..errors import NotComplex, TooLarge
from ..gradient import Estimate, Gradient, Verdict
from ..network import Network
from ..oracles import differences
from ..rounding import unit_roundoff
from .bounds import rounding
from .check import compare
from .report import EXIT_CODES, Report

Array = NDArray[Any]

IMPLEMENTATIONS: dict[str, Callable[[Network, Array, Array], Gradient]] = {
    "neuron": neuron.backprop_batch,
    "matrix": matrix.backprop_batch,
    "matrix, Sigma' form (33, 34)": lambda network, X, Y: matrix.backprop_batch(network, X, Y, matrix.SIGMA_FORM),
    "matrix, unrolled product (35)": lambda network, X, Y: matrix.backprop_batch(network, X, Y, matrix.UNROLLED),
    "matrix, sum over paths (53)": lambda network, X, Y: matrix.backprop_batch(network, X, Y, matrix.PATHS),
}


def certified(network: Network, X: Array, Y: Array) -> Estimate:
    """Proven enclosures; needs the extra `certified`."""
    from ..oracles import enclosures

    return enclosures.enclose(network, X, Y)


ORACLES: dict[str, Callable[[Network, Array, Array], Estimate]] = {
    "complex step": differences.complex_step,
    "central": differences.central,
    "certified": certified,
}


@dataclass(frozen=True)
class SelfCheck:
    """Reports by (implementation, witness), the seconds that each part took, ulps by implementation, and notes."""

    network: Network
    m: int
    reports: dict[tuple[str, str], Report]
    seconds: dict[str, float]
    ulps: dict[str, float]
    notes: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        """Disagrees if any report does, else cannot tell if any report cannot, else agrees."""
        verdicts = {r.verdict for r in self.reports.values()}
        return next((v for v in (Verdict.DISAGREES, Verdict.CANNOT_TELL) if v in verdicts), Verdict.AGREES)

    @property
    def exit_code(self) -> int:
        """0 agrees, 1 disagrees, 3 cannot tell."""
        return EXIT_CODES[self.verdict]

    def agreement(self) -> list[tuple[str, float, float]]:
        """(implementation, worst difference beside its bound, and, over proven oracles, beside the largest of its array)."""
        rows = []
        for name in dict.fromkeys(name for name, _ in self.reports):
            mine = {w: r for (n, w), r in self.reports.items() if n == name}
            times = max(float(p.excess().max(initial=0)) for r in mine.values() for p in r.parts)
            proven = [r for r in mine.values() if r.proven and r.source != "matrix"] or list(mine.values())
            rows.append((name, times, max(_relative(p) for r in proven for p in r.parts)))
        return rows


def check_reference(network: Network, X: Array, Y: Array, oracles: list[str]) -> SelfCheck:
    """Compare every implementation with every oracle named, and neuron with matrix. X: (m, n_1), Y: (m, n_L)."""
    X, Y = network.batch(X, Y)
    seconds: dict[str, float] = {}
    notes: list[str] = []
    claims: dict[str, Gradient] = {}
    estimates: dict[str, Estimate] = {}
    for name, implementation in IMPLEMENTATIONS.items():
        try:
            claims[name], seconds[name] = _timed(partial(implementation, network, X, Y))
        except TooLarge:
            notes.append(f"{name} was not run: {matrix.path_count(network):,} paths, and it is for small networks")
    for name in oracles:
        try:
            estimates[name], seconds[name] = _timed(partial(ORACLES[name], network, X, Y))
        except NotComplex as error:
            notes.append(f"no complex step: {error}")
            if "central" not in oracles:
                estimates["central"], seconds["central"] = _timed(partial(differences.central, network, X, Y))
    dtypes = dict.fromkeys(claims, network.dtype) | {"neuron": np.dtype(np.float64)}
    reports = {
        (name, source): _report(name, network, X, Y, claim, estimate, dtypes[name])
        for name, claim in claims.items()
        for source, estimate in estimates.items()
    }
    other = _as_estimate(claims["matrix"], network, X, Y)
    reports["neuron", "matrix"] = _report("neuron", network, X, Y, claims["neuron"], other, dtypes["neuron"])
    return SelfCheck(
        network,
        len(X),
        reports,
        seconds,
        dict(_ulps(network, claims, estimates["certified"]) if "certified" in estimates else ()),
        tuple(notes),
    )


def _report(name: str, network: Network, X: Array, Y: Array, claim: Gradient, expected: Estimate, dtype: Any) -> Report:
    parts = tuple(compare(network, X, Y, claim, expected, dtype))
    total = sum(p.size for p in parts)
    return Report(name, parts, (), expected.reasons, expected.source, expected.proven, total=total)


def _as_estimate(claim: Gradient, network: Network, X: Array, Y: Array) -> Estimate:
    """The other implementation as a witness: it may be off by its own rounding."""
    bound = rounding(network, X, Y, network.dtype)
    why = Gradient(
        *({l: np.zeros(v.shape, int) for l, v in getattr(claim, part).items()} for part in ("nabla_w", "nabla_b", "delta"))
    )
    double = Gradient(
        *({l: v.astype(np.float64) for l, v in getattr(claim, part).items()} for part in ("nabla_w", "nabla_b", "delta"))
    )
    return Estimate(double.nabla_w, double.nabla_b, double.delta, bound=bound, proven=True, why=why, source="matrix")


def _ulps(network: Network, claims: dict[str, Gradient], truth: Estimate) -> Iterator[tuple[str, float]]:
    """(implementation, its worst error in ulps of the largest entry of each array), against the proven enclosures."""
    for name, claim in claims.items():
        worst = 0.0
        for (_, _, v), (_, _, t) in zip(claim.items(), truth.items(), strict=True):
            largest = np.nanmax(np.abs(t), initial=0.0)
            if largest:
                u = unit_roundoff(network.dtype if name != "neuron" else np.float64)
                worst = max(worst, float(np.nanmax(np.abs(v - t))) / (2 * u * 2.0 ** np.floor(np.log2(largest))))
        yield name, worst


def _relative(part: Any) -> float:
    difference = part.difference[np.isfinite(part.difference)]
    return float(difference.max(initial=0.0)) / part.largest if part.largest else 0.0


def _timed(f: Callable[[], Any]) -> tuple[Any, float]:
    start = perf_counter()
    result = f()
    return result, perf_counter() - start
