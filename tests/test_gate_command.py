"""backprop-ref gate: what it prints, how it exits, and what it survives."""

import json
import random
import re
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from backprop_ref import cli
from backprop_ref.gate.candidates import Candidate, gate

RIGHT = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def right(weights, biases, X, Y):
    a = [X]
    for w, b in zip(weights, biases):
        a.append(sigmoid(a[-1] @ w.T + b))
    d = (a[-1] - Y) * a[-1] * (1 - a[-1]) / len(X)
    nabla_w, nabla_b = [], []
    for l in reversed(range(len(weights))):
        nabla_w.insert(0, d.T @ a[l])
        nabla_b.insert(0, d.sum(axis=0))
        d = (d @ weights[l]) * a[l] * (1 - a[l])
    return nabla_w, nabla_b

def gradient(weights, biases, X, Y):
"""
BODY = RIGHT.count("\n") + 1  # the line on which the body of gradient begins


def write(tmp_path: Path, body: str) -> str:
    """A target whose body is given, in lines."""
    lines = "".join(f"    {line}\n" for line in body.split("\n"))
    (tmp_path / "mine.py").write_text(RIGHT + lines)
    return f"{tmp_path}/mine.py:gradient"


def gated(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.run(["gate", *arguments])
    out, err = capsys.readouterr()
    return code, out, err


SURVIVED = {
    "prints": "print('x' * 1000)\nimport os\nos.write(1, b'raw')\nos.system('echo shell')\nreturn right(weights, biases, X, Y)",
    "changes NumPy's error state": "np.seterr(all='raise')\nreturn right(weights, biases, X, Y)",
    "changes the seeds": "import random\nrandom.seed(1)\nnp.random.seed(1)\nreturn right(weights, biases, X, Y)",
    "returns lists": "return [[v.tolist() for v in part] for part in right(weights, biases, X, Y)]",
    "returns Fortran-ordered arrays": "w, b = right(weights, biases, X, Y)\nreturn [np.asfortranarray(v) for v in w], b",
    "returns read-only arrays": "w, b = right(weights, biases, X, Y)\nfor v in w + b: v.flags.writeable = False\nreturn w, b",
    "returns biases first": "w, b = right(weights, biases, X, Y)\nreturn b, w",
    "returns something of torch's kind": """class T:
    def __init__(self, v): self.v = v
    def detach(self): return self
    def cpu(self): return self
    def numpy(self): return self.v
