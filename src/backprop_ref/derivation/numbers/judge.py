"""Both sides of a line on random networks: equal on all of them, or the smallest network found on which they differ."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import islice, product
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, find, reject, settings
from hypothesis.configuration import set_hypothesis_home_dir, storage_directory
from hypothesis.errors import NoSuchExample, Unsatisfiable

from ..given import Given
from ..notation import tree
from ..notation.tree import Node
from ..verdicts import Counterexample, Holds, NoNumbers
from .draw import Wanted, networks
from .epsilon import Undefined, mp
from .evaluate import Reading, derivatives, transcendental
from .explain import Difference, counterexample
from .network import Drawn, Rules, Run
from .ratio import Ratio
from .shapes import ANY, SCALAR, Binder, NoValue, Shape, shape_in_words
from .values import Piece, count, entries, spread

SECONDS = 1.2  # that a line may take, and
SECONDS_FOR_RATIO = 0.3  # more for what its sides have in common
INDEX_VALUES = 100  # that are tried on a network
ENOUGH = 8  # networks, fewer of which say nothing
SHRINKS = 300  # networks that are tried for a smaller counterexample
NETWORKS_FOR_RATIO = 12
LARGEST_ORDER = 4  # of derivatives, one in another
PIECES = 3000  # of which a formula may consist
CLOSENESS = 10**-30
ROUNDED = ("sigmoid", "tanh", "softplus")
LOGARITHMIC = ("cross_entropy", "log_likelihood")


def judge(left: Node, right: Node, given: Given, *, seed: int = 0, networks: int = 25) -> Holds | Counterexample | NoNumbers:
    """left = right, tried on that many networks, for every value of its indices and every layer l that it can speak of.

    Over fractions, with polynomial sigma and cost, wherever the line and what is given allow it: then equal means equal.
    """
    try:
        said = _judge(left, right, given, seed, networks, softmax_itself=False)
        if isinstance(said, Counterexample) and given.softmax and given.sigma is None:
            itself = _judge(left, right, given, seed, networks, softmax_itself=True)
            if isinstance(itself, Holds):
                return replace(itself, domain=f"{itself.domain}, for softmax itself")
            return itself if isinstance(itself, Counterexample) else said
        return said
    except NoValue as error:
        return NoNumbers(str(error))
    except RecursionError:
        return NoNumbers("the formula is nested too deeply")
    except ImportError:
        return NoNumbers('this line needs more digits than a float has: pip install "backprop-ref[derivation]"')


@dataclass
class Line:
    """A line that was read: its sides, its free indices, and what networks it needs; then what was found.

    one_sided: which index is free on one side only, if one is: such a line may be true, but no failure of it says anything.
    """

    left: Piece
    right: Piece
    reading: Reading
    wanted: Wanted
    deadline: float
    one_sided: str
    tried: int = 0
    shrinks: int = 0
    undefined: str = ""
    best: tuple[Any, Difference] | None = None

    def differs(self, net: Drawn) -> bool:
        """Do the sides differ on this network? The smallest difference is kept."""
        self.shrinks += self.best is not None
        if self.shrinks > (0 if self.one_sided else SHRINKS):
            raise OutOfTime
        if self.deadline == float("inf"):  # what Hypothesis loads before its first network is not the line's time
            self.deadline = time.thread_time() + SECONDS
        try:
            found = next(self.differences(net), None)
        except Undefined as error:
            self.undefined = str(error)
            reject()  # and draw another
        self.tried += 1
        if found is None:
            return False
        if self.best is None or complexity(net) < self.best[0]:
            self.best = complexity(net), found
        return True

    def differences(self, net: Drawn) -> Iterator[Difference]:
        """Each layer and each value of the free indices for which the sides differ."""
        run = TimedRun(net, self.wanted.rules, deadline=self.deadline)
        for place in self.places(run):
            left, right = self.both(run)
            scale = max(abs(run.largest), *map(abs, (*left, *right))) * CLOSENESS if not run.rules.exact else 0
            n = next((n for n, (u, v) in enumerate(zip(left, right, strict=True)) if abs(u - v) > scale), None)
            if n is not None:
                yield Difference(Run(net, run.rules), dict(run.layers), place, left[n], right[n], self.entry(run, n))

    def places(self, run: Run) -> Iterator[dict[Binder, int]]:
        """The run set to each layer and each value of the free indices in turn."""
        free = list(self.reading.free.values())
        for layers in self.reading.demands.places(run.net.L):
            run.layers = layers
            spans = [range(count(run, self.reading.axis(binder))) for binder in free]
            for values in islice(product(*spans), INDEX_VALUES):
                place = dict(zip(free, values, strict=True))
                run.index.update(place)
                run.check_time()
                yield place

    def both(self, run: Run) -> tuple[list[Any], list[Any]]:
        """The entries of both sides."""
        left, right = (entries(spread(p.value(run), p.shape, self.shape, run)) for p in (self.left, self.right))
        return (left, right) if run.rules.exact else ([mp().convert(v) for v in left], [mp().convert(v) for v in right])

    @property
    def shape(self) -> Shape:
        """The shape of both sides; of the wider one, if the other is a number or an identity matrix."""
        return max(self.left.shape, self.right.shape, key=lambda s: sum(axis is not None and s != ANY for axis in s))

    def entry(self, run: Run, n: int) -> tuple[int, ...]:
        """Row and column of the n-th entry, of the axes that there are."""
        at = divmod(n, count(run, self.shape[1])) if self.shape != ANY else ()
        return tuple(i for i, axis in zip(at, self.shape, strict=False) if axis is not None)


class OutOfTime(BaseException):
    """The line has had its time. Hypothesis lets a BaseException through; it would count an Exception as a finding."""


@dataclass(eq=False)
class TimedRun(Run):
    """A run that ends at its deadline."""

    deadline: float = field(default=0.0, kw_only=True)

    def check_time(self) -> None:
        """Raises OutOfTime."""
        if time.thread_time() > self.deadline:
            raise OutOfTime


def complexity(net: Drawn) -> tuple[Any, ...]:
    """The smaller, the easier a network is to follow."""
    numbers = [v for table in (*net.w.values(), net.x, net.y) for row in table for v in row]
    numbers += [v for row in net.b.values() for v in row]
    numbers += [c for coefficients in net.sigma.values() for c in coefficients]
    return sum(net.sizes.values()), len(net.x), sum(abs(v) for v in numbers) + sum(v.denominator + (v < 0) for v in numbers)


def _judge(
    left: Node, right: Node, given: Given, seed: int, networks_wanted: int, softmax_itself: bool
) -> Holds | Counterexample | NoNumbers:
    line = read(left, right, given, softmax_itself)
    if not line.wanted.rules.exact:
        mp()
    search(line, line.differs, seed, networks_wanted)
    if line.best is not None:
        if line.one_sided:
            return NoNumbers(line.one_sided)
        ratio = None if softmax_itself else _ratio(line, seed)  # only whether it holds is asked of softmax itself
        return counterexample(line.best[1], line.left, line.right, ratio)
    if not line.tried:
        return NoNumbers(f"no network gave numbers: {line.undefined or 'none was small enough'}")
    if line.tried < min(networks_wanted, ENOUGH):
        return NoNumbers(f"only {line.tried} networks gave numbers: {line.undefined or 'a line has its time'}")
    domain = line.reading.demands.domain()
    if line.tried < networks_wanted:
        domain += f" (on {line.tried} networks: {line.undefined or 'a line has its time'})"
    return Holds(line.tried, line.wanted.rules.exact, domain)


def read(left: Node, right: Node, given: Given, softmax_itself: bool = False) -> Line:
    """Both sides as pieces. Raises NoValue where an index or a shape does not fit."""
    if sum(1 for side in (left, right) for _ in islice(tree.descendants(side), PIECES)) >= PIECES:
        raise NoValue(f"the formula has more than {PIECES} pieces")
    reading = Reading(given)
    u, v = reading.read(left, {}), reading.read(right, {})
    _fit(u, v)
    reading.settle()
    wanted = _wanted(reading, (left, right), given, softmax_itself)
    return Line(u, v, reading, wanted, float("inf"), _one_sided(left, right, given))


def search(line: Line, accept: Callable[[Drawn], bool], seed: int, most: int) -> None:
    """Draw that many networks, until one is accepted; then smaller ones."""
    quiet = settings(
        max_examples=most,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    with warnings.catch_warnings(), nothing_on_disk(), suppress(NoSuchExample, Unsatisfiable, OutOfTime):
        warnings.simplefilter("ignore")
        find(networks(line.wanted), accept, settings=quiet, random=Random(seed))


@contextmanager
def nothing_on_disk() -> Iterator[None]:
    """Hypothesis keeps what it knows of the program's constants in a folder: not here."""
    home = storage_directory(intent_to_write=False).home_directory
    set_hypothesis_home_dir(os.devnull)
    try:
        yield
    finally:
        set_hypothesis_home_dir(home)


