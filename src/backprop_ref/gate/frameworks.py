"""The gradients of scikit-learn, PyTorch and JAX: networks of theirs as candidates, functions of theirs for check_gradient.

What a torch network computes is told by what its modules do, not by what they are called: a Function with a backward of its
own is an activation like any other, and the loss may be any function.
"""

import copy
import inspect
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..activations import ACTIVATIONS
from ..costs import COSTS, Cost, times
from ..errors import ExtraMissing, ValueRefused
from ..network import Network
from .check import check_network
from .forms.calls import Claimed, Data
from .forms.storage import Storage
from .forms.stores import Attributes
from .report import Report

Array = NDArray[Any]
Gradients = tuple[list[Array], list[Array]]
SAME = 2.0**-30  # two functions of the registries differ by far more on the points below, roundings by far less
OF_SKLEARN = {"identity": "linear", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu", "softmax": "softmax"}
LOSSES = ("loss", "loss_fn", "loss_function", "criterion", "cost")


@dataclass(frozen=True, eq=False)
class Model:
    """A network of a framework's: what it computes, and, when it is called, the framework's own gradient of that.

    form         "sklearn" or "torch"            weights, biases   as they stand in it, in the book's storage
    activations  names, for layers 2..L          cost, factor      its loss is factor times the cost of that name
    reduction    "mean" or "sum"                 alpha             (alpha/2) times the sum of w^2, divided by m, is part of it
    said         what was recognised, in words   gradient          (weights, biases, X, Y) -> (nabla_w, nabla_b)
    """

    form: str
    weights: list[Array]
    biases: list[Array]
    activations: list[str]
    cost: str
    reduction: str
    said: str
    gradient: Callable[[Sequence[Array], Sequence[Array], Array, Array], Gradients]
    factor: float = 1.0
    alpha: float = 0.0

    def __call__(self, weights: Sequence[Array], biases: Sequence[Array], X: Array, Y: Array) -> Gradients:
        """The framework's gradient at these parameters, in their dtype. The network itself is left as it is."""
        return self.gradient(weights, biases, X, Y)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The neurons of layers 1..L."""
        return (self.weights[0].shape[1], *(len(w) for w in self.weights))

    @property
    def network(self) -> Network:
        """The same network here."""
        return Network.from_arrays(self.weights, self.biases or None, self.activations, scaled(self.cost, self.factor))

    def check(self, X: ArrayLike, Y: ArrayLike, **options: Any) -> Report:
        """check_network of this network and its own gradient, on these examples. Raises what check_network raises."""
        target = f"{self.said}, m = {len(np.asarray(X))}"
        given: dict[str, Any] = {"reduction": self.reduction, "weight_decay": self.alpha / len(np.asarray(X)), "target": target}
        return check_network(self.network, X, Y, self, **(given | options))


def scaled(cost: str, factor: float) -> Cost:
    """The cost of that name, times a factor."""
    return COSTS[cost] if factor == 1 else times(factor, COSTS[cost])


@dataclass
class ModelCall:
    """A model as one way of calling, in the child process."""

    model: Model
    store: Attributes
    names: dict[str, Any]
    layout: str = "rows"
    targets: str = "vectors"
    outlet: str = "returned"
    roles: Sequence[str] = ()

    @classmethod
    def of(cls, model: Model, names: dict[str, Any]) -> "ModelCall":
        """The only way of calling a model. names: of its module."""
        storage = Storage(model.form == "sklearn", "flat" if model.biases else "none")
        return cls(model, Attributes(model, [], [], storage, model.sizes), names)

    @property
    def form(self) -> str:
        """The name of this form, as --form takes it."""
        return self.model.form

    def __call__(self, w: Sequence[Array], b: Sequence[Array], data: Data) -> Claimed:
        """The claimed gradient at these parameters."""
        return Claimed(*self.model(w, b, data.X, data.Y))

    def rebuilt(self, new: Any) -> None:
        """Go on with one that was built with other sizes."""
        model = recognised(new, self.names)
        if model is None:
            raise LookupError("what was built with other sizes is no network of that framework")
        self.model = model

    def evidence(self) -> str:
        """One line: what was recognised."""
        return f"{self.form} form: {self.model.said}, by its own gradient"

    def notes(self) -> list[str]:
        """What is not as in the book."""
        m = self.model
        cost = m.cost if m.factor == 1 else f"{m.factor:g} times {m.cost}"
        said = [*self.store.notes(), f"recognised as {', '.join(m.activations)} with cost {cost}, {m.reduction}"]
        return said + ([f"its alpha = {m.alpha:g} is part of the cost: weight decay alpha/m"] if m.alpha else [])


def recognised(target: Any, names: dict[str, Any]) -> Model | None:
    """The model that an object is: a Model, scikit-learn's MLP, a torch network, or a pair of it and its loss; else None.

    names: of the module that it stands in, where the loss of a network alone is looked for. Imports no framework.
    """
    if isinstance(target, Model):
        return target
    if (sklearn := sys.modules.get("sklearn.neural_network")) and isinstance(
        target, sklearn.MLPClassifier | sklearn.MLPRegressor
    ):
        return from_sklearn(target)
    if not (torch := sys.modules.get("torch")):
        return None
    if isinstance(target, tuple | list) and len(target) == 2 and isinstance(target[0], torch.nn.Module) and callable(target[1]):
        return from_torch(*target)
    if not isinstance(target, torch.nn.Sequential):
        return None
    losses = [name for name in LOSSES if callable(names.get(name))]
    if len(losses) != 1:
        raise ValueRefused(
            f"A torch network is gated with its loss, and {' and '.join(losses) or 'none'} was found beside it; "
            "write a pair into the file, such as model = (network, torch.nn.MSELoss()), and gate that."
        )
    return from_torch(target, names[losses[0]])


# -------------------------------------------------------------------------------------------------------- scikit-learn


def from_sklearn(mlp: Any) -> Model:
    """A fitted MLPClassifier or MLPRegressor, with the gradient that it trains by, at any coefs_ and intercepts_.

    Its alpha is part of the cost. Raises ValueRefused for one that is not fitted, or has the Poisson loss.
    """
    kind = type(mlp).__name__
    if not hasattr(mlp, "coefs_"):
        raise ValueRefused(f"This {kind} has no coefs_ yet; fit it first, one iteration is enough: max_iter=1.")
    if mlp.out_activation_ not in OF_SKLEARN:
        raise ValueRefused(
            f"This {kind} has {mlp.out_activation_} outputs, for its loss {mlp.loss!r}; use loss='squared_error', "
            "or hold its gradient to check_gradient."
        )
    names = [mlp.activation] * (len(mlp.coefs_) - 1) + [mlp.out_activation_]
    cost = {"identity": "quadratic", "logistic": "cross_entropy", "softmax": "log_likelihood"}[mlp.out_activation_]
    weighted = "sample_weight" in inspect.signature(mlp._backprop).parameters  # since scikit-learn 1.7

    def gradient(weights: Sequence[Array], biases: Sequence[Array], X: Array, Y: Array) -> Gradients:
        own = copy.copy(mlp)
        own.coefs_, own.intercepts_ = [w.T.copy() for w in weights], [b.copy() for b in biases]
        n = len(weights)
        lists: list[list[Any]] = [[None] * n for _ in range(3)]
        given = (X, Y, None) if weighted else (X, Y)
        _, nabla_w, nabla_b = own._backprop(*given, [X, *[None] * n], *lists)
        return [v.T for v in nabla_w], list(nabla_b)

    weights, biases = [w.T.copy() for w in mlp.coefs_], [b.copy() for b in mlp.intercepts_]
    said = f"{kind} {'-'.join(map(str, (len(mlp.coefs_[0]), *(len(b) for b in biases))))}, {' '.join(names)}"
    return Model("sklearn", weights, biases, [OF_SKLEARN[n] for n in names], cost, "mean", said, gradient, alpha=float(mlp.alpha))


# ------------------------------------------------------------------------------------------------------------- PyTorch


def from_torch(network: Any, loss: Callable[..., Any]) -> Model:
    """A torch.nn.Sequential of Linear and activations, with its loss(outputs, desired): a module or any function.

    Whatever stands between two Linear modules is recognised by its values as one of our activations, and what comes after
    the last of them, with the loss, as an activation and a cost: CrossEntropyLoss is softmax with log_likelihood.
    Raises ValueRefused for anything else, ExtraMissing without torch.
    """
    torch = framework("torch", "from_torch")
    if not isinstance(network, torch.nn.Sequential):
        raise ValueRefused(
            f"A torch.nn.Sequential of Linear and activations is needed, and {type(network).__name__} is none; "
            "wrap its layers into one, or hold a function of its parameters to check_gradient."
        )
    own = copy.deepcopy((network, loss))
    linears, between = _cut(torch, _doubled(torch, own[0]))
    biased = {linear.bias is not None for linear in linears}
    if len(biased) > 1:
        raise ValueRefused("Some Linear modules of this network have biases and others not; all or none of them must.")
    sigmas = [_sigma(torch, between[l], linear.out_features, l) for l, linear in enumerate(linears[:-1], start=1)]
    end = _end(torch, between[-1], _doubled(torch, copy.deepcopy(loss)), linears[-1].out_features)
    if between[0] and _sigma(torch, between[0], linears[0].in_features, 0) != "linear":
        raise ValueRefused("What stands before the first Linear of this network changes its inputs; leave it out.")
    layers = [v for v in network.modules() if isinstance(v, torch.nn.Linear)]
    weights = [_array(v.weight).copy() for v in layers]
    biases = [_array(v.bias).copy() for v in layers if v.bias is not None]
    said = f"{' '.join(_called(m) for m in _flat(torch, network))} with {_called(loss)}"
    gradient = _autograd(torch, *own, end.targets)
    return Model("torch", weights, biases, [*sigmas, end.sigma], end.cost, end.reduction, said, gradient, end.factor)


def _called(module: Any) -> str:
    name = type(module).__name__
    if name == "Linear":
        return f"Linear({module.in_features}, {module.out_features})"
    return str(getattr(module, "__name__", name))


def _flat(torch: Any, network: Any) -> Iterator[Any]:
    for module in network:
        if isinstance(module, torch.nn.Sequential):
            yield from _flat(torch, module)
        else:
            yield module


def _cut(torch: Any, network: Any) -> tuple[list[Any], list[list[Any]]]:
    """(the Linear modules, what stands before the first, between them, and after the last)."""
    linears: list[Any] = []
    between: list[list[Any]] = [[]]
    for module in _flat(torch, network):
        if isinstance(module, torch.nn.Linear):
            linears.append(module)
            between.append([])
        else:
            between[-1].append(module)
    if not linears:
        raise ValueRefused("There is no Linear module in this network; a Sequential of Linear and activations is needed.")
    return linears, between


def _doubled(torch: Any, value: Any) -> Any:
    return value.to("cpu", torch.float64) if isinstance(value, torch.nn.Module) else value


def _run(torch: Any, modules: Sequence[Any], z: Array) -> Any:
    v = torch.tensor(z)
    for module in modules:
        v = module(v)
    return v


def _array(tensor: Any) -> Array:
    return np.asarray(tensor.detach().cpu().numpy())


def _points(m: int, n: int) -> Array:
    """m random z of n neurons, on both sides of every kink."""
    return 2 * np.random.default_rng(m).standard_normal((m, n))


def _sigma(torch: Any, modules: Sequence[Any], n: int, after: int) -> str:
    """The activation whose values these modules give. Raises ValueRefused."""
    z = _points(16, n)
    with torch.no_grad():
        a = _array(_run(torch, modules, z))
    with np.errstate(all="ignore"):
        for name, sigma in ACTIVATIONS.items():
            expected = sigma.sigma(z.T).T
            if a.shape == expected.shape and np.abs(a - expected).max() <= SAME * max(1.0, float(np.abs(expected).max())):
                return name
    raise ValueRefused(
        f"{' '.join(map(_called, modules))}, after Linear {after} of this network, is none of our activations: "
        f"{', '.join(ACTIVATIONS)}. Hold a function of its parameters to check_gradient."
    )


@dataclass(frozen=True)
class _End:
    """What stands after the last Linear. targets: how the loss takes the desired outputs."""

    sigma: str
    cost: str
    factor: float
    reduction: str
    targets: str


def _desired(torch: Any, Y: Array, targets: str) -> Any:
    if targets == "labels":
        return torch.tensor(Y.argmax(axis=1))
    return torch.tensor(Y.reshape(-1) if targets == "flat" else Y)


def _end(torch: Any, modules: Sequence[Any], loss: Callable[..., Any], n: int) -> _End:
    """The activation and the cost whose values, or a multiple, the last modules and the loss give. Raises ValueRefused."""
    draws = [(_points(m, n), np.eye(n)[np.arange(m) % n] if n > 1 else np.arange(m)[:, None] % 2.0) for m in (3, 4, 5, 7)]
    failed, ran = "", False
    for targets in ("vectors", "labels", "flat"):
        try:
            with warnings.catch_warnings(), torch.no_grad():
                warnings.simplefilter("ignore")  # of shapes that torch broadcasts
                got = np.array([float(loss(_run(torch, modules, z), _desired(torch, Y, targets))) for z, Y in draws])
        except (RuntimeError, ValueError, TypeError, IndexError) as error:  # targets of another kind
            failed = failed or f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
            continue
        ran = True
        found = [_End(*end, targets) for end in _ends(draws, got)]
        if found:
            return min(found, key=lambda end: end.factor != 1)
    what = f"{' '.join(map(_called, [*modules, loss]))}, after the last Linear of this network,"
    if not ran:
        raise ValueRefused(f"{what} cannot be called as loss(outputs, desired): {failed}")
    raise ValueRefused(f"{what} is none of our costs: {', '.join(COSTS)}.")


def _ends(draws: Sequence[tuple[Array, Array]], got: Array) -> Iterator[tuple[str, str, float, str]]:
    with np.errstate(all="ignore"):
        for (s, sigma), (c, cost) in ((s, c) for s in ACTIVATIONS.items() for c in COSTS.items()):
            each = [cost.C(sigma.sigma(z.T), Y.T) for z, Y in draws]
            for reduction, f in (("mean", np.mean), ("sum", np.sum)):
                ratio = got / np.array([f(v) for v in each])
                if np.isfinite(ratio).all() and ratio[0] > 0 and np.ptp(ratio) <= SAME * ratio[0]:
                    factor = float(Fraction(ratio[0]).limit_denominator(1000))
                    if abs(factor - ratio[0]) <= SAME * ratio[0]:
                        yield s, c, factor, reduction


def _autograd(torch: Any, network: Any, loss: Any, targets: str) -> Callable[..., Gradients]:
    def gradient(weights: Sequence[Array], biases: Sequence[Array], X: Array, Y: Array) -> Gradients:
        dtype = torch.tensor(weights[0]).dtype
        own, own_loss = (v.to("cpu", dtype) if isinstance(v, torch.nn.Module) else v for v in copy.deepcopy((network, loss)))
        linears = [v for v in own.modules() if isinstance(v, torch.nn.Linear)]
        own.requires_grad_(True).zero_grad()
        with torch.no_grad():
            for i, linear in enumerate(linears):
                linear.weight.copy_(torch.tensor(weights[i]))
                if len(biases):
                    linear.bias.copy_(torch.tensor(biases[i]))
        own_loss(own(torch.tensor(X)), _desired(torch, Y, targets)).backward()
        return [_grad(v.weight) for v in linears], [_grad(v.bias) for v in linears] if len(biases) else []

    return gradient


def _grad(parameter: Any) -> Array:
    """What autograd left: None stands for zero."""
    return np.zeros(parameter.shape, _array(parameter).dtype) if parameter.grad is None else _array(parameter.grad)


# ------------------------------------------------------------------------------------- functions, for check_gradient


def framework(name: str, needs: str) -> Any:
    """A framework, imported. Raises ExtraMissing with the command that installs it."""
    try:
        return import_module(name)
    except ImportError as error:
        raise ExtraMissing(needs, name, name) from error


def torch_function(f: Callable[..., Any], products: bool = False) -> tuple[Callable[[Any], Any], Callable[..., Any]]:
    """(f, its gradient by torch's autograd), both of NumPy arrays: check_gradient(*torch_function(f), x).

    f: takes a tensor, or a tuple, list or dict of them, nested, and returns a tensor: one number, or an array, whose gradient
    is then the Jacobian; with products=True it is the vector-Jacobian product, (x, v) -> v J. The apply of a
    torch.autograd.Function is such an f, and its backward is what is checked. Raises ExtraMissing without torch.
    """
    torch = framework("torch", "torch_function")

    def value(x: Any) -> Any:
        with torch.no_grad():
            return _plain(_array(f(_mapped(lambda v: torch.tensor(np.array(v)), x))))

    def pulled(x: Any) -> tuple[Any, Callable[[Any], Any]]:
        leaves: list[Any] = []

        def leaf(v: Any) -> Any:
            leaves.append(torch.tensor(np.array(v), requires_grad=True))
            return leaves[-1]

        given = _mapped(leaf, x)
        out = f(given)

        def back(v: Array) -> Any:
            along = torch.tensor(v, dtype=out.dtype)
            found = torch.autograd.grad(out, leaves, along, retain_graph=True, allow_unused=True)
            grads = iter(
                np.zeros(u.shape, _array(u).dtype) if g is None else _array(g) for g, u in zip(found, leaves, strict=True)
            )
            return _mapped(lambda _: _plain(next(grads)), x)

        return tuple(out.shape), back

    return value, _gradient(f, pulled, products)


def jax_function(f: Callable[..., Any], products: bool = False) -> tuple[Callable[[Any], Any], Callable[..., Any]]:
    """(f, its gradient by JAX), both of NumPy arrays, in double precision: check_gradient(*jax_function(f), x).

    As torch_function; the gradient is jax.vjp of f, which is jax.grad where f returns a number, and goes through the
    custom_vjp of what is inside. Raises ExtraMissing without jax.
    """
    jax = framework("jax", "jax_function")

    def value(x: Any) -> Any:
        with _double(jax):
            return _plain(np.asarray(f(_mapped(jax.numpy.asarray, x))))

    def pulled(x: Any) -> tuple[Any, Callable[[Any], Any]]:
        with _double(jax):
            out, vjp = jax.vjp(f, _mapped(jax.numpy.asarray, x))

        def back(v: Array) -> Any:
            with _double(jax):
                (found,) = vjp(jax.numpy.asarray(v, out.dtype))
                return _mapped(lambda g: _plain(np.asarray(g)), found)

        return tuple(out.shape), back

    return value, _gradient(f, pulled, products)


def from_jax(cost: Callable[..., Any]) -> Callable[..., Gradients]:
    """A candidate for check_network: jax.grad of cost(weights, biases, X, Y), in the dtype of the network.

    cost: returns one number. Raises ExtraMissing without jax.
    """
    jax = framework("jax", "from_jax")
    grad = jax.grad(cost, argnums=(0, 1))

    def gradient(weights: Sequence[Array], biases: Sequence[Array], X: Array, Y: Array) -> Gradients:
        with _double(jax):  # float32 arrays stay float32 in it
            nabla_w, nabla_b = grad(*(_mapped(jax.numpy.asarray, v) for v in (list(weights), list(biases), X, Y)))
            return [np.asarray(v) for v in nabla_w], [np.asarray(v) for v in nabla_b]

    return gradient


def _double(jax: Any) -> Any:
    """Within this, float64 arrays stay float64."""
    return (jax if hasattr(jax, "enable_x64") else import_module("jax.experimental")).enable_x64(True)


def _gradient(f: Any, pulled: Callable[[Any], tuple[Any, Callable[[Any], Any]]], products: bool) -> Callable[..., Any]:
    def gradient(x: Any) -> Any:
        shape, back = pulled(x)
        if not shape:
            return back(np.ones(()))
        rows = np.eye(int(np.prod(shape))).reshape(-1, *shape)
        return np.stack([back(v) for v in rows]).reshape(*shape, *np.shape(x))

    def product(x: Any, v: Array) -> Any:
        return pulled(x)[1](v)

    chosen: Callable[..., Any] = product if products else gradient
    chosen.__name__ = f"autograd of {getattr(f, '__name__', type(f).__name__)}"
    return chosen


def _mapped(f: Callable[[Any], Any], x: Any) -> Any:
    """A container of the same kind, with f of each of its leaves."""
    if isinstance(x, dict):
        return {k: _mapped(f, v) for k, v in x.items()}
    if isinstance(x, tuple | list):
        return type(x)([_mapped(f, v) for v in x])
    return f(x)


def _plain(v: Array) -> Any:
    return v if v.ndim else v[()]
