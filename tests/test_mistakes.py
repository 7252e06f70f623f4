"""The catalogue of wrong equations: its language, each mistake where it shows and where it hides, and a few by hand."""

import ast
import re

import numpy as np
import pytest

from backprop_ref import matrix
from backprop_ref.errors import UnknownName, ValueRefused
from backprop_ref.gate import expressions, planting
from backprop_ref.gate.bounds import rounding
from backprop_ref.gate.expressions import DoesNotRun, NoSuchLayer, evaluate, letters_of, read
from backprop_ref.gate.mistakes import COMMON, MISTAKES, hidden, mistake, smallest
from backprop_ref.gate.planting import LEFT, RIGHT, Probe, chapter_in_text, unseen
from backprop_ref.gradient import Gradient
from backprop_ref.network import Network

NAMES = [m.name for m in MISTAKES]


def batch(network, m, seed=0):
    rng = np.random.default_rng(seed)
    Y = rng.uniform(0.1, 0.9, (m, network.n[network.L]))
    return rng.standard_normal((m, network.n[1])), Y / Y.sum(axis=1, keepdims=True)


def names(found):
    return [u.mistake.name for u in found]


# --------------------------------------------------------------------------------------------------------- the language


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(
    ("sizes", "sigma", "cost"),
    [
        ([2, 1], "tanh", "quadratic"),
        ([5, 4, 3], "sigmoid", "cross_entropy"),
        ([5, 4, 3], ["relu", "softmax"], "log_likelihood"),
        ([5, 4, 3], ["gelu", "softmax"], "quadratic"),
        ([3, 6, 2, 5, 4], ["tanh", "leaky_relu", "softplus", "sigmoid"], "mean_squared_error"),
    ],
)
def test_the_chapter_read_from_text_is_the_chapter_bit_for_bit(sizes, sigma, cost, reduction, dtype):
    network = Network.random(sizes, sigma, cost, seed=3).astype(dtype)
    X, Y = batch(network, 7)
    read_from_text = matrix.backprop_batch(network, X, Y, chapter_in_text(network, reduction), reduction)
    assert read_from_text == matrix.backprop_batch(network, X, Y, reduction=reduction)


M = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-a[1] + 2 * a[1] / 2", [[0, 0, 0], [0, 0, 0]]),
        ("a[1] @ a[1].T", [[14, 32], [32, 77]]),
        ("a[1] ** 2 - a[1] * a[1]", [[0, 0, 0], [0, 0, 0]]),
        ("a[l - 1][:, :-1]", [[1, 2], [4, 5]]),
        ("a[1][::-1]", [[4, 5, 6], [1, 2, 3]]),
        ("a[1][-1:]", [[4, 5, 6]]),
        ("sum_examples(a[1])", [[6], [15]]),
        ("row_sums(a[1])", [[6], [15]]),
        ("sum_neurons(a[1])", [[5, 7, 9]]),
        ("ones(a[1])", [[1, 1, 1], [1, 1, 1]]),
        ("positive(a[1] - 3)", [[0, 0, 0], [1, 1, 1]]),
        ("sign(a[1] - 3)", [[-1, -1, 0], [1, 1, 1]]),
        ("clip(a[1] - 3, 1)", [[-1, -1, 0], [1, 1, 1]]),
        ("roll(a[1])", [[4, 5, 6], [1, 2, 3]]),
        ("beside(a[1][:, :1], a[1])", [[1, 1, 2, 3], [4, 4, 5, 6]]),
        ("reshape(a[1].T, a[1])", [[1, 4, 2], [5, 3, 6]]),
        ("round(a[1] / 4, 0)", [[0, 0, 1], [1, 1, 2]]),
        ("float32(a[1] + 1 / 1073741824)", [[1, 2, 3], [4, 5, 6]]),
        ("a[1] * smaller(1, 2 / norm(a[1][1:, :1]))", [[0.5, 1, 1.5], [2, 2.5, 3]]),
        ("sigma(a[1])", [[10, 20, 30], [40, 50, 60]]),
    ],
)
def test_a_line_worked_out_by_hand(text, value):
    letters = {"a": {1: M}, "l": 2, "sigma": lambda z: 10 * z}
    assert evaluate(text, letters, np.shape(value)).tolist() == value


