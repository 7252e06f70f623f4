"""check_network by example: every sentence that it may say of a candidate, and when it says it."""

import re
import sys
import time

import numpy as np
import pytest

from backprop_ref import matrix
from backprop_ref.costs import Cost, quadratic, times
from backprop_ref.errors import ShapeError, ValueRefused, VerdictError
from backprop_ref.gate import check_network
from backprop_ref.network import Network
from backprop_ref.oracles import differences, enclosures

NETWORK = Network.random([3, 4, 2], seed=7)
RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((3, 3)), RNG.random((3, 2))
AGREES, DISAGREES, CANNOT_TELL = "agrees", "disagrees", "cannot tell"


def backprop(network=NETWORK, dtype=np.float64, reduction="mean", inputs=False, decay=0.0):
    """A right candidate for networks like this one."""

    def candidate(weights, biases, X, Y):
        here = Network.from_arrays(
            [w.astype(dtype) for w in weights],
            [b.astype(dtype) for b in biases] if biases else None,
            list(network.sigma.values()),
            network.cost,
        )
        X, Y = X.astype(dtype), Y.astype(dtype)
        g = matrix.backprop_batch(here, X, Y, reduction=reduction)
        nabla_w = [v + dtype(decay) * here.w[l] for l, v in g.nabla_w.items()]
        answer = (nabla_w, [v.copy() for v in g.nabla_b.values()])
        size = len(X) if reduction == "mean" else 1
        return (*answer, g.delta[2] @ here.w[2] / dtype(size)) if inputs else answer

    return candidate


def spoilt(spoil, network=NETWORK, **options):
    """backprop, with its lists handed to spoil before they are returned."""
    right = backprop(network, **options)

    def candidate(weights, biases, X, Y):
        answer = right(weights, biases, X, Y)
        return spoil(*answer) or answer

    return candidate


def check(candidate, network=NETWORK, X=X, Y=Y, **options):
    return check_network(network, X, Y, candidate, **options)


def said(report):
    return [(str(f.verdict), f.text) for f in report.findings]


# ---------------------------------------------------------------------------------------------------------- it agrees


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("inputs", [False, True])
def test_a_right_gradient_agrees(dtype, reduction, decay, inputs):
    report = check(backprop(NETWORK, dtype, reduction, inputs, decay), reduction=reduction, weight_decay=decay, inputs=inputs)
    assert report.verdict == AGREES
    assert report.exit_code == 0
    assert report.findings == ()
    assert report.checked == report.total == 26 + (X.size if inputs else 0)
    report.raise_for_verdict()


def test_a_float16_gradient_agrees():
    def half(weights, biases, X, Y):  # sums in float32, as the bounds assume
        nabla_w, nabla_b = backprop(dtype=np.float32)(weights, biases, X, Y)
        return [v.astype(np.float16) for v in nabla_w], [v.astype(np.float16) for v in nabla_b]

    assert check(half).verdict == AGREES
    assert check(lambda w, b, X, Y: [[1.5 * v for v in part] for part in half(w, b, X, Y)]).verdict == DISAGREES


def test_the_coarsest_dtype_that_came_back_sets_the_bounds():
    def mixed(nabla_w, nabla_b):
        return [v.astype(np.float32) for v in nabla_w], nabla_b

    assert check(spoilt(mixed)).verdict == AGREES


def test_a_float32_network():
    narrow = NETWORK.astype(np.float32)
    assert check(backprop(narrow, np.float32), narrow, X.astype(np.float32), Y.astype(np.float32)).verdict == AGREES


def test_softmax_gelu_erf_and_no_biases():
    softmax = Network.random([3, 4, 2], ["tanh", "softmax"], "log_likelihood", seed=1)
    assert check(backprop(softmax), softmax, Y=np.array([0, 1, 1])).verdict == AGREES
    bare = Network.from_arrays(list(NETWORK.w.values()), None)
    assert check(backprop(bare), bare).verdict == AGREES
    assert check(lambda w, b, X, Y: (backprop(bare)(w, b, X, Y)[0],), bare).verdict == AGREES
    gelu = Network.random([3, 4, 2], "gelu_erf", seed=1)
    report = check(backprop(gelu), gelu)
    assert (report.verdict, report.source, report.proven) == (AGREES, "central", False)
    assert "against central; rests on error bars, which are estimates" in str(report)


