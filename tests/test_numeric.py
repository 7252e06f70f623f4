"""The second witness: true lines hold on every network, false ones come back with the smallest network on which they fail."""

from fractions import Fraction
from pathlib import Path
from subprocess import run
from sys import executable
from time import thread_time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backprop_ref.derivation.given import Given
from backprop_ref.derivation.notation.dialects import Dialect
from backprop_ref.derivation.notation.reader import read
from backprop_ref.derivation.notation.tree import (
    EXAMPLES,
    Add,
    Apply,
    Identity,
    Kronecker,
    Layer,
    Negative,
    Number,
    Ones,
    Partial,
    Power,
    Product,
    Quantity,
    Quotient,
    Repeat,
    Size,
    SumOver,
    Transpose,
    Variable,
)
from backprop_ref.derivation.numeric import judge
from backprop_ref.derivation.verdicts import Counterexample, Holds, NoNumbers

SOURCE = Path(__file__).parents[1] / "src" / "backprop_ref" / "derivation" / "numbers"


def sides(text):
    (part,) = read(text, "latex" if "\\" in text else "plain", Dialect())
    assert part.chain is not None, part.problem
    return part.chain.sides


def judged(text, **what):
    return judge(*sides(text), Given(**what))


def holds(text, **what):
    said = judged(text, **what)
    assert isinstance(said, Holds), said
    return said


def fails(text, **what):
    said = judged(text, **what)
    assert isinstance(said, Counterexample), said
    return said


@pytest.mark.parametrize(
    "text",
    [
        r"\delta^L_j = \frac{\partial C}{\partial a^L_j} \sigma'(z^L_j)",
        r"\delta^l_j = \sum_k w^{l+1}_{kj} \delta^{l+1}_k \sigma'(z^l_j)",
        r"\delta^l = ((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^l)",
        r"\frac{\partial C}{\partial w^l_{jk}} = a^{l-1}_k \delta^l_j",
        r"\frac{\partial C}{\partial w^l} = \delta^l (a^{l-1})^T",
        r"\frac{\partial z^l_j}{\partial w^l_{jk}} = a^{l-1}_k",  # j on one side only, and true
        r"\frac{\partial C}{\partial w^l_{jk}} = \frac{1}{n} \sum_x \delta^{x,l}_j a^{x,l-1}_k",  # C is the average here
        r"\delta^l = \Sigma'(z^l) (w^{l+1})^T \ldots \Sigma'(z^{L-1}) (w^L)^T \Sigma'(z^L) \nabla_a C",
        r"\frac{\partial a^l_j}{\partial b^l_j} = \sigma'(z^l_j)",
        r"\delta^l_j / \sigma'(z^l_j) = \frac{\partial C}{\partial a^l_j}",
    ],
)
def test_the_chapters_lines_hold_exactly(text):
    said = holds(text)
    assert said.exact
    assert said.networks >= 15  # a division by zero leaves some out


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        (r"\delta^l_j = \sum_k w^{l+1}_{kj} \delta^{l+1}_k \sigma'(z^l_j)", "for 2 ≤ l ≤ L-1"),
        (r"\frac{\partial C}{\partial a^l_j} = \sum_k w^{l+1}_{kj} \delta^{l+1}_k", "for 1 ≤ l ≤ L-1"),
        (r"\frac{\partial C}{\partial b^l_j} = \delta^l_j", "for 2 ≤ l ≤ L"),
        (r"\delta^L_j = \frac{\partial C}{\partial z^L_j}", "for every network"),
        (r"\delta^{L-2}_j = \frac{\partial C}{\partial z^{L-2}_j}", "for every L ≥ 4"),
        (r"\delta^3_2 = \frac{\partial C}{\partial z^3_2}", "for every L ≥ 3"),
    ],
)
def test_the_domain_is_found_from_the_layers_that_must_exist(text, domain):
    assert holds(text).domain == domain


def test_a_dropped_slope_is_shown_on_the_smallest_network():
    said = fails(r"\delta^l_j = \sum_k w^{l+1}_{kj} \delta^{l+1}_k")
    assert said == Counterexample(
        (
            "sizes 1-1-1; sigma(z) = z^2 in layer 2, sigma(z) = z in layer 3",
            "C = a^3_1",
            "w^2_11 = 1, w^3_11 = 1, b = 0",
            "x = (1), y = (0)",
        ),
        "l = 2, j = 1",
        "2",
        "1",
        ("left: delta^2_1 = 2", "right: w^3_11 = 1; delta^3_1 = 1"),
        None,
    )