def test_through_is_the_transposed_jacobian_times_a_vector_for_each_example():
    J = np.array([[[1.0], [2.0]], [[3.0], [4.0]]])  # J[k, j]
    assert evaluate("through(w, a)", {"w": J, "a": np.array([[1.0], [10.0]])}, (2, 1)).tolist() == [[31], [42]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("__import__('os').system('true')", "__import__('os').system('true')"),
        ("w[l].shape", "w[l].shape"),
        ("'text'", "'text'"),
        ("True", "True"),
        ("[w for w in w]", "[w for w in w]"),
        ("lambda z: z", "lambda z: z"),
        ("sum_examples", "sum_examples"),
        ("clip(w[l], c=1)", "clip(w[l], c=1)"),
        ("w[l] > 0", "w[l] > 0"),
        ("w[l] % 2", "w[l] % 2"),
        ("not w", "not w"),
        ("(w[l])(z[l])(a[l])", "w[l](z[l])(a[l])"),
    ],
)
def test_words_outside_the_language_are_refused_when_read(text, words):
    with pytest.raises(SyntaxError) as error:
        read(text)
    assert str(error.value) == f"{words!r} in {text!r} is not in the language of expressions.py; see its first lines."


def test_cuts_are_slices_of_whole_numbers():
    with pytest.raises(SyntaxError) as error:
        read("w[l][:m]")
    assert str(error.value) == "'m' in 'w[l][:m]' must be a whole number, as in delta[l][:, :-1]."
    with pytest.raises(SyntaxError) as error:
        read("w[l][:, l]")
    assert str(error.value) == "'l' in 'w[l][:, l]' must be a slice, as in delta[l][:, :-1]."


def test_shapes_that_do_not_fit_are_one_kind_of_exception():
    letters = {"w": {2: M}, "l": 2}
    with pytest.raises(DoesNotRun) as error:
        evaluate("w[l] @ w[l]", letters, (2, 3))
    assert str(error.value) == "w[l] @ w[l] does not fit the widths of these layers"
    with pytest.raises(DoesNotRun) as error:
        evaluate("w[l].T", letters, (2, 3))
    assert str(error.value) == "w[l].T has shape (3, 2), and (2, 3) is needed"
    with pytest.raises(NoSuchLayer) as error:
        evaluate("w[l + 1]", letters, (2, 3))
    assert str(error.value) == "this network has no w[3]"


@pytest.mark.parametrize("m", MISTAKES, ids=NAMES)
def test_every_line_of_the_catalogue_is_in_the_language_and_in_the_books_letters(m):
    own = {line.partition("[")[0] for line in m.where} | {m.unknown}
    book = set("wbzaylLmnx") | {"delta", "sigma", "sigma_prime", "nabla_a_C", "chapter"}
    for part, text in m.parts.items():
        read(text)
        more = {"average": {"total"}, "finish": {"nabla_w", "nabla_b"}}.get(part.partition("_")[0], set())
        assert letters_of(text) <= book | own | more
        assert text != RIGHT[part]
    for text in m.where.values():
        assert letters_of(text) <= book | own
    if m.unknown:
        assert any(m.unknown in letters_of(text) for text in [*m.parts.values(), *m.where.values()])


# -------------------------------------------------------------------------------------------------------- the catalogue


def test_the_catalogue_is_large_and_its_names_are_unique():
    assert len(MISTAKES) >= 60
    assert len(set(NAMES)) == len(NAMES)
    assert len({m.title for m in MISTAKES}) == len(MISTAKES)
    assert 20 <= len(COMMON) <= 30


@pytest.mark.parametrize("m", MISTAKES, ids=NAMES)
def test_every_mistake_can_be_told(m):
    assert re.fullmatch(r"[a-z0-9L]+(-[a-zA-Z0-9]+)*", m.name)
    assert m.equation
    assert m.parts
    assert set(m.parts) <= set(LEFT)
    for latex in (m.wrong, m.right):
        assert latex.strip()
        assert latex.count("{") == latex.count("}")
        assert latex.count(r"\left") == latex.count(r"\right")
        assert " = " in latex
    assert m.wrong != m.right
    assert m.sentence[-1] in ".)"
    assert "  " not in m.sentence
    assert len(m.sentence) < 200
    assert m.title[-1] != "."


@pytest.mark.parametrize("m", MISTAKES, ids=NAMES)
def test_every_mistake_belongs_to_the_equation_whose_line_it_replaces(m):
    named = {"bp1": "BP1", "bp2": "BP2", "bp3": "BP3", "bp4": "BP4", "z": "forward", "a": "forward"}
    expected = {named.get(part, part.partition("_")[0]) for part in m.parts}
    if m.name in {f"bp{i}-mean-{slug}" for i in (3, 4) for slug in ("missing", "twice")}:  # the 1/m of one of the two
        expected = {m.name[:3].upper()}
    assert set(m.equation.split(", ")) == expected