@pytest.mark.parametrize("oracle", [differences.central, differences.complex_step, enclosures.enclose])
def test_any_oracle(oracle):
    assert check(backprop(), oracle=oracle).verdict == AGREES
    assert check(spoilt(lambda w, b: ([2 * v for v in w], b)), oracle=oracle).verdict == DISAGREES


def test_lists_of_numbers_are_arrays():
    assert check(spoilt(lambda w, b: ([v.tolist() for v in w], [v.tolist() for v in b]))).verdict == AGREES


def test_what_it_prints_is_swallowed_and_ours_is_not(capsys):
    def chatty(*given):
        print("epoch 1")
        return backprop()(*given)

    assert check(chatty).verdict == AGREES
    print("ours")
    assert capsys.readouterr().out == "ours\n"


def test_an_array_that_is_exactly_zero_is_measured_by_its_layer():
    # x = 0: every dC/dw^2 is exactly 0, and its bound far below what else there is in layer 2
    report = check(backprop(), X=np.zeros((3, 3)))
    assert report.verdict == AGREES
    assert report.resolved == 26


# -------------------------------------------------------------------------------------------------------- it disagrees


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_or_infinity_where_the_truth_is_finite_disagrees(value):
    def broken(nabla_w, nabla_b):
        nabla_w[0][1, 2] = value

    report = check(spoilt(broken))
    assert report.verdict == DISAGREES
    assert report.count("disagrees") == 1
    worst = report.worst(1)[0]
    assert (worst.name, worst.times) == ("dC/dw^2_23", np.inf)


def test_one_wrong_entry_is_named():
    def broken(nabla_w, nabla_b):
        nabla_b[1][0] *= 1 + 1e-8

    report = check(spoilt(broken))
    assert report.verdict == DISAGREES
    assert report.count("disagrees") == 1
    assert report.worst(1)[0].name == "dC/db^3_1"
    assert "  layer 3  1 of 10 entries wrong (BP3 dC/db^3); worst dC/db^3_1: claimed" in str(report)
    assert "  layer 2  16 of 16 entries agree" in str(report)
    with pytest.raises(VerdictError, match=re.escape("DISAGREES  candidate, network 3-4-2, m = 3")) as raised:
        report.raise_for_verdict()
    assert raised.value.exit_code == 1


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (
            lambda w, b: ([w[0].T, w[1]], b),
            "nabla_w[2] has shape (3, 4); it must have shape (4, 3), one entry for each parameter",
        ),
        (
            lambda w, b: (w, [b[0][:, None], b[1]]),
            "nabla_b[2] has shape (4, 1); it must have shape (4,), one entry for each parameter",
        ),
        (lambda w, b: (w[1:], b), "nabla_w is a list of 1; a list of 2 is needed, for layers 2..3"),
        (lambda w, b: (w, [b[0], *b]), "nabla_b is a list of 3; a list of 2 is needed, for layers 2..3"),
        (lambda w, b: (w[0], b), "nabla_w is an array of shape (4, 3); a list of 2 is needed, for layers 2..3"),
        (
            lambda w, b: (w, b, 0.0),
            "the candidate returned a tuple of 3; (nabla_w, nabla_b) is needed, lists for layers 2..3",
        ),
        (lambda w, b: [w], "the candidate returned a list of 1; (nabla_w, nabla_b) is needed, lists for layers 2..3"),
    ],
)
def test_wrong_shapes_and_lengths_disagree(spoil, text):
    report = check(spoilt(spoil))
    assert said(report) == [(DISAGREES, text)]
    assert report.verdict == DISAGREES


def test_a_missing_nabla_x_is_said():
    report = check(backprop(), inputs=True)
    text = "the candidate returned a tuple of 2; (nabla_w, nabla_b, nabla_x) is needed, lists for layers 2..3"
    assert said(report) == [(DISAGREES, text)]
    turned = check(spoilt(lambda w, b, x: (w, b, x[:2]), inputs=True), inputs=True)
    assert said(turned) == [(DISAGREES, "nabla_x has shape (2, 3); it must have shape (3, 3), one entry for each parameter")]


