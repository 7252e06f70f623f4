"""Other notations: what is declared changes what a formula says, and is echoed; what a document explains by itself is taken."""

import pytest

from backprop_ref.derivation.notation import write
from backprop_ref.derivation.notation.declared import declared
from backprop_ref.derivation.notation.dialects import Dialect
from backprop_ref.derivation.notation.reader import read
from backprop_ref.derivation.notation.sources import find

SIGNS = {"=": "=", "≈": r"\approx", ":=": ":=", "<-": r"\leftarrow"}


def echo(text, dialect, syntax="latex"):
    """The formulas of a row in the chapter's notation."""
    said = []
    for part in read(text, syntax, dialect):
        if part.chain is None:
            said.append(f"? {part.problem}")
            continue
        first, *rest = [write.latex(side) for side in part.chain.sides]
        said.append(" ".join([first, *(f"{SIGNS[s]} {r}" for s, r in zip(part.chain.relations, rest, strict=True))]))
    return said


NG = Dialect.from_settings("ng")
ROWS = Dialect.from_settings({"preset": "rows", "cost": "J", "activation": "g", "layers": "(l)", "first layer": "0"})
BISHOP = Dialect.from_settings("bishop")


@pytest.mark.parametrize(
    ("dialect", "text", "said"),
    [
        (NG, r"A^{[0]} = X", r"A^1 = A^1"),
        (NG, r"Z^{[1]} = W^{[1]} X + b^{[1]}", r"Z^2 = w^2 A^1 + b^2"),
        (
            NG,
            r"dW^{[l]} = \frac{1}{m} dZ^{[l]} A^{[l-1]T}",
            r"\frac{\partial J}{\partial w^l} = \frac{1}{n} \Delta^l (A^{l-1})^T",
        ),
        (
            NG,
            r"db^{[l]} = \frac{1}{m} np.sum(dZ^{[l]}, axis=1, keepdims=True)",
            r"\frac{\partial J}{\partial b^l} = \frac{1}{n} \operatorname{np.sum}(\Delta^l, axis=1, keepdims=True)",
        ),
        (NG, r"z^{[l](i)} = W^{[l]} a^{[l-1](i)} + b^{[l]}", r"z^{i,l} = w^l a^{i,l-1} + b^l"),
        (NG, r"J = \frac{1}{m} \sum_{i=1}^m \mathcal{L}^{(i)}", r"J = \frac{1}{n} \sum_{i=1}^n C_i"),
        (ROWS, r"Z^{(1)} = X W^{(1)} + b^{(1)}", r"(Z^2)^T = (A^1)^T (w^2)^T + (b^2)^T"),
        (
            ROWS,
            r"Z^{(l)}_{ij} = \sum_k A^{(l-1)}_{ik} W^{(l)}_{kj} + b^{(l)}_j",
            r"z^{i,l}_j = \sum_k a^{i,l-1}_k w^l_{jk} + b^l_j",
        ),
        (
            ROWS,
            r"\frac{\partial J}{\partial W^{(l)}} = {A^{(l-1)}}^{\mathsf{T}} \delta^{(l)}",
            r"(\frac{\partial J}{\partial w^l})^T = A^{l-1} (\Delta^l)^T",
        ),
        (BISHOP, r"a_j = \sum_i w_{ji} z_i", r"z^l_j = \sum_i w^l_{ji} a^{l-1}_i"),
        (BISHOP, r"\delta_k = y_k - t_k", r"\delta^L_k = a^L_k - y_k"),
        (
            BISHOP,
            r"\frac{\partial E_n}{\partial w^{(1)}_{ji}} = \delta^{(1)}_j x_i",
            r"\frac{\partial C_n}{\partial w^2_{ji}} = \delta^2_j a^1_i",
        ),
    ],
)
def test_a_dialect_is_read_into_the_chapters_notation(dialect, text, said):
    assert echo(text, dialect) == [said]


def test_what_was_taken_is_echoed():
    assert ROWS.echo()[:4] == ["notation: rows", "cost: J", "activation: g", "layers: (l)"]
    assert Dialect().echo() == ["notation: nielsen"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (r"\hat{Y} = A^{[L]}", r"A^L = A^L"),
        (r"\hat{y}^{(i)} = a^{[L](i)}", r"a^{i,L} = a^{i,L}"),
        (r"dZ^{[2]} = A^{[2]} - Y", r"\Delta^3 = A^3 - Y"),
        (
            r"dZ^{[l]} = W^{[l+1]T} dZ^{[l+1]} * g^{[l]\prime}(Z^{[l]})",
            r"\Delta^l = ((w^{l+1})^T \Delta^{l+1}) \odot \sigma_l'(Z^l)",
        ),
        (r"W^{[l]} := W^{[l]} - \alpha \, dW^{[l]}", r"w^l \leftarrow w^l - \alpha \frac{\partial J}{\partial w^l}"),
        (r"\mathcal{L}(\hat{y}, y) = -y \log \hat{y}", r"C = -y \ln(a^L)"),
        (r"da^{[L]} = -\frac{y}{a^{[L]}}", r"\nabla_a C = -\frac{y}{a^L}"),
    ],
)
def test_the_notation_of_ng(text, said):
    assert echo(text, NG) == [said]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (r"\delta_j = h'(a_j) \sum_k w_{kj} \delta_k", r"\delta^l_j = \sigma'(z^l_j) \sum_k w^{l+1}_{kj} \delta^{l+1}_k"),
        (r"z_j = h(a_j)", r"a^l_j = \sigma(z^l_j)"),
        (r"E = \sum_n \sum_k (y_k(\mathbf{x}_n) - t_{nk})^2", r"J = \sum_n \sum_k (a^{n,L}_k - y_k(n))^2"),
        (r"w_{j0} = \delta_j z_0", r"b^l_j = \delta^l_j \cdot 1"),
        (
            r"\frac{\partial y_k}{\partial x_i} = \sum_j w_{ji} \frac{\partial y_k}{\partial a_j}",
            r"\frac{\partial a^L_k}{\partial a^1_i} = \sum_j w^2_{ji} \frac{\partial a^L_k}{\partial z^2_j}",
        ),
        (r"E_n(\mathbf{w}) = \frac{1}{2} \sum_k (y_k - t_k)^2", r"C_n = \frac{1}{2} \sum_k (a^L_k - y_k)^2"),
    ],
)
def test_the_notation_of_bishop(text, said):
    assert echo(text, BISHOP) == [said]