def test_what_users_get_wrong_is_there():
    asked = """bp1-factor bp2-factor bp3-factor bp4-factor factor sign bp1-sign bp2-sign bp3-sign bp4-sign mean-missing
    bp3-mean-missing bp4-mean-missing mean-twice mean-m-minus-1 last-example-dropped first-example-only slope-missing
    bp1-slope-missing bp2-slope-missing bp2-slope-twice bp2-slope-of-z-above bp2-slope-of-z-below slope-of-a
    bp2-slope-of-layer-above bp2-slope-of-layer-below slope-plus-c slope-minus slope-sum slope-tanh-unsquared slope-leaky
    bp2-sigma-of-error bp2-overwritten-by-last bp2-nabla-passed-down bp2-delta-of-L bp2-nabla-at-every-layer
    bp2-w-untransposed bp2-w-updated bp4-a-recomputed bp2-w-of-layer bp2-w-of-two-above bp2-bias-as-weight
    bp3-neurons-summed bp3-row-sums-of-w bp3-neurons-averaged bp3-reversed bp3-zero bp4-a-of-layer bp4-z-below bp4-x
    bp4-inner bp4-transposed rows-reversed rows-shifted layers-reversed layers-shifted bp1-softmax-elementwise
    bp1-slope-left-in regularised clipped rounded float32 bp2-float32 forward-mask-missing"""
    assert set(asked.split()) <= set(NAMES)


def test_a_misspelt_name_is_answered_with_the_nearest():
    assert mistake("bp3-zero").title == "biases never updated"
    with pytest.raises(UnknownName, match=re.escape("There is no mistake 'bp3-zeros'. Did you mean 'bp3-zero'?")):
        mistake("bp3-zeros")


# ----------------------------------------------------------------------------------------------- by hand, and apart from it


def test_w_untransposed_by_hand():
    network = Network.from_arrays([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]], None, "linear")
    e = mistake("bp2-w-untransposed").equations()
    gradient = matrix.backprop(network, np.array([1.0, 1.0]), np.array([0.0, 0.0]), e)
    assert gradient.delta[3].tolist() == [57, 77]
    assert gradient.delta[2].tolist() == [5 * 57 + 6 * 77, 7 * 57 + 8 * 77]


SIZES = (2, 2, 2, 2)
W = [[[1.0, 2.0], [-1.0, 1.0]], [[1.0, -1.0], [2.0, 1.0]], [[-1.0, 1.0], [1.0, 2.0]]]
B = [np.array([1.0, 0.0]), np.array([-1.0, 1.0]), np.array([0.0, 2.0])]
X, Y = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, -1.0], [-1.0, 1.0]]), np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0], [0.0, 0.0]])
SIGMA = ("square", "linear", "square")
WHOLE = Network.from_arrays(W, B, SIGMA)  # whole numbers all along: every order of summing gives the same floats


def loops(slope2=None, error2=None, output=None, outer=None, bias=None, divide=lambda total, m: total / m, w_back=None):
    """Backpropagation as people write it, example by example, with places to go wrong in; apart from the catalogue's code."""
    sigma = [lambda z: z * z if z.size else z, lambda z: z, lambda z: z * z]
    prime = [lambda z: 2 * z, lambda z: 0 * z + 1, lambda z: 2 * z]
    w, b = [np.array(v) for v in W], [np.array(v) for v in B]
    total_w, total_b = [np.zeros_like(v) for v in w], [np.zeros_like(v) for v in b]
    for x, y in zip(X, Y, strict=True):
        activations, zs = [x], []
        for v, c, s in zip(w, b, sigma, strict=True):
            zs.append(v.dot(activations[-1]) + c)
            activations.append(s(zs[-1]))
        d = output(activations[-1], y, zs[-1]) if output else (activations[-1] - y) * prime[2](zs[-1])
        ds = [None, None, d]
        for i in (1, 0):
            d = w_back(w, i, d, ds) if w_back else w[i + 1].T.dot(d)
            d = slope2(d, zs, activations, prime, i) if slope2 else d * prime[i](zs[i])
            ds[i] = d
        for i in range(3):
            a = activations[i]
            total_w[i] += outer(ds, activations, zs, i) if outer else np.outer(ds[i], a)
            total_b[i] += bias(ds, activations, i) if bias else ds[i]
    m = len(X)
    return [divide(v, m) for v in total_w], [divide(v, m) for v in total_b]


