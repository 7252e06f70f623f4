"""A tree as text: like the book, with the brackets that the reader needs and no others."""

from fractions import Fraction

import pytest

from backprop_ref.derivation.notation import write
from backprop_ref.derivation.notation.dialects import Dialect
from backprop_ref.derivation.notation.reader import read
from backprop_ref.derivation.notation.tree import (
    ALL,
    EXAMPLES,
    Add,
    Apply,
    Identity,
    Kronecker,
    Layer,
    Negative,
    Norm,
    Number,
    Ones,
    Partial,
    Power,
    Product,
    Quantity,
    Quotient,
    Repeat,
    Size,
    Sum,
    SumOver,
    Transpose,
    Variable,
)

l, L, p = Layer("l"), Layer("L"), Layer("p")
C, J = Quantity("C"), Quantity("J")
ONE, TWO = Number(Fraction(1)), Number(Fraction(2))
HALF = Number(Fraction(1, 2))
Z, ETA = Variable("z"), Variable("eta")


def quantity(letter):
    return lambda layer, *indices, example=None: Quantity(letter, layer, indices, example)


w, b, z, a, delta = map(quantity, ("w", "b", "z", "a", "delta"))


def y(*indices, example=None):
    return Quantity("y", L, indices, example)


def times(*factors, kind="plain"):
    return Product(factors, kind)


def plus(*terms):
    return Add(terms)


def sigma(argument, order=0, layer=None):
    return Apply("sigma", argument, order, layer)


def minus(first, second):
    return plus(first, Negative(second))


SLOPES = Apply("diag", sigma(z(L), 1))
PATH = Repeat("p", Partial(a(p + 1, "<"), a(p, ">")), L + -1, l, "m", "j")
UNROLLED = Repeat("p", times(Apply("diag", sigma(z(p), 1)), Transpose(w(p + 1))), l, L + -1)
BELOW = times(w(l + 1, "k", "j"), delta(l + 1, "k"))

