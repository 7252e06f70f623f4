import json
import os
import re
import stat

import numpy as np
import pytest
from click.testing import CliRunner
from rich.table import Table

from backprop_ref import digits, sgd
from backprop_ref.cli import common
from backprop_ref.cli.train import train
from backprop_ref.costs import COSTS
from backprop_ref.errors import FileRefused, UnknownName, ValueRefused
from backprop_ref.network import Network


def run(*args):
    return CliRunner().invoke(train, [str(a) for a in args], catch_exceptions=False)


def refuses(cls, sentence):
    return pytest.raises(cls, match=f"^{re.escape(sentence)}$")


SMALL = ("--sizes", "3,4,2", "--epochs", 2)


# ---------------------------------------------------------------------------------------------------------- train


def test_it_ends_with_test_accuracy_and_the_slow_learning_report():
    result = run("--sizes", "64,10", "--epochs", 2)
    assert (result.exit_code, result.stderr) == (0, "")
    trained = sgd.train(Network.random([64, 10]), *digits.train(), epochs=2)
    assert result.stdout.startswith(
        "Network(64-10, sigmoid, quadratic, float64)\n1,437 handwritten digits to train on, 360 others to test with\n"
    )
    accuracy = sgd.accuracy(trained.network, *digits.test())
    assert f"\nTest accuracy {accuracy:.2%} after 2 epochs (" in result.stdout
    assert result.stdout.endswith(f"\n{sgd.slow_learning(trained.network, *digits.train())}\n")


def test_json_holds_the_same_facts():
    data = json.loads(run("--sizes", "64,10", "--epochs", 2, "--format", "json", "--seed", 3).stdout)
    assert (data["schema"], data["verdict"]) == ("backprop-ref/train/1", "done")
    trained = sgd.train(Network.random([64, 10], seed=3), *digits.train(), epochs=2, seed=3, test=digits.test())
    assert data["history"] == [vars(e) for e in trained.history]
    assert data["test_accuracy"] == sgd.accuracy(trained.network, *digits.test())
    slow = sgd.slow_learning(trained.network, *digits.train())
    assert data["slow_learning"] == json.loads(json.dumps(slow.data()))


def test_sizes_that_do_not_fit_get_random_data_and_the_output_says_so():
    assert "random data, seed 0: sizes 3-4-2 do not fit the digits (64 inputs, 10 outputs)\n" in run(*SMALL).stdout


def test_random_data_of_the_seed_are_kept_apart_for_the_test():
    data = json.loads(run(*SMALL, "--seed", 4, "--format", "json").stdout)
    X, Y = common.random_data((3, 4, 2), 1000, 4)
    network = Network.random([3, 4, 2], seed=4)
    trained = sgd.train(network, X[:750], Y[:750], epochs=2, seed=4, test=(X[750:], Y[750:]))
    assert data["history"] == [vars(e) for e in trained.history]


def test_a_long_history_is_shown_in_few_lines_that_end_with_the_last():
    lines = run("--sizes", "3,2", "--epochs", 57).stdout.splitlines()
    epochs = [int(line.split()[0]) for line in lines[4 : lines.index("", 4)]]
    assert (epochs[0], epochs[-1]) == (1, 57)
    assert len(epochs) <= 12


def test_no_epochs_is_a_measurement_of_the_network_as_it_is():
    result = run("--sizes", "3,2", "--epochs", 0)
    assert "epoch        cost" not in result.stdout
    assert "after 0 epochs" in result.stdout


def test_the_network_is_saved(tmp_path):
    file = tmp_path / "net.npz"
    result = run(*SMALL, "--save", file, "--activation", "tanh,softmax", "--cost", "log_likelihood", "--eta", "0.1")
    network = Network.load(file)
    assert repr(network) == "Network(3-4-2, tanh softmax, log_likelihood, float64)"
    assert f"Saved to {file}.\n" in result.stdout


def test_the_result_goes_to_a_file(tmp_path):
    file = tmp_path / "report.json"
    result = run(*SMALL, "--format", "json", "--output", file)
    assert result.stdout == ""
    assert json.loads(file.read_text())["verdict"] == "done"


@pytest.mark.parametrize("option", ["--save", "--output"])
def test_a_missing_folder_is_refused_before_the_work(tmp_path, option):
    with refuses(FileRefused, f"There is no folder {tmp_path / 'no'} to write net.npz to; make it first."):
        run("--epochs", 1000, option, tmp_path / "no" / "net.npz")


