"""What a candidate may answer with, beside (nabla_w, nabla_b): a claim with an allowance, or a failure in a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Claim:
    """A gradient, and what each entry may be off by beyond the rounding of a right candidate.

    nabla_w, nabla_b   lists for layers 2..L; nabla_b is empty for a network without biases
    extra_w, extra_b   the allowances, in the same shapes; empty if there are none
    wrong              what was seen while the gradient was taken that no right candidate does
    """

    nabla_w: Sequence[Any]
    nabla_b: Sequence[Any]
    extra_w: Sequence[Array] = ()
    extra_b: Sequence[Array] = ()
    wrong: tuple[str, ...] = ()


class CandidateFailed(Exception):
    """The candidate raised, hung, or ended its process; the sentence says which, and where."""