def test_a_wrong_nabla_x_is_named():
    def broken(nabla_w, nabla_b, nabla_x):
        nabla_x[2, 0] += 1e-6

    report = check(spoilt(broken, inputs=True), inputs=True)
    assert report.verdict == DISAGREES
    assert report.count("disagrees") == 1
    assert report.worst(1)[0].name.startswith("dC/dx^1_")


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda w, b, X, Y: w[0].fill(0), "w[2]"),
        (lambda w, b, X, Y: b[1].__iadd__(1.0), "b[3]"),
        (lambda w, b, X, Y: (X.sort(), Y.fill(0.5)), "X, Y"),
        (lambda w, b, X, Y: w.pop(), "the list of weights"),
        (lambda w, b, X, Y: w.__setitem__(0, 2 * w[0]), "the list of weights"),
        (lambda w, b, X, Y: b.reverse(), "the list of biases"),
    ],
)
def test_inputs_that_it_changes_are_named(change, what):
    def changing(*given):
        answer = backprop()(*given)
        change(*given)
        return answer

    report = check(changing)
    assert said(report) == [(DISAGREES, f"the candidate changed its inputs: {what}; it must leave them as they are")]
    assert NETWORK == NETWORK
    assert report.count("agrees") == 26


def test_inputs_changed_in_a_later_call_only():
    calls = []

    def later(*given):
        calls.append(1)
        answer = backprop()(*given)
        if len(calls) == 2:
            given[2][0, 0] += 1
        return answer

    assert said(check(later)) == [(DISAGREES, "the candidate changed its inputs: X; it must leave them as they are")]


def test_nothing_of_ours_is_changed():
    before = [v.copy() for v in (*NETWORK.w.values(), *NETWORK.b.values(), X, Y)]

    def vandal(weights, biases, X, Y):
        for v in (*weights, *biases, X, Y):
            v.fill(0)

    assert check(vandal).verdict == DISAGREES
    assert all((v == old).all() for v, old in zip((*NETWORK.w.values(), *NETWORK.b.values(), X, Y), before, strict=True))


def test_one_array_for_two_layers_disagrees():
    square = Network.random([2, 2, 2], seed=3)
    x, y = X[:, :2], Y

    def one(nabla_w, nabla_b):
        return [nabla_w[0], nabla_w[0]], nabla_b

    report = check(spoilt(one, square), square, x, y)
    text = "nabla_w[3] and nabla_w[2] are one array: a later write changes both"
    assert (DISAGREES, text) in said(report)

    def view(nabla_w, nabla_b):
        both = np.concatenate([*nabla_b, [0.0]])
        return nabla_w, [both[:2], both[1:3]]

    assert (DISAGREES, "nabla_b[3] and nabla_b[2] are one array: a later write changes both") in said(
        check(spoilt(view, square), square, x, y)
    )


def test_views_of_one_vector_that_do_not_overlap_are_right():
    def flat(nabla_w, nabla_b):
        v = np.concatenate([g.ravel() for g in (*nabla_w, *nabla_b)])
        return [v[:12].reshape(4, 3), v[12:20].reshape(2, 4)], [v[20:24], v[24:]]

    assert check(spoilt(flat)).verdict == AGREES

    def woven(nabla_w, nabla_b):
        v = np.empty(8)
        v[::2], v[1:4:2] = nabla_b
        return nabla_w, [v[::2], v[1:4:2]]

    assert check(spoilt(woven)).verdict == AGREES


def test_an_input_handed_back_disagrees():
    report = check(lambda w, b, X, Y: (backprop()(w, b, X, Y)[0], b))
    assert said(report)[0] == (DISAGREES, "nabla_b[2] is an array of the candidate's inputs, not one of its own")


@pytest.mark.parametrize("activation", ["sigmoid", "gelu_erf"])
def test_an_answer_that_is_remembered_disagrees(activation):
    network = Network.random([3, 4, 2], activation, seed=7)
    known = backprop(network)(list(network.w.values()), list(network.b.values()), X, Y)
    report = check(lambda *given: [[v.copy() for v in part] for part in known], network)
    text = "at other weights and inputs it returned the same gradient again: the answer is remembered, not computed"
    assert said(report) == [(DISAGREES, text)]
    assert report.count("agrees") == 26
    assert report.verdict == DISAGREES


def test_an_answer_that_is_nan_at_the_second_point_disagrees():
    calls = []

    def fails_later(nabla_w, nabla_b):
        calls.append(1)
        if len(calls) == 3:
            nabla_w[0][0, 0] = np.nan

    [(verdict, text)] = said(check(spoilt(fails_later)))
    assert verdict == DISAGREES
    assert "its gradient along a random direction is nan, and should be " in text


def test_an_answer_that_is_right_here_only_disagrees():
    here = NETWORK.w[2]

    def overfitted(weights, biases, X, Y):
        nabla_w, nabla_b = backprop()(weights, biases, X, Y)
        return (nabla_w, nabla_b) if (weights[0] == here).all() else ([2 * v for v in nabla_w], nabla_b)

    [(verdict, text)] = said(check(overfitted))
    assert verdict == DISAGREES
    assert re.fullmatch(
        r"at other weights and inputs \(seed 0\) its gradient along a random direction is [-0-9.e]+, and should be "
        r"[-0-9.e]+ by complex step, allowed [-0-9.e]+: it is right at the given point only",
        text,
    )


