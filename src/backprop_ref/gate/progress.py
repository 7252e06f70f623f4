"""A progress bar for what takes longer than a second; nothing is shown where stderr is no terminal."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

AFTER = 1.0  # seconds


@contextmanager
def bar(what: str, console: Console | None = None, after: float = AFTER) -> Iterator[Callable[[int, int], None]]:
    """A callback (done, of) that draws a bar on stderr from the moment when `after` seconds have passed."""
    console = console or Console(stderr=True)
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    start, task = time.perf_counter(), progress.add_task(what, total=None)

    def show(done: int, of: int) -> None:
        if console.is_terminal and time.perf_counter() - start >= after:
            progress.start()  # a second start does nothing
            progress.update(task, completed=done, total=of)

    try:
        yield show
    finally:
        progress.stop()
