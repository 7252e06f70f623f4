"""What a mistake does to training: a small network learns digits with it, and beside it the same network with the chapter.

The figures of the whole catalogue stand in training.json, which scripts/write_mistakes.py writes.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import digits
from ..matrix import CHAPTER, Equations, backprop_batch, cost
from ..network import Network
from ..sgd import accuracy
from .expressions import DoesNotRun
from .planting import Mistake

Array = NDArray[Any]
STEPS, MINI_BATCH, SEEDS = 1000, 10, (0, 1, 2, 3, 4)
CHANCE = 0.2  # an accuracy below twice that of guessing is no learning
ALIKE = 0.02  # an accuracy no further than this outside the range of the right one's is like it


@dataclass(frozen=True)
class Setting:
    """A network on the digits, and the learning rate with which the chapter learns there. str: what a sentence shows."""

    sizes: tuple[int, ...]
    activations: tuple[str, ...]
    cost: str
    eta: float

    def __str__(self) -> str:
        names = " ".join(dict.fromkeys(self.activations))
        return f"{'-'.join(map(str, self.sizes))}, {names}, {self.cost}, learning rate {self.eta:g}"

    def network(self, seed: int) -> Network:
        """The network before training."""
        return Network.random(self.sizes, self.activations, self.cost, seed=seed)


WIDTHS, EQUAL = (64, 20, 15, 10), (16, 16, 16, 16)
SETTINGS = (  # the first in which a mistake shows is its own
    Setting(WIDTHS, ("sigmoid", "sigmoid", "sigmoid"), "quadratic", 3.0),
    Setting(EQUAL, ("sigmoid", "sigmoid", "sigmoid"), "quadratic", 6.0),
    Setting(WIDTHS, ("tanh", "sigmoid", "sigmoid"), "quadratic", 3.0),
    Setting(WIDTHS, ("tanh", "tanh", "tanh"), "quadratic", 0.2),
    Setting(WIDTHS, ("relu", "relu", "sigmoid"), "quadratic", 0.2),
    Setting(WIDTHS, ("leaky_relu", "leaky_relu", "sigmoid"), "quadratic", 0.2),
    Setting(WIDTHS, ("tanh", "tanh", "relu"), "quadratic", 0.05),
    Setting(WIDTHS, ("tanh", "tanh", "leaky_relu"), "quadratic", 0.2),
    Setting(WIDTHS, ("sigmoid", "sigmoid", "sigmoid"), "cross_entropy", 0.5),
    Setting(WIDTHS, ("tanh", "tanh", "softmax"), "quadratic", 1.0),
)


@dataclass(frozen=True)
class Outcome:
    """After training: the cost on the training digits and the accuracy on the test digits, means over the SEEDS.

    start   the mean cost before   right_cost, right_accuracy   of the chapter, trained in the same way
    cost    None if it diverged    low, right_low, ...          the smallest and the largest accuracy of a seed
    """

    setting: str
    start: float
    cost: float | None
    accuracy: float
    low: float
    high: float
    right_cost: float
    right_accuracy: float
    right_low: float
    right_high: float

    @property
    def verdict(self) -> str:
        """What the mistake does, in a few words."""
        if self.cost is None:
            return "diverges"
        if self.accuracy < CHANCE:
            return "does not learn, its cost rises" if self.cost > self.start else "does not learn"
        if self.accuracy < self.right_low - ALIKE:
            return "learns slower"
        return "learns faster" if self.accuracy > self.right_high + ALIKE else "learns as well as the right one"

    def to_json(self) -> Mapping[str, Any]:
        """The same as plain data."""
        return {"verdict": self.verdict, **asdict(self)}

    def __str__(self) -> str:
        if self.cost is None:
            figures = f"right: accuracy {self.right_accuracy:.2f}, cost {self.right_cost:.3g}"
        else:
            figures = f"accuracy {self.accuracy:.2f}, right {self.right_accuracy:.2f}; "
            figures += f"cost {self.cost:.3g}, right {self.right_cost:.3g}"
        return f"{self.verdict} ({figures}; {self.setting})"


def measured(mistake: Mistake) -> Outcome | None:
    """Train with a mistake in every layer where its line can be written; None if it changes no gradient in any setting."""
    setting = next((s for s in SETTINGS if _shows(mistake, s)), None)
    if setting is None:
        return None
    equations = mistake.equations(eta=setting.eta) if mistake.unknown == "eta" else mistake.equations()
    found = [_trained(setting, seed, equations) for seed in SEEDS]
    number = "" if mistake.unknown in ("", "mask", "eta") else f", {mistake.unknown} = {mistake.typical:g}"
    start = _mean([cost(setting.network(seed), *_digits(setting.sizes[0])[0]) for seed in SEEDS])
    costs, accuracies = zip(*found, strict=True)
    right_costs, right_accuracies = zip(*_right(setting), strict=True)
    return Outcome(
        f"{setting}{number}",
        start,
        _mean(costs) if np.isfinite(costs).all() else None,
        *_range(accuracies),
        _mean(right_costs),
        *_range(right_accuracies),
    )


def _range(accuracies: Sequence[float]) -> tuple[float, float, float]:
    return _mean(accuracies), _mean([min(accuracies)]), _mean([max(accuracies)])


def _mean(values: Sequence[float]) -> float:
    return float(f"{np.mean(values):.3g}")


def _shows(mistake: Mistake, setting: Setting) -> bool:
    network, (X, Y) = setting.network(0), _digits(setting.sizes[0])[0]
    some = slice(MINI_BATCH)
    try:
        with np.errstate(all="ignore"):
            return backprop_batch(network, X[some], Y[some], mistake.equations()) != backprop_batch(network, X[some], Y[some])
    except DoesNotRun:
        return False


@cache
def _digits(n: int) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """(training, test): whole images for 64 inputs; for 16 the means of 2 x 2 pixels, and six outputs that no digit has."""
    parts = digits.train(), digits.test()
    if n == 64:
        return parts
    small = [(X.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)).reshape(-1, 16), np.pad(Y, ((0, 0), (0, 6)))) for X, Y in parts]
    return small[0], small[1]


@cache
def _right(setting: Setting) -> list[tuple[float, float]]:
    return [_trained(setting, seed, CHAPTER) for seed in SEEDS]


def _trained(setting: Setting, seed: int, equations: Equations) -> tuple[float, float]:
    """(cost, accuracy) after STEPS steps; (inf, 0) if a parameter is no longer finite."""
    network, (train, test) = setting.network(seed), _digits(setting.sizes[0])
    X, Y = train
    with np.errstate(all="ignore"):
        for some in _mini_batches(len(X), seed):
            nabla = backprop_batch(network, X[some], Y[some], equations)
            w, b = (
                [v - setting.eta * slope[l] for l, v in part.items()]
                for part, slope in ((network.w, nabla.nabla_w), (network.b, nabla.nabla_b))
            )
            if not all(np.isfinite(v).all() for v in (*w, *b)):
                return float("inf"), 0.0
            network = Network.from_arrays(w, b, setting.activations, setting.cost)
        return cost(network, X, Y), accuracy(network, *test)


def _mini_batches(m: int, seed: int) -> Iterator[Array]:
    rng = np.random.default_rng(seed)
    order = np.concatenate([rng.permutation(m) for _ in range(-(-STEPS * MINI_BATCH // m))])
    yield from order[: STEPS * MINI_BATCH].reshape(STEPS, MINI_BATCH)


# ------------------------------------------------------------------------------------------------- what was measured


@cache
def outcomes() -> Mapping[str, Outcome | None]:
    """The outcome of each mistake of the catalogue by name, as training.json has it."""
    stored = json.loads((files(__package__) / "training.json").read_text(encoding="utf-8"))
    return {name: Outcome(**facts) if facts else None for name, facts in stored.items()}


def as_json(found: Mapping[str, Outcome | None]) -> str:
    """The text of training.json, a line for each mistake."""
    lines = [f"{json.dumps(name)}: {json.dumps(asdict(one) if one else None)}" for name, one in found.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"
