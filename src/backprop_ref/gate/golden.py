"""Golden vectors: a network, its examples and everything that backpropagation computes there, for other languages.

Each z, a, delta, nabla_w and nabla_b is the number of the dtype that is nearest to the truth, found by enclosures, with a
proven bound of its distance. Writing them needs the certified extra, reading them does not.
"""

import hashlib
import json
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..activations import ACTIVATIONS
from ..costs import COSTS
from ..errors import BackpropRefError, FileRefused, ValueRefused
from ..gradient import PARTS, Estimate, Gradient, Layers
from ..network import Network, divisor
from .golden_text import header, readme

Array = NDArray[Any]
FORMAT = "backprop-ref golden 1"
JSON, FILES = "golden.json", ("README.md", "golden.h", "golden.json")
BITS = (128, 256, 512, 1024, 2048)  # of the forward pass, until every z and a is certain
DIGITS = (30, 60, 120)  # of the derivatives, likewise


@dataclass(frozen=True, eq=False)
class Golden:
    """What a golden folder holds.

    network, X, Y   the network and its m examples, X (m, n_1) and Y (m, n_L), all of one dtype
    reduction       "mean" or "sum" of the costs of the examples
    z, a            Estimates whose delta[l] is z^l, a^l of each example, (m, n_l); l = 2..L, a^1 is X
    gradient        an Estimate of nabla_w, nabla_b and delta, each example's own
    seed            what the network and the examples were made from, if anything
    """

    network: Network
    X: Array
    Y: Array
    reduction: str
    z: Estimate
    a: Estimate
    gradient: Estimate
    seed: int | None = None


def vectors(network: Network, X: ArrayLike, Y: ArrayLike, reduction: str = "mean", seed: int | None = None) -> Golden:
    """Everything that backpropagation computes for this batch, correctly rounded to the dtype of the network.

    X: (m, n_1), Y: (m, n_L) or labels. An entry that cannot be rounded with certainty is NaN, with a reason.
    Raises ExtraMissing without the certified extra, ValueRefused if an activation or the cost is none of ours (a file
    keeps only their names) or X and Y are no numbers of the network's dtype, and what Network.batch raises.
    """
    X, Y = network.batch(X, Y)
    divisor(reduction, len(X))
    foreign = [s.name for s in network.sigma.values() if ACTIVATIONS.get(s.name) is not s]
    foreign += [network.cost.name] if COSTS.get(network.cost.name) is not network.cost else []
    if foreign:
        raise ValueRefused(f"{foreign[0]!r} is a function of your own, and golden vectors keep only names; use one of ours.")
    rounded = [v.astype(network.dtype) for v in (X, Y)]
    for name, v, narrow in zip("XY", (X, Y), rounded, strict=True):
        if not np.array_equal(v, narrow):
            raise ValueRefused(f"{name} holds numbers that are no {network.dtype}, the network's dtype; round {name} first.")
    X, Y = rounded
    from ..oracles.enclosures import enclosures

    z, a = _forward(network, X)
    gradient = None
    for digits in DIGITS:
        gradient = enclosures(network, X, Y, digits, reduction).correctly_rounded(network.dtype)
        if not gradient.counts()[1]:
            break
    assert gradient is not None
    return Golden(network, X, Y, reduction, z, a, gradient, seed)


def _forward(network: Network, X: Array) -> tuple[Estimate, Estimate]:
    """z and a of every example, rounded from balls whose precision rises until each is certain."""
    from ..oracles.balls import sigma_on_balls

    # isort: split
    from flint import arb, ctx

    sigma = {l: sigma_on_balls(s) for l, s in network.sigma.items()}
    w, b = ({l: np.vectorize(arb, [object])(v.astype(float)) for l, v in part.items()} for part in (network.w, network.b))
    for bits in BITS:
        z: dict[int, list[Array]] = {l: [] for l in network.layers}
        a: dict[int, list[Array]] = {l: [] for l in network.layers}
        with ctx.workprec(bits):
            for x in X.astype(float):
                below = np.array([arb(v) for v in x], object)
                for l in network.layers:
                    z[l].append(w[l] @ below + b[l])  # (25)
                    one_by_one = network.sigma[l].elementwise
                    below = np.array([sigma[l](v) for v in z[l][-1]] if one_by_one else sigma[l](list(z[l][-1])), object)
                    a[l].append(below)
        found = _rounded(z, network.dtype), _rounded(a, network.dtype)
        if not any(e.counts()[1] for e in found):
            break
    return found