BOOK = [
    # BP1 to BP4, and the lines of their proofs
    (Partial(C, w(l, "j", "k")), r"\frac{\partial C}{\partial w^l_{jk}}", "dC/dw[l,j,k]"),
    (times(a(l + -1, "k"), delta(l, "j")), r"a^{l-1}_k \delta^l_j", "a[l-1,k] * delta[l,j]"),
    (times(Partial(C, a(L)), sigma(z(L), 1), kind="hadamard"), r"\nabla_a C \odot \sigma'(z^L)", "∇_a C ⊙ sigma'(z[L])"),
    (times(SLOPES, Partial(C, a(L))), r"\Sigma'(z^L) \nabla_a C", "Sigma'(z[L]) @ ∇_a C"),
    (
        times(times(Transpose(w(l + 1)), delta(l + 1)), sigma(z(l), 1), kind="hadamard"),
        r"((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^l)",
        "(w[l+1]ᵀ @ delta[l+1]) ⊙ sigma'(z[l])",
    ),
    (
        Sum("k", times(w(l + 1, "k", "j"), delta(l + 1, "k"), sigma(z(l, "j"), 1))),
        r"\sum_k w^{l+1}_{kj} \delta^{l+1}_k \sigma'(z^l_j)",
        "sum(k, w[l+1,k,j] * delta[l+1,k] * sigma'(z[l,j]))",
    ),
    (
        times(Sum("k", BELOW), sigma(z(l, "j"), 1)),
        r"(\sum_k w^{l+1}_{kj} \delta^{l+1}_k) \sigma'(z^l_j)",
        "sum(k, w[l+1,k,j] * delta[l+1,k]) * sigma'(z[l,j])",
    ),
    (
        times(sigma(z(l, "j"), 1), Sum("k", BELOW)),
        r"\sigma'(z^l_j) \sum_k w^{l+1}_{kj} \delta^{l+1}_k",
        "sigma'(z[l,j]) * sum(k, w[l+1,k,j] * delta[l+1,k])",
    ),
    (
        sigma(plus(Sum("k", times(w(l, "j", "k"), a(l + -1, "k")), l + -1), b(l, "j"))),
        r"\sigma(\sum_{k=1}^{n_{l-1}} w^l_{jk} a^{l-1}_k + b^l_j)",
        "sigma(sum(k=1..n[l-1], w[l,j,k] * a[l-1,k]) + b[l,j])",
    ),
    (times(delta(l), Transpose(a(l + -1))), r"\delta^l (a^{l-1})^T", "delta[l] @ a[l-1]ᵀ"),
    (times(Kronecker("i", "j"), a(l + -1, "k")), "[i = j] a^{l-1}_k", "[i = j] * a[l-1,k]"),
    (
        Partial(plus(Sum("i", times(w(l + 1, "k", "i"), sigma(z(l, "i")))), b(l + 1, "k")), z(l, "j")),
        r"\frac{\partial}{\partial z^l_j} (\sum_i w^{l+1}_{ki} \sigma(z^l_i) + b^{l+1}_k)",
        "∂(sum(i, w[l+1,k,i] * sigma(z[l,i])) + b[l+1,k])/∂z[l,j]",
    ),
    # costs, averages and steps
    (
        times(HALF, Sum("j", Power(minus(y("j"), a(L, "j")), TWO))),
        r"\frac{1}{2} \sum_j (y_j - a^L_j)^2",
        "1/2 * sum(j, (y[j] - a[L,j])^2)",
    ),
    (times(HALF, Power(Norm(minus(y(), a(L))), TWO)), r"\frac{1}{2} \|y - a^L\|^2", "1/2 * norm(y - a[L])^2"),
    (
        Negative(Sum("j", plus(times(y("j"), Apply("log", a(L, "j"))), times(minus(ONE, y("j")), ETA)))),
        r"-\sum_j (y_j \ln(a^L_j) + (1 - y_j) \eta)",
        "-sum(j, y[j] * log(a[L,j]) + (1 - y[j]) * eta)",
    ),
    (
        times(Quotient(ONE, Size(EXAMPLES)), Sum("x", times(delta(l, example="x"), Transpose(a(l + -1, example="x"))))),
        r"\frac{1}{n} \sum_x \delta^{x,l} (a^{x,l-1})^T",
        "1/n * sum(x, delta[x,l] @ a[x,l-1]ᵀ)",
    ),
    (
        minus(w(l), times(Quotient(ETA, Size(EXAMPLES)), Sum("x", delta(l, example="x")))),
        r"w^l - \frac{\eta}{n} \sum_x \delta^{x,l}",
        "w[l] - eta/n * sum(x, delta[x,l])",
    ),
    (Partial(Quantity("C", example="x"), b(l, "j")), r"\frac{\partial C_x}{\partial b^l_j}", "dC[x]/db[l,j]"),
    (Partial(Quantity("C", example="x"), a(L, example="x")), r"\nabla_a C_x", "∇_a C[x]"),
    (Partial(J, a(L)), r"\frac{\partial J}{\partial a^L}", "dJ/da[L]"),
    (times(y("j", example="x"), y(example="x")), "y_j(x) y(x)", "y[j](x) * y(x)"),
    (
        plus(times(w(l), a(l + -1, example=ALL)), times(b(l), Transpose(Ones(EXAMPLES)))),
        r"w^l A^{l-1} + b^l \mathbf{1}_n^T",
        "w[l] @ A[l-1] + b[l] @ onesᵀ",
    ),
    (
        SumOver(z(l, example=ALL), "examples"),
        r"\operatorname{np.sum}(Z^l, axis=1, keepdims=True)",
        "np.sum(Z[l], axis=1, keepdims=True)",
    ),
    (
        SumOver(z(l, example=ALL), "neurons"),
        r"\operatorname{np.sum}(Z^l, axis=0, keepdims=True)",
        "np.sum(Z[l], axis=0, keepdims=True)",
    ),
    # functions
    (Quotient(ONE, plus(ONE, Apply("exp", Negative(Z)))), r"\frac{1}{1 + e^{-z}}", "1/(1 + exp(-z))"),
    (Power(sigma(z(l, "j")), TWO), r"\sigma(z^l_j)^2", "sigma(z[l,j])^2"),
    (sigma(z(l), 1, l), r"\sigma_l'(z^l)", "sigma[l]'(z[l])"),
    (Apply("max0", Z), r"\max(0, z)", "max(0, z)"),
    (times(Apply("tanh", Z), Apply("sqrt", Z), Apply("abs", Z)), r"\tanh(z) \sqrt{z} |z|", "tanh(z) * sqrt(z) * abs(z)"),
    (Apply("diag", sigma(z(l), 2)), r"\operatorname{diag}(\sigma''(z^l))", "diag(sigma''(z[l]))"),
    (times(Identity(), Ones(l), Size(l + 1)), r"I \mathbf{1}_l n_{l+1}", "I @ ones[l] * n[l+1]"),
    # neurons and letters
    (w(l, 10, 2), "w^l_{10,2}", "w[l,10,2]"),
    (w(l, "m1", "k'"), "w^l_{m_1,k'}", "w[l,m1,k']"),
    # dots
    (
        times(UNROLLED, SLOPES, Partial(C, a(L))),
        r"\Sigma'(z^l) (w^{l+1})^T \ldots \Sigma'(z^{L-1}) (w^L)^T \Sigma'(z^L) \nabla_a C",
        "Sigma'(z[l]) @ w[l+1]ᵀ @ ... @ Sigma'(z[L-1]) @ w[L]ᵀ @ Sigma'(z[L]) @ ∇_a C",
    ),
    (
        Sum("m", times(Partial(C, a(L, "m")), PATH, Partial(a(l, "j"), w(l, "j", "k")))),
        r"\sum_{m,p,\ldots,q} \frac{\partial C}{\partial a^L_m} \frac{\partial a^L_m}{\partial a^{L-1}_p} \ldots "
        r"\frac{\partial a^{l+1}_q}{\partial a^l_j} \frac{\partial a^l_j}{\partial w^l_{jk}}",
        "sum(m,p,...,q, dC/da[L,m] * da[L,m]/da[L-1,p] * ... * da[l+1,q]/da[l,j] * da[l,j]/dw[l,j,k])",
    ),
    (
        Negative(PATH),
        r"-\sum_{p,\ldots,q} \frac{\partial a^L_m}{\partial a^{L-1}_p} \ldots \frac{\partial a^{l+1}_q}{\partial a^l_j}",
        "-sum(p,...,q, da[L,m]/da[L-1,p] * ... * da[l+1,q]/da[l,j])",
    ),
    (
        Repeat("p", Sum("p", times(w(p, "<", "p"), Kronecker("p", ">"), Size(p + -1), sigma(ETA, 1, p))), l, L, "m", "j"),
        r"\sum_{q,\ldots,r} (\sum_p w^l_{mp} [p = q] n_{l-1} \sigma_l'(\eta)) \ldots "
        r"(\sum_p w^L_{rp} [p = j] n_{L-1} \sigma_L'(\eta))",
        "sum(q,...,r, sum(p, w[l,m,p] * [p = q] * n[l-1] * sigma[l]'(eta)) * ... * "
        "sum(p, w[L,r,p] * [p = j] * n[L-1] * sigma[L]'(eta)))",
    ),
]

