"""Somebody's own implementation at the gate: loaded in a child process, its form guessed, its gradient held to the oracle.

Of the ways of calling it that run, the one whose gradient comes nearest to the expected one is kept: a storage that
shapes alone cannot tell (the order inside a flat vector, the side of a bias column) is told by that.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..costs import times
from ..errors import NotComplex, ValueRefused
from ..gradient import Estimate, Gradient, Verdict
from ..network import Network
from ..oracles import differences
from . import check
from .bounds import rounding
from .claim import CandidateFailed, Claim
from .diagnosis import Diagnosis, diagnose, explained
from .probes import EQUAL, MIXED, Accepts, Probe, Sizes, probe, rebuilt
from .process import Child, TargetRefused
from .repair import Form
from .report import Finding, Report
from .reproduce import Case

Array = NDArray[Any]
FORMS = ("list", "book", "object", "dict", "arrays", "flat", "folded", "update", "layers", "sklearn", "torch")
RANK = {Verdict.DISAGREES: 0, Verdict.CANNOT_TELL: 1, Verdict.AGREES: 2}


@dataclass(frozen=True)
class Candidate:
    """What is at the gate, and under what it should be right.

    target       path/file.py:name, path/notebook.ipynb:name or package.module:name
    init         how a class is built: "Network([3, 5, 4, 2])"
    activations  one name, or one for each layer 2..L
    biases       False for a network without them; None: found out
    eta          the learning rate of an update, where it cannot be found
    """

    target: str
    init: str | None = None
    form: str | None = None
    accepts: Accepts = field(default_factory=Accepts)
    activations: str | Sequence[str] = "sigmoid"
    cost: str = "quadratic"
    reduction: str = "mean"
    weight_decay: float = 0.0
    biases: bool | None = None
    eta: float | None = None
    frozen: Sequence[str] = ()
    timeout: float = check.TIMEOUT
    run_module: bool = False
    strict_storage: bool = False


@dataclass(frozen=True, eq=False)
class Gated:
    """What the gate found: a report for each probe, and how the candidate was called.

    reports   the first is of the probe by which its form was guessed     evidence  the guess, in a line; "" without one
    notes     what a reader should know                                   line      where it is defined, if known
    """

    reports: tuple[Report, ...]
    evidence: str = ""
    form: str = ""
    notes: tuple[str, ...] = ()
    line: int | None = None
    seconds: float = 0.0

    @property
    def report(self) -> Report:
        """All probes as one: the worst, with the notes of all; a mistake is unseen only if no probe could have shown it."""
        worst = min(self.reports, key=lambda r: RANK[r.verdict])
        titles = [{mistake for mistake, _ in r.unseen} for r in self.reports]
        unseen = tuple(u for u in worst.unseen if all(u[0] in t for t in titles))
        notes = list(dict.fromkeys([*([f"{self.evidence}; --form NAME overrides"] if self.evidence else []), *self.notes]))
        if len(self.reports) > 1:
            notes.append(f"probed on {_probed(self.reports)}")
            notes += [n for n in worst.notes if not n.startswith("averaging is untested")]
        else:
            notes += worst.notes
        return replace(worst, notes=tuple(notes), unseen=unseen, seconds=self.seconds)

    @property
    def verdict(self) -> Verdict:
        """The worst of all probes."""
        return self.report.verdict

    @property
    def exit_code(self) -> int:
        """0 agrees, 1 disagrees, 3 cannot tell."""
        return self.report.exit_code


def gate(candidate: Candidate, seeds: Sequence[int] = (0,)) -> Gated:
    """Is its gradient right? Loads it, guesses its form, and checks it on a few networks and batches for each seed.

    Raises TargetRefused if there is nothing to be loaded, ValueRefused for options that do not fit; whatever the
    candidate does ends in the reports.
    """
    start = time.perf_counter()
    with Child(candidate.timeout) as child:
        job = _Gate(candidate, child, tuple(seeds))
        try:
            gated = job.run()
        except CandidateFailed as failure:
            gated = job.failed(str(failure))
        return replace(gated, notes=(*gated.notes, *job.printed()), seconds=time.perf_counter() - start)


@dataclass
class _Way:
    """The way of calling that was kept."""

    form: str
    evidence: str
    notes: list[str]
    stored: list[str]
    classes: bool
    takes_sigmas: bool
    writes: Form


class _Gate:
    def __init__(self, candidate: Candidate, child: Child, seeds: tuple[int, ...]) -> None:
        self.candidate, self.child, self.seeds = candidate, child, seeds
        self.notes: list[str] = []
        self.line: int | None = None
        self.way: _Way | None = None
        self.nearest: tuple[str, str] | None = None
        self.claims: list[tuple[Probe, dict[str, Any]]] = []
        self.cases: list[Case] = []
        self.found: Diagnosis | None = None
        self.known: dict[str, Any] = {}

    def run(self) -> Gated:
        """Load, guess, check."""
        c = self.candidate
        answer = self.child.ask("load", target=c.target, init=c.init, run_module=c.run_module)
        self.line = answer["line"]
        self.notes += [*answer["notes"], *_left_out(answer["left_out"]), *answer["failed"]]
        answer = self.child.ask("sizes", biases=c.biases)
        networks = [(tuple(sizes), biases, dtype) for sizes, biases, dtype in answer["sizes"]]
        if answer["known"]:
            self._know(answer["known"])
            c = self.candidate
        own = bool(networks)
        if own:
            self._require_fit([sizes for sizes, _, _ in networks])
        else:
            different = c.accepts.different(_many(c.activations))
            networks = [(s, b, "float64") for s in different for b in _with_biases(c)]
        first = self._guess(networks)
        equal = c.accepts.equal(networks[0][0]) if not own else None
        if first is None and not own and (report := self._raw(networks[0])):
            return self._gated([report])
        if first is None and equal:
            first = self._guess([(equal, b, "float64") for b in _with_biases(c)], "all widths equal")
        if first is None:
            return self._unguessed(networks)
        if not first.network.has_biases and c.biases is None:
            self.notes.insert(0, "no biases were found: the network has none")
        reports = [self._check(first)]
        for other in self._others(first, own):
            report = self._check(other)
            if report.parts or any(f.verdict is Verdict.DISAGREES for f in report.findings):
                reports.append(report)
            else:
                self.notes.append(f"not probed on {other}: {report.findings[0].text}")
            if not self.child.alive:
                break
        reports += self._rebuilt(first) if own and self.child.alive else []
        for network in networks if not own and c.accepts.sizes else ():
            asked = network[0] != first.network.sizes and network[1] == first.network.has_biases
            if asked and self.child.alive:
                reports.append(self._also(network))
        if any(r.verdict is Verdict.DISAGREES for r in reports):
            self.found = diagnose(self.cases)
        return self._gated(reports)

    def _know(self, known: dict[str, Any]) -> None:
        """Go by what a framework's network says of itself; another activation or cost that was asked for is wrong use."""
        c, factor = self.candidate, known["factor"]
        given = c.activations if isinstance(c.activations, str) else ",".join(c.activations)
        own = known["activations"]
        told = given if set(own) == {given} else ",".join(own)
        cost = known["cost"] if factor == 1 else f"{factor:g} times {known['cost']}"
        for option, value, usual, is_what in (
            ("activation", given, "sigmoid", told),
            ("cost", c.cost, "quadratic", cost),
            ("reduction", c.reduction, "mean", known["reduction"]),
            ("weight-decay", c.weight_decay, 0.0, "alpha/m" if known["alpha"] else "none"),
        ):
            if value not in (usual, is_what):
                raise ValueRefused(
                    f"--{option} {value} was given, but {c.target} says itself that it is {is_what}; leave it out."
                )
        self._adopt(known)

    def _adopt(self, known: dict[str, Any]) -> None:
        self.known = known
        own = {name: known[name] for name in ("activations", "cost", "reduction")}
        self.candidate = replace(self.candidate, **own, weight_decay=0.0)

    def _require_fit(self, found: Sequence[Sizes]) -> None:
        c = self.candidate
        wanted = _many(c.activations)
        if wanted and all(len(s) != wanted + 1 for s in found):
            raise ValueRefused(
                f"{wanted} activations were given, but {c.target} has layers 2..{len(found[0])} (sizes {list(found[0])}); "
                f"give one name, or {len(found[0]) - 1} of them."
            )

    # -------------------------------------------------------------------------------------------------- the guess

    def _probe(
        self, sizes: Sizes, m: int, seed: int, biases: bool, dtype: str, classes: bool, activations: Sequence[str] = ()
    ) -> Probe:
        c = self.candidate
        p = probe(sizes, m, seed, activations or c.activations, c.cost, biases, dtype, classes)
        if self.known.get("factor", 1) != 1:
            p = replace(p, network=p.network.with_cost(times(self.known["factor"], p.network.cost)))
        return p

    def _guess(self, networks: Sequence[tuple[Sizes, bool, str]], why: str = "") -> Probe | None:
        """The probe on which a way of calling runs; the best way is kept, in the child too."""
        c = self.candidate
        for sizes, biases, dtype in networks:
            m = c.accepts.batches(sizes)[0]
            plain, classes = (self._probe(sizes, m, self.seeds[0], biases, dtype, k) for k in (False, True))
            limits = {
                "form": c.form,
                "biases": biases,
                "declared": c.biases is not None,
                "batch": c.accepts.batch,
                "eta": c.eta,
                "cost": c.cost,
                "mean": c.reduction == "mean",
            }
            given = _arrays(plain.network) | {"X": plain.X, "Y": plain.Y, "labels": classes.labels, "sigmas": plain.sigmas}
            answer = self.child.ask("guess", limits=limits, **given)
            self.nearest = self.nearest or answer["nearest"]
            if answer["ways"]:
                probes = {False: plain, True: replace(plain, Y=classes.Y, labels=classes.labels)}
                return self._keep(answer["ways"], probes, why)
        return None

    def _also(self, network: tuple[Sizes, bool, str]) -> Report:
        """Another network that the user asked for; its form is guessed anew, since it may have other layers."""
        kept = self.way
        p = self._guess([network])
        if p is None:
            sizes, what = "-".join(map(str, network[0])), self.nearest[1] if self.nearest else "nothing could be called"
            text = f"on a network {sizes} it could not be called: {what}"
            return Report(f"{self.candidate.target}, network {sizes}", (), (Finding(Verdict.CANNOT_TELL, text),))
        report = self._check(p)
        self.way = kept
        return report

    def _raw(self, network: tuple[Sizes, bool, str]) -> Report | None:
        """A function of the list form whose answer has other shapes than its parameters is told which."""
        p = self._probe(network[0], self.candidate.accepts.batches(network[0])[0], self.seeds[0], *network[1:], False)

        def candidate(weights: list[Array], biases: list[Array], X: Array, Y: Array) -> Any:
            answer = self.child.ask("raw", w=weights, b=biases, X=X, Y=Y)["answer"]
            if answer is None:
                raise CandidateFailed("another form")
            return answer

        report = self._compared(p, candidate)
        return report if report.verdict is Verdict.DISAGREES else None

    def _keep(self, ways: list[dict[str, Any]], probes: dict[bool, Probe], why: str) -> Probe:
        best = self._nearest(ways, probes) if len(ways) > 1 else 0
        way = ways[best]
        self.child.ask("use", way=best)
        classes = _takes_labels(way)
        writes = Form.of(way["writes"])
        self.way = _Way(way["form"], way["evidence"], way["notes"], way["stored"], classes, way["takes_sigmas"], writes)
        if way["layout"] == "columns":
            self.way.stored.append("examples in columns")
        if why:
            self.notes.append(f"on a network whose widths all differ no way of calling it ran; probed with {why}")
        return probes[classes]

    def _nearest(self, ways: list[dict[str, Any]], probes: dict[bool, Probe]) -> int:
        """The way whose gradient is nearest to the expected one.

        Labels (m,) may be broadcast where vectors are wanted, without a complaint: where no way agrees, they are handed over
        only if that is what a mistake explains.
        """
        found: dict[bool, Any] = {}
        distances = []
        for way in ways:
            classes = _takes_labels(way)
            p = probes[classes]
            if classes not in found:
                found[classes] = _expected(p.network, p, self.candidate.reduction)
            distances.append(_distance(p, way, found[classes], self.candidate.reduction))
        best = min(range(len(ways)), key=lambda i: distances[i])
        by_kind = [[i for i, way in enumerate(ways) if _takes_labels(way) == labels] for labels in (False, True)]
        if distances[best][0] and all(by_kind):
            nearest = [min(kind, key=lambda i: distances[i]) for kind in by_kind]
            answers = ((i, self._case(probes[_takes_labels(ways[i])], ways[i])) for i in nearest)
            best = next((i for i, case in answers if explained(case)), nearest[0])
        return best

    def _case(self, p: Probe, way: dict[str, Any]) -> Case:
        """What a way of calling answered on a probe, for a diagnosis."""
        bounds, c, claimed, allowed = rounding(p.network, p.X, p.Y, reduction=self.candidate.reduction), self.candidate, {}, {}
        for part, letter in (("nabla_w", "w"), ("nabla_b", "b")):
            layers = p.network.layers if part == "nabla_w" or p.network.has_biases else []
            extra = way[f"extra_{letter}"] or [0.0] * p.network.L
            claimed[part] = {l: np.asarray(way[letter][i]) for i, l in enumerate(layers)}
            allowed[part] = {l: getattr(bounds, part)[l] + extra[i] for i, l in enumerate(layers)}
        return Case(p.network, p.X, p.Y, Gradient(**claimed), Gradient(**allowed), c.reduction, c.weight_decay)

    def _others(self, first: Probe, own: bool) -> list[Probe]:
        """The other probes: all widths equal, other batches, other seeds."""
        c, network = self.candidate, first.network
        assert self.way
        classes, dtype = self.way.classes, str(network.dtype)
        made = [(network.sizes, m, self.seeds[0]) for m in c.accepts.batches(network.sizes)[1:]]
        made += [(network.sizes, len(first.X), seed) for seed in self.seeds[1:]]
        probes = [self._probe(s, m, seed, network.has_biases, dtype, classes) for s, m, seed in made]
        equal = c.accepts.equal(network.sizes) if not own else None
        if equal and equal != network.sizes:
            m = c.accepts.batches(equal)[0]
            probes.append(self._probe(equal, m, self.seeds[0], network.has_biases, dtype, classes))
        if self.way.takes_sigmas and isinstance(c.activations, str) and network.L > 2:
            mixed = [MIXED[i % len(MIXED)] for i in range(network.L - 2)] + [c.activations]
            probes.append(self._probe(network.sizes, len(first.X), self.seeds[0], network.has_biases, dtype, classes, mixed))
        return probes

    def _rebuilt(self, first: Probe) -> list[Report]:
        """The object built again with all widths equal, where --init spells its sizes."""
        c, old = self.candidate, first.network.sizes
        equal = (EQUAL,) * first.network.L
        texts = list(rebuilt(c.init, old, equal)) if c.init and not c.accepts.sizes and old != equal else []
        if not texts or not self.way:
            return []
        try:
            answer = self.child.ask("rebuild", init=texts[0])
        except (CandidateFailed, TargetRefused) as failure:
            self.notes.append(f"not probed with all widths equal: {failure}")
            return []
        if answer["known"]:  # the mean of the squares is another cost where there are other outputs
            self._adopt(answer["known"])
        m = c.accepts.batches(equal)[0]
        biases, dtype = first.network.has_biases, str(first.network.dtype)
        report = self._check(self._probe(equal, m, self.seeds[0], biases, dtype, self.way.classes))
        return [report] if report.parts else []

    # -------------------------------------------------------------------------------------------------- the check

    def _check(self, p: Probe) -> Report:
        c, report = self.candidate, self._compared(p, self._remote(p))
        if self.way and c.strict_storage and self.way.stored:
            text = f"another storage than the book's, which --strict-storage refuses: {'; '.join(self.way.stored)}"
            report = replace(report, findings=(*report.findings, Finding(Verdict.DISAGREES, text)))
        return report

    def _compared(self, p: Probe, candidate: Callable[..., Any]) -> Report:
        c = self.candidate
        report, case = check.checked(
            p.network,
            p.X,
            p.Y,
            candidate,
            reduction=c.reduction,
            weight_decay=c.weight_decay + self.known.get("alpha", 0.0) / len(p.X),
            frozen=c.frozen,
            timeout=c.timeout + 5,
            seed=p.seed,
            target=f"{c.target}, network {p}",
        )
        if case is not None:
            self.cases.append(case)
        return report

    def _remote(self, p: Probe) -> Any:
        assert self.way
        classes, has_biases = self.way.classes, p.network.has_biases

        def candidate(weights: list[Array], biases: list[Array], X: Array, Y: Array) -> Claim:
            labels = Y.argmax(axis=1) if classes else None
            answer = self.child.ask("call", w=weights, b=biases, X=X, Y=Y, labels=labels, sigmas=p.sigmas)
            if not any(q is p for q, _ in self.claims):
                self.claims.append((p, answer))
            extra = (answer["extra_w"], answer["extra_b"] if has_biases else [])
            return Claim(answer["w"], answer["b"], *extra, tuple(answer["wrong"]))

        return candidate

    # -------------------------------------------------------------------------------------------- what is told

    def _gated(self, reports: Sequence[Report]) -> Gated:
        way = self.way
        evidence = way.evidence if way else ""
        notes = [*(way.notes if way else ()), *self.notes]
        if any(r.verdict is Verdict.DISAGREES for r in reports):
            self.found = self.found or diagnose(self.cases)
            if self.found and way:
                self.found = replace(self.found, form=way.writes)
            reports = [replace(r, diagnosis=self.found) if r.verdict is Verdict.DISAGREES else r for r in reports]
        return Gated(tuple(reports), evidence, way.form if way else "", tuple(notes), self.line)

    def failed(self, text: str) -> Gated:
        """The report of a candidate that could not be asked."""
        return self._gated([Report(self.candidate.target, (), (Finding(Verdict.CANNOT_TELL, text),), seed=self.seeds[0])])

    def _unguessed(self, networks: Sequence[tuple[Sizes, bool, str]]) -> Gated:
        sizes = "-".join(map(str, networks[0][0]))
        form, what = self.nearest or ("list", "nothing in it could be called with weights, biases and examples")
        return self.failed(
            f"its form could not be guessed on a network {sizes}; nearest is the {form} form: {what}. "
            f"--form and --sizes help the guess; `backprop-ref gate --adapter {form}` prints a function to fill in"
        )

    def printed(self) -> list[str]:
        """A note on what the candidate printed, if it was much."""
        n = self.child.printed
        return [f"the candidate printed {n:,} bytes, which are not shown"] if n > 10_000 else []


