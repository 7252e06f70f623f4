"""The process in which somebody's code runs: python -m backprop_ref.gate.child. It may do there what it likes.

Requests come on what was its standard input, answers go to what was its standard output; the code itself reads nothing,
and what it prints goes to standard error, which the gate keeps the end of.
"""

import ast
import faulthandler
import inspect
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO, NoReturn

import numpy as np

from ..errors import BackpropRefError
from . import frameworks, loading, wire
from .adapters import adapter
from .forms import guess as guessing
from .forms.calls import Claimed, Data, Unfit, described, one_step
from .forms.harvest import leaves
from .repair import form_of

MARK = "backprop-ref: os._exit was called at"


def main() -> None:
    """Answer requests until there are no more."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    sys.path[0] = ""
    faulthandler.enable()
    end = _tell_of_exit()
    worker = Worker()
    while True:
        try:
            request = wire.receive(requests)
        except EOFError:
            end(0)
        _answer(worker, request, answers)


def _tell_of_exit() -> Callable[[int], NoReturn]:
    """os._exit leaves no traceback; so the line is printed before. Returns the real one."""
    real = os._exit

    def _exit(status: int = 0) -> None:
        frame = sys._getframe(1)
        print(f"{MARK} {frame.f_code.co_filename}:{frame.f_lineno}", file=sys.__stderr__, flush=True)
        real(status)

    vars(os)["_exit"] = _exit
    return real


def _answer(worker: "Worker", request: dict[str, Any], answers: BinaryIO) -> None:
    if (seconds := request.pop("seconds", None)) is not None:
        faulthandler.dump_traceback_later(max(seconds, 0.01))
    try:
        answer = getattr(worker, request.pop("do"))(**request)
    except loading.Refused as error:
        answer = {"refused": str(error)}
    except BaseException as error:  # whatever the code raises, SystemExit too
        answer = {"raised": raised(error)}
    faulthandler.cancel_dump_traceback_later()
    wire.send(answers, answer)


def raised(error: BaseException) -> str:
    """What was raised, and the line of the candidate's that did."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(os.path.dirname(__file__))]
    own = [f for f in frames if "site-packages" not in f.filename and not f.filename.startswith(("<", sys.base_prefix + "/lib"))]
    last = next(reversed(own or frames), None)
    if isinstance(error, Unfit):
        return str(error)
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"{said[:500]}{f' ({last.filename}:{last.lineno})' if last else ''}"


def protected(f: Callable[..., Any], *arguments: Any) -> Any:
    """Call somebody's code, and put back what it changes of NumPy's error state."""
    before = np.geterr()
    try:
        np.seterr(all="ignore")
        return f(*arguments)
    finally:
        np.seterr(**before)