def _rounded(balls: Mapping[int, list[Array]], dtype: Any) -> Estimate:
    """Balls (m, n_l) rounded; an Enclosure rounds whatever it holds, here in the place of delta."""
    from ..oracles.enclosures import Enclosure

    held = {l: np.array(v, object) for l, v in balls.items()}
    sure = Gradient({}, {}, {l: np.zeros(v.shape, np.int64) for l, v in held.items()})
    return Enclosure(Gradient({}, {}, held), sure).correctly_rounded(dtype)


# ----------------------------------------------------------------------------------------------------------- as JSON


def data(golden: Golden) -> dict[str, Any]:
    """The vectors as plain data: every number as hexadecimal and as decimal float, exactly, and the bounds."""
    network, estimate = golden.network, golden.gradient
    found: dict[str, Any] = {
        "format": FORMAT,
        "dtype": str(network.dtype),
        "sizes": list(network.sizes),
        "activations": {str(l): s.name for l, s in network.sigma.items()},
        "cost": network.cost.name,
        "reduction": golden.reduction,
        "has_biases": network.has_biases,
        "examples": len(golden.X),
        "seed": golden.seed,
        "w": {str(l): _numbers(v) for l, v in network.w.items()},
        "b": {str(l): _numbers(v) for l, v in network.b.items()} if network.has_biases else {},
        "X": _numbers(golden.X),
        "Y": _numbers(golden.Y),
        "z": _estimated(golden.z, "delta"),
        "a": _estimated(golden.a, "delta"),
    }
    found |= {part: _estimated(estimate, part) for part in ("delta", "nabla_w", "nabla_b")}
    return found | {"sha256": _digest(found)}


def _estimated(estimate: Estimate, part: str) -> dict[str, Any]:
    found = {}
    for l, v in getattr(estimate, part).items():
        found[str(l)] = _numbers(v) | {"bound": _nested(lambda e: e, getattr(estimate.bound, part)[l])}
        why = getattr(estimate.why, part)[l]
        if why.any():
            found[str(l)]["why"] = [[*(int(i) for i in at), estimate.reasons[why[tuple(at)]]] for at in np.argwhere(why)]
    return found


def _numbers(array: Array) -> dict[str, Any]:
    return {"hex": _nested(float.hex, array), "decimal": _nested(lambda v: v, array)}


def _nested(f: Callable[[float], Any], array: Array) -> Any:
    """An array as lists of f(entry); null where there is no number."""
    if array.ndim > 1:
        return [_nested(f, v) for v in array]
    return [f(v) if math.isfinite(v) else None for v in array.tolist()]


def _digest(found: Mapping[str, Any]) -> str:
    facts = {k: v for k, v in found.items() if k != "sha256"}
    return hashlib.sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _text(value: Any, indent: str = "") -> str:
    """JSON with a line for each row of a matrix."""
    deeper = indent + "  "
    if isinstance(value, dict) and value:
        return "{\n" + ",\n".join(f"{deeper}{json.dumps(k)}: {_text(v, deeper)}" for k, v in value.items()) + f"\n{indent}}}"
    if isinstance(value, list) and value and isinstance(value[0], list):
        return "[\n" + ",\n".join(deeper + json.dumps(row, allow_nan=False) for row in value) + f"\n{indent}]"
    return json.dumps(value, allow_nan=False)


