"""Time and width of the certified enclosures, and how many ulps matrix.backprop is off the truth.

python benchmarks/enclosures.py [--seeds N]     single-threaded; needs python-flint
"""

import argparse
import os
import platform
from time import perf_counter

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np

from backprop_ref import Network, digits, matrix
from backprop_ref.oracles.enclosures import Enclosure, enclosures


def example(sizes, seed):
    """One digit where the sizes fit, else seeded random data."""
    if (sizes[0], sizes[-1]) == (64, 10):
        X, Y = digits.train()
        return X[seed : seed + 1], Y[seed : seed + 1]
    rng = np.random.default_rng(seed)
    return rng.random((1, sizes[0])), np.eye(sizes[-1])[[3]]


def entries(found: Enclosure) -> int:
    return sum(balls.size for _, _, balls in found.balls.items())


def timing():
    print("network       sigma    cost               all/s   per derivative/ms   largest relative radius")
    for sizes in ([64, 30, 10], [784, 30, 10]):
        for sigma, cost in (("sigmoid", "quadratic"), ("sigmoid", "cross_entropy"), ("tanh", "quadratic"), ("relu", "quadratic")):
            network, (X, Y) = Network.random(sizes, sigma, cost), example(sizes, 0)
            start = perf_counter()
            found = enclosures(network, X, Y)
            seconds = perf_counter() - start
            name = "-".join(map(str, sizes))
            print(
                f"{name:12}  {sigma:7}  {cost:14}  {seconds:8.2f}  {1e3 * seconds / entries(found):18.3f}"
                f"   {found.relative_radius():23.1e}",
                flush=True,
            )


def accuracy(seeds):
    print(f"\nmatrix.backprop on 64-30-10 sigmoid, one digit each, {seeds} seeds: ulps off the true derivative")
    print("part        median     95 %     99 %      max   of the largest entry's ulps, max")
    off, scaled = {}, {}
    for seed in range(seeds):
        network, (X, Y) = Network.random([64, 30, 10], seed=seed), example([64, 30, 10], seed)
        found, gradient = enclosures(network, X, Y), matrix.backprop_batch(network, X, Y)
        truth = found.correctly_rounded()
        for part, l, ulps in found.ulps(gradient).items():
            claimed, true = getattr(gradient, part)[l], getattr(truth, part)[l]
            off.setdefault((part, l), []).append(ulps[true != 0])
            scaled.setdefault((part, l), []).append(np.abs(claimed - true).max() / np.spacing(np.abs(true).max()))
    for (part, l), arrays in off.items():
        ulps = np.concatenate(arrays)
        middle, high, higher = np.quantile(ulps, [0.5, 0.95, 0.99])
        print(f"{part:7} l={l}  {middle:7.2f}  {high:7.1f}  {higher:7.1f}  {ulps.max():7.1f}  {max(scaled[part, l]):30.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, NumPy {np.__version__}\n")
    arguments = parser.parse_args()
    timing()
    accuracy(arguments.seeds)
