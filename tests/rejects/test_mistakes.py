"""Wrong equations, each planted by replacing one function of CHAPTER: the suite's own comparison catches every one.

All layers have three neurons, so that no shape gives a mistake away; and it is caught where it acts and nowhere else.
"""

from dataclasses import replace

import numpy as np
import pytest
from comparison import compare

from backprop_ref import matrix
from backprop_ref.gradient import Gradient
from backprop_ref.matrix import CHAPTER, backprop, backprop_batch
from backprop_ref.network import Network

NETWORK = Network.random([3, 3, 3, 3], ["tanh", "softplus", "sigmoid"], seed=1)
X, Y = np.random.default_rng(2).uniform(-1, 1, (2, 4, 3))

EVERYTHING = {f"{part}^{l}" for part in ("dC/dw", "dC/db", "delta") for l in (2, 3, 4)}
BELOW = {name for name in EVERYTHING if not name.endswith("4")}
W, B, DELTA = ({f"{part}^{l}" for l in (2, 3, 4)} for part in ("dC/dw", "dC/db", "delta"))


def sigma_prime(p, l, z):
    return p.sigma_prime[l](z)


def no_biases(p):
    for l in p.layers:
        p.z[l] = p.w[l] @ p.a[l - 1]
        p.a[l] = p.sigma[l](p.z[l])


def transposed_forward(p):
    for l in p.layers:
        p.z[l] = p.w[l].T @ p.a[l - 1] + p.b[l][:, None]
        p.a[l] = p.sigma[l](p.z[l])


def in_nabla_w(change):
    return lambda p, g: Gradient({l: change(p, l, v) for l, v in g.nabla_w.items()}, g.nabla_b, g.delta)


def in_nabla_b(change):
    return lambda p, g: Gradient(g.nabla_w, {l: change(p, l, v) for l, v in g.nabla_b.items()}, g.delta)


def in_delta(change):
    return lambda p, g: Gradient(g.nabla_w, g.nabla_b, {l: change(p, l, v) for l, v in g.delta.items()})


def everywhere(change):
    return lambda p, g: Gradient(*({l: change(v) for l, v in layers.items()} for layers in (g.nabla_w, g.nabla_b, g.delta)))


def swapped(p, g):
    return Gradient({2: g.nabla_w[3], 3: g.nabla_w[2], 4: g.nabla_w[4]}, g.nabla_b, g.delta)


def one_entry(p, l, nabla_w):
    moved = nabla_w.copy()
    moved[0, 1] *= 1 + 1e-12 * (l == 2)
    return moved


