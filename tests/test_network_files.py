import os
import pickle
import re
import stat
from dataclasses import replace

import numpy as np
import pytest

from backprop_ref.activations import ACTIVATIONS, Activation, tanh
from backprop_ref.costs import COSTS, quadratic, times
from backprop_ref.errors import BackpropRefError, FileRefused, UnknownName, ValueRefused
from backprop_ref.network import Network


@pytest.fixture
def network():
    return Network.random([3, 4, 2], seed=4)


def refused(error, sentence, call, *args, **kwargs):
    """The call raises exactly this class of error, one sentence or two, word for word."""
    with pytest.raises(BackpropRefError) as caught:
        call(*args, **kwargs)
    assert (type(caught.value), str(caught.value)) == (error, sentence)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("biases", [True, False])
def test_a_saved_network_comes_back_bit_for_bit(tmp_path, dtype, biases):
    kept = Network.random([3, 4, 2], ["tanh", "softmax"], "log_likelihood", seed=5).astype(dtype)
    kept = kept if biases else Network.from_arrays(list(kept.w.values()), None, list(kept.sigma.values()), kept.cost)
    kept.save(tmp_path / "net.npz")
    back = Network.load(tmp_path / "net.npz")
    assert (back.dtype, back.has_biases, back.cost, dict(back.sigma)) == (dtype, biases, kept.cost, dict(kept.sigma))
    for l in kept.layers:
        assert back.w[l].tobytes() == kept.w[l].tobytes()
        assert back.b[l].tobytes() == kept.b[l].tobytes()


def test_save_writes_one_file_with_ordinary_permissions(network, tmp_path):
    old = os.umask(0o027)
    try:
        network.save(tmp_path / "net")  # the name is taken as it is
    finally:
        os.umask(old)
    assert os.listdir(tmp_path) == ["net"]
    assert stat.S_IMODE(os.stat(tmp_path / "net").st_mode) == 0o640


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_save_that_fails_leaves_the_old_file(network, tmp_path, monkeypatch, error):
    path = tmp_path / "net.npz"
    network.save(path)
    old = path.read_bytes()

    def fail(*_):
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises((FileRefused, KeyboardInterrupt)) as caught:
        Network.random([2, 2]).save(path)
    if isinstance(error, OSError):
        assert str(caught.value) == f"The network could not be written to {path}: No space left on device."
    assert path.read_bytes() == old
    assert os.listdir(tmp_path) == ["net.npz"]


def test_save_to_a_folder_that_is_not_there(network, tmp_path):
    path = tmp_path / "nowhere" / "net.npz"
    refused(FileRefused, f"The network could not be written to {path}: No such file or directory.", network.save, path)


def test_load_a_file_that_is_not_there(tmp_path):
    path = tmp_path / "net.npz"
    refused(FileRefused, f"{path} could not be read: No such file or directory.", Network.load, path)
    refused(FileRefused, f"{tmp_path} could not be read: Is a directory.", Network.load, tmp_path)


FOREIGN = {
    "empty": b"",
    "text": b"hello",
    "a pickle": pickle.dumps({"w2": [[1.0]]}),
    "the start of an archive": b"PK\x03\x04",
}


@pytest.mark.parametrize("case", FOREIGN)
def test_a_file_that_is_no_archive_is_one_clear_error(tmp_path, case):
    path = tmp_path / "net.npz"
    path.write_bytes(FOREIGN[case])
    refused(FileRefused, not_a_network(path, "it is not a .npz archive"), Network.load, path)


def not_a_network(path, why):
    return f"{path} is not a network file, or is damaged ({why}). Network.load reads files that Network.save wrote."


def test_an_archive_of_something_else_is_one_clear_error(network, tmp_path):
    path = tmp_path / "net.npz"
    np.savez(path, a=np.ones(3))
    refused(FileRefused, not_a_network(path, "it does not say 'backprop_ref network 1'"), Network.load, path)


class Trap:
    """Unpickling this would write a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def test_a_pickle_inside_an_archive_is_never_run(network, tmp_path):
    path, trap = tmp_path / "net.npz", tmp_path / "trap"
    np.savez(path, format=np.array("backprop_ref network 1"), w2=np.array([Trap(str(trap))], object))
    with pytest.raises(FileRefused, match=rf"^{re.escape(str(path))} is not a network file, or is damaged \(Object arrays"):
        Network.load(path)
    assert not trap.exists()


def test_a_part_missing_is_one_clear_error(tmp_path):
    path = tmp_path / "net.npz"
    head = {"format": np.array("backprop_ref network 1"), "activations": np.array(["tanh"]), "cost": np.array("quadratic")}
    np.savez(path, **head)
    refused(FileRefused, not_a_network(path, "'w2'"), Network.load, path)
    np.savez(path, **head, w2=np.array([[np.nan]]))
    sentence = f"{path} does not hold a network: w[2] holds nan at position (0, 0); every number must be finite."
    refused(FileRefused, sentence, Network.load, path)


def test_no_damage_is_an_accident(network, tmp_path):
    """Every single byte, turned over: the file is refused, or still holds the same network."""
    path = tmp_path / "net.npz"
    network.save(path)
    raw = path.read_bytes()
    refusals = 0
    for i in range(0, len(raw), 7):
        path.write_bytes(raw[:i] + bytes([raw[i] ^ 0xFF]) + raw[i + 1 :])
        try:
            back = Network.load(path)
        except FileRefused:
            refusals += 1
        else:
            assert all(np.array_equal(back.w[l], network.w[l]) for l in network.layers)
    assert refusals > len(raw) / 14
    path.write_bytes(raw[: len(raw) // 2])
    with pytest.raises(FileRefused):
        Network.load(path)


def test_your_own_functions_are_given_again_to_load(tmp_path):
    path, mine, twice = tmp_path / "net.npz", Activation("mine", np.sin, np.cos), times(2, quadratic)
    Network.random([2, 3], mine, twice).save(path)
    back = Network.load(path, own=[mine, twice])
    assert back.sigma[2] is mine
    assert back.cost is twice
    sentence = "There is no activation 'mine'. Did you mean 'linear'? Known: " + ", ".join(sorted(ACTIVATIONS)) + "."
    refused(UnknownName, sentence, Network.load, path)
    known = ", ".join(sorted(COSTS))
    refused(UnknownName, f"There is no cost '2 quadratic'. Did you mean 'quadratic'? Known: {known}.", Network.load, path, [mine])


def test_your_own_function_under_our_name_is_not_saved(tmp_path):
    sentence = (
        "Your own function bears the name of one of ours, {!r}, and a file keeps only its name: load() would take the wrong one. "
        "Give yours another name."
    )
    for network, name in (
        (Network.random([2, 2], replace(tanh, kinks=(0.0,))), "tanh"),
        (Network.random([2, 2], cost=replace(quadratic, degree=None)), "quadratic"),
    ):
        refused(ValueRefused, sentence.format(name), network.save, tmp_path / "net.npz")
    assert os.listdir(tmp_path) == []
