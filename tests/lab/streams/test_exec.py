"""`kubectl exec` and `kubectl cp`, judged by the real kubectl."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import termios
from pathlib import Path

from tests.lab.streams.conftest import SECONDS, Kubectl


def test_output_errors_and_the_exit_code_arrive_apart(kubectl: Kubectl) -> None:
    """stdout, stderr and the exit status of the command are kubectl's own."""
    done = kubectl.run("exec", "web", "-c", "app", "--", "sh", "-c", "echo out; echo err >&2; exit 7")

    assert (b"out\n", 7) == (done.stdout, done.returncode)
    assert done.stderr.startswith(b"err\n")


def test_a_command_has_its_containers_surroundings(kubectl: Kubectl) -> None:
    """The container's environment, with the proxy that leads to its sidecar or the VPC, and its home."""
    script = 'echo "$COLOUR $HOSTNAME ${http_proxy:+proxied}"; test "$PWD" = "$HOME"'
    done = kubectl.run("exec", "web", "--", "sh", "-c", script)

    assert (b"blue web proxied\n", 0) == (done.stdout, done.returncode)


def test_input_is_read_to_its_end(kubectl: Kubectl) -> None:
    """A megabyte goes in and comes back; the command sees the end of its input."""
    data = os.urandom(1_000_000)
    done = kubectl.run("exec", "-i", "web", "-c", "app", "--", "cat", stdin=data)

    assert (True, 0) == (data == done.stdout, done.returncode)


def test_a_signal_is_told_as_shells_do(kubectl: Kubectl) -> None:
    """A command that a signal ended has 128 and the signal's number."""
    assert 137 == kubectl.run("exec", "web", "-c", "app", "--", "sh", "-c", "kill -9 $$").returncode


def test_what_cannot_be_run_is_named(kubectl: Kubectl) -> None:
    """A program or a container that is not there: one line with its name."""
    program = kubectl.run("exec", "web", "-c", "app", "--", "nosuch")
    container = kubectl.run("exec", "web", "-c", "nosuch", "--", "true")

    assert b'"nosuch": executable file not found in $PATH' in program.stderr
    assert b"container nosuch is not valid for pod web" in container.stderr
    assert (1, 1) == (program.returncode, container.returncode)


def test_a_terminal_is_a_terminal(kubectl: Kubectl) -> None:
    """With -it the command has a controlling terminal of the client's size, and its exit code comes back."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (33, 101))
    argv = kubectl.argv("exec", "-it", "web", "-c", "app", "--", "/bin/bash", "--norc")
    with subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as process:
        os.close(theirs)
        said = _until(ours, b"$ ", b"# ")
        os.write(ours, b"stty size < /dev/tty; tty; exit 5\n")
        said += _until(ours)
        status = process.wait(SECONDS)
    os.close(ours)

    assert 5 == status
    assert b"33 101\r\n/dev/pts/" in said


def _until(fd: int, *wanted: bytes) -> bytes:
    """What is said until one of `wanted` is, or to the end."""
    said = b""
    while not any(said.endswith(each) for each in wanted):
        assert select.select([fd], [], [], SECONDS)[0], f"nothing more after {said!r}"
        try:
            chunk = os.read(fd, 4096)
        except OSError:  # the other side is closed
            break
        said += chunk
    return said


def test_a_command_ends_with_its_connection(kubectl: Kubectl) -> None:
    """When kubectl is gone, so are the command and all that it started."""
    with kubectl.start("exec", "web", "-c", "app", "--", "sh", "-c", "sleep 600 & echo $$ $!; wait") as process:
        assert process.stdout is not None
        pids = [os.pidfd_open(int(pid)) for pid in process.stdout.readline().split()]
        process.kill()
    gone = [bool(select.select([pid], [], [], SECONDS)[0]) for pid in pids]
    for pid in pids:
        os.close(pid)

    assert [True, True] == gone


def test_a_command_ends_with_its_container(kubectl: Kubectl) -> None:
    """Its pod's end is its own: kubectl says 137, as for a killed process."""
    name = f"short-{os.urandom(3).hex()}"
    assert kubectl.run("run", name, "--image=test/web", "--command", "--", "sleep", "600").returncode == 0
    assert kubectl.run("wait", "--for=condition=Ready", f"pod/{name}", f"--timeout={SECONDS}s").returncode == 0
    with kubectl.start("exec", name, "--", "sh", "-c", "echo on; sleep 600") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"on\n"
        kubectl.run("delete", "pod", name, "--grace-period=1")

        assert 137 == process.wait(SECONDS)


def test_files_can_be_copied_both_ways(kubectl: Kubectl, tmp_path: Path) -> None:
    """`kubectl cp` is tar by exec; paths are relative to the container's home."""
    content = os.urandom(100_000)
    (tmp_path / "there").write_bytes(content)
    into = kubectl.run("cp", "there", "web:copied", "-c", "app", cwd=tmp_path)
    back = kubectl.run("cp", "web:copied", "back", "-c", "app", cwd=tmp_path)

    assert (0, 0) == (into.returncode, back.returncode), (into.stderr, back.stderr)
    assert content == (tmp_path / "back").read_bytes()
