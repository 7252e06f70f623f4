"""What is not understood says so, and where; nothing is guessed and nothing dropped."""

import time

import pytest

from backprop_ref.derivation.notation import write
from backprop_ref.derivation.notation.dialects import Dialect
from backprop_ref.derivation.notation.reader import read
from backprop_ref.errors import UnknownName, ValueRefused


@pytest.mark.parametrize(
    ("text", "problem", "at"),
    [
        (r"\delta^l_j = \sum w^{l+1}_{kj} \delta^{l+1}_k", "a sum without an index; write \\sum_k", r"\sum"),
        (r"\delta^l_j = \foo(z)", r"\foo is not known here", r"\foo"),
        (r"E = a^L - y", "E is not known in this notation; declare what it stands for, as in notation: {cost: E}", "E"),
        (r"\frac{\partial C}{\partial w} = a \delta", "no layer on w; write w^l", "w}"),
        (r"\delta^k_j = 1 + y_j", "k is no layer; layers are l, l+1, l-1, L, L-1, 2 ...", "k"),
        (r"w^l_j = y_j", "w has two indices, as in w^l_{jk}; 1 given", "w^l"),
        (r"\sigma' = y", r"sigma of what? Write \sigma(z^l_j)", r"\sigma"),
        (r"a^L_j < y_j = 1", "<: only equations are judged, no inequality and no membership", "<"),
        (r"a^L_j = ", "nothing stands on one side of a relation", ""),
        (r"a^L_j = (y_j", "the ( is not closed", "("),
        (r"a^L_j = y_j)", "a ) closes nothing", ")"),
        (r"\|a^L - y = 2", "a bar of a norm is not closed", ""),
        (r"\delta^l = \Sigma'(z^l) \ldots \nabla_a C", "the dots do not say what they stand for", r"\ldots"),
        (r"a^L = \begin{cases} 1 \\ 0 \end{cases}", "a value and its condition were expected in each row of the cases", " 1"),
        (r"C = C(w^l_{jk} + \epsilon)", "the cost of moved parameters is this to first order only; write \\approx", "(w"),
        (r"\sum_l \delta^l_1 = y_1", "a sum over layers is not read; write its terms", r"\sum"),
        (r"s_j = 1", "s is not known in this notation; declare what it stands for, as in notation: {activation: s}", "s"),
        (r"\bar{a}^l = a^l", "bar a is not known in this notation", r"\bar"),
        (r"\mathbb{E}[C] = J", "bb E is not known in this notation", r"\mathbb"),
        (r"a_2 = \sigma(z_2)", "no layer on a; write a^l_j, or declare what each unit's index says of its layer", "a_2"),
        (r"a^{(i)} = x", "i is no layer; layers are l, l+1, l-1, L, L-1, 2 ...", "i)"),
        (r"y^l_j = 1", "y and the output are of layer L, not of layer l", "l"),
        (r"a^l_{jk} = 1", "a has one index; 2 given", "a"),
        (r"a^l_0 = 1", "0 is no index: neurons are numbered from 1", "a"),
        (r"C = -\ln a^L_y", "y is no index here: it stands for something else in this notation", "a^L_y"),
        (r"C_0 = C", "the index of a cost is an example, as in C_x", "0"),
        (r"C_0 = \frac{1}{n} \sum_x C_0", "the index of a cost is an example, as in C_x", "0"),
        (r"C_0 = C_1", "the index of a cost is an example, as in C_x", "0"),
        (r"C = k w^l_{jk}", "k is an index here, and stands alone", "k "),
        (r"\sigma^2(z) = 1", r"a layer or a power? Write (\sigma(z))^2 for the power", r"\sigma"),
        (r"\delta^l = \Sigma'", r"Sigma' of what? Write \Sigma'(z^l)", r"\Sigma"),
        (r"a^l_j = \sum_k", "nothing stands behind this sum", r"\sum"),
        (r"a^l_j = \sum_{k=0}^{n_l} a^l_k", "a sum runs over all neurons or examples, from 1; write other terms apart", "0"),
        (r"a^l_j = \sum_{k=1}^{3} a^l_k", "the upper bound of a sum is a number of neurons or of examples: n_l, n", "3"),
        (r"a^l_j = \sum_{j,k=1}^{n_l} w^l_{jk}", "one bound for several indices; write a sum for each", "n_l"),
        (r"a^l_j = \sum_{k \neq j} a^l_k", r"a sum with a condition (\neq) is not read; write it out", r"\neq"),
        (r"\|x\|_1 = 1", "the norm is Euclid's (2) or Frobenius's (F), no other", "1"),
        (r"|a^L - y| = 1", "single bars around a vector: write its norm with double bars", "|a"),
        (r"(w^l)^{-1} = 1", "an inverse of a matrix is not read; for the entries, write 1 / ...", "^{-"),
        (r"\nabla C = 0", r"a gradient by what? Write \nabla_a C", r"\nabla"),
        (r"\nabla_{a^L_j} C = 0", r"a gradient is by a whole vector or matrix, as in \nabla_a C", "a^L_j"),
        (r"\frac{\partial^2 C}{\partial w^l_{jk}} = 0", "a derivative of order 2 by 1 letters", r"\partial^2"),
        (r"\frac{\partial C}{\partial (w^l_{jk} + b^l_j)} = 0", "a derivative is by one letter: w, b, z or a", "w^l_{jk} +"),
        (
            r"\frac{\partial}{\partial z^l_j} \sigma(z^l_j) a^l_j",
            "what does this derivative act on? Put it in brackets",
            r"\sigma",
        ),
        (r"\frac{\partial}{\partial z^l_j}", "nothing stands behind this derivative", ""),
        (r"\partial C = 0", "a ∂ without /∂ behind it", r"\partial"),
        (r"dW^l = \delta^l (a^{l-1})^T", "a small change stands on one side only; for derivatives dW, declare a notation", "dW"),
        (
            r"\Delta C \approx \nabla_a C \Delta a^L",
            "a small change is read of C, and of one w, b, z or a with its indices",
            r"\Delta C",
        ),
        (
            r"\Delta C \approx \Delta w^l_{jk} + \Delta b^l_j",
            "two things are changed at once; write a line for each",
            r"\Delta C",
        ),
        (r"\Delta C \approx \Delta z^2_j + \Delta z^l_j", "which of these layers comes first?", r"\Delta C"),
        (r"\Delta C \approx 2 \Delta C", "the change of what makes C change? Write \\Delta z^l_j beside it", r"\Delta C"),
        (r"C = C(w^l_{jk} + 2 + \epsilon)", "of the cost of moved parameters C(w + \\epsilon) is read", "(w"),
        (r"C = J + O(\epsilon^2)", r"only what holds to first order is judged: O(\epsilon)", "O("),
        (r"C = 1/2n", "what is below the stroke? Write 1/(2n), or (1/2) n", "n"),
        (r"z^l_j = 1 + \cdots + y_j", "dots in a sum; write it with a sum sign", r"\cdots"),
        (r"\delta^l = w^l \odot \ldots \odot w^L", "dots among factors that are joined by ⊙", "w^l"),
        (r"\delta^l = w^l \ldots w^L \ldots w^L", "dots twice in one product", "w^L"),
        (
            r"C = \sum_m \frac{\partial C}{\partial a^L_m} \frac{\partial a^L_m}{\partial a^{L-1}_n} \ldots "
            r"\frac{\partial a^{l+1}_q}{\partial a^l_j}",
            "an index between the factors of the dots is not summed",
            r"\sum_m",
        ),
        (r"a^l = \max(z^l, 1)", "max is read as max(0, z) only", r"\max"),
        (r"a^l_j = \exp", "exp of what?", r"\exp"),
        (r"a^l_j = [i = a + 1]", "+ is no index", "+"),
        (r"a^l_j = (1, 2)", "one expression was expected in this bracket", "(1"),
        (r"a^l_j = 2 \cdot", "the product ends in a sign", ""),
        (r"a^l_j = \odot 2", r"\odot has nothing before it", r"\odot"),
        (r"(\delta^l a^l)_j = 1", "the entry of this is not read; write it out with indices", "_j"),
        (
            r"a^l_j = \begin{cases} 1 & \text{if } z > 0 \\ 0 & \text{otherwise} \end{cases}",
            "cases are read if they are i = j",
            r" \text{if",
        ),
        (
            r"a^l = \begin{pmatrix} 1 \\ 2 \end{pmatrix}",
            "a matrix that is written out is read beside others of its shape only",
            r"\begin",
        ),
        (r"a^l = \begin{tikzpicture} \end{tikzpicture}", "tikzpicture inside a formula is not read", r"\begin"),
        (r"a^l = \begin{cases} 1", "the cases is not closed", r"\begin"),
        (r"\epsilon^2 \to 0", "an arrow from what is no weight and no bias; a limit is not judged", r"\epsilon"),
        (r"a^L = \operatorname{softmax}(z^L)", "softmax is no function that is read; write what it is", r"\operatorname"),
        (r"-= w^l_{jk}", "-= has nothing before it", "-="),
    ],
)
def test_a_problem_and_its_place(text, problem, at):
    (part,) = read(text, "latex", Dialect())
    assert part.chain is None
    assert part.problem is not None
    assert part.problem.startswith(problem)
    assert part.at is not None
    assert text[part.at :].startswith(at)


