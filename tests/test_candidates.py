"""How somebody's implementation is called: storage, names, harvest, loading, probes; and what each says."""

import inspect
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backprop_ref.errors import ValueRefused
from backprop_ref.gate import loading, wire
from backprop_ref.gate.candidates import Candidate, gate
from backprop_ref.gate.forms.calls import ETAS, ROUNDINGS, Call, Data, EtaUnknown, Unfit, learning_rate, one_step
from backprop_ref.gate.forms.guess import Limits, give, guess, is_list_form
from backprop_ref.gate.forms.harvest import at, leaves, match, name_of, shared, stripped
from backprop_ref.gate.forms.roles import is_role, signatures
from backprop_ref.gate.forms.storage import Storage, storages
from backprop_ref.gate.forms.stores import Arguments, look, on_object, put_at
from backprop_ref.gate.probes import Accepts, parse_pattern, probe, rebuilt
from backprop_ref.gate.process import TargetRefused
from backprop_ref.gradient import Verdict

W = [np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), np.array([[7.0, 8.0, 9.0]])]  # 2-3-1
B = [np.array([10.0, 11.0, 12.0]), np.array([13.0])]


# -------------------------------------------------------------------------------------------------------------- storage


@pytest.mark.parametrize(
    ("storage", "first", "bias"),
    [
        (Storage(), [[1, 2], [3, 4], [5, 6]], [10, 11, 12]),
        (Storage(True, "row"), [[1, 3, 5], [2, 4, 6]], [[10, 11, 12]]),
        (Storage(False, "column"), [[1, 2], [3, 4], [5, 6]], [[10], [11], [12]]),
        (Storage(False, "first"), [[10, 1, 2], [11, 3, 4], [12, 5, 6]], None),
        (Storage(True, "last"), [[1, 3, 5], [2, 4, 6], [10, 11, 12]], None),
        (Storage(True, "none"), [[1, 3, 5], [2, 4, 6]], None),
    ],
)
def test_parameters_are_stored_as_people_store_them(storage: Storage, first: Any, bias: Any) -> None:
    weights, biases = storage.stored(W, B)
    assert weights[0].tolist() == first
    assert [v.tolist() for v in biases[:1]] == ([bias] if bias else [])


@pytest.mark.parametrize("storage", storages(True, True))
def test_the_way_back_from_a_storage_gives_the_book_s(storage: Storage) -> None:
    w, b = storage.book(*storage.stored(W, B))
    assert [v.tolist() for v in w] == [v.tolist() for v in W]
    assert [v.tolist() for v in b] == [v.tolist() for v in B]


def test_sizes_are_known_from_the_shapes_that_chain() -> None:
    weights = Storage(True, "last").stored(W, B)[0]
    assert [s for s in storages(True, True, separate=False) if s.sizes(weights)] == [
        Storage(True, "last"),
        Storage(True, "first"),
    ]
    assert Storage(True, "last").sizes(weights) == (2, 3, 1)
    assert Storage().sizes(W) == (2, 3, 1)
    assert Storage(True).sizes(W) is None


def test_what_differs_from_the_book_is_named() -> None:
    assert Storage().notes() == []
    assert Storage(True, "first").notes() == [
        "weights are stored transposed, (n_in, n_out)",
        "biases are the first row of each weight matrix",
    ]


# ---------------------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("source", "roles"),
    [
        ("def f(weights, biases, X, Y): ...", ["weights", "biases", "X", "Y"]),
        ("def f(parameters, cache, X, Y): ...", ["params", "cache", "X", "Y"]),
        ("def f(AL, Y, caches): ...", ["output", "Y", "cache"]),
        ("def f(X, y, W1, b1, W2, b2): ...", ["X", "Y", "array", "array", "array", "array"]),
        ("def f(theta, X, Y): ...", ["weights", "X", "Y"]),
        ("def f(X, y, epochs=1000, lr=0.01, verbose=False): ...", ["X", "Y", "epochs", "eta", "quiet"]),
        ("def f(X, y=None, reg=0.0): ...", ["X", "Y"]),
        ("def f(mini_batch, eta): ...", ["batch", "eta"]),
        ("def f(inputs_list, targets_list): ...", ["X", "Y"]),
    ],
)
def test_arguments_are_read_by_their_names(source: str, roles: list[str]) -> None:
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    assert next(signatures(namespace["f"])).roles == roles


