"""Reports: the verdict rule, what counts as resolved, names and numbers, text and JSON."""

import json
import math
import re
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from backprop_ref.errors import BackpropRefError, VerdictError
from backprop_ref.gate import Report
from backprop_ref.gate.report import EXIT_CODES, Finding, Part
from backprop_ref.gradient import Verdict

NAN, INF = math.nan, math.inf
A, D, C = Verdict.AGREES, Verdict.DISAGREES, Verdict.CANNOT_TELL


def part(claimed, expected=None, bound=1e-15, why=None, name="nabla_b", l=2, **more):
    claimed = np.atleast_1d(np.asarray(claimed, float))
    expected = claimed.copy() if expected is None else np.broadcast_to(np.asarray(expected, float), claimed.shape).copy()
    bound = np.broadcast_to(np.asarray(bound, float), claimed.shape).copy()
    why = np.zeros(claimed.shape, int) if why is None else np.atleast_1d(why)
    return Part(name, l, "BP3" if name == "nabla_b" else "BP4", claimed, expected, bound, why, **more)


def report(*parts, **more):
    options = {"source": "complex step", "total": sum(p.size for p in parts), "seed": 0} | more
    return Report("mine, network 2-2", parts, **options)


# -------------------------------------------------------------------------------------------------- the verdict of one


@pytest.mark.parametrize(
    ("claimed", "expected", "bound", "verdict"),
    [
        (1.0, 1.0, 0.0, A),
        (1.0, 1.5, 0.5, A),  # at its bound
        (1.0, 1.5, 0.4999, D),
        (1.0, -1.0, 1.0, D),
        (0.0, 0.0, 0.0, A),
        (NAN, 1.0, 0.5, D),
        (INF, 1.0, 0.5, D),
        (-INF, 1.0, 0.5, D),
        (NAN, 1.0, INF, D),  # whatever the rounding, the truth is finite
        (1.0, 1.0, INF, C),
        (1.0, NAN, 0.5, C),
        (NAN, NAN, NAN, C),
        (1.0, 1.0, NAN, C),
    ],
)
def test_the_verdict_of_an_entry(claimed, expected, bound, verdict):
    p = part(claimed, expected, bound)
    assert [p.count(v) for v in (A, D, C)] == [int(v == verdict) for v in (A, D, C)]
    assert report(p).entry(p, (0,)).verdict == verdict


@pytest.mark.parametrize(("claimed", "verdict"), [(0.0, C), (0.5, C), (1.0, C), (-0.01, D), (1.01, D), (NAN, D), (INF, D)])
def test_at_a_kink_a_claim_is_held_to_the_interval(claimed, verdict):
    p = part(claimed, NAN, NAN, 1, low=np.array([0.0]), high=np.array([1.0]))
    assert p.count(verdict) == 1
    assert p.excess()[0] == (INF if verdict == D else 0.0)


def test_an_interval_that_is_nan_says_nothing():
    p = part([5.0, 1.0], [NAN, 1.0], 0.5, [1, 0], low=np.full(2, NAN), high=np.full(2, NAN))
    assert [p.count(v) for v in (A, D, C)] == [1, 0, 1]


def test_where_a_naive_formula_may_be_anything_the_rest_cannot_be_told():
    p = part([1.0, 2.0, NAN, 2.0], [1.0, 1.0, 1.0, 1.0], 0.5, unsure=np.array([True, True, True, False]))
    assert [p.count(v) for v in (A, D, C)] == [1, 1, 2]


# ------------------------------------------------------------------------------------------------ the verdict of all


@pytest.mark.parametrize(
    ("verdicts", "overall"),
    [([A], A), ([A, A], A), ([A, C], C), ([C, C], C), ([A, D], D), ([C, D], D), ([A, C, D], D)],
)
def test_the_overall_verdict(verdicts, overall):
    claims = {A: (1.0, 1.0, 0), D: (2.0, 1.0, 0), C: (1.0, NAN, 1)}
    parts = [part(c, e, 1e-15, w) for c, e, w in (claims[v] for v in verdicts)]
    r = report(*parts, reasons=("", "because"))
    assert (r.verdict, r.exit_code) == (overall, EXIT_CODES[overall])
    one = report(
        part(
            *(np.array(v) for v in zip(*(claims[v][:2] for v in verdicts), strict=True)), 1e-15, [claims[v][2] for v in verdicts]
        )
    )
    assert one.verdict == overall  # in one array as in several