def test_a_missing_sum_index_needs_two_neurons():
    said = fails(r"\delta^L_j = \frac{\partial C}{\partial a^L_j} \frac{\partial a^L_j}{\partial z^L_j}", softmax=True)
    assert said.network[0] == "sizes 1-2; a^2 = softmax(z^2)"


@pytest.mark.parametrize(
    ("text", "what", "ratio"),
    [
        (r"\delta^L_j = (y_j - a^L_j) \sigma'(z^L_j)", {"cost": "quadratic"}, "-1"),
        (r"\frac{\partial C}{\partial a^L_j} = 2 (a^L_j - y_j)", {"cost": "quadratic"}, "2"),
        (r"\frac{\partial C}{\partial a^L_j} = \frac{1}{2} (a^L_j - y_j)", {"cost": "quadratic"}, "1/2"),
        (r"\frac{\partial C}{\partial b^l_j} = \sum_x \delta^{x,l}_j", {}, "n"),
        (r"\sum_j b^l_j = \frac{1}{n_l} \sum_j b^l_j", {}, "1/n_l"),
        (r"\delta^l_j = \delta^l_j + b^l_j", {}, None),
        (r"\delta^L_j = -\delta^L_j", {"sigma": "sigmoid"}, "-1"),
    ],
)
def test_what_one_side_always_is_of_the_other(text, what, ratio):
    assert fails(text, **what).ratio == ratio


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (r"\sigma'(z^l_j) = \sigma(z^l_j) (1 - \sigma(z^l_j))", {"sigma": "sigmoid"}),
        (r"\sigma'(z) = 1 - \sigma(z)^2", {"sigma": "tanh"}),
        (r"\sigma(z) = \frac{1}{1 + e^{-z}}", {"sigma": "sigmoid"}),
        (r"\sigma'(z) = \frac{1}{1 + e^{-z}}", {"sigma": "softplus"}),
        (r"\delta^L_j = a^L_j - y_j", {"sigma": "sigmoid", "cost": "cross_entropy"}),
        (r"\delta^L_j = a^L_j - y_j", {"softmax": True, "cost": "log_likelihood"}),
        (r"\frac{\partial C}{\partial a^L_j} = \frac{a^L_j - y_j}{a^L_j (1 - a^L_j)}", {"cost": "cross_entropy"}),
        (r"\frac{\partial a^L_j}{\partial z^L_j} = a^L_j (1 - a^L_j)", {"softmax": True}),
    ],
)
def test_with_exponentials_and_logarithms_to_fifty_digits(text, what):
    assert not holds(text, **what).exact


def test_what_holds_for_the_sigmoid_alone_is_found_out():
    fails(r"\sigma'(z^l_j) = \sigma(z^l_j) (1 - \sigma(z^l_j))")
    fails(r"\frac{\partial C}{\partial a^L_j} = a^L_j - y_j")
    fails(r"\frac{\partial C}{\partial a^L_j} = \frac{a^L_j - y_j}{a^L_j (1 + a^L_j)}", cost="cross_entropy")


def test_a_difference_in_the_twentieth_digit_is_seen():
    tiny = Number(Fraction(1, 10**20))
    a = Quantity("a", Layer("L"), ("j",))
    said = judge(a, Add((a, tiny)), Given(sigma="sigmoid"))
    assert isinstance(said, Counterexample)


def test_a_line_of_softmax_alone_says_so():
    said = holds(r"\frac{\partial a^L_j}{\partial z^L_j} = a^L_j (1 - a^L_j)", softmax=True)
    assert said.domain == "for every network, for softmax itself"


def test_a_given_cost_is_taken_as_it_stands():
    cost = sides(r"C = \sum_j (y_j - a^L_j)^2")[1]
    holds(r"\frac{\partial C}{\partial a^L_j} = 2 (a^L_j - y_j)", cost=cost)
    assert fails(r"\frac{\partial C}{\partial a^L_j} = a^L_j - y_j", cost=cost).ratio == "1/2"


