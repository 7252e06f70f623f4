"""What is proved, and what is never proved: the true lines, their rewritings, and certificates that belong to another line."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from lines import Link, edits, links, rewritten

from backprop_ref.derivation import indices
from backprop_ref.derivation.given import Given
from backprop_ref.derivation.indices import Line
from backprop_ref.derivation.kernel import Refused, check
from backprop_ref.derivation.prover import GaveUp, certificate, prove
from backprop_ref.derivation.ranges import DoesNotFit, NotForTheKernel
from backprop_ref.derivation.verdicts import Proof


def proved() -> list[Link]:
    return [link for link in links() if isinstance(prove(link.left, link.right, link.given), Proof)]


def test_nine_in_ten_of_the_true_lines_are_proved() -> None:
    """The rest are exp and log, definitions of sigma, and derivatives without an index."""
    missed = [link.source for link in links() if not isinstance(prove(link.left, link.right, link.given), Proof)]
    assert len(links()) > 240
    assert len(missed) <= 10, missed


def rewritings(seed: int, count: int) -> tuple[int, list[tuple[str, Any]]]:
    """How many rewritings were proved, and those that were not."""
    draw, found, missed = random.Random(seed), 0, []
    true = proved()
    for _ in range(count):
        link = rewritten(draw.choice(true), draw)
        verdict = prove(link.left, link.right, link.given)
        if isinstance(verdict, Proof):
            found += 1
        else:
            missed.append((link.source, verdict))
    return found, missed


def test_a_line_in_other_words_is_proved() -> None:
    found, missed = rewritings(random.randrange(10**6), 100)
    assert found >= 98, missed


@pytest.mark.soak
def test_two_thousand_lines_in_other_words_are_proved() -> None:
    found, missed = rewritings(0, 2000)
    assert found >= 1980, missed


def false_lines() -> Iterator[Line]:
    """Well-typed single edits of true lines for which no proof is found."""
    for link in links():
        for _, right in edits(link.right):
            try:
                line = indices.read(link.left, right, link.given)
            except (DoesNotFit, NotForTheKernel, RecursionError):
                continue
            try:
                certificate(line)
            except (GaveUp, Refused):
                yield line


def certificates() -> list[list[Any]]:
    found = []
    for link in links():
        try:
            found.append(certificate(indices.read(link.left, link.right, link.given)))
        except (DoesNotFit, NotForTheKernel, GaveUp, Refused):
            continue
    return found


def twisted(steps: list[Any], draw: random.Random) -> list[Any]:
    """Another line's steps: as they are, cut, doubled, shuffled, or aimed at other terms and atoms."""
    steps = list(steps)
    way = draw.randrange(5)
    if way == 1 and steps:
        del steps[draw.randrange(len(steps))]
    elif way == 2:
        steps += steps[-2:]
    elif way == 3:
        draw.shuffle(steps)
    elif way == 4 and steps:
        n = draw.randrange(len(steps))
        op, t, i, argument = steps[n]
        steps[n] = (op, max(0, t + draw.choice((-1, 1))), i, argument)
    return steps


def accepted(seed: int, count: int) -> list[Line]:
    draw, wrong, tried = random.Random(seed), [], 0
    lines, known = list(false_lines()), certificates()
    assert len(lines) > 500
    assert len(known) > 200
    while tried < count:
        line = draw.choice(lines)
        tried += 1
        try:
            check(line.left, line.right, line.free, line.domain, twisted(draw.choice(known), draw))
        except (Refused, KeyError, IndexError, TypeError, ValueError, AttributeError):
            continue
        wrong.append(line)
    return wrong


@pytest.mark.soak
def test_no_foreign_certificate_is_accepted_on_a_false_line() -> None:
    assert accepted(0, 10_000) == []


def test_no_foreign_certificate_is_accepted_on_some_false_lines() -> None:
    link = next(link for link in links() if "sum_k w^{l+1}_{kj}" in link.source)
    line = indices.read(link.left, next(new for kind, new in edits(link.right) if kind == "sign"), Given())
    for steps in certificates()[:60]:
        with pytest.raises((Refused, KeyError, IndexError, TypeError, ValueError, AttributeError)):
            check(line.left, line.right, line.free, line.domain, steps)
