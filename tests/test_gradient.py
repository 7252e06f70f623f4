from dataclasses import FrozenInstanceError
from fractions import Fraction

import numpy as np
import pytest

from backprop_ref.gradient import Estimate, Gradient, Verdict, book_name

W2, B2, D2 = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), np.array([7.0, 8.0]), np.array([9.0, 10.0])


@pytest.fixture
def gradient():
    return Gradient({2: W2.copy()}, {2: B2.copy()}, {2: D2.copy()})


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        (("nabla_w", 3, (1, 3)), "dC/dw^3_24"),
        (("nabla_w", 2, (8, 8)), "dC/dw^2_99"),
        (("nabla_w", 2, (11, 6)), "dC/dw^2_{12,7}"),
        (("nabla_w", 12, (0, 9)), "dC/dw^12_{1,10}"),
        (("nabla_b", 2, (0,)), "dC/db^2_1"),
        (("nabla_b", 2, (9,)), "dC/db^2_{10}"),
        (("delta", 2, (1,)), "delta^2_2"),
        (("delta", 2, (4, 0)), "delta^2_1 of example 5"),
        (("delta", 2, (9, 29)), "delta^2_{30} of example 10"),
        (("nabla_x", 1, (2,)), "dC/dx^1_3"),
    ],
)
def test_entries_bear_the_names_of_the_book(entry, name):
    assert book_name(*entry) == name


def test_items_come_part_by_part_from_layer_2_up():
    gradient = Gradient({3: W2, 2: W2}, {3: B2, 2: B2}, {3: D2, 2: D2})
    assert [(part, l) for part, l, _ in gradient.items()] == [(p, l) for p in ("nabla_w", "nabla_b", "delta") for l in (2, 3)]
    assert gradient.parameters == 2 * (6 + 2)


def test_from_numbered_puts_the_books_numbers_in_their_places():
    nabla_w = {2: {(j, k): float(10 * j + k) for j in (1, 2) for k in (1, 2, 3)}}
    gradient = Gradient.from_numbered(nabla_w, {2: {1: 1.0, 2: 2.0}}, {2: [{1: 3.0, 2: 4.0}, {1: 5.0, 2: 6.0}]})
    assert gradient.nabla_w[2].tolist() == [[11, 12, 13], [21, 22, 23]]
    assert gradient.nabla_b[2].tolist() == [1, 2]
    assert gradient.delta[2].tolist() == [[3, 4], [5, 6]]


def test_from_numbered_keeps_fractions():
    third = Fraction(1, 3)
    gradient = Gradient.from_numbered({2: {(1, 1): third}}, {2: {1: third}}, {2: {1: third}})
    assert all(array.dtype == object and array.flat[0] == third for _, _, array in gradient.items())
    assert (3 * gradient).nabla_w[2].tolist() == [[1]]


def test_two_gradients_are_equal_if_every_entry_is(gradient):
    assert gradient == Gradient({2: W2}, {2: B2}, {2: D2})
    assert gradient != Gradient({2: np.nextafter(W2, 9)}, {2: B2}, {2: D2})
    assert gradient != Gradient({2: W2}, {}, {2: D2})
    assert gradient != Gradient({3: W2}, {2: B2}, {2: D2})
    assert gradient != Gradient({2: W2}, {2: B2}, {2: D2[None]})
    assert Gradient({2: W2 * np.nan}) != Gradient({2: W2 * np.nan})
    assert gradient != "a gradient"


def test_a_gradient_times_a_number(gradient):
    for twice in (2 * gradient, gradient * 2):
        assert twice == Gradient({2: 2 * W2}, {2: 2 * B2}, {2: 2 * D2})
    assert gradient == Gradient({2: W2}, {2: B2}, {2: D2})


def test_a_gradient_is_frozen(gradient):
    with pytest.raises(ValueError, match="read-only"):
        gradient.nabla_w[2][0, 0] = 1.0
    with pytest.raises(TypeError, match="does not support item assignment"):
        gradient.nabla_b[2] = B2
    with pytest.raises(FrozenInstanceError):
        gradient.delta = {}
    with pytest.raises(TypeError, match="unhashable"):
        hash(gradient)


def test_verdicts_are_three_and_read_as_text():
    assert [str(v) for v in Verdict] == ["agrees", "disagrees", "cannot tell"]


def test_an_estimate_gives_the_reason_for_an_entry_without_a_number():
    why = Gradient({2: np.array([[0, 0, 1], [0, 0, 0]])}, {2: np.array([0, 2])})
    estimate = Estimate({2: W2}, {2: B2}, why=why, reasons=("", "a kink", "underflow"), source="central")
    assert estimate.reason("nabla_w", 2, (0, 2)) == "a kink"
    assert estimate.reason("nabla_b", 2, (1,)) == "underflow"
    assert estimate.reason("nabla_w", 2, (0, 0)) == ""
    assert estimate.counts() == (6, 2)
    assert (estimate.proven, estimate.source) == (False, "central")
