"""A line that has no value says why, whatever the tree: no exception, and no endless computation."""

import re
import time
from fractions import Fraction

import pytest

from backprop_ref.derivation.given import Given
from backprop_ref.derivation.notation.tree import (
    EXAMPLES,
    Add,
    Apply,
    Identity,
    Layer,
    Negative,
    Norm,
    Number,
    Partial,
    Power,
    Product,
    Quantity,
    Quotient,
    Repeat,
    Sum,
    Transpose,
    Variable,
)
from backprop_ref.derivation.numeric import judge
from backprop_ref.derivation.verdicts import Holds, NoNumbers

l, L = Layer("l"), Layer("L")
NO_SUCH_LAYERS = "no network of up to 8 layers has the layers that the line speaks of"
ONE, BIG = Number(Fraction(1)), Number(Fraction(10**9))
a, z, w, y = Quantity("a", l), Quantity("z", l), Quantity("w", l), Quantity("y", L)
a_j, z_j = Quantity("a", l, ("j",)), Quantity("z", l, ("j",))


@pytest.mark.parametrize(
    ("left", "right", "reason"),
    [
        (a, w, "the left side is a vector (layer l), the right side is a matrix (layer l by layer l-1)"),
        (y, Quantity("y", l), "y is of layer L"),
        (a, Transpose(a), "the left side is a vector (layer l), the right side is a row (layer l)"),
        (a_j, Quantity("a", l + -1, ("j",)), "j ranges over layer l and over layer l-1"),
        (a_j, Quantity("a", l, ("k",)), "j and k are free on one side only"),
        (a_j, Quantity("w", l, ("k", "m")), "j and k and m are free on one side only"),
        (a_j, Sum("k", a_j), "nothing says what k ranges over"),
        (Product((w, a)), z, "a matrix (layer l by layer l-1) times a vector (layer l)"),
        (Product((w, a), "hadamard"), z, "⊙ of a matrix (layer l by layer l-1) and a vector (layer l)"),
        (Add((a, y)), z, "a vector (layer L) is added to a vector (layer l)"),
        (Quantity("w", l, ("j",)), a_j, "w has 2 indices, not 1"),
        (Quantity("a", l, ("j", "k")), a_j, "a has 1 index, not 2"),
        (Quantity("a", l, (0,)), a_j, "there is no neuron 0: they count from 1"),
        (Partial(z, w), a, "the derivative of a vector (layer l) by a matrix (layer l by layer l-1) has no shape"),
        (Partial(a_j, Quantity("delta", l, ("j",))), a_j, "a derivative by delta: a partial moves w, b, z or a"),
        (Quantity("a", Layer("", 9)), Quantity("a", Layer("", 9)), NO_SUCH_LAYERS),
        (Quantity("a", L + 1), Quantity("a", L + 1), NO_SUCH_LAYERS),
        (Apply("sigma", Add((z_j, Quantity("z", L, ("j",))))), a_j, "whose sigma is meant: of layer L or l?"),
        (Apply("diag", w), w, "the diagonal matrix of a matrix (layer l by layer l-1)"),
        (Quantity("a", l, (17,)), ONE, "neuron or example 17: numbers are computed up to 16"),
        (Apply("sigma", Partial(z_j, z_j), 4), ONE, "5 derivatives one in another: numbers are computed up to 4"),
        (Norm(Identity()), ONE, "the norm of an identity matrix"),
        (Add((w, Identity())), w, "an identity matrix is added to a matrix (layer l by layer l-1)"),
        (Power(z_j, BIG), z_j, "a power of 1000000000: numbers are computed up to 64"),
        (Quotient(z_j, Add((z_j, Negative(z_j)))), z_j, "no network gave numbers: division by zero"),
        (
            Sum("k", Repeat("p", Product((Quantity("w", Layer("p")), Quantity("b", Layer("p"), ("k",)))), l, L)),
            w,
            "k ranges over a layer that dots stand for, and stands outside of them",
        ),
        (Partial(a, Transpose(w)), a, "a derivative by a transpose: a partial moves w, b, z or a"),
        (Quantity("b"), a, "b without a layer"),
        (Product(()), a, "product of nothing"),
        (Quantity("a", EXAMPLES, ("j",)), a_j, "the examples are no layer"),
        (Repeat("p", Quantity("a", Layer("p")), l, L), w, "dots between a vector (layer p): they need a matrix"),
        (Repeat("p", Quantity("w", Layer("p")), l, L), w, "what the dots stand for does not join: p+1 after p-1"),
    ],
)
def test_the_reason(left, right, reason):
    assert judge(left, right, Given()) == NoNumbers(reason)


def test_elementwise_sigma_at_a_vector_valued_output():
    slope = Apply("sigma", Quantity("z", L, ("j",)), 1)
    said = judge(slope, slope, Given(softmax=True))
    assert said == NoNumbers("sigma of one neuron of the output layer: softmax is a function of all of z^L")


def test_a_cost_that_is_no_number():
    said = judge(Quantity("C"), Quantity("C"), Given(cost=Quantity("a", L, ("j",))))
    assert said == NoNumbers("the cost that is given is a number, with j free: it must be a number")


def test_a_deep_tree():
    deep = z_j
    for _ in range(2500):
        deep = Negative(deep)
    assert judge(deep, z_j, Given()) == NoNumbers("the formula is nested too deeply")
    assert judge(Negative(Negative(deep)), Add((z_j,) * 800), Given()) == NoNumbers("the formula has more than 3000 pieces")


@pytest.mark.parametrize("tower", ["exponentials", "powers", "sums"])
def test_what_would_never_end(tower):
    slow = z_j
    for n in range(12):
        if tower == "exponentials":
            slow = Apply("exp", slow)
        elif tower == "powers":
            slow = Power(slow, Number(Fraction(64)))
        else:
            slow = Sum(f"k{n}", Product((Quantity("a", l, (f"k{n}",)), slow)))
    began = time.monotonic()
    judge(slow, Product((slow, Variable("eta"))), Given())
    assert time.monotonic() - began < 20


def test_dots_around_a_layer_that_need_not_be_there():
    """Where the dots stand for nothing, what is fixed between them has no value either."""
    fixed = Repeat("p", Product((Quantity("a", l + 1, ("k",)), Quantity("w", Layer("p")))), l + 1, L)
    assert judge(fixed, fixed, Given(thin=True)) == Holds(25, True, "for 1 ≤ l ≤ L-1")


def test_a_line_that_hardly_any_network_gives_numbers():
    nowhere = Apply("log", Negative(Power(Product((z_j, z_j)), Number(Fraction(2)))))
    said = judge(Quotient(nowhere, nowhere), ONE, Given())
    assert said == NoNumbers("no network gave numbers: the logarithm of a number that is not positive")
    rare = Apply("sqrt", Add((Negative(Power(z_j, Number(Fraction(2)))), ONE)))
    assert judge(rare, rare, Given(), networks=3) == Holds(3, False, "for 2 ≤ l ≤ L")
    square = Power(Add((Quantity("w", l, ("j", "k")), Quantity("b", l, ("j",)))), Number(Fraction(2)))
    said = judge(Apply("sqrt", Negative(square)), Number(Fraction(0)), Given())
    assert isinstance(said, NoNumbers)
    assert re.fullmatch(r"(no|only [1-7]) networks? gave numbers?: the square root of a negative number", said.reason)