def _takes_labels(way: dict[str, Any]) -> bool:
    return bool(way["targets"].startswith("labels"))


def _probed(reports: Sequence[Report]) -> str:
    """The probes in a line, those of one network together, each batch with its verdict unless all are alike."""
    alike = len({r.verdict for r in reports}) == 1
    by_network: dict[str, list[str]] = {}
    for r in reports:
        network, _, rest = r.target.partition(", network ")[2].partition(", m = ")
        m, _, seed = rest.partition(", seed ")
        by_network.setdefault(f"{network}, seed {seed}", []).append(m if alike else f"{m} ({r.verdict})")
    said = "; ".join(f"{network}, m = {', '.join(ms)}" for network, ms in by_network.items())
    return f"{said}: {'each ' if len(reports) > 1 else ''}{reports[0].verdict}" if alike else said


def _with_biases(c: Candidate) -> list[bool]:
    """Whether the network of a function has biases: first with, then without, where nothing is said."""
    return [True, False] if c.biases is None else [c.biases]


def _many(activations: str | Sequence[str]) -> int:
    return 0 if isinstance(activations, str) else len(activations)


def _arrays(network: Any) -> dict[str, list[Array]]:
    b = list(network.b.values()) if network.has_biases else []
    return {"w": list(network.w.values()), "b": b}