@pytest.mark.parametrize(("verdict", "overall"), [(A, A), (D, D), (C, C)])
def test_a_finding_counts_as_an_entry_does(verdict, overall):
    assert report(part(1.0), findings=(Finding(verdict, "seen"),)).verdict == overall


def test_without_entries_nothing_is_told():
    assert report().verdict == C
    assert report(findings=(Finding(D, "seen"),)).verdict == D


def test_agreement_in_which_nothing_is_resolved_cannot_be_told():
    p = part([1e-20, -1e-20], bound=1.0)
    assert (p.count(A), p.unresolved, p.resolved) == (2, 2, 0)
    assert report(p).verdict == C
    assert report(p, part(1.0)).verdict == A


# --------------------------------------------------------------------------------------------------------- resolution


def test_an_entry_is_resolved_by_itself_or_by_its_array():
    #             by itself; at its bound; by 1e-3 of the largest; at 1e-3 of the largest
    p = part([1.0, 1e-9, 1e-9, 1e-9], bound=[0.1, 1e-9, 0.9e-3, 1e-3])
    assert (p.unresolved, p.resolved) == (1, 3)


def test_what_cannot_be_told_is_neither():
    p = part([1.0, 1.0, 1e-9], [1.0, NAN, 1e-9], [0.1, 0.1, 1.0], [0, 1, 0])
    assert (p.unresolved, p.resolved, p.count(C)) == (1, 1, 1)


def test_an_array_of_zeros_is_measured_by_its_layer():
    zeros = part([0.0, 0.0], bound=1e-300)
    assert (zeros.unresolved, zeros.resolution) == (2, INF)
    beside = part([0.0, 0.0], bound=1e-300, beside=1.0)
    assert (beside.unresolved, beside.resolution) == (0, 2e-300)


def test_resolution_is_twice_the_widest_bound_beside_the_largest():
    p = part([4.0, 1.0], bound=[0.25, 0.5])
    assert p.resolution == 0.25
    assert part([4.0, 1.0], [4.0, NAN], [0.25, 0.5], [0, 1]).resolution == 0.125
    assert part(1.0, NAN, 0.5, 1).resolution == INF


# ------------------------------------------------------------------------------------------------------ worst and names


def test_worst_is_by_times_the_bound():
    w = part([[1.0, 2.0], [3.0, 4.5]], [[1.0, 1.0], [3.0, 4.0]], [[1, 0.01], [1, 0.1]], np.zeros((2, 2), int), "nabla_w", 3)
    b = part([1.0, NAN], [0.0, 1.0], 0.5)
    r = report(w, b)
    assert [(e.name, e.times) for e in r.worst(4)] == [
        ("dC/db^2_2", INF),
        ("dC/dw^3_12", 100.0),
        ("dC/dw^3_22", 5.0),
        ("dC/db^2_1", 2.0),
    ]
    assert len(r.worst(100)) == 6
    assert r.worst(1, [w])[0].name == "dC/dw^3_12"
    e = r.worst(2)[1]
    assert (e.claimed, e.expected, e.difference, e.bound, e.verdict) == (2.0, 1.0, 1.0, 0.01, D)


def test_a_bound_of_zero_that_is_met_or_missed():
    assert part([0.0, 1.0], [0.0, 0.0], 0.0).excess().tolist() == [0.0, INF]


def test_names_are_the_books():
    shape = (12, 11)
    p = part(np.ones(shape), None, 1e-15, np.zeros(shape, int), "nabla_w", 2)
    assert (p.label, p.name((0, 1)), p.name((11, 6))) == ("dC/dw^2", "dC/dw^2_12", "dC/dw^2_{12,7}")
    assert part(1.0, l=3).label == "dC/db^3"
    assert part(1.0, name="delta").label == "delta^2"
    assert part(1.0, name="nabla_x", l=1).label == "dC/dx^1"
    own = part(1.0, name="gradient", l=0, name_of=lambda index: f"x[{index[0]}]")
    assert (own.label, own.name((0,))) == ("gradient", "x[0]")


def test_layers_come_in_order_and_parts_without_one_first():
    parts = [part(1.0, l=3), part(1.0, name="f[0]", l=0), part(1.0, l=2), part(1.0, name="f[1]", l=0), part(1.0, l=3)]
    assert [(l, [p.label for p in ps]) for l, ps in report(*parts).layers()] == [
        (0, ["f[0]"]),
        (0, ["f[1]"]),
        (2, ["dC/db^2"]),
        (3, ["dC/db^3", "dC/db^3"]),
    ]


