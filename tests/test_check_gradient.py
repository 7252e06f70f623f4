"""check_gradient by example: any f, any container; what it says of wrong gradients, kinks, and functions without a slope."""

import re
import sys

import numpy as np
import pytest

from backprop_ref.errors import DtypeError, ValueRefused
from backprop_ref.gate import check_gradient

AGREES, DISAGREES, CANNOT_TELL = "agrees", "disagrees", "cannot tell"
POINT = np.array([0.3, -1.2, 2.0, 0.7])


def f(x):
    return np.sin(x).sum() + (x**3).sum()


def df(x):
    return np.cos(x) + 3 * x**2


def said(report):
    return [(str(finding.verdict), finding.text) for finding in report.findings]


# ---------------------------------------------------------------------------------------------------- right and wrong


def test_a_right_gradient_agrees():
    report = check_gradient(f, df, POINT)
    assert report.verdict == AGREES
    assert report.source == "complex step of f"
    assert (report.checked, report.total, report.proven) == (4, 4, False)
    assert "evaluations of f for 4 entries" in report.notes[0]
    assert "rests on error bars, which are estimates" in str(report)
    assert str(report).startswith("AGREES  df, gradient of f\n")


@pytest.mark.parametrize("entry", range(4))
def test_one_wrong_entry_is_named(entry):
    def wrong(x):
        g = df(x)
        g[entry] *= 1 + 1e-9
        return g

    report = check_gradient(f, wrong, POINT)
    assert report.verdict == DISAGREES
    assert report.count("disagrees") == 1
    assert report.worst(1)[0].name == f"x[{entry}]"
    assert f"gradient 1 of 4 entries wrong; worst x[{entry}]: claimed" in str(report)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_infinity_disagree(value):
    report = check_gradient(f, lambda x: np.where(x > 1, value, df(x)), POINT)
    assert report.verdict == DISAGREES
    assert report.count("disagrees") == 1


def test_central_differences_where_f_is_not_complex():
    def real(x):
        return np.abs(x).sum() + f(x.real if np.iscomplexobj(x) else x)

    report = check_gradient(real, lambda x: np.sign(x) + df(x), POINT)
    assert report.verdict == AGREES
    assert report.source == "central differences of f"
    [note] = [n for n in report.notes if n.startswith("complex step was not used: ")]
    assert "f(x + 0i)" in note or "does not carry complex numbers through" in note or "raises" in note
    assert check_gradient(real, lambda x: -np.sign(x) + df(x), POINT).verdict == DISAGREES


@pytest.mark.parametrize("container", [tuple, list])
def test_tuples_and_lists(container):
    x = container([np.array([[1.0, 2.0]]), 3.0])

    def g(p):
        return (p[0] ** 2).sum() * p[1]

    def dg(p):
        return container([2 * p[0] * p[1], (p[0] ** 2).sum()])

    assert check_gradient(g, dg, x).verdict == AGREES
    report = check_gradient(g, lambda p: container([2 * p[0], (p[0] ** 2).sum()]), x)
    assert report.verdict == DISAGREES
    assert report.worst(1)[0].name in {"x[0][0,0]", "x[0][0,1]"}


def test_a_dict_and_its_keys():
    x = {"W": np.array([[1.0, 2.0], [3.0, 4.0]]), "b": np.array([0.5, -0.5])}

    def g(p):
        return ((p["W"] @ p["b"]) ** 2).sum()

    def dg(p):
        r = p["W"] @ p["b"]
        return {"b": 2 * p["W"].T @ r, "W": 2 * np.outer(r, p["b"])}

    assert check_gradient(g, dg, x).verdict == AGREES
    wrong = check_gradient(g, lambda p: dg(p) | {"W": dg(p)["W"].T}, x)
    assert wrong.verdict == DISAGREES
    assert wrong.worst(1)[0].name.startswith("x['W'][")
    missing = check_gradient(g, lambda p: {"W": dg(p)["W"]}, x)
    assert missing.verdict == DISAGREES
    assert said(missing) == [(DISAGREES, "the gradient is keys ['W'], but x has a dict there with the keys ['W', 'b'].")]


def test_one_number():
    assert check_gradient(lambda t: t**3, lambda t: 3 * t**2, 2.0).verdict == AGREES
    assert check_gradient(lambda t: t**3, lambda t: 2 * t**2, 2.0).verdict == DISAGREES


def test_a_wrong_shape_disagrees():
    report = check_gradient(f, lambda x: df(x)[:3], POINT)
    assert said(report) == [(DISAGREES, "the gradient has shape (3,), but x has shape (4,): give one slope per entry.")]
    assert report.verdict == DISAGREES


