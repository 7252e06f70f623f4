import json
import re
from fractions import Fraction

import numpy as np
import pytest

from backprop_ref import Network, matrix
from backprop_ref.errors import FileRefused, UnknownName
from backprop_ref.gate import golden
from backprop_ref.gate.elsewhere import check_claim
from backprop_ref.gradient import Verdict


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


@pytest.fixture(scope="module")
def even(tmp_path_factory):
    """Golden vectors of 3-3-3, whose shapes do not tell a transposed matrix."""
    return folder(tmp_path_factory.mktemp("golden") / "even", Network.random([3, 3, 3], seed=4))


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


def transposed(layers):
    return {l: np.transpose(v).tolist() for l, v in layers.items()}


# ------------------------------------------------------------------------------------------------------- a claimed result


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_a_right_claim_agrees_in_the_dtype_that_it_declares(uneven, tmp_path, dtype):
    report = claims(uneven, tmp_path, right(uneven, dtype))
    assert report.verdict is Verdict.AGREES
    assert (report.checked, report.total, report.source, report.proven) == (54, 54, "golden vectors", True)
    assert report.target == f"{tmp_path / 'claimed.json'}, golden network 3-5-4-2, m = 3, {dtype}"


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_reduction_is_that_of_the_vectors(tmp_path, reduction):
    network = Network.random([2, 3, 1], "tanh", seed=3)
    path = folder(tmp_path / "g", network, reduction)
    claim = right(path)
    assert claims(path, tmp_path, claim).verdict is Verdict.AGREES
    other = "mean" if reduction == "sum" else "sum"
    g = matrix.backprop_batch(network, *batch(network), reduction=other)
    claim["nabla_b"]["2"] = g.nabla_b[2].tolist()
    report = claims(path, tmp_path, claim)
    assert [p.label for p in report.parts if p.count(Verdict.DISAGREES)] == ["dC/db^2"]


def test_hexadecimal_decimal_text_and_lists_by_layer_are_numbers_too(uneven, tmp_path):
    claim = right(uneven)
    claim["nabla_w"] = [[[v.hex() for v in row] for row in rows] for rows in claim["nabla_w"].values()]
    claim["nabla_b"] = {l: [[f"{v:.17g}"] for v in b] for l, b in claim["nabla_b"].items()}  # as columns, too
    report = claims(uneven, tmp_path, claim)
    assert (report.verdict, report.checked, report.notes) == (Verdict.AGREES, 54, ())


def test_what_is_not_claimed_is_reported_as_not_checked(uneven, tmp_path):
    claim = right(uneven)
    del claim["nabla_w"]["2"], claim["nabla_w"]["4"]
    claim["nabla_b"] = [None, None, claim["nabla_b"]["4"]]
    report = claims(uneven, tmp_path, claim)
    assert (report.verdict, report.checked, report.total) == (Verdict.AGREES, 22, 54)
    assert report.notes == ("not checked: nabla_w[2], nabla_w[4], nabla_b[2], nabla_b[3]",)


@pytest.mark.parametrize("claim", [{}, {"nabla_w": {}, "nabla_b": []}, {"nabla_w": {"2": None}}, {"after": {}, "eta": 1}])
def test_an_empty_claim_never_passes(even, tmp_path, claim):
    claim = {k: [None, None] if v == [] else v for k, v in claim.items()}
    report = claims(even, tmp_path, {"dtype": "float64"} | claim)
    assert (report.verdict, report.exit_code) == (Verdict.CANNOT_TELL, 3)
    text = f"{tmp_path / 'claimed.json'} claims nothing; give nabla_w or nabla_b, or after and eta"
    assert [f.text for f in report.findings] == [text]


def test_one_wrong_entry_is_found_and_named(uneven, tmp_path):
    claim = right(uneven)
    claim["nabla_w"]["3"][1][4] *= 1 + 1e-8
    report = claims(uneven, tmp_path, claim)
    assert (report.verdict, report.exit_code) == (Verdict.DISAGREES, 1)
    assert report.count(Verdict.DISAGREES) == 1
    assert report.worst(1)[0].name == "dC/dw^3_25"
    assert report.notes == ()  # one entry off by 1e-8 is a mistake, not float32


