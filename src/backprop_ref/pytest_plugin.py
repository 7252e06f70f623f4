"""The pytest plugin: the fixtures gradcheck and derivation, the marker gradcheck, and --gradcheck-report=FILE.

Every pytest run loads it where the package is installed, so it imports pytest and the standard library, and the rest when a
test first checks a gradient. The fixture lives as long as the session and holds no state of a test, so that it may be used
under Hypothesis's @given; which test is running, and what its marker allows, the hooks below tell it.

A report travels on pytest's own report of its test, which pytest-xdist brings from each worker to the controller.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .derivation import DerivationReport
    from .functions import FunctionReport
    from .gate.report import Report

SCHEMA = "backprop-ref/gradcheck/1"
CANNOT_TELL = "cannot tell"
MARKER = f'gradcheck(allow="{CANNOT_TELL}"): let this test pass where gradcheck cannot tell; without it, that is a failure'


class Gradcheck:
    """The fixture. Each check returns its report, or fails the test with the report as the message.

    "cannot tell" is a failure too, unless the test is marked @pytest.mark.gradcheck(allow="cannot tell").
    """

    def __init__(self) -> None:
        self.allow = ""  # what the marker of the running test allows
        self.pending: list[dict[str, Any]] = []  # what it has found so far

    def __repr__(self) -> str:
        return "gradcheck"  # pytest and Hypothesis show it with each failure

    def __call__(self, f: Callable[[Any], Any], grad: Callable[[Any], Any], x: Any, **options: Any) -> "Report":
        """Is grad the gradient of f at x? f: any function of arrays, nested as you like, to one number.

        options: check_gradient's.
        """
        __tracebackhide__ = True
        from .gate.gradients import check_gradient

        report: Report = check_gradient(f, grad, x, **options)
        self.judge(report, report.to_json())
        return report

    def network(
        self,
        candidate: Callable[..., Any],
        sizes: Sequence[int] = (3, 5, 4, 2),
        activation: Any = "sigmoid",
        cost: Any = "quadratic",
        *,
        examples: int = 6,
        seed: int = 0,
        network: Any = None,
        X: Any = None,
        Y: Any = None,
        **options: Any,
    ) -> "Report":
        """Is candidate(weights, biases, X, Y) -> (nabla_w, nabla_b) the gradient of the mean cost of a batch?

        A random network of these sizes and a random batch are made with the seed; or pass network, or X and Y, or all three.
        options: check_network's, such as reduction="sum", weight_decay=0.1, inputs=True. Raises ValueRefused.
        """
        __tracebackhide__ = True
        from .cli.common import random_data
        from .errors import ValueRefused
        from .gate.check import check_network
        from .network import Network

        if (X is None) != (Y is None):
            missing = "Y" if Y is None else "X"
            raise ValueRefused(
                f"gradcheck.network was given no {missing}; pass X and Y together, or neither for random examples."
            )
        if network is None:
            network = Network.random(sizes, activation, cost, seed)
        if X is None:
            X, Y = random_data(network.sizes, examples, seed)
        report: Report = check_network(network, X, Y, candidate, seed=seed, **options)
        self.judge(report, report.to_json())
        return report

    def activation(
        self, f: Any, fprime: Callable[[Any], Any] | None = None, points: Any = None, *, kinks: Sequence[float] = ()
    ) -> "FunctionReport":
        """Is fprime the derivative of f? Both take arrays and work entry by entry. Or pass an Activation, or a name, alone.

        points: where to look (a grid from -8 to 8, with tails); kinks: where f has no derivative. Raises ValueRefused.
        """
        __tracebackhide__ = True
        from .activations import Activation
        from .functions import check_activation

        if fprime is not None:
            f = Activation(getattr(f, "__name__", type(f).__name__), f, fprime, kinks=tuple(kinks))
        report = check_activation(f, points)
        self.judge(report, _function_data(report))
        return report

    def judge(self, report: Any, data: Any) -> None:
        """Keep the report; raise VerdictError, with the whole report as its message, unless it may pass."""
        __tracebackhide__ = True
        from .errors import CANNOT_TELL as UNTOLD
        from .errors import DISAGREES, VerdictError
        from .gradient import Verdict

        allowed = report.verdict is Verdict.CANNOT_TELL and self.allow == CANNOT_TELL
        self.pending.append({"allowed": allowed, "report": dict(data)})
        if report.verdict is not Verdict.AGREES and not allowed:
            code = DISAGREES if report.verdict is Verdict.DISAGREES else UNTOLD
            hint = "" if code == DISAGREES else f'\n\nto allow it: @pytest.mark.gradcheck(allow="{CANNOT_TELL}")'
            raise VerdictError(f"{report}{hint}", code)


def _function_data(report: "FunctionReport") -> dict[str, Any]:
    from .gate.render import finite

    findings = [
        {k: finite(v) if isinstance(v, float) else v for k, v in vars(f).items()} | {"verdict": str(f.verdict)}
        for f in report.findings
    ]
    return {
        "schema": "backprop-ref/function/1",
        "verdict": str(report.verdict),
        "target": report.name,
        "findings": findings,
        "notes": list(report.notes),
    }


@pytest.fixture(scope="session")
def gradcheck(pytestconfig: pytest.Config) -> Gradcheck:
    """Check gradients: gradcheck(f, grad, x), gradcheck.network(candidate, sizes=[...]), gradcheck.activation(f, fprime)."""
    checker: Gradcheck = pytestconfig.stash[PLUGIN].checker
    return checker


@pytest.fixture
def derivation(request: pytest.FixtureRequest) -> "Callable[..., DerivationReport]":
    """Check a document's derivations: derivation("notes.md"). Fails with the report unless every line holds.

    The path is relative to the test's file, or to the root of the run. allow="cannot tell" lets lines pass that are not
    understood; notation, given and strict are those of `backprop-ref verify`.
    """
    folders = (request.path.parent, request.config.rootpath)

    def check(path: str, *, allow: str = "", **options: Any) -> "DerivationReport":
        __tracebackhide__ = True
        from .cli.verify import read
        from .errors import CANNOT_TELL as UNTOLD
        from .errors import ValueRefused

        if allow not in ("", CANNOT_TELL):
            raise ValueRefused(f'allow={allow!r} was given; a derivation may be allow="{CANNOT_TELL}" only: a false line fails.')
        report = read(next((str(f / path) for f in folders if (f / path).exists()), path), **options)
        if not (allow and report.exit_code == UNTOLD):
            report.raise_for_verdict()
        return report

    return check


# ---------------------------------------------------------------------------------------------------------- the hooks


def pytest_addoption(parser: pytest.Parser) -> None:
    """--gradcheck-report=FILE."""
    group = parser.getgroup("gradcheck", "checking gradients (backprop-ref)")
    group.addoption("--gradcheck-report", metavar="FILE", help="Write every report of gradcheck to this file, as JSON.")


def pytest_configure(config: pytest.Config) -> None:
    """The marker; a report that could not be written is refused before the tests, not after them."""
    config.addinivalue_line("markers", MARKER)
    path = config.getoption("--gradcheck-report")
    if path and Path(path).is_dir():
        raise pytest.UsageError(f"--gradcheck-report={path} is a folder; name a file.")
    if path and not Path(path).absolute().parent.is_dir():
        raise pytest.UsageError(f"--gradcheck-report={path}: there is no folder {Path(path).absolute().parent}; make it first.")
    config.stash[PLUGIN] = plugin = _Plugin(config, Path(path).absolute() if path else None)
    config.pluginmanager.register(plugin, "backprop_ref_gradcheck")


class _Plugin:
    """One of these for each run, and for each worker of pytest-xdist."""

    def __init__(self, config: pytest.Config, path: Path | None) -> None:
        self.config, self.path = config, path
        self.checker = Gradcheck()
        self.found: list[dict[str, Any]] = []  # on the controller: what has arrived

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        self.checker.allow = _allowed(item)
        self.checker.pending.clear()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Any:
        report = yield
        if self.checker.pending:
            report.gradcheck = json.dumps(self.checker.pending, allow_nan=False)  # pytest-xdist passes on plain data only
            self.checker.pending.clear()
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not hasattr(self.config, "workerinput"):
            self.found += [{"test": report.nodeid} | one for one in json.loads(getattr(report, "gradcheck", "[]"))]

    def pytest_sessionfinish(self) -> None:
        if self.path is None or hasattr(self.config, "workerinput"):
            return
        from .cli.common import to_json, write
        from .errors import FileRefused

        try:
            write(self.path, to_json(_file(self.found)))
        except FileRefused as error:
            pytest.exit(str(error), pytest.ExitCode.USAGE_ERROR)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        for one in self.found:
            if one["allowed"]:
                terminalreporter.write_line(f"gradcheck: cannot tell, as allowed: {one['test']} ({one['report']['target']})")
        if self.path is not None:
            terminalreporter.write_line(f"gradcheck: {_count(len(self.found))} in {self.path}")


PLUGIN = pytest.StashKey[_Plugin]()


def _count(n: int) -> str:
    return "1 report" if n == 1 else f"{n:,} reports"


def _allowed(item: pytest.Item) -> str:
    """What the nearest marker of this test allows. A misspelt one fails the test."""
    marker = item.get_closest_marker("gradcheck")
    if marker is None:
        return ""
    if marker.args or marker.kwargs != {"allow": CANNOT_TELL}:
        given = ", ".join([*map(repr, marker.args), *(f"{k}={v!r}" for k, v in marker.kwargs.items())])
        pytest.fail(
            f'{item.nodeid} is marked gradcheck({given}); the marker knows gradcheck(allow="{CANNOT_TELL}") only: '
            "a gradient that disagrees cannot be allowed.",
            pytrace=False,
        )
    return CANNOT_TELL


def _file(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Every report, in the order of the tests' names: workers finish in any order."""
    ordered = sorted(found, key=lambda one: one["test"])
    verdicts = [one["report"]["verdict"] for one in ordered]
    return {
        "schema": SCHEMA,
        "verdict": next((v for v in ("disagrees", CANNOT_TELL, "agrees") if v in verdicts), CANNOT_TELL),
        "counts": {v: verdicts.count(v) for v in ("agrees", "disagrees", CANNOT_TELL)},
        "reports": ordered,
    }
