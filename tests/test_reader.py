"""What people type, and how it is read: every spelling is echoed in the chapter's notation."""

from pathlib import Path

import pytest

from backprop_ref.derivation import rows
from backprop_ref.derivation.document import latex
from backprop_ref.derivation.notation import write
from backprop_ref.derivation.notation.dialects import Dialect
from backprop_ref.derivation.notation.reader import read
from backprop_ref.derivation.notation.sources import find
from backprop_ref.derivation.notation.tree import EXAMPLES, Layer, Product, Quantity, Repeat, Sum, Transpose, descendants

TRUE_LINES = Path(__file__).parent / "notes" / "lines_true.txt"
SIGNS = {"=": "=", "≈": r"\approx", ":=": ":=", "<-": r"\leftarrow"}


def echo(text, dialect=None, syntax=None):
    """The formulas of a row in the chapter's notation."""
    said = []
    for part in read(text, syntax or ("latex" if "\\" in text or "_{" in text else "plain"), dialect or Dialect()):
        if part.chain is None:
            said.append(f"? {part.problem}")
            continue
        first, *rest = [write.latex(side) for side in part.chain.sides]
        signs = [SIGNS[r] for r in part.chain.relations]
        begin = f"{signs.pop(0)} {first}" if part.continues else first
        said.append(" ".join([begin, *(f"{s} {r}" for s, r in zip(signs, rest, strict=True))]))
    return said


BP4 = r"\frac{\partial C}{\partial w^l_{jk}} = a^{l-1}_k \delta^l_j"


@pytest.mark.parametrize(
    "text",
    [
        BP4,
        r"\dfrac{\partial C}{\partial w_{jk}^{l}} = a_k^{(l-1)} \delta_j^{[l]}",
        r"\partial C / \partial w^l_{jk} = a^{l-1}_k \cdot \delta^l_j",
        r"\frac{d C}{d w^{(l)}_{j,k}} = a^{l-1}_{k} \times \delta^{l}_{j}",
        "∂C/∂w^l_jk = a^(l-1)_k δ^l_j",
        "dC/dw[l,j,k] = a[l-1,k] * delta[l,j]",
    ],
)
def test_one_equation_in_many_spellings(text):
    (said,) = echo(text)
    assert said.replace(r" \cdot ", " ") == BP4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (r"\delta^L = \nabla_a C \odot \sigma'(z^L)", r"\delta^L = \nabla_a C \odot \sigma'(z^L)"),
        (r"\delta^L = \nabla_a C \circ \sigma^{\prime}(z^L)", r"\delta^L = \nabla_a C \odot \sigma'(z^L)"),
        (r"\delta^L = \Sigma'(z^L) \nabla_a C", r"\delta^L = \Sigma'(z^L) \nabla_a C"),
        (r"\delta^L = \operatorname{diag}(\sigma'(z^L)) \nabla_a C", r"\delta^L = \Sigma'(z^L) \nabla_a C"),
        (r"z^l_j = \Sigma_k w^l_{jk} a^{l-1}_k + b^l_j", r"z^l_j = \sum_k w^l_{jk} a^{l-1}_k + b^l_j"),
        (r"z^l_j = \sum_{k=1}^{n_{l-1}} w^l_{jk} a^{l-1}_k + b^l_j", r"z^l_j = \sum_{k=1}^{n_{l-1}} w^l_{jk} a^{l-1}_k + b^l_j"),
        (
            r"\delta^l = ((w^{l+1})^\top \delta^{l+1}) \odot \sigma'(z^l)",
            r"\delta^l = ((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^l)",
        ),
        ("δ^l = ((w^{l+1})ᵀ δ^{l+1}) ⊙ σ'(z^l)", r"\delta^l = ((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^l)"),
        (r"\frac{\partial z^l_i}{\partial b^l_j} = \delta_{ij}", r"\frac{\partial z^l_i}{\partial b^l_j} = [i = j]"),
        (r"\frac{\partial z^l_i}{\partial b^l_j} = \mathbb{1}[i = j]", r"\frac{\partial z^l_i}{\partial b^l_j} = [i = j]"),
        (r"C = \frac12 \|y - a^L\|_2^2", r"C = \frac{1}{2} \|y - a^L\|^2"),
        ("C = 1/2 * norm(y - a^L)^2", r"C = \frac{1}{2} \|y - a^L\|^2"),
        ("C = ½ Σ_j (y_j - a^L_j)²", r"C = \frac{1}{2} \sum_j (y_j - a^L_j)^2"),
        (r"\sigma(z) = \frac{1}{1 + exp(-z)}", r"\sigma(z) = \frac{1}{1 + e^{-z}}"),
        (r"\frac{\partial C}{\partial w^3_{24}} = a^2_4 \delta^3_2", r"\frac{\partial C}{\partial w^3_{24}} = a^2_4 \delta^3_2"),
        (r"{A^{(l-1)}}^{\mathsf{T}} = x^T", r"(A^{l-1})^T = (a^1)^T"),
        (r"= a^{l-1}_k \delta^l_j", r"= a^{l-1}_k \delta^l_j"),
    ],
)
def test_a_formula_is_echoed_as_it_was_read(text, said):
    assert echo(text) == [said]


