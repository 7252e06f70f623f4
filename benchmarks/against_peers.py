"""Against the peers, in one run, single-threaded: the time for every derivative of a network, and what is missed.

    make bench          or: python benchmarks/against_peers.py [--quick]      (extra `peers`: torch, scipy, numdifftools)

The peers get the network as one flat vector, its cost in NumPy (forward) and its gradient in NumPy (backward), as a user
would write them. Times are medians, ratios are of one run on one machine; --quick leaves out the slowest peers.
"""

import os
import platform
import statistics
import sys
import time
import tracemalloc
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import backprop_ref as bp
from backprop_ref import matrix
from backprop_ref.oracles import differences
from backprop_ref.oracles.moves import IN_CACHE

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
ORACLES = {"complex step": differences.complex_step, "central": differences.central}
Problem = tuple[bp.Network, Any, Any]


def seconds(f: Callable[[], Any], runs: int = 9) -> float:
    f()
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        f()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def problem(sizes: list[int], m: int, activation: str = "sigmoid") -> Problem:
    rng = np.random.default_rng(0)
    X = rng.random((m, sizes[0])) * (rng.random((m, sizes[0])) < 0.5)  # half the pixels are dark
    return bp.Network.random(sizes, activation), X, np.eye(sizes[-1])[rng.integers(sizes[-1], size=m)]


def flat(net: bp.Network, X: Any, Y: Any) -> tuple[Any, Callable[[Any], float], Callable[[Any], Any]]:
    """(theta, cost, gradient) over one flat vector, written as a user would: a forward and a backward pass in NumPy."""
    shapes = [v.shape for l in net.layers for v in (net.w[l], net.b[l])]
    theta = np.concatenate([v.ravel() for l in net.layers for v in (net.w[l], net.b[l])])
    cuts = np.cumsum([int(np.prod(s)) for s in shapes])[:-1]

    def activations(theta: Any) -> tuple[list[Any], list[Any]]:
        arrays = [part.reshape(s) for part, s in zip(np.split(theta, cuts), shapes, strict=True)]
        a = [X]
        for w, b in zip(arrays[::2], arrays[1::2], strict=True):
            a.append(1 / (1 + np.exp(-(a[-1] @ w.T + b))))
        return arrays, a

    def cost(theta: Any) -> float:
        return float(((activations(theta)[1][-1] - Y) ** 2).sum() / 2 / len(X))

    def gradient(theta: Any) -> Any:
        arrays, a = activations(theta)
        delta, parts = (a[-1] - Y) * a[-1] * (1 - a[-1]), []
        for i in reversed(range(len(a) - 1)):
            parts = [(delta.T @ a[i]).ravel() / len(X), delta.sum(axis=0) / len(X), *parts]
            if i:
                delta = delta @ arrays[2 * i] * a[i] * (1 - a[i])
        return np.concatenate(parts)

    return theta, cost, gradient


def torch_gradcheck(theta: Any, cost: Callable[[Any], float], gradient: Callable[[Any], Any]) -> bool:
    import torch

    torch.set_num_threads(1)

    class Function(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, t: Any) -> Any:
            ctx.save_for_backward(t)
            return torch.tensor(cost(t.detach().numpy()), dtype=torch.float64)

        @staticmethod
        def backward(ctx: Any, grad_output: Any) -> Any:
            return grad_output * torch.from_numpy(gradient(ctx.saved_tensors[0].detach().numpy()))

    t = torch.tensor(theta, dtype=torch.float64, requires_grad=True)
    return bool(torch.autograd.gradcheck(Function.apply, (t,), raise_exception=False))