def test_one_formula_of_a_row_that_is_not_understood_leaves_the_others():
    first, second = read(r"\foo = 1, \quad a^l = \sigma(z^l)".replace(r"\foo", "q"), "latex", Dialect())
    assert first.chain is not None
    assert first.chain.relations == ()  # q = 1 sets a letter, and claims nothing of a network
    assert second.chain is not None


@pytest.mark.parametrize("text", ["(" * 3000 + "a^L_j" + ")" * 3000 + " = y_j", "{" * 3000, r"\frac{" * 3000, "^" * 10_000])
def test_a_formula_that_is_nested_too_deep_ends_in_one_sentence(text):
    start = time.perf_counter()
    parts = read(text, "latex", Dialect())
    assert time.perf_counter() - start < 5
    assert len(parts) == 1
    assert parts[0].problem


def test_a_long_formula_is_read():
    text = "a^l_j = " + " + ".join([r"\sum_k w^l_{jk} a^{l-1}_k"] * 400)
    assert len(text) > 10_000
    (part,) = read(text, "latex", Dialect())
    assert part.chain is not None


def test_settings_that_are_none():
    with pytest.raises(UnknownName, match="Did you mean 'bishop'"):
        Dialect.from_settings("bishp")
    with pytest.raises(UnknownName, match="notation setting"):
        Dialect.from_settings({"kost": "J"})
    with pytest.raises(ValueRefused, match="examples: 'diagonal' was given; it is one of one, columns, rows"):
        Dialect.from_settings({"examples": "diagonal"})


