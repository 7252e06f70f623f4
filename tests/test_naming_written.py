"""Every mistake of the catalogue in a candidate that a person could have written, apart from the catalogue's own lines."""

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest

from backprop_ref.gate.bounds import rounding
from backprop_ref.gate.diagnosis import diagnose
from backprop_ref.gate.mistakes import MISTAKES
from backprop_ref.gate.reproduce import Case
from backprop_ref.gradient import Gradient
from backprop_ref.matrix import backprop_batch
from backprop_ref.network import Network

# Examples in rows, layers counted from 0: at i, W = ws[i] leads from outs[i] to nets[i], and d belongs to nets[i].
LINES = {
    "net": "nets.append(outs[-1] @ W.T + b)",
    "out": "outs.append(f[i](nets[-1]))",
    "err": "err = outs[-1] - Y",
    "last": "d = err * df[-1](nets[-1])",
    "dW": "dws[i] = d.T @ outs[i] / m",
    "db": "dbs[i] = d.sum(axis=0) / m",
    "back": "back = d @ ws[i]",
    "d": "d = back * df[i - 1](nets[i - 1])",
    "return": "return dws, dbs",
}
SOURCE = """
def gradient(ws, bs, X, Y):
    m, N = len(X), len(ws)
    outs, nets = [X], []
    for i, (W, b) in enumerate(zip(ws, bs)):
        {net}
        {out}
    {err}
    {last}
    first = d
    dws, dbs = [None] * N, [None] * N
    for i in range(N - 1, -1, -1):
        {dW}
        {db}
        if i > 0:
            {back}
            above = d
            {d}
    {return}
"""


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def softmax(z: Any) -> Any:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


FUNCTIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "sigmoid": (sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z))),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0),
    "leaky_relu": (lambda z: np.where(z > 0, z, 0.01 * z), lambda z: np.where(z > 0, 1.0, 0.01)),
    "softmax": (softmax, lambda z: 1.0),
}
Kind = tuple[str, tuple[str, str, str]]  # a cost, and three activations
PLAIN: tuple[Kind, ...] = tuple(("quadratic", (s, s, s)) for s in ("sigmoid", "tanh", "relu"))
MIXED: tuple[Kind, ...] = (("quadratic", ("tanh", "sigmoid", "tanh")),)


def only(sigma: str) -> tuple[Kind, ...]:
    return (("quadratic", (sigma,) * 3),)


def lines(**changed: str) -> dict[str, str]:
    return changed


def _slopes(name: str, wrong: str, kinds: tuple[Kind, ...] = PLAIN) -> Iterator[tuple[str, Mapping[str, str], tuple[Kind, ...]]]:
    """The same wrong slope in BP1, in BP2 and in both. wrong: of z, a and df."""
    last = {"z": "nets[-1]", "a": "outs[-1]", "s": "df[-1]", "f": "f[-1]"}
    inner = {"z": "nets[i - 1]", "a": "outs[i]", "s": "df[i - 1]", "f": "f[i - 1]"}
    one, two = f"d = err * ({wrong.format(**last)})", f"d = back * ({wrong.format(**inner)})"
    yield f"bp1-{name}", lines(last=one), kinds
    yield f"bp2-{name}", lines(d=two), kinds
    yield name, lines(last=one, d=two), kinds


def _factors() -> Iterator[tuple[str, Mapping[str, str], tuple[Kind, ...]]]:
    for slug, factor in (("sign", "-"), ("doubled", "2 * "), ("half", "0.5 * "), ("factor", "0.7 * ")):
        for part, slot in (("bp1", "last"), ("bp2", "d"), ("bp3", "db"), ("bp4", "dW")):
            yield f"{part}-{slug}", {slot: LINES[slot].replace(" = ", f" = {factor}", 1)}, PLAIN