def test_a_bare_cost_is_the_average_where_the_row_speaks_of_examples():
    assert echo(r"C = \frac{1}{n} \sum_x C_x") == [r"J = \frac{1}{n} \sum_x C_x"]
    assert echo(r"\frac{\partial C}{\partial b^l_j} = \delta^l_j") == [r"\frac{\partial C}{\partial b^l_j} = \delta^l_j"]
    assert echo(r"\frac{\partial C_x}{\partial b^l_j} = \delta^{x,l}_j") == [
        r"\frac{\partial C_x}{\partial b^l_j} = \delta^{x,l}_j"
    ]


def test_a_bare_cost_beside_that_of_an_example_is_the_average():
    assert echo(r"C = C_x") == [r"J = C_x"]
    assert echo(r"\frac{\partial C}{\partial b^l_j} = \frac{\partial C_x}{\partial b^l_j}") == [
        r"\frac{\partial J}{\partial b^l_j} = \frac{\partial C_x}{\partial b^l_j}"
    ]
    assert echo(r"\delta^{x,l}_j = \frac{\partial C}{\partial z^{x,l}_j}") == [
        r"\delta^{x,l}_j = \frac{\partial C_x}{\partial z^{x,l}_j}"
    ]


def test_a_minus_behind_a_sum_is_of_what_is_summed():
    assert echo(r"C = \frac{1}{n} \sum_x -\sum_j y_j + b^L_1") == [r"J = \frac{1}{n} \sum_x (-\sum_j y_j(x)) + b^L_1"]
    assert echo(r"C = \sum_j -y_j a^L_j - b^L_1") == [r"C = \sum_j (-y_j a^L_j) - b^L_1"]
    assert echo(r"C = \sum_j + y_j") == ["? nothing stands behind this sum"]


def test_the_cost_of_the_example_that_is_called_0():
    assert echo(r"C_0 = (a^{(L)} - y)^2") == ["C = (a^L - y)^2"]
    assert echo(r"\frac{\partial C_0}{\partial w^{(L)}_{jk}} = 1") == [r"\frac{\partial C}{\partial w^L_{jk}} = 1"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (r"\sigma(z) = z^2", r"\sigma(z) = z^2"),
        (r"\sigma(x) = x^{2}", r"\sigma(x) = x^2"),
        (r"\sigma(z) = \tanh(z^3) + e^{z^2}", r"\sigma(z) = \tanh(z^3) + e^{z^2}"),
        (r"\sigma(z) = \alpha z^2", r"\sigma(z) = \alpha z^2"),
    ],
)
def test_a_power_of_what_sigma_is_of_is_no_layer(text, said):
    (part,) = read(text, "latex", Dialect())
    assert echo(text) == [said]
    assert not any(isinstance(n, Quantity) for side in part.chain.sides for n in descendants(side))


@pytest.mark.parametrize("text", [r"\sigma(z^2) = a^2", r"\sigma(z) = z^2 + b^2"])
def test_a_number_on_a_z_is_a_layer_beside_other_quantities(text):
    (part,) = read(text, "latex", Dialect())
    letters = {n.letter: n.layer for side in part.chain.sides for n in descendants(side) if isinstance(n, Quantity)}
    assert letters["z"] == Layer("", 2)