@pytest.mark.parametrize(
    ("name", "apart"),
    [
        ("bp2-slope-missing", {"slope2": lambda d, zs, a, prime, i: d}),
        ("bp2-slope-twice", {"slope2": lambda d, zs, a, prime, i: d * prime[i](zs[i]) ** 2}),
        ("bp2-slope-of-a", {"slope2": lambda d, zs, a, prime, i: d * prime[i](a[i + 1])}),
        ("bp2-slope-of-z-above", {"slope2": lambda d, zs, a, prime, i: d * prime[i](zs[i + 1])}),
        ("bp2-slope-of-layer-above", {"slope2": lambda d, zs, a, prime, i: d * prime[i + 1](zs[i])}),
        ("bp2-sigma-of-error", {"slope2": lambda d, zs, a, prime, i: d if i == 1 else d * d}),
        ("bp2-sum-for-product", {"slope2": lambda d, zs, a, prime, i: d + prime[i](zs[i])}),
        ("bp1-slope-missing", {"output": lambda a, y, z: a - y}),
        ("bp1-sign", {"output": lambda a, y, z: (y - a) * 2 * z}),
        ("bp1-z-for-a", {"output": lambda a, y, z: (z - y) * 2 * z}),
        ("bp1-outputs-averaged", {"output": lambda a, y, z: (a - y) * 2 * z / 2}),
        ("bp2-w-untransposed", {"w_back": lambda w, i, d, ds: w[i + 1].dot(d)}),
        ("bp2-w-of-layer", {"w_back": lambda w, i, d, ds: w[i].T.dot(d)}),
        ("bp2-delta-of-L", {"w_back": lambda w, i, d, ds: w[2].T.dot(ds[2])}),
        ("bp2-overwritten-by-last", {"w_back": lambda w, i, d, ds: w[i + 1][1] * d[1]}),
        ("bp2-first-only", {"w_back": lambda w, i, d, ds: w[i + 1][0] * d[0]}),
        ("bp2-bias-as-weight", {"w_back": lambda w, i, d, ds: np.array([np.dot(B[i + 1], d), w[i + 1][:, 0].dot(d)])}),
        ("bp4-a-of-layer", {"outer": lambda ds, a, zs, i: np.outer(ds[i], a[i + 1])}),
        ("bp4-z-below", {"outer": lambda ds, a, zs, i: np.outer(ds[i], zs[i - 1] if i else a[0])}),
        ("bp4-x", {"outer": lambda ds, a, zs, i: np.outer(ds[i], a[0])}),
        ("bp4-transposed", {"outer": lambda ds, a, zs, i: np.outer(a[i], ds[i])}),
        ("bp4-inner", {"outer": lambda ds, a, zs, i: ds[i].dot(a[i])}),
        ("bp4-a-missing", {"outer": lambda ds, a, zs, i: np.repeat(ds[i][:, None], 2, axis=1)}),
        ("bp3-neurons-summed", {"bias": lambda ds, a, i: ds[i].sum()}),
        ("bp3-neurons-averaged", {"bias": lambda ds, a, i: ds[i].mean()}),
        ("bp3-reversed", {"bias": lambda ds, a, i: ds[i][::-1]}),
        ("bp3-zero", {"bias": lambda ds, a, i: 0}),
        ("bp3-row-sums-of-w", {"bias": lambda ds, a, i: ds[i] * a[i].sum()}),
        ("mean-missing", {"divide": lambda total, m: total}),
        ("mean-m-minus-1", {"divide": lambda total, m: total / (m - 1)}),
        ("mean-twice", {"divide": lambda total, m: total / m / m}),
        ("bp3-mean-missing", {"divide": lambda total, m: total if total.ndim == 1 else total / m}),
        ("bp4-mean-missing", {"divide": lambda total, m: total if total.ndim == 2 else total / m}),
        ("sign", {"divide": lambda total, m: -total / m}),
        ("rows-reversed", {"divide": lambda total, m: total[::-1] / m if total.ndim == 2 else total / m}),
    ],
)
def test_a_mistake_is_what_its_name_says(name, apart):
    nabla_w, nabla_b = loops(**apart)
    gradient = matrix.backprop_batch(WHOLE, X, Y, mistake(name).equations())
    assert [v.tolist() for v in gradient.nabla_w.values()] == [v.tolist() for v in nabla_w]
    assert [v.tolist() for v in gradient.nabla_b.values()] == [v.tolist() for v in nabla_b]
    assert loops()[0][0].tolist() == matrix.backprop_batch(WHOLE, X, Y).nabla_w[2].tolist()  # and without it, the chapter