def test_a_constant_right_gradient_is_not_taken_for_remembered():
    # C = (w x + b - y)^2/2 summed would move; here the second point is saturated to the same exact answer: softmax one-hot
    network = Network.from_arrays([np.array([[800.0], [-800.0]])], None, "softmax", "log_likelihood")
    x, y = np.array([[1.0]]), np.array([[0.0, 1.0]])
    assert check(backprop(network), network, x, y).verdict != DISAGREES


def test_float64_that_is_accurate_to_float32_only():
    def narrowed(nabla_w, nabla_b):
        return [v.astype(np.float32).astype(np.float64) for v in nabla_w], [v.astype(np.float32).astype(float) for v in nabla_b]

    report = check(spoilt(narrowed))
    assert report.verdict == DISAGREES
    text = "accurate to float32 only: within what a right float32 computation may be off, but it came back as float64"
    assert text in report.notes
    assert check(backprop(dtype=np.float32)).verdict == AGREES  # as float32 it is right


def test_one_entry_that_is_off_is_no_matter_of_accuracy():
    def off(nabla_w, nabla_b):
        nabla_w[0][0, 0] *= 1 + 1e-9

    report = check(spoilt(off))
    assert report.verdict == DISAGREES
    assert not any("accurate to" in note for note in report.notes)


def test_weight_decay_that_is_missing_or_on_the_biases_disagrees():
    assert check(backprop(decay=0.1)).verdict == DISAGREES
    assert check(backprop(), weight_decay=0.1).verdict == DISAGREES

    def on_biases(nabla_w, nabla_b):
        return nabla_w, [v + 0.1 * b for v, b in zip(nabla_b, NETWORK.b.values(), strict=True)]

    report = check(spoilt(on_biases, decay=0.1), weight_decay=0.1)
    assert {p.label for p in report.parts if p.count("disagrees")} == {"dC/db^2", "dC/db^3"}


def test_a_sum_is_not_a_mean():
    assert check(backprop(reduction="sum")).verdict == DISAGREES
    assert check(backprop(), reduction="sum").verdict == DISAGREES


# --------------------------------------------------------------------------------------------------------- cannot tell


def raising(*given):
    raise RuntimeError("shapes do not fit")


class Nasty(Exception):
    def __str__(self):
        raise ValueError


def nasty(*given):
    raise Nasty


@pytest.mark.parametrize(
    ("candidate", "pattern"),
    [
        (raising, r"the candidate raised RuntimeError: shapes do not fit \(.*test_check_network\.py:\d+\)"),
        (nasty, r"the candidate raised Nasty \(.*test_check_network\.py:\d+\)"),
        (lambda *given: sys.exit(1), r"the candidate raised SystemExit: 1 \(.*\)"),
        (lambda *given: 1 / 0, r"the candidate raised ZeroDivisionError: division by zero \(.*\)"),
        (lambda *given: None, r"the candidate returned a NoneType; \(nabla_w, nabla_b\) is needed, lists for layers 2\.\.3"),
        (lambda *given: {}, r"the candidate returned a dict; \(nabla_w, nabla_b\) is needed, lists for layers 2\.\.3"),
        (lambda *given: (None, None), r"nabla_w is a NoneType; a list of 2 is needed, for layers 2\.\.3"),
        (
            spoilt(lambda w, b: ([v + 0j for v in w], b)),
            r"nabla_w\[2\] holds complex128; float64, float32 or float16 are needed to say how far it may be off",
        ),
        (
            spoilt(lambda w, b: (w, [b[0], b[1].astype(object)])),
            r"nabla_b\[3\] holds object; float64, float32 or float16 are needed to say how far it may be off",
        ),
        (
            spoilt(lambda w, b: ([np.ones((4, 3), int), w[1]], b)),
            r"nabla_w\[2\] holds int64; float64, float32 or float16 are needed to say how far it may be off",
        ),
        (spoilt(lambda w, b: ([[[1.0], [1.0, 2.0]], w[1]], b)), r"nabla_w\[2\] is a list that is no array of numbers: .*"),
    ],
)
def test_what_is_no_gradient_cannot_be_told(candidate, pattern):
    report = check(candidate)
    [(verdict, text)] = said(report)
    assert verdict == CANNOT_TELL
    assert re.fullmatch(pattern, text, re.DOTALL), text
    assert report.verdict == CANNOT_TELL
    assert report.exit_code == 3
    assert report.total == 26


