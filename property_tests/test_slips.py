"""Slips of the pen in true lines: none is proved, each that is false has a counterexample, most are mended."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from lines import Link, edits, links

from backprop_ref.derivation import numeric
from backprop_ref.derivation.document import both
from backprop_ref.derivation.notation.tree import Node
from backprop_ref.derivation.prover import prove
from backprop_ref.derivation.repairs import repair
from backprop_ref.derivation.verdicts import Counterexample, Holds, NoNumbers, Proof

Slip = tuple[Link, str, Node]


def slips() -> list[Slip]:
    """Every single edit of the right side of a line that is proved, each once."""
    found: dict[tuple[Node, Node], Slip] = {}
    for link in links():
        if isinstance(prove(link.left, link.right, link.given), Proof):
            for kind, right in edits(link.right):
                found.setdefault((link.left, right), (link, kind, right))
    return list(found.values())


def judged(some: list[Slip]) -> Counter[str]:
    """How many are true after all, false with a counterexample, ill-formed, or open; none may be proved and false."""
    tally: Counter[str] = Counter()
    for link, kind, right in some:
        proof = prove(link.left, right, link.given)
        numbers = numeric.judge(link.left, right, link.given, networks=12)
        told = f"{kind} in {link.source}: {proof}, {numbers}"
        assert not (isinstance(proof, Proof) and isinstance(numbers, Counterexample)), told
        match proof, numbers:
            case Proof(), _:
                assert isinstance(numbers, Holds), told
                tally["true"] += 1
            case _, Counterexample():
                assert numbers.network, told
                assert numbers.left != numbers.right, told
                tally["false"] += 1
            case _, Holds():
                tally["holds numerically"] += 1
            case _, NoNumbers():
                tally["ill-formed"] += 1
    return tally


def test_some_slips_are_seen() -> None:
    every = slips()
    tally = judged(random.Random(random.randrange(10**6)).sample(every, 80))
    assert tally["false"] > 20, tally
    assert tally["holds numerically"] <= 6, tally


@pytest.mark.soak
def test_three_thousand_slips_are_seen() -> None:
    every = slips()
    assert len(every) >= 3000
    tally = judged(random.Random(0).sample(every, 3000))
    assert tally["false"] > 900, tally
    assert tally["holds numerically"] <= 60, tally


def mended(seed: int, count: int) -> tuple[int, list[str]]:
    """How many of the slips that make a line false or ill-formed are mended into the line that was meant; and the others."""
    witnesses, right_ones, others = both(0), 0, []
    draw = random.Random(seed)
    every = draw.sample(slips(), len(slips()))
    tried = 0
    for link, kind, wrong in every:
        if tried == count:
            break
        if isinstance(prove(link.left, wrong, link.given), Proof) or isinstance(
            numeric.judge(link.left, wrong, link.given), Holds
        ):
            continue
        tried += 1
        sides = repair(link.left, wrong, link.given, witnesses)
        if sides and sides[0] == link.left and isinstance(prove(sides[1], link.right, link.given), Proof):
            right_ones += 1
        else:
            others.append(f"{kind} in {link.source}: {sides}")
    assert tried == count
    return right_ones, others


def test_some_slips_are_mended() -> None:
    right_ones, others = mended(1, 10)
    assert right_ones >= 5, others


@pytest.mark.soak
def test_six_in_ten_slips_are_mended() -> None:
    right_ones, others = mended(0, 300)
    assert right_ones >= 180, (right_ones, others[:20])