# name, the lines that are written otherwise, the costs and activations
WRITTEN: list[tuple[str, Mapping[str, str], tuple[Kind, ...]]] = [
    *_factors(),
    *_slopes("slope-missing", "1"),
    *_slopes("slope-twice", "{s}({z}) * {s}({z})"),
    *_slopes("slope-of-a", "{s}({a})"),
    *_slopes("slope-sigma", "{a}"),
    *_slopes("slope-plus-c", "{s}({z}) + 0.1"),
    *_slopes("slope-minus", "-{s}({z})"),
    *_slopes("slope-one-plus-a", "{a} * (1 + {a})", only("sigmoid")),
    *_slopes("slope-sum", "{a} + (1 - {a})", only("sigmoid")),
    *_slopes("slope-of-z-as-a", "{z} * (1 - {z})", only("sigmoid")),
    *_slopes("slope-tanh-unsquared", "1 - {a}", only("tanh")),
    *_slopes("slope-tanh-plus", "1 + {a} ** 2", only("tanh")),
    *_slopes("slope-tanh-as-sigmoid", "{a} * (1 - {a})", only("tanh")),
    *_slopes("slope-tanh-of-z-as-a", "1 - {z} * {z}", only("tanh")),
    *_slopes("slope-leaky", "np.where({z} > 0, 1, 0.3)", only("leaky_relu")),
    *_slopes("slope-relu-of-all", "1.0", only("relu")),
    ("bp2-slope-of-z-above", lines(d="d = back * df[i - 1](nets[i])"), PLAIN),
    ("bp2-slope-of-z-below", lines(d="d = back * df[i - 1](nets[max(i - 2, 0)])"), PLAIN),
    ("bp1-slope-of-z-below", lines(last="d = err * df[-1](nets[-2])"), PLAIN),
    ("slope-of-z-below", lines(last="d = err * df[-1](nets[-2])", d="d = back * df[i - 1](nets[max(i - 2, 0)])"), PLAIN),
    ("bp2-slope-of-layer-above", lines(d="d = back * df[i](nets[i - 1])"), MIXED),
    ("bp2-slope-of-layer-below", lines(d="d = back * df[max(i - 2, 0)](nets[i - 1])"), MIXED),
    ("bp1-slope-of-layer-below", lines(last="d = err * df[-2](nets[-1])"), MIXED),
    ("slope-of-layer-below", lines(last="d = err * df[-2](nets[-1])", d="d = back * df[max(i - 2, 0)](nets[i - 1])"), MIXED),
    ("bp1-sigma-of-error", lines(last="d = df[-1](err)"), PLAIN),
    ("bp1-cross-entropy-error", lines(last="d = err"), PLAIN),
    ("bp1-cross-entropy-error", lines(last="d = err"), (("quadratic", ("sigmoid", "tanh", "softmax")),)),
    ("bp1-slope-left-in", LINES, (("cross_entropy", ("tanh", "tanh", "sigmoid")),)),
    ("bp1-softmax-elementwise", lines(last="d = err * outs[-1] * (1 - outs[-1])"), (("quadratic", ("tanh", "tanh", "softmax")),)),
    (
        "bp1-softmax-slope-left-in",
        lines(last="d = err * outs[-1] * (1 - outs[-1])"),
        (("log_likelihood", ("tanh", "tanh", "softmax")),),
    ),
    ("bp1-outputs-averaged", lines(last="d = err * df[-1](nets[-1]) / Y.shape[1]"), PLAIN),
    ("bp1-squared-error", lines(err="err = (outs[-1] - Y) ** 2"), PLAIN),
    ("bp1-z-for-a", lines(err="err = nets[-1] - Y"), PLAIN),
    ("bp2-w-untransposed", lines(back="back = d @ ws[i].T"), PLAIN),
    ("bp2-w-of-layer", lines(back="back = d @ ws[i - 1]"), PLAIN),
    ("bp2-w-of-layer-untransposed", lines(back="back = d @ ws[i - 1].T"), PLAIN),
    ("bp2-w-of-two-above", lines(back="back = d @ ws[min(i + 1, N - 1)]"), PLAIN),
    ("bp2-delta-of-L", lines(back="back = first @ ws[-1]"), PLAIN),
    ("bp2-nabla-at-every-layer", lines(back="back = err"), PLAIN),
    ("bp2-nabla-passed-down", lines(back="err = back = err @ ws[i]"), PLAIN),
    ("bp2-overwritten-by-last", lines(back="for k in range(d.shape[1]): back = np.outer(d[:, k], ws[i][k])"), PLAIN),
    ("bp2-first-only", lines(back="back = np.outer(d[:, 0], ws[i][0])"), PLAIN),
    ("bp2-averaged", lines(back="back = np.stack([(ws[i] * e[:, None]).mean(axis=0) for e in d])"), PLAIN),
    ("bp2-w-missing", lines(back="back = d.sum(axis=1, keepdims=True)"), PLAIN),
    ("bp2-w-absolute", lines(back="back = d @ abs(ws[i])"), PLAIN),
    ("bp2-w-updated", lines(back="ws[i] -= 0.5 * dws[i]; back = d @ ws[i]"), PLAIN),
    ("bp2-bias-as-weight", lines(back="back = d @ np.column_stack([bs[i], ws[i]])[:, :-1]"), PLAIN),
    ("bp2-delta-of-layer-above-reversed", lines(back="back = d[:, ::-1] @ ws[i]"), PLAIN),
    ("bp2-delta-clipped", lines(back="back = np.clip(d @ ws[i], -0.01, 0.01)"), PLAIN),
    ("bp2-sigma-of-error", lines(d="d = f[i - 1](back)"), PLAIN),
    ("bp2-slope-of-error", lines(d="d = df[i - 1](back)"), PLAIN),
    ("bp2-sum-for-product", lines(d="d = back + df[i - 1](nets[i - 1])"), PLAIN),
    ("bp2-nothing", lines(d="d = np.zeros_like(back)"), PLAIN),
    ("bp2-float32", lines(d="d = (back * df[i - 1](nets[i - 1])).astype(np.float32).astype(float)"), PLAIN),
    ("bp3-neurons-summed", lines(db="dbs[i] = np.full(len(bs[i]), d.sum() / m)"), PLAIN),
    ("bp3-neurons-averaged", lines(db="dbs[i] = np.full(len(bs[i]), d.mean())"), PLAIN),
    ("bp3-row-sums-of-w", lines(db="dbs[i] = dws[i].sum(axis=1)"), PLAIN),
    ("bp3-reversed", lines(db="dbs[i] = d.mean(axis=0)[::-1]"), PLAIN),
    ("bp3-shifted", lines(db="dbs[i] = np.roll(d.mean(axis=0), 1)"), PLAIN),
    ("bp3-zero", lines(db="dbs[i] = np.zeros(len(bs[i]))"), PLAIN),
    ("bp3-times-b", lines(db="dbs[i] = (d * bs[i]).mean(axis=0)"), PLAIN),
    ("bp3-times-a", lines(db="dbs[i] = (d * outs[i + 1]).mean(axis=0)"), PLAIN),
    ("bp3-before-slope", lines(db="dbs[i] = (d if i == N - 1 else back).mean(axis=0)"), PLAIN),
    ("bp3-delta-above", lines(db="dbs[i] = (d if i == N - 1 else above).mean(axis=0)"), PLAIN),
    ("bp4-a-of-layer", lines(dW="dws[i] = d.T @ outs[i + 1] / m"), PLAIN),
    ("bp4-z-below", lines(dW="dws[i] = d.T @ (nets[i - 1] if i else X) / m"), PLAIN),
    ("bp4-x", lines(dW="dws[i] = d.T @ X / m"), PLAIN),
    ("bp4-a-two-below", lines(dW="dws[i] = d.T @ outs[max(i - 1, 0)] / m"), PLAIN),
    ("bp4-inner", lines(dW="dws[i] = np.full(ws[i].shape, (d * outs[i]).sum() / m)"), PLAIN),
    ("bp4-transposed", lines(dW="dws[i] = outs[i].T @ d / m"), PLAIN),
    ("bp4-reshaped", lines(dW="dws[i] = (outs[i].T @ d / m).reshape(ws[i].shape)"), PLAIN),
    ("bp4-delta-above", lines(dW="dws[i] = (d if i == N - 1 else above).T @ outs[i] / m"), PLAIN),
    ("bp4-before-slope", lines(dW="dws[i] = (d if i == N - 1 else back).T @ outs[i] / m"), PLAIN),
    ("bp4-a-missing", lines(dW="dws[i] = d.mean(axis=0)[:, None] * np.ones(ws[i].shape)"), PLAIN),
    ("bp4-slope-below", lines(dW="dws[i] = d.T @ (outs[i] * df[i - 1](nets[i - 1]) if i else X) / m"), PLAIN),
    ("bp4-times-w", lines(dW="dws[i] = d.T @ outs[i] / m * ws[i]"), PLAIN),
    ("bp4-zero", lines(dW="dws[i] = np.zeros_like(ws[i])"), PLAIN),
    ("bp4-means-multiplied", lines(dW="dws[i] = np.outer(d.mean(axis=0), outs[i].mean(axis=0))"), PLAIN),
    ("mean-missing", lines(**{"dW": "dws[i] = d.T @ outs[i]", "db": "dbs[i] = d.sum(axis=0)"}), PLAIN),
    ("bp3-mean-missing", lines(db="dbs[i] = d.sum(axis=0)"), PLAIN),
    ("bp4-mean-missing", lines(dW="dws[i] = d.T @ outs[i]"), PLAIN),
    ("mean-twice", {"return": "return [w / m for w in dws], [b / m for b in dbs]"}, PLAIN),
    ("bp3-mean-twice", {"return": "return dws, [b / m for b in dbs]"}, PLAIN),
    ("bp4-mean-twice", {"return": "return [w / m for w in dws], dbs"}, PLAIN),
    ("mean-m-minus-1", {"return": "return [w * m / (m - 1) for w in dws], [b * m / (m - 1) for b in dbs]"}, PLAIN),
    ("mean-over-outputs", lines(err="m = Y.shape[1]; err = outs[-1] - Y"), PLAIN),
    ("last-example-dropped", lines(dW="dws[i] = d[:-1].T @ outs[i][:-1] / m", db="dbs[i] = d[:-1].sum(axis=0) / m"), PLAIN),
    ("first-example-only", lines(dW="dws[i] = np.outer(d[0], outs[i][0])", db="dbs[i] = d[0]"), PLAIN),
    (
        "examples-overwritten",
        lines(dW="for k in range(m): dws[i] = np.outer(d[k], outs[i][k]) / m", db="for k in range(m): dbs[i] = d[k] / m"),
        PLAIN,
    ),
    ("examples-mismatched", lines(dW="dws[i] = sum(np.outer(d[k], outs[i][-1 - k]) for k in range(m)) / m"), PLAIN),
    ("sign", {"return": "return [-w for w in dws], [-b for b in dbs]"}, PLAIN),
    ("factor", {"return": "return [0.7 * w for w in dws], [0.7 * b for b in dbs]"}, PLAIN),
    (
        "step-returned",
        {"return": "return [w - 0.3 * g for w, g in zip(ws, dws)], [b - 0.3 * g for b, g in zip(bs, dbs)]"},
        PLAIN,
    ),
    ("clipped", {"return": "return [np.clip(w, -0.01, 0.01) for w in dws], [np.clip(b, -0.01, 0.01) for b in dbs]"}, PLAIN),
    (
        "norm-clipped",
        {"return": "return [w * min(1, 0.02 / np.sqrt((w * w).sum())) for w in dws], dbs"},
        PLAIN,
    ),
    ("rounded", {"return": "return [w.round(4) for w in dws], [b.round(4) for b in dbs]"}, PLAIN),
    ("float32", {"return": "g = np.float32; return [g(w).astype(float) for w in dws], [g(b).astype(float) for b in dbs]"}, PLAIN),
    ("regularised", {"return": "return [g + 0.01 * w for g, w in zip(dws, ws)], dbs"}, PLAIN),
    (
        "regularised-biases",
        {"return": "return [g + 0.01 * w for g, w in zip(dws, ws)], [g + 0.01 * b for g, b in zip(dbs, bs)]"},
        PLAIN,
    ),
    ("regularised-l1", {"return": "return [g + 0.01 * np.sign(w) for g, w in zip(dws, ws)], dbs"}, PLAIN),
    ("layers-reversed", {"return": "return dws[::-1], dbs[::-1]"}, PLAIN),
    ("layers-shifted", {"return": "return dws[1:] + dws[-1:], dbs[1:] + dbs[-1:]"}, PLAIN),
    ("rows-reversed", {"return": "return [w[::-1] for w in dws], dbs"}, PLAIN),
    ("columns-reversed", {"return": "return [np.fliplr(w) for w in dws], dbs"}, PLAIN),
    ("rows-shifted", {"return": "return [np.roll(w, 1, axis=0) for w in dws], dbs"}, PLAIN),
    ("biases-from-w", {"return": "return dws, [w[:, 0] for w in dws]"}, PLAIN),
    ("forward-bias-missing", lines(net="nets.append(outs[-1] @ W.T)"), PLAIN),
    ("forward-bias-subtracted", lines(net="nets.append(outs[-1] @ W.T - b)"), PLAIN),
    ("forward-w-transposed", lines(net="nets.append(outs[-1] @ W + b)"), PLAIN),
    ("forward-sigma-twice", lines(out="outs.append(f[i](f[i](nets[-1])))"), PLAIN),
    ("forward-sigma-missing", lines(out="outs.append(nets[-1])"), PLAIN),
    ("forward-float32", lines(out="outs.append(f[i](nets[-1]).astype(np.float32).astype(float))"), PLAIN),
    (
        "forward-mask-missing",
        lines(out="outs.append(f[i](nets[-1]) * (np.arange(len(b)) % 2 == (i < N - 1)) ** (i < N - 1))"),
        PLAIN,
    ),
    (
        "dropout-left-on",
        lines(
            out="outs.append(f[i](nets[-1]) * (np.arange(len(b)) % 3 > 0) ** (i < N - 1))",
            d="d = back * df[i - 1](nets[i - 1]) * (np.arange(len(bs[i - 1])) % 3 > 0)",
        ),
        PLAIN,
    ),
    (
        "dropout-left-on",  # inverted: what is kept is divided by the share of it
        lines(
            out="outs.append(f[i](nets[-1]) * ((np.arange(len(b)) % 3 > 0) / 0.7) ** (i < N - 1))",
            d="d = back * df[i - 1](nets[i - 1]) * (np.arange(len(bs[i - 1])) % 3 > 0) / 0.7",
        ),
        PLAIN,
    ),
    (
        "bp4-a-recomputed",
        lines(
            out="outs.append(f[i](nets[-1])); ds = [None] * N",
            db="dbs[i] = d.sum(axis=0) / m; ds[i] = d",
            **{
                "return": "again = X\n    for k in range(N):\n        dws[k] = ds[k].T @ again / m\n"
                "        again = f[k](again @ (ws[k] - 0.5 * dws[k]).T + bs[k] - 0.5 * dbs[k])\n    return dws, dbs"
            },
        ),
        PLAIN,
    ),
]