MISTAKES = {
    # BP1
    "BP1: sigma' missing": (replace(CHAPTER, bp1=lambda p: p.nabla_a_C(p.a[4], p.y)), EVERYTHING),
    "BP1: sigma' at a": (replace(CHAPTER, bp1=lambda p: p.nabla_a_C(p.a[4], p.y) * sigma_prime(p, 4, p.a[4])), EVERYTHING),
    "BP1: sigma for sigma'": (replace(CHAPTER, bp1=lambda p: p.nabla_a_C(p.a[4], p.y) * p.sigma[4](p.z[4])), EVERYTHING),
    "BP1: nabla_a C at z": (replace(CHAPTER, bp1=lambda p: p.nabla_a_C(p.z[4], p.y) * sigma_prime(p, 4, p.z[4])), EVERYTHING),
    "BP1: y - a": (replace(CHAPTER, bp1=lambda p: -matrix.bp1(p)), EVERYTHING),
    "BP1: the 2 of the square kept": (replace(CHAPTER, bp1=lambda p: 2 * matrix.bp1(p)), EVERYTHING),
    "BP1: y of the next example": (
        replace(CHAPTER, bp1=lambda p: p.nabla_a_C(p.a[4], np.roll(p.y, 1, axis=1)) * sigma_prime(p, 4, p.z[4])),
        EVERYTHING,
    ),
    # BP2
    "BP2: w not transposed": (
        replace(CHAPTER, bp2=lambda p, l: (p.w[l + 1] @ p.delta[l + 1]) * sigma_prime(p, l, p.z[l])),
        BELOW,
    ),
    "BP2: sigma' missing": (replace(CHAPTER, bp2=lambda p, l: p.w[l + 1].T @ p.delta[l + 1]), BELOW),
    "BP2: sigma' at a": (
        replace(CHAPTER, bp2=lambda p, l: (p.w[l + 1].T @ p.delta[l + 1]) * sigma_prime(p, l, p.a[l])),
        BELOW,
    ),
    "BP2: sigma' of the layer above": (
        replace(CHAPTER, bp2=lambda p, l: (p.w[l + 1].T @ p.delta[l + 1]) * sigma_prime(p, l + 1, p.z[l + 1])),
        BELOW,
    ),
    "BP2: sigma' of the first example for all": (
        replace(CHAPTER, bp2=lambda p, l: (p.w[l + 1].T @ p.delta[l + 1]) * sigma_prime(p, l, p.z[l][:, :1])),
        BELOW,
    ),
    "BP2: sigma' twice": (
        replace(CHAPTER, bp2=lambda p, l: matrix.bp2(p, l) * sigma_prime(p, l, p.z[l])),
        BELOW,
    ),
    "BP2: w of this layer": (
        replace(CHAPTER, bp2=lambda p, l: (p.w[l].T @ p.delta[l + 1]) * sigma_prime(p, l, p.z[l])),
        BELOW,
    ),
    "BP2: nabla_a C passed down": (
        replace(CHAPTER, bp2=lambda p, l: (p.w[l + 1].T @ p.nabla_a_C(p.a[4], p.y)) * sigma_prime(p, l, p.z[l])),
        BELOW,
    ),
    "BP2: delta^L passed down": (
        replace(CHAPTER, bp2=lambda p, l: (p.w[l + 1].T @ p.delta[4]) * sigma_prime(p, l, p.z[l])),
        BELOW - {"dC/dw^3", "dC/db^3", "delta^3"},
    ),
    # BP3
    "BP3: summed over the neurons": (replace(CHAPTER, bp3=lambda p, l: np.full(3, p.delta[l].sum())), B),
    "BP3: last example dropped": (replace(CHAPTER, bp3=lambda p, l: p.delta[l][:, :-1].sum(axis=1)), B),
    "BP3: times a": (replace(CHAPTER, bp3=lambda p, l: (p.delta[l] * p.a[l]).sum(axis=1)), B),
    "BP3: none in layer L": (replace(CHAPTER, bp3=lambda p, l: matrix.bp3(p, l) * (l < 4)), {"dC/db^4"}),
    # BP4
    "BP4: a of this layer": (replace(CHAPTER, bp4=lambda p, l: p.delta[l] @ p.a[l].T), W),
    "BP4: z instead of a": (
        replace(CHAPTER, bp4=lambda p, l: p.delta[l] @ (p.z[l - 1] if l > 2 else p.a[1]).T),
        W - {"dC/dw^2"},
    ),
    "BP4: transposed": (replace(CHAPTER, bp4=lambda p, l: p.a[l - 1] @ p.delta[l].T), W),
    "BP4: last example dropped": (replace(CHAPTER, bp4=lambda p, l: p.delta[l][:, :-1] @ p.a[l - 1][:, :-1].T), W),
    "BP4: examples mixed up": (replace(CHAPTER, bp4=lambda p, l: p.delta[l][:, ::-1] @ p.a[l - 1].T), W),
    # the mean, the forward pass, what leaves
    "mean: 1/n missing": (replace(CHAPTER, average=lambda p, total: total), W | B),
    "mean: 1/n twice": (replace(CHAPTER, average=lambda p, total: total / p.m**2), W | B),
    "mean: 1/(n - 1)": (replace(CHAPTER, average=lambda p, total: total / (p.m - 1)), W | B),
    "forward: b missing": (replace(CHAPTER, forward=no_biases), EVERYTHING),
    "forward: w transposed": (replace(CHAPTER, forward=transposed_forward), EVERYTHING),
    "finish: sign": (replace(CHAPTER, finish=lambda p, g: -1 * g), EVERYTHING),
    "finish: in float32": (replace(CHAPTER, finish=everywhere(lambda v: v.astype(np.float32))), EVERYTHING),
    "finish: clipped": (replace(CHAPTER, finish=in_nabla_w(lambda p, l, v: np.clip(v, -1e-3, 1e-3))), W),
    "finish: weight decay": (replace(CHAPTER, finish=in_nabla_w(lambda p, l, v: v + 1e-9 * p.w[l])), W),
    "finish: nabla_b doubled": (replace(CHAPTER, finish=in_nabla_b(lambda p, l, v: 2 * v)), B),
    "finish: delta divided by n": (replace(CHAPTER, finish=in_delta(lambda p, l, v: v / p.m)), DELTA),
    "finish: two layers swapped": (replace(CHAPTER, finish=swapped), {"dC/dw^2", "dC/dw^3"}),
    "finish: one entry off by 1e-12": (replace(CHAPTER, finish=in_nabla_w(one_entry)), {"dC/dw^2"}),
}


def equations(mistake):
    return MISTAKES[mistake][0]


def test_the_chapter_itself_is_accepted():
    assert compare(backprop_batch(NETWORK, X, Y), NETWORK, X, Y).wrong == ()


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_caught_where_it_acts_and_nowhere_else(mistake):
    wrong_equations, where = MISTAKES[mistake]
    assert compare(backprop_batch(NETWORK, X, Y, wrong_equations), NETWORK, X, Y).parts() == where


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("seed", range(5))
def test_a_mistake_is_caught_on_any_network(mistake, seed):
    network = Network.random([3, 3, 3, 3], ["sigmoid", "tanh", "silu"], seed=seed)
    assert compare(backprop_batch(network, X, Y, equations(mistake)), network, X, Y).wrong != ()