def test_several_formulas_in_one_row_and_the_words_between():
    text = r"\frac{\partial C}{\partial a^L_j} = a^L_j - y_j, \qquad \text{or as a vector} \qquad \nabla_a C = a^L - y"
    parts = read(text, "latex", Dialect())
    assert [part.words for part in parts] == ["", "or as a vector"]
    assert echo(text) == [r"\frac{\partial C}{\partial a^L_j} = a^L_j - y_j", r"\nabla_a C = a^L - y"]
    assert all(text[p.start : p.end].strip() for p in parts)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (r"a^l \quad = \qquad \sigma(z^l)", [r"a^l = \sigma(z^l)"]),
        (r"\delta^l = 2 \text{ } a^l \quad \odot z^l", [r"\delta^l = (2 a^l) \odot z^l"]),
        (r"a^l = \sigma(z^l) \quad -z^l = b^l", [r"a^l = \sigma(z^l)", r"-z^l = b^l"]),
        (r"\text{so } = a^l_j", ["= a^l_j"]),
        (r"\text{Cost} = a^l_j", ["? Cost is a word here, and no letter of this notation"]),
        ("cost = a[l,j]", ["? cost is a word here, and no letter of this notation"]),
    ],
)
def test_where_one_formula_ends_and_the_next_begins(text, said):
    assert echo(text, syntax="latex" if "\\" in text else "plain") == said


def test_a_condition_claims_nothing():
    (part,) = read(r"l = L-1, \ldots, 2", "latex", Dialect())
    assert part.chain is not None
    assert part.chain.relations == ()
    first, second = read(r"\delta^l = \Sigma'(z^l) (w^{l+1})^T \delta^{l+1}, \quad l = L-1, \dots, 2", "latex", Dialect())
    assert first.chain.relations == ("=",)
    assert second.chain.relations == ()


def test_updates():
    assert echo(r"w^l \rightarrow w^l - \frac{\eta}{m} \sum_x \delta^{x,l} (a^{x,l-1})^T") == [
        r"w^l \leftarrow w^l - \frac{\eta}{n} \sum_x \delta^{x,l} (a^{x,l-1})^T"
    ]
    assert echo("w[l,j,k] -= eta * dC/dw[l,j,k]") == [r"w^l_{jk} \leftarrow w^l_{jk} - \eta \frac{\partial C}{\partial w^l_{jk}}"]


def test_dots_say_what_they_stand_for():
    (part,) = read(r"\delta^l = \Sigma'(z^l) (w^{l+1})^T \ldots \Sigma'(z^{L-1}) (w^L)^T \delta^L", "latex", Dialect())
    (dots,) = (n for n in descendants(part.chain.sides[1]) if isinstance(n, Repeat))
    assert (dots.first, dots.last, dots.left) == (Layer("l"), Layer("L", -1), None)
    assert isinstance(dots.block, Product)
    assert dots.block.factors[1] == Transpose(Quantity("w", Layer("p", 1)))


def test_dots_over_paths():
    text = (
        r"\frac{\partial C}{\partial a^l_j} = \sum_{m,n,p,\ldots,q} \frac{\partial C}{\partial a^L_m} "
        r"\frac{\partial a^L_m}{\partial a^{L-1}_n} \frac{\partial a^{L-1}_n}{\partial a^{L-2}_p} \ldots "
        r"\frac{\partial a^{l+1}_q}{\partial a^l_j}"
    )
    (part,) = read(text, "latex", Dialect())
    total = part.chain.sides[1]
    assert isinstance(total, Sum)
    assert total.index == "m"
    (dots,) = (n for n in descendants(total) if isinstance(n, Repeat))
    assert (dots.first, dots.last, dots.left, dots.right) == (Layer("L", -1), Layer("l"), "m", "j")


def test_every_example_stands_for_a_matrix():
    (part,) = read(r"Z^l = w^l A^{l-1} + b^l", "latex", Dialect())
    assert part.chain.sides[0] == Quantity("z", Layer("l"), (), "*")
    (part,) = read(r"J = \frac{1}{2n} \sum_{x=1}^n \|y(x) - a^L(x)\|^2", "latex", Dialect())
    assert any(isinstance(n, Sum) and n.over == EXAMPLES for n in descendants(part.chain.sides[1]))


BP2 = r"\delta^l = ((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^l)"


@pytest.mark.parametrize(
    "transposed",
    [
        r"(w^{l+1})^T",
        r"{w^{l+1}}^T",
        r"w^{{l+1}^T}",
        r"w^{(l+1)T}",
        r"w^{[l+1]T}",
        r"\left(w^{l+1}\right)^{\mathsf{T}}",
        r"(w^{l+1})^{\rm T}",
        r"(w^{l+1})^\top",
        r"(w^{l+1})^{\intercal}",
        r"(w^{l+1})^t",
        r"W_{l+1}^T",
        r"\mathbf{W}^{(l+1)\top}",
    ],
)
def test_a_transpose_in_every_spelling(transposed):
    assert echo(rf"\delta^l = {transposed} \delta^{{l+1}} \odot \sigma'(z^l)") == [BP2]