def probes(kind: Kind) -> Iterator[tuple[Network, Any, Any]]:
    """Networks of different widths in three batch sizes, and two of equal widths."""
    cost, sigmas = kind
    for sizes, m in (((3, 5, 4, 2), 6), ((3, 5, 4, 2), 2), ((3, 5, 4, 2), 3), ((6,) * 4, 5), ((6,) * 4, 7)):
        rng = np.random.default_rng(m)
        Y = rng.uniform(0.1, 0.9, (m, sizes[-1]))
        Y = Y / Y.sum(axis=1, keepdims=True) if sigmas[-1] == "softmax" else Y
        yield Network.random(sizes, list(sigmas), cost, seed=m), rng.standard_normal((m, sizes[0])), Y


def answers(changed: Mapping[str, str], kind: Kind) -> list[Case]:
    """What the candidate gives on the probes on which it runs."""
    f, df = ([FUNCTIONS[s][i] for s in kind[1]] for i in (0, 1))
    names: dict[str, Any] = {"np": np, "f": f, "df": df}
    exec(SOURCE.format(**{**LINES, **changed}), names)
    found = []
    for network, X, Y in probes(kind):
        w, b = ([v.copy() for v in part.values()] for part in (network.w, network.b))
        try:
            with np.errstate(all="ignore"):
                dws, dbs = names["gradient"](w, b, X, Y)
        except ValueError:
            continue
        if all(g.shape == v.shape for g, v in zip((*dws, *dbs), (*w, *b), strict=True)):
            claimed = Gradient(dict(enumerate(dws, 2)), dict(enumerate(dbs, 2)))
            found.append(Case(network, X, Y, claimed, rounding(network, X, Y)))
    return found


