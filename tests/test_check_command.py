"""backprop-ref check, as a person runs it: what it prints, what it writes, and how it ends."""

import json
import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest

from backprop_ref import cli, matrix
from backprop_ref.errors import BackpropRefError
from backprop_ref.gate import reference
from backprop_ref.gradient import Gradient
from backprop_ref.network import Network
from backprop_ref.oracles import differences

SMALL = ["check", "--sizes", "3,4,2", "--examples", "3"]


def run(capsys, *arguments):
    code = cli.run(list(arguments))
    out, err = capsys.readouterr()
    return code, out, err


def command(*arguments, start=("-m", "backprop_ref")):
    path = os.pathsep.join(p for p in sys.path if p)
    return subprocess.Popen(
        [sys.executable, *start, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(os.environ, PYTHONUNBUFFERED="1", PYTHONPATH=path),
    )


def facts(capsys, *arguments):
    code, out, err = run(capsys, *arguments, "--format", "json")
    assert err == ""
    return code, json.loads(out)


# ------------------------------------------------------------------------------------------------------------ exit 0


def test_the_main_job_on_real_digits(capsys):
    code, out, err = run(capsys, "check", "--examples", "2")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "Network(64-30-10, sigmoid, quadratic, float64)"
    assert lines[1] == "2 of the 1,437 training digits (real, handwritten, 8 x 8); weights from seed 0"
    assert lines[-1] == "AGREES: all 2,340 entries, of every implementation, with every witness"
    assert all(len(line) <= 80 for line in lines)
    for title in (
        "neuron against complex step (proven)",
        "neuron against central (error bar, not bound)",
        "matrix against complex step (proven)",
        "matrix against central (error bar, not bound)",
        "every implementation, every witness",
    ):
        assert title in out
    for name in reference.IMPLEMENTATIONS:
        assert f" {name} " in out
    assert re.search(r"^ +2 +BP4 +1,920 +\S+ +dC/dw\^2_\{?[\d,]+\}? +\S+ +agrees *$", out, re.MULTILINE)
    assert re.search(r"^ +3 +BP1 +20 +\S+ +delta\^3_\{?\d+\}?, ex\. [12] +\S+ +agrees *$", out, re.MULTILINE)
    assert re.search(r"^time: neuron \S+ s, matrix ", out, re.MULTILINE)


def test_json_says_the_same(capsys):
    code, data = facts(capsys, *SMALL)
    assert code == 0
    assert data["schema"] == "backprop-ref/check/1"
    assert data["verdict"] == "agrees"
    assert data["network"] == "Network(3-4-2, sigmoid, quadratic, float64)"
    assert (data["parameters"], data["examples"], data["seed"]) == (26, 3, 0)
    assert data["entries"] == 26 + 3 * (4 + 2)
    assert data["data"] == "random data, seed 0: sizes 3-4-2 do not fit the digits (64 inputs, 10 outputs)"
    pairs = {(r["implementation"], r["witness"]) for r in data["rows"]}
    assert pairs == {(n, w) for n in reference.IMPLEMENTATIONS for w in ("complex step", "central")} | {("neuron", "matrix")}
    assert {(r["layer"], r["equation"], r["part"]) for r in data["rows"]} == {
        (2, "BP4", "dC/dw^2"),
        (2, "BP3", "dC/db^2"),
        (2, "BP2", "delta^2"),
        (3, "BP4", "dC/dw^3"),
        (3, "BP3", "dC/db^3"),
        (3, "BP1", "delta^3"),
    }
    for row in data["rows"]:
        assert row["verdict"] == "agrees"
        assert 0 <= row["worst"] <= row["bound"]
        assert row["proven"] is (row["witness"] != "central")
    assert data["cannot_tell"] == {}
    assert data["ulps"] == {}
    assert set(data["seconds"]) == {*reference.IMPLEMENTATIONS, "complex step", "central", "all"}


@pytest.mark.parametrize(
    ("oracle", "witnesses"),
    [
        ("complex", {"complex step"}),
        ("central", {"central"}),
        ("both", {"complex step", "central"}),
        ("certified", {"complex step", "central", "certified"}),
    ],
)
def test_oracles(capsys, oracle, witnesses):
    code, data = facts(capsys, *SMALL, "--oracle", oracle)
    assert code == 0
    assert {r["witness"] for r in data["rows"]} == witnesses | {"matrix"}


def test_certified_says_how_accurate_each_is_in_ulps(capsys):
    code, data = facts(capsys, *SMALL, "--oracle", "certified")
    assert code == 0
    assert set(data["ulps"]) == set(reference.IMPLEMENTATIONS)
    assert all(0 < ulps < 64 for ulps in data["ulps"].values())
    _, out, _ = run(capsys, *SMALL, "--oracle", "certified")
    assert "ulps" in out
    assert "neuron against certified (proven)" in out
    assert "ulps" not in run(capsys, *SMALL)[1]


def test_ulps_are_those_of_the_largest_entry():
    # one entry of 1.0 that is claimed as 1 + 4 eps: 4 ulps
    network = Network.from_arrays([np.ones((1, 1))], [np.zeros(1)], "linear")
    truth = reference.certified(network, np.ones((1, 1)), np.zeros((1, 1)))
    claim = Gradient({2: np.array([[1 + 2.0**-50]])}, {2: np.array([1.0])}, {2: np.array([[1.0]])})
    assert dict(reference._ulps(network, {"matrix": claim}, truth)) == {"matrix": 4.0}


def test_gelu_erf_falls_back_to_central_and_says_so(capsys):
    code, out, _ = run(capsys, *SMALL, "--activation", "gelu_erf", "--oracle", "complex")
    assert code == 0
    assert "neuron against central (error bar, not bound)" in out
    assert "(proven)" not in out
    joined = " ".join(out.split())
    assert "note: no complex step: activation 'gelu_erf' has no complex form, which complex numbers need." in joined


def test_softmax(capsys):
    code, data = facts(capsys, *SMALL, "--activation", "sigmoid,softmax", "--cost", "log_likelihood")
    assert (code, data["verdict"]) == (0, "agrees")
    assert data["network"] == "Network(3-4-2, sigmoid softmax, log_likelihood, float64)"


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu", "square", "softplus,softmax"])
def test_other_activations(capsys, activation):
    assert run(capsys, *SMALL, "--activation", activation)[0] == 0


def test_a_sum_over_too_many_paths_is_noted(capsys):
    code, data = facts(capsys, "check", "--sizes", "2,40,40,40,40,2", "--examples", "1", "--oracle", "complex")
    assert code == 0
    [note] = data["notes"]
    assert note.startswith("matrix, sum over paths (53) was not run: ")
    assert note.endswith(" paths, and it is for small networks")


def test_a_seed_is_kept(capsys):
    one, again, other = (facts(capsys, *SMALL, "--seed", seed)[1]["rows"] for seed in ("1", "1", "2"))
    assert one == again
    assert one != other


def test_a_network_from_a_file(capsys, tmp_path):
    path = tmp_path / "net.npz"
    Network.random([2, 3, 2], "tanh", seed=9).astype(np.float32).save(path)
    code, data = facts(capsys, "check", "--network", str(path), "--examples", "2")
    assert (code, data["verdict"]) == (0, "agrees")
    assert data["network"] == "Network(2-3-2, tanh, quadratic, float32)"


def test_trained_first(capsys):
    code, data = facts(capsys, "check", "--sizes", "64,5,10", "--examples", "1", "--train-epochs", "1", "--oracle", "complex")
    assert code == 0
    assert data["data"] == "1 of the 1,437 training digits (real, handwritten, 8 x 8); trained for 1 epoch first"


def test_output_goes_to_a_file(capsys, tmp_path):
    path = tmp_path / "out.json"
    code, out, err = run(capsys, *SMALL, "--format", "json", "--output", str(path))
    assert (code, out, err) == (0, "", "")
    assert json.loads(path.read_text())["verdict"] == "agrees"
    text = tmp_path / "out.txt"
    assert run(capsys, *SMALL, "--output", str(text))[0] == 0
    assert text.read_text().splitlines()[-1].startswith("AGREES: all 44 entries")
    assert "\x1b" not in text.read_text()


# -------------------------------------------------------------------------------------------------------- exit 1 and 3


def test_a_wrong_implementation_disagrees(capsys, monkeypatch):
    def wrong(network, X, Y):
        g = matrix.backprop_batch(network, X, Y)
        return Gradient({l: v * (1 + 1e-9 * (l == 3)) for l, v in g.nabla_w.items()}, g.nabla_b, g.delta)

    monkeypatch.setitem(reference.IMPLEMENTATIONS, "matrix", wrong)
    code, data = facts(capsys, *SMALL)
    assert (code, data["verdict"]) == (1, "disagrees")
    bad = {(r["implementation"], r["witness"], r["part"]) for r in data["rows"] if r["verdict"] == "disagrees"}
    assert ("matrix", "complex step", "dC/dw^3") in bad
    assert ("neuron", "matrix", "dC/dw^3") in bad
    assert {part for _, _, part in bad} == {"dC/dw^3"}
    code, out, _ = run(capsys, *SMALL)
    assert code == 1
    said = " ".join(out.split())
    assert "DISAGREES: an implementation and a witness contradict each other; this is a bug in backprop-ref worst: " in said
    assert re.search(r"worst: (matrix|neuron) against (matrix|complex step), dC/dw\^3_\d\d: off by \S+, allowed \S+$", said)
    assert "neuron against matrix (proven)" in out  # a table for each pair in trouble
    assert re.search(r"^ +3 +BP4 +8 +\S+ +dC/dw\^3_\d\d +\S+ +disagrees *$", out, re.MULTILINE)


def test_a_kink_cannot_be_told(capsys, tmp_path):
    path = tmp_path / "dead.npz"
    w = [np.zeros((3, 2)), np.ones((2, 3))]
    Network.from_arrays(w, [np.zeros(3), np.zeros(2)], ["relu", "linear"]).save(path)
    code, out, _ = run(capsys, "check", "--network", str(path), "--examples", "1", "--oracle", "complex")
    assert code == 3
    assert out.splitlines()[-1] == "CANNOT TELL: nothing disagrees, but not every entry could be told"
    assert re.search(r"^cannot tell 4 entries: not differentiable at neuron \d of layer 2", out, re.MULTILINE)
    code, data = facts(capsys, "check", "--network", str(path), "--examples", "1", "--oracle", "complex")
    assert (code, data["verdict"]) == (3, "cannot tell")
    assert all(reason.startswith("not differentiable at neuron") for reason in data["cannot_tell"])


def test_a_form_that_is_wrong_alone_gets_its_table(capsys, monkeypatch):
    name = "matrix, Sigma' form (33, 34)"

    def wrong(network, X, Y):
        g = matrix.backprop_batch(network, X, Y, matrix.SIGMA_FORM)
        return Gradient(g.nabla_w, g.nabla_b, {2: g.delta[2] * np.array([1, 1, np.nan, 1]), 3: g.delta[3]})

    assert f"{name} against" not in run(capsys, *SMALL)[1]
    monkeypatch.setitem(reference.IMPLEMENTATIONS, name, wrong)
    code, out, _ = run(capsys, *SMALL)
    assert code == 1
    assert f"{name} against complex step (proven)" in out
    assert re.search(
        r"worst: matrix, Sigma' form \(33, 34\) against .*, delta\^2_3 of example \d: off by nan", " ".join(out.split())
    )


def test_a_disagreement_outweighs_what_cannot_be_told(capsys, monkeypatch, tmp_path):
    path = tmp_path / "dead.npz"
    Network.from_arrays([np.zeros((3, 2)), np.ones((2, 3))], [np.zeros(3), np.zeros(2)], ["relu", "linear"]).save(path)

    def wrong(network, X, Y):
        g = matrix.backprop_batch(network, X, Y)
        return Gradient(g.nabla_w, {l: v + 1 for l, v in g.nabla_b.items()}, g.delta)

    monkeypatch.setitem(reference.IMPLEMENTATIONS, "matrix", wrong)
    code, data = facts(capsys, "check", "--network", str(path), "--examples", "1", "--oracle", "complex")
    assert (code, data["verdict"]) == (1, "disagrees")


# -------------------------------------------------------------------------------------------------------------- exit 2


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["check", "--sizes", "64"], "a network needs at least two, an input and an output."),
        (["check", "--sizes", "3,x"], "each layer needs a whole number of neurons, at least 1."),
        (["check", "--activation", "sigmoyd"], "There is no activation 'sigmoyd'. Did you mean 'sigmoid'?"),
        (["check", "--cost", "quadratik"], "There is no cost 'quadratik'. Did you mean 'quadratic'?"),
        (["check", "--oracle", "tea"], "Invalid value for '--oracle'"),
        (["check", "--examples", "0"], "Invalid value for '--examples'"),
        (["check", "--examples", "2000"], "m = 2000 training digits were asked for"),
        (["check", "--seed", "-1"], "Invalid value for '--seed'"),
        (["check", "--train-epochs", "-1"], "Invalid value for '--train-epochs'"),
        (["check", "--network", "/nowhere/net.npz"], "/nowhere/net.npz could not be read: No such file or directory."),
        (
            ["check", "--network", "n.npz", "--sizes", "3,2"],
            "--network brings its own sizes; leave out --sizes, or leave out --network.",
        ),
        (["check", "--output", "/nowhere/at/all/x"], "There is no folder /nowhere/at/all to write x to; make it first."),
        (["check", "--activation", "softmax,sigmoid"], "softmax stands in layer 2"),
        (["check", "--what"], "No such option"),
        (["chek"], "There is no command 'chek'. Did you mean 'check'?"),
    ],
)
def test_wrong_use(capsys, arguments, text):
    code, out, err = run(capsys, *arguments)
    assert code == 2
    assert out == ""
    assert text in err
    assert "Traceback" not in err