@pytest.mark.parametrize(
    ("settings", "text", "said"),
    [
        ({"weights": "from-to"}, r"z^l_j = \sum_k w^l_{kj} a^{l-1}_k", r"z^l_j = \sum_k w^l_{jk} a^{l-1}_k"),
        ({"weights": "from-to"}, r"z^l = (w^l)^T a^{l-1}", r"z^l = w^l a^{l-1}"),
        ({"weights numbered": "leave"}, r"z^{l+1} = w^l a^l + b^l", r"z^{l+1} = w^{l+1} a^l + b^{l+1}"),
        ({"first layer": "0"}, r"a^1 = \sigma(w^1 a^0 + b^1)", r"a^2 = \sigma(w^2 a^1 + b^2)"),
        ({"layers": "_l"}, r"a_2 = \sigma(W_2 a_1 + b_2)", r"a^2 = \sigma(w^2 a^1 + b^2)"),
        ({"layers": "_l"}, r"a_{l,j} = \sum_k w_{l,jk}", r"a^l_j = \sum_k w^l_{jk}"),
        ({"weighted input": "net", "activations": "o"}, r"o^l_j = \sigma(net^l_j)", r"a^l_j = \sigma(z^l_j)"),
        ({"weighted input": "net"}, r"\text{net}^l_j = \mathrm{net}^l_j", r"z^l_j = z^l_j"),
        ({"weight": r"\omega", "bias": r"\theta"}, r"\omega^l_{jk} + \theta^l_j", r"w^l_{jk} + b^l_j"),
        ({"cost": r"\mathcal{L}", "activation": r"\varphi"}, r"\mathcal{L} = \varphi(z)", r"C = \sigma(z)"),
        ({"activation": "φ"}, r"\phi(z) + \varphi(z)", r"\sigma(z) + \sigma(z)"),
        ({"target": "t", "output": "o"}, r"o_j - t_j", r"a^L_j - y_j"),
        ({"cost": "J", "loss": "L"}, r"J = \frac{1}{m} \sum_x L_x", r"J = \frac{1}{n} \sum_x C_x"),
        ({"example": "p"}, r"\delta^{p,l}_j = y_j(p)", r"\delta^{p,l}_j = y_j(p)"),
    ],
)
def test_what_is_declared(settings, text, said):
    assert echo(text, Dialect.from_settings(settings)) == [said]


def test_plain_text_in_another_notation():
    dialect = Dialect.from_settings({"weighted input": "net", "activations": "o", "activation": "f"})
    assert echo("o[l,j] = f(sum(k, w[l,j,k] * o[l-1,k]) + b[l,j])", dialect, "plain") == [
        r"a^l_j = \sigma(\sum_k w^l_{jk} a^{l-1}_k + b^l_j)"
    ]


# -------------------------------------------------------------------------------------- what a document says by its formulas


def learned(text):
    return declared(Dialect(), find(text, "md").formulas)


def test_the_first_formulas_declare_their_letters():
    dialect, said = learned(
        r"""
$$a^l_j = \varphi\left(\sum_k w^l_{jk} a^{l-1}_k + b^l_j\right)$$
$$E = \frac12 \sum_j (t_j - a^L_j)^2$$
$$\frac{\partial E}{\partial w^l_{jk}} = a^{l-1}_k \delta^l_j$$
"""
    )
    assert (dialect.activation, dialect.target, dialect.cost) == ("phi", "t", "E")
    assert sorted(said) == ["activation: phi, from line 2", "cost: E, from line 4", "target: t, from line 3"]


def test_a_weighted_input_and_its_function():
    dialect, _ = learned(r"$$u^l = W^l a^{l-1} + b^l$$ $$a^l = f(u^l)$$ $$q^l = \frac{\partial C}{\partial u^l}$$")
    assert (dialect.weighted, dialect.activation, dialect.error) == ("u", "f", "q")


@pytest.mark.parametrize(
    "text",
    [
        r"$$\tilde{J} = J + 1$$ $$\frac{\partial \tilde{J}}{\partial w^l} = 1$$",  # the cost has its letter, and this is another
        r"$$a^l = f(z^l)$$ $$a^l = g(z^l)$$",  # two for one place
        r"$$a^l = \sigma(z^l)$$ $$a^l = g(z^l)$$",
        r"$$q = 3$$ $$s_j t_j = 1$$",
        r"$$\foo$$ $$\left( $$",
    ],
)
def test_what_is_not_clear_is_not_taken(text):
    assert learned(text) == (Dialect(), [])