def test_reasons_are_counted():
    r = report(
        part([1.0, 1.0, 1.0], NAN, 1.0, [1, 1, 2]), part([1.0, 1.0], 1.0, [INF, 1e-15]), reasons=("", "a kink", "it underflows")
    )
    assert r.untold() == {"a kink": 2, "it underflows": 1, "the bound is not finite: a right candidate may overflow here": 1}
    assert r.entry(r.parts[0], (2,)).reason == "it underflows"


# ------------------------------------------------------------------------------------------------------ text and JSON


def failing():
    w = part([[1.0, 2.0]], [[1.0, 1.0]], 1e-15, np.zeros((1, 2), int), "nabla_w", 2)
    return report(
        w,
        part([1.0]),
        part([1.0, 1.0], [NAN, 1.0], 1e-15, [1, 0], l=3),
        findings=(Finding(D, "X was changed"),),
        reasons=("", "a kink of neuron 1"),
        notes=("one note",),
        unseen=(("one mistake", "one example"), ("another", "one example")),
        total=9,
        seconds=0.25,
    )


def test_the_text_for_a_person():
    assert str(failing()) == (
        "DISAGREES  mine, network 2-2\n"
        "\n"
        "  disagrees: X was changed\n"
        "  layer 2  1 of 3 entries wrong (BP4 dC/dw^2); worst dC/dw^2_12: claimed 2, is 1, off by 1, allowed 1e-15\n"
        "  layer 3  1 of 2 entries agree\n"
        "  cannot tell 1 entry: a kink of neuron 1\n"
        "\n"
        "  checked    5 of 9 entries against complex step\n"
        "  resolution an error above 2e-15 of the largest entry of its array could not have hidden (coarsest: dC/dw^2)\n"
        "  note       one note\n"
        "  unseen     one example: one mistake; another\n"
        "  time       0.25 s, seed 0"
    )


def test_unresolved_arrays_are_in_the_text():
    some, none = part([1.0, 1e-9, 1e-9], bound=[1e-15, 1.0, 1.0], l=3), part([1e-9], bound=1.0, l=2)
    text = str(report(some, none, proven=False))
    assert "  unresolved dC/db^3: 2 of 3 entries: too small beside the rounding of what they are summed from\n" in text
    assert "  unresolved dC/db^2: none of its 1 entry could be resolved; whatever it holds below the bound is unseen\n" in text
    assert "against complex step; rests on error bars, which are estimates\n" in text


def test_json_is_plain_and_says_the_same():
    data = json.loads(json.dumps(failing().to_json(), allow_nan=False))
    assert data["schema"] == "backprop-ref/report/1"
    assert (data["verdict"], data["target"], data["seed"], data["seconds"]) == ("disagrees", "mine, network 2-2", 0, 0.25)
    assert data["oracle"] == {"name": "complex step", "proven": True}
    assert data["findings"] == [{"verdict": "disagrees", "text": "X was changed"}]
    assert data["entries"] == {"checked": 5, "total": 9, "resolved": 4, "agrees": 3, "disagrees": 1, "cannot tell": 1}
    assert data["cannot_tell"] == {"a kink of neuron 1": 1}
    assert data["unseen"][0] == {"mistake": "one mistake", "why": "one example"}
    assert data["worst"][0]["name"] == "dC/dw^2_12"
    assert [(p["part"], p["layer"], p["disagrees"]) for p in data["parts"]] == [
        ("nabla_w", 2, 1),
        ("nabla_b", 2, 0),
        ("nabla_b", 3, 0),
    ]


def test_nan_and_infinity_are_none_in_json():
    data = report(part([NAN, 1.0], [1.0, NAN], [INF, NAN], [0, 1]), reasons=("", "why")).to_json()
    json.dumps(data, allow_nan=False)
    assert data["worst"][0]["claimed"] is None
    assert data["worst"][0]["times_bound"] is None


def test_raise_for_verdict():
    report(part(1.0)).raise_for_verdict()
    for r, code in ((failing(), 1), (report(), 3)):
        with pytest.raises(VerdictError, match=re.escape(str(r))) as raised:
            r.raise_for_verdict()
        assert raised.value.exit_code == code
        assert isinstance(raised.value, AssertionError)
        assert isinstance(raised.value, BackpropRefError)


def test_a_report_is_frozen_and_takes_notes_by_copy():
    r = report(part(1.0))
    with pytest.raises(FrozenInstanceError):
        r.target = "yours"
    assert r.with_notes("a", "b").notes == ("a", "b")
    assert r.notes == ()