class Worker:
    """What the child is asked to do."""

    loaded: loading.Loaded
    ways: Sequence[Any] = ()
    name = ""
    built: loading.Built
    model: frameworks.Model | None = None

    def load(self, target: str, init: str | None, run_module: bool) -> dict[str, Any]:
        """Load a file and build the object."""
        self.loaded, self.name = loading.load(target, run_module)
        if not loading.names(self.loaded) and self.name not in vars(self.loaded.module):
            self.loaded.require_frameworks()
            failed = "".join(f" {f}." for f in self.loaded.failed[:2])
            raise loading.Refused(
                f"{self.loaded.file} is a script without functions, which the gate cannot call.{failed} Put its backward pass "
                f"into a function, such as this:\n\n{adapter('list')}"
            )
        self.built = loading.target(self.loaded, self.name, init)
        self.target = self.built.value
        try:
            self.model = frameworks.recognised(self.target, vars(self.loaded.module))
        except BackpropRefError as error:
            raise loading.Refused(str(error)) from error
        steps = [] if self.model else one_step(getattr(self.target, "__self__", self.target))
        return {"notes": steps, "line": self._line(), "left_out": self.loaded.left_out, "failed": self.loaded.failed}

    def rebuild(self, init: str) -> dict[str, Any]:
        """Build the object again with other arguments; the way that was kept now calls the new one."""
        new = loading.build(self.loaded, None, self.name, init).value
        if not self.model:
            one_step(new)
        self.way.rebuilt(new)
        return {"known": _known(self.way.model) if self.model else None}

    def _line(self) -> int | None:
        """Where the target is defined."""
        file, source = self.loaded.module.__file__ or "", getattr(self.target, "__code__", None)
        if source and source.co_filename == file:
            return int(source.co_firstlineno)
        if file.endswith(".ipynb") or not os.path.exists(file):
            return None
        with open(file, "rb") as stream:
            body = ast.parse(stream.read()).body
        for s in body:
            names = [s.name] if isinstance(s, ast.ClassDef | ast.FunctionDef) else []
            names += [t.id for t in s.targets if isinstance(t, ast.Name)] if isinstance(s, ast.Assign) else []
            if self.name.split(".")[0] in names:
                return s.lineno
        return None

    def sizes(self, biases: bool | None) -> dict[str, Any]:
        """The networks that the object's arrays can be, and what a framework's network is known to compute."""
        if self.model:
            network = (self.model.sizes, bool(self.model.biases), str(self.model.weights[0].dtype))
            return {"sizes": [network], "known": _known(self.model)}
        found = guessing.sizes_of(self.target, biases)
        self.built.bare |= not found
        return {"sizes": found, "known": None}

    def guess(self, limits: dict[str, Any], w: Any, b: Any, X: Any, Y: Any, labels: Any, sigmas: Any) -> dict[str, Any]:
        """The ways of calling the candidate that run, each with its gradient."""
        data = Data(X, Y, labels, sigmas)
        owner = getattr(self.target, "__self__", self.target)
        if self.built.bare and not inspect.isroutine(owner):
            guessing.give(owner, w, b)
        if self.model:
            way = frameworks.ModelCall.of(self.model, vars(self.loaded.module))
            self.ways = [way]
            return {"nearest": None, "ways": [_described(way) | _sent(protected(way, w, b, data))]}
        found = guessing.guess(self.target, self.loaded.module, guessing.Limits(**limits), w, b, data, protected)
        if not found.ways and self.built.why:
            raise loading.Refused(self.built.why)
        self.ways = [way for way, _ in found.ways]
        near = found.nearest()
        answer: dict[str, Any] = {"nearest": [near[0], raised(near[1])] if near else None}
        return answer | {"ways": [_described(way) | _sent(claim) for way, claim in found.ways]}

    def use(self, way: int) -> dict[str, Any]:
        """Keep one way of calling."""
        self.way = self.ways[way]
        return {}

    def call(self, w: Any, b: Any, X: Any, Y: Any, labels: Any, sigmas: Any) -> dict[str, Any]:
        """The gradient by the way that was kept."""
        return _sent(protected(self.way, w, b, Data(X, Y, labels, sigmas)))

    def raw(self, w: Any, b: Any, X: Any, Y: Any) -> dict[str, Any]:
        """What a function of (weights, biases, X, Y) returns, whatever its shapes; None if it is another form."""
        if not guessing.is_list_form(self.target):
            return {"answer": None}
        answer = protected(self.target, w, b, X, Y)
        if not isinstance(answer, tuple | list):
            raise Unfit(f"{self.name} returned {described(answer)}")
        return {"answer": [[_numeric(v) for _, v in leaves(part)] for part in answer]}


def _known(model: frameworks.Model) -> dict[str, Any]:
    """What a framework's network says of itself."""
    return {name: getattr(model, name) for name in ("activations", "cost", "factor", "reduction", "alpha")}


def _described(way: Any) -> dict[str, Any]:
    return {
        "form": way.form,
        "evidence": way.evidence(),
        "notes": way.notes(),
        "targets": way.targets,
        "stored": way.store.storage.notes(),
        "layout": way.layout,
        "takes_sigmas": "sigmas" in way.roles,
        "writes": form_of(way),
    }


def _sent(claim: Claimed) -> dict[str, Any]:
    parts = {"w": claim.w, "b": claim.b, "extra_w": claim.extra_w, "extra_b": claim.extra_b}
    return {k: [_numeric(v) for v in vs] for k, vs in parts.items()} | {"wrong": claim.wrong}


def _numeric(v: Any) -> Any:
    array = np.asarray(v)
    return array if array.dtype.kind in wire.KINDS else array.astype(np.float64)


if __name__ == "__main__":
    main()
