"""Diagnosis: mistakes written as a person would write them are named; what is no mistake of the catalogue is not."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from backprop_ref.gate import formats
from backprop_ref.gate.check import check_network, checked
from backprop_ref.gate.diagnosis import diagnose
from backprop_ref.gate.mistakes import MISTAKES
from backprop_ref.gate.planting import together
from backprop_ref.gate.reproduce import Case
from backprop_ref.gradient import Gradient
from backprop_ref.matrix import backprop_batch
from backprop_ref.network import Network

# A right candidate with examples in rows. Each mistake below is a change of one of its lines.
SOURCE = """
def gradient(ws, bs, X, Y):
    m, N = len(X), len(ws)
    outs, nets = [X], []
    for W, b in zip(ws, bs):
        nets.append(outs[-1] @ W.T + b)
        outs.append(f(nets[-1]))
    err = outs[-1] - Y
    d = err * df(nets[-1])
    dws, dbs = [None] * N, [None] * N
    for i in range(N - 1, -1, -1):
        dws[i] = d.T @ outs[i] / m
        dbs[i] = d.sum(axis=0) / m
        if i > 0:
            back = d @ ws[i]
            d = back * df(nets[i - 1])
    return dws, dbs
"""


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


FUNCTIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "sigmoid": (sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z))),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0),
}


def written(old: str, new: str, activation: str = "sigmoid") -> Callable[..., Any]:
    """The candidate with one line of it written otherwise."""
    assert SOURCE.count(old) == 1, old
    f, df = FUNCTIONS[activation]
    names: dict[str, Any] = {"np": np, "f": f, "df": df}
    exec(SOURCE.replace(old, new), names)
    candidate: Callable[..., Any] = names["gradient"]
    return candidate


def probes(activation: str, sizes: tuple[int, ...] = (3, 5, 4, 2), seed: int = 0) -> list[tuple[Network, Any, Any]]:
    """A network of different widths with batches of 6, 2 and 3, and one of equal widths."""
    made = []
    for n, m in ((sizes, 6), (sizes, 2), (sizes, 3), ((4,) * len(sizes), 5)):
        rng = np.random.default_rng(seed + m)
        X, Y = rng.standard_normal((m, n[0])), rng.uniform(0.1, 0.9, (m, n[-1]))
        made.append((Network.random(n, activation, seed=seed), X, Y))
    return made


def cases(candidate: Callable[..., Any], activation: str = "sigmoid", **more: Any) -> list[Case]:
    """The answers of a candidate on the probes on which it runs."""
    found = [checked(*probe, candidate, **more)[1] for probe in probes(activation)]
    return [case for case in found if case is not None]


UNTRANSPOSED = "back = d @ ws[i].T"
# old line, new line, the names of which one must be told, layers
WRITTEN: list[tuple[str, str, str, tuple[int, ...]]] = [
    ("d = back * df(nets[i - 1])", "d = back", "bp2-slope-missing", (2, 3)),
    ("d = back * df(nets[i - 1])", "d = back * df(nets[i - 1]) ** (1 if i == 1 else 0)", "bp2-slope-missing", (3,)),
    ("d = back * df(nets[i - 1])", "d = back * df(outs[i])", "bp2-slope-of-a", (2, 3)),
    ("d = back * df(nets[i - 1])", "d = back * df(nets[i - 1]) ** 2", "bp2-slope-twice", (2, 3)),
    ("d = back * df(nets[i - 1])", "d = back * (df(nets[i - 1]) + 0.1)", "bp2-slope-plus-c", (2, 3)),
    ("d = back * df(nets[i - 1])", "d = back * outs[i]", "bp2-slope-sigma", (2, 3)),
    ("d = back * df(nets[i - 1])", "d = f(back)", "bp2-sigma-of-error", (2, 3)),
    ("d = back * df(nets[i - 1])", "d = back + df(nets[i - 1])", "bp2-sum-for-product", (2, 3)),
    ("d = back * df(nets[i - 1])", "d = -back * df(nets[i - 1])", "bp2-sign", (2, 3)),
    ("d = back * df(nets[i - 1])", "d = 0.3 * back * df(nets[i - 1])", "bp2-factor", (2, 3)),
    ("d = back * df(nets[i - 1])", "d = (0 * back)", "bp2-nothing", (2, 3)),
    ("back = d @ ws[i]", "back = d @ np.abs(ws[i])", "bp2-w-absolute", (2, 3)),
    ("back = d @ ws[i]", "back = d[:, -1:] * ws[i][-1]", "bp2-overwritten-by-last", (2, 3)),
    ("back = d @ ws[i]", "back = d @ ws[i] / ws[i].shape[0]", "bp2-averaged", (2, 3)),
    ("back = d @ ws[i]", "ws[i] = ws[i] - 0.5 * dws[i]; back = d @ ws[i]", "bp2-w-updated", (2, 3)),
    ("back = d @ ws[i]", "back = np.clip(d @ ws[i], -0.01, 0.01)", "bp2-delta-clipped", (2, 3)),
    ("back = d @ ws[i]", "back = np.repeat(d.sum(axis=1, keepdims=True), ws[i].shape[1], axis=1)", "bp2-w-missing", (2, 3)),
    ("d = err * df(nets[-1])", "d = err", "bp1-slope-missing", (4,)),
    ("d = err * df(nets[-1])", "d = err ** 2 * df(nets[-1])", "bp1-squared-error", (4,)),
    ("d = err * df(nets[-1])", "d = err * df(nets[-1]) / Y.shape[1]", "bp1-outputs-averaged", (4,)),
    ("err = outs[-1] - Y", "err = nets[-1] - Y", "bp1-z-for-a", (4,)),
    ("err = outs[-1] - Y", "err = Y - outs[-1]", "bp1-sign", (4,)),
    ("err = outs[-1] - Y", "err = 2 * (outs[-1] - Y)", "bp1-doubled", (4,)),
    ("dws[i] = d.T @ outs[i] / m", "dws[i] = d.T @ outs[i]", "bp4-mean-missing", (2, 3, 4)),
    ("dws[i] = d.T @ outs[i] / m", "dws[i] = d.T @ (nets[i - 1] if i else X) / m", "bp4-z-below", (3, 4)),
    ("dws[i] = d.T @ outs[i] / m", "dws[i] = np.outer(d.mean(0), outs[i].mean(0))", "bp4-means-multiplied", (2, 3, 4)),
    ("dws[i] = d.T @ outs[i] / m", "dws[i] = d.T @ outs[i] / m + 0.01 * ws[i]", "regularised", (2, 3, 4)),
    ("dws[i] = d.T @ outs[i] / m", "dws[i] = (outs[i].T @ d / m).reshape(ws[i].shape)", "bp4-reshaped", (2, 3, 4)),
    ("dbs[i] = d.sum(axis=0) / m", "dbs[i] = d.sum(axis=0) * 0", "bp3-zero", (2, 3, 4)),
    ("dbs[i] = d.sum(axis=0) / m", "dbs[i] = d.sum() / m * np.ones(len(bs[i]))", "bp3-neurons-summed", (2, 3, 4)),
    ("dbs[i] = d.sum(axis=0) / m", "dbs[i] = d.sum(axis=0)[::-1] / m", "bp3-reversed", (2, 3, 4)),
    ("dbs[i] = d.sum(axis=0) / m", "dbs[i] = (d * outs[i + 1]).sum(axis=0) / m", "bp3-times-a", (2, 3, 4)),
    ("return dws, dbs", "return [w * m / (m - 1) for w in dws], [b * m / (m - 1) for b in dbs]", "mean-m-minus-1", (2, 3, 4)),
    ("return dws, dbs", "return [np.round(w, 4) for w in dws], [np.round(b, 4) for b in dbs]", "rounded", (2, 3, 4)),
    ("return dws, dbs", "return [w[::-1] for w in dws], dbs", "rows-reversed", (2, 3, 4)),
    (
        "return dws, dbs",
        "return [w - 0.25 * g for w, g in zip(ws, dws)], [b - 0.25 * g for b, g in zip(bs, dbs)]",
        "step-returned",
        (2, 3, 4),
    ),
    ("nets.append(outs[-1] @ W.T + b)", "nets.append(outs[-1] @ W.T - b)", "forward-bias-subtracted", (2, 3, 4)),
    ("nets.append(outs[-1] @ W.T + b)", "nets.append(outs[-1] @ W.T)", "forward-bias-missing", (2, 3, 4)),
]


HIDDEN = {("relu", "bp2-slope-of-a"), ("relu", "bp2-slope-twice"), ("relu", "bp1-z-for-a")}  # sigma' is 0 or 1, and a = z where 1


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize(("old", "new", "name", "layers"), WRITTEN, ids=[f"{row[2]}-{i}" for i, row in enumerate(WRITTEN)])
def test_a_mistake_is_named(old: str, new: str, name: str, layers: tuple[int, ...], activation: str) -> None:
    found = diagnose(cases(written(old, new, activation), activation))
    if (activation, name) in HIDDEN:
        assert found is None
        return
    assert found is not None
    assert name in found.mistake.split(" or "), str(found)
    assert found.layers == layers


def test_on_equal_widths_a_missing_transpose_is_named() -> None:
    network, X, Y = probes("sigmoid")[3]
    report = check_network(network, X, Y, written("back = d @ ws[i]", UNTRANSPOSED))
    assert report.diagnosis is not None
    assert (report.diagnosis.mistake, report.diagnosis.equation, report.diagnosis.layers) == ("bp2-w-untransposed", "BP2", (2, 3))


def test_an_unknown_number_is_told() -> None:
    found = diagnose(cases(written("dws[i] = d.T @ outs[i] / m", "dws[i] = d.T @ outs[i] / m + 0.03125 * ws[i]")))
    assert found is not None
    assert found.found[0].values == {"lmbda": 0.03125}


def test_the_sentence() -> None:
    network, X, Y = probes("tanh")[0]
    report = check_network(network, X, Y, written("d = back * df(nets[i - 1])", "d = back", "tanh"))
    assert report.diagnosis is not None
    said, ulps = str(report.diagnosis), report.diagnosis.evidence.split()[4]
    assert said == (
        "BP2, layers 2 and 3: sigma' missing, in BP2. The factor sigma'(z^l) is missing: the error passes as if every neuron "
        f"had slope 1. Reproduces your gradient to {ulps} ulp on 1 of 1 probe. Yours: delta[l] = w[l + 1].T @ delta[l + 1]. "
        "Chapter: delta[l] = (w[l + 1].T @ delta[l + 1]) * sigma_prime[l](z[l])."
    )
    assert int(ulps) < 50


def test_what_cannot_be_told_apart_is_listed() -> None:
    found = diagnose(cases(written("d = back * df(nets[i - 1])", "d = back", "relu"), "relu"))
    assert found is not None
    assert found.found[0].mistakes == ("bp2-slope-missing", "bp2-slope-relu-of-all")
    assert ": either sigma' missing, in BP2 or relu's slope taken as 1 everywhere, in BP2. " in str(found)


def test_what_nobody_writes_is_not_offered_beside_what_many_do() -> None:
    found = diagnose(cases(written("d = back * df(nets[i - 1])", "d = back")))
    assert found is not None
    assert found.found[0].mistakes == ("bp2-slope-missing", "bp2-slope-sum")  # a + (1 - a) is 1
    assert str(found).startswith("BP2, layers 2 and 3: sigma' missing, in BP2. ")
    assert "a + (1 - a)" not in str(found)


def test_what_nobody_writes_is_not_offered_beside_another_mistake() -> None:
    source = SOURCE.replace("d = back * df(nets[i - 1])", "d = back").replace("d.sum(axis=0) / m", "d.sum(axis=0)")
    found = diagnose(cases(written(SOURCE, source)))
    assert found is not None
    assert set(found.mistake.split(" and ")) == {"bp2-slope-missing", "bp3-mean-missing"}
    assert "a + (1 - a)" not in str(found)


def test_what_nobody_writes_is_told_where_it_is_alone() -> None:
    catalogue = [m for m in MISTAKES if m.name != "bp2-slope-missing"]
    found = diagnose(cases(written("d = back * df(nets[i - 1])", "d = back * (outs[i] + (1 - outs[i]))")), catalogue)
    assert found is not None
    assert str(found).startswith("BP2, layers 2 and 3: a + (1 - a) as the slope of the sigmoid, in BP2. ")


def test_one_mistake_in_two_layers_is_said_once() -> None:
    made = []
    for sizes, m in (((3, 5, 4, 6, 2), 6), ((3, 5, 4, 6, 2), 3), ((4, 4, 4, 4, 4), 5)):
        rng = np.random.default_rng(m)
        X, Y = rng.standard_normal((m, sizes[0])), rng.uniform(0.1, 0.9, (m, sizes[-1]))
        candidate = written("d = back * df(nets[i - 1])", "d = back * df(nets[i - 1]) ** (i == 2)", "tanh")
        made.append(checked(Network.random(sizes, "tanh", seed=0), X, Y, candidate)[1])
    found = diagnose([case for case in made if case])
    assert found is not None
    assert (found.mistake, found.layers, len(found.found)) == ("bp2-slope-missing", (2, 4), 1)
    assert str(found).count("sigma'(z^l) is missing") == 1
    assert str(found).startswith("BP2, layers 2 and 4: sigma' missing, in BP2. ")


def test_a_sentence_that_was_said_is_not_said_again() -> None:
    source = SOURCE.replace("d = err * df(nets[-1])", "d = err").replace(
        "d = back * df(nets[i - 1])", "d = back * df(nets[i - 1]) ** (i == 1)"
    )
    found = diagnose(cases(written(SOURCE, source, "tanh"), "tanh"))
    assert found is not None
    assert [f.layers for f in found.found] in ([(4,), (3,)], [(3,), (4,)])
    assert str(found).count("as if every neuron had slope 1") == 1


def test_every_sentence_of_the_catalogue_ends_with_one_full_stop() -> None:
    for m in MISTAKES:
        for sentence in (m.sentence, m.beside_decay[1] or m.sentence):
            assert sentence.endswith("."), m.name
            assert not sentence.endswith(("..", ".).")), m.name


def test_a_number_that_is_nothing_but_rounding_is_0() -> None:
    """A leaky relu whose backward pass is that of relu: c is solved for, and comes out as 1e-17 or so."""
    made = []
    for probe in probes("tanh"):
        network, X, Y = Network.random(probe[0].sizes, "leaky_relu", seed=1), *probe[1:]
        leaky = written("d = back * df(nets[i - 1])", "d = back * (nets[i - 1] > 0)", "relu")
        f = leaky.__globals__
        f["f"], f["df"] = (lambda z: np.where(z > 0, z, 0.01 * z)), (lambda z: np.where(z > 0, 1.0, 0.01))
        made.append(checked(network, X, Y, leaky)[1])
    found = diagnose([case for case in made if case])
    assert found is not None
    assert found.mistake == "bp2-slope-leaky"
    assert found.found[0].values == {"c": 0.0}
    assert "c = 0. " in str(found)


def test_a_right_gradient_under_another_cost_is_told_both_readings() -> None:
    network, X, Y = probes("sigmoid")[0]
    report = check_network(network, X, Y, written("d = err * df(nets[-1])", "d = err * m"))
    assert report.diagnosis is not None
    assert report.diagnosis.exact_for == (("cross_entropy", "sum", ""),)
    assert report.diagnosis.mistake == "bp1-slope-missing and mean-missing"
    exact = "exact for cross_entropy, summed (--cost cross_entropy --reduction sum)"
    first = f"gradient, network 3-5-4-2, m = 6: {exact}"
    assert str(report).splitlines()[0] == f"DISAGREES  {first}"
    assert f"  cause      {exact}; declared was quadratic, mean\n" in str(report)
    assert "\n  cause      if your cost is quadratic, mean: BP1, layer 4: " in str(report)
    assert report.to_json()["exact_for"] == exact.removeprefix("exact for ")
    assert f'message="{exact}; ' in formats.junit(report)
    assert formats.github(report).startswith("::error title=DISAGREES gradient%2C network 3-5-4-2%2C m = 6%3A exact for cross_")
    page = formats.html([report, report])
    assert f"<title>DISAGREES: {first}</title>" in page
    assert f"<h1>✗ DISAGREES: {exact}</h1>" in page
    assert page.count("<p>If your cost is quadratic, mean: BP1, layer 4: ") == 1  # once, though there are two probes


def test_the_wrong_sign_is_right_if_added() -> None:
    found = diagnose(cases(written("err = outs[-1] - Y", "err = Y - outs[-1]")))
    assert found is not None
    assert found.exact_for == (("quadratic", "mean", "-1"),)
    assert found.cost == "quadratic, mean, times -1 (right if it is added, not subtracted)"
    assert found.exact == f"exact for {found.cost}"  # no option declares a factor


PAIRS = [
    (("d = back * df(nets[i - 1])", "d = back"), ("dbs[i] = d.sum(axis=0) / m", "dbs[i] = d.sum(axis=0)")),
    (("err = outs[-1] - Y", "err = Y - outs[-1]"), ("back = d @ ws[i]", "back = d @ np.abs(ws[i])")),
    (("d = err * df(nets[-1])", "d = err"), ("back = d @ ws[i]", "back = d @ ws[i] / ws[i].shape[0]")),
]
NAMED = [
    {"bp2-slope-missing", "bp3-mean-missing"},
    {"sign", "bp2-w-absolute"},
    {"bp1-slope-missing", "bp2-averaged"},
]


@pytest.mark.parametrize(("pair", "names"), list(zip(PAIRS, NAMED, strict=True)))
def test_two_mistakes_at_once_are_named(pair: tuple[tuple[str, str], ...], names: set[str]) -> None:
    source = SOURCE
    for old, new in pair:
        source = source.replace(old, new)
    found = diagnose(cases(written(SOURCE, source, "tanh"), "tanh"))
    assert found is not None
    readings = [{name for f in reading for name in f.mistakes} for reading in (found.found, *found.others)]
    assert any(names <= reading for reading in readings), str(found)


def test_three_mistakes_are_narrowed_and_none_is_guessed() -> None:
    source = SOURCE.replace("back = d @ ws[i]", "back = np.sin(d @ ws[i]) * 3")
    found = diagnose(cases(written(SOURCE, source)))
    assert found is not None
    assert (found.mistake, found.equation, found.layers) == ("", "BP2", (3,))
    assert str(found) == (
        "nothing in the catalogue, nor two mistakes of it at once, gives these answers. layer 4 is right. "
        "BP2, layer 3 goes wrong first, from the output down: both gradients of that layer are off."
    )


def test_a_wrong_row_is_told() -> None:
    found = diagnose(cases(written("return dws, dbs", "dws[1][2] *= 1.7; return dws, dbs")))
    assert found is not None
    assert found.mistake == ""
    assert found.narrowed[1:] == (
        "layers 2 and 4 are right",
        "BP4, layer 3 goes wrong first, from the output down: dC/db^3 is right, so delta^3 is",
        "dC/dw^3 is off in row 3 of 4, columns 1, 2, 3, 4, 5 of 5: 5 of 20 entries",
    )


def test_a_right_candidate_has_no_diagnosis() -> None:
    network, X, Y = probes("sigmoid")[0]
    assert check_network(network, X, Y, written("m, N", "m, N")).diagnosis is None
    assert diagnose(cases(written("m, N", "m, N"))) is None


def planted(probe: tuple[Network, Any, Any], *names: str) -> Case:
    """What a catalogue's mistakes give on a probe, as answers."""
    network, X, Y = probe
    right = checked(network, X, Y, lambda w, b, X, Y: _lists(backprop_batch(network, X, Y)))[1]
    assert right is not None
    equations = together(*((m, None, {}) for m in MISTAKES if m.name in names))
    return replace(right, claimed=backprop_batch(network, X, Y, equations))


