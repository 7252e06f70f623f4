"""The signs of LaTeX and of plain text, and the token that each is."""

from __future__ import annotations

GREEK = {
    "Delta", "Gamma", "Lambda", "Omega", "Phi", "Psi", "Theta", "alpha", "beta", "chi", "delta", "epsilon", "eta", "gamma",
    "kappa", "lambda", "mu", "nu", "omega", "phi", "psi", "rho", "sigma", "tau", "theta", "varepsilon", "varphi", "varrho",
    "varsigma", "vartheta", "xi", "zeta",
}  # fmt: skip
SAME = {
    "varepsilon": "epsilon", "vartheta": "theta", "varphi": "phi", "varrho": "rho", "varsigma": "sigma",
}  # fmt: skip
UNICODE = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta", "θ": "theta", "κ": "kappa",
    "λ": "lambda", "μ": "mu", "ν": "nu", "ρ": "rho", "σ": "sigma", "τ": "tau", "φ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega",
    "ξ": "xi", "Δ": "Delta", "ℓ": "ell",
}  # fmt: skip
WORDS = {
    "exp": "exp", "log": "log", "ln": "log", "tanh": "tanh", "max": "max", "diag": "diag", "sqrt": "sqrt", "abs": "abs",
    "norm": "norm", "np.sum": "np.sum", "transpose": "transpose", "np.dot": "np.dot", "np.multiply": "np.multiply",
    "np.exp": "exp", "np.log": "log", "np.tanh": "tanh", "np.sqrt": "sqrt", "np.abs": "abs", "np.maximum": "max",
    "ReLU": "relu", "relu": "relu", "np.matmul": "np.dot", "np.transpose": "transpose", "np.diag": "diag", "np.square": "square",
}  # fmt: skip
RELATIONS = {
    "=": "=", r"\equiv": ":=", "≡": ":=", ":=": ":=", r"\coloneqq": ":=", r"\triangleq": ":=", r"\doteq": ":=", "≈": "≈",
    "~=": "≈", r"\approx": "≈", r"\simeq": "≈", r"\cong": "≈", r"\leftarrow": "<-", r"\gets": "<-", r"\longleftarrow": "<-",
    "<-": "<-", "←": "<-", r"\to": "->", r"\rightarrow": "->", r"\longrightarrow": "->", r"\mapsto": "->", "->": "->",
    "→": "->", "-=": "-=", "+=": "+=",
}  # fmt: skip
OTHER = {
    "<", ">", r"\ge", r"\geq", r"\gg", r"\gt", r"\in", r"\le", r"\leq", r"\ll", r"\lt", r"\ne", r"\neq", r"\propto", r"\sim",
    "~", "∈", "≠", "≤", "≥",
}  # fmt: skip
MARKS = {
    r"\odot": "HAD", r"\circ": "HAD", r"\bigodot": "HAD", r"\otimes": "OTIMES", r"\ast": "HAD", r"\star": "HAD", "*": "HAD",
    ".*": "HAD", "⊙": "HAD", "∘": "HAD", "⊗": "OTIMES", r"\cdot": "DOT", r"\times": "TIMES", "·": "DOT", "×": "TIMES",
    "@": "AT", r"\partial": "PARTIAL", "∂": "PARTIAL", r"\part": "PARTIAL", r"\nabla": "NABLA", "∇": "NABLA", r"\sum": "SUM",
    "∑": "SUM", r"\frac": "FRAC", r"\dfrac": "FRAC", r"\tfrac": "FRAC", r"\cfrac": "FRAC", r"\sqrt": "SQRT", "√": "SQRT",
    "+": "PLUS", "-": "MINUS", "−": "MINUS", "/": "SLASH", "(": "LP", ")": "RP", "[": "LB", "]": "RB", "{": "LC", "}": "RC",
    r"\{": "LP",
    r"\}": "RP", r"\lbrace": "LP", r"\rbrace": "RP", r"\lbrack": "LB", r"\rbrack": "RB", r"\langle": "LP", r"\rangle": "RP",
    "^": "CARET", "_": "UNDER", "'": "PRIME", "′": "PRIME", r"\prime": "PRIMESIGN", ",": "COMMA", r"\top": "TOP",
    r"\intercal": "TOP", "ᵀ": "TRANSPOSE", "...": "DOTS", r"\ldots": "DOTS", r"\cdots": "DOTS", r"\dots": "DOTS",
    r"\dotsb": "DOTS", r"\dotsc": "DOTS", r"\dotsm": "DOTS", r"\|": "NORM", r"\Vert": "NORM", r"\lVert": "NORM",
    r"\rVert": "NORM", "||": "NORM", "‖": "NORM", "|": "BAR", r"\vert": "BAR", r"\lvert": "BAR", r"\rvert": "BAR",
    "**": "CARET", ".T": "TRANSPOSE", "²": "SQUARE", "³": "CUBE", "½": "HALF",
}  # fmt: skip
FONTS = {
    r"\bf", r"\bm", r"\boldmath", r"\boldsymbol", r"\mathbf", r"\mathbfit", r"\mathit", r"\mathnormal", r"\mathsf", r"\mathtt",
    r"\overrightarrow", r"\pmb", r"\underline", r"\vec",
}  # fmt: skip
SCRIPT = {
    r"\cal", r"\mathcal", r"\mathscr",
}  # fmt: skip
TEXTS = {
    r"\mathrm", r"\mbox", r"\operatorname", r"\rm", r"\text", r"\textbf", r"\textit", r"\textrm",
}  # fmt: skip
HATS = {
    r"\bar", r"\hat", r"\overline", r"\tilde", r"\widehat", r"\widetilde",
}  # fmt: skip
SPLITS = {
    ";", r"\Leftrightarrow", r"\Longrightarrow", r"\Rightarrow", r"\iff", r"\implies", r"\qquad", r"\quad", r"\therefore",
    r"\forall", "⇒", "∀",
}  # fmt: skip
SKIPPED = {
    "$", "&", ".", r"\ ", r"\!", r"\,", r"\:", r"\;", r"\Big", r"\big", r"\bigl", r"\bigr", r"\displaystyle", r"\left",
    r"\limits", r"\middle", r"\nolimits", r"\right",
}  # fmt: skip
NO_FUNCTIONS = {"softmax", "sigmoid", "argmax", "argmin", "softplus", "sign", "sgn", "tr", "Tr", "Var"}
CONNECTIVES = {
    "and", "because", "but", "finally", "hence", "i", "e", "ie", "now", "or", "since", "so", "that", "then", "therefore", "thus",
    "to", "where", "which", "with", "yields", "gives", "is", "equivalently", "clearly", "here", "if", "for", "when", "as", "by",
}  # fmt: skip
NP = {"axis", "keepdims", "True", "False"}  # in np.sum(..., axis=1)
PARAMETERS = ("eta", "alpha", "lambda", "epsilon", "mu", "gamma", "beta", "rho", "tau")  # plain numbers
SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ˡᴸˣⁿⁱʲᵏᵐ", "0123456789+-lLxnijkm", strict=True))
SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋ᵢⱼₖₗₘₙₚₓ", "0123456789+-ijklmnpx", strict=True))