def test_an_unknown_name_is_the_error_of_the_package():
    with pytest.raises(UnknownName, match="Did you mean 'sigmoid'"):
        run(*SMALL, "--activation", "sigmoud")


@pytest.mark.parametrize("args", [("--epochs", -1), ("--mini-batch", 0), ("--seed", -1), ("--sizes", "3"), ("--eta", "x")])
def test_wrong_use_exits_with_2(args):
    assert run(*SMALL, *args).exit_code == 2


def test_the_bar_shows_where_there_is_a_terminal_and_only_on_stderr(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    result = run(*SMALL)
    assert "2/2" in result.stderr
    assert "test " in result.stderr
    assert result.stdout.startswith("Network(3-4-2")


# --------------------------------------------------------------------------------------------------------- common


def test_sizes_as_text():
    assert common.parse_sizes("64, 30,10") == (64, 30, 10)


@pytest.mark.parametrize(("text", "part"), [("3,-4,2", "-4"), ("3,,2", ""), ("3,x", "x"), ("3,0", "0"), ("3,4.5", "4.5")])
def test_sizes_that_are_none(text, part):
    sentence = (
        f"sizes {text!r} hold {part!r}; each layer needs a whole number of neurons, at least 1. "
        "Separate them by commas, as in 64,30,10."
    )
    with refuses(ValueRefused, sentence):
        common.parse_sizes(text)
    assert sentence in re.sub(r"\s+", " ", run("--sizes", text).stderr)


def test_one_layer_is_no_network():
    sentence = (
        "sizes '64' are one layer; a network needs at least two, an input and an output. Separate them by commas, as in 64,30,10."
    )
    with refuses(ValueRefused, sentence):
        common.parse_sizes("64")


def test_data_for_a_network_that_takes_digits():
    X, Y, note = common.data_for((64, 7, 10), 5, seed=9)
    assert np.array_equal(X, digits.train(5)[0])
    assert np.array_equal(Y, digits.train(5)[1])
    assert note == "5 of the 1,437 training digits (real, handwritten, 8 x 8)"


@pytest.mark.parametrize("sizes", [(3, 4, 2), (64, 10, 3), (5, 10), (2, 1)])
def test_random_data_are_seeded_and_fit_every_cost(sizes):
    X, Y, note = common.data_for(sizes, 50, seed=1)
    assert note == f"random data, seed 1: sizes {'-'.join(map(str, sizes))} do not fit the digits (64 inputs, 10 outputs)"
    assert np.array_equal(X, common.data_for(sizes, 50, seed=1)[0])
    assert not np.array_equal(X, common.data_for(sizes, 50, seed=2)[0])
    assert (Y.sum(axis=1) == 1).all() if sizes[-1] > 1 else set(Y.ravel()) == {0.0, 1.0}
    for cost in COSTS:
        Network.random(sizes, cost=cost).batch(X, Y)


def test_random_data_need_an_example():
    with refuses(ValueRefused, "0 examples were asked for; at least 1 is needed."):
        common.data_for((3, 2), 0, seed=0)


def test_json_knows_arrays_and_has_null_for_what_it_lacks():
    data = {2: np.array([1.5, np.nan]), "m": np.int64(3), "worst": np.inf, "sizes": (3, 2), "ok": np.True_, "none": None}
    assert json.loads(common.to_json(data)) == {
        "2": [1.5, None], "m": 3, "worst": None, "sizes": [3, 2], "ok": True, "none": None,
    }  # fmt: skip


def test_text_is_printed_as_it_is_and_a_table_as_rich_draws_it(capsys):
    long = "[bold] w^2_{12,7} " + "x" * 100
    common.emit(long, {})
    assert capsys.readouterr().out == long + "\n"
    table = Table("layer", box=None)
    table.add_row("2")
    common.emit(table, {})
    assert [line.strip() for line in capsys.readouterr().out.splitlines()] == ["layer", "2"]


def test_a_file_is_written_whole_with_usual_rights_or_not_at_all(tmp_path, monkeypatch):
    file = tmp_path / "out.txt"
    common.emit("Größe", {}, output=file)
    assert file.read_text(encoding="utf-8") == "Größe\n"
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(file.stat().st_mode) == 0o666 & ~mask

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with refuses(FileRefused, f"The result could not be written to {file}: No space left on device."):
        common.emit("new", {}, output=file)
    assert file.read_text(encoding="utf-8") == "Größe\n"
    assert [p.name for p in tmp_path.iterdir()] == ["out.txt"]
