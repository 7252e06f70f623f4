"""What a mistake does to training: the figures are those of the catalogue, and are measured again."""

from dataclasses import replace

import numpy as np
import pytest

from backprop_ref.gate import training
from backprop_ref.gate.mistakes import MISTAKES, mistake
from backprop_ref.gate.planting import Mistake
from backprop_ref.gate.training import ALIKE, CHANCE, SETTINGS, STEPS, Outcome, Setting, as_json, measured, outcomes
from backprop_ref.matrix import CHAPTER, Equations, backprop_batch

NAMES = [m.name for m in MISTAKES]
SOME = [m for i, m in enumerate(MISTAKES) if i % 20 == 8]


def test_every_mistake_of_the_catalogue_was_measured() -> None:
    assert list(outcomes()) == NAMES, "run python scripts/write_mistakes.py --train"


def same(m: Mistake) -> None:
    """As it is stored, but for a machine that rounds otherwise: after 1,000 steps that is as good as another seed."""
    stored, again = outcomes()[m.name], measured(m)
    assert stored
    assert again
    assert (stored.setting, stored.start) == (again.setting, again.start)
    assert (stored.cost is None) == (again.cost is None)
    assert abs(stored.accuracy - again.accuracy) <= max(ALIKE, stored.high - stored.low)
    assert abs(stored.right_accuracy - again.right_accuracy) <= max(ALIKE, stored.right_high - stored.right_low)


@pytest.mark.parametrize("m", SOME, ids=[m.name for m in SOME])
def test_the_figures_are_measured_again_one_in_twenty(m: Mistake) -> None:
    same(m)


@pytest.mark.soak
@pytest.mark.parametrize("m", MISTAKES, ids=NAMES)
def test_the_figures_are_measured_again(m: Mistake) -> None:
    same(m)


ALIKE_ONE = Outcome("3-2, sigmoid", 1.0, 0.125, 0.9, 0.85, 0.95, 0.125, 0.9, 0.85, 0.95)


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        (ALIKE_ONE, "learns as well as the right one"),
        (replace(ALIKE_ONE, accuracy=0.84), "learns as well as the right one"),
        (replace(ALIKE_ONE, accuracy=0.82), "learns slower"),
        (replace(ALIKE_ONE, accuracy=0.96), "learns as well as the right one"),
        (replace(ALIKE_ONE, accuracy=0.98), "learns faster"),
        (replace(ALIKE_ONE, accuracy=0.19, cost=0.9), "does not learn"),
        (replace(ALIKE_ONE, accuracy=0.19, cost=1.1), "does not learn, its cost rises"),
        (replace(ALIKE_ONE, accuracy=0.0, cost=None), "diverges"),
    ],
)
def test_a_verdict(outcome: Outcome, verdict: str) -> None:
    assert outcome.verdict == verdict


def test_a_sentence() -> None:
    slower = replace(ALIKE_ONE, accuracy=0.8, cost=0.25)
    assert str(slower) == "learns slower (accuracy 0.80, right 0.90; cost 0.25, right 0.125; 3-2, sigmoid)"
    assert str(replace(slower, cost=None)) == "diverges (right: accuracy 0.90, cost 0.125; 3-2, sigmoid)"
    assert slower.to_json()["verdict"] == "learns slower"
    assert as_json({"one": slower, "two": None}).count("\n") == 4


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_the_right_one_learns_in_every_setting(setting: Setting) -> None:
    cost, accuracy = training._trained(setting, 0, CHAPTER)
    assert accuracy > 2 * CHANCE
    assert np.isfinite(cost)


def test_every_setting_has_its_mistakes() -> None:
    used = " ".join(one.setting for one in outcomes().values() if one)
    assert all(str(setting) in used for setting in SETTINGS)


def test_training_is_that_of_the_chapter() -> None:
    """Two steps by hand: w - eta nabla_w, on the mini-batches in their order."""
    setting, X, Y = SETTINGS[0], *training._digits(64)[0]
    network, batches = setting.network(1), list(training._mini_batches(len(X), 1))
    assert len(batches) == STEPS
    assert sorted(np.concatenate(batches)[: len(X)].tolist()) == list(range(len(X)))  # once through all digits, then again
    for some in batches[:2]:
        nabla = backprop_batch(network, X[some], Y[some])
        w = [network.w[l] - setting.eta * nabla.nabla_w[l] for l in network.layers]
        b = [network.b[l] - setting.eta * nabla.nabla_b[l] for l in network.layers]
        network = network.from_arrays(w, b, setting.activations, setting.cost)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(training, "STEPS", 2)
        found = training._trained(setting, 1, CHAPTER)
    assert found[0] == pytest.approx(training.cost(network, X, Y), rel=1e-12)


def test_a_mistake_stands_where_it_shows() -> None:
    def where(name: str) -> str:
        one = outcomes()[name]
        assert one
        return one.setting

    assert where("bp2-slope-missing") == "64-20-15-10, sigmoid, quadratic, learning rate 3"
    assert where("bp2-w-untransposed").startswith("16-16-16-16, sigmoid, ")  # only equal widths run
    assert " softmax, " in where("bp1-softmax-elementwise")
    assert ", cross_entropy, " in where("bp1-slope-left-in")
    assert where("bp1-factor").endswith(", c = 3")
    assert where("step-returned").endswith(", learning rate 3")  # and eta is that


def test_the_eta_of_a_mistake_is_that_of_training() -> None:
    found: list[Equations] = []

    def recorded(setting: Setting, seed: int, equations: Equations) -> tuple[float, float]:
        found.append(equations)
        return 0.0, 1.0

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(training, "_trained", recorded)
        patched.setattr(training, "_right", lambda setting: [(0.0, 1.0)])
        measured(mistake("bp2-w-updated"))
    network, X, Y = SETTINGS[0].network(0), *training._digits(64)[0]
    expected = mistake("bp2-w-updated").equations(eta=SETTINGS[0].eta)
    assert backprop_batch(network, X[:3], Y[:3], found[0]) == backprop_batch(network, X[:3], Y[:3], expected)


def test_what_changes_no_gradient_is_not_trained() -> None:
    assert measured(replace(mistake("bp2-slope-twice"), parts={"bp2": "chapter"})) is None
    assert measured(replace(mistake("bp2-slope-twice"), parts={"bp2": "delta[l + 1]"}, only=("swish",))) is None


def test_some_that_are_known() -> None:
    """Gradient ascent goes up; half the error is half the learning rate; sigma' missing in BP1 is cross-entropy, which learns."""
    found = outcomes()
    for name, verdict in (
        ("sign", "does not learn, its cost rises"),
        ("bp4-zero", "does not learn"),
        ("bp1-half", "learns slower"),
        ("bp2-nothing", "does not learn"),
        ("float32", "learns as well as the right one"),
        ("bp3-sign", "learns as well as the right one"),
        ("bp1-slope-missing", "learns as well as the right one"),
    ):
        one = found[name]
        assert one
        assert one.verdict == verdict