def test_sizes_between_theta_and_the_examples_are_read() -> None:
    def f(nn_params: Any, input_layer_size: int, hidden_layer_size: int, num_labels: int, X: Any, y: Any) -> None: ...

    assert ["flat", "size", "size", "size", "X", "Y"] in [s.roles for s in signatures(f)]
    assert is_role("_lr", "eta")
    assert not is_role("layer", "eta")


# -------------------------------------------------------------------------------------------------------------- harvest


def test_a_gradient_is_found_by_shape_or_by_its_name() -> None:
    answer = (0.5, {"dW2": W[1], "db2": B[1], "dW1": W[0], "db1": B[0][None]})
    paths = match(list(leaves(answer)), ["W1", "W2", "b1", "b2"], [*W, *B], [False, False, True, True])
    assert paths == [(1, "dW1"), (1, "dW2"), (1, "db1"), (1, "db2")]
    assert [v.tolist() for v in at(answer, paths)] == [v.tolist() for v in (*W, B[0][None], B[1])]


def test_an_array_that_is_missing_or_of_another_shape_is_not_made_up() -> None:
    found = list(leaves([[W[0].T, W[1]], B]))
    assert match(found, ["", "", "", ""], [*W, *B], [False, False, True, True]) is None


def test_lists_of_numbers_are_arrays_and_lists_of_matrices_are_not() -> None:
    square = np.eye(2).tolist()
    assert [(path, v.shape) for path, v in leaves(([square, square], [1.0, 2.0]))] == [
        ((0, 0), (2, 2)),
        ((0, 1), (2, 2)),
        ((1,), (2,)),
    ]


def test_names_of_gradients_lose_what_says_so() -> None:
    assert [stripped(n) for n in ("dW1", "W1_grad", "nabla_w1", "grad_W1", "W1")] == ["w1"] * 5
    assert name_of(("layers", 0, "weights")) == "weights"
    assert name_of(("weights", 2)) == "weights[2]"


def test_one_array_in_two_places_is_seen() -> None:
    v = np.zeros((2, 2))
    assert shared([v, v[:1]], []) == ["two of the arrays that came back are one array: a later write changes both"]
    assert shared([v], [v]) == ["an array that came back is one of the candidate's inputs, not one of its own"]
    assert shared([v, v.copy()], [v.copy()]) == []


# --------------------------------------------------------------------------------------------------------------- stores


class Holder:
    def __init__(self) -> None:
        self.wih, self.who = np.zeros((3, 2)), np.zeros((1, 3))
        self.lr, self.n_iter, self.dW = 0.25, 200, np.zeros((3, 2))


def test_the_arrays_of_an_object_are_found_and_written_in_place() -> None:
    holder = Holder()
    wih = holder.wih
    [store] = [s for s in on_object(holder, None) if s.storage.bias == "none"]
    assert store.sizes == (2, 3, 1)
    assert store.slots() == ["wih", "who"]
    store.put(W, [])
    assert wih.tolist() == W[0].tolist()
    assert [v.tolist() for v in store.take()[0]] == [v.tolist() for v in W]


def test_an_object_without_arrays_is_given_the_book_s() -> None:
    class Empty: ...

    empty = Empty()
    assert on_object(empty, None) == []
    give(empty, W, B)
    [store] = on_object(empty, None)
    assert (store.sizes, store.storage) == ((2, 3, 1), Storage(False, "column"))


def test_what_stands_in_a_tuple_is_replaced() -> None:
    holder = Holder()
    holder.pair = (1, 2)  # type: ignore[attr-defined]
    put_at(holder, ("pair", 1), 5)
    assert look(holder, ("pair",)) == (1, 5)


@pytest.mark.parametrize("order", ["layers", "parts", "biases first"])
def test_a_flat_vector_is_cut_where_it_was_joined(order: str) -> None:
    store = Arguments("flat", Storage(True), flat_order=order)
    store.put(W, B)
    w, b = store.storage.book(*store.split(store.given["flat"]))
    assert [v.tolist() for v in w] == [v.tolist() for v in W]
    assert [v.tolist() for v in b] == [v.tolist() for v in B]
    starts = {"layers": [1, 3, 5, 2], "parts": [1, 3, 5, 2], "biases first": [10, 11, 12, 1]}
    assert store.given["flat"][:4].tolist() == starts[order]