def test_a_damaged_network_file_is_wrong_use(capsys, tmp_path):
    path = tmp_path / "net.npz"
    path.write_bytes(b"PK nothing")
    code, _, err = run(capsys, "check", "--network", str(path))
    assert code == 2
    assert "is not a network file, or is damaged" in err


def test_a_missing_extra_is_wrong_use_and_says_what_to_install():
    code = "import sys; sys.modules['flint'] = None; from backprop_ref import cli; sys.exit(cli.run(sys.argv[1:]))"
    process = command(*SMALL, "--oracle", "certified", start=("-c", code))
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, b"")
    assert err.decode().rstrip().endswith("pip install 'backprop-ref[certified]'")


# ------------------------------------------------------------------------------------------------------- 70 and 130


@pytest.mark.parametrize(
    "error", [RuntimeError("broken"), MemoryError(), ZeroDivisionError(), AssertionError(), OSError(5, "io")]
)
def test_an_accident_is_70_never_1(capsys, monkeypatch, error):
    def fails(*given):
        raise error

    monkeypatch.setitem(reference.ORACLES, "central", fails)
    code, out, err = run(capsys, *SMALL)
    assert (code, out) == (70, "")
    assert "internal error: this is a bug in backprop-ref, not in your code; please report the lines above." in err


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit(1), BrokenPipeError])
def test_an_end_from_outside_is_never_1(capsys, monkeypatch, error):
    def fails(*given):
        raise error

    monkeypatch.setitem(reference.ORACLES, "central", fails)
    code, _, err = run(capsys, *SMALL)
    assert code == (130 if error is KeyboardInterrupt else 70)
    assert ("interrupted" in err) is (error is KeyboardInterrupt)