@pytest.mark.parametrize("sign", [r"\odot", r"\circ", r"\bigodot", r"\otimes", "*", ".*", r"\times", r"\ast", r"\star"])
def test_entry_by_entry_in_every_spelling(sign):
    assert echo(rf"\delta^l = (w^{{l+1}})^T \delta^{{l+1}} {sign} \sigma'(z^l)") == [BP2]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (r"\delta^l \otimes a^{l-1}", r"\delta^l (a^{l-1})^T"),
        (r"\delta^l \otimes \sigma'(z^l)", r"\delta^l \odot \sigma'(z^l)"),
        (r"w^l \times a^{l-1}", r"w^l a^{l-1}"),
        (r"w^l \cdot a^{l-1}", r"w^l \cdot a^{l-1}"),
        (r"2 \cdot w^l_{jk} * \delta^l_j", r"2 w^l_{jk} \delta^l_j"),
    ],
)
def test_a_sign_that_is_two_products_is_the_one_that_fits(text, said):
    assert echo(text) == [said]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        # powers beside layers
        (r"\sigma'(z^L_j)^2", r"\sigma'(z^L_j)^2"),
        (r"(a^L_j)^2 = a^{L}_j{}^2 = {a^L_j}^2", r"(a^L_j)^2 = (a^L_j)^2 = (a^L_j)^2"),
        (r"\sigma'^2(z)", r"\sigma'(z)^2"),
        (r"x_j^2 + y_j^2 + n^2", r"(a^1_j)^2 + y_j^2 + n^2"),
        (r"a^2_j", r"a^2_j"),
        # whose sigma, or which derivative of it
        (r"\sigma_l(z^l) + \sigma^{(2)}(z^{(2)})", r"\sigma_l(z^l) + \sigma_2(z^2)"),
        (r"\sigma^{(2)}(z)", r"\sigma''(z)"),
        (r"\sigma(x) = \frac{1}{1 + e^{-x}}", r"\sigma(x) = \frac{1}{1 + e^{-x}}"),
        (r"\tanh'(z) = 1 - \tanh^2(z)", r"\frac{\partial \tanh(z)}{\partial z} = 1 - \tanh(z)^2"),
        (r"\sigma' = \sigma (1 - \sigma)", r"\sigma'(z) = \sigma(z) (1 - \sigma(z))"),
        # what a function is of
        (r"C = C(a^L, y)", r"C = C"),
        (r"a^l_j(z^l_j) = \sigma(z^l_j)", r"a^l_j = \sigma(z^l_j)"),
        (r"\delta^l_j (1 - a^l_j)", r"\delta^l_j (1 - a^l_j)"),
        (r"y(x) - a^L(x)", r"y(x) - a^{x,L}"),
        # layers and examples
        (r"W_l a_{l-1} + b_l", r"w^l a^{l-1} + b^l"),
        (r"a^{[l](i)} + a^{l,(i)} + a^{i,l}", r"a^{i,l} + a^{i,l} + a^{i,l}"),
        (r"x^{(i)} = x_{i}", r"a^{i,1} = a^1_i"),
        # sums
        (r"\sum_{j,k} w^l_{jk} = \sum_{jk} w^l_{jk}", r"\sum_j \sum_k w^l_{jk} = \sum_j \sum_k w^l_{jk}"),
        (r"\sum_{k=0}^{n_L - 1} a^L_k", r"\sum_{k=1}^{n_L} a^L_k"),
        (r"\sum_{k=1}^{n} a^L_k + \sum_{x=1}^N C_x", r"\sum_k a^L_k + \sum_{x=1}^n C_x"),
        (r"w^l_{m_1 k'}", r"w^l_{m_1,k'}"),
        (r"\sum_{k=1}^{K} a^L_k", r"\sum_k a^L_k"),
        (r"\sum_{x=1}^{m} C_x", r"\sum_{x=1}^n C_x"),
        # entries
        (r"(s \odot t)_j = s_j t_j", r"s_j t_j = s_j t_j"),
        (r"(w^l a^{l-1} + b^l)_j", r"\sum_p w^l_{jp} a^{l-1}_p + b^l_j"),
        (r"((w^l)^T)_{kj} = (w^l)_{jk}", r"w^l_{jk} = w^l_{jk}"),
        (r"(\nabla_a C)_j \sigma'(z^L)_j", r"\frac{\partial C}{\partial a^L_j} \sigma'(z^L_j)"),
    ],
)
def test_what_could_mean_two_things(text, said):
    assert echo(text, syntax="latex") == [said]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            r"\frac{\partial^2 C}{\partial b^l_j \partial b^l_k}",
            r"\frac{\partial}{\partial b^l_j} (\frac{\partial C}{\partial b^l_k})",
        ),
        (r"\frac{\partial^2 C}{\partial {z^l_j}^2}", r"\frac{\partial}{\partial z^l_j} (\frac{\partial C}{\partial z^l_j})"),
        (r"\frac{\partial^2 C}{(\partial z^l_j)^2}", r"\frac{\partial}{\partial z^l_j} (\frac{\partial C}{\partial z^l_j})"),
        (
            r"\frac{\delta C}{\delta b^l_j} = \delta C / \delta b^l_j",
            r"\frac{\partial C}{\partial b^l_j} = \frac{\partial C}{\partial b^l_j}",
        ),
        (r"dC / db^l_j", r"\frac{\partial C}{\partial b^l_j}"),
        (r"\frac{\mathrm{d}\sigma}{\mathrm{d}z}", r"\frac{\partial \sigma(z)}{\partial z}"),
        (
            r"\frac{\partial}{\partial a^L_j} \frac12 \sum_k (y_k - a^L_k)^2 + 1",
            r"\frac{\partial}{\partial a^L_j} (\frac{1}{2} \sum_k (y_k - a^L_k)^2) + 1",
        ),
        (r"\frac{\partial}{\partial a^L_j} C \sigma'(z^L_j)", r"\frac{\partial C}{\partial a^L_j} \sigma'(z^L_j)"),
        (r"\nabla_{\mathbf{a}} C + \nabla_{a^L} C_x", r"\nabla_a C_x + \nabla_a C_x"),
        (r"\nabla_{w^l} C", r"\frac{\partial C}{\partial w^l}"),
    ],
)
def test_derivatives(text, said):
    assert echo(text, syntax="latex") == [said]