def _ratio(line: Line, seed: int) -> str | None:
    layers = {d.layer for d in line.reading.demands.layers if not d.repeats and d.layer.base != ""}
    ratio = Ratio(() if line.wanted.thin else layers, line.reading.demands.many_examples)

    def hear(net: Drawn) -> bool:
        with suppress(Undefined):
            run = TimedRun(net, line.wanted.rules, deadline=line.deadline + SECONDS_FOR_RATIO)
            for _ in line.places(run):
                for u, v in zip(*line.both(run), strict=True):
                    ratio.hear(run, u, v)
        return False

    search(line, hear, seed, NETWORKS_FOR_RATIO)
    return ratio.text


def _fit(u: Piece, v: Piece) -> None:
    """Raises NoValue unless the sides have one shape; a number by itself equals any array of it."""
    shapes = {u.shape, v.shape}
    if len(shapes) == 1:
        return
    constant = any(isinstance(p.node, tree.Number) for p in (u, v)) and ANY not in shapes
    if constant or (ANY in shapes and all(rows == columns and rows is not None for rows, columns in shapes)):
        return
    raise NoValue(f"the left side is {shape_in_words(u.shape)}, the right side is {shape_in_words(v.shape)}")


def _one_sided(left: Node, right: Node, given: Given) -> str:
    """Which indices are free on one side only; a side without any quantity is the same for all of the other's."""
    names = []
    for side in (left, right):
        alone = Reading(given)
        alone.read(side, {})
        names.append(set(alone.free))
    extra = set[str]()
    for side, ours, theirs in ((left, names[0], names[1]), (right, names[1], names[0])):
        if any(isinstance(n, tree.Quantity) for n in tree.descendants(side)):
            extra |= theirs - ours
    return f"{' and '.join(sorted(extra))} {'are' if len(extra) > 1 else 'is'} free on one side only" if extra else ""


