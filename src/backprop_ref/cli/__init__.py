"""The command line: backprop-ref, also python -m backprop_ref. Each command has a file, loaded when it is called.

Exit codes: 0 agrees, 1 disagrees, 2 wrong use, 3 cannot tell, 70 internal error, 130 interrupted.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module

import click

from ..errors import INTERNAL, INTERRUPTED, WRONG_USE, BackpropRefError, UnknownName

COMMANDS = {
    "check": "Check the reference itself: both implementations against the oracles.",
    "gate": "Check your own backpropagation: a function, a class, a notebook.",
    "golden": "Golden vectors for other languages: a network and its gradient, correctly rounded.",
    "mistakes": "The catalogue of wrong equations: what a diagnosis knows by name.",
    "prove": "The chapter's proofs with real numbers: each line, its values, the rule that leads to it.",
    "trace": "A whole worked example, one step at a time.",
    "train": "Train a network on the handwritten digits by mini-batch SGD.",
    "verify": "Check a derivation line by line: Markdown, LaTeX, a notebook.",
}


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        if cmd_name not in COMMANDS:
            raise UnknownName("command", cmd_name, COMMANDS)
        command: click.Command = getattr(import_module(f"{__name__}.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):  # from the table: a list of commands loads none of them
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="backprop-ref", message="backprop-ref %(version)s")
def group() -> None:
    """The reference for backpropagation that does not trust itself."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; an accident is never 1."""
    try:
        code = group.main(arguments, prog_name="backprop-ref", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        error.show()
        return WRONG_USE
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except BackpropRefError as error:
        click.echo(f"error: {error}", err=True)
        return error.exit_code
    except (BrokenPipeError, SystemExit):  # the reader of our output has gone: click makes an exit of 1 of it
        with open(os.devnull, "w") as nowhere, suppress(OSError, ValueError):
            os.dup2(nowhere.fileno(), sys.stdout.fileno())  # or Python complains when it flushes once more, on exit
        return INTERNAL
    except Exception:
        traceback.print_exc()
        click.echo("internal error: this is a bug in backprop-ref, not in your code; please report the lines above.", err=True)
        return INTERNAL


def main() -> None:
    """The entry point of backprop-ref."""
    sys.exit(run())