@pytest.mark.parametrize(
    "text",
    [
        r"\delta_{ij}",
        r"\delta_{i,j}",
        "[i = j]",
        r"\mathbb{1}[i=j]",
        r"\mathbb{1}_{i=j}",
        r"\mathbf{1}\{i=j\}",
        r"\mathbb{I}(i = j)",
        "1_{i = j}",
    ],
)
def test_the_kronecker_delta_in_every_spelling(text):
    assert echo(text, syntax="latex") == ["[i = j]"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (r"\frac{\partial C}{\partial b} = \delta", r"\frac{\partial C}{\partial b^l_j} = \delta^l_j"),
        (
            r"\frac{\partial C}{\partial w} = a_{\rm in} \delta_{\rm out}",
            r"\frac{\partial C}{\partial w^l_{jk}} = a^{l-1}_k \delta^l_j",
        ),
        (
            r"w_j \to w_j - \eta \frac{\partial C}{\partial w_j}",
            r"w^l_{jk} \leftarrow w^l_{jk} - \eta \frac{\partial C}{\partial w^l_{jk}}",
        ),
        (
            r"\sigma(w \cdot x + b) = \frac{1}{1 + \exp(-\sum_j w_j x_j - b)}",
            r"\sigma(\sum_k w^2_{ik} a^1_k + b^2_i) = \frac{1}{1 + e^{-\sum_j w^2_{ij} a^1_j - b^2_i}}",
        ),
        (r"a = \sigma(w^T x + b)", r"a^2_i = \sigma(\sum_k w^2_{ik} a^1_k + b^2_i)"),
    ],
)
def test_one_weight_and_one_neuron_of_which_no_layer_is_said(text, said):
    assert echo(text) == [said]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (r"\Delta C \approx \delta^l_j \Delta z^l_j", r"\frac{\partial C}{\partial z^l_j} \approx \delta^l_j"),
        ("dC ≈ delta^l_j dz^l_j", r"\frac{\partial C}{\partial z^l_j} \approx \delta^l_j"),
        (
            r"\Delta C \approx \sum_j \frac{\partial C}{\partial a^L_j} \Delta a^L_j",
            r"\frac{\partial C}{\partial a^L_p} \approx "
            r"\sum_j \frac{\partial C}{\partial a^L_j} \frac{\partial a^L_j}{\partial a^L_p}",
        ),
        (
            r"\Delta z^{l+1}_k = w^{l+1}_{kj} \Delta a^l_j",
            r"\frac{\partial z^{l+1}_k}{\partial a^l_j} = w^{l+1}_{kj}",
        ),
        (
            r"\frac{\partial C}{\partial w_j} \approx \frac{C(w + \epsilon e_j) - C(w)}{\epsilon}",
            r"\frac{\partial C}{\partial w^l_{jk}} \approx "
            r"\frac{(C + \epsilon \frac{\partial C}{\partial w^l_{jk}}) - C}{\epsilon}",
        ),
        (
            r"\frac{\partial C}{\partial b^l_j} = \frac{C(b^l_j + \epsilon) - C(b^l_j - \epsilon)}{2 \epsilon} + O(\epsilon)",
            r"\frac{\partial C}{\partial b^l_j} \approx "
            r"\frac{(C + \epsilon \frac{\partial C}{\partial b^l_j}) - "
            r"(C - \epsilon \frac{\partial C}{\partial b^l_j})}{2 \epsilon}",
        ),
    ],
)
def test_what_holds_to_first_order_is_said_in_derivatives(text, said):
    assert echo(text) == [said]


