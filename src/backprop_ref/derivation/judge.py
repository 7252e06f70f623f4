"""One link, two witnesses: the proof and the numbers are both heard, and what they say together is the verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from .given import Given
from .notation.tree import Node
from .verdicts import Counterexample, Holds, IllFormed, Kind, NoNumbers, Proof, Unproved

Prove: TypeAlias = Callable[[Node, Node, Given], Proof | Unproved | IllFormed]
Numbers: TypeAlias = Callable[[Node, Node, Given], Holds | Counterexample | NoNumbers]
Quick: TypeAlias = Callable[[Node, Node, Given], bool]


@dataclass(frozen=True)
class Witnesses:
    """Who is asked: the prover, the numbers on random networks, and the numbers on very few (False: the line does not hold)."""

    prove: Prove
    numbers: Numbers
    quick: Quick


@dataclass(frozen=True)
class Judgement:
    """What is said of one link, and what it rests on.

    domain: for which networks and indices. rules: what leads from the line above, if proved. reason: why it is no better.
    networks: on how many it was tried. suggestion: a line that holds, in the notation. notes: what else a reader should know.
    """

    verdict: Kind
    domain: str = ""
    rules: tuple[str, ...] = ()
    reason: str = ""
    counterexample: Counterexample | None = None
    suggestion: str | None = None
    networks: int = 0
    notes: tuple[str, ...] = ()

    @property
    def true(self) -> bool:
        """Whether nothing speaks against the link and something for it."""
        return self.verdict in ("proved", "holds numerically")

    def noting(self, *notes: str) -> Judgement:
        """The same with more notes."""
        return replace(self, notes=(*self.notes, *notes))


def judge(left: Node, right: Node, given: Given, witnesses: Witnesses) -> Judgement:
    """Both witnesses on left = right. A proof against a counterexample is an error of ours, and is called one."""
    proof, numbers = witnesses.prove(left, right, given), witnesses.numbers(left, right, given)
    match proof, numbers:
        case Proof(), Counterexample():
            reason = "proved and refuted: one of our two witnesses is wrong. Please report this line."
            return Judgement("contradiction", proof.domain, proof.rules, reason, numbers)
        case Proof(), Holds():
            return Judgement("proved", proof.domain, proof.rules, networks=numbers.networks)
        case Proof(), NoNumbers():
            return Judgement("proved", proof.domain, proof.rules, notes=(f"no numbers: {numbers.reason}",))
        case IllFormed(), _:
            found = numbers if isinstance(numbers, Counterexample) else None
            return Judgement("ill-formed", "", (), proof.reason, found, proof.mended)
        case Unproved(), Counterexample():
            return Judgement("fails", counterexample=numbers)
        case Unproved(), Holds():
            return Judgement("holds numerically", numbers.domain, (), proof.reason, networks=numbers.networks)
        case _, NoNumbers():
            said = "" if isinstance(proof, Proof) else proof.reason
            return Judgement("not understood", reason=f"no proof: {said}; no numbers: {numbers.reason}")
    raise AssertionError((proof, numbers))