@pytest.mark.parametrize(
    "value", [None, "nan", "NaN", "-inf", "1e999", "0x1p+9999", pytest.param(10**400, id="long"), float("nan")]
)
def test_what_is_not_finite_disagrees(uneven, tmp_path, value):
    claim = right(uneven)
    claim["nabla_b"]["2"][3] = value
    report = claims(uneven, tmp_path, claim)
    [worst] = report.worst(1)
    assert worst.name == "dC/db^2_4"
    assert not np.isfinite(worst.claimed)
    assert report.verdict is Verdict.DISAGREES


def test_transposed_weights_are_recognised_by_their_shapes(uneven, tmp_path):
    claim = right(uneven)
    claim["nabla_w"] = transposed(claim["nabla_w"])
    report = claims(uneven, tmp_path, claim)
    assert report.verdict is Verdict.AGREES
    assert report.notes == ("nabla_w is stored transposed, n_(l-1) x n_l: so its shapes say",)
    assert claims(uneven, tmp_path, claim | {"orientation": "transposed"}).verdict is Verdict.AGREES
    mixed = claim["nabla_w"] | {"2": right(uneven)["nabla_w"]["2"]}
    shape = "nabla_w[3] has shape (5, 4); it must have shape (4, 5), one entry for each parameter"
    assert claims(uneven, tmp_path, claim | {"nabla_w": mixed}).findings[0].text == shape
    report = claims(uneven, tmp_path, claim | {"orientation": "book"})
    shape = "nabla_w[2] has shape (3, 5); it must have shape (5, 3), one entry for each parameter"
    assert report.findings[0].text == shape
    assert report.verdict is Verdict.DISAGREES


def test_of_equal_widths_the_orientation_is_declared_or_is_the_books(even, tmp_path):
    claim = right(even)
    assert claims(even, tmp_path, claim).verdict is Verdict.AGREES
    claim["nabla_w"] = transposed(claim["nabla_w"])
    assert claims(even, tmp_path, claim | {"orientation": "transposed"}).verdict is Verdict.AGREES
    report = claims(even, tmp_path, claim)
    assert report.verdict is Verdict.DISAGREES
    hint = 'nabla_w[{}] agrees when it is transposed; if it is stored so, declare "orientation": "transposed"'
    assert report.notes == (hint.format(2), hint.format(3))


def test_a_square_matrix_among_transposed_ones_is_transposed(tmp_path):
    path = folder(tmp_path / "g", Network.random([3, 3, 2], seed=5))
    claim = right(path)
    claim["nabla_w"] = transposed(claim["nabla_w"])
    assert claims(path, tmp_path, claim).verdict is Verdict.AGREES
    claim["nabla_w"]["3"] = transposed(claim["nabla_w"])["3"]
    report = claims(path, tmp_path, claim)
    assert [p.label for p in report.parts if p.count(Verdict.DISAGREES)] == ["dC/dw^2"]


def test_float32_numbers_declared_as_float64_are_told_so(uneven, tmp_path):
    report = claims(uneven, tmp_path, right(uneven, "float32") | {"dtype": "float64"})
    assert report.verdict is Verdict.DISAGREES
    digits = "or printed with too few digits (float64 needs 17, float32 9)"
    assert report.notes == (f"accurate to float32 only, but declared as float64; {digits}",)


def test_nine_digits_of_a_float32_are_all_of_it(uneven, tmp_path):
    claim = right(uneven, "float32")
    claim["nabla_w"] = {l: [[f"{v:.9g}" for v in row] for row in rows] for l, rows in claim["nabla_w"].items()}
    assert claims(uneven, tmp_path, claim).parts[0].claimed.tolist() == right(uneven, "float32")["nabla_w"]["2"]


def test_vectors_coarser_than_the_claim_are_named(tmp_path):
    path = folder(tmp_path / "g", Network.random([2, 2], seed=1).astype(np.float32))
    report = claims(path, tmp_path, right(path))
    assert report.verdict is Verdict.AGREES
    assert report.notes == ("the golden vectors are float32: an error below their own rounding cannot show in float64",)


def test_mistakes_that_could_not_show_are_listed(uneven, tmp_path):
    whole = dict(claims(uneven, tmp_path, right(uneven)).unseen)
    part = dict(claims(uneven, tmp_path, {"dtype": "float64", "nabla_b": right(uneven)["nabla_b"]}).unseen)
    assert "a^l instead of a^{l-1} in BP4" in whole
    assert part.keys() > whole.keys()  # what concerns only the weights is not seen in the biases


