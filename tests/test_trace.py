import json
import re
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import mpmath
import numpy as np
import pytest
from click.testing import CliRunner

from backprop_ref import Network, activations, costs, neuron
from backprop_ref.cli import trace as command
from backprop_ref.costs import Cost, times
from backprop_ref.errors import DtypeError, ShapeError, UnknownName, ValueRefused
from backprop_ref.trace import classic, name, trace

SNAPSHOTS = Path(__file__).parent / "snapshots"
CLASSIC = trace(*classic(), eta=0.5, update_biases=False)


def run(*arguments):
    result = CliRunner().invoke(command.trace, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


# ------------------------------------------------------------------------------------------------------ the numbers


@pytest.mark.parametrize(
    ("value", "published"),
    [
        (CLASSIC.z[2][1], "0.3775"),
        (CLASSIC.a[2][1], "0.593269992"),
        (CLASSIC.a[2][2], "0.596884378"),
        (CLASSIC.z[3][1], "1.105905967"),
        (CLASSIC.a[3][1], "0.75136507"),
        (CLASSIC.a[3][2], "0.772928465"),
        (CLASSIC.terms[1], "0.274811083"),
        (CLASSIC.terms[2], "0.023560026"),
        (CLASSIC.C, "0.298371109"),
        (CLASSIC.dC_da[1], "0.74136507"),
        (CLASSIC.sigma_prime[3][1], "0.186815602"),
        (CLASSIC.delta[3][1], "0.138498562"),
        (CLASSIC.nabla_w[3][1, 1], "0.082167041"),
        (CLASSIC.sums[2][1], "0.036350306"),
        (CLASSIC.sigma_prime[2][1], "0.241300709"),
        (CLASSIC.nabla_w[2][1, 1], "0.000438568"),
        (CLASSIC.new_w[3][1, 1], "0.35891648"),
        (CLASSIC.new_w[3][1, 2], "0.408666186"),
        (CLASSIC.new_w[3][2, 1], "0.511301270"),
        (CLASSIC.new_w[3][2, 2], "0.561370121"),
        (CLASSIC.new_w[2][1, 1], "0.149780716"),
        (CLASSIC.new_w[2][1, 2], "0.19956143"),
        (CLASSIC.new_w[2][2, 1], "0.24975114"),
        (CLASSIC.new_w[2][2, 2], "0.29950229"),
    ],
)
def test_the_classic_example_to_every_published_digit(value, published):
    assert f"{value:.{len(published.split('.')[1])}f}" == published


def test_the_classic_example_keeps_its_biases():
    assert CLASSIC.new_b == {}
    assert not CLASSIC.update_biases
    assert CLASSIC.new_C < CLASSIC.C


def test_one_neuron_a_layer_by_hand():
    # sigma(z) = z^2 and z, x = 1, y = 7: z^2 = 3 - 1 = 2, a^2 = 4; z^3 = 2*4 + 1 = 9 = a^3; C = 2^2/2
    network = Network.from_arrays([[[3.0]], [[2.0]]], [[-1.0], [1.0]], ["square", "linear"])
    t = trace(network, [1.0], [7.0], eta=0.25)
    assert (t.z, t.a) == ({2: {1: 2}, 3: {1: 9}}, {1: {1: 1}, 2: {1: 4}, 3: {1: 9}})
    assert (t.C, t.terms, t.dC_da) == (2, {1: 2}, {1: 2})
    assert (t.sigma_prime, t.sums) == ({2: {1: 4}, 3: {1: 1}}, {2: {1: 4}})
    assert (t.delta, t.nabla_b) == ({2: {1: 16}, 3: {1: 2}}, {2: {1: 16}, 3: {1: 2}})
    assert t.nabla_w == {2: {(1, 1): 16}, 3: {(1, 1): 8}}
    assert (t.new_w, t.new_b) == ({2: {(1, 1): -1}, 3: {(1, 1): 0}}, {2: {1: -5}, 3: {1: 0.5}})
    assert t.new_C == (7 - 0.5) ** 2 / 2  # w^3 is 0 now, so that a^3 = b^3


@pytest.mark.parametrize("cost", ["quadratic", "squared_error", "mean_squared_error", "cross_entropy", "log_likelihood"])
@pytest.mark.parametrize("last", ["sigmoid", "softmax"])
def test_the_parts_make_the_whole(cost, last):
    t = trace(Network.random([3, 4, 3], ["tanh", last], cost, seed=5), [0.5, -1.0, 2.0], [0.0, 1.0, 0.0])
    gradient = neuron.backprop(t.net.network, [0.5, -1.0, 2.0], [0.0, 1.0, 0.0])
    assert all(t.delta[l][j + 1] == v for l in t.net.layers for j, v in enumerate(gradient.delta[l]))
    assert all(t.nabla_w[l][j + 1, k + 1] == v for l in t.net.layers for (j, k), v in np.ndenumerate(gradient.nabla_w[l]))
    assert all(t.delta[2][j] == t.sums[2][j] * t.sigma_prime[2][j] for j in t.net.neurons(2))  # BP2
    if t.net.pair:
        assert (t.dC_da, t.da_dz, 3 in t.sigma_prime) == ({}, {}, False)
    elif last == "sigmoid":
        assert all(t.delta[3][j] == t.dC_da[j] * t.sigma_prime[3][j] for j in t.net.neurons(3))  # BP1
    else:
        assert all(t.delta[3][j] == sum(t.dC_da[k] * t.da_dz[k, j] for k in (1, 2, 3)) for j in (1, 2, 3))  # (37)
    # a term is at most C, and is found by a dozen roundings, each an elementary function's at worst
    assert abs(sum(t.terms.values()) - t.C) <= 12 * 8 * 2.0**-53 * max(1, t.C)


def test_every_parameter_takes_its_step():
    t = trace(Network.random([3, 4, 2], seed=1), [1.0, 2.0, 3.0], [0.0, 1.0], eta=0.5)
    assert {l: len(v) for l, v in t.new_w.items()} == {2: 12, 3: 8}
    assert all(t.new_w[l][jk] == w - 0.5 * t.nabla_w[l][jk] for l in (2, 3) for jk, w in t.net.w[l].items())
    assert all(t.new_b[l][j] == b - 0.5 * t.nabla_b[l][j] for l in (2, 3) for j, b in t.net.b[l].items())
    after = Network.from_arrays(*([np.array(list(v.values())).reshape(t.net.network.w[l].shape if part is t.new_w else -1)
                                   for l, v in part.items()] for part in (t.new_w, t.new_b)))  # fmt: skip
    assert t.new_C == neuron.cost(after, [1.0, 2.0, 3.0], [0.0, 1.0])


def test_steps_name_every_number_once():
    t = trace(Network.random([3, 4, 2], seed=1), [1.0, 2.0, 3.0], 1)
    steps = {what: (equation, value) for equation, what, value in t.steps()}
    assert len(steps) == len(list(t.steps())) == 6 + 6 + 1 + 2 + 6 + 6 + 6 + 20 + 20 + 6 + 1
    assert steps["dC/dw^3_24"] == ("BP4", t.nabla_w[3][2, 4])
    assert steps["delta^2_4"] == ("BP2", t.delta[2][4])
    assert steps["delta^3_2"] == ("BP1", t.delta[3][2])
    assert steps["new w^2_43"] == ("update", t.new_w[2][4, 3])
    assert steps["C"] == ("(27)", t.C)
    assert dict(t.given())["w^3_24"] == t.net.w[3][2, 4]
    assert len(dict(t.given())) == 3 + 2 + 20 + 6


def test_own_costs_and_pairs_are_traced():
    mine = Cost("mine", costs.quadratic.C, costs.quadratic.nabla_a_C)
    text = command.render(trace(Network.random([2, 2], "sigmoid", mine), [1.0, 2.0], [0.0, 1.0]))
    assert re.search(r"\n  C = C\(a\^2, y\) = 0\.\d+\n", text)
    assert re.search(r"\n  dC/da\^2_1 = 0\.\d+\n", text)
    pair = command.render(trace(Network.random([2, 2], "sigmoid", times(2, costs.cross_entropy)), [1.0, 2.0], [0.0, 1.0]))
    assert "sigmoid and 2 cross_entropy give delta^L at once, as a pair." in pair


# --------------------------------------------------------------------------------------------------------- the text


def equations(monkeypatch, *arguments):
    """(left, right sides) of every equation on the page, unwrapped."""
    found = []
    write = command.Page.equals

    def record(page, left, *rights):
        found.append((left, [r if isinstance(r, str) else " ".join(r) for r in rights]))
        write(page, left, *rights)

    monkeypatch.setattr(command.Page, "equals", record)
    run("--full", *arguments)
    monkeypatch.undo()
    return found


NUMBER = re.compile(r"\d+\.?\d*(?:e[+-]\d+)?")


def by_calculator(side):
    """What a reader with a calculator finds, as an interval: each number on the page is right to 9 digits. None: a formula."""
    side = side.replace("exp(", "E(").replace("e^-", "E(1)^-").replace("e^", "E(1)^")
    if re.search(r"[A-DF-Za-z_']", NUMBER.sub("", side).replace("ln", "")):
        return None
    side = re.sub(r" ln \(?(-?[\d.]+(?:e[+-]\d+)?)\)?", r"*ln(\1)", side).replace(" ln(", "*ln(").replace("1/2 (", "1/2*(")
    side = re.sub(r"(1/\d+) \(", r"\1*(", side).replace("^", "**")

    def interval(number):
        v = Fraction(number[0])
        if v * 100 % 1 == 0 and v < 10**5:
            return f"iv({number[0]!r})"  # given with two decimals, or a number of the formula
        half = Fraction(10) ** (int(f"{float(v):e}".split("e")[1]) - 8) / 2
        return f"iv([{str(float(v - half))!r}, {str(float(v + half))!r}])"

    def ln(x):
        return mpmath.iv.log(x) if x > 0 else mpmath.iv.mpf([-1e300, 1e300])  # 0 ln x counts as 0; trace refuses any other

    return eval(NUMBER.sub(interval, side), {"iv": mpmath.iv.mpf, "ln": ln, "E": mpmath.iv.exp})


def test_the_calculator_calculates():
    assert by_calculator("0.15*0.05 + 0.2*(-0.1) - 0.5*2").delta < 1e-14
    assert 3 in by_calculator("1/2 (1 - 3)^2 + e^-0 - 0 ln 0.5 + 0/1")
    assert by_calculator("(1 - 1) ln(1 - 2)") == 0
    assert by_calculator("a^2_1 - y_1") is None
    assert by_calculator("sigma(0.3)") is None
    assert by_calculator("0.123456789").delta == pytest.approx(1e-9)
    assert by_calculator("1.5e-05").delta == pytest.approx(1e-13)


@pytest.mark.parametrize("activation", [*activations.ACTIVATIONS, "square,softmax", "tanh,linear"])
@pytest.mark.parametrize("cost", costs.COSTS)
def test_every_line_is_right_on_a_calculator(monkeypatch, activation, cost):
    arguments = ["--sizes", "2,3,3", "--activation", activation, "--cost", cost, "--seed", "3"]
    result = CliRunner().invoke(command.trace, arguments)
    if isinstance(result.exception, ValueRefused):  # a cost with a logarithm refuses outputs outside 0 and 1, in these words
        assert "needs outputs between 0 and 1, and a^3_" in str(result.exception)
        assert costs.COSTS[cost].targets
        assert activation not in ("sigmoid", "softmax", "square,softmax")
        return
    checked = 0
    for left, rights in equations(monkeypatch, *arguments):
        values = [v for v in map(by_calculator, rights) if v is not None]
        for p, q in pairwise(values):
            assert p.a <= q.b, (left, rights)
            assert q.a <= p.b, (left, rights)
            checked += 1
    assert checked >= 5 + 12 + 12 + 17  # z; BP4; the steps; more with each formula of sigma and C


@pytest.mark.parametrize("sizes", ["3,4,2", "1,1", "2,12,11,3", "64,30,10", "2,2,2,2,2"])
@pytest.mark.parametrize("last", ["gelu", "softmax"])
@pytest.mark.parametrize("cost", ["quadratic", "mean_squared_error"])
def test_no_line_is_longer_than_80(sizes, last, cost):
    hidden = ["cube" if sizes == "3,4,2" else "sigmoid"] * (sizes.count(",") - 1)
    for full in ([], ["--full"]):
        lines = run("--sizes", sizes, "--activation", ",".join([*hidden, last]), "--cost", cost, *full).splitlines()
        assert max(map(len, lines)) <= 80
        assert not [line for line in lines if line.endswith(" ")]


def test_huge_and_tiny_numbers_stay_within_80_columns():
    network = Network.from_arrays([[[-1.23456789e-123] * 12] * 12, [[-9.87654321e100] * 12] * 12], [[1e-9] * 12] * 2, "linear")
    for full in (True, False):
        text = command.render(trace(network, [-1.23456789e-7] * 12, [-1.11111111e-11] * 12, eta=1e-300), "", full)
        assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(("file", "arguments"), [("trace_classic.txt", ["--example", "classic"]), ("trace_3-4-2.txt", [])])
def test_the_whole_page(file, arguments):
    """A reader has read these line by line."""
    assert run(*arguments) == (SNAPSHOTS / file).read_text(encoding="utf-8")


def test_more_than_eight_alike_are_shown_by_the_first_four_and_the_last_two():
    short, long = run("--sizes", "7,8,8"), run("--sizes", "9,2")
    assert "... " not in short
    assert "Of more than" not in short
    assert "Of more than 8 alike, the first 4 and the last 2 are shown; --full shows them" in long
    assert re.findall(r"new w\^2_1(\d)", long) == list("123489")
    assert long.count("... 3 more weights into neuron") == 4  # in BP4 and in the step, for both neurons
    assert "w^2_14 a^1_4" in long
    assert "+ ... 3 more terms ... + w^2_18 a^1_8" in long
    assert "+ w^2_19 a^1_9 + b^2_1" in re.sub(r"\s+", " ", long)
    assert re.findall(r"new w\^2_1(\d)", run("--sizes", "9,2", "--full")) == list("123456789")


def test_a_real_digit_is_used_where_it_fits():
    page = json.loads(run("--sizes", "64,3,10", "--format", "json"))
    assert page["data"].startswith("1 of the 1,437 training digits")
    assert all(page["given"][f"a^1_{{{k}}}"] * 16 % 1 == 0 for k in range(10, 65))


def test_random_numbers_have_two_decimals():
    given = json.loads(run("--sizes", "3,4,2", "--seed", "11", "--format", "json"))["given"]
    assert all(value == round(value, 2) for value in given.values())


def test_json_holds_every_number_with_all_its_digits(tmp_path):
    file = tmp_path / "trace.json"
    assert run("--example", "classic", "--format", "json", "--output", str(file)) == ""
    page = json.loads(file.read_text())
    assert (page["schema"], page["verdict"], page["sizes"]) == ("backprop-ref/trace/1", "done", [2, 2, 2])
    assert (page["eta"], page["update_biases"], page["cost"]) == (0.5, False, "quadratic")
    assert page["steps"] == [{"equation": e, "name": n, "value": v} for e, n, v in CLASSIC.steps()]
    assert page["given"] == dict(CLASSIC.given())


def test_a_step_that_is_too_long_says_so():
    text = run("--sizes", "2,2", "--activation", "linear", "--eta", "5")
    assert "The step was too long: the gradient says where downhill is, not how far. Try a" in text
    assert "too long" not in run("--sizes", "2,2", "--activation", "linear", "--eta", "0.01")


def test_softmax_targets_that_do_not_sum_to_1_keep_their_sum():
    network = Network.random([2, 2], "softmax", "log_likelihood")
    text = command.render(trace(network, [1.0, 2.0], [0.5, 0.75]))
    assert "so that delta^L_j = a^L_j sum_k y_k - y_j" in text
    assert re.search(r"delta\^2_1 = a\^2_1\*1\.25 - y_1 = 0\.\d+\*1\.25 - 0\.5 = ", text)


def test_a_network_without_biases_has_no_bp3():
    text = command.render(trace(Network.from_arrays([[[0.5, 0.25]]], None), [1.0, 2.0], [0.0]))
    assert "there are no biases" in text
    assert "b^" not in text
    assert "BP3" not in text


def test_names_above_nine_are_in_braces():
    assert (name("w", 2, 12, 7), name("b", 3, 10), name("a", 1, 9)) == ("w^2_{12,7}", "b^3_{10}", "a^1_9")


# --------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize("eta", [0.0, -0.5, float("nan"), float("inf")])
def test_an_eta_that_is_no_positive_number_is_refused(eta):
    with pytest.raises(ValueRefused) as caught:
        trace(*classic(), eta=eta)
    assert str(caught.value) == f"eta = {eta:g} was given; the learning rate is a positive number, such as 0.5."


def test_outputs_that_a_cost_has_no_logarithm_of_are_refused():
    network = Network.from_arrays([[[3.0]]], [[-1.0]], "linear", "cross_entropy")
    with pytest.raises(ValueRefused) as caught:
        trace(network, [1.0], [0.5])
    assert str(caught.value) == (
        "C is nan on this example: cross_entropy needs outputs between 0 and 1, and a^2_1 is 2; "
        "use sigmoid or softmax in layer 2, or the quadratic cost."
    )


def test_numbers_beyond_the_floats_are_refused():
    network = Network.from_arrays([[[1e300]]], [[0.0]], "square")
    with pytest.raises(ValueRefused) as caught:
        trace(network, [1.0], [0.5])
    assert str(caught.value) == "a^2_1 is inf on this example, beyond the range of floats; use smaller weights or inputs."


def test_wrong_examples_are_refused_as_network_refuses_them():
    network, x, y = classic()
    for wrong, error in (([0.5], ShapeError), ([1, 2], DtypeError), ([0.5, float("nan")], ValueRefused)):
        with pytest.raises(error, match=r"^x "):
            trace(network, wrong, y)
    with pytest.raises(ShapeError, match=r"^y "):
        trace(network, x, [0.5])


def test_example_and_sizes_exclude_each_other():
    result = CliRunner().invoke(command.trace, ["--example", "classic", "--sizes", "3,4,2"])
    assert result.exit_code == 2
    assert "Error: --example classic has sizes of its own; leave out --sizes, or --example." in result.output


def test_a_misspelt_activation_is_named():
    result = CliRunner().invoke(command.trace, ["--activation", "sigmod"])
    assert isinstance(result.exception, UnknownName)
    assert "Did you mean 'sigmoid'?" in str(result.exception)
