"""The chapter's proofs as documents, in our own words; the checker runs on them."""

from importlib.resources import files

from ..errors import UnknownName

NAMES = ("bp1", "bp2", "bp3", "bp4", "sigma_matrix", "paths", "sgd", "softmax")


def text(name: str) -> str:
    """The document of that name, as Markdown. Raises UnknownName."""
    if name not in NAMES:
        raise UnknownName("proof", name, NAMES)
    return files(__package__).joinpath(f"{name}.md").read_text(encoding="utf-8")