def test_float32():
    def single(x):
        x = x.astype(np.float32) if not np.iscomplexobj(x) else x
        return (x * x).sum()

    report = check_gradient(single, lambda x: (2 * x).astype(np.float32), POINT.astype(np.float32))
    assert report.verdict == AGREES
    assert check_gradient(single, lambda x: (3 * x).astype(np.float32), POINT.astype(np.float32)).verdict == DISAGREES


# ------------------------------------------------------------------------------------------------- Jacobian and vjp

A = np.array([[1.0, 2.0, -1.0, 0.5], [0.0, 3.0, 1.0, -2.0]])


def vector(x):
    return A @ np.sin(x)


def jacobian(x):
    return A * np.cos(x)


def test_a_jacobian_row_by_row():
    report = check_gradient(vector, jacobian, POINT)
    assert report.verdict == AGREES
    assert [p.label for p in report.parts] == ["f[0]", "f[1]"]
    assert report.total == 8
    assert report.target.endswith(", as a Jacobian")
    assert "f[0]     4 of 4 entries agree" in str(report)


def test_a_wrong_row_of_a_jacobian_is_named():
    def wrong(x):
        J = jacobian(x)
        J[1, 2] *= 1.001
        return J

    report = check_gradient(vector, wrong, POINT)
    assert report.verdict == DISAGREES
    assert report.worst(1)[0].name == "f[1] by x[2]"
    assert "f[0]     4 of 4 entries agree" in str(report)
    assert "f[1]     1 of 4 entries wrong; worst f[1] by x[2]: claimed" in str(report)


def test_a_transposed_jacobian_is_told_its_shape():
    report = check_gradient(vector, lambda x: jacobian(x).T, POINT)
    assert said(report) == [
        (
            DISAGREES,
            "the Jacobian has shape (4, 2), but f(x) has shape (2,) and x has shape (4,): it must have shape (2, 4). "
            "For a vector-Jacobian product, let grad take two arguments, (x, v).",
        )
    ]


def test_a_vector_jacobian_product():
    report = check_gradient(vector, lambda x, v: v @ jacobian(x), POINT)
    assert report.verdict == AGREES
    assert report.target.endswith(", as vector-Jacobian products with 2 random v")
    wrong = check_gradient(vector, lambda x, v: v[::-1] @ jacobian(x), POINT)
    assert wrong.verdict == DISAGREES
    assert wrong.worst(1)[0].name.startswith(("v1 by x[", "v2 by x["))


# ------------------------------------------------------------------------------------------------------------- manners


def test_a_gradient_that_changes_x_disagrees():
    x = POINT.copy()

    def rude(x):
        g = df(x)
        x += 1
        return g

    report = check_gradient(f, rude, x)
    assert said(report) == [(DISAGREES, "the gradient changed the x that it was given; it must leave it as it is")]
    assert (x == POINT).all()


def test_an_f_that_changes_x_is_noted():
    def rude(x):
        value = f(x)
        x *= 2
        return value

    report = check_gradient(rude, df, POINT)
    assert report.verdict == AGREES
    assert "f changes the x that it is given; it was called on copies" in report.notes


def test_a_gradient_that_is_random_cannot_be_told():
    rng = np.random.default_rng(0)
    report = check_gradient(f, lambda x: df(x) * rng.normal(1, 1e-6), POINT)
    text = "two calls of the gradient at the same x differ; fix the seed of what is random in it, "
    text += "or the state that is kept between calls"
    assert (CANNOT_TELL, text) in said(report)
    assert report.verdict == CANNOT_TELL


def test_a_random_gradient_that_is_wrong_each_time_disagrees():
    rng = np.random.default_rng(0)
    assert check_gradient(f, lambda x: -df(x) * rng.normal(1, 1e-6), POINT).verdict == DISAGREES


def test_a_random_f_is_told_the_recipe():
    rng = np.random.default_rng(0)
    report = check_gradient(lambda x: f(x) + rng.normal(), df, POINT)
    [(verdict, text)] = said(report)
    assert verdict == CANNOT_TELL
    assert text.startswith("f is not deterministic: two calls at the same x gave ")
    assert text.endswith(
        "Fix the seed inside f, so that every call draws the same numbers: "
        "def f(x): rng = np.random.default_rng(0); ... (and switch dropout off)."
    )


def raises(x):
    raise OverflowError("too large")


