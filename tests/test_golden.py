import json
import re
import shutil
import subprocess
import sys
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from backprop_ref import Activation, Network, matrix, neuron
from backprop_ref.cli.golden import golden as command
from backprop_ref.costs import times
from backprop_ref.errors import ExtraMissing, FileRefused, ValueRefused
from backprop_ref.gate import golden
from backprop_ref.gate.elsewhere import check_claim
from backprop_ref.gate.golden_text import COST, SIGMA
from backprop_ref.gate.golden_text import header as header_of
from backprop_ref.gradient import Verdict

EXAMPLE = Path(__file__).parent.parent / "examples" / "golden" / "gradient.cpp"
COMPILERS = [c for c in ("c++", "g++", "clang++") if shutil.which(c)][:1]


def refuses(cls, sentence):
    return pytest.raises(cls, match=f"^{re.escape(sentence)}$")


def batch(network, m=3, seed=1):
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((m, network.n[1])), rng.random((m, network.n[network.L]))
    return X.astype(network.dtype), Y.astype(network.dtype)


def folder(path, network, reduction="mean", m=3):
    return golden.write(golden.vectors(network, *batch(network, m), reduction, seed=1), path)


@pytest.fixture(scope="module")
def uneven(tmp_path_factory):
    """Golden vectors of 3-5-4-2."""
    return folder(tmp_path_factory.mktemp("golden") / "uneven", Network.random([3, 5, 4, 2], seed=4))


def right(path, dtype="float64"):
    """What a right candidate claims, as written by json.dumps."""
    g = golden.read(path)
    network = g.network.astype(dtype) if dtype != "float16" else g.network.astype(np.float32)
    gradient = matrix.backprop_batch(network, g.X.astype(network.dtype), g.Y.astype(network.dtype), reduction=g.reduction)
    parts = {p: {str(l): v.tolist() for l, v in getattr(gradient, p).items()} for p in ("nabla_w", "nabla_b")}
    return {"dtype": dtype} | parts


def claims(path, tmp_path, claim):
    file = tmp_path / "claimed.json"
    file.write_text(claim if isinstance(claim, str) else json.dumps(claim), encoding="utf-8")
    return check_claim(path, file)


# ------------------------------------------------------------------------------------------------------ what is written


def test_two_layers_by_hand():
    network = Network.from_arrays([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]], None, "linear")
    g = golden.vectors(network, np.array([[1.0, -1.0]]), np.array([[0.0, 1.0]]))
    assert g.z.delta[2].tolist() == g.a.delta[2].tolist() == [[-1, -1]]
    assert g.z.delta[3].tolist() == [[-11, -15]]
    assert g.gradient.delta[2].tolist() == [[-5 * 11 - 7 * 16, -6 * 11 - 8 * 16]]
    assert g.gradient.nabla_w[3].tolist() == [[11, 11], [16, 16]]
    assert g.gradient.nabla_b == {}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_every_number_is_the_nearest_to_the_exact_one_and_within_its_bound(dtype, reduction):
    network = Network.random([3, 4, 2], "square", seed=2).astype(dtype)
    X, Y = batch(network)
    g = golden.vectors(network, X, Y, reduction)
    exact = network.over(Fraction)
    xs, ys = ([[Fraction(v) for v in row] for row in V.tolist()] for V in (X, Y))
    passes = [neuron.feedforward(exact, x) for x in xs]
    truth = neuron.backprop_batch(exact, xs, ys, reduction)
    found = [(getattr(g.gradient, p)[l], getattr(g.gradient.bound, p)[l], v) for p, l, v in truth.items()]
    for estimate, i in ((g.z, 0), (g.a, 1)):
        exactly = {l: np.array([list(p[i][l].values()) for p in passes]) for l in network.layers}
        found += [(estimate.delta[l], estimate.bound.delta[l], exactly[l]) for l in network.layers]
    assert len(found) == 10
    for values, bounds, exactly in found:
        assert values.dtype == dtype
        assert values.shape == bounds.shape == exactly.shape
        for v, bound, q in zip(values.flat, bounds.flat, exactly.flat, strict=True):
            off = abs(Fraction(float(v)) - q)
            neighbours = [Fraction(float(np.nextafter(v, dtype(way)))) for way in (-np.inf, np.inf)]
            assert off <= min(abs(n - q) for n in neighbours)
            assert off <= Fraction(float(bound)) <= off * (1 + Fraction(1, 2**51)) + max(abs(q), 1) / Fraction(10**29)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "softplus", ["silu", "softmax"]])