def test_nabla_passed_down_defines_its_own_error_layer_by_layer():
    p_error = [np.array(W[2]).T, np.array(W[1]).T]
    _, a = matrix.feedforward(WHOLE, X)
    z, _ = matrix.feedforward(WHOLE, X)
    e4 = (a[4] - Y).T
    gradient = matrix.backprop_batch(WHOLE, X, Y, mistake("bp2-nabla-passed-down").equations())
    assert gradient.delta[3].tolist() == (p_error[0] @ e4).T.tolist()  # linear: sigma' = 1
    assert gradient.delta[2].tolist() == ((p_error[1] @ p_error[0] @ e4) * 2 * z[2].T).T.tolist()


def test_weights_already_updated_take_the_step_of_the_layer_above():
    right = matrix.backprop_batch(WHOLE, X, Y)
    wrong = matrix.backprop_batch(WHOLE, X, Y, mistake("bp2-w-updated").equations(eta=0.25))
    updated = WHOLE.w[4] - 0.25 * right.nabla_w[4]
    assert wrong.delta[3].tolist() == (right.delta[4] @ updated).tolist()
    assert matrix.backprop_batch(WHOLE, X, Y, mistake("bp2-w-updated").equations(eta=0)) == right


def test_a_recomputed_is_the_forward_pass_after_the_updates_below():
    right = matrix.backprop_batch(WHOLE, X, Y)
    wrong = matrix.backprop_batch(WHOLE, X, Y, mistake("bp4-a-recomputed").equations(eta=0.25))
    w, b, a = dict(WHOLE.w), dict(WHOLE.b), X.T
    for l in (2, 3, 4):
        total = right.delta[l].T @ a.T
        assert wrong.nabla_w[l].tolist() == (total / 4).tolist()
        w[l], b[l] = w[l] - 0.25 * total / 4, b[l] - 0.25 * right.nabla_b[l]
        z = w[l] @ a + b[l][:, None]
        a = z if l == 3 else z * z
    assert wrong.nabla_w[2].tolist() == right.nabla_w[2].tolist()
    assert wrong.nabla_w[3].tolist() != right.nabla_w[3].tolist()


@pytest.mark.parametrize(
    ("name", "kept", "divided_by"),
    [("last-example-dropped", [0, 1, 2], 4), ("first-example-only", [0], 1), ("examples-overwritten", [3], 4)],
)
def test_examples_left_out(name, kept, divided_by):
    wrong = matrix.backprop_batch(WHOLE, X, Y, mistake(name).equations())
    some = matrix.backprop_batch(WHOLE, X[kept], Y[kept], reduction="sum")
    for l in WHOLE.layers:
        assert wrong.nabla_w[l].tolist() == (some.nabla_w[l] / divided_by).tolist()
        assert wrong.nabla_b[l].tolist() == (some.nabla_b[l] / divided_by).tolist()


def test_regularisation_and_the_step_take_their_factor():
    right = matrix.backprop_batch(WHOLE, X, Y)
    wrong = matrix.backprop_batch(WHOLE, X, Y, mistake("regularised").equations(lmbda=0.5))
    assert wrong.nabla_w[3].tolist() == (right.nabla_w[3] + WHOLE.w[3] / 2).tolist()
    assert wrong.nabla_b[3].tolist() == right.nabla_b[3].tolist()
    wrong = matrix.backprop_batch(WHOLE, X, Y, mistake("regularised-biases").equations(lmbda=0.5))
    assert wrong.nabla_b[3].tolist() == (right.nabla_b[3] + WHOLE.b[3] / 2).tolist()
    wrong = matrix.backprop_batch(WHOLE, X, Y, mistake("step-returned").equations(eta=2))
    assert wrong.nabla_b[4].tolist() == (WHOLE.b[4] - 2 * right.nabla_b[4]).tolist()


def test_a_dropout_mask_is_given_by_layer():
    mask = {2: np.array([[0.0], [1.0]]), 3: np.array([[1.0], [0.0]])}
    left_on = matrix.backprop_batch(WHOLE, X, Y, mistake("dropout-left-on").equations(mask=mask))
    missing = matrix.backprop_batch(WHOLE, X, Y, mistake("forward-mask-missing").equations(mask=mask))
    assert not left_on.nabla_w[3][:, 0].any()  # a dropped neuron sends nothing on
    assert not left_on.delta[2][:, 0].any()  # and takes no error back,
    assert missing.delta[2][:, 0].any()  # unless the mask is left out
    assert left_on.delta[4].tolist() == missing.delta[4].tolist()