def test_the_learning_rate_and_the_number_of_steps_are_found() -> None:
    holder = Holder()
    assert learning_rate(holder, None) == ((holder, ("lr",)), 0.25)
    assert learning_rate(None, inspect.getmodule(test_a_flat_vector_is_cut_where_it_was_joined)) == (None, None)
    assert one_step(holder) == ["n_iter was 200; it is called with n_iter = 1"]
    assert holder.n_iter == 1


# --------------------------------------------------------------------------------------------------------------- calls

X, Y = np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([[1.0], [0.0]])
DATA = Data(X, Y, None, ["linear", "linear"])


def linear(weights: Any, biases: Any, X: Any, Y: Any) -> Any:
    """The gradient of a linear network, quadratic cost, mean."""
    a = X @ weights[0].T + biases[0]
    d = (a @ weights[1].T + biases[1] - Y) / len(X)
    e = d @ weights[1]
    return [e.T @ X, d.T @ a], [e.sum(axis=0), d.sum(axis=0)]


def found_for(f: Callable[..., Any], **limits: Any) -> Any:
    return guess(f, inspect.getmodule(linear), Limits(**limits), W, B, DATA, lambda way, *given: way(*given))


def test_a_function_of_the_list_form_is_called_as_it_is() -> None:
    (way, claim), *others = found_for(linear).ways
    assert not others
    assert way.evidence() == "list form: linear(weights, biases, X, Y) returned the gradient of every parameter"
    assert way.notes() == []
    wanted_w, wanted_b = linear(W, B, X, Y)
    assert [v.tolist() for v in claim.w] == [v.tolist() for v in wanted_w]
    assert [v.tolist() for v in claim.b] == [v.tolist() for v in wanted_b]
    assert is_list_form(linear)
    assert not is_list_form(signatures)


def test_an_update_gives_its_gradient_back() -> None:
    def train(weights: Any, biases: Any, X: Any, Y: Any, eta: float) -> None:
        for parameters, gradients in zip((weights, biases), linear(weights, biases, X, Y), strict=True):
            for v, g in zip(parameters, gradients, strict=True):
                v -= eta * g

    (way, claim), *_ = found_for(train).ways
    assert way.form == "update"
    assert claim.wrong == []
    wanted_w, _ = linear(W, B, X, Y)
    after = W[0] - ETAS[1] * wanted_w[0]
    allowed = 2 * ROUNDINGS * 2.0**-53 * np.maximum(np.abs(W[0]), np.abs(after)) / ETAS[1]  # times m, which is 2
    assert (claim.extra_w[0] == allowed).all()
    assert (np.abs(claim.w[0] - wanted_w[0]) <= allowed).all()


def test_an_update_that_depends_on_eta_is_told() -> None:
    def train(weights: Any, biases: Any, X: Any, Y: Any, eta: float) -> None:
        a = X @ weights[0].T + biases[0]
        d = (a @ weights[1].T + biases[1] - Y) / len(X)
        weights[1] -= eta * d.T @ a
        e = d @ weights[1]  # already updated
        weights[0] -= eta * e.T @ X
        biases[0] -= eta * e.sum(axis=0)
        biases[1] -= eta * d.sum(axis=0)

    (_, claim), *_ = found_for(train).ways
    [text] = claim.wrong
    assert re.fullmatch(
        r"the recovered gradient depends on eta: dC/dw\^2_\d\d is \S+ and \S+ for eta = 1 and 256; weights that are already "
        r"updated, momentum, clipping or a second step do that",
        text,
    )


def test_an_update_without_a_known_eta_asks_for_it() -> None:
    def train(weights: Any, biases: Any, X: Any, Y: Any) -> None:
        weights[0] -= 0.5

    found = found_for(train)
    assert found.ways == []
    form, error = found.nearest()
    assert (form, type(error)) == ("update", EtaUnknown)
    assert str(error) == (
        "calling train changed the parameters, but by which eta is not known: --eta says it, 1 where there is none"
    )
    assert found_for(train, eta=0.5).ways


def test_an_answer_without_every_gradient_does_not_fit() -> None:
    call = Call(lambda *_: [W], "half", next(signatures(linear)), Arguments("lists", Storage()))
    with pytest.raises(Unfit, match=r"^half returned a list with arrays \[0\] \(3, 2\), \[1\] \(1, 3\), in which not every"):
        call(W, B, DATA)


