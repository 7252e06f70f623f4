"""One call of a candidate in this process: on copies, in a thread with a timeout, and whatever it does becomes an Answer."""

import contextlib
import io
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..gradient import Gradient, Verdict
from ..network import Network
from ..rounding import unit_roundoff
from .claim import CandidateFailed, Claim
from .report import Finding

Array = NDArray[Any]
Candidate = Callable[[list[Array], list[Array], Array, Array], Any]
DTYPES = (np.float64, np.float32, np.float16)


@dataclass(frozen=True)
class Answer:
    """What a call came to: the claim, None if it was none, in what dtype, and what was seen besides.

    extra   what the entries of the claim may be off by beyond rounding, if it said so
    """

    claim: Gradient | None
    dtype: Any
    findings: list[Finding]
    extra: Gradient | None = None


class Call:
    """Calls the candidate on copies, and turns whatever it does into a claim and findings."""

    def __init__(self, network: Network, X: Array, Y: Array, candidate: Candidate, inputs: bool, timeout: float) -> None:
        self.network, self.X, self.Y = network, X, Y
        self.candidate, self.inputs, self.timeout = candidate, inputs, timeout

    def at(self, network: Network, X: Array) -> Answer:
        """The candidate's answer at these weights and inputs."""
        weights, biases = ([v.copy() for v in layers.values()] for layers in (network.w, network.b))
        arrays = [*weights, *(biases if network.has_biases else []), X.copy(), self.Y.copy()]
        given = (weights, biases if network.has_biases else [], arrays[-2], arrays[-1])
        before = [v.copy() for v in arrays]
        answer, problem = _run(lambda: self.candidate(*given), self.timeout)
        if problem:
            return Answer(None, np.float64, [Finding(Verdict.CANNOT_TELL, problem)])
        findings = []
        names = [f"w[{l}]" for l in network.w] + [f"b[{l}]" for l in network.b if network.has_biases] + ["X", "Y"]
        changed = [n for n, v, old in zip(names, arrays, before, strict=True) if not np.array_equal(v, old)]
        of_weights = len(network.w)
        for name, now, own in (("weights", given[0], arrays[:of_weights]), ("biases", given[1], arrays[of_weights:-2])):
            if len(now) != len(own) or any(v is not u for v, u in zip(now, own, strict=True)):
                changed.append(f"the list of {name}")
        if changed:
            text = f"the candidate changed its inputs: {', '.join(changed)}; it must leave them as they are"
            findings.append(Finding(Verdict.DISAGREES, text))
        extra = None
        if isinstance(answer, Claim):
            findings += [Finding(Verdict.DISAGREES, text) for text in answer.wrong]
            if answer.extra_w:
                parts = zip(("nabla_w", "nabla_b"), (answer.extra_w, answer.extra_b), strict=True)
                extra = Gradient(**{part: dict(enumerate(layers, start=2)) for part, layers in parts})
            answer = (answer.nabla_w, answer.nabla_b) if network.has_biases else (answer.nabla_w,)
        claim, dtype, found = self._claim(answer, arrays)
        return Answer(claim, dtype, findings + found, extra)

    def _claim(self, answer: Any, inputs: list[Array]) -> tuple[Gradient | None, Any, list[Finding]]:
        wanted = "(nabla_w, nabla_b, nabla_x)" if self.inputs else "(nabla_w, nabla_b)"
        network, L = self.network, self.network.L
        parts = list(answer) if isinstance(answer, tuple | list) else None
        if parts is None or len(parts) not in {2 + self.inputs} | ({1 + self.inputs} if not network.has_biases else set()):
            got = f"{type(answer).__name__} of {len(parts)}" if parts is not None else _kind(answer)
            verdict = Verdict.CANNOT_TELL if parts is None else Verdict.DISAGREES  # an object of another kind; a wrong length
            text = f"the candidate returned {_a(got)}; {wanted} is needed, lists for layers 2..{L}"
            return None, None, [Finding(verdict, text)]
        nabla_x = parts.pop() if self.inputs else None
        named = {"nabla_w": parts[0]} | ({"nabla_b": parts[1]} if network.has_biases else {})
        claim: dict[str, dict[int, Array]] = {"nabla_w": {}, "nabla_b": {}, "delta": {}}
        for part, arrays in named.items():
            if not isinstance(arrays, tuple | list) or len(arrays) != L - 1:
                got = f"a list of {len(arrays)}" if isinstance(arrays, tuple | list) else _a(_kind(arrays))
                verdict = Verdict.DISAGREES if isinstance(arrays, tuple | list | np.ndarray) else Verdict.CANNOT_TELL
                return None, None, [Finding(verdict, f"{part} is {got}; a list of {L - 1} is needed, for layers 2..{L}")]
            shapes = network.w if part == "nabla_w" else network.b
            for l, array in zip(network.layers, arrays, strict=True):
                claim[part][l], trouble = _numbers(f"{part}[{l}]", array, shapes[l].shape)
                if trouble:
                    return None, None, [trouble]
        if self.inputs:
            claim["delta"][1], trouble = _numbers("nabla_x", nabla_x, self.X.shape)
            if trouble:
                return None, None, [trouble]
        found = [v for part in claim.values() for v in part.values()]
        findings = _shared(claim, inputs)
        dtype = max((v.dtype for v in found), key=unit_roundoff)
        kept = {part: {l: v.copy() for l, v in layers.items()} for part, layers in claim.items()}
        return Gradient(**kept), dtype, findings