def test_z_and_a_are_those_of_sixty_digits(activation):
    network = Network.random([3, 4, 2], activation, seed=2)
    X, Y = batch(network)
    g = golden.vectors(network, X, Y)
    with localcontext() as context:
        context.prec = 60
        kind = type("Digits", (Decimal,), {"log1p": lambda v: (1 + v).ln(), "tanh": _tanh})
        for name in ("add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv", "neg", "exp"):
            operator = name if name == "exp" else f"__{name}__"
            setattr(kind, operator, _of_kind(kind, getattr(Decimal, operator)))
        for x, row in enumerate(X.tolist()):
            z, a = neuron.feedforward(network.over(kind), [kind(v) for v in row])
            for l in network.layers:
                assert g.z.delta[l][x].tolist() == [float(v) for v in z[l].values()]
                assert g.a.delta[l][x].tolist() == [float(v) for v in a[l].values()]


def _of_kind(kind, f):
    return lambda *v: kind(f(*v))


def _tanh(v):
    e = (-2 * v).exp()
    return (1 - e) / (1 + e)


def test_the_file_holds_every_number_twice_and_the_shapes_of_the_readme(uneven):
    found = json.loads((uneven / "golden.json").read_text())
    assert (found["sizes"], found["examples"], found["seed"], found["dtype"]) == ([3, 5, 4, 2], 3, 1, "float64")
    shapes = {"w": {"2": (5, 3), "3": (4, 5), "4": (2, 4)}, "b": {"2": (5,), "3": (4,), "4": (2,)}}
    shapes |= {"nabla_w": shapes["w"], "nabla_b": shapes["b"]}
    shapes |= {key: {"2": (3, 5), "3": (3, 4), "4": (3, 2)} for key in ("z", "a", "delta")}
    for part, layers in shapes.items():
        assert found[part].keys() == layers.keys()
        for l, shape in layers.items():
            arrays = found[part][l]
            hexadecimal = np.vectorize(float.fromhex)(np.array(arrays["hex"], object))
            assert hexadecimal.shape == shape
            assert hexadecimal.tolist() == arrays["decimal"]
            assert ("bound" in arrays) == (part not in "wb")
            assert np.shape(arrays.get("bound", arrays["decimal"])) == shape
    assert np.shape(found["X"]["decimal"]) == (3, 3)
    assert np.shape(found["Y"]["decimal"]) == (3, 2)


def test_what_is_written_is_read_again(uneven):
    network = Network.random([3, 5, 4, 2], seed=4)
    made, found = golden.vectors(network, *batch(network), "mean", 1), golden.read(uneven)
    assert golden.data(made) == golden.data(found)
    assert found.gradient == made.gradient
    assert found.gradient.proven


def test_a_number_between_two_floats_is_null_with_its_reason(tmp_path):
    # dC/db = z - y = 1 + 2^-53 lies halfway: no ball with a radius can choose; z itself is exact, and goes to the even one
    network = Network.from_arrays([[[1.0]]], [[2.0**-53]], "linear")
    g = golden.vectors(network, np.array([[1.0]]), np.array([[0.0]]))
    assert g.z.delta[2].tolist() == [[1.0]]
    path = golden.write(g, tmp_path / "tie")
    array = json.loads((path / "golden.json").read_text())["nabla_b"]["2"]
    reason = "the enclosure holds a boundary between two floats"
    assert array == {"hex": [None], "decimal": [None], "bound": [None], "why": [[0, reason]]}
    report = claims(path, tmp_path, {"dtype": "float64", "nabla_b": {"2": [1.0]}})
    assert report.verdict is Verdict.CANNOT_TELL
    assert report.untold() == {reason: 1}


