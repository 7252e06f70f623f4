"""Somebody's file, loaded: imports, assignments, functions and classes are run; loops, if, with and bare calls are not.

It runs in the child process. A notebook is its code cells one after another, without the lines that are IPython's.
"""

import ast
import importlib.util
import json
import os
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

DEFINITIONS = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
ASSIGNMENTS = (ast.Assign, ast.AnnAssign, ast.AugAssign)
PYTHON_2 = ("Missing parentheses in call to", "multiple exception types must be parenthesized", "leading zeros in decimal")
BY_PYTHON = ("<>", "`", "exec ", "raise ")
EXTRAS = ("torch", "sklearn", "jax")
KINDS = {ast.For: "for", ast.While: "while", ast.If: "if", ast.With: "with", ast.Expr: "call", ast.Try: "try"}


class Refused(Exception):
    """A target that cannot be loaded as what it should be: wrong use, with the sentence to print."""


@dataclass
class Loaded:
    """A module of somebody's, and what was not run of it.

    left_out    (first line, last line, what) of the statements that were not run
    failed      sentences about assignments and imports that raised
    missing     a framework that it imports and that is not installed
    """

    module: types.ModuleType
    file: str
    left_out: list[tuple[str, int, int, str]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    missing: str = ""

    def require_frameworks(self) -> None:
        """Raises Refused if what it defines is not all there because a framework is not installed."""
        if self.missing:
            raise Refused(f"{self.file} needs {self.missing}, which is not installed: pip install 'backprop-ref[{self.missing}]'")


def load(target: str, run_module: bool) -> tuple[Loaded, str]:
    """(the module, the name in it) of path/file.py:name, path/notebook.ipynb:name or package.module:name. Raises Refused."""
    where, name = split(target)
    if where.endswith((".py", ".ipynb")) or os.sep in where or "/" in where:
        file, qualified, package = Path(where), "target_" + Path(where).stem.replace(".", "_"), ""
        if not file.is_file():
            raise Refused(f"There is no file {where}.{_near(file)}")
        sys.path.insert(0, str(file.resolve().parent))
    else:
        sys.path.insert(0, os.getcwd())
        file, qualified, package = _of_module(where)
    module = types.ModuleType(qualified)
    module.__file__, module.__package__ = str(file), package
    sys.modules[qualified] = module
    loaded = Loaded(module, where if package == "" else str(file))
    for label, source in _sources(file):
        _execute(loaded, label, source, run_module)
    return loaded, name


def split(target: str) -> tuple[str, str]:
    """('file.py', 'name') of 'file.py:name'; the name may be missing."""
    head, colon, name = target.rpartition(":")
    if not colon or "/" in name or os.sep in name:  # C:\file.py has a colon of its own
        return target, ""
    return head, name


def _near(file: Path) -> str:
    others = [p.name for p in file.parent.glob("*") if p.suffix in (".py", ".ipynb")] if file.parent.is_dir() else []
    near = get_close_matches(file.name, others, n=1, cutoff=0.75)
    return f" Did you mean {file.parent / near[0]}?" if near else ""


def _of_module(name: str) -> tuple[Path, str, str]:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError) as error:
        raise Refused(f"{name} is no module that can be found: {error}. Give a file as path/file.py:name.") from error
    if spec is None:
        raise Refused(f"There is no module {name}. Give a file as path/file.py:name, or a module as package.module:name.")
    if not spec.origin or not spec.origin.endswith(".py"):
        raise Refused(f"{name} is not written in Python: gate it through a function of yours that calls it (--adapter list).")
    return Path(spec.origin), name, name if spec.submodule_search_locations else name.rpartition(".")[0]


def _sources(file: Path) -> Iterator[tuple[str, str]]:
    """(the name of a piece of source, its text): a file is one piece, a notebook one for each code cell."""
    try:
        raw = file.read_bytes()
        if file.suffix != ".ipynb":
            yield str(file), importlib.util.decode_source(raw)
            return
        cells = json.loads(raw)["cells"]
    except (ValueError, KeyError, TypeError, SyntaxError) as error:
        kind = "notebook" if file.suffix == ".ipynb" else "Python file"
        raise Refused(f"{file} is no {kind}: {error}.") from error
    for number, cell in enumerate(cells, start=1):
        if cell.get("cell_type") == "code":
            source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
            yield f"{file}[cell {number}]", _without_magic(source)


def _without_magic(source: str) -> str:
    lines = source.split("\n")
    first = next((line.strip() for line in lines if line.strip()), "")
    if first.startswith("%%") and first.split()[0] not in ("%%time", "%%timeit", "%%capture", "%%prun"):
        return ""  # another language, or a file to be written
    return "\n".join("" if line.lstrip().startswith(("%", "!")) or line.rstrip().endswith("?") else line for line in lines)