def test_layers_reversed_swaps_first_and_last():
    right = matrix.backprop_batch(WHOLE, X, Y)
    wrong = matrix.backprop_batch(WHOLE, X, Y, mistake("layers-reversed").equations())
    assert [wrong.nabla_w[l].tolist() for l in (2, 3, 4)] == [right.nabla_w[l].tolist() for l in (4, 3, 2)]
    assert [wrong.nabla_b[l].tolist() for l in (2, 3, 4)] == [right.nabla_b[l].tolist() for l in (4, 3, 2)]


# ------------------------------------------------------------------------------------------------------- one layer, or all


def test_a_mistake_in_one_layer_leaves_what_does_not_follow_from_it():
    right = matrix.backprop_batch(WHOLE, X, Y)
    wrong = matrix.backprop_batch(WHOLE, X, Y, mistake("bp2-slope-missing").equations(layer=2))
    assert wrong.delta[3].tolist() == right.delta[3].tolist()
    assert wrong.delta[2].tolist() == (right.delta[3] @ WHOLE.w[3]).tolist()
    averaged = matrix.backprop_batch(WHOLE, X, Y, mistake("mean-missing").equations(layer=3))
    assert averaged.nabla_w[3].tolist() == (4 * right.nabla_w[3]).tolist()
    assert averaged.nabla_b[3].tolist() == (4 * right.nabla_b[3]).tolist()
    assert averaged.nabla_w[4].tolist() == right.nabla_w[4].tolist()


def test_in_every_layer_means_where_the_line_can_be_written():
    m = mistake("bp4-z-below")  # layer 2 has no z below it
    right, wrong = matrix.backprop_batch(WHOLE, X, Y), matrix.backprop_batch(WHOLE, X, Y, m.equations())
    assert wrong.nabla_w[2].tolist() == right.nabla_w[2].tolist()
    assert wrong.nabla_w[3].tolist() != right.nabla_w[3].tolist()
    with pytest.raises(NoSuchLayer, match=re.escape("this network has no z[1]")):
        matrix.backprop_batch(WHOLE, X, Y, m.equations(layer=2))


def test_a_mistake_about_one_activation_leaves_the_others():
    network = Network.random([2, 2, 2], ["tanh", "sigmoid"], seed=1)
    m = mistake("slope-tanh-unsquared")
    assert m.layers(network) == [2]
    wrong, right = matrix.backprop_batch(network, X, Y / 2, m.equations()), matrix.backprop_batch(network, X, Y / 2)
    assert wrong.delta[3].tolist() == right.delta[3].tolist()
    assert wrong.delta[2].tolist() != right.delta[2].tolist()


def test_layers_in_which_a_mistake_can_be_made():
    def at(name):
        return mistake(name).layers(WHOLE)

    assert [at("bp1-sign"), at("bp2-sign"), at("bp3-sign"), at("slope-of-a")] == [[4], [2, 3], [2, 3, 4], [2, 3, 4]]
    assert [at("dropout-left-on"), at("slope-leaky"), at("mean-missing")] == [[2, 3], [], [2, 3, 4]]


def test_shapes_that_do_not_fit_do_not_run():
    network = Network.random([4, 3, 2], seed=1)
    with pytest.raises(DoesNotRun) as error:
        matrix.backprop_batch(network, *batch(network, 2), mistake("bp2-w-untransposed").equations())
    assert str(error.value) == "(w[l + 1] @ delta[l + 1]) * sigma_prime[l](z[l]) does not fit the widths of these layers"


def test_a_factor_that_a_mistake_does_not_have_is_refused():
    with pytest.raises(ValueRefused, match=re.escape("eta=0.1 was given, but bp1-sign has no unknown 'eta'.")):
        mistake("bp1-sign").equations(eta=0.1)