# ------------------------------------------------------------------------------------------------------- the update form


def update(path, eta, dtype="float64", times=1.0):
    """An update of a right candidate: after = before - eta gradient, in its dtype."""
    g, claim = golden.read(path), right(path, dtype)
    network = g.network.astype(dtype)
    before = {"w": network.w, "b": network.b}
    after = {
        c: {l: (v - np.asarray(eta * times * np.array(claim[p][str(l)]), v.dtype)).tolist() for l, v in before[c].items()}
        for c, p in (("w", "nabla_w"), ("b", "nabla_b"))
    }
    return {
        "dtype": dtype,
        "after": after,
        "eta": eta,
        "before": {c: {l: v.tolist() for l, v in d.items()} for c, d in before.items()},
    }


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("eta", [0.1, 3.0, 1024.0])
def test_a_right_update_agrees(uneven, tmp_path, eta, dtype):
    claim = update(uneven, eta, dtype)
    report = claims(uneven, tmp_path, claim)
    assert (report.verdict, report.checked) == (Verdict.AGREES, 54)
    del claim["before"]
    assert claims(uneven, tmp_path, claim).verdict is Verdict.AGREES
    claim["after"]["w"] = transposed(claim["after"]["w"])
    assert claims(uneven, tmp_path, claim).verdict is Verdict.AGREES
    assert claims(uneven, tmp_path, update(uneven, eta, dtype, 1.01)).verdict is Verdict.DISAGREES


def test_the_bound_of_an_update_is_widened_by_8u_of_the_weights_over_eta(tmp_path):
    # C = (w x - y)^2/2 with w = 1, x = 1, y = 1/2: dC/dw = 1/2, exactly
    network = Network.from_arrays([[[1.0]]], None, "linear")
    path = golden.write(golden.vectors(network, np.array([[1.0]]), np.array([[0.5]])), tmp_path / "g")

    def bound(claim):
        [part] = claims(path, tmp_path, {"dtype": "float64"} | claim).parts
        assert part.claimed.tolist() == [[0.5]]
        return Fraction(float(part.bound[0, 0]))

    own = bound({"nabla_w": {"2": [[0.5]]}})
    for eta, largest in ((0.5, 1), (16, 7)):  # after = 0.75, and -7
        widened = bound({"after": {"w": {"2": [[1 - eta / 2]]}}, "eta": eta}) - own
        assert abs(widened - Fraction(8 * largest, 2**53) / Fraction(eta)) <= Fraction(1, 2**100)


def test_what_an_update_may_lose_below_the_smallest_normal_number_is_allowed(tmp_path):
    # w = 0, x = 1, y = -1/2: dC/dw = 1/2; eta = 2^-1000, so that 2^-1021 in the weights is 2^-21 in the gradient
    network = Network.from_arrays([[[0.0]]], None, "linear")
    path = golden.write(golden.vectors(network, np.array([[1.0]]), np.array([[-0.5]])), tmp_path / "g")
    [part] = claims(path, tmp_path, {"dtype": "float64", "after": {"w": {"2": [[-(2.0**-1001)]]}}, "eta": "0x1p-1000"}).parts
    assert part.claimed.tolist() == [[0.5]]
    assert 2.0**-21 < part.bound[0, 0] < 2.0**-21 + 2.0**-48


def test_an_update_that_started_elsewhere_cannot_be_told(uneven, tmp_path):
    claim = update(uneven, 0.5)
    claim["before"]["b"][3][1] = 0.25
    report = claims(uneven, tmp_path, claim)
    there = golden.read(uneven).network.b[3][1]
    start = "start there, write all digits, or leave before out"
    text = f"before is not the golden network: b^3_2 is 0.25, and {there} in golden.json; {start}"
    assert [(f.verdict, f.text) for f in report.findings] == [(Verdict.CANNOT_TELL, text)]
    assert (report.verdict, report.parts) == (Verdict.CANNOT_TELL, ())


def test_a_step_too_small_to_show_in_the_weights_is_no_pass(uneven, tmp_path):
    claim = update(uneven, 1e-18)
    assert claims(uneven, tmp_path, claim).verdict is not Verdict.AGREES


