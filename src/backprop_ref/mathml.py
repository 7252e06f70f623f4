"""Formulas as MathML, which a browser sets by itself: the corner of LaTeX that the catalogue and a derivation are written in."""

import re
from html import escape

TOKEN = re.compile(r"\\(?:text|mathrm|operatorname|mathbf)\{[^{}\\]*\}|\\[a-zA-Z]+|\\.|[0-9]+|[^\s]")
LETTERS = {
    "alpha": "α", "delta": "δ", "epsilon": "ε", "eta": "η", "lambda": "λ", "mu": "μ", "nabla": "∇", "partial": "∂",
    "rho": "ρ", "sigma": "σ", "theta": "θ", "Sigma": "Σ", "top": "⊤",
}  # fmt: skip
SIGNS = {
    "approx": "≈", "cdot": "⋅", "dots": "…", "equiv": "≡", "ldots": "…", "leftarrow": "←", "odot": "⊙", "pm": "±",
    "prod": "∏", "prime": "′", "sum": "∑", "times": "×", "|": "‖",
}  # fmt: skip
FUNCTIONS = ("exp", "ln", "log", "max", "min", "tanh")
SPACES = {"quad": "1em", ",": "0.17em", " ": "0.3em"}
SILENT = ("textstyle", "left", "right")


def mathml(latex: str) -> str:
    """A formula as a <math> element. Raises KeyError for a command that is not in it."""
    reader = _Reader(TOKEN.findall(latex.replace("\\ ", "\\quad ")))
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML"><mrow>{reader.row()}</mrow></math>'


class _Reader:
    def __init__(self, tokens: list[str]) -> None:
        self.tokens, self.i = tokens, 0

    def row(self, end: str = "") -> str:
        """Everything up to an end token, or to the end."""
        made = []
        while self.i < len(self.tokens):
            if end and self.tokens[self.i] == end:
                self.i += 1
                break
            made.append(self.scripted())
        return "".join(made)

    def scripted(self) -> str:
        """An atom with what stands above and below it."""
        base, above, below = self.atom(), "", ""
        while self.i < len(self.tokens) and self.tokens[self.i] in "^_'":
            sign = self.tokens[self.i]
            self.i += 1
            if sign == "'":
                above += "<mo>′</mo>"
            elif sign == "^":
                above += self.atom()
            else:
                below += self.atom()
        if above and below:
            return f"<msubsup>{base}<mrow>{below}</mrow><mrow>{above}</mrow></msubsup>"
        if above:
            return f"<msup>{base}<mrow>{above}</mrow></msup>"
        return f"<msub>{base}<mrow>{below}</mrow></msub>" if below else base

    def atom(self) -> str:
        token = self.tokens[self.i]
        self.i += 1
        if token == "{":
            return f"<mrow>{self.row('}')}</mrow>"
        if token.startswith("\\"):
            return self.command(token[1:])
        if token[0].isdigit():
            return f"<mn>{token}</mn>"
        if token in "()":  # else the one that bears an exponent stays small, and the other grows
            return f'<mo stretchy="false">{token}</mo>'
        return f"<mi>{token}</mi>" if token.isalpha() else f"<mo>{escape(token)}</mo>"

    def command(self, name: str) -> str:
        if name in LETTERS:
            return f"<mi>{LETTERS[name]}</mi>"
        if name in SPACES:
            return f'<mspace width="{SPACES[name]}"></mspace>'
        if name in SILENT:
            return ""
        if name == "sqrt":
            return f"<msqrt>{self.atom()}</msqrt>"
        if name in FUNCTIONS:
            return f"<mi>{name}</mi>"
        if name in ("frac", "tfrac"):
            return f"<mfrac>{self.atom()}{self.atom()}</mfrac>"
        if name == "overline":
            return f"<mover>{self.atom()}<mo>¯</mo></mover>"
        if name in ("text", "mathrm", "mathbf"):  # a formula stands among the words
            return self.atom()
        if name.partition("{")[0] in ("text", "mathrm", "mathbf", "operatorname"):
            return f"<mtext>{escape(name.partition('{')[2][:-1])}</mtext>"
        return f"<mo>{SIGNS[name]}</mo>"
