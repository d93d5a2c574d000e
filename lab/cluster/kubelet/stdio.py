"""The standard files of a process that `kubectl exec` starts: pipes, or a terminal."""

from __future__ import annotations

import os
import pty

from lab import processes

STDOUT, STDERR = 1, 2


class Files:
    """This side's ends of the process's standard files: file descriptors that do not block."""

    def __init__(self, *, stdin: bool, tty: bool) -> None:
        self.terminal = ""
        self._open: set[int] = set()
        self._given: set[int] = set()
        if tty:
            ours, theirs = self._pair(pty.openpty())
            self.terminal = os.ttyname(theirs)
            self.child = (theirs, theirs, theirs)
            self.input: int | None = ours
            self.outputs = {STDOUT: ours}
        else:
            out, out_child = self._pair(os.pipe())
            err, err_child = self._pair(os.pipe())
            in_child, self.input = self._reversed(os.pipe()) if stdin else (processes.NO_INPUT, None)
            self.child = (in_child, out_child, err_child)
            self.outputs = {STDOUT: out, STDERR: err}

    def given(self) -> None:
        """The process has its ends. A terminal's other end stays open: without it, reading would fail early."""
        if not self.terminal:
            self._close(self._given)

    def close_input(self) -> None:
        if self.input is not None:
            self._close({self.input})
            self.input = None

    def close(self) -> None:
        self._close(set(self._open))

    def _pair(self, pair: tuple[int, int]) -> tuple[int, int]:
        """(ours, theirs)"""
        self._open |= set(pair)
        self._given.add(pair[1])
        os.set_blocking(pair[0], False)
        return pair

    def _reversed(self, pair: tuple[int, int]) -> tuple[int, int]:
        """A pipe that we write into: (theirs, ours)."""
        ours, theirs = self._pair((pair[1], pair[0]))
        return theirs, ours

    def _close(self, fds: set[int]) -> None:
        for fd in fds & self._open:
            os.close(fd)
        self._open -= fds