def _lists(g: Gradient) -> tuple[list[Any], list[Any]]:
    return list(g.nabla_w.values()), list(g.nabla_b.values())


def test_nothing_is_named_that_was_not_made() -> None:
    """Right gradients with some entries moved: by an ulp of float32, by a little, by much."""
    rng = np.random.default_rng(0)
    for i in range(30):
        made = []
        for probe in probes("sigmoid", seed=i % 3)[:2]:
            case = planted(probe)
            size = 10.0 ** -rng.integers(0, 9)
            moved = {
                l: v * (1 + size * rng.standard_normal(v.shape) * (rng.random(v.shape) < 0.5))
                for l, v in case.claimed.nabla_w.items()
            }
            made.append(replace(case, claimed=Gradient(moved, case.claimed.nabla_b)))
        found = diagnose(made, seconds=0.1)
        assert found is not None
        assert found.mistake == "", str(found)
        assert found.exact_for == ()


def test_a_cost_that_promises_nothing_here_is_no_reading() -> None:
    """Outputs of relu leave (0, 1): the bounds of cross-entropy are infinite there, and anything would pass."""
    made = []
    for probe in probes("relu", (2, 3, 1))[:3]:
        case = planted(probe)
        made.append(
            replace(case, claimed=Gradient({l: 1.5 * v + 1 for l, v in case.claimed.nabla_w.items()}, case.claimed.nabla_b))
        )
    found = diagnose(made)
    assert found is not None
    assert found.exact_for == ()


