"""Error bars of blackbox.measure against gradients known from formulas: how often they hold, what they cost, whom they accuse.

Run from the root of the project: python -m benchmarks.blackbox [part], part of the whole measurement: 1 (all) or 20 (1 in 20).
The true slope is the hand-written gradient in extended precision. numdifftools stands beside it where it is installed.
"""

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np

from backprop_ref.oracles.blackbox import claim_bar, measure, remeasure
from benchmarks.functions import FUNCTIONS, Standard

NOT_SHAKEN = ("meyer", "brown_badly_scaled")  # entries of very different size: a fixed move would leave the domain
ENTRIES, GRADIENTS, LENGTH = 100_000, 1_000, 1_000


@dataclass
class Tally:
    """Entries measured, those outside their bar or without one, and what they cost."""

    entries: int = 0
    outside: int = 0
    silent: int = 0
    evaluations: int = 0
    again: int = 0
    over_budget: int = 0  # runs that took more than 12 evaluations a parameter plus 70, entries measured again apart
    errors: list[float] = field(default_factory=list)  # as a part of the largest entry

    @property
    def inside(self) -> float:
        return 1 - self.outside / self.entries

    def __str__(self) -> str:
        return (
            f"{100 * self.inside:.3f} % of {self.entries} inside their bar "
            f"({self.outside} outside, {self.silent} without a slope), "
            f"{self.evaluations / self.entries:.1f} evaluations an entry, {self.again / self.entries:.2f} more measuring again, "
            f"median error {np.nanmedian(self.errors):.1e}"
        )


def rounded(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """F as a float32 function."""
    return lambda x: f(x.astype(np.float32))


def noisy(f: Callable[[Any], Any], size: float) -> Callable[[Any], Any]:
    """F with noise of 1e-8 of its size: it depends on x alone, as that of a solver does."""
    return lambda x: float(f(x)) + 1e-8 * size * (hash(x.tobytes()) % 2001 / 1000 - 1)


def points(standard: Standard, rng: np.random.Generator, n: int | None = None) -> Iterator[np.ndarray]:
    """Points around the usual start (repeated to n entries), at which f and its gradient are finite."""
    start = np.array(standard.start, float) if n is None else np.resize(standard.start, n).astype(float)
    while True:
        x = start * (1 + 0.3 * rng.normal(size=start.size))
        if standard.name not in NOT_SHAKEN:
            x += 0.1 * rng.normal(size=start.size)
        with np.errstate(all="ignore"):
            if np.isfinite(standard.f(x)) and np.isfinite(standard.gradient(x)).all():
                yield x


def truth(standard: Standard, x: np.ndarray) -> np.ndarray:
    return standard.gradient(x.astype(np.longdouble))


def coverage(entries: int, kind: str = "", method: str = "auto", seed: int = 1) -> Tally:
    """Of so many entries, spread over all functions. kind: "" (as they are), "float32" or "noise"."""
    rng, tally = np.random.default_rng(seed), Tally()
    for standard in FUNCTIONS:
        goal = entries / len(FUNCTIONS)
        done = 0
        for x in points(standard, rng):
            f = standard.f
            if kind == "float32":
                x, f = x.astype(np.float32).astype(float), rounded(f)
            elif kind == "noise":
                f = noisy(f, abs(f(x)))
            slopes = measure(f, x, method=method, seed=int(rng.integers(2**30)))
            true = truth(standard, x)
            error, silent = np.abs(slopes.value - true), np.isnan(slopes.value)
            cost = slopes.evaluations - slopes.again
            tally.entries += x.size
            tally.outside += int(np.sum(~silent & ~(error <= slopes.bar)))
            tally.silent += int(silent.sum())
            tally.evaluations += cost
            tally.again += slopes.again
            tally.over_budget += cost > 12 * x.size + 70
            tally.errors += (error / np.max(np.abs(true))).astype(float).tolist()
            done += x.size
            if done >= goal:
                break
    return tally


def accused(gradients: int, n: int, method: str = "auto", seed: int = 2) -> tuple[int, int]:
    """(gradients accused, entries measured again) of so many right gradients of n entries each, as the gate would decide."""
    rng, count, again = np.random.default_rng(seed), 0, 0
    long = [standard for standard in FUNCTIONS if standard.any_length]
    for g in range(gradients):
        standard = long[g % len(long)]
        x = next(points(standard, rng, n))
        slopes = measure(standard.f, x, method=method, seed=g)
        claim, bar = claim_bar(standard.gradient, x)
        off = np.flatnonzero(np.abs(claim - slopes.value) > slopes.bar + bar)
        if off.size:
            again += off.size
            second = remeasure(standard.f, x, off)
            count += bool(np.any(np.abs(claim[off] - second.value) > second.bar + bar[off]))
    return count, again


def numdifftools(runs: int, seed: int = 1) -> Tally | None:
    """The same for numdifftools.Gradient and its own error estimate; None where it is not installed."""
    try:
        nd = import_module("numdifftools")
    except ImportError:
        return None
    rng, tally = np.random.default_rng(seed), Tally()
    for standard in FUNCTIONS:
        for _, x in zip(range(runs), points(standard, rng), strict=False):
            calls = 0

            def f(x: np.ndarray, standard: Standard = standard) -> Any:
                nonlocal calls
                calls += 1
                return standard.f(x)

            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                found = nd.Gradient(f, full_output=True)(x)
            true = truth(standard, x)
            error = np.abs(np.atleast_1d(found.estimate) - true)
            tally.entries += x.size
            tally.outside += int(np.sum(~(error <= np.ravel(found.error_estimate) + 2.0**-52 * np.abs(true))))
            tally.evaluations += calls
            tally.errors += (error / np.max(np.abs(true))).astype(float).tolist()
    return tally


def main(part: int) -> None:
    print(f"{len(FUNCTIONS)} functions, 1 in {part} of the measurement")
    runs = (("complex step where it is fit", "", "auto"), ("central differences", "", "central"))
    for title, kind, method in (*runs, ("float32", "float32", "auto"), ("noise of 1e-8", "noise", "auto")):
        start = time.perf_counter()
        tally = coverage(ENTRIES // part, kind, method)
        print(f"{title}: {tally}; {tally.over_budget} runs over budget; {time.perf_counter() - start:.0f} s", flush=True)
    print(f"numdifftools: {numdifftools(max(1, 10 // part)) or 'not installed'}", flush=True)
    for method in ("auto", "central"):
        start = time.perf_counter()
        count, again = accused(GRADIENTS // part, LENGTH, method)
        print(
            f"{method}: {count} of {GRADIENTS // part} right gradients of {LENGTH} entries accused, {again} entries measured "
            f"again; {time.perf_counter() - start:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
