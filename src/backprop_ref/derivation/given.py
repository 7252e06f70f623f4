"""What a derivation takes as given: its switches, from the command line, a document's front matter, or its definitions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from .notation.tree import Node

Sigma: TypeAlias = Literal["sigmoid", "tanh", "linear", "relu", "softplus"]
SIGMAS: tuple[Sigma, ...] = get_args(Sigma)
COSTS = ("quadratic", "cross_entropy", "log_likelihood")


@dataclass(frozen=True)
class Given:
    """Nothing given: a line must hold for every sigma and every cost.

    cost: C_x as a tree in a^L and y (quadratic: (1/2) sum_j (y_j - a^L_j)^2), or the library's name of a cost.
    sigma: the name of the activation function of every layer (the output layer's too unless softmax).
    formula: sigma(z) as a tree in the variable z, where it has no name here.
    softmax: the output layer's activation is vector-valued: a^L_j depends on all of z^L.
    thin: every layer has one neuron.
    """

    cost: Node | str | None = None
    sigma: Sigma | None = None
    formula: Node | None = None
    softmax: bool = False
    thin: bool = False