def test_one_number_is_no_evidence() -> None:
    """One output: a bias moved by any factor is "BP3 times c" there, which two unknowns of one number cannot show."""
    network = Network.random((2, 3, 1), "sigmoid", seed=0)
    X, Y = np.array([[0.5, -1.0]]), np.array([[0.25]])
    case = planted((network, X, Y))
    moved = dict(case.claimed.nabla_b) | {3: case.claimed.nabla_b[3] * 1.7}
    found = diagnose([replace(case, claimed=Gradient(case.claimed.nabla_w, moved))])
    assert found is not None
    assert (found.mistake, found.equation, found.layers) == ("", "BP3", (3,))


def test_what_the_catalogue_lacks_is_not_called_something_else() -> None:
    """bp2-w-absolute taken out: no other name for it."""
    catalogue = [m for m in MISTAKES if m.name != "bp2-w-absolute"]
    found = diagnose(cases(written("back = d @ ws[i]", "back = d @ np.abs(ws[i])")), catalogue)
    assert found is not None
    assert (found.mistake, found.equation, found.layers) == ("", "BP2", (3,))


def test_a_mistake_that_does_nothing_here_is_no_second_one() -> None:
    """relu, with bp1-slope-sigma taken out: "slope-sigma, its BP2 written over by sigma' twice" is the same, and no finding."""
    catalogue = [m for m in MISTAKES if m.name != "bp1-slope-sigma"]
    found = diagnose(cases(written("d = err * df(nets[-1])", "d = err * outs[-1]", "relu"), "relu"), catalogue)
    assert found is not None
    assert (found.mistake, found.equation, found.layers) == ("", "BP1", (4,))