def test_a_derivative_without_a_layer():
    (part,) = read("dz = a - y", "plain", Dialect.from_settings("ng"))
    assert part.problem == "no layer on z; write dz^l"


def test_no_index_is_dropped():
    """sigma(q[3]) is not sigma(q), and eta_j is not one number."""
    for text in ("sigma(q[3]) = 1", "sigma(eta[3]) = 1", "eta[j] = 1"):
        (part,) = read(text, "plain", Dialect())
        assert part.chain is None
        assert part.problem
    (part,) = read("-sigma(n[1]) = 1", "plain", Dialect())
    assert write.plain(part.chain.sides[0]) == "-sigma(n[1])"


APART = "this stands apart from the formula before it; close the gap if it is a part of that one, or put words before it"


@pytest.mark.parametrize(
    "more", [r"\quad (1-a^l_j)", r"\quad a^l_j", r"\quad \eta", r", (1 - a^l_j)", r"\text{ plus } -\eta", r"\quad [a^l_j + 1]"]
)
def test_a_factor_that_stands_apart_is_not_dropped(more):
    first, second = read(r"\frac{\partial C}{\partial b^l_j} = \delta^l_j " + more, "latex", Dialect())
    assert first.conclusive
    assert second.problem == APART


@pytest.mark.parametrize("more", [r"\quad -\eta", ", - \\eta", r"\quad{} -\eta", r"\qquad -\eta"])
def test_a_term_behind_a_gap_is_a_part_of_the_formula(more):
    (part,) = read(rf"\frac{{\partial C}}{{\partial b^l_j}} = \delta^l_j {more}", "latex", Dialect())
    assert write.latex(part.chain.sides[1]) == r"\delta^l_j - \eta"


@pytest.mark.parametrize(
    "more",
    [
        "(1)",
        "(BP3)",
        "(2.3a)",
        "(BP1)-(BP4)",
        "(l < L)",
        r"(i \ne k)",
        r"(2 \le l \le L)",
        r"(j = 1, \ldots, n_l)",
        r"(\text{by } (2))",
        r"\text{where } \eta > 0",
        r"l = 2, \ldots, L",
        r"(\eta > 0)",
        r"l < L",
        r"1 \le j \le n_{l-1}",
        r"\forall j",
        r"\forall i, j",
    ],
)
def test_a_remark_behind_a_gap_stays_one(more):
    parts = read(r"\frac{\partial C}{\partial b^l_j} = \delta^l_j \quad " + more, "latex", Dialect())
    assert write.latex(parts[0].chain.sides[1]) == r"\delta^l_j"
    assert not any(part.problem for part in parts)