def _left_out(lines: Sequence[Sequence[Any]]) -> list[str]:
    if not lines:
        return []
    cells = [file.partition("[cell ")[2].rstrip("]") for file, *_ in lines]
    said = [
        (f"cell {cell} " if cell else "") + f"line {a}" + (f"-{b}" if b != a else "") + f" ({what})"
        for cell, (_, a, b, what) in zip(cells, lines, strict=True)
    ]
    more = f" and {len(said) - 6} more" if len(said) > 6 else ""
    return [f"not run: {', '.join(said[:6])}{more}; --run-module runs them"]


def _expected(network: Network, p: Probe, reduction: str) -> Estimate:
    """The oracle's gradient at a probe, under the cost of this network."""
    try:
        return differences.complex_step(network, p.X, p.Y, reduction=reduction)
    except NotComplex:
        return differences.central(network, p.X, p.Y, reduction=reduction)


def _distance(p: Probe, way: dict[str, Any], expected: Any, reduction: str) -> tuple[int, float]:
    """(entries outside their bounds, minus the cosines with what is expected) of a claimed gradient."""
    layers = list(p.network.layers)
    named = {"nabla_w": dict(zip(layers, way["w"], strict=True))}
    named |= {"nabla_b": dict(zip(layers, way["b"], strict=True))} if p.network.has_biases else {}
    extra = {"nabla_w": way["extra_w"], "nabla_b": way["extra_b"]}
    wrong, cosines = 0, 0.0
    with np.errstate(all="ignore"):
        for part in check.compare(p.network, p.X, p.Y, Gradient(**named), expected, reduction=reduction):
            off = extra[part.part][part.l - 2] if extra[part.part] else 0.0
            wrong += int((~(part.difference <= part.bound + off)).sum())
            size = float(np.linalg.norm(part.claimed) * np.linalg.norm(part.expected))
            cosine = float((part.claimed * part.expected).sum()) / size if size else 0.0
            cosines += cosine if np.isfinite(cosine) else 0.0
    return wrong, -cosines