def test_every_format_shows_it() -> None:
    network, X, Y = probes("tanh")[0]
    report = check_network(network, X, Y, written("d = back * df(nets[i - 1])", "d = back", "tanh"))
    cause = "BP2, layers 2 and 3: sigma' missing, in BP2."
    assert f"  cause      {cause}" in str(report)
    own = "deltas[1] = (deltas[2] @ weights[2]) * sigma_prime(zs[1])  # layer 3, and so in layer 2"
    assert f"  write      {own}\n" in str(report)
    facts = json.loads(json.dumps(report.to_json()))["diagnosis"]
    assert facts["found"][0]["write"] == [own]
    assert facts["found"][0]["chapter"] == ["delta[l] = (w[l + 1].T @ delta[l + 1]) * sigma_prime[l](z[l])"]
    assert report.to_json()["exact_for"] is None
    assert (facts["mistake"], facts["equation"], facts["layers"]) == ("bp2-slope-missing", "BP2", [2, 3])
    assert cause in formats.junit(report)
    assert cause in formats.github(report)
    page = formats.html(report)
    assert cause.replace("'", "&#x27;") in page
    assert page.count("<math") == 2
    assert f"<p>{report.diagnosis.evidence}</p>" in page
    assert f"<pre>{own}</pre>" in page