def test_a_candidate_that_writes_into_its_inputs_is_told() -> None:
    def greedy(weights: Any, biases: Any, X: Any, Y: Any) -> Any:
        answer = linear(weights, biases, X, Y)
        weights[1] += 1
        X[0] = 0
        return answer

    (_, claim), *_ = found_for(greedy).ways
    assert claim.wrong == ["the candidate changed its inputs: X, w[3]; it must leave them as they are"]


def test_what_runs_only_one_at_a_time_is_summed_and_divided() -> None:
    def single(weights: Any, biases: Any, x: Any, y: Any) -> Any:
        if x.ndim != 1:
            raise ValueError("one example, please")
        return linear(weights, biases, x[None], y[None])

    (way, claim), *_ = found_for(single).ways
    assert way.notes() == ["one example at a time, as vectors"]
    assert claim.b[1].tolist() == linear(W, B, X, Y)[1][1].tolist()
    (_, total), *_ = found_for(single, mean=False).ways
    assert total.b[1].tolist() == (2 * claim.b[1]).tolist()


# -------------------------------------------------------------------------------------------------------------- loading


def loaded(tmp_path: Path, source: str, name: str = "net.py", run_module: bool = False) -> loading.Loaded:
    (tmp_path / name).write_text(source)
    return loading.load(f"{tmp_path}/{name}:f", run_module)[0]


SOURCE = """import math
x = 3
def f(): return x
for i in range(2):
    x += i
print("hello")
if x: x = 0
y = 1 / 0
"""


def test_definitions_are_run_and_the_rest_is_left_out(tmp_path: Path) -> None:
    found = loaded(tmp_path, SOURCE)
    assert found.module.f() == 3
    file = f"{tmp_path}/net.py"
    assert found.left_out == [(file, 4, 5, "for"), (file, 6, 6, "call"), (file, 7, 7, "if")]
    assert found.failed == [f"{file}:8: this assignment raised ZeroDivisionError: division by zero"]


def test_run_module_runs_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = loaded(tmp_path, SOURCE.replace("y = 1 / 0", ""), run_module=True)
    assert found.module.f() == 0
    assert capsys.readouterr().out == "hello\n"
    assert found.left_out == []


def test_a_notebook_is_its_code_cells_without_magic(tmp_path: Path) -> None:
    first = {"cell_type": "code", "source": ["%matplotlib inline\n", "a = 1"]}
    second = {"cell_type": "code", "source": "!pip\ndef f(): return a\nf()"}
    cells = [{"cell_type": "markdown", "source": "x"}, first, second]
    found = loaded(tmp_path, json.dumps({"cells": cells}), "net.ipynb")
    assert found.module.f() == 1
    assert found.left_out == [(f"{tmp_path}/net.ipynb[cell 3]", 3, 3, "call")]


PYTHON_2 = '{file}:2 is written in Python 2: print "hello". Convert the file (2to3 -w, or by hand), then gate it again.'


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ('def f():\n    print "hello"\n', PYTHON_2),
        ("def f(:\n    pass\n", "{file}:1 cannot be read as Python: invalid syntax: def f(:"),
    ],
)
def test_a_file_that_is_no_python_is_one_sentence_with_its_line(tmp_path: Path, source: str, sentence: str) -> None:
    with pytest.raises(loading.Refused) as error:
        loaded(tmp_path, source)
    assert str(error.value) == sentence.format(file=f"{tmp_path}/net.py")


def test_names_that_are_not_there(tmp_path: Path) -> None:
    found = loaded(tmp_path, "def backprop(): ...\nclass Net: ...\n")
    with pytest.raises(loading.Refused) as error:
        loading.resolve(found, "bakprop")
    assert str(error.value) == f"There is no 'bakprop' in {tmp_path}/net.py. Did you mean 'backprop'? It defines backprop, Net."
    with pytest.raises(loading.Refused) as error:
        loading.resolve(found, "")
    assert str(error.value) == f"Say which of them to gate, as {tmp_path}/net.py:NAME: backprop, Net."
    with pytest.raises(loading.Refused) as error:
        loading.load(f"{tmp_path}/nets.py:f", False)
    assert str(error.value) == f"There is no file {tmp_path}/nets.py. Did you mean {tmp_path}/net.py?"
    with pytest.raises(loading.Refused, match=r"^There is no module no_such_module\. Give a file as path/file\.py:name, "):
        loading.load("no_such_module:f", False)