def test_a_candidate_that_hangs_cannot_be_told_and_does_not_keep_the_screen(capsys):
    def hangs(*given):
        time.sleep(1)

    start = time.perf_counter()
    report = check(hangs, timeout=0.05)
    assert time.perf_counter() - start < 0.9
    assert said(report) == [
        (CANNOT_TELL, "the candidate did not come back within 0.05 s; pass a larger timeout if it is only slow")
    ]
    print("still here")
    assert capsys.readouterr().out == "still here\n"


def test_a_later_call_that_fails_cannot_be_told():
    calls = []

    def fails_at(n):
        calls.clear()

        def candidate(*given):
            calls.append(1)
            if len(calls) == n:
                raise MemoryError("full")
            return backprop()(*given)

        return candidate

    [(verdict, text)] = said(check(fails_at(2)))
    assert verdict == CANNOT_TELL
    assert text.startswith("the second call with the same inputs failed: the candidate raised MemoryError: full (")
    [(verdict, text)] = said(check(fails_at(3)))
    assert verdict == CANNOT_TELL
    assert text.startswith("at other weights the candidate failed: the candidate raised MemoryError: full (")


DIFFERS = (
    "two calls with the same inputs gave different gradients; fix the seed of what is random in it, inside the call, "
    "or the state that is kept between calls"
)


@pytest.mark.parametrize(("right", "verdict"), [([0], CANNOT_TELL), ([1], CANNOT_TELL), ([], DISAGREES)])
def test_calls_that_differ_disagree_only_if_every_one_is_outside(right, verdict):
    calls = []

    def random(*given):
        calls.append(1)
        nabla_w, nabla_b = backprop()(*given)
        return (nabla_w, nabla_b) if len(calls) - 1 in right else ([v * (1 + len(calls)) for v in nabla_w], nabla_b)

    report = check(random)
    assert (verdict, DIFFERS) in said(report)
    assert report.verdict == verdict


def test_calls_that_differ_within_their_bounds_cannot_be_told():
    calls = []

    def jittery(nabla_w, nabla_b):
        calls.append(1)
        nabla_w[0] *= 1 + len(calls) * 2.0**-52

    report = check(spoilt(jittery))
    assert said(report) == [(CANNOT_TELL, DIFFERS)]


# ------------------------------------------------------------------------------------------------- what was not seen


def test_frozen_parameters_are_left_out_here_and_at_the_second_point():
    def untrained(nabla_w, nabla_b):
        nabla_w[0].fill(np.nan)
        nabla_b[0].fill(0)

    report = check(spoilt(untrained), frozen=["w[2]", "b2"])
    assert report.verdict == AGREES
    assert (report.checked, report.total) == (10, 26)
    assert not any("was not held" in note for note in report.notes)
    assert "not checked, as you asked: b[2], w[2]" in report.notes
    assert "checked    10 of 26 entries against complex step" in str(report)


def test_a_frozen_name_that_is_none_is_refused():
    text = "frozen holds 'w[4]', which is no parameter of this network; it has w[2], w[3], b[2], b[3]."
    with pytest.raises(ValueRefused, match=re.escape(text)):
        check(backprop(), frozen=["w[4]"])


@pytest.mark.parametrize("decay", [-1.0, np.nan, np.inf])
def test_a_weight_decay_that_is_none_is_refused(decay):
    text = f"weight_decay={decay} was given; pass a finite lambda of at least 0."
    with pytest.raises(ValueRefused, match=re.escape(text)):
        check(backprop(), weight_decay=decay)


def test_wrong_data_are_the_callers_error():
    with pytest.raises(ShapeError):
        check(backprop(), X=X.T[:2])


def test_one_example_leaves_averaging_untested():
    report = check(backprop(), X=X[:1], Y=Y[:1])
    assert "averaging is untested: one example; pass a mini-batch of two or more" in report.notes
    assert report.verdict == AGREES
    assert not any("averaging" in n for n in check(backprop()).notes)
    assert not any("averaging" in n for n in check(backprop(reduction="sum"), X=X[:1], Y=Y[:1], reduction="sum").notes)
    assert ("the batch has one example") in {why for _, why in report.unseen}