@pytest.mark.parametrize(
    ("f", "grad", "text"),
    [
        (raises, df, "f raised OverflowError at x: too large"),
        (lambda x: sys.exit(1), df, "f raised SystemExit at x: 1"),
        (f, raises, "the gradient raised OverflowError: too large"),
        (f, lambda x: sys.exit(0), "the gradient raised SystemExit: 0"),
        (f, lambda x: None, "the gradient is NoneType, but real numbers are needed: floats, or arrays of them."),
        (f, lambda x: df(x) + 0j, "the gradient is complex128 numbers, but real numbers are needed: floats, or arrays of them."),
        (
            lambda x: "large",
            df,
            "f cannot be measured: f returned <U5 for real x, but a slope needs one real number.",
        ),
        (lambda x: np.nan, df, "f(x) is nan: it has no slope here."),
    ],
)
def test_what_has_no_answer_cannot_be_told(f, grad, text):
    report = check_gradient(f, grad, POINT)
    assert said(report) == [(CANNOT_TELL, text)]
    assert report.verdict == CANNOT_TELL
    assert report.exit_code == 3


def test_an_f_that_fails_at_a_later_call_cannot_be_told():
    calls = []

    def tired(x):
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("tired")
        return f(x)

    assert said(check_gradient(tired, df, POINT)) == [(CANNOT_TELL, "f cannot be measured: it raised RuntimeError: tired")]


@pytest.mark.parametrize(("x", "error"), [(np.array([1.0, np.nan]), ValueRefused), ("abc", DtypeError), ([], ValueRefused)])
def test_an_x_that_is_no_point_is_the_callers_error(x, error):
    with pytest.raises(error):
        check_gradient(f, df, x)


# ------------------------------------------------------------------------------------------ kinks, and other bad places


def hinge(x):
    return np.maximum(x, 0).sum() + (x[1:] ** 2).sum()


KINK = np.array([0.0, 1.5])


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0])
def test_a_subgradient_at_a_kink_is_called_valid(slope):
    report = check_gradient(hinge, lambda x: np.array([slope, 1 + 2 * x[1]]), KINK)
    assert report.verdict == CANNOT_TELL
    assert report.count("agrees") == 1
    [reason] = report.untold()
    assert re.fullmatch(
        r"f has a kink at or near x\[0\]: its slope is -?[-0-9.e]+ on the left and 1 on the right, "
        r"and any number between them is a valid subgradient\.",
        reason,
    )


@pytest.mark.parametrize("slope", [-0.01, 1.01, 5.0, np.nan])
def test_a_claim_outside_the_slopes_on_both_sides_disagrees(slope):
    report = check_gradient(hinge, lambda x: np.array([slope, 1 + 2 * x[1]]), KINK)
    assert report.verdict == DISAGREES
    assert report.worst(1)[0].name == "x[0]"


@pytest.mark.parametrize("z", [1e-3, -1e-3, 1e-5])
def test_near_a_kink_the_gradient_is_the_branchs(z):
    def grad(x):
        return np.where(x > 0, 1.0, 0.0) + np.array([0.0, 2 * x[1]])

    assert check_gradient(hinge, grad, np.array([z, 1.5])).verdict == AGREES
    assert check_gradient(hinge, lambda x: grad(-x) + np.array([0.0, 4 * x[1]]), np.array([z, 1.5])).verdict == DISAGREES


def test_a_jump_has_no_slope():
    report = check_gradient(lambda x: np.floor(x).sum(), np.zeros_like, np.array([0.0]))
    assert report.verdict == CANNOT_TELL
    assert next(iter(report.untold())).startswith("f does not settle to a slope as x[0] moves by less and less")


def test_a_constant_f():
    # the slope is 0 and nothing is there to be measured by: nothing is resolved, and nothing is claimed to be
    report = check_gradient(lambda x: 3.0, np.zeros_like, POINT)
    assert report.verdict == CANNOT_TELL
    assert report.count("agrees") == 4
    assert check_gradient(lambda x: 3.0, np.ones_like, POINT).verdict == DISAGREES


def test_an_edge_of_where_f_is_defined():
    report = check_gradient(lambda x: np.sqrt(x).sum(), lambda x: 0.5 / np.sqrt(x), np.array([0.0, 4.0]))
    assert report.verdict == CANNOT_TELL
    assert "x[0]" in next(iter(report.untold()))
    assert report.count("agrees") == 1


@pytest.mark.parametrize("scale", [1e-100, 1e-12, 1e12, 1e100])
def test_the_scale_of_f_changes_no_verdict(scale):
    assert check_gradient(lambda x: scale * f(x), lambda x: scale * df(x), POINT).verdict == AGREES
    assert check_gradient(lambda x: scale * f(x), lambda x: scale * 1.0001 * df(x), POINT).verdict == DISAGREES


def test_progress_is_told():
    seen = []
    check_gradient(f, df, POINT, on_progress=lambda done, of: seen.append((done, of)))
    assert seen[-1][0] == seen[-1][1] > 0
    assert seen == sorted(seen)