def test_a_target_is_split_at_its_last_colon() -> None:
    assert loading.split("a/b.py:f") == ("a/b.py", "f")
    assert loading.split("a/b.py") == ("a/b.py", "")
    assert loading.split("C:/b.py") == ("C:/b.py", "")


# --------------------------------------------------------------------------------------------------------------- probes


def test_default_probes_are_all_different_and_all_equal() -> None:
    accepts = Accepts()
    assert accepts.different(0) == [(3, 5, 4, 2), (3, 4, 2), (4, 3)]
    assert accepts.different(2) == [(3, 4, 2)]
    assert accepts.equal((3, 5, 4, 2)) == (4, 4, 4, 4)
    assert accepts.batches((3, 5, 4, 2)) == [6, 1, 2, 3]
    assert Accepts(batch=1).batches((3, 5, 4, 2)) == [1]
    assert Accepts(layers=3, outputs=1).different(0) == [(3, 4, 1)]


def test_open_widths_are_filled_inside_what_is_said() -> None:
    accepts = Accepts([parse_pattern("4,*,3")])
    assert accepts.different(0) == [(4, 2, 3)]
    assert accepts.equal((4, 2, 3)) == (4, 3, 3)
    assert Accepts([(4, 5, 3)]).equal((4, 5, 3)) is None
    with pytest.raises(ValueRefused, match=r"^1 activations were given for layers 2\.\.4; give one name, or 3 of them\.$"):
        Accepts(layers=4).different(1)
    with pytest.raises(ValueRefused, match=re.escape("sizes '4,?' hold '?'; each layer needs a whole number of neurons")):
        parse_pattern("4,?")


def test_init_is_rewritten_where_it_spells_the_sizes() -> None:
    assert list(rebuilt("Network([3, 5, 2])", (3, 5, 2), (4, 4, 4))) == ["Network([4, 4, 4])"]
    assert list(rebuilt("Net(3, 5, 2, 0.3)", (3, 5, 2), (4, 4, 4))) == ["Net(4, 4, 4, 0.3)"]
    assert list(rebuilt("Net(4, 3, depth=3)", (4, 3, 3, 3), (4, 4, 4, 4))) == []


def test_targets_fit_the_cost() -> None:
    p = probe((3, 4, 3), 6, 0, "sigmoid", "log_likelihood", True, "float64", False)
    assert p.labels is not None
    assert (np.eye(3)[p.labels] == p.Y).all()
    assert set(probe((3, 4, 2), 6, 0, "sigmoid", "cross_entropy", True, "float64", False).Y.ravel()) == {0.0, 1.0}
    assert str(p) == "3-4-3, m = 6, seed 0"


# ----------------------------------------------------------------------------------------------------------------- wire


def test_messages_come_back_as_they_went() -> None:
    stream = io.BytesIO()
    message = {"a": [W[0].T, 1.5, None, "x"], "b": {"c": np.arange(3), "d": np.zeros((0, 2))}}
    wire.send(stream, message)
    stream.seek(0)
    back = wire.receive(stream)
    assert back["a"][0].tolist() == W[0].T.tolist()
    assert back["a"][1:] == [1.5, None, "x"]
    assert back["b"]["c"].dtype == np.arange(3).dtype
    assert back["b"]["d"].shape == (0, 2)
    with pytest.raises(EOFError):
        wire.receive(stream)
    with pytest.raises(TypeError, match="an array of object cannot be sent"):
        wire.send(stream, np.array([None]))


# ----------------------------------------------------------------------------------------------------------- from Python


def test_gate_from_python(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(inspect.getsource(linear).replace(": Any", "").replace(" -> Any", ""))
    gated = gate(Candidate(f"{file}:linear", activations="linear", accepts=Accepts(layers=3)))
    assert (gated.verdict, gated.form, gated.exit_code) == (Verdict.AGREES, "list", 0)
    assert [r.target.partition(", network ")[2] for r in gated.reports] == [f"3-4-2, m = {m}, seed 0" for m in (6, 1, 2, 3)] + [
        "4-4-4, m = 6, seed 0"
    ]
    with pytest.raises(TargetRefused):
        gate(Candidate(f"{tmp_path}/other.py:linear"))