def _execute(loaded: Loaded, label: str, source: str, run_module: bool) -> None:
    try:
        tree = ast.parse(source, label)
    except (SyntaxError, ValueError) as error:
        raise Refused(_unreadable(label, error, source)) from error
    except (RecursionError, MemoryError) as error:
        raise Refused(f"{label} is nested too deeply to be read.") from error
    namespace = loaded.module.__dict__
    for statement in tree.body:
        if not (run_module or _is_run(statement)):
            last = statement.end_lineno or statement.lineno
            if not _is_text(statement):
                loaded.left_out.append((label, statement.lineno, last, KINDS.get(type(statement), "statement")))
            continue
        code = compile(ast.Module([statement], []), label, "exec", dont_inherit=True)
        if run_module:
            exec(code, namespace)
            continue
        try:
            exec(code, namespace)
        except Exception as error:  # data that are not here, a package that is not installed: the function may do without
            what = "import" if isinstance(statement, ast.Import | ast.ImportFrom) else "assignment"
            loaded.failed.append(f"{label}:{statement.lineno}: this {what} raised {type(error).__name__}: {error}")
            missing = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
            loaded.missing = missing if missing in EXTRAS else loaded.missing


def _is_run(statement: ast.stmt) -> bool:
    if isinstance(statement, DEFINITIONS + ASSIGNMENTS):
        return True
    imports = (ast.Import, ast.ImportFrom, ast.Pass, *ASSIGNMENTS)
    return isinstance(statement, ast.Try) and all(isinstance(s, imports) for s in statement.body)


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Pass) or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))


def _unreadable(label: str, error: Exception, source: str) -> str:
    line = getattr(error, "lineno", None)
    message = getattr(error, "msg", None) or str(error)
    where = f"{label}:{line}" if line else label
    text = (source.split("\n") + [""] * (line or 0))[(line or 1) - 1].strip()
    if any(sign in message for sign in PYTHON_2) or any(sign in text for sign in BY_PYTHON[:2]) or text.startswith("exec "):
        return f"{where} is written in Python 2: {text}. Convert the file (2to3 -w, or by hand), then gate it again."
    return f"{where} cannot be read as Python: {message}: {text}"


def resolve(loaded: Loaded, name: str) -> Any:
    """The object that a name, dotted or not, stands for. Raises Refused."""
    known = names(loaded)
    if not name:
        raise Refused(f"Say which of them to gate, as {loaded.file}:NAME: {', '.join(known)}.")
    value: Any = loaded.module
    for part in name.split("."):
        try:
            value = value.__dict__[part] if value is loaded.module else getattr(value, part)
        except (KeyError, AttributeError):
            loaded.require_frameworks()
            near = get_close_matches(part, known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            failed = "".join(f" {f}." for f in loaded.failed[:2])
            raise Refused(f"There is no {name!r} in {loaded.file}.{hint} It defines {', '.join(known)}.{failed}") from None
    return value


def names(loaded: Loaded) -> list[str]:
    """The functions and classes that the file itself defines."""
    return [
        n
        for n, v in loaded.module.__dict__.items()
        if isinstance(v, type | types.FunctionType) and v.__module__ == loaded.module.__name__ and not n.startswith("__")
    ]


@dataclass
class Built:
    """The object to gate. bare: it holds no weights of its own, and is given some; why: what building it said, if that failed."""

    value: Any
    bare: bool = False
    why: str = ""


def target(loaded: Loaded, name: str, init: str | None) -> Built:
    """What a name stands for: a class is built first, and Class.method is a method of what was built. Raises Refused."""
    first, _, rest = name.partition(".")
    value = resolve(loaded, first)
    if not isinstance(value, type) and (init is None or rest):
        return Built(resolve(loaded, name))
    built = build(loaded, value, first, init)
    if rest:
        resolve(loaded, name)
        built.value = getattr(built.value, rest)
    return built


def build(loaded: Loaded, value: Any, name: str, init: str | None) -> Built:
    """An object of a class, by --init 'Network([3, 5, 4, 2])', without arguments, or without __init__. Raises Refused."""
    try:
        if init is None:
            return Built(value())
        made = eval(compile(init, "--init", "eval"), loaded.module.__dict__)
        if isinstance(made, str | int | float | None):
            raise Refused(f"--init {init!r} made {made!r}; an object is needed, as {name}([3, 5, 4, 2]) makes one.")
        return Built(made)
    except Refused:
        raise
    except Exception as error:
        if init is None:
            why = f"{name}() raised {type(error).__name__}: {error}; say how it is built, as --init '{name}([3, 5, 4, 2])'."
            return Built(value.__new__(value), True, why)
        raise Refused(f"--init {init!r} raised {type(error).__name__}: {error}.") from error