def test_the_entry_is_named_with_what_was_claimed_and_what_it_is():
    (sentence,) = compare(backprop_batch(NETWORK, X, Y, equations("finish: one entry off by 1e-12")), NETWORK, X, Y).wrong
    assert sentence.startswith("dC/dw^2_12: claimed ")


def test_a_softmax_layer_without_the_rest_of_its_jacobian_is_caught():
    network = Network.random([3, 3, 3], ["tanh", "softmax"], "quadratic", seed=3)
    diagonal = replace(CHAPTER, bp1=lambda p: p.nabla_a_C(p.a[3], p.y) * np.einsum("jj...->j...", p.sigma_prime[3](p.z[3])))
    assert compare(backprop_batch(network, X, Y), network, X, Y).wrong == ()
    assert compare(backprop_batch(network, X, Y, diagonal), network, X, Y).parts() == BELOW  # here L = 3


def test_a_missing_array_and_a_wrong_shape_are_caught():
    g = backprop_batch(NETWORK, X, Y)
    short = Gradient({l: v for l, v in g.nabla_w.items() if l > 2}, {l: v[:1] for l, v in g.nabla_b.items()}, g.delta)
    assert compare(short, NETWORK, X, Y).wrong == (
        "nabla_w[2] has shape None, and (3, 3) is needed",
        *(f"nabla_b[{l}] has shape (1,), and (3,) is needed" for l in (2, 3, 4)),
    )


def test_biases_claimed_where_there_are_none_are_caught():
    none = Network.from_arrays([np.eye(3)], None, "linear")
    claimed = replace(backprop_batch(none, X, Y), nabla_b={2: np.zeros(3)})
    assert compare(claimed, none, X, Y).wrong == ("nabla_b[2] is too many",)


def test_nan_is_caught():
    nothing = replace(CHAPTER, finish=everywhere(lambda v: v * np.nan))
    assert compare(backprop_batch(NETWORK, X, Y, nothing), NETWORK, X, Y).parts() == EVERYTHING


# Networks that hide a mistake: there it changes nothing, and the comparison must not cry wolf.


def hidden(mistake, network, X=X, Y=Y):
    return compare(backprop_batch(network, X, Y, equations(mistake)), network, X, Y).wrong == ()


def symmetric(activations):
    w = [v + v.T for v in NETWORK.w.values()]
    return Network.from_arrays(w, list(NETWORK.b.values()), activations)


def test_a_symmetric_w_hides_a_missing_transpose():
    assert hidden("BP2: w not transposed", symmetric("tanh"))
    assert hidden("forward: w transposed", symmetric("tanh"))


def test_linear_neurons_hide_what_is_done_with_sigma():
    linear = Network.random([3, 3, 3, 3], "linear", seed=1)
    for mistake in ("BP1: sigma' missing", "BP1: sigma' at a", "BP1: nabla_a C at z", "BP2: sigma' missing", "BP2: sigma' at a"):
        assert hidden(mistake, linear)
    for mistake in ("BP2: sigma' of the layer above", "BP2: sigma' twice", "BP4: z instead of a"):
        assert hidden(mistake, linear)


def test_a_relu_has_the_same_slope_at_a_as_at_z():
    relu = Network.random([3, 3, 3, 3], "relu", seed=1)
    assert hidden("BP1: sigma' at a", relu)
    assert hidden("BP2: sigma' at a", relu)
    assert not hidden("BP2: sigma' missing", relu)


def test_a_single_example_hides_what_is_done_with_the_mean():
    for mistake in ("mean: 1/n missing", "mean: 1/n twice", "finish: delta divided by n", "BP4: examples mixed up"):
        assert hidden(mistake, NETWORK, X[:1], Y[:1])
    assert hidden("BP2: sigma' of the first example for all", NETWORK, X[:1], Y[:1])
    assert not hidden("mean: 1/n missing", NETWORK, X[:2], Y[:2])


def test_two_layers_hide_every_mistake_in_bp2():
    shallow = Network.random([3, 3], "tanh", seed=1)
    of_bp2 = [m for m in MISTAKES if m.startswith("BP2")]
    assert len(of_bp2) == 9
    assert all(hidden(mistake, shallow) for mistake in of_bp2)


def test_a_gradient_of_zero_hides_its_sign():
    linear = Network.from_arrays([np.eye(3), np.eye(3), np.eye(3)], None, "linear")
    assert hidden("finish: sign", linear, X, X)
    assert not hidden("finish: sign", linear, X, Y)


def test_biases_of_zero_hide_that_they_are_missing_from_the_forward_pass():
    assert hidden("forward: b missing", Network.from_arrays(list(NETWORK.w.values()), None, "tanh"))


def test_one_example_is_compared_as_well_as_a_batch():
    x, y = X[0], Y[0]
    assert compare(backprop(NETWORK, x, y), NETWORK, x, y).wrong == ()
    assert compare(backprop(NETWORK, x, y, equations("BP2: sigma' missing")), NETWORK, x, y).parts() == BELOW