def test_what_cannot_be_resolved_is_counted_and_named():
    # w^3 z cancels: 1e17 a - 1e17 a leaves no digit of z^3, so none of a = sigmoid(z^3) - y either
    network = Network.from_arrays([np.ones((2, 1)), np.array([[1e17, -1e17]])], None, "linear")
    x, y = np.array([[0.3]]), np.array([[0.0]])
    report = check(backprop(network), network, x, y)
    assert report.verdict == CANNOT_TELL
    assert report.resolved == 0
    [two, three] = report.parts
    assert (two.unresolved, three.unresolved) == (2, 2)
    lines = str(report)
    assert "dC/dw^3: none of its 2 entries could be resolved; whatever it holds below the bound is unseen" in lines
    assert "dC/dw^2: none of its 2 entries could be resolved; whatever it holds below the bound is unseen" in lines


def test_targets_that_are_met_resolve_nothing():
    # delta = a - y = 0: every entry is 0, every bound is above it
    network = Network.from_arrays([np.ones((1, 1))], [np.zeros(1)], "linear")
    report = check(backprop(network), network, np.array([[2.0]]), np.array([[2.0]]))
    assert report.verdict == CANNOT_TELL
    assert report.findings == ()


def test_unseen_mistakes_are_named_with_the_reason():
    square = Network.random([3, 3, 3], seed=1)
    unseen = dict(check(backprop(square), square, X, RNG.random((3, 3))).unseen)
    assert "nabla_w transposed" not in unseen
    assert dict(check(backprop()).unseen)["nabla_w transposed"] == "its shapes do not fit 3-4-2; equal widths show it"


def test_a_second_point_that_cannot_be_used_is_said():
    # a linear output under cross-entropy, a = 1 - 1e-9: of four seeds, some moved weights carry it out of (0, 1)
    network = Network.from_arrays([np.array([[1 - 1e-9]])], None, "linear", "cross_entropy")
    x, y = np.array([[1.0]]), np.array([[0.5]])
    notes = [check(backprop(network), network, x, y, seed=seed).notes[0] for seed in range(4)]
    said = [note for note in notes if note.startswith("the candidate was not held to its cost at other weights and inputs: ")]
    assert 0 < len(said) < 4
    assert all("an answer that was right once and remembered would not show (The cost of example 1 is nan" in n for n in said)


# --------------------------------------------------------------------------------------------- nothing needs tuning


@pytest.mark.parametrize("sizes", [(2, 2, 2), (200, 490, 2)])
def test_the_same_error_is_caught_among_ten_entries_and_among_a_hundred_thousand(sizes):
    network = Network.random(sizes, seed=1)
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((2, sizes[0])), rng.random((2, 2))
    largest = np.abs(backprop(network)(list(network.w.values()), list(network.b.values()), x, y)[0][1]).max()

    def off(nabla_w, nabla_b):
        nabla_w[1][0, 1] += 1e-8 * largest

    report = check(spoilt(off, network), network, x, y)
    assert report.count("disagrees") == 1
    assert report.worst(1)[0].name == "dC/dw^3_12"
    assert check(backprop(network), network, x, y).verdict == AGREES


OFFSET = 1e6
lifted = Cost(
    "lifted",
    lambda a, y: quadratic.C(a, y) + OFFSET,
    quadratic.nabla_a_C,
    lambda a, y: quadratic.complex(a, y) + OFFSET,
    separable=True,
)


@pytest.mark.parametrize("cost", [times(1e-12, quadratic), times(1e12, quadratic), lifted], ids=["1e-12", "1e12", "+1e6"])
def test_no_scale_or_offset_of_the_cost_changes_a_verdict(cost):
    network = NETWORK.with_cost(cost)
    assert check(backprop(network), network).verdict == AGREES
    plain = check(backprop())
    assert check(backprop(network), network).unseen == plain.unseen

    def off(nabla_w, nabla_b):
        nabla_w[0][0, 0] *= 1 + 1e-8

    assert check(spoilt(off), NETWORK).count("disagrees") == 1
    assert check(spoilt(off, network), network).count("disagrees") == 1
    assert check(spoilt(lambda w, b: ([0 * w[0], w[1]], b), network), network).verdict == DISAGREES


def test_the_report_is_the_same_each_time_and_says_its_seed():
    one, two = (check(spoilt(lambda w, b: ([2 * v for v in w], b)), seed=5) for _ in range(2))
    without_time = [re.sub(r"time .*?s,", "", str(r)) for r in (one, two)]
    assert without_time[0] == without_time[1]
    assert str(one).endswith("s, seed 5")
