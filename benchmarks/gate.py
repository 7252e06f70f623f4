"""Time of `backprop-ref gate` on 64-30-10: a right gradient, and one, two and three mistakes with their diagnosis.

python benchmarks/gate.py [--runs N]     single-threaded; ratios to the start of Python with NumPy in it
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

CANDIDATE = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def slope(z):
    return sigmoid(z) * (1 - sigmoid(z))

def backprop(w, b, x, y):
    zs, activations = [], [x]
    for v, c in zip(w, b):
        zs.append(v @ activations[-1] + c)
        activations.append(sigmoid(zs[-1]))
    delta = (activations[-1] - y) * BP1
    nabla_w, nabla_b = [None] * len(w), [None] * len(b)
    for l in reversed(range(len(w))):
        nabla_w[l], nabla_b[l] = np.outer(delta, activations[l]), BP3
        if l:
            delta = (w[l].T @ delta) * BP2
    return nabla_b, nabla_w
"""
RIGHT = {"BP1": "slope(zs[-1])", "BP2": "slope(zs[l - 1])", "BP3": "delta"}
MISTAKES = {"BP2": "1", "BP3": "2 * delta", "BP1": "slope(zs[-1]) ** 2 + 0.1"}


def seconds(arguments: list[str]) -> float:
    """Wall time of a process of Python."""
    start = perf_counter()
    subprocess.run([sys.executable, *arguments], capture_output=True, check=False)
    return perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory() as folder:
        commands = {"Python with NumPy": ["-c", "import numpy"]}
        for n in range(4):
            text, lines = CANDIDATE, RIGHT | dict(list(MISTAKES.items())[:n])
            for name, line in lines.items():
                text = text.replace(name, line)
            file = Path(folder) / f"candidate_{n}.py"
            file.write_text(text, encoding="utf-8")
            what = f"{n} mistake{'s' * (n != 1)}"
            commands[what] = ["-m", "backprop_ref", "gate", f"{file}:backprop", "--sizes", "64,30,10"]
        times: dict[str, list[float]] = {what: [] for what in commands}
        for _ in range(runs):
            for what, command in commands.items():
                times[what].append(seconds(command))
    start = statistics.median(times["Python with NumPy"])
    print("backprop-ref gate, 64-30-10       seconds  beyond Python  ratio")
    for what, measured in times.items():
        middle = statistics.median(measured)
        print(f"  {what:30}  {middle:7.2f}  {middle - start:13.2f}  {middle / start:5.1f}")


if __name__ == "__main__":
    main()