w, b = right(weights, biases, X, Y)
return [T(v) for v in w], [T(v) for v in b]""",
}


@pytest.mark.parametrize("body", SURVIVED.values(), ids=SURVIVED.keys())
def test_a_right_candidate_may_do_this(tmp_path: Path, capsys: pytest.CaptureFixture[str], body: str) -> None:
    target = write(tmp_path, body)
    before = np.geterr(), random.getstate()
    assert gate(Candidate(target)).exit_code == 0
    assert (np.geterr(), random.getstate()) == before
    code, out, err = gated(capsys, target)
    assert (code, err) == (0, ""), out
    assert out.startswith("AGREES  ")


TOLD = {
    "hangs": (
        "while True:\n    pass",
        "the candidate did not come back within 2 s ({file}:{line}); --timeout allows more",
        (0, 1),
    ),
    "leaves": ("import os\nos._exit(0)", "the candidate ended the process by os._exit ({file}:{line})", (1,)),
    "crashes": ("import ctypes\nctypes.string_at(0)", "the candidate's process was ended by SIGSEGV ({file}:{line})", (1,)),
    "is killed": ("import os\nos.kill(os.getpid(), 9)", "the candidate's process was ended by SIGKILL", (1,)),
}


@pytest.mark.parametrize(("body", "sentence", "lines"), TOLD.values(), ids=TOLD.keys())
@pytest.mark.skipif(sys.platform == "win32", reason="signals have other names there")
def test_one_that_ends_its_process_is_told_with_the_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], body: str, sentence: str, lines: tuple[int, ...]
) -> None:
    target = write(tmp_path, body)
    code, out, err = gated(capsys, target, "--timeout", "2")
    file = target.removesuffix(":gradient")
    assert code == 3
    assert any(f"  cannot tell: {sentence.format(file=file, line=BODY + n)}\n" in out for n in lines), out
    assert err == "cannot tell is not a pass: exit code 3. --allow-cannot-tell makes it 0.\n"


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ("raise ValueError('no such luck')", "ValueError: no such luck"),
        ("exit()", "SystemExit: None"),
        ("import sys; sys.exit(0)", "SystemExit: 0"),
        ("input('press enter')", "EOFError: EOF when reading a line"),
    ],
)
def test_one_that_raises_is_told_with_the_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], body: str, what: str) -> None:
    target = write(tmp_path, body)
    code, out, _ = gated(capsys, target)
    assert code == 3
    where = re.escape(f"{target.removesuffix(':gradient')}:{BODY}")
    assert re.search(rf"nearest is the list form: {re.escape(what)} \({where}\)\. --form and --sizes help the guess; ", out), out


def test_a_hundred_megabytes_of_output_are_survived(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = "import sys\nfor _ in range(100): sys.stdout.write('x' * 100_000)\nreturn right(weights, biases, X, Y)"
    code, out, _ = gated(capsys, write(tmp_path, body))
    [printed] = re.findall(r"the candidate printed ([\d,]+) bytes, which are not shown", out)
    assert code == 0
    assert int(printed.replace(",", "")) >= 100_000_000
    assert len(out) < 3000


WRONG = {
    "changes its inputs": ("r = right(weights, biases, X, Y)\nweights[0][0, 0] = 7\nreturn r", "changed its inputs: w[2]"),
    "returns NaN": ("w, b = right(weights, biases, X, Y)\nw[0][0, 0] = np.nan\nreturn w, b", "claimed nan"),
    "remembers": (
        "global kept\nkept = globals().get('kept') or right(weights, biases, X, Y)\nreturn [[v.copy() for v in p] for p in kept]",
        "the answer is remembered, not computed",
    ),
    "has other shapes": ("w, b = right(weights, biases, X, Y)\nreturn [v.T for v in w], b", "nabla_w[2] has shape (3, 5)"),
    "returns one array twice": (
        "w, b = right(weights, biases, X, Y)\nv = np.zeros(50)\nreturn [v[:w_.size].reshape(w_.shape) for w_ in w], b",
        "two of the arrays that came back are one array: a later write changes both",
    ),
    "is off by 1e-9 in one entry": ("w, b = right(weights, biases, X, Y)\nw[1][2, 3] += 1e-9\nreturn w, b", "worst dC/dw^3_34"),
}


@pytest.mark.parametrize(("body", "said"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_one_disagrees(tmp_path: Path, capsys: pytest.CaptureFixture[str], body: str, said: str) -> None:
    code, out, _ = gated(capsys, write(tmp_path, body))
    assert code == 1
    assert said in out


def test_a_missing_transpose_runs_where_all_widths_are_equal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = write(tmp_path, "return right(weights, biases, X, Y)")
    file = Path(target.removesuffix(":gradient"))
    file.write_text(file.read_text().replace("d @ weights[l]", "d @ weights[l].T"))
    code, out, _ = gated(capsys, target)
    assert code == 1
    assert "network 4-4-4-4" in out
    assert "on a network whose widths all differ no way of calling it ran; probed with all widths equal" in out


def test_other_storage_agrees_and_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = "w, b = right([v.T for v in weights], [v.ravel() for v in biases], X.T, Y.T)\nreturn [v.T for v in w], b"
    target = write(tmp_path, body)
    code, out, _ = gated(capsys, target)
    assert code == 0
    assert "  note       weights are stored transposed, (n_in, n_out)\n  note       examples in columns\n" in out
    code, out, _ = gated(capsys, target, "--strict-storage")
    assert code == 1
    assert (
        "another storage than the book's, which --strict-storage refuses: weights are stored transposed, (n_in, n_out); "
        "examples in columns" in out
    )


def test_what_it_accepts_is_kept_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = write(tmp_path, "assert len(weights) == 2 and biases[-1].size == 1\nreturn right(weights, biases, X, Y)")
    assert (
        "probed on 3-4-1, seed 5, m = 6, 1, 2, 3; 3-4-1, seed 6, m = 6; 4-4-1, seed 5, m = 6: each agrees"
        in (gated(capsys, target, "--layers", "3", "--outputs", "1", "--seed", "5", "--seed", "6")[1])
    )
    code, out, _ = gated(capsys, target, "--sizes", "4,*,1", "--batch", "2")
    assert code == 0
    assert "probed on 4-3-1, seed 0, m = 2; 4-4-1, seed 0, m = 2: each agrees" in out
    assert gated(capsys, target, "--sizes", "3,4,1", "--sizes", "3,4,2")[0] == 3


def test_activations_by_name_are_mixed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = write(tmp_path, "pass")
    file = Path(target.removesuffix(":gradient"))
    source = file.read_text().replace("def right(weights, biases, X, Y)", "def gradient(weights, biases, X, Y, activations)")
    source = source[: source.rindex("def gradient")]
    source = source.replace("sigmoid(a[-1] @ w.T + b)", "F[activations[len(a) - 1]][0](a[-1] @ w.T + b)")
    source = source.replace("a[-1] * (1 - a[-1])", "F[activations[-1]][1](a[-1])")
    source = source.replace("a[l] * (1 - a[l])", "F[activations[l - 1]][1](a[l])")
    table = 'F = {"sigmoid": (sigmoid, lambda a: a * (1 - a)), "tanh": (np.tanh, lambda a: 1 - a**2)}\n'
    file.write_text(source + table)
    code, out, _ = gated(capsys, target)
    assert code == 0, out
    assert "3-5-4-2 (tanh sigmoid sigmoid), seed 0, m = 6: each agrees" in out


def test_a_method_and_a_class_without_its_init(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = write(tmp_path, "pass").replace(":gradient", ":Net")
    with open(target.removesuffix(":Net"), "a") as file:
        file.write(
            """