def test_a_page_of_several_candidates_has_a_diagnosis_for_each() -> None:
    network, X, Y = probes("tanh")[0]
    wrong = [check_network(network, X, Y, written("d = err * df(nets[-1])", f"d = {new}", "tanh")) for new in ("err", "-err")]
    page = formats.html(wrong)
    assert page.count("<h3>What is wrong</h3>") == 2
    assert formats.html(wrong[:1] * 3).count("What is wrong") == 1


def test_a_line_to_write_is_written_once() -> None:
    """Two mistakes in one line: a factor 2, and the mean over the outputs (of four, so that they are not one factor)."""
    made = []
    for sizes in ((3, 5, 4), (3, 4, 3)):
        rng = np.random.default_rng(0)
        network, X, Y = Network.random(sizes, "tanh", seed=0), rng.standard_normal((5, 3)), rng.uniform(0.1, 0.9, (5, sizes[-1]))
        candidate = written("err = outs[-1] - Y", "err = 2 * (outs[-1] - Y) / Y.shape[1]", "tanh")
        made.append(checked(network, X, Y, candidate)[1])
    found = diagnose([case for case in made if case])
    assert found is not None
    assert [f.mistakes[0] for f in found.found] == ["bp1-doubled", "bp1-outputs-averaged"]
    assert [line for kind, line in found.lines() if kind == "write"] == found.write(found.found[0])