def test_one_neuron_a_layer_needs_no_indices():
    text = "∂C/∂w^L = ∂z^L/∂w^L · ∂a^L/∂z^L · ∂C/∂a^L"
    holds(text, thin=True)
    assert judged(text) == NoNumbers("the derivative of a vector (layer L) by a matrix (layer L by layer L-1) has no shape")


C, J = Quantity("C"), Quantity("J")
A = Quantity("a", Layer("l"), (), "*")
DELTA = Quantity("delta", Layer("l"), (), "*")


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (Product((DELTA, Ones(EXAMPLES))), SumOver(DELTA, "examples")),
        (SumOver(A, "neurons"), Product((Transpose(Ones(Layer("l"))), A))),
        (Product((Identity(), A)), A),
        (Add((A, Quantity("b", Layer("l")))), Add((A, Product((Quantity("b", Layer("l")), Transpose(Ones(EXAMPLES))))))),
        (Product((A, A), "hadamard"), Power(A, Number(Fraction(2)))),
        (Apply("diag", Quantity("b", Layer("l"))), Transpose(Apply("diag", Quantity("b", Layer("l"))))),
        (Add((A, Negative(A))), Number(Fraction(0))),
        (Partial(Quantity("C", example="*"), Quantity("z", Layer("l"), (), "*")), DELTA),
        (Partial(J, Quantity("z", Layer("l"), (), "*")), Quotient(DELTA, Size(EXAMPLES))),
    ],
)
def test_matrices_of_all_examples(left, right):
    assert isinstance(judge(left, right, Given()), Holds)


def test_the_same_seed_says_the_same():
    left, right = sides(r"\delta^l_j = \sum_k w^{l+1}_{kj} a^{l+1}_k")
    assert judge(left, right, Given(), seed=3) == judge(left, right, Given(), seed=3)


def test_fewer_networks_are_tried_where_fewer_are_asked_for():
    left, right = sides(r"\frac{\partial C}{\partial b^l_j} = \delta^l_j")
    assert judge(left, right, Given(), networks=3) == Holds(3, True, "for 2 ≤ l ≤ L")


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.nested_given])
@given(st.integers(0, 100))
def test_it_works_inside_a_property_test(seed):
    left, right = sides(r"\delta^L_j = \frac{\partial C}{\partial a^L_j}")
    assert isinstance(judge(left, right, Given(), seed=seed, networks=50), Counterexample)


