"""The catalogue of wrong equations: each a line of text in the place of the chapter's, and a sentence about it.

A line is written in the language of expressions.py and put in its place by planting.py; it is the line of code that
its author is shown. COMMON are the mistakes that every check plants on its own probe, to say what it could not have seen.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from ..errors import UnknownName
from ..gradient import Gradient
from ..network import Network
from .bounds import rounding
from .expressions import DoesNotRun
from .planting import FORMULAS, Mistake, Probe, Unseen, unseen
from .wrong_ends import ENDS
from .wrong_errors import ERRORS
from .wrong_gradients import GRADIENTS

# part, equation, the letter that it gives
SCALED = (("bp1", "BP1", "delta^L"), ("bp2", "BP2", "delta^l"), ("bp3", "BP3", "dC/db^l"), ("bp4", "BP4", "dC/dw^l"))


def _factors() -> list[Mistake]:
    made = []
    for part, equation, letter in SCALED:
        left, right = FORMULAS[part].split(" = ", 1)
        for slug, title, text, latex, sentence, about in (
            ("sign", "the wrong sign", "-chapter", rf"-{right}", f"{letter} has the wrong sign.", {"common": True}),
            ("doubled", "a factor 2", "2 * chapter", rf"2 \, {right}", f"{letter} is twice what it should be.", {}),
            (
                "half",
                "a factor 1/2",
                "chapter / 2",
                rf"\tfrac{{1}}{{2}} \, {right}",
                f"{letter} is half of what it should be.",
                {},
            ),
            (
                "factor",
                "a factor c",
                "c * chapter",
                rf"c \, {right}",
                f"{letter} is right up to a constant factor c.",
                {"unknown": "c", "typical": 3.0},
            ),
        ):
            made.append(
                Mistake(
                    f"{part}-{slug}", f"{title} in {equation}", equation, {part: text}, f"{left} = {latex}", sentence, **about
                )
            )
    return made


MISTAKES: tuple[Mistake, ...] = (*_factors(), *ERRORS, *GRADIENTS, *ENDS)
COMMON: tuple[Mistake, ...] = tuple(mistake for mistake in MISTAKES if mistake.common)
_BY_NAME: Mapping[str, Mistake] = MappingProxyType({mistake.name: mistake for mistake in MISTAKES})


def mistake(name: str) -> Mistake:
    """The mistake of that name. Raises UnknownName."""
    if name not in _BY_NAME:
        raise UnknownName("mistake", name, _BY_NAME)
    return _BY_NAME[name]


def hidden(
    network: Network,
    X: ArrayLike,
    Y: ArrayLike,
    reduction: str,
    allowed: Gradient,
    right: Gradient | None = None,
) -> list[Unseen]:
    """The COMMON mistakes that this probe could not have shown, each with the reason.

    X: (m, n_1), Y: (m, n_L) or labels. allowed: for each entry, how far a right gradient may be from `right` (the
    chapter's gradient if None); infinite where nothing can be told. Raises as Network.batch.
    """
    return unseen(COMMON, network, X, Y, reduction, allowed, right)


# --------------------------------------------------------------------------------------- the smallest networks, by search

SIZES: tuple[tuple[int, ...], ...] = (
    *((1, 1), (1, 1, 1), (2, 1), (1, 2), (1, 1, 1, 1), (2, 2), (1, 2, 1), (2, 2, 1), (2, 2, 2), (3, 2, 2), (2, 3, 3)),
    *((1, 1, 1, 1, 1), (2, 2, 2, 2), (3, 3, 3), (2, 2, 2, 2, 2)),
)
KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (  # a cost, then the activations of the hidden layers in turn and of layer L
    ("quadratic", ("sigmoid", "sigmoid")),
    ("quadratic", ("linear", "linear")),
    ("quadratic", ("tanh", "tanh")),
    ("quadratic", ("relu", "linear")),
    ("quadratic", ("relu", "relu")),
    ("quadratic", ("leaky_relu", "leaky_relu")),
    ("cross_entropy", ("sigmoid", "sigmoid")),
    ("quadratic", ("tanh", "sigmoid", "linear")),
    ("log_likelihood", ("sigmoid", "softmax")),
    ("quadratic", ("sigmoid", "softmax")),
)


@dataclass(frozen=True)
class Place:
    """A random network of seed 0 and a batch of m, as small as the search found it. str: what a list shows."""

    sizes: tuple[int, ...]
    activations: tuple[str, ...]
    cost: str
    m: int

    def __str__(self) -> str:
        names = " ".join(dict.fromkeys(self.activations))
        return f"{'-'.join(map(str, self.sizes))}, {names}, {self.cost}, {self.m} example{'s' if self.m > 1 else ''}"

    def network(self) -> Network:
        """The network."""
        return Network.random(self.sizes, self.activations, self.cost, seed=0)

    def batch(self) -> tuple[np.ndarray, np.ndarray]:
        """X (m, n_1), Gaussian, and Y (m, n_L), in (0, 1), each example summing to 1 where there are several outputs."""
        rng = np.random.default_rng(0)
        X, Y = rng.standard_normal((self.m, self.sizes[0])), rng.uniform(0.1, 0.9, (self.m, self.sizes[-1]))
        return X, Y / Y.sum(axis=1, keepdims=True) if self.sizes[-1] > 1 else Y


def smallest(mistake: Mistake) -> tuple[Place | None, Place | None]:
    """(the smallest place that shows a mistake, the smallest that hides it), by search; None where none of them does.

    It shows where an entry leaves what rounding allows; it is hidden where it runs in some layer and none does. Smallest:
    the fewest parameters, then layers, then examples.
    """
    shows = hides = None
    for place in places():
        probe, network = _probe(place), _probe(place).p.network
        if (shows and hides) or not mistake.layers(network):
            continue
        try:
            with np.errstate(all="ignore"):
                shown = probe.shows(mistake)
        except DoesNotRun:
            continue
        if shown:
            shows = shows or place
        else:
            hides = hides or place
    return shows, hides


@cache
def places() -> tuple[Place, ...]:
    """Where smallest() looks, the smallest first."""

    def all_of_them() -> Iterator[Place]:
        for sizes in SIZES:
            for cost, (*hidden_ones, last) in KINDS:
                if last == "softmax" and sizes[-1] == 1:
                    continue
                names = (*(hidden_ones[i % len(hidden_ones)] for i in range(len(sizes) - 2)), last)
                for m in (1, 2, 3):
                    yield Place(sizes, names, cost, m)

    def size(place: Place) -> tuple[int, int, int]:
        return sum(n * (k + 1) for k, n in zip(place.sizes, place.sizes[1:], strict=False)), len(place.sizes), place.m

    return tuple(dict.fromkeys(sorted(all_of_them(), key=size)))


@cache
def _probe(place: Place) -> Probe:
    network, (X, Y) = place.network(), place.batch()
    return Probe(network, X, Y, "mean", rounding(network, X, Y))