def test_an_error_of_the_package_carries_its_own_code(capsys, monkeypatch):
    class Odd(BackpropRefError):
        exit_code = 3

    def fails(*given):
        raise Odd("odd")

    monkeypatch.setitem(reference.ORACLES, "central", fails)
    assert run(capsys, *SMALL) == (3, "", "error: odd\n")


STUCK = """
import sys, time
from backprop_ref import cli
from backprop_ref.gate import reference

def stuck(*given):
    print("ready", flush=True)
    time.sleep(60)

reference.ORACLES["central"] = stuck
sys.exit(cli.run(sys.argv[1:]))
"""


def test_control_c_is_130():
    process = command(*SMALL, start=("-c", STUCK))
    assert process.stdout.readline().strip() == b"ready"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, b"")
    assert err.decode().strip() == "interrupted"


def test_a_reader_that_goes_away_is_no_disagreement():
    process = command(*SMALL)
    process.stdout.close()  # as `| head` does, only sooner
    err = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(timeout=30) == 70
    assert err == ""


def test_the_module_runs_as_the_command_does():
    process = command(*SMALL, "--format", "json")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert json.loads(out)["verdict"] == "agrees"


def test_help_and_version(capsys):
    code, out, _ = run(capsys, "--help")
    assert code == 0
    assert "check" in out
    code, out, _ = run(capsys, "check", "--help")
    assert code == 0
    for option in ("--sizes", "--network", "--train-epochs", "--oracle", "--format", "--output", "--seed"):
        assert option in out
    assert "Exit code: 0 agrees, 1 disagrees, 3 cannot" in out
    assert run(capsys, "--version")[0] == 0