def test_the_line_of_code_that_is_shown():
    ce = Network.random([2, 2, 2], "sigmoid", "cross_entropy")
    soft = Network.random([2, 2, 2], ["sigmoid", "softmax"], "quadratic")
    assert mistake("bp2-slope-missing").code() == ["delta[l] = w[l + 1].T @ delta[l + 1]"]
    assert mistake("bp1-sign").code() == ["delta[L] = -(nabla_a_C(a[L], y) * sigma_prime[L](z[L]))"]
    assert mistake("bp1-sign").code(ce) == ["delta[L] = -(a[L] - y)"]
    assert mistake("bp1-sign").code(soft) == ["delta[L] = -(through(sigma_prime[L](z[L]), nabla_a_C(a[L], y)))"]
    assert mistake("bp3-sign").code() == ["nabla_b[l] = -sum_examples(delta[l])"]
    assert mistake("sign").code() == ["nabla_w[l] = -nabla_w[l]", "nabla_b[l] = -nabla_b[l]"]
    assert mistake("bp2-nabla-passed-down").code() == [
        "e[L] = nabla_a_C(a[L], y)",
        "e[l] = w[l + 1].T @ e[l + 1]",
        "delta[l] = (e[l]) * sigma_prime[l](z[l])",
    ]


@pytest.mark.parametrize("m", MISTAKES, ids=NAMES)
def test_every_shown_line_is_python(m):
    for line in m.code():
        ast.parse(line)
        assert "chapter" not in line


# ------------------------------------------------------------------------------------------------- what a probe can show


@pytest.mark.parametrize("m", MISTAKES, ids=NAMES)
def test_every_mistake_shows_on_some_network_found_by_search(m):
    shows, hides = smallest(m)
    assert shows is not None
    for place, differs in ((shows, True), (hides, False)):
        if place:
            network, (x, y) = place.network(), place.batch()
            right, allowed = matrix.backprop_batch(network, x, y), rounding(network, x, y)
            with np.errstate(all="ignore"):
                wrong = matrix.backprop_batch(network, x, y, m.equations())
            assert outside(wrong, right, allowed) == differs


def outside(wrong, right, allowed):
    """Whether any entry of nabla_w, nabla_b is not within its bound: the comparison in full, with no shortcut."""
    return any(
        not (np.abs(getattr(wrong, part)[l] - v) <= getattr(allowed, part)[l]).all()
        for part, l, v in right.items()
        if part != "delta"
    )


@pytest.mark.parametrize(
    ("name", "shows", "hides"),
    [
        ("bp2-w-untransposed", (2, 2, 2), (1, 1, 1)),
        ("bp2-delta-of-L", (1, 1, 1, 1), (1, 1, 1)),
        ("bp2-overwritten-by-last", (2, 2, 2), (1, 1, 1)),
        ("bp4-transposed", (2, 2), (1, 1)),
        ("bp3-neurons-summed", (1, 2), (1, 1)),
        ("bp4-x", (1, 1, 1), (1, 1)),
    ],
)
def test_the_smallest_networks_are_those_that_a_person_would_name(name, shows, hides):
    found = smallest(mistake(name))
    assert [place.sizes for place in found] == [shows, hides]


def test_a_place_says_what_it_is():
    shows, hides = smallest(mistake("mean-missing"))
    assert str(shows) == "1-1, sigmoid, quadratic, 2 examples"
    assert str(hides) == "1-1, sigmoid, quadratic, 1 example"


@pytest.mark.parametrize(
    ("sizes", "sigma", "cost", "m"),
    [
        ([3, 3, 3], "sigmoid", "quadratic", 1),
        ([4, 3, 2], "tanh", "quadratic", 5),
        ([3, 3, 3, 3], "relu", "quadratic", 4),
        ([3, 2, 2], ["sigmoid", "softmax"], "log_likelihood", 2),
        ([2, 2], "sigmoid", "cross_entropy", 3),
    ],
)
def test_the_shortcuts_find_what_the_whole_comparison_finds(sizes, sigma, cost, m):
    network = Network.random(sizes, sigma, cost, seed=2)
    x, y = batch(network, m)
    right, allowed = matrix.backprop_batch(network, x, y), rounding(network, x, y)
    hidden_, does_not_run = set(), set()
    with np.errstate(all="ignore"):
        for one in MISTAKES:
            try:
                if not outside(matrix.backprop_batch(network, x, y, one.equations()), right, allowed):
                    hidden_.add(one.name)
            except DoesNotRun:
                does_not_run.add(one.name)
    found = unseen(MISTAKES, network, x, y, "mean", allowed)
    used = {s.name for s in network.sigma.values()}
    about_others = {one.name for one in MISTAKES if one.only and not used & set(one.only)}
    assert {u.mistake.name for u in found if u.runs} == hidden_ - about_others
    # a mistake that already shows above may be refused further down: either way its author sees it
    assert {u.mistake.name for u in found if not u.runs} <= does_not_run