def read(directory: str | os.PathLike[str]) -> Golden:
    """The vectors of a folder that write() made. Raises FileRefused if it is none, or was changed since."""
    path = Path(directory) / JSON
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileRefused(
            f"{path} could not be read: {error.strerror or error}. Write golden vectors with backprop-ref golden -o {directory}."
        ) from error
    except (ValueError, RecursionError) as error:
        raise FileRefused(f"{path} is no JSON ({error}); write it again with backprop-ref golden.") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise FileRefused(f"{path} does not say {FORMAT!r}: it was not written by this version of backprop-ref golden.")
    if found.get("sha256") != _digest(found):
        raise FileRefused(f"{path} was changed after it was written: its sha256 does not fit. Write it again.")
    try:
        return _golden(found)
    except (BackpropRefError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise FileRefused(f"{path} does not hold golden vectors: {error}. Write it again.") from error


def _golden(found: Mapping[str, Any]) -> Golden:
    dtype = np.dtype(found["dtype"])

    def floats(numbers: Mapping[str, Any]) -> Array:
        exact = np.vectorize(lambda v: math.nan if v is None else float.fromhex(v), [float])
        return np.asarray(exact(np.array(numbers["hex"], object)), dtype)

    def layers(part: str) -> dict[int, Array]:
        return {int(l): floats(v) for l, v in found[part].items()}

    w, b = layers("w"), layers("b")
    names = list(found["activations"].values())
    network = Network.from_arrays(list(w.values()), list(b.values()) if found["has_biases"] else None, names, found["cost"])
    reasons = [""]

    def estimate(**parts: str) -> Estimate:
        value: dict[str, Layers] = {part: layers(key) for part, key in parts.items()}
        bound: dict[str, dict[int, Array]] = {part: {} for part in PARTS}
        why: dict[str, dict[int, Array]] = {part: {} for part in PARTS}
        for part, key in parts.items():
            for l, v in found[key].items():
                bound[part][int(l)] = np.array(v["bound"], float)
                codes = why[part][int(l)] = np.zeros(bound[part][int(l)].shape, np.int64)
                for *at, reason in v.get("why", []):
                    if reason not in reasons:
                        reasons.append(reason)
                    codes[tuple(at)] = reasons.index(reason)
        nabla_w, nabla_b, delta = (value.get(part, {}) for part in PARTS)
        return Estimate(nabla_w, nabla_b, delta, Gradient(**bound), True, Gradient(**why), source="golden vectors")

    z, a, gradient = estimate(delta="z"), estimate(delta="a"), estimate(nabla_w="nabla_w", nabla_b="nabla_b", delta="delta")
    z, a, gradient = (replace(e, reasons=tuple(reasons)) for e in (z, a, gradient))
    return Golden(network, floats(found["X"]), floats(found["Y"]), found["reduction"], z, a, gradient, found["seed"])


# --------------------------------------------------------------------------------------------------------- as a folder


def write(golden: Golden, directory: str | os.PathLike[str]) -> Path:
    """Write golden.json, golden.h and README.md into a folder of their own: all of it is there afterwards, or nothing changed.

    The folder is made; an empty one, or one with golden vectors and nothing else, is replaced. Raises FileRefused.
    """
    require_place(directory)
    path = Path(directory).resolve()
    texts = {
        JSON: _text(data(golden)) + "\n",
        "golden.h": header(golden.network, golden.X, golden.Y, golden.reduction),
        "README.md": readme(golden.network, len(golden.X), golden.reduction, golden.seed),
    }
    scratch = None
    try:
        scratch = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
        new = scratch / "new"
        new.mkdir()
        for name, text in texts.items():
            with open(new / name, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        old = scratch / "old"
        if path.exists():
            path.rename(old)
        try:
            new.rename(path)
        except OSError:
            if old.exists():
                old.rename(path)
            raise
    except OSError as error:
        raise FileRefused(f"Golden vectors could not be written to {directory}: {error.strerror or error}.") from error
    finally:
        if scratch:
            shutil.rmtree(scratch, ignore_errors=True)
    return path


def require_place(directory: str | os.PathLike[str]) -> None:
    """Raises FileRefused if write() would find no place there: before the work, not after it."""
    path = Path(directory).resolve()
    if not path.parent.is_dir():
        raise FileRefused(f"There is no folder {path.parent} to make {path.name} in; make it first.")
    if not path.exists():
        return
    if not path.is_dir():
        raise FileRefused(f"{directory} is a file, and a folder is to be made there; give another name.")
    names = sorted(p.name for p in path.iterdir())
    others = [name for name in names if name not in FILES]
    if names and not others and not _is_golden(path / JSON):
        others = names
    if others:
        raise FileRefused(
            f"{directory} holds {others[0]}, which backprop-ref golden did not write; give a new or an empty folder."
        )


def _is_golden(path: Path) -> bool:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and str(found.get("format", "")).startswith("backprop-ref golden ")