def test_cases_by_indices_are_one_equation():
    text = r"\frac{\partial z^l_i}{\partial b^l_j} = \begin{cases} 1 & \text{if } i = j \\ 0 & \text{otherwise} \end{cases}"
    assert echo(text) == [r"\frac{\partial z^l_i}{\partial b^l_j} = [i = j] \cdot 1 + (1 - [i = j]) \cdot 0"]


def test_columns_of_numbers_are_one_formula_an_entry():
    column = r"\begin{bmatrix} %s \\ %s \end{bmatrix}"
    text = rf"{column % (1, 2)} \odot {column % (3, 4)} = {column % ('1 * 3', '2 * 4')} = {column % (3, 8)}"
    assert echo(text) == [r"1 \cdot 3 = 1 \cdot 3 = 3", r"2 \cdot 4 = 2 \cdot 4 = 8"]
    assert [part.words for part in read(text, "latex", Dialect())] == ["entry 1", "entry 2"]


@pytest.mark.parametrize(
    "text", [r"X = [x_1 x_2 \ldots x_m]", "X = [x_1 x_2 .. x_m]", r"X = \begin{bmatrix} x^{(1)} & \cdots & x^{(m)} \end{bmatrix}"]
)
def test_what_a_matrix_of_examples_holds_is_no_claim(text):
    assert echo(text) == ["A^1"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("delta[l] = (w[l+1].T @ delta[l+1]) * sigma_prime(z[l])", BP2),
        ("delta[l] = np.dot(w[l+1].T, delta[l+1]) * sigma'(z[l])", BP2),
        ("δˡ = ((wˡ⁺¹)ᵀ δˡ⁺¹) ⊙ σ'(zˡ)", BP2),
        ("aˡⱼ = σ(∑ₖ wˡⱼₖ aˡ⁻¹ₖ + bˡⱼ)", r"a^l_j = \sigma(\sum_k w^l_{jk} a^{l-1}_k + b^l_j)"),
        ("C = ½‖y − aᴸ‖²", r"C = \frac{1}{2} \|y - a^L\|^2"),
        ("a[L,j]**2 = np.square(a[L,j]) = a[L,j]²", r"(a^L_j)^2 = (a^L_j)^2 = (a^L_j)^2"),
        ("(y[j] - a[L,j])³", r"(y_j - a^L_j)^3"),
        ("z[l] + z[x,l]", r"z^l + z^{x,l}"),
        ("sigma(z) = 1 / (1 + np.exp(-z))", r"\sigma(z) = \frac{1}{1 + e^{-z}}"),
        ("sum(k=1..n[l-1], w[l,j,k] * a[l-1,k])", r"\sum_{k=1}^{n_{l-1}} w^l_{jk} a^{l-1}_k"),
        (
            "d(sigma(z[l,j]))/dz[l,j] = dsigma(z[l,j])/dz[l,j]",
            r"\frac{\partial \sigma(z^l_j)}{\partial z^l_j} = \frac{\partial \sigma(z^l_j)}{\partial z^l_j}",
        ),
        ("delta[x,l,j] = dC[x]/dz[x,l,j]", r"\delta^{x,l}_j = \frac{\partial C_x}{\partial z^{x,l}_j}"),
    ],
)
def test_plain_text_and_code(text, said):
    assert echo(text, syntax="plain") == [said]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (r"C = \frac{1}{2} \|y(x) - a^L(x)\|^2", r"C_x = \frac{1}{2} \|y(x) - a^{x,L}\|^2"),
        (r"C = \frac{1}{2n} \|Y - A^L\|^2", r"J = \frac{1}{2 n} \|Y - A^L\|^2"),
        (r"\frac{\partial C}{\partial Z^l} = \Delta^l", r"\frac{\partial C}{\partial Z^l} = \Delta^l"),
        (
            r"\frac{\partial C}{\partial w^l} = \frac{1}{n} \Delta^l (A^{l-1})^T",
            r"\frac{\partial J}{\partial w^l} = \frac{1}{n} \Delta^l (A^{l-1})^T",
        ),
        (r"\delta^{x,l}_j = \frac{\partial C}{\partial z^{x,l}_j}", r"\delta^{x,l}_j = \frac{\partial C_x}{\partial z^{x,l}_j}"),
    ],
)
def test_which_cost_a_bare_cost_is(text, said):
    assert echo(text) == [said]