def test_one_example_and_widths_all_different_are_what_hides():
    network = Network.random([5, 4, 3], seed=1)
    x, y = batch(network, 1)
    found = hidden(network, x, y, "mean", rounding(network, x, y), matrix.backprop_batch(network, x, y))
    assert [(u.mistake.name, u.why) for u in found if u.runs] == [
        ("bp2-delta-of-L", "this network has one hidden layer"),
        ("bp4-means-multiplied", "the batch has one example"),
        ("mean-missing", "the batch has one example"),
        ("mean-twice", "the batch has one example"),
        ("examples-overwritten", "the batch has one example"),
    ]
    assert {u.mistake.name for u in found if not u.runs} == {
        *("bp2-w-untransposed", "bp2-w-of-layer", "bp4-a-of-layer", "bp4-transposed", "layers-reversed")
    }
    assert {u.why for u in found if not u.runs} == {"its shapes do not fit 5-4-3; equal widths show it"}


def test_nothing_common_is_hidden_on_a_good_probe():
    network = Network.random([3, 3, 3, 3], "sigmoid", seed=1)
    x, y = batch(network, 4)
    assert hidden(network, x, y, "mean", rounding(network, x, y)) == []


def why(network, x, y, reduction="mean"):
    found = hidden(network, x, y, reduction, rounding(network, x, y, reduction=reduction))
    return {u.mistake.name: u.why for u in found}


def test_why_a_mistake_is_hidden():
    flat = Network.random([2, 2, 2, 2], "linear", seed=1)
    assert why(flat, *batch(flat, 3))["bp2-slope-missing"] == "sigma' is 1 in every layer"
    shallow = Network.random([2, 2], seed=1)
    assert why(shallow, *batch(shallow, 3))["bp2-sign"] == "this network has no hidden layer"
    assert why(shallow, *batch(shallow, 3), "sum")["mean-missing"] == "the cost is declared as a sum: nothing is divided"
    dead = Network.from_arrays([np.zeros((2, 2)), np.ones((2, 2))], [np.array([-1.0, -1.0]), np.zeros(2)], ["relu", "linear"])
    assert why(dead, *batch(dead, 3))["bp2-sign"] == "every delta is zero: the neurons are dead, or the targets met"
    switch = Network.from_arrays([np.ones((2, 2)), np.ones((2, 2))], [np.array([9.0, 9.0]), np.zeros(2)], ["relu", "linear"])
    nothing = "its effect is zero, or below what rounding may do here"
    assert why(switch, *batch(switch, 3))["bp2-slope-twice"] == nothing


def test_mistakes_about_what_a_network_does_not_have_are_not_listed():
    bare = Network.from_arrays(W, None, "sigmoid")
    found = unseen(MISTAKES, bare, X, Y / 2, "mean", rounding(bare, X, Y / 2))
    assert not [u for u in found if u.mistake.only in (("tanh",), ("softmax",)) or u.mistake.equation == "BP3"]
    assert "forward-bias-missing" in names(found)


def test_where_nothing_can_be_told_nothing_can_be_seen():
    right = matrix.backprop_batch(WHOLE, X, Y)
    endless = Gradient(*({l: np.full(v.shape, np.inf) for l, v in part.items()} for part in (right.nabla_w, right.nabla_b)))
    assert names(hidden(WHOLE, X, Y, "mean", endless)) == [m.name for m in COMMON]


def test_an_infinite_or_missing_number_is_seen():
    network = Network.random([2, 2], seed=1)
    x, y = batch(network, 1)
    probe = Probe(network, x, y, "mean", rounding(network, x, y))
    with np.errstate(all="ignore"):
        assert probe.shows(mistake("mean-m-minus-1"))  # divided by zero
    zero = Network.from_arrays([[[0.0]]], [np.zeros(1)], "linear")
    exact = Gradient({2: np.zeros((1, 1))}, {2: np.zeros(1)})
    with np.errstate(all="ignore"):
        assert Probe(zero, [[1.0]], [[0.0]], "mean", exact).shows(mistake("mean-m-minus-1"))  # 0/0
    assert not Probe(zero, [[1.0]], [[0.0]], "mean", exact).shows(mistake("bp1-sign"))


def test_a_reduction_is_checked():
    with pytest.raises(ValueRefused, match=re.escape("reduction='max' was given; pass 'mean', as in the chapter, or 'sum'.")):
        Probe(WHOLE, X, Y, "max", Gradient({}))


def test_the_language_has_no_way_out():
    assert not {"eval", "exec", "compile", "getattr"} & expressions.FUNCTIONS.keys()
    assert planting.RIGHT.keys() >= planting.LEFT.keys()