def test_a_number_that_is_almost_between_two_floats_is_found_by_more_digits():
    # z = dC/dz = 1 + 2^-53 + 2^-160: just above the middle between 1 and 1 + 2^-52
    network = Network.from_arrays([[[2.0**-53, 2.0**-160]]], [[1.0]], "linear")
    g = golden.vectors(network, np.array([[1.0, 1.0]]), np.array([[0.0]]))
    assert g.z.delta[2].tolist() == g.gradient.delta[2].tolist() == [[1 + 2.0**-52]]


def test_examples_get_the_dtype_of_the_network():
    network = Network.from_arrays([[[1.0]]], None, "linear").astype(np.float32)
    g = golden.vectors(network, np.array([[1.5]]), np.array([[0.5]]))
    assert {v.dtype for v in (g.X, g.Y, g.z.delta[2], g.gradient.nabla_w[2])} == {np.dtype(np.float32)}


def test_the_readme_and_the_header_say_what_the_network_is(uneven):
    readme, header = ((uneven / name).read_text() for name in ("README.md", "golden.h"))
    assert "| sizes n_1..n_L | 3-5-4-2 |\n" in readme
    assert "| cost of one example | quadratic: sum_j (a_j - y_j)^2 / 2 |\n" in readme
    assert "`backprop-ref gate --golden . --claimed claimed.json`" in readme
    assert 'cost = "quadratic", reduction = "mean", dtype = "float64";' in header
    network = golden.read(uneven).network
    assert f"{{{', '.join(v.hex() for v in network.w[3][1].tolist())}}}" in header
    narrow = header_of(network.astype(np.float32), np.zeros((1, 3)), np.zeros((1, 2)), "sum")
    assert "using real = float;" in narrow
    assert f"{{{', '.join(v.hex() + 'f' for v in np.float32(network.w[3][1]).tolist())}}}" in narrow


def test_every_function_of_ours_has_its_formula_for_the_readme():
    assert SIGMA.keys() == golden.ACTIVATIONS.keys()
    assert COST.keys() == golden.COSTS.keys()


def test_what_cannot_be_written_is_refused():
    network, X, Y = Network.random([1, 1]), np.array([[0.1]]), np.array([[0.5]])
    own = Activation("swish", np.sin, np.cos)
    sentence = "'{}' is a function of your own, and golden vectors keep only names; use one of ours."
    with refuses(ValueRefused, sentence.format("swish")):
        golden.vectors(Network.random([1, 1], own), X, Y)
    with refuses(ValueRefused, sentence.format(times(2, network.cost).name)):
        golden.vectors(network.with_cost(times(2, network.cost)), X, Y)
    with refuses(ValueRefused, "X holds numbers that are no float32, the network's dtype; round X first."):
        golden.vectors(network.astype(np.float32), X, Y)