# ------------------------------------------------------------------------------------------------------------- bad files


WIDTHS = "the layers that have weights are 2, 3, 4."


@pytest.mark.parametrize(
    ("claim", "sentence"),
    [
        (
            "[1]",
            "{} holds a JSON list; an object with the keys dtype, nabla_w, nabla_b, before, after, eta, orientation is needed.",
        ),
        ({}, '{} declares no dtype; add "dtype": "float64", or whichever it is: float64, float32, float16.'),
        ('{"dtype": "float64", "dtype": "float32"}', "{} has the key 'dtype' twice in one object; which of the two is meant?"),
        ({"nabla_w": {"5": [[1]]}}, f"nabla_w in {{}} has a layer '5'; {WIDTHS}"),
        ({"nabla_b": {"1": [1]}}, f"nabla_b in {{}} has a layer '1'; {WIDTHS}"),
        ({"nabla_b": 3}, "nabla_b in {} is a number; an object by layer is needed, with the keys 2, 3, 4."),
        (
            {"nabla_b": [[1]]},
            "nabla_b in {} is a list of 1; one array for each of the layers 2, 3, 4 is needed, null for what is not claimed, "
            "or an object by layer.",
        ),
        ({"nabla_b": {"4": "1"}}, "nabla_b[4] in {} is a string; a list of numbers is needed, of a matrix one of rows."),
        ({"nabla_b": {"4": [1, "one"]}}, 'nabla_b[4] in {} holds "one"; numbers are needed, as 0.25, "0.25" or "0x1p-2".'),
        ({"nabla_b": {"4": [1, True]}}, 'nabla_b[4] in {} holds true; numbers are needed, as 0.25, "0.25" or "0x1p-2".'),
        (
            {"nabla_w": {"4": [[1, 2, 3, 4], [5, 6, 7]]}},
            "nabla_w[4] in {} has rows of 4 and of other numbers of entries; they must be equal.",
        ),
        ({"after": {"w": {}}}, "{} has after, but no eta; an update needs after and eta."),
        ({"before": {"w": {}}, "eta": 1}, "{} has before and eta, but no after; an update needs after and eta."),
        ({"after": {"w": {}}, "eta": -1}, "eta in {} is -1.0; a finite number above 0 is needed."),
        ({"after": [1], "eta": 1}, 'after in {} must be an object {{"w": ..., "b": ...}} of weights and biases by layer.'),
        (
            {"nabla_b": {"4": [1, 1]}, "after": {}, "eta": 1},
            "{} has a gradient and an update (after, eta); claim the one or the other.",
        ),
    ],
)
def test_a_file_that_is_no_claim_is_refused(uneven, tmp_path, claim, sentence):
    if isinstance(claim, dict) and claim:
        claim = {"dtype": "float64"} | claim
    with refuses(FileRefused, sentence.format(tmp_path / "claimed.json")):
        claims(uneven, tmp_path, claim)


def test_other_bad_files_are_refused(uneven, tmp_path):
    file = tmp_path / "claimed.json"
    with refuses(FileRefused, f"{file} could not be read: No such file or directory."):
        check_claim(uneven, file)
    no_json = rf"^{re.escape(str(file))} is no JSON \(.*\); README.md beside the golden vectors shows what is\.$"
    for text in ("nabla_w = 1", "[" * 100_000):
        with pytest.raises(FileRefused, match=no_json):
            claims(uneven, tmp_path, text)
    known = "Known: after, before, dtype, eta, nabla_b, nabla_w, orientation."
    with refuses(UnknownName, f"There is no key in {file} 'nabla_W'. Did you mean 'nabla_w'? {known}"):
        claims(uneven, tmp_path, {"dtype": "float64", "nabla_W": {}})
    with refuses(UnknownName, f"There is no dtype in {file} 'double'. Known: float16, float32, float64."):
        claims(uneven, tmp_path, {"dtype": "double"})
    bare = folder(tmp_path / "bare", Network.from_arrays([[[1.0]]], None), m=1)
    with refuses(FileRefused, f"nabla_b in {file} claims biases, and this network has none; leave nabla_b out."):
        claims(bare, tmp_path, {"dtype": "float64", "nabla_b": {"2": [1]}})