# ------------------------------------------------------------------------------------------------------- the bars


def digits_agree(seed):
    """Bar 1 of the foundation: every entry within its bound, and within 1e-13 of the largest entry of its array."""
    from backprop_ref import digits

    network = Network.random([64, 30, 10], seed=seed)
    X, Y = digits.train(10)
    result = reference.check_reference(network, X, Y, ["complex step", "central"])
    assert result.verdict == "agrees"
    assert {name for name, _ in result.reports} == set(reference.IMPLEMENTATIONS)  # 64 * 30 * 10 paths are few enough
    figures = {"difference": 0.0, "bound": 0.0, "bar": 0.0}
    for (_, witness), report in result.reports.items():
        assert report.count("agrees") == report.checked == 2260 + 10 * 40
        for part in report.parts:
            if witness == "complex step":
                figures["difference"] = max(figures["difference"], part.difference.max() / part.largest)
    for name, key in (("complex_step", "bound"), ("central", "bar")):
        estimate = getattr(differences, name)(network, X, Y)
        for part, l, bound in estimate.bound.items():
            figures[key] = max(figures[key], bound.max() / np.abs(getattr(estimate, part)[l]).max())
    assert figures["difference"] <= 1e-13
    assert figures["bound"] <= 1e-11
    assert figures["bar"] <= 1e-5
    return figures


@pytest.mark.parametrize("seed", [0, 1])
def test_ten_digits_agree(seed):
    digits_agree(seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2, 10))
def test_ten_digits_agree_for_all_ten_seeds(seed):
    digits_agree(seed)