MEANS = [
    (
        "return dws, dbs",
        "return [np.round(w, 4) for w in dws], [np.round(b, 4) for b in dbs]",
        "nabla_w[2] = (deltas[2].T @ activations[2]) / m",
    ),
    ("dbs[i] = d.sum(axis=0) / m", "dbs[i] = d.sum(axis=0) / m / m", "nabla_b[2] = deltas[2].sum(axis=0) / m"),
]


@pytest.mark.parametrize(("old", "new", "line"), MEANS)
def test_what_to_write_for_a_mean_or_an_answer_is_the_whole_line(old: str, new: str, line: str) -> None:
    found = diagnose(cases(written(old, new)))
    assert found is not None
    assert f"{line}  # layer 4, and so in layers 2, 3" in found.write(found.found[0])


@pytest.mark.parametrize(
    ("cost", "wrong", "line"),
    [
        ("quadratic", "3.7 * err * df(nets[-1])", "nabla_a_C(activations[3], Y) * sigma_prime(zs[2])"),
        ("cross_entropy", "3.7 * err", "activations[3] - Y"),
    ],
)
def test_what_to_write_for_bp1_depends_on_the_cost(cost: str, wrong: str, line: str) -> None:
    network, X, Y = probes("sigmoid")[0]
    report = check_network(network.with_cost(cost), X, Y, written("d = err * df(nets[-1])", f"d = {wrong}"))
    assert report.diagnosis is not None
    assert "bp1-factor" in report.diagnosis.mistake
    assert report.diagnosis.write(report.diagnosis.found[0]) == [f"deltas[2] = {line}  # layer 4"]


