"""The book's own steps, proved: the domain, the rule that leads from the line above, and what an ill-formed line is told."""

from fractions import Fraction

import pytest

from backprop_ref.derivation.given import Given
from backprop_ref.derivation.notation.dialects import Dialect
from backprop_ref.derivation.notation.reader import read
from backprop_ref.derivation.notation.tree import Negative, Number, Quantity
from backprop_ref.derivation.prover import prove
from backprop_ref.derivation.verdicts import IllFormed, Proof, Unproved


def sides(text):
    (part,) = read(text, "latex" if "\\" in text else "plain", Dialect())
    assert part.chain is not None, part.problem
    return part.chain.sides


def proof(text, **given):
    left, right = sides(text)
    found = prove(left, right, Given(**given))
    assert isinstance(found, Proof), found
    return found


dC_dz = r"\frac{\partial C}{\partial z^l_j}"


@pytest.mark.parametrize(
    ("number", "line", "domain", "rules"),
    [
        ("36", r"\delta^L_j = \frac{\partial C}{\partial z^L_j}", "for every network", ["definition of delta in delta^L_j"]),
        (
            "37",
            r"\frac{\partial C}{\partial z^L_j} = \sum_k \frac{\partial C}{\partial a^L_k} \frac{\partial a^L_k}{\partial z^L_j}",
            "for every network",
            ["chain rule through a^L in dC/dz^L_j"],
        ),
        (
            "38",
            r"\sum_k \frac{\partial C}{\partial a^L_k} \frac{\partial a^L_k}{\partial z^L_j} = "
            r"\frac{\partial C}{\partial a^L_j} \frac{\partial a^L_j}{\partial z^L_j}",
            "for every network",
            [
                "sigma acts on each neuron alone in da^L_k/dz^L_j",
                "of the sum only the term k = j remains",
                "sigma acts on each neuron alone in da^L_j/dz^L_j",
            ],
        ),
        (
            "39",
            r"\frac{\partial C}{\partial a^L_j} \frac{\partial a^L_j}{\partial z^L_j} = "
            r"\frac{\partial C}{\partial a^L_j} \sigma'(z^L_j)",
            "for every network",
            ["sigma acts on each neuron alone in da^L_j/dz^L_j"],
        ),
        (
            "41",
            dC_dz + r" = \sum_k \frac{\partial C}{\partial z^{l+1}_k} \frac{\partial z^{l+1}_k}{\partial z^l_j}",
            "for 2 ≤ l ≤ L-1",
            ["chain rule through z^(l+1) in dC/dz^l_j"],
        ),
        (
            "42",
            r"\sum_k \frac{\partial C}{\partial z^{l+1}_k} \frac{\partial z^{l+1}_k}{\partial z^l_j} = "
            r"\sum_k \frac{\partial z^{l+1}_k}{\partial z^l_j} \delta^{l+1}_k",
            "for 2 ≤ l ≤ L-1",
            ["definition of delta in delta^(l+1)_k"],
        ),
        (
            "44",
            r"\frac{\partial z^{l+1}_k}{\partial z^l_j} = w^{l+1}_{kj} \sigma'(z^l_j)",
            "for 2 ≤ l ≤ L-1",
            [
                "chain rule through a^l in dz^(l+1)_k/dz^l_j",
                "derivative of z = w a + b in dz^(l+1)_k/da^l_i",
                "sigma acts on each neuron alone in da^l_i/dz^l_j",
                "of the sum only the term i = j remains",
            ],
        ),
        (
            "BP3",
            r"\frac{\partial C}{\partial b^l_j} = \delta^l_j",
            "for 2 ≤ l ≤ L",
            [
                "chain rule through z^l in dC/db^l_j",
                "derivative of z = w a + b in dz^l_k/db^l_j",
                "of the sum only the term k = j remains",
                "definition of delta in delta^l_j",
            ],
        ),
        (
            "BP4",
            r"\frac{\partial C}{\partial w^l_{jk}} = a^{l-1}_k \delta^l_j",
            "for 2 ≤ l ≤ L",
            [
                "chain rule through z^l in dC/dw^l_j,k",
                "derivative of z = w a + b in dz^l_i/dw^l_j,k",
                "of the sum only the term i = j remains",
                "definition of delta in delta^l_j",
            ],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 5 else "",
)
def test_a_step_of_the_book_and_the_rule_that_leads_there(number, line, domain, rules):
    found = proof(line)
    assert found.domain == domain
    assert list(found.rules) == rules


BP2 = r"\delta^l_j = \sum_k w^{l+1}_{kj} \delta^{l+1}_k \sigma'(z^l_j)"
UNROLLED = r"\delta^l = \Sigma'(z^l) (w^{l+1})^T \ldots \Sigma'(z^{L-1}) (w^L)^T \Sigma'(z^L) \nabla_a C"
PATHS = (
    r"\frac{\partial C}{\partial w^l_{jk}} = \sum_{m,n,p,\ldots,q} \frac{\partial C}{\partial a^L_m} "
    r"\frac{\partial a^L_m}{\partial a^{L-1}_n} \frac{\partial a^{L-1}_n}{\partial a^{L-2}_p} \ldots "
    r"\frac{\partial a^{l+1}_q}{\partial a^l_j} \frac{\partial a^l_j}{\partial w^l_{jk}}"
)


@pytest.mark.parametrize(
    ("line", "domain"),
    [
        (BP2, "for 2 ≤ l ≤ L-1"),
        (r"\delta^l = ((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^l)", "for 2 ≤ l ≤ L-1"),
        (r"a^l_j = \sigma(\sum_k w^l_{jk} a^{l-1}_k + b^l_j)", "for 2 ≤ l ≤ L"),
        (r"\frac{\partial C}{\partial w^3_{24}} = a^2_4 \delta^3_2", "for every L ≥ 3"),
        (UNROLLED, "for 2 ≤ l ≤ L"),
        (PATHS, "for 2 ≤ l ≤ L"),
    ],
)
def test_the_domain_is_printed(line, domain):
    assert proof(line).domain == domain


@pytest.mark.parametrize("n", range(1, 9))
def test_the_unrolled_product_at_every_offset(n):
    blocks = "".join(rf"\Sigma'(z^{{L-{i}}}) (w^{{{f'L-{i - 1}' if i > 1 else 'L'}}})^T " for i in range(n, 0, -1))
    proof(rf"\delta^{{L-{n}}} = {blocks}\Sigma'(z^L) \nabla_a C")


@pytest.mark.parametrize("n", range(1, 9))
def test_the_sum_over_paths_at_every_offset(n):
    names = [f"i_{m}" for m in range(n)]
    layers = [f"L-{m}" if m else "L" for m in range(n + 1)]
    inner = "".join(
        rf"\frac{{\partial a^{{{layers[m]}}}_{{{names[m]}}}}}{{\partial a^{{{layers[m + 1]}}}_{{{[*names, 'j'][m + 1]}}}}} "
        for m in range(n)
    )
    proof(
        rf"\frac{{\partial C}}{{\partial w^{{{layers[n]}}}_{{jk}}}} = \sum_{{{','.join(names)}}} "
        rf"\frac{{\partial C}}{{\partial a^L_{{i_0}}}} {inner}"
        rf"\frac{{\partial a^{{{layers[n]}}}_j}}{{\partial w^{{{layers[n]}}}_{{jk}}}}"
    )


def test_softmax_keeps_the_sum():
    jacobian = r"\delta^L_j = \sum_k \frac{\partial C}{\partial a^L_k} \frac{\partial a^L_k}{\partial z^L_j}"
    proof(jacobian, softmax=True)
    proof(BP2, softmax=True)
    left, right = sides(r"\delta^L_j = \frac{\partial C}{\partial a^L_j} \frac{\partial a^L_j}{\partial z^L_j}")
    assert isinstance(prove(left, right, Given()), Proof)
    assert isinstance(prove(left, right, Given(softmax=True)), Unproved)


def test_what_is_given_is_used_and_only_then():
    left, right = sides(r"\delta^L_j = (a^L_j - y_j) a^L_j (1 - a^L_j)")
    assert isinstance(prove(left, right, Given()), Unproved)
    assert isinstance(prove(left, right, Given(cost="quadratic")), Unproved)
    assert isinstance(prove(left, right, Given(cost="quadratic", sigma="sigmoid")), Proof)
    assert isinstance(prove(left, right, Given(cost="quadratic", sigma="tanh")), Unproved)


def test_a_cost_that_is_written_out_is_used():
    _, cost = sides(r"C = \sum_j (a^L_j - y_j)^2")
    left, right = sides(r"\nabla_a C = 2 (a^L - y)")
    assert isinstance(prove(left, right, Given(cost=cost)), Proof)
    assert isinstance(prove(left, right, Given(cost="quadratic")), Unproved)


def test_a_cost_that_depends_on_the_weights_is_not_taken():
    # the chain rule through the outputs would miss the part of w^L
    cost = Quantity("w", sides("a[L] = a[L]")[0].layer, (1, 1))
    left, right = sides(r"\frac{\partial C}{\partial w^L_{jk}} = a^{L-1}_k \delta^L_j")
    assert isinstance(prove(left, right, Given()), Proof)
    assert isinstance(prove(left, Negative(right), Given(cost=cost)), Unproved)


def test_one_neuron_a_layer():
    naive = r"\frac{\partial C}{\partial w^L} = \frac{\partial z^L}{\partial w^L} \frac{\partial a^L}{\partial z^L} "
    left, right = sides(naive + r"\frac{\partial C}{\partial a^L}")
    assert prove(left, right, Given()) == IllFormed(
        "the derivative of a vector over layer L by a matrix, layer L by layer L-1 is no array; it is read for one neuron a "
        "layer only. In general write the indices and the sums"
    )
    assert isinstance(prove(left, right, Given(thin=True)), Proof)


def test_a_partial_is_an_intervention():
    """d(sum w a + b)_i / dz^l_j is 0: moving z^l does not move what made it; dz^l_i/dz^l_j is [i = j]."""
    left, right = sides(r"\frac{\partial z^l_i}{\partial z^l_j} = [i = j]")
    assert isinstance(prove(left, right, Given()), Proof)
    left, right = sides(r"\frac{\partial}{\partial z^l_j} \left( \sum_k w^l_{ik} a^{l-1}_k + b^l_i \right) = [i = j]")
    assert isinstance(prove(left, right, Given()), Unproved)
    assert isinstance(prove(left, Number(Fraction(0)), Given()), Proof)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (
            r"a^l_k = \sigma(w^l_{jk} a^{l-1}_k + b^l_j)",
            "j is free on the right but not on the left; k ranges over layer l on the left and over layer l-1 on the right",
        ),
        (r"\delta^l = ((w^l)^T \delta^{l+1}) \odot \sigma'(z^l)", "meets layer l+1"),
        (
            r"\delta^l_j = \sum_k w^{l+1}_{jk} \delta^{l+1}_k \sigma'(z^l_j)",
            "j ranges over layer l and over layer l+1",
        ),
        (
            r"\frac{\partial z^{l+1}_k}{\partial z^l_j} = \frac{\partial}{\partial z^l_j} \sum_j w^{l+1}_{kj} \sigma(z^l_j)",
            "j is bound by the sum and free in the same line: two different things have one name. Call the sum's index i",
        ),
        (r"\delta^l = \frac{\partial C}{\partial z^l_j}", "the left side is a vector over layer l, the right side is a number"),
        (
            r"\frac{\partial C}{\partial w^l} = \delta^l a^{l-1}",
            "Write ⊙ for the product entry by entry, or transpose one of them",
        ),
        (r"\delta^L = (w^{L+1})^T \delta^{L+1}", "there is no layer L+1"),
        (r"a^1 = \sigma(z^1)", "z^1 does not exist: z begins at layer 2"),
        (r"\frac{\partial z^l_j}{\partial C} = \delta^l_j", "nothing can be moved by C"),
    ],
)
def test_an_ill_formed_line_is_told_what_does_not_fit(line, reason):
    found = prove(*sides(line), Given())
    assert isinstance(found, IllFormed), found
    assert reason in found.reason


def test_an_index_on_one_side_only_is_fine_where_nothing_depends_on_it():
    assert isinstance(prove(*sides(r"\frac{\partial z^l_j}{\partial w^l_{jk}} = a^{l-1}_k"), Given()), Proof)
    found = prove(*sides(r"\frac{\partial z^l_i}{\partial w^l_{jk}} = a^{l-1}_k"), Given())
    assert found == IllFormed("i and j are free on the left but not on the right")


def test_a_line_that_is_too_long_is_not_called_false():
    node = Quantity("b", sides("a[2] = a[2]")[0].layer, (1,))
    deep = node
    for _ in range(3000):
        deep = Negative(deep)
    assert isinstance(prove(deep, node, Given()), Unproved | Proof)


def test_an_index_without_a_range_is_left_to_the_numbers():
    assert prove(*sides("[i = j] = [j = i]"), Given()) == Unproved("nothing says what i ranges over")
