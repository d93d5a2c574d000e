"""A bash that keeps its variables from one step to the next, as a person's terminal does."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_MARK = "---step-done---"
_START = "trap 'FAILED=\"$BASH_COMMAND\"' ERR\nset -o pipefail\n"


class Terminal:
    """`errors`: where the standard error goes. By itself, for where two streams meet, they meet within lines too."""

    def __init__(self, process: subprocess.Popen[str], errors: IO[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._in: IO[str] = process.stdin
        self._out: IO[str] = process.stdout
        self._errors = errors
        self._in.write(_START)

    def type(self, commands: str) -> tuple[str, str]:
        """Run them: (the first words of what failed, or nothing; all that was printed, errors last)."""
        self._in.write(f"FAILED=\n{{\n{commands}\n}} </dev/null\necho\necho \"{_MARK}${{FAILED%%$'\\n'*}}\"\n")
        self._in.flush()
        printed = []
        for line in self._out:
            if line.startswith(_MARK):
                return line.removeprefix(_MARK).strip(), "".join(printed) + self._errors.read()
            printed.append(line)
        return "bash itself has ended", "".join(printed) + self._errors.read()


@contextmanager
def terminal(directory: Path, environment: Mapping[str, str]) -> Iterator[Terminal]:
    """A bash in `directory`; what it left running ends with it."""
    with tempfile.NamedTemporaryFile("r", dir=directory) as errors, open(errors.name, "a") as written:
        process = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=directory,
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=written,
            text=True,
            process_group=0,
        )
        with process:
            try:
                yield Terminal(process, errors)
            finally:
                process.kill()