# ------------------------------------------------------------------------------------------ a weight decay that is declared

MEAN_W = "dws[i] = d.T @ outs[i] / m"
WHOLE = "nabla_w[2] = (deltas[2].T @ activations[2]) / m"


def decayed(extra: str, of_b: str = "", decay: float = 0.1) -> list[Case]:
    """A candidate that adds something to nabla_w, under a weight decay that was declared."""
    source = SOURCE.replace(MEAN_W, f"{MEAN_W} {extra}").replace("sum(axis=0) / m", f"sum(axis=0) / m {of_b}")
    return cases(written(SOURCE, source), weight_decay=decay)


def test_a_declared_weight_decay_that_is_there_is_right() -> None:
    assert diagnose(decayed("+ 0.1 * ws[i]")) is None


def test_a_declared_weight_decay_that_is_missing_is_told() -> None:
    found = diagnose(decayed(""))
    assert found is not None
    assert (found.mistake, found.equation, found.layers) == ("regularised", "finish", (2, 3, 4))
    [f] = found.found
    assert (f.titles, f.values) == (("the declared weight decay missing",), {})
    assert f.sentence == "The cost that was declared has weight decay, lambda = 0.1; its gradient, lambda w^l, is missing."
    assert f.yours == ("nabla_w[l] = (delta[l] @ a[l - 1].T) / m",)
    assert f.chapter == ("nabla_w[l] = (delta[l] @ a[l - 1].T) / m + 0.1 * w[l]",)
    assert found.write(f) == [f"{WHOLE} + 0.1 * weights[2]  # layer 4, and so in layers 2, 3"]
    assert "lmbda" not in str(found)


@pytest.mark.parametrize("own", [0.05, 0.2, 3.0])
def test_a_declared_weight_decay_with_another_lambda_is_told(own: float) -> None:
    found = diagnose(decayed(f"+ {own} * ws[i]"))
    assert found is not None
    assert (found.mistake, found.found[0].values) == ("regularised", {"lmbda": own})
    assert found.found[0].titles == ("weight decay with another lambda",)
    assert found.found[0].sentence == "The weight decay that was declared has lambda = 0.1; here it has another lambda."
    assert found.write(found.found[0]) == [f"{WHOLE} + 0.1 * weights[2]  # layer 4, and so in layers 2, 3"]


def test_a_declared_weight_decay_that_is_missing_in_one_layer_is_told() -> None:
    found = diagnose(decayed("+ 0.1 * ws[i] * (i != 1)"))
    assert found is not None
    assert (found.mistake, found.layers) == ("regularised", (3,))
    assert found.found[0].titles == ("the declared weight decay missing",)


@pytest.mark.parametrize(
    ("extra", "of_b", "name", "title", "values"),
    [
        ("+ 0.1 * ws[i]", "+ 0.1 * bs[i]", "regularised-biases", "weight decay on the biases too", {"lmbda": 0.1}),
        ("+ 0.1 * np.sign(ws[i])", "", "regularised-l1", "L1 instead of weight decay", {"lmbda": 0.1}),
    ],
)
def test_another_regularisation_than_the_declared_is_told(
    extra: str, of_b: str, name: str, title: str, values: dict[str, float]
) -> None:
    found = diagnose(decayed(extra, of_b))
    assert found is not None
    assert (found.mistake, found.found[0].titles, found.found[0].values) == (name, (title,), values)
    assert "declared has none" not in str(found)