def test_writing_needs_flint_and_checking_does_not(uneven, tmp_path, monkeypatch):
    for name in [m for m in sys.modules if m.partition(".")[0] == "flint" or m.startswith("backprop_ref.oracles.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "flint", None)
    network = Network.random([1, 1])
    sentence = "oracles.enclosures needs python-flint, which is not installed: pip install 'backprop-ref[certified]'"
    with refuses(ExtraMissing, sentence):
        golden.vectors(network, *batch(network))
    assert claims(uneven, tmp_path, right(uneven)).verdict is Verdict.AGREES


# ------------------------------------------------------------------------------------------------------------ the folder


def test_old_golden_vectors_and_an_empty_folder_are_replaced(tmp_path):
    path = tmp_path / "g"
    path.mkdir()
    for sizes in ([2, 1], [1, 2]):
        folder(path, Network.random(sizes))
        assert golden.read(path).network.sizes == tuple(sizes)
        assert sorted(p.name for p in path.iterdir()) == ["README.md", "golden.h", "golden.json"]
    assert [p.name for p in tmp_path.iterdir()] == ["g"]


def test_a_place_that_is_not_free_is_refused_and_left_alone(tmp_path):
    g = golden.vectors(Network.random([1, 1]), np.array([[0.1]]), np.array([[0.5]]))
    other, mine, file = tmp_path / "other", tmp_path / "mine", tmp_path / "file"
    golden.write(g, other)
    (other / "notes.txt").write_text("mine")
    mine.mkdir()
    (mine / "README.md").write_text("mine")
    file.write_text("mine")
    for path, name in ((other, "notes.txt"), (mine, "README.md")):
        with refuses(
            FileRefused, f"{path} holds {name}, which backprop-ref golden did not write; give a new or an empty folder."
        ):
            golden.write(g, path)
    with refuses(FileRefused, f"{file} is a file, and a folder is to be made there; give another name."):
        golden.write(g, file)
    with refuses(FileRefused, f"There is no folder {tmp_path / 'no'} to make g in; make it first."):
        golden.write(g, tmp_path / "no" / "g")
    assert [p.read_text() for p in (other / "notes.txt", mine / "README.md", file)] == ["mine"] * 3
    assert len(list(tmp_path.iterdir())) == 3


def test_if_writing_fails_the_old_folder_stays(tmp_path, monkeypatch):
    path = folder(tmp_path / "g", Network.random([2, 1]))
    rename = Path.rename

    def failing(self, target):
        if self.name == "new":
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with refuses(FileRefused, f"Golden vectors could not be written to {path}: No space left on device."):
        folder(path, Network.random([1, 2]))
    assert golden.read(path).network.sizes == (2, 1)
    assert [p.name for p in tmp_path.iterdir()] == ["g"]


def test_a_folder_that_holds_no_golden_vectors_is_told_so(tmp_path, uneven):
    with refuses(
        FileRefused,
        f"{tmp_path}/golden.json could not be read: No such file or directory. "
        f"Write golden vectors with backprop-ref golden -o {tmp_path}.",
    ):
        golden.read(tmp_path)
    file = tmp_path / "golden.json"
    file.write_text("{")
    with pytest.raises(
        FileRefused, match=rf"^{re.escape(str(file))} is no JSON \(.*\); write it again with backprop-ref golden\.$"
    ):
        golden.read(tmp_path)
    file.write_text('{"format": "mine"}')
    with refuses(
        FileRefused, f"{file} does not say 'backprop-ref golden 1': it was not written by this version of backprop-ref golden."
    ):
        golden.read(tmp_path)
    found = json.loads((uneven / "golden.json").read_text())
    found["nabla_b"]["3"]["hex"][0] = "0x1p+0"
    file.write_text(json.dumps(found))
    with refuses(FileRefused, f"{file} was changed after it was written: its sha256 does not fit. Write it again."):
        golden.read(tmp_path)
    found = {"format": golden.FORMAT, "dtype": "float64"}
    file.write_text(json.dumps(found | {"sha256": golden._digest(found)}))
    with refuses(FileRefused, f"{file} does not hold golden vectors: 'w'. Write it again."):
        golden.read(tmp_path)


# ------------------------------------------------------------------------------------------------ the command, and C++


def run(*args):
    return CliRunner().invoke(command, [str(a) for a in args], catch_exceptions=False)


def test_the_command_writes_a_folder_and_says_what(tmp_path):
    path = tmp_path / "my vectors"
    result = run("-o", path, "--sizes", "3,4,2", "--activation", "tanh,softmax", "--cost", "log_likelihood", "--seed", 5)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        "Network(3-4-2, tanh softmax, log_likelihood, float64), mean of 3 examples, weights from seed 5\n"
        "random data, seed 5: sizes 3-4-2 do not fit the digits (64 inputs, 10 outputs)\n"
        f"80 numbers correctly rounded, into {path}: README.md, golden.h, golden.json\n"  # 26 parameters, 3 (6 z, 6 a, 6 delta)
        f"check a result: backprop-ref gate --golden '{path}' --claimed FILE\n"
    )
    g = golden.read(path)
    assert (g.seed, g.reduction, g.network.cost.name) == (5, "mean", "log_likelihood")
    assert g.network.w[2].tolist() == Network.random([3, 4, 2], seed=5).w[2].tolist()
    assert claims(path, tmp_path, right(path)).verdict is Verdict.AGREES


def test_the_command_takes_float32_the_sum_and_real_digits(tmp_path):
    path = tmp_path / "g"
    result = run("-o", path, "--sizes", "64,2,10", "--batch", 2, "--dtype", "float32", "--reduction", "sum")
    assert "\n2 of the 1,437 training digits (real, handwritten, 8 x 8)\n" in result.stdout
    g = golden.read(path)
    assert (g.network.dtype, g.X.dtype, g.X.shape, g.reduction) == (np.float32, np.float32, (2, 64), "sum")
    assert claims(path, tmp_path, right(path, "float32")).verdict is Verdict.AGREES


def test_numbers_that_could_not_be_rounded_are_counted(tmp_path, monkeypatch):
    tie = Network.from_arrays([[[1.0]]], [[2.0**-53]], "linear")
    monkeypatch.setattr(Network, "random", lambda *_: tie)
    monkeypatch.setattr("backprop_ref.cli.common.data_for", lambda *_: (np.array([[1.0]]), np.array([[0.0]]), "a tie"))
    assert (
        "\n3 could not be rounded with certainty; they are null in golden.json, with the reason\n"
        in run("-o", tmp_path / "g").stdout
    )


def built(compiler, directory, path, source):
    """The claim that the C++ program prints."""
    (directory / "gradient.cpp").write_text(source)
    program = directory / "gradient"
    arguments = [compiler, "-std=c++17", "-Wall", "-Werror", "-I", path, directory / "gradient.cpp", "-o", program]
    subprocess.run(arguments, check=True)
    claimed = directory / "claimed.json"
    claimed.write_text(subprocess.run([program], check=True, capture_output=True, text=True).stdout)
    return claimed


def test_the_example_has_forty_lines():
    assert len(EXAMPLE.read_text().splitlines()) <= 40


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_cpp_example_computes_the_gradient_itself_and_passes(tmp_path, compiler, dtype):
    path = tmp_path / "vectors"
    run("-o", path, "--sizes", "3,5,4,1", "--dtype", dtype)
    report = check_claim(path, built(compiler, tmp_path, path, EXAMPLE.read_text()))
    assert (report.exit_code, report.checked) == (0, report.total)
    assert report.target.endswith(f"golden network 3-5-4-1, m = 3, {dtype}")


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize(
    ("line", "wrong", "arrays"),
    [
        ("nabla_b[l][j] += delta[l][j] / m;", "nabla_b[l][j] += delta[l][j];", ["dC/db^2", "dC/db^3"]),
        ("a[l - 1][k] * delta[l][j] / m", "a[l][k] * delta[l][j] / m", ["dC/dw^2", "dC/dw^3"]),
        ("w[l + 1][k][j] * delta", "w[l + 1][j][k] * delta", ["dC/dw^2", "dC/db^2"]),
    ],
)
def test_a_mistake_in_the_cpp_example_is_found_in_the_right_arrays(tmp_path, compiler, line, wrong, arrays):
    path = folder(tmp_path / "vectors", Network.random([3, 3, 3], seed=4))
    source = EXAMPLE.read_text()
    assert source.count(line) == 1
    report = check_claim(path, built(compiler, tmp_path, path, source.replace(line, wrong)))
    assert report.exit_code == 1
    assert [p.label for p in report.parts if p.count(Verdict.DISAGREES)] == arrays