def test_every_true_line_of_the_collection_is_read_and_each_of_its_nodes_has_a_place():
    lines = [line for line in TRUE_LINES.read_text(encoding="utf-8").splitlines() if line and not line.startswith("# ")]
    assert len(lines) > 250
    missed = []
    for line in lines:
        latex = "\\" in line or ("_{" in line and not set(line) & set("∂δσΣ"))
        for source in find(f"$${line}$$" if latex else line, "md" if latex else "plain").formulas:
            for part in read(source.text, source.syntax, Dialect()):
                missed += [] if part.chain else [(line, part.problem)]
                for node in (n for side in (part.chain.sides if part.chain else ()) for n in descendants(side)):
                    assert part.start <= node.span[0] < node.span[1] <= part.end, (line, node)
    assert missed == []


@pytest.mark.parametrize("bound", [r"\sum_x", r"\sum_{i=1}^n"])
def test_a_sum_over_examples_whose_index_nothing_shows_is_over_all_that_differs_between_them(bound):
    x = "x" if bound == r"\sum_x" else "i"
    shown = rf"\frac{{1}}{{n}} {bound} \delta^{{{x},l}}_j w^l_{{jk}}"
    hidden = rf"\frac{{1}}{{n}} {bound} \delta^l_j w^l_{{jk}}"
    assert [p.chain.sides for p in read(hidden, "latex", Dialect())] == [p.chain.sides for p in read(shown, "latex", Dialect())]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (r"$L=3$. $\delta^2 = \delta^3$", r"\delta^{L-1} = \delta^L"),
        (r"A network with L = 3 layers has $\delta^2 = \delta^3$", r"\delta^{L-1} = \delta^L"),
        (r"$L=3$. $b^2 = \delta^2$", r"b^{L-1} = \delta^{L-1}"),
        (r"$\delta^3 = \nabla_a C \odot \sigma'(z^3)$", r"\delta^L = \nabla_a C \odot \sigma'(z^L)"),
        (r"$\delta^2 = \delta^3$", r"\delta^2 = \delta^3"),
        (r"$L=2$. $\delta^2 = \delta^3$", r"\delta^2 = \delta^3"),
        (r"$L=3$ or $L=4$. $\delta^2 = \delta^3$", r"\delta^2 = \delta^3"),
        (r"$L=3$. $\delta^l = \delta^3$", r"\delta^l = \delta^3"),
        (r"$w^L = 3$. $\delta^2 = \delta^3$", r"\delta^2 = \delta^3"),
    ],
)
def test_numbered_layers_from_the_last_one_down(document, said):
    dialect = Dialect()
    found, _ = rows.from_the_last(list(rows.read_rows(find(document, "md").formulas, dialect)), dialect)
    assert latex(found[-1][1][-1].chain, False) == said


def lines(document, dialect=None):
    """The formulas of a document in the chapter's notation, each with the pairs of indices that differ in it."""
    read_again = rows.read_rows(find(document, "md").formulas, dialect or Dialect())
    return [
        (latex(part.chain, part.continues) if part.chain else f"? {part.problem}", part.unequal)
        for _, parts in read_again
        for part in parts
    ]


SLOPE = r"\frac{\partial a^l_i}{\partial z^l_j}"


@pytest.mark.parametrize(
    "document",
    [
        rf"$${SLOPE} = 0 \quad (i \ne j)$$",
        rf"$${SLOPE} = 0 \quad \text{{if }} i \ne j$$",
        rf"$${SLOPE} = 0 \quad \text{{if $i \ne j$}}$$",
        rf"$${SLOPE} = 0, \quad i \neq j$$",
        rf"$$\text{{For }} i \ne j, \quad {SLOPE} = 0$$",
        rf"For $i \ne j$ we have ${SLOPE} = 0$.",
        rf"If $i \ne j$, then $${SLOPE} = 0$$",
        rf"The slope is ${SLOPE} = 0$ for $i \ne j$.",
        rf"The slope is ${SLOPE} = 0$ ($i \ne j$).",
        rf"$${SLOPE} = 0 \quad \forall i \ne j$$",
        rf"$${SLOPE} = 0 \quad \text{{where }} i \ne j$$",
        rf"$${SLOPE} = 0 \quad (1) \quad (i \ne j)$$",
        rf"$${SLOPE} = 0 \quad \text{{for all }} i, j \text{{ with }} i \ne j$$",
    ],
)
def test_two_indices_that_differ(document):
    assert lines(document) == [(rf"{SLOPE} = 0", (("i", "j"),))]