@pytest.mark.parametrize("extra", ["", "+ 0.03 * ws[i]"])
def test_a_mistake_beside_another_weight_decay_than_the_declared_is_told(extra: str) -> None:
    source = SOURCE.replace(MEAN_W, f"{MEAN_W} {extra}").replace("back * df(nets[i - 1])", "back")
    found = diagnose(cases(written(SOURCE, source, "tanh"), "tanh", weight_decay=0.1))
    assert found is not None
    assert set(found.mistake.split(" and ")) == {"regularised", "bp2-slope-missing"}


@pytest.mark.parametrize("extra", ["[::-1]", "* -1"])
def test_what_is_done_to_the_whole_gradient_is_done_to_its_weight_decay(extra: str) -> None:
    returned = f"return [(g + 0.1 * w){extra} for g, w in zip(dws, ws)], [b{extra} for b in dbs]"
    found = diagnose(cases(written("return dws, dbs", returned, "tanh"), "tanh", weight_decay=0.1))
    assert found is not None
    names = {"[::-1]": "rows-reversed and bp3-reversed", "* -1": "sign"}[extra]
    assert set(found.mistake.split(" and ")) == set(names.split(" and "))


def test_a_large_weight_decay_that_is_declared_is_right_to_rounding() -> None:
    assert diagnose(decayed("+ 1e6 * ws[i]", decay=1e6)) is None


@pytest.mark.parametrize(("own", "factor"), [(0.1, 1.0), (0.0, 1.0), (0.04, 1.0), (0.1, 2.0), (0.0, 0.5)])
def test_another_cost_is_told_whatever_the_weight_decay(own: float, factor: float) -> None:
    last = f"d = {factor} * err"  # of cross-entropy
    source = SOURCE.replace(MEAN_W, f"{MEAN_W} + {own} * ws[i]").replace("d = err * df(nets[-1])", last)
    found = diagnose(cases(written(SOURCE, source), weight_decay=0.1), seconds=0)
    assert found is not None
    assert found.exact_for == (("cross_entropy", "mean", {1.0: "", 2.0: "2", 0.5: "1/2"}[factor]),)
    assert found.decay == (None if own == 0.1 else own)
    told = {0.1: "", 0.0: ", without weight decay", 0.04: ", with weight decay, lambda = 0.04"}[own]
    assert found.cost == f"cross_entropy, mean{', times ' + found.exact_for[0][2] if factor != 1 else ''}{told}"
    option = " --weight-decay 0.04" if own == 0.04 else ""
    said = found.cost if factor != 1 else f"{found.cost} (--cost cross_entropy --reduction mean{option})"
    assert found.exact == f"exact for {said}"


@pytest.mark.parametrize(("decay", "more"), [(0.0, ""), (0.1, " + 0.1 * weights[2]")])
def test_what_to_write_for_bp4_has_the_mean_and_the_weight_decay(decay: float, more: str) -> None:
    source = SOURCE.replace("d.T @ outs[i] / m", f"2 * d.T @ outs[i] / m + {decay} * ws[i]")
    found = diagnose(cases(written(SOURCE, source), weight_decay=decay))
    assert found is not None
    assert "bp4-doubled" in found.mistake.split(" or ")
    assert found.write(found.found[0]) == [f"{WHOLE}{more}  # layer 4, and so in layers 2, 3"]
    assert found.found[0].chapter == ("nabla_w[l] = delta[l] @ a[l - 1].T",)


def test_what_to_write_for_bp3_has_the_mean() -> None:
    found = diagnose(cases(written("dbs[i] = d.sum(axis=0) / m", "dbs[i] = -d.sum(axis=0) / m")))
    assert found is not None
    assert found.write(found.found[0]) == ["nabla_b[2] = deltas[2].sum(axis=0) / m  # layer 4, and so in layers 2, 3"]


def test_a_sum_is_not_divided_by_m() -> None:
    source = SOURCE.replace("dws[i] = d.T @ outs[i] / m", "dws[i] = 2 * d.T @ outs[i]").replace("sum(axis=0) / m", "sum(axis=0)")
    found = diagnose(cases(written(SOURCE, source), reduction="sum"))
    assert found is not None
    assert found.write(found.found[0]) == ["nabla_w[2] = deltas[2].T @ activations[2]  # layer 4, and so in layers 2, 3"]
