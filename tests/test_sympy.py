"""A third opinion on the chapter's lines: SymPy, with sigma and C left as unknown functions, on a 2-2-2 network."""

from functools import cache
from itertools import product

import pytest
import sympy

from backprop_ref.derivation.given import Given
from backprop_ref.derivation.notation.dialects import Dialect
from backprop_ref.derivation.notation.reader import read
from backprop_ref.derivation.notation.tree import (
    Apply,
    Kronecker,
    Layer,
    Negative,
    Number,
    Partial,
    Product,
    Quantity,
    Sum,
    descendants,
)
from backprop_ref.derivation.prover import prove
from backprop_ref.derivation.verdicts import Proof

L, N = 3, (1, 2)
sigma, cost, h = sympy.Function("sigma"), sympy.Function("C"), sympy.Symbol("h")


@cache
def forward(moved=None):
    """z and a of every neuron; moved: (letter, layer, indices) of what h is added to."""

    def at(letter, l, *i):
        return h if moved == (letter, l, i) else 0

    def symbol(letter, l, *i):
        return sympy.Symbol(f"{letter}{l}_{''.join(map(str, i))}") + at(letter, l, *i)

    a = {(1, j): symbol("x", 1, j) for j in N}
    z, w, b = {}, {}, {}
    for l in (2, L):
        for j in N:
            w |= {(l, j, k): symbol("w", l, j, k) for k in N}
            b[l, j] = symbol("b", l, j)
            z[l, j] = sum(w[l, j, k] * a[l - 1, k] for k in N) + b[l, j] + at("z", l, j)
            a[l, j] = sigma(z[l, j]) + at("a", l, j)
    return {"z": z, "a": a, "w": w, "b": b}


def value(node, env, l, moved=None):
    """A tree as an expression; a partial is what changes when h is added to what it is taken by."""

    def layer(p: Layer):
        return p.offset + {"l": l, "L": L, "": 0}[p.base]

    match node:
        case Number(v):
            return sympy.Rational(v.numerator, v.denominator)
        case Quantity("C"):
            return cost(*(forward(moved)["a"][L, j] for j in N))
        case Quantity("delta", p, (j,)):
            return partial(Quantity("C"), ("z", layer(p), (env[j],)), env, l)
        case Quantity(letter, p, indices):
            return forward(moved)[letter][(layer(p), *(env[i] for i in indices))]
        case Sum(i, body):
            return sum(value(body, {**env, i: n}, l, moved) for n in N)
        case Product(factors):
            return sympy.prod(value(f, env, l, moved) for f in factors)
        case Negative(body):
            return -value(body, env, l, moved)
        case Kronecker(i, j):
            return sympy.Integer(env[i] == env[j])
        case Apply("sigma", argument, order):
            t = sympy.Dummy()
            return (
                sigma(t).diff(t, order).subs(t, value(argument, env, l, moved)).doit()
                if order
                else sigma(value(argument, env, l))
            )
        case Partial(of, by):
            return partial(of, (by.letter, layer(by.layer), tuple(env[i] for i in by.indices)), env, l)
    raise TypeError(node)


def partial(of, what, env, l):
    return value(of, env, l, what).diff(h).subs(h, 0).doit()


@pytest.mark.parametrize(
    ("line", "layers"),
    [
        (
            r"\frac{\partial C}{\partial z^L_j} = \sum_k \frac{\partial C}{\partial a^L_k} \frac{\partial a^L_k}{\partial z^L_j}",
            [2],
        ),
        (r"\delta^L_j = \frac{\partial C}{\partial a^L_j} \sigma'(z^L_j)", [2]),
        (r"\frac{\partial z^{l+1}_k}{\partial z^l_j} = w^{l+1}_{kj} \sigma'(z^l_j)", [2]),
        (r"\delta^l_j = \sum_k w^{l+1}_{kj} \delta^{l+1}_k \sigma'(z^l_j)", [2]),
        (r"\frac{\partial C}{\partial b^l_j} = \delta^l_j", [2, 3]),
        (r"\frac{\partial C}{\partial w^l_{jk}} = a^{l-1}_k \delta^l_j", [2, 3]),
        (r"\frac{\partial z^l_i}{\partial w^l_{jk}} = [i = j] a^{l-1}_k", [2, 3]),
    ],
)
def test_sympy_agrees_with_the_proof(line, layers):
    (part,) = read(line, "latex", Dialect())
    left, right = part.chain.sides
    assert isinstance(prove(left, right, Given()), Proof)
    names = sorted({i for side in (left, right) for n in descendants(side) if isinstance(n, Quantity) for i in n.indices})
    for l, places in product(layers, product(N, repeat=len(names))):
        env = dict(zip(names, places, strict=True))
        assert sympy.expand((value(left, env, l) - value(right, env, l)).doit()) == 0


def test_sympy_refutes_what_the_prover_does_not_prove():
    (part,) = read(r"\delta^l_j = \sum_k w^{l+1}_{kj} \delta^{l+1}_k", "latex", Dialect())
    left, right = part.chain.sides
    assert not isinstance(prove(left, right, Given()), Proof)
    assert sympy.expand((value(left, {"j": 1}, 2) - value(right, {"j": 1}, 2)).doit()) != 0