class Net:
    def __init__(self, path): open(path)
    def backprop(self, x, y):
        w, b = right(self.weights, [v[:, 0] for v in self.biases], x.T, y.T)
        return [v[:, None] for v in b], w
"""
        )
    code, out, _ = gated(capsys, target)
    assert code == 0
    where = "weights (5, 3) (4, 5) (2, 4) and biases (5, 1) (4, 1) (2, 1)"
    assert f"object form: backprop(x, y) returned the gradient of {where}; --form NAME overrides" in out
    assert gated(capsys, target + ".backprop")[0] == 0


def test_a_script_is_answered_with_the_adapter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "script.py").write_text("x = 1\nfor i in range(3):\n    x += i\n")
    code, out, err = gated(capsys, f"{tmp_path}/script.py")
    assert (code, out) == (2, "")
    assert err.startswith(
        f"error: {tmp_path}/script.py is a script without functions, which the gate cannot call. Put its backward pass into a "
        "function, such as this:\n"
    )
    assert "def gradient(weights, biases, X, Y):" in err


@pytest.mark.parametrize(
    "form", ["list", "book", "object", "dict", "arrays", "flat", "folded", "update", "layers", "sklearn", "torch", "jax"]
)
def test_every_form_has_an_adapter_that_is_python(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = gated(capsys, "--adapter", form)
    assert code == 0
    compile(out, form, "exec")
    assert len(out.splitlines()) <= 20


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            [],
            "No target was given; pass path/file.py:name, or --golden DIR --claimed FILE for a result computed elsewhere, "
            "or --adapter FORM to print a function to fill in.",
        ),
        (["--adapter", "lst"], "There is no form 'lst'. Did you mean 'list'? Known: arrays, book, dict, flat, folded, "
         "jax, layers, list, object, sklearn, torch, update."),
        (["x.py:f", "--form", "flt"], "There is no form 'flt'. Did you mean 'flat'? Known: arrays, book, dict, flat, folded, "
         "layers, list, object, sklearn, torch, update."),
        (["x.py:f"], "There is no file x.py."),
        (["{target}", "--cost", "nope"], "There is no cost 'nope'. Known: cross_entropy, log_likelihood, "
         "mean_squared_error, quadratic, squared_error."),
        (["{target}", "--sizes", "3"], "sizes '3' are one layer; a network needs at least two, an input and an output."),
        (["{target}", "--frozen", "w[9]"], "frozen holds 'w[9]', which is no parameter of this network; it has w[2], w[3], "
         "w[4], b[2], b[3], b[4]."),
        (["{target}", "--init", "Net(3"], "--init 'Net(3' raised SyntaxError: '(' was never closed (--init, line 1)."),
    ],
)  # fmt: skip
def test_wrong_use_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    target = write(tmp_path, "return right(weights, biases, X, Y)")
    code, out, err = gated(capsys, *(a.replace("{target}", target) for a in arguments))
    assert (code, out, err) == (2, "", f"error: {sentence}\n")


def test_the_report_in_every_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = write(tmp_path, "w, b = right(weights, biases, X, Y)\nreturn w, [-v for v in b]")
    file, line = target.removesuffix(":gradient"), BODY - 1
    code, out, _ = gated(capsys, target, "--format", "json")
    report = json.loads(out)
    assert (code, report["verdict"], report["candidate"]["line"]) == (1, "disagrees", line)
    assert [p["verdict"] for p in report["probes"]] == ["disagrees"] * 5
    assert f'file="{file}" line="{line}"' in gated(capsys, target, "--format", "junit")[1]
    assert gated(capsys, target, "--format", "github")[1].startswith(f"::error file={file},line={line},title=DISAGREES ")
    code, out, _ = gated(capsys, target, "--format", "html", "--output", f"{tmp_path}/report.html")
    assert (code, out) == (1, "")
    assert (tmp_path / "report.html").read_text().startswith("<!doctype html>")
    code, _, err = gated(capsys, target, "--output", f"{tmp_path}/none/report.txt")
    assert (code, err) == (2, f"error: There is no folder {tmp_path}/none to write report.txt to; make it first.\n")


def test_cannot_tell_can_be_allowed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = write(tmp_path, "w, b = right(weights, biases, X, Y)\nreturn [v + 0j for v in w], b")
    code, out, err = gated(capsys, target)
    assert code == 3
    assert "nabla_w[2] holds complex128" in out
    assert err.endswith("--allow-cannot-tell makes it 0.\n")
    assert gated(capsys, target, "--allow-cannot-tell")[0] == 0


def used() -> float:
    """Seconds of CPU of the processes that were run, which do not grow on a loaded machine as the clock's do."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def test_the_mnist_sized_network_takes_less_than_two_seconds(tmp_path: Path) -> None:
    target = write(tmp_path, "return right(weights, biases, X, Y)")
    start = used()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    python, start = used() - start, used()
    command = [sys.executable, "-m", "backprop_ref", "gate", target, "--sizes", "64,30,10"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert used() - start <= 2 + python


def test_a_function_without_biases_is_not_given_any(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = write(tmp_path, "pass")
    file = Path(target.removesuffix(":gradient"))
    zeros = "[np.zeros(len(w)) for w in weights]"
    file.write_text(RIGHT.replace("def gradient(weights, biases, X, Y):", "def gradient(weights, X, Y):") + f"    b = {zeros}\n")
    with open(file, "a") as stream:
        stream.write("    return right(weights, b, X, Y)[0]\n")
    code, out, _ = gated(capsys, target)
    assert code == 0, out
    assert "no biases were found: the network has none" in out
    assert "checked    43 of 43 entries" in out  # 5 * 3 + 4 * 5 + 2 * 4


def test_a_result_computed_elsewhere_is_held_to_golden_vectors(tmp_path):
    folder, claim = tmp_path / "golden", tmp_path / "claimed.json"
    assert cli.run(["golden", "-o", str(folder), "--sizes", "3,4,2"]) == 0
    vectors = json.loads((folder / "golden.json").read_text(encoding="utf-8"))
    right = vectors["nabla_w"]["3"]["hex"]
    claim.write_text(json.dumps({"dtype": "float64", "nabla_w": {"3": right}}), encoding="utf-8")
    assert cli.run(["gate", "--golden", str(folder), "--claimed", str(claim)]) == 0
    wrong = [[float.fromhex(v) * (1 + 1e-6) for v in row] for row in right]
    claim.write_text(json.dumps({"dtype": "float64", "nabla_w": {"3": wrong}}), encoding="utf-8")
    assert cli.run(["gate", "--golden", str(folder), "--claimed", str(claim), "--format", "junit"]) == 1


def test_golden_and_claimed_go_together_and_without_a_target(capsys):
    assert cli.run(["gate", "--golden", "golden"]) == 2
    assert "--golden was given without --claimed; pass --claimed FILE too." in capsys.readouterr().err
    assert cli.run(["gate", "mine.py:f", "--golden", "golden", "--claimed", "claimed.json"]) == 2
    assert "Both a target, mine.py:f, and --golden were given; leave one of them out." in capsys.readouterr().err