# sigma' of relu is 0 or 1, and a = z where it is 1
HIDDEN = {("relu", name) for name in ("slope-twice", "bp1-slope-twice", "bp2-slope-twice", "slope-of-a", "bp1-slope-of-a")}
HIDDEN |= {("relu", "bp2-slope-of-a"), ("relu", "bp1-z-for-a"), ("relu", "forward-sigma-twice"), ("relu", "bp4-slope-below")}
EVERY = [(name, changed, kind) for name, changed, kinds in WRITTEN for kind in kinds]


def test_every_mistake_of_the_catalogue_is_written() -> None:
    assert {name for name, _, _ in EVERY} == {m.name for m in MISTAKES}


@pytest.mark.parametrize("kind", PLAIN)
def test_as_it_stands_the_candidate_is_right(kind: Kind) -> None:
    found = answers(LINES, kind)
    assert len(found) == 5
    assert diagnose(found) is None


def named(name: str, changed: Mapping[str, str], kind: Kind) -> None:
    found = diagnose(answers(changed, kind), seconds=30)
    if (kind[1][0], name) in HIDDEN:
        assert found is None
        return
    assert found is not None
    readings = (found.found, *found.others)
    assert any(len(reading) == 1 and name in reading[0].mistakes for reading in readings), str(found)


