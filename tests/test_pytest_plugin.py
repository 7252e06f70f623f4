"""The plugin, in runs of pytest of its own: what fails, what is shown, what is written, and what it costs to load."""

import json
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

pytest_plugins = "pytester"

INSTALLED = any(e.value == "backprop_ref.pytest_plugin" for e in entry_points(group="pytest11"))
LOADED = () if INSTALLED else ("-p", "backprop_ref.pytest_plugin")  # as an installed package has it by itself

HEAD = """
    import numpy as np
    import pytest
    from backprop_ref import Network, matrix

    def right(weights, biases, X, Y):
        gradient = matrix.backprop_batch(Network.from_arrays(weights, biases), X, Y)
        return [v.copy() for v in gradient.nabla_w.values()], [v.copy() for v in gradient.nabla_b.values()]

    def doubled(weights, biases, X, Y):
        nabla_w, nabla_b = right(weights, biases, X, Y)
        return [2 * nabla_w[0], *nabla_w[1:]], nabla_b

    def f(x):
        return float((x**3).sum())

    def noise(x):
        return float(np.random.default_rng().standard_normal())
"""


@pytest.fixture
def run(pytester, monkeypatch):
    """Runs pytest on a test file that begins with HEAD."""
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.setenv("COLUMNS", "160")

    def run(body, *arguments, isolated=False):
        pytester.makepyfile(test_it=HEAD + body)
        start = pytester.runpytest_subprocess if isolated else pytester.runpytest_inprocess
        return start(*LOADED, "-p", "no:randomly", *arguments)

    return run


def shown(result):
    """The lines of the failure: what pytest puts behind E."""
    return [line[1:].strip() for line in result.outlines if line.startswith("E ")]


def test_right_gradients_pass(run):
    result = run(
        """
    def test_function(gradcheck):
        assert gradcheck(f, lambda x: 3 * x**2, np.array([1.0, 2.0])).verdict == "agrees"

    def test_network(gradcheck):
        report = gradcheck.network(right, sizes=[2, 3, 2], seed=5)
        assert (report.verdict, report.seed, report.checked) == ("agrees", 5, 17)

    def test_activation(gradcheck):
        assert gradcheck.activation(np.tanh, lambda z: 1 - np.tanh(z) ** 2).verdict == "agrees"
        assert gradcheck.activation("sigmoid").verdict == "agrees"
    """
    )
    result.assert_outcomes(passed=3)


def test_a_wrong_network_fails_with_the_report_and_no_traceback(run):
    result = run(
        """
    def test_network(gradcheck):
        gradcheck.network(doubled, sizes=[2, 3, 2])
    """
    )
    result.assert_outcomes(failed=1)
    lines = shown(result)
    assert lines[0] == "backprop_ref.errors.VerdictError: DISAGREES  doubled, network 2-3-2, m = 6"
    assert lines[2].startswith("layer 2  6 of 9 entries wrong (BP4 dC/dw^2); worst dC/dw^2_")
    assert lines[3] == "layer 3  8 of 8 entries agree"
    text = result.stdout.str()
    assert ">       gradcheck.network(doubled, sizes=[2, 3, 2])" in text
    assert "pytest_plugin.py" not in text  # none of our own frames
    assert "def judge" not in text


def test_a_wrong_function_and_a_wrong_activation_fail(run):
    result = run(
        """
    def test_function(gradcheck):
        gradcheck(f, lambda x: 3 * x**2 + 1e-6, np.array([1.0, 2.0]))

    def test_activation(gradcheck):
        gradcheck.activation(np.tanh, lambda z: 1 - np.tanh(z), [0.5, 1.0])
    """
    )
    result.assert_outcomes(failed=2)
    first = [line for line in shown(result) if line.startswith("backprop_ref.errors.VerdictError: DISAGREES")]
    assert len(first) == 2
    assert first[1] == "backprop_ref.errors.VerdictError: DISAGREES  activation 'tanh', 2 points"
    assert "pytest_plugin.py" not in result.stdout.str()


KINK = """
    def with_relu(weights, biases, X, Y):
        gradient = matrix.backprop_batch(Network.from_arrays(weights, biases, "relu"), X, Y)
        return list(gradient.nabla_w.values()), list(gradient.nabla_b.values())

    def at_kink(gradcheck):
        w, b = [[[1.0, 0.0], [0.0, 1.0]], [[1.0, 1.0]]], [[0.0, 0.0], [1.0]]
        network = Network.from_arrays(w, b, "relu")
        return gradcheck.network(with_relu, network=network, X=[[0.0, 1.0], [1.0, 0.0]], Y=[[1.0], [1.0]])
"""


