"""What an argument stands for, by its name. A name may have several roles; they are tried one after another."""

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

PATTERNS = {
    "weights": r"weights?|ws|ww|w|thetas?|coefs?_?|weight_?list|matrices",
    "biases": r"bias(es)?|bs|bb|b|intercepts?_?|bias_?list|thresholds?",
    "params": r"params?|parameters?|model|net|network|nn|weights|p|theta_?dict",
    "flat": r"thetas?|nn_?params?|params?|parameters|vec|vector|flat|weights|w|p|v|x0|unrolled\w*",
    "passed": r"[az]_?\d+|(hidden|output|layer)_?(layer_?)?(outputs?|activations?|inputs?|sums?)|h|probs",
    "array": r"(?![az]_?\d)[a-z_]*\d+|[wb]_?[a-z]{1,3}|(w|b|weights?|bias)_[a-z_]+",
    "X": r"x|xs|inputs?(_?list|_?data)?|features|a0|a_0|images?|samples?|x_?(train|batch|in|data|i)|batch_x|training_inputs"
    r"|data|input_?vector|patterns?",
    "Y": r"y|ys|yy|targets?(_?list|_?data|_?vector)?|labels?|t|ts|d|desired(_?outputs?)?|y_?(train|batch|true|data|i)|batch_y"
    r"|expected(_?outputs?)?|outputs|training_outputs|classes|truth|onehot|one_hot",
    "output": r"al|a[2-9]|y_?hat|yhat|y_?pred|pred|predictions?|outputs?|out|o|probs|a_?out|final_outputs?",
    "cache": r"caches?|memory|activations|store|saved|hidden|a|state|z_?and_?a",
    "eta": r"eta|lr|alpha|rate|step_?size|learning_?rate|l_?rate|step",
    "epochs": r"epochs?|n_?(iters?|epochs?|iterations?|steps)|num_?(iters?|iterations?|epochs?|steps)|iterations?|iters?"
    r"|max_?(iter|iters|iterations|epochs)|rounds|steps|nb_?epochs?",
    "batch_size": r"(mini_?)?batch_?size|bs|batchsize",
    "batch": r"(mini_?)?batch(es)?|training_?data|data|examples|pairs|training_?set",
    "sizes": r"sizes|layers|layer_?(sizes|dims)|dims|architecture|topology|shape",
    "size": r"(input|hidden|output)s?(_?layer)?_?(size|dim|nodes|units|neurons)?|num_?(labels|classes|inputs|outputs|hidden)"
    r"|n_?(in|h|hid|hidden|out|x|y|inputs?|outputs?|features|classes|hiddens?)(_?size)?",
    "decay": r"lambda_?|lambd|lmbda|reg|reg_?lambda|lam|regularization|l2|weight_?decay|decay",
    "sigmas": r"activations|sigmas|activation_?(functions?|names)|nonlinearities",
    "quiet": r"verbose|print_?\w*|plot\w*|show\w*|debug|disp|display",
}
ROLES = {role: re.compile(pattern, re.IGNORECASE) for role, pattern in PATTERNS.items()}
STORES = ("weights", "params", "flat", "array")
OPTIONAL = ("eta", "epochs", "batch_size", "quiet", "sigmas")  # passed although there is a default


@dataclass(frozen=True)
class Signature:
    """The arguments of a callable by role: (name, role) for each that is passed, in order."""

    arguments: tuple[tuple[str, str], ...]
    by_name: frozenset[str]

    @property
    def roles(self) -> list[str]:
        """The roles, in order."""
        return [role for _, role in self.arguments]

    def bound(self, values: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """(positional, by name) for a call; values by role, or by name."""
        positional, named = [], {}
        for name, role in self.arguments:
            value = values[name] if name in values else values[role]
            if name in self.by_name:
                named[name] = value
            else:
                positional.append(value)
        return positional, named


def parameters(f: Callable[..., Any]) -> list[inspect.Parameter]:
    """The parameters of a callable; none if they cannot be known."""
    try:
        return [
            p
            for p in inspect.signature(f).parameters.values()
            if p.kind not in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        ]
    except (ValueError, TypeError):
        return []


def is_role(name: str, role: str) -> bool:
    """True if a name may stand for a role."""
    return bool(ROLES[role].fullmatch(name.strip("_") or name))


def signatures(f: Callable[..., Any]) -> Iterator[Signature]:
    """The ways to read the arguments of f, the likeliest first; at most one of each role but array, size and passed."""
    choices: list[list[tuple[str, str]]] = []
    by_name = set()
    for p in parameters(f):
        required = p.default is inspect.Parameter.empty
        roles = [role for role in ROLES if is_role(p.name, role)]
        if not required:
            roles = [r for r in roles if r in (*OPTIONAL, "X", "Y")][:1]
            if not roles or (roles[0] in ("X", "Y") and p.default is not None):
                continue  # a default of its own is left as it is
            by_name.add(p.name)
        if not roles:
            roles = ["X", "Y", "params"]  # a name of its own: whatever is still missing
        if p.kind is inspect.Parameter.KEYWORD_ONLY:
            by_name.add(p.name)
        choices.append([(p.name, role) for role in roles])
    for tried, arguments in enumerate(product(*choices)):
        if tried == 4096:
            return
        signature = Signature(arguments, frozenset(by_name))
        roles = [r for r in signature.roles if r not in ("array", "size", "passed")]
        stores = [s for s in STORES if s in signature.roles]
        if len(set(roles)) == len(roles) and len(stores) <= 1 and not ({"batch", "X"} <= set(roles)):
            if "biases" in roles and "weights" not in roles:
                continue
            yield signature