@pytest.mark.parametrize(
    "document",
    [
        rf"For $i \ne j$ it is simple. We have ${SLOPE} = 0$.",
        rf"Except for $i \ne j$ we have ${SLOPE} = 0$.",
        rf"For $i \ne j$ it is zero, otherwise ${SLOPE} = 0$.",
        rf"${SLOPE} = 0$. For $i \ne j$ more.",
        rf"${SLOPE} = 0$, for $i \ne j$ we see more.",
        rf"$${SLOPE} = 0 \quad (k \ne j)$$",
        rf"$${SLOPE} = 0 \quad \text{{unless }} i \ne j$$",
        rf"For $k \ne j$ we have ${SLOPE} = 0$.",
    ],
)
def test_a_condition_that_may_belong_elsewhere_is_not_taken(document):
    assert (rf"{SLOPE} = 0", ()) in lines(document)


def test_a_condition_between_two_formulas_is_taken_of_neither():
    found = lines(rf"$${SLOPE} = 0 \quad \text{{for }} i \ne j \quad a^l_i = a^l_j$$")
    assert found == [(rf"{SLOPE} = 0", ()), ("a^l_i = a^l_j", ())]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (
            r"$$\frac{\partial z^l_i}{\partial w^l_{jk}} = a^{l-1}_k \quad \text{if } i = j$$",
            r"\frac{\partial z^l_i}{\partial w^l_{ik}} = a^{l-1}_k",
        ),
        (
            r"$$\delta^l_j = \frac{\partial C}{\partial a^L_j}\sigma'(z^L_j) \quad \text{for } l = L$$",
            r"\delta^L_j = \frac{\partial C}{\partial a^L_j} \sigma'(z^L_j)",
        ),
        (r"$$\delta^l_j = 0, \quad l = L \quad (1)$$", r"\delta^L_j = 0"),
        (r"$$\delta^{l-1}_j = 0 \quad (l = 3)$$", r"\delta^2_j = 0"),
        (r"$$z^l_i = \sum_j w^l_{ij} a^{l-1}_j \quad (i = j)$$", r"z^l_i = \sum_j w^l_{ij} a^{l-1}_j"),
    ],
)
def test_an_index_or_a_layer_that_is_another(document, said):
    assert lines(document) == [(said, ())]


def test_a_layer_of_a_list_is_no_condition():
    text = r"$$\delta^l_j = \sum_k w^{l+1}_{kj} \delta^{l+1}_k \sigma'(z^l_j) \quad \text{for } l = L-1, \ldots, 2$$"
    assert lines(text)[0] == (r"\delta^l_j = \sum_k w^{l+1}_{kj} \delta^{l+1}_k \sigma'(z^l_j)", ())


def test_each_formula_of_a_row_and_each_line_of_a_chain_has_its_own_condition():
    equal, different = rf"{SLOPE} = \sigma'(z^l_j)", rf"{SLOPE} = 0"
    said = [(r"\frac{\partial a^l_i}{\partial z^l_i} = \sigma'(z^l_i)", ()), (different, (("i", "j"),))]
    assert lines(rf"$${equal} \quad (i = j), \qquad {different} \quad (i \ne j)$$") == said
    assert lines(rf"$${equal} \text{{ if }} i = j \text{{ and }} {different} \text{{ if }} i \ne j$$") == said
    chain = rf"{SLOPE} &= [i = j] \sigma'(z^l_j) \\ &= \sigma'(z^l_j) \quad (i = j) \\ &= 0 \quad (i \ne j)"
    assert lines(rf"$$\begin{{aligned}}{chain}\end{{aligned}}$$") == [
        (rf"{SLOPE} = [i = j] \sigma'(z^l_j)", ()),
        (r"[i = i] \sigma'(z^l_i) = \sigma'(z^l_i)", ()),
        (r"[i = j] \sigma'(z^l_j) = 0", (("i", "j"),)),
    ]