def test_cannot_tell_fails_and_says_how_to_allow_it(run):
    result = run(
        KINK
        + """
    def test_it(gradcheck):
        at_kink(gradcheck)
    """
    )
    result.assert_outcomes(failed=1)
    lines = shown(result)
    assert lines[0] == "backprop_ref.errors.VerdictError: CANNOT TELL  with_relu, network 2-2-1, m = 2"
    assert lines[-1] == 'to allow it: @pytest.mark.gradcheck(allow="cannot tell")'


def test_cannot_tell_passes_where_the_test_allows_it_by_name_and_is_listed(run):
    result = run(
        KINK
        + """
    @pytest.mark.gradcheck(allow="cannot tell")
    def test_allowed(gradcheck):
        assert at_kink(gradcheck).verdict == "cannot tell"

    def test_next(gradcheck):
        at_kink(gradcheck)

    @pytest.mark.gradcheck(allow="cannot tell")
    def test_wrong(gradcheck):
        gradcheck.network(doubled)
    """,
        "--strict-markers",
    )
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        ["gradcheck: cannot tell, as allowed: test_it.py::test_allowed (with_relu, network 2-2-1, m = 2)"], consecutive=True
    )


@pytest.mark.parametrize("given", ["allow='disagrees'", "allow='cannot_tell'", "'cannot tell'", "", "allow='cannot tell', n=1"])
def test_a_marker_that_is_misspelt_fails_its_test(run, given):
    result = run(
        f"""
    @pytest.mark.gradcheck({given})
    def test_it():
        pass
    """
    )
    result.assert_outcomes(errors=1)
    said = (
        f'test_it.py::test_it is marked gradcheck({given}); the marker knows gradcheck(allow="cannot tell") only: '
        "a gradient that disagrees cannot be allowed."
    )
    assert said in result.outlines


def test_it_works_under_given_and_shows_the_smallest_example(run):
    result = run(
        """
    from hypothesis import given, settings, strategies as st

    @settings(max_examples=5, deadline=None, database=None)
    @given(st.integers(0, 3))
    def test_right(gradcheck, seed):
        gradcheck.network(right, sizes=[2, 2, 1], seed=seed)

    @settings(max_examples=20, deadline=None, database=None)
    @given(st.integers(1, 100))
    def test_wrong(gradcheck, n):
        gradcheck.network(doubled if n >= 7 else right, sizes=[2, 2, 1])
    """
    )
    result.assert_outcomes(passed=1, failed=1)
    lines = shown(result)
    assert lines[0] == "backprop_ref.errors.VerdictError: DISAGREES  doubled, network 2-2-1, m = 6"
    assert "n=7," in lines


def test_x_without_y_is_refused(run):
    result = run(
        """
    def test_it(gradcheck):
        gradcheck.network(right, X=[[1.0, 2.0, 3.0]])
    """
    )
    result.assert_outcomes(failed=1)
    assert shown(result) == [
        "backprop_ref.errors.ValueRefused: gradcheck.network was given no Y; pass X and Y together, "
        "or neither for random examples."
    ]


SEVERAL = (
    KINK
    + """
    def test_b_right(gradcheck):
        gradcheck.network(right)
        gradcheck.activation("relu", points=[-1.0, 0.5, 2.0])

    def test_a_wrong(gradcheck):
        gradcheck.network(doubled)

    @pytest.fixture
    def checked(gradcheck):
        gradcheck.network(right, seed=9)

    @pytest.mark.gradcheck(allow="cannot tell")
    def test_c(checked, gradcheck):
        at_kink(gradcheck)
"""
)


@pytest.mark.parametrize("workers", [[], ["-n", "2"]])
def test_every_report_is_written_to_one_file(run, pytester, workers):
    result = run(SEVERAL, "--gradcheck-report=found.json", *workers, isolated=bool(workers))
    result.assert_outcomes(passed=2, failed=1)
    path = pytester.path / "found.json"
    result.stdout.fnmatch_lines([f"gradcheck: 5 reports in {path}"])
    found = json.loads(path.read_text())
    assert (found["schema"], found["verdict"]) == ("backprop-ref/gradcheck/1", "disagrees")
    assert found["counts"] == {"agrees": 3, "disagrees": 1, "cannot tell": 1}
    assert [(r["test"].removeprefix("test_it.py::"), r["report"]["target"], r["allowed"]) for r in found["reports"]] == [
        ("test_a_wrong", "doubled, network 3-5-4-2, m = 6", False),
        ("test_b_right", "right, network 3-5-4-2, m = 6", False),
        ("test_b_right", "activation 'relu', 3 points", False),
        ("test_c", "right, network 3-5-4-2, m = 6", False),
        ("test_c", "with_relu, network 2-2-1, m = 2", True),
    ]
    assert [p.name for p in pytester.path.iterdir() if "found" in p.name] == ["found.json"]


