"""A slip is undone: the line that is offered is the one that was meant, and it is proved before it is offered."""

from fractions import Fraction

import pytest

from backprop_ref.derivation.document import both
from backprop_ref.derivation.edits import EDITS, Line, one_edit_away
from backprop_ref.derivation.given import Given
from backprop_ref.derivation.judge import Witnesses
from backprop_ref.derivation.notation.tree import (
    Add,
    Apply,
    Layer,
    Negative,
    Node,
    Number,
    Partial,
    Product,
    Quantity,
    Sum,
    Transpose,
    descendants,
)
from backprop_ref.derivation.prover import prove
from backprop_ref.derivation.repairs import candidates, repair
from backprop_ref.derivation.verdicts import Holds, IllFormed, Proof, Unproved

l, up, down, L = Layer("l"), Layer("l", 1), Layer("l", -1), Layer("L")
PROVED_IS_ENOUGH = Witnesses(prove, lambda *_: Holds(25, False, ""), lambda *_: False)


def q(letter, layer, *indices):
    return Quantity(letter, layer, indices)


def slope(z):
    return Apply("sigma", z, 1)


def entrywise(*factors):
    return Product(factors, "hadamard")


def times(*factors):
    return Product(factors)


C = Quantity("C")
bp2 = entrywise(times(Transpose(q("w", up)), q("delta", up)), slope(q("z", l)))
bp2_j = Sum("k", times(q("w", up, "k", "j"), q("delta", up, "k"), slope(q("z", l, "j"))))
weighted = Add((Sum("k", times(q("w", l, "j", "k"), q("a", down, "k"))), q("b", l, "j")))
bp4 = times(q("a", down, "k"), q("delta", l, "j"))
MEANT: dict[str, tuple[Node, Node]] = {
    "BP1": (q("delta", L, "j"), times(Partial(C, q("a", L, "j")), slope(q("z", L, "j")))),
    "BP2": (q("delta", l), bp2),
    "BP2 in components": (q("delta", l, "j"), bp2_j),
    "BP4": (Partial(C, q("w", l, "j", "k")), bp4),
    "BP4 as a matrix": (Partial(C, q("w", l)), times(q("delta", l), Transpose(q("a", down)))),
    "25": (q("z", l, "j"), weighted),
    "30": (q("delta", L, "j"), times(Add((q("a", L, "j"), Negative(q("y", L, "j")))), slope(q("z", L, "j")))),
}
SLIPS: list[tuple[str, str, Node]] = [
    ("sigma for sigma'", "BP1", times(Partial(C, q("a", L, "j")), Apply("sigma", q("z", L, "j")))),
    ("sigma' lost", "BP1", Partial(C, q("a", L, "j"))),
    ("z for a", "BP1", times(Partial(C, q("z", L, "j")), slope(q("z", L, "j")))),
    ("transpose lost", "BP2", entrywise(times(q("w", up), q("delta", up)), slope(q("z", l)))),
    ("w of the layer", "BP2", entrywise(times(Transpose(q("w", l)), q("delta", up)), slope(q("z", l)))),
    ("sigma' of the next layer", "BP2", entrywise(times(Transpose(q("w", up)), q("delta", up)), slope(q("z", up)))),
    ("sigma' lost", "BP2", times(Transpose(q("w", up)), q("delta", up))),
    ("matrix product for entrywise", "BP2", times(times(Transpose(q("w", up)), q("delta", up)), slope(q("z", l)))),
    ("w_jk", "BP2 in components", Sum("k", times(q("w", up, "j", "k"), q("delta", up, "k"), slope(q("z", l, "j"))))),
    ("sum lost", "BP2 in components", bp2_j.body),
    ("sum over j", "BP2 in components", Sum("j", bp2_j.body)),
    ("sigma' of z_k", "BP2 in components", Sum("k", times(q("w", up, "k", "j"), q("delta", up, "k"), slope(q("z", l, "k"))))),
    ("a factor 2", "BP2 in components", times(Number(Fraction(2)), bp2_j)),
    ("delta lost", "BP2 in components", Sum("k", times(q("w", up, "k", "j"), slope(q("z", l, "j"))))),
    ("a of the layer", "BP4", times(q("a", l, "k"), q("delta", l, "j"))),
    ("indices swapped", "BP4", times(q("a", down, "j"), q("delta", l, "j"))),
    ("z for a", "BP4", times(q("z", down, "k"), q("delta", l, "j"))),
    ("sum too many", "BP4", Sum("k", bp4)),
    ("sign", "BP4", Negative(bp4)),
    ("transpose lost", "BP4 as a matrix", times(q("delta", l), q("a", down))),
    ("sum lost", "25", Add((times(q("w", l, "j", "k"), q("a", down, "k")), q("b", l, "j")))),
    ("sign", "25", Add((weighted.terms[0], Negative(q("b", l, "j"))))),
    ("b lost", "25", weighted.terms[0]),
]  # fmt: skip


@pytest.mark.parametrize(("slip", "meant", "wrong"), SLIPS, ids=[f"{slip} in {meant}" for slip, meant, _ in SLIPS])
def test_a_slip_is_undone(slip: str, meant: str, wrong: Node) -> None:
    left, right = MEANT[meant]
    assert isinstance(prove(left, right, Given()), Proof)
    assert not isinstance(prove(left, wrong, Given()), Proof)
    mended = repair(left, wrong, Given(), PROVED_IS_ENOUGH)
    assert mended is not None
    assert mended[0] == left
    assert mended[1] == right or isinstance(prove(mended[1], right, Given()), Proof)