def test_nothing_is_left_in_the_users_folder(tmp_path):
    code = (
        "from backprop_ref.derivation.numeric import judge; from backprop_ref.derivation.given import Given;"
        "from backprop_ref.derivation.notation.tree import *;"
        "print(judge(Quantity('z', Layer('l'), ('j',)), Quantity('a', Layer('l'), ('j',)), Given(), networks=200))"
    )
    said = run([executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert said.stdout.startswith("Counterexample")
    assert not list(tmp_path.iterdir())


def test_it_shares_nothing_with_the_proof():
    words = {name for path in SOURCE.glob("*.py") for name in path.read_text(encoding="utf-8").split()}
    assert words
    assert not words & {"..indices", "..ranges", "..arrays", "..kernel", "..prover", "..explain"}


def test_a_variable_may_be_moved():
    z, eta = Variable("z"), Variable("eta")
    assert isinstance(judge(Partial(Product((eta, z)), z), eta, Given()), Holds)
    assert isinstance(judge(Partial(Apply("sigma", z), z), Apply("sigma", z, 1), Given()), Holds)


def test_the_drawn_cost_is_not_a_sum_over_the_neurons():
    j, k = (Quantity("a", Layer("L"), (i,)) for i in "jk")
    said = judge(Partial(Partial(C, j), k), Product((Kronecker("j", "k"), Partial(Partial(C, j), j))), Given())
    assert isinstance(said, Counterexample)
    assert said.network[0].startswith("sizes 1-2")


def test_every_sigma_is_its_own():
    fails(r"\sigma(z^l_j) = \frac{\partial a^l_j}{\partial z^l_j}")
    two = Add((Apply("sigma", Variable("z"), layer=Layer("", 2)), Negative(Apply("sigma", Variable("z"), layer=Layer("", 3)))))
    assert isinstance(judge(two, Number(Fraction(0)), Given()), Counterexample)
    assert isinstance(judge(two, Number(Fraction(0)), Given(sigma="relu")), Holds)


@pytest.mark.parametrize(
    "text",
    [
        r"\frac{\partial}{\partial z^l_j} \sigma'(z^l_j) = \sigma''(z^l_j)",
        r"\frac{\partial a^l_i}{\partial z^l_j} = [i = j] \sigma'(z^l_j)",
        r"\frac{\partial a^{l-1}_k}{\partial z^l_j} = 0",
    ],
)
def test_what_is_held_and_what_is_moved_twice(text):
    holds(text)


def test_one_example_does_not_feed_another():
    moved = Partial(Quantity("C", example="x"), Quantity("z", Layer("l"), ("j",), "u"))
    own = Product((Kronecker("x", "u"), Quantity("delta", Layer("l"), ("j",), "x")))
    assert isinstance(judge(moved, own, Given()), Holds)


def test_dots_run_down_as_well_as_up():
    w = [Quantity("w", Layer("l", n)) for n in range(3)]
    down = Repeat("p", Quantity("w", Layer("p")), Layer("l", 2), Layer("l"))
    up = Repeat("p", Transpose(Quantity("w", Layer("p"))), Layer("l"), Layer("l", 2))
    assert judge(down, Product((w[2], w[1], w[0])), Given()) == Holds(25, True, "for 2 ≤ l ≤ L-2")
    assert isinstance(judge(Transpose(down), up, Given()), Holds)


def test_too_few_networks_say_nothing(monkeypatch):
    """On two simple networks a line without its sigma' may look true: no verdict is given on so little."""
    monkeypatch.setattr("backprop_ref.derivation.numbers.judge.SECONDS", 0.0)
    (part,) = read(r"\delta^l_j = \sum_k w^{l+1}_{kj} \delta^{l+1}_k", "latex", Dialect())
    assert isinstance(judge(*part.chain.sides, Given()), NoNumbers)


def moved(times, of, by):
    for _ in range(times):
        of = Partial(of, by)
    return of


def test_no_derivative_vanishes_for_want_of_degree():
    z_j, a_j, nothing = Quantity("z", Layer("l"), ("j",)), Quantity("a", Layer("L"), ("j",)), Number(Fraction(0))
    for order in range(1, 5):
        assert isinstance(judge(Apply("sigma", z_j, order), Apply("sigma", nothing, order, Layer("l")), Given()), Counterexample)
        assert isinstance(judge(moved(order, C, a_j), nothing, Given()), Counterexample)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (r"\sigma'(z^l_j) = 1 - \sigma'(-z^l_j)", {"sigma": "relu"}),
        (r"\frac{\partial}{\partial z^l_j} |z^l_j| = 2 \sigma'(z^l_j) - 1", {"sigma": "relu"}),
        (r"\ln((z^l_j)^2) = 2 \ln z^l_j", {}),
        (r"\sqrt{z^l_j a^l_j} = \sqrt{z^l_j} \sqrt{a^l_j}", {}),
        (r"\delta^L_j = \frac{\partial C}{\partial a^L_j} \sigma'(z^L_j)", {"sigma": "tanh", "cost": "cross_entropy"}),
    ],
)
def test_where_a_side_has_no_value_another_network_is_drawn(text, what):
    assert holds(text, **what).networks == 25


def test_zero_is_no_factor():
    assert fails(r"(a^L_j - y_j) \sigma'(z^L_j) = 0").ratio is None


def test_a_number_of_thousands_of_digits_is_shown_short():
    said = judge(Number(Fraction(10**6000)), Variable("eta"), Given())
    assert isinstance(said, Counterexample)
    assert (said.left, said.right) == ("1.00000000000e+6000", "1")
    huge = judge(Apply("exp", Product((Number(Fraction(5000)), Variable("eta")))), Number(Fraction(0)), Given())
    assert isinstance(huge, Counterexample)
    assert huge.left == "2.96762838402e+2171"


def test_what_was_found_is_told_when_the_time_is_over(monkeypatch):
    def slow(net):
        end = thread_time() + 0.4
        while thread_time() < end:
            pass
        return (0,)

    monkeypatch.setattr("backprop_ref.derivation.numbers.judge.SECONDS", 0.3)
    monkeypatch.setattr("backprop_ref.derivation.numbers.judge.complexity", slow)
    fails(r"\frac{\partial C}{\partial b^l_j} = 2 \sum_k [j = k] \delta^l_k")