def test_a_worker_that_dies_loses_only_what_its_last_test_found(run, pytester):
    result = run(
        SEVERAL
        + """
    def test_d_dies(gradcheck):
        gradcheck.network(right)
        import os
        os._exit(1)
    """,
        "--gradcheck-report=found.json",
        "-n",
        "1",
        isolated=True,
    )
    result.assert_outcomes(passed=2, failed=2)
    assert len(json.loads((pytester.path / "found.json").read_text())["reports"]) == 5


def test_no_report_is_written_as_none_and_passes_as_nothing(run, pytester):
    run("    def test_it():\n        pass\n", "--gradcheck-report=found.json").assert_outcomes(passed=1)
    found = json.loads((pytester.path / "found.json").read_text())
    assert (found["verdict"], found["reports"]) == ("cannot tell", [])


def test_a_file_that_cannot_be_written_is_refused_before_the_tests(run, pytester):
    for path, said in (
        (pytester.path, f"--gradcheck-report={pytester.path} is a folder; name a file."),
        (
            pytester.path / "no" / "x.json",
            f"--gradcheck-report={pytester.path / 'no' / 'x.json'}: there is no folder {pytester.path / 'no'}; make it first.",
        ),
    ):
        result = run("    def test_it():\n        pass\n", f"--gradcheck-report={path}")
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        assert f"ERROR: {said}" in result.errlines


def test_a_folder_that_has_gone_by_the_end_is_told(run, pytester):
    (pytester.path / "there").mkdir()
    body = "    def test_it():\n        import shutil\n        shutil.rmtree('there')\n"
    result = run(body, "--gradcheck-report=there/found.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    path = pytester.path / "there" / "found.json"
    assert f"Exit: The result could not be written to {path}: No such file or directory." in result.errlines


def test_help_and_markers_know_it(run):
    text = "    def test_it():\n        pass\n"
    assert "Write every report of gradcheck to this file, as JSON." in run(text, "--help").stdout.str()
    assert '@pytest.mark.gradcheck(allow="cannot tell"): let this test pass where' in run(text, "--markers").stdout.str()
    assert "Check gradients: gradcheck(f, grad, x), gradcheck.network" in run(text, "--fixtures").stdout.str()


LOADS = """
import sys, time
import pytest, _pytest.main, json
before, start = set(sys.modules), time.perf_counter()
import backprop_ref.pytest_plugin
print(time.perf_counter() - start, *sorted({m.partition(".")[0] for m in set(sys.modules) - before}))
"""


def test_loading_it_takes_at_most_30_ms_and_imports_the_standard_library_only():
    runs = [subprocess.run([sys.executable, "-c", LOADS], capture_output=True, text=True, check=True) for _ in range(3)]
    seconds, *new = min(runs, key=lambda r: float(r.stdout.split()[0])).stdout.split()
    assert float(seconds) < 0.030
    assert [m for m in new if m not in sys.stdlib_module_names] == ["backprop_ref"]


def test_a_run_that_checks_nothing_imports_nothing_more(run):
    run(
        """
    def test_it():
        pass
    """.replace("test_it", "test_nothing"),
    ).assert_outcomes(passed=1)
    code = (
        "import sys, pytest\n"
        f"pytest.main([*{LOADED!r}, '-q', '--co', 'empty.py'])\n"
        "print([m for m in sys.modules if m.partition('.')[0] in ('numpy', 'click', 'rich', 'backprop_ref')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "['backprop_ref', 'backprop_ref.pytest_plugin']"


DOCUMENT = Path(__file__).parents[1] / "docs" / "ci.md"


def test_the_tests_in_the_document_pass_and_fail_with_a_mistake_planted(pytester, monkeypatch):
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    blocks = re.findall(r"```python\n# (\w+)\.py\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    files = dict(blocks)
    assert [name for name, _ in blocks] == ["mynet", "test_mynet"]
    pytester.makepyfile(**files)
    result = pytester.runpytest_subprocess(*LOADED)
    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines(["gradcheck: cannot tell, as allowed: test_mynet.py::test_at_a_kink (*)"])
    wrong = files["mynet"].replace("delta = (delta @ weights[l]) * a[l] * (1 - a[l])", "delta = delta @ weights[l]")
    assert wrong != files["mynet"]
    pytester.makepyfile(mynet=wrong)
    result = pytester.runpytest_subprocess(*LOADED, "-k", "not every_network")  # which would be shrunk for seconds
    result.assert_outcomes(passed=3, failed=1, deselected=1)