def test_what_is_offered_is_not_offered_unless_the_numbers_agree() -> None:
    left, right = MEANT["BP1"]
    wrong = SLIPS[0][2]
    asked: list[Node] = []

    def against(_: Node, side: Node, given: Given) -> IllFormed:
        asked.append(side)
        return IllFormed("")

    assert repair(left, wrong, Given(), Witnesses(prove, against, lambda *_: False)) is None  # type: ignore[arg-type]
    assert right in asked


def test_a_line_that_cannot_be_proved_is_mended_by_numbers() -> None:
    left, right = MEANT["BP4"]
    wrong = times(q("a", l, "k"), q("delta", l, "j"))
    seen = Witnesses(lambda *_: Unproved(""), lambda a, b, _: Holds(25, False, ""), lambda a, b, _: (a, b) == (left, right))
    assert repair(left, wrong, Given(), seen) == (left, right)


def test_nothing_is_offered_for_what_is_two_slips_away() -> None:
    wrong = entrywise(times(q("w", l), q("delta", l)), Apply("sigma", q("z", up)))
    assert repair(q("delta", l), wrong, Given(), PROVED_IS_ENOUGH) is None


def test_the_usual_pair_of_slips() -> None:
    """a^l_k = sigma(w^l_jk a^(l-1)_k + b^l_j): the sum over k is missing, and k stands on the left."""
    inside = Add((times(q("w", l, "j", "k"), q("a", down, "k")), q("b", l, "j")))
    wrong = (q("a", l, "k"), Apply("sigma", inside))
    assert isinstance(prove(*wrong, Given()), IllFormed)
    assert repair(*wrong, Given(), PROVED_IS_ENOUGH) == (q("a", l, "j"), Apply("sigma", weighted))


def test_a_captured_index_gets_a_fresh_one() -> None:
    """Between (43) and (44): j is summed over, and j is the neuron whose z is moved."""

    def moved(i: str) -> Partial:
        inside = Sum(i, times(q("w", up, "k", i), Apply("sigma", q("z", l, i))))
        return Partial(Add((inside, q("b", up, "k"))), q("z", l, "j"))

    right = times(q("w", up, "k", "j"), slope(q("z", l, "j")))
    assert isinstance(prove(moved("j"), right, Given()), IllFormed)
    assert repair(moved("j"), right, Given(), PROVED_IS_ENOUGH) == (moved("i"), right)


def test_it_stops_in_time() -> None:
    left, _ = MEANT["BP1"]
    assert repair(left, SLIPS[0][2], Given(), PROVED_IS_ENOUGH, seconds=0.0) is None


def test_a_line_above_is_not_edited() -> None:
    left, wrong = q("a", L, "j"), times(Partial(C, q("a", L, "j")), slope(q("z", L, "j")))
    mended = repair(left, wrong, Given(), PROVED_IS_ENOUGH)
    assert mended == (q("delta", L, "j"), wrong) or mended == (Partial(C, q("z", L, "j")), wrong)
    assert repair(left, wrong, Given(), PROVED_IS_ENOUGH, fixed_left=True) is None


def test_every_candidate_differs_from_the_line_and_comes_once() -> None:
    left, right = MEANT["BP2 in components"]
    made = list(candidates(left, right, fixed_left=True))
    assert len(made) == len(set(made)) > 100
    assert (left, right) not in made
    assert all(a != b for a, b in made)


@pytest.mark.parametrize("edit", EDITS, ids=lambda e: e.__name__)
def test_an_edit_makes_trees_that_mean_something(edit) -> None:
    """What a partial is taken by is a quantity, and y is of the last layer."""
    for left, right in MEANT.values():
        line = Line.of(left, right)
        for side in (left, right):
            for new in one_edit_away(side, edit, line):
                assert all(isinstance(n.by, Quantity) for n in descendants(new) if isinstance(n, Partial))
                assert all(n.layer == L for n in descendants(new) if isinstance(n, Quantity) and n.letter == "y")


def test_l_for_L_throughout_leaves_y_alone() -> None:
    off = Add((q("a", l), Negative(q("y", L))))
    right = entrywise(off, slope(q("z", l)))
    mended = repair(q("delta", l), right, Given(cost="quadratic"), PROVED_IS_ENOUGH)
    assert mended == (q("delta", L), entrywise(Add((q("a", L), Negative(q("y", L)))), slope(q("z", L))))


def test_what_vanishes_is_no_repair():
    """(y_j - y_j) sigma'(z^L_j) = 0 is true, and nobody meant it."""
    nothing = Number(Fraction(0))
    error = times(Add((q("a", L, "j"), Negative(q("y", L, "j")))), slope(q("z", L, "j")))
    assert repair(error, nothing, Given(), both(0)) is None


def test_numbers_are_multiplied_into_one():
    two_y = times(Number(Fraction(2)), q("y", L, "j"))
    offered = list(candidates(q("y", L, "j"), two_y))
    numbers = [
        [f for f in p.factors if isinstance(f, Number)]
        for pair in offered
        for side in pair
        for p in descendants(side)
        if isinstance(p, Product)
    ]
    assert all(len(some) < 2 and Number(Fraction(1)) not in some for some in numbers)
    assert all(u != v for u, v in offered)
