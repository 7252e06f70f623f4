"""The child process, as the gate sees it: requests, answers, a time limit, and what to say when it dies."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from ..errors import ValueRefused
from . import wire
from .child import MARK
from .claim import CandidateFailed

KEPT = 64 * 1024  # bytes kept of the end of what the candidate prints
WHERE = re.compile(r'File "([^"]+)", line (\d+)')


class TargetRefused(ValueRefused):
    """A target that cannot be loaded as what it should be."""


class Child:
    """A process that has somebody's code loaded. Use it as a context manager."""

    def __init__(self, timeout: float) -> None:
        root = str(Path(__file__).parents[2])
        paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
        self.timeout, self.printed, self.tail = timeout, 0, b""
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "backprop_ref.gate.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        )
        self.reader = threading.Thread(target=self._drain, daemon=True)
        self.reader.start()

    def __enter__(self) -> "Child":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _drain(self) -> None:
        assert self.process.stderr
        while data := os.read(self.process.stderr.fileno(), 2**16):
            self.printed += len(data)
            self.tail = (self.tail + data)[-KEPT:]

    def ask(self, do: str, **values: Any) -> Any:
        """Send a request and wait for its answer. Raises CandidateFailed, TargetRefused."""
        late = threading.Event()

        def expire() -> None:
            late.set()
            self.process.kill()

        assert self.process.stdin and self.process.stdout
        watch = threading.Timer(self.timeout + 0.5, expire)
        watch.start()
        try:
            wire.send(self.process.stdin, {"do": do, "seconds": self.timeout, **values})
            answer = wire.receive(self.process.stdout)
        except (EOFError, OSError, ValueError) as error:
            self.process.kill()
            self.process.wait()
            self.reader.join(5)
            raise CandidateFailed(self._death(late.is_set())) from error
        finally:
            watch.cancel()
        if "refused" in answer:
            raise TargetRefused(answer["refused"])
        if "raised" in answer:
            raise CandidateFailed(f"the candidate raised {answer['raised']}")
        return answer

    def _death(self, late: bool) -> str:
        """Why there is no answer, and the line where that is known."""
        said = self.tail.decode(errors="replace")
        if late:
            return f"the candidate did not come back within {self.timeout:g} s{self._line(said)}; --timeout allows more"
        if MARK in said:
            where = said.rpartition(MARK)[2].strip().split("\n")[0]
            return f"the candidate ended the process by os._exit ({where})"
        code = self.process.returncode
        if code < 0:
            with contextlib.suppress(ValueError):
                return f"the candidate's process was ended by {signal.Signals(-code).name}{self._line(said)}"
        return f"the candidate ended its process with exit code {code}{self._line(said)}"

    @staticmethod
    def _line(said: str) -> str:
        """The innermost line of the candidate's own in the last traceback that faulthandler printed."""
        start = max(said.rfind("Timeout ("), said.rfind("Fatal Python error"))
        own = [
            f"{file}:{line}"
            for file, line in WHERE.findall(said[start:] if start >= 0 else "")
            if not file.startswith(("<", str(Path(__file__).parents[1]), sys.base_prefix)) and "site-packages" not in file
        ]
        return f" ({own[0]})" if own else ""

    @property
    def alive(self) -> bool:
        """True if the process still answers."""
        return self.process.poll() is None

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()
        self.reader.join(5)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()