def _wanted(reading: Reading, sides: tuple[Node, Node], given: Given, softmax_itself: bool) -> Wanted:
    cost = given.cost
    trees = tuple(side for side in (*sides, cost, given.formula) if isinstance(side, Node))
    logs = cost in LOGARITHMIC or any(
        isinstance(n, tree.Apply) and n.function in ("log", "sqrt") for side in trees for n in tree.descendants(side)
    )
    itself = given.softmax and (softmax_itself or given.sigma is not None or cost in LOGARITHMIC)
    exact = not (itself or logs or given.sigma in ROUNDED or transcendental(*trees))
    sigma = given.sigma if given.formula is None else Reading(given).read(given.formula, {}).value
    rules = Rules(exact, sigma, itself, logs and sigma is None, cost if not isinstance(cost, Node) else None)
    if isinstance(cost, Node):
        whole = Reading(given)
        piece = whole.read(cost, {})
        whole.settle()
        if piece.shape != SCALAR or whole.free:
            free = f", with {' and '.join(whole.free)} free" if whole.free else ""
            raise NoValue(f"the cost that is given is {shape_in_words(piece.shape)}{free}: it must be a number")
        reading.demands.names |= whole.demands.names
        reading.demands.layers += whole.demands.layers
        rules = replace(rules, cost=piece.value)
    depths = tuple(reading.demands.depths())
    mixing, one_hot = given.softmax and not itself, given.softmax and logs
    return Wanted(reading.demands, rules, given.thin, mixing, one_hot, depths, _order(sides, cost))


def _order(sides: tuple[Node, ...], cost: Node | str | None) -> int:
    """How many derivatives are taken one in another, in a side and in the cost that is given. Raises NoValue if too many."""
    order = max(map(derivatives, sides)) + (derivatives(cost) if isinstance(cost, Node) else 0)
    if order > LARGEST_ORDER:
        raise NoValue(f"{order} derivatives one in another: numbers are computed up to {LARGEST_ORDER}")
    return order