ECHO = [  # written, but not read again
    (Partial(C, delta(l, example=ALL)), r"\frac{\partial C}{\partial \Delta^l}", "dC/dDelta[l]"),
    (sigma(Z, 4), r"\sigma^{(4)}(z)", "sigma''''(z)"),
    (times(w(Layer("", 3), 2, 4), a(Layer("", 2), 4)), "w^3_{24} a^2_4", "w[3,2,4] * a[2,4]"),
    (Variable("Delta z"), r"\Delta z", "Delta z"),
]

X, Y_ = Variable("u"), Variable("v")
BRACKETS = [
    (minus(X, plus(X, Y_)), "u - (u + v)", "u - (u + v)"),
    (plus(plus(X, Y_), X), "(u + v) + u", "(u + v) + u"),
    (plus(X, plus(X, Y_)), "u + (u + v)", "u + (u + v)"),
    (plus(Negative(X), Negative(Y_)), "-u - v", "-u - v"),
    (Negative(Negative(X)), "-(-u)", "-(-u)"),
    (Negative(plus(X, Y_)), "-(u + v)", "-(u + v)"),
    (times(Negative(X), Y_), "(-u) v", "(-u) * v"),
    (times(X, plus(X, Y_)), "u (u + v)", "u * (u + v)"),
    (times(X, times(X, Y_)), "u (u v)", "u * (u * v)"),
    (times(times(X, Y_), X), "(u v) u", "(u * v) * u"),
    (times(X, Y_, kind="dot"), r"u \cdot v", "u · v"),
    (times(times(X, Y_, kind="dot"), X), r"(u \cdot v) u", "(u · v) * u"),
    (times(times(X, Y_), X, kind="dot"), r"(u v) \cdot u", "(u * v) · u"),
    (times(Sum("k", X), Y_, kind="hadamard"), r"(\sum_k u) \odot v", "sum(k, u) ⊙ v"),
    (Sum("j", Sum("k", X)), r"\sum_j \sum_k u", "sum(j, sum(k, u))"),
    (Sum("j", times(X, Y_, kind="hadamard")), r"\sum_j (u \odot v)", "sum(j, u ⊙ v)"),
    (plus(Sum("j", X), Y_), r"\sum_j u + v", "sum(j, u) + v"),
    (times(TWO, Number(Fraction(3)), X), r"2 \cdot 3 u", "2 * 3 * u"),
    (times(X, HALF), r"u \frac{1}{2}", "u * (1/2)"),
    (minus(Negative(X), HALF), r"-u - \frac{1}{2}", "-u - 1/2"),
    (plus(X, Number(Fraction(-1, 2))), r"u - \frac{1}{2}", "u - 1/2"),
    (times(Number(Fraction(-1)), X), "(-1) u", "(-1) * u"),
    (Quotient(Quotient(X, Y_), Quotient(Y_, X)), r"\frac{\frac{u}{v}}{\frac{v}{u}}", "(u/v)/(v/u)"),
    (Quotient(plus(X, Y_), Y_), r"\frac{u + v}{v}", "(u + v)/v"),
    (Power(HALF, TWO), r"(\frac{1}{2})^2", "(1/2)^2"),
    (Power(a(L, "j"), TWO), "(a^L_j)^2", "a[L,j]^2"),
    (Power(y("j"), plus(X, Y_)), "y_j^{u + v}", "y[j]^(u + v)"),
    (Power(Power(X, TWO), TWO), "(u^2)^2", "(u^2)^2"),
    (Power(Negative(X), TWO), "(-u)^2", "(-u)^2"),
    (Power(C, TWO), "C^2", "C^2"),
    (Transpose(times(w(l), a(l))), "(w^l a^l)^T", "(w[l] @ a[l])ᵀ"),
    (Transpose(y()), "y^T", "yᵀ"),
    (times(Partial(plus(X, Y_), Z), X), r"(\frac{\partial}{\partial z} (u + v)) u", "∂(u + v)/∂z * u"),
    (Partial(sigma(Z), Z), r"\frac{\partial \sigma(z)}{\partial z}", "∂(sigma(z))/∂z"),
    (
        Partial(Partial(C, z(l, "j")), b(l, "k")),
        r"\frac{\partial}{\partial b^l_k} (\frac{\partial C}{\partial z^l_j})",
        "∂(dC/dz[l,j])/∂b[l,k]",
    ),
]


@pytest.mark.parametrize(("tree", "latex", "plain"), BOOK + ECHO + BRACKETS, ids=[case[2] for case in BOOK + ECHO + BRACKETS])
def test_a_tree_reads_like_the_book(tree, latex, plain):
    assert write.latex(tree) == latex
    assert write.plain(tree) == plain


@pytest.mark.parametrize(("tree", "latex", "plain"), BOOK, ids=[case[2] for case in BOOK])
@pytest.mark.parametrize("syntax", ["latex", "plain"])
def test_what_is_written_is_read_as_the_same_tree(tree, latex, plain, syntax):
    (part,) = read(latex if syntax == "latex" else plain, syntax, Dialect())
    assert part.problem is None
    assert part.chain.sides == (tree,)


def test_depth_is_no_matter():
    tree = Z
    for _ in range(10_000):
        tree = Negative(tree)
    assert write.latex(tree) == "-(" * 9_999 + "-z" + ")" * 9_999