SOME = random.Random(0).sample(EVERY, len(EVERY) // 20)


@pytest.mark.parametrize(("name", "changed", "kind"), SOME, ids=[f"{name}-{kind[1][0]}" for name, _, kind in SOME])
def test_it_is_named_one_in_twenty(name: str, changed: Mapping[str, str], kind: Kind) -> None:
    named(name, changed, kind)


@pytest.mark.soak
@pytest.mark.parametrize(("name", "changed", "kind"), EVERY, ids=[f"{row[0]}-{row[2][1][0]}-{i}" for i, row in enumerate(EVERY)])
def test_it_is_named(name: str, changed: Mapping[str, str], kind: Kind) -> None:
    named(name, changed, kind)


STEP = "return [-(w - 0.3 * g) for w, g in zip(ws, dws)], [-(b - 0.3 * g) for b, g in zip(bs, dbs)]"
CLIP = "return [np.clip(g, -0.01, 0.01) + 0.03 * w for w, g in zip(ws, dws)], [np.clip(b, -0.01, 0.01) for b in dbs]"
# two mistakes in one line of the chapter: what is written, and the two names
IN_ONE_LINE: list[tuple[Mapping[str, str], set[str]]] = [
    (lines(back="back = d @ abs(ws[i])", d="d = back"), {"bp2-w-absolute", "bp2-slope-missing"}),
    (lines(back="back = d @ ws[i].T", d="d = f[i - 1](back)"), {"bp2-w-untransposed", "bp2-sigma-of-error"}),
    (lines(back="back = d @ ws[i] / ws[i].shape[0]", d="d = back * df[i - 1](outs[i])"), {"bp2-averaged", "bp2-slope-of-a"}),
    (lines(back="ws[i] -= 0.5 * dws[i]; back = d @ ws[i]", d="d = back"), {"bp2-w-updated", "bp2-slope-missing"}),
    (lines(err="err = (outs[-1] - Y) ** 2", last="d = err"), {"bp1-squared-error", "bp1-slope-missing"}),
    (lines(dW="dws[i] = (d if i == N - 1 else above).T @ (nets[i - 1] if i else X) / m"), {"bp4-delta-above", "bp4-z-below"}),
    (lines(db="dbs[i] = np.roll(d.mean(axis=0)[::-1], 1)"), {"bp3-reversed", "bp3-shifted"}),
    (lines(db="dbs[i] = np.roll(d.mean(axis=0), 1)[::-1]"), {"bp3-reversed", "bp3-shifted"}),
    ({"return": STEP}, {"step-returned", "sign"}),
    (
        {"return": STEP.replace("-(w - 0.3", "(w + 0.3").replace("-(b - 0.3", "(b + 0.3")},
        {"step-returned"},
    ),  # the sign first: one step up
    ({"return": CLIP}, {"clipped", "regularised"}),
]


@pytest.mark.parametrize(("changed", "names"), IN_ONE_LINE)
def test_two_mistakes_in_one_line_are_named(changed: Mapping[str, str], names: set[str]) -> None:
    found = diagnose(answers(changed, PLAIN[1]), seconds=30)
    assert found is not None
    readings = [{name for f in reading for name in f.mistakes} for reading in (found.found, *found.others)]
    assert any(names <= reading for reading in readings), str(found)


@pytest.mark.parametrize("keep", [0.5, 0.7, 0.9])
def test_a_mask_that_was_left_in_is_solved_for_with_its_scale(keep: float) -> None:
    mask = f"(np.arange(len(bs[{{}}])) % 3 > 0) / {keep}"
    changed = lines(
        out=f"outs.append(f[i](nets[-1]) * ({mask.format('i')}) ** (i < N - 1))",
        d=f"d = back * df[i - 1](nets[i - 1]) * {mask.format('i - 1')}",
    )
    found = diagnose(answers(changed, PLAIN[1]))
    assert found is not None
    assert (found.mistake, found.layers) == ("dropout-left-on", (2, 3))
    assert found.found[0].values == {"scale": pytest.approx(1 / keep, rel=2.0**-46)}


@pytest.mark.parametrize("decay", [0.0, 0.01, 0.1 / 3])
@pytest.mark.parametrize(
    ("cost", "reduction", "last"), [("cross_entropy", "sum", "sigmoid"), ("log_likelihood", "mean", "softmax")]
)
def test_another_cost_is_told_beside_a_weight_decay(cost: str, reduction: str, last: str, decay: float) -> None:
    found = []
    for network, X, Y in probes(("quadratic", ("tanh", "tanh", last))):
        g = backprop_batch(network.with_cost(cost), X, Y, reduction=reduction)
        claimed = Gradient({l: v + decay * network.w[l] for l, v in g.nabla_w.items()}, g.nabla_b)
        found.append(Case(network, X, Y, claimed, rounding(network, X, Y)))
    told = diagnose(found, seconds=0)
    assert told is not None
    assert told.exact_for == ((cost, reduction, ""),)
    assert told.decay == (pytest.approx(decay, rel=1e-9) if decay else None)
    option = f" --weight-decay {decay:.9g})" if decay else ")"
    assert told.exact.endswith(f"(--cost {cost} --reduction {reduction}{option}")
    assert (", with weight decay, lambda = " in told.exact) == (decay > 0)


def test_a_weight_decay_that_was_declared_hides_no_cost() -> None:
    found = []
    for network, X, Y in probes(("quadratic", ("tanh", "tanh", "sigmoid"))):
        g = backprop_batch(network.with_cost("cross_entropy"), X, Y)
        claimed = Gradient({l: v + 0.02 * network.w[l] for l, v in g.nabla_w.items()}, g.nabla_b)
        found.append(Case(network, X, Y, claimed, rounding(network, X, Y), decay=0.02))
    told = diagnose(found, seconds=0)
    assert told is not None
    assert (told.exact_for, told.decay) == ((("cross_entropy", "mean", ""),), None)


def test_a_weight_decay_alone_is_no_other_cost() -> None:
    told = diagnose(answers({"return": "return [g + 0.01 * w for g, w in zip(dws, ws)], dbs"}, PLAIN[0]))
    assert told is not None
    assert (told.exact_for, told.mistake) == ((), "regularised")