def _numbers(name: str, value: Any, shape: tuple[int, ...]) -> tuple[Array, Finding | None]:
    try:
        array = np.asarray(value)
    except Exception as error:  # an object of the candidate's, with whatever its conversion does
        return np.empty(0), Finding(Verdict.CANNOT_TELL, f"{name} is {_a(_kind(value))} that is no array of numbers: {error}")
    if array.dtype not in DTYPES:
        if np.issubdtype(array.dtype, np.integer) and not np.any(array):
            array = array.astype(np.float64)  # a zero gradient, written as 0
        else:
            return array, Finding(
                Verdict.CANNOT_TELL,
                f"{name} holds {array.dtype}; float64, float32 or float16 are needed to say how far it may be off",
            )
    if array.shape != shape:
        return array, Finding(
            Verdict.DISAGREES, f"{name} has shape {array.shape}; it must have shape {shape}, one entry for each parameter"
        )
    return array, None


def _kind(value: Any) -> str:
    return f"array of shape {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__


def _a(noun: str) -> str:
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"


def _shared(claim: dict[str, dict[int, Array]], inputs: list[Array]) -> list[Finding]:
    named = [(f"{part}[{l}]", v) for part, layers in claim.items() for l, v in layers.items()]
    findings = []
    for i, (name, v) in enumerate(named):
        twins = [other for other, u in named[:i] if np.may_share_memory(v, u) and np.shares_memory(v, u)]
        if twins:
            findings.append(Finding(Verdict.DISAGREES, f"{name} and {twins[0]} are one array: a later write changes both"))
        if any(np.may_share_memory(v, u) for u in inputs):
            findings.append(Finding(Verdict.DISAGREES, f"{name} is an array of the candidate's inputs, not one of its own"))
    return findings


def _run(call: Callable[[], Any], timeout: float) -> tuple[Any, str]:
    """(what the call returned, "") or (None, what went wrong). It runs in a thread of its own, its prints swallowed."""
    outcome: list[Any] = []

    def work() -> None:
        try:
            with np.errstate(all="ignore"):
                outcome.append((call(), ""))
        except CandidateFailed as error:
            outcome.append((None, str(error)))
        except BaseException as error:  # SystemExit too: nothing that a candidate does may end the check
            outcome.append((None, f"the candidate raised {type(error).__name__}{_said(error)}{_line(error)}"))

    thread = threading.Thread(target=work, daemon=True)
    with contextlib.redirect_stdout(io.StringIO()):  # out here: a thread that hangs must not keep it
        thread.start()
        thread.join(timeout)
    if not outcome:
        return None, f"the candidate did not come back within {timeout:g} s; pass a larger timeout if it is only slow"
    return outcome[0][0], outcome[0][1]


def _said(error: BaseException) -> str:
    try:
        said = str(error)
    except Exception:  # its __str__ is the candidate's, too
        said = ""
    return f": {said}" if said else ""


def _line(error: BaseException) -> str:
    last = error.__traceback__
    while last and last.tb_next:
        last = last.tb_next
    return f" ({last.tb_frame.f_code.co_filename}:{last.tb_lineno})" if last else ""
