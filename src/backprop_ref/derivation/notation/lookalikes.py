"""Characters that look like another one: one spelling for each, so that the grammars need no other."""

from __future__ import annotations

import unicodedata

CLEAR = {
    "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "﹣": "-", "′": "'", "’": "'", "‘": "'", "ʹ": "'", "´": "'", "″": "''",
    "µ": "μ", "∆": "Δ", "ϵ": "ε", "ϑ": "θ", "ϕ": "φ", "∗": "*", "∙": "·", "⋅": "·", "•": "·", "◦": "∘", "○": "∘", "⨀": "⊙",
    "☉": "⊙", "ʘ": "⊙", "∥": "‖", "∣": "|", "│": "|", "≔": ":=", "⟵": "←", "⟶": "→", "⊺": "ᵀ", "⊤": "ᵀ", "。": ".", "、": ",",
    "…": "...", "⋯": "...", "∕": "/", "⁄": "/", "÷": "/", "“": '"', "”": '"', "\u00ad": "", "\u200b": "", "\u200c": "",
    "\u200d": "", "\u2060": "", "\ufeff": "", "\u2061": "", "\u2062": "",
}  # fmt: skip
COMMANDS = {
    "α": r"\alpha", "β": r"\beta", "γ": r"\gamma", "δ": r"\delta", "ε": r"\epsilon", "η": r"\eta", "θ": r"\theta",
    "λ": r"\lambda", "μ": r"\mu", "ρ": r"\rho", "σ": r"\sigma", "τ": r"\tau", "φ": r"\phi", "ω": r"\omega", "Δ": r"\Delta",
    "Σ": r"\Sigma", "∂": r"\partial", "∇": r"\nabla", "∑": r"\sum", "∏": r"\prod", "⊙": r"\odot", "⊗": r"\otimes",
    "∘": r"\circ", "·": r"\cdot", "×": r"\times", "‖": r"\|", "≈": r"\approx", "≡": r"\equiv", "≠": r"\neq", "≤": r"\le",
    "≥": r"\ge", "←": r"\leftarrow", "→": r"\to", "√": r"\sqrt", "ℓ": r"\ell", "ᵀ": r"^\top", "²": "^2", "³": "^3",
    "½": r"\frac12", "∈": r"\in", "∞": r"\infty", "ℒ": r"\mathcal{L}",
}  # fmt: skip


def plain(character: str) -> str:
    """The one spelling of a character: none, one or a few characters."""
    if character.isascii():
        return character
    if character in CLEAR:
        return CLEAR[character]
    if character.isspace():
        return " "
    if "\uff01" <= character <= "\uff5e" or "\U0001d400" <= character <= "\U0001d7ff":  # full width; mathematical letters
        folded = unicodedata.normalize("NFKC", character)
        return folded if folded.isascii() else CLEAR.get(folded, folded)
    return character


def latex(character: str) -> str:
    """The same in LaTeX: δ is \\delta."""
    folded = plain(character)
    return COMMANDS.get(folded, folded)