def against_peers(m: int, quick: bool) -> None:
    net, X, Y = problem([784, 30, 10], m)
    theta, cost, gradient = flat(net, X, Y)
    evaluations = m * sum(net.w[l].size * (1 + sum(net.sizes[l:])) for l in net.layers)
    z = np.random.default_rng(0).standard_normal(evaluations) + 1e-18j
    blocks = np.array_split(z, max(1, evaluations // IN_CACHE))

    def in_blocks() -> None:
        for block in blocks:
            1 / (1 + np.exp(-block))

    rows = {name: seconds(partial(f, net, X, Y), 25) for name, f in ORACLES.items()}
    floor = seconds(in_blocks, 25)
    rows[f"floor: {evaluations:,} NumPy complex sigmoids"] = seconds(lambda: 1 / (1 + np.exp(-z)), 25)
    rows["strict floor: in blocks that fit the cache"] = floor
    rows["torch.autograd.gradcheck, slow mode"] = slow = seconds(
        lambda: torch_gradcheck(theta, cost, gradient), 1 if quick else 3
    )
    if not quick:
        rows |= others(theta, cost, gradient, m)
    print(f"\n784-30-10, {theta.size:,} parameters, {m} example{'s' if m > 1 else ''}")
    print(f"  {'method':44s}{'ms':>10s}{'gradcheck / it':>16s}{'it / strict':>13s}")
    for name, taken in rows.items():
        print(f"  {name:44s}{taken * 1e3:10.1f}{slow / taken:16.1f}{taken / floor:13.2f}")


def others(theta: Any, cost: Callable[[Any], float], gradient: Callable[[Any], Any], m: int) -> dict[str, float]:
    from scipy.optimize import check_grad

    rows = {"scipy.optimize.check_grad": seconds(lambda: check_grad(cost, gradient, theta), 1)}
    if m == 1:
        import numdifftools

        rows["numdifftools.Gradient"] = seconds(lambda: numdifftools.Gradient(cost)(theta), 1)
    return rows


def deep() -> None:
    net, X, Y = problem([128] * 9, 1, "tanh")
    a = np.random.default_rng(0).random((1024, 1024))
    rate = 2 * 1024**3 / seconds(lambda: a @ a)
    multiplications = sum(net.w[l].size * 128 * 128 * max(0, net.L - l - 1) for l in net.layers)
    print(f"\neight layers of 128, tanh: {net.parameters:,} parameters; dgemm here: {rate / 1e9:.1f} Gflop/s")
    for name, f in ORACLES.items():
        taken = seconds(partial(f, net, X, Y), 3)
        reached = 2 * 2 * multiplications / taken  # a real and an imaginary part, or up and down
        print(f"  {name:14s}{taken * 1e3:10.1f} ms{reached / 1e9:8.1f} Gflop/s in products{100 * reached / rate:8.1f} % of dgemm")


def growth() -> None:
    print("\nhow the time grows (fitted exponent of time ~ n^p), sigmoid, medians")
    series = {
        "width n of n-n-n-n": ([16, 32, 64, 128], lambda n: problem([n] * 4, 1)),
        "depth L of 32-...-32": ([4, 8, 16, 32], lambda n: problem([32] * n, 1)),
        "batch m on 64-30-10": ([1, 4, 16, 64], lambda n: problem([64, 30, 10], n)),
    }
    for name, (values, make) in series.items():
        for oracle, f in ORACLES.items():
            taken = [seconds(partial(f, *make(n)), 3) for n in values]
            exponent = np.polyfit(np.log(values), np.log(taken), 1)[0]
            points = "  ".join(f"{n}: {t * 1e3:.1f} ms" for n, t in zip(values, taken, strict=True))
            print(f"  {name:22s}{oracle:14s}p = {exponent:4.2f}   {points}")


def memory() -> None:
    print("\nmemory: by how much the peak grows on 784-1000-10, one example (all that NumPy and Python allocate)")
    net, X, Y = problem([784, 1000, 10], 1)
    for name, f in ORACLES.items():
        tracemalloc.start()
        f(net, X, Y)
        grown = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        print(f"  {name:14s}{net.parameters:,} parameters: {grown:.0f} MiB")


def misses() -> None:
    """A first layer that is zero, flipped or with its rows swapped, in ten sigmoid layers: who sees it?"""
    rng = np.random.default_rng(1)
    net = bp.Network.random([10] * 11, seed=1)
    X, Y = rng.random((1, 10)), np.eye(10)[[3]]
    theta, cost, gradient = flat(net, X, Y)
    first = net.w[2].size
    mistakes: dict[str, Callable[[Any], Any]] = {
        "none": lambda w: w,
        "zero": lambda w: 0 * w,
        "wrong sign": lambda w: -w,
        "rows swapped": lambda w: w[::-1],
    }
    print(f"\nten sigmoid layers; the first layer's largest dC/dw is {np.abs(gradient(theta)[:first]).max():.1e}")
    print(f"  {'first layer':16s}{'torch.autograd.gradcheck':28s}backprop-ref")
    for name, wrong in mistakes.items():

        def claimed(t: Any, wrong: Callable[[Any], Any] = wrong) -> Any:
            g = gradient(t)
            return np.concatenate([wrong(g[:first].reshape(10, 10)).ravel(), g[first:]])

        def candidate(weights: Any, biases: Any, X: Any, Y: Any, wrong: Callable[[Any], Any] = wrong) -> Any:
            g = matrix.backprop_batch(bp.Network.from_arrays(weights, biases), X, Y)
            return [wrong(g.nabla_w[2]).copy(), *list(g.nabla_w.values())[1:]], list(g.nabla_b.values())

        passes = "passes" if torch_gradcheck(theta, cost, claimed) else "fails"
        print(f"  {name:16s}{passes:28s}{bp.check_network(net, X, Y, candidate).verdict}")


def main() -> None:
    if any(os.environ.get(name) != "1" for name in THREADS):  # before NumPy starts its threads
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | dict.fromkeys(THREADS, "1"))
    warnings.simplefilter("ignore")
    quick = "--quick" in sys.argv
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, NumPy {np.__version__}, one thread")
    for m in (1, 10):
        against_peers(m, quick)
    deep()
    growth()
    memory()
    misses()


if __name__ == "__main__":
    main()
