"""The lab's processes: records, groups, leftovers."""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from lab import processes
from tests.lab.cluster import support


def test_a_part_of_the_lab_has_a_log_and_a_record(tmp_path: Path) -> None:
    """A started process writes to logs/<name>.log, and run/<name>.json says which process it is."""
    child = processes.start("echo", ["/bin/sh", "-c", "echo hello; exec sleep 60"], lab=tmp_path)
    record = processes.Record.read(tmp_path / "run" / "echo.json")
    status = processes.stop(child)

    expected = processes.Record(
        child.pid, record.started if record else 0, ("/bin/sh", "-c", "echo hello; exec sleep 60")
    )
    assert expected == record
    assert -signal.SIGTERM == status
    assert not (tmp_path / "run" / "echo.json").exists()


def test_stopping_ends_the_whole_group(tmp_path: Path) -> None:
    """A child that ignores SIGTERM is killed after its grace, and so is what it started."""
    read, write = os.pipe()
    script = "trap '' TERM; sleep 60 & echo x; wait"
    child = processes.spawn("stubborn", ["/bin/sh", "-c", script], run=tmp_path, output=write)
    os.close(write)
    with open(read, "rb") as pipe:
        begun = pipe.readline()
        status = processes.stop(child, grace=0.1)
        rest = pipe.read()  # ends when nobody has the other end: the group is gone

    assert b"x\n" == begun
    assert -signal.SIGKILL == status
    assert b"" == rest


def test_what_left_the_group_ends_with_its_session(tmp_path: Path) -> None:
    """A process that made a group of its own, as Envoy's launcher does for Envoy, ends with its container."""
    read, write = os.pipe()
    script = "import os, time\nif not os.fork(): os.setpgid(0, 0); os.write(1, b'x'); time.sleep(60)\nos.wait()"
    child = processes.spawn("launcher", [sys.executable, "-c", script], run=tmp_path, output=write)
    os.close(write)
    with open(read, "rb") as pipe:
        begun = pipe.read(1)
        members = processes.session(child.pid)
        processes.stop(child)
        rest = pipe.read()  # ends when nobody has the other end

    assert b"x" == begun
    assert 2 == len(members)
    assert b"" == rest


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Starting a program that does not exist raises one line with its name, and leaves no record."""
    with pytest.raises(processes.StartError, match="start ghost: '/no/such/program': No such file or directory"):
        processes.spawn("ghost", ["/no/such/program"], run=tmp_path, output=1)

    assert [] == list(tmp_path.iterdir())


def test_leftovers_are_ended(tmp_path: Path) -> None:
    """What a crashed lab left on record is ended, however stubborn, and its record removed."""
    child = processes.spawn(
        "left", ["/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done"], run=tmp_path, output=1
    )
    ended = processes.end_leftovers(tmp_path, grace=0.1)
    child.popen.wait()

    assert [child.pid] == [record.pid for record in ended]
    assert [] == list(tmp_path.iterdir())


def test_a_process_that_has_the_pid_of_another_is_left_alone(tmp_path: Path) -> None:
    """A record whose start time is not the process's own ends nobody."""
    child = processes.spawn("mine", ["/bin/sleep", "60"], run=tmp_path, output=1)
    record = processes.Record.read(child.path)
    assert record is not None
    child.path.write_text(json.dumps(asdict(replace(record, started=record.started - 1))))
    ended = processes.end_leftovers(tmp_path)
    running = child.popen.poll() is None
    processes.stop(child)

    assert [] == ended
    assert running


async def test_a_kubelet_ends_what_the_last_one_left(tmp_path: Path) -> None:
    """A container's process that outlived its kubelet is gone once the next kubelet runs."""
    child = processes.spawn("uid_app", ["/bin/sleep", "60"], run=tmp_path / "run", output=1)
    async with support.cluster(tmp_path) as cluster:
        await cluster.client.create("pods", support.pod("next"))
        await cluster.pod("next", lambda p: support.state_of(p).get("started"), "started")
        status = child.popen.wait()

    assert -signal.SIGTERM == status


async def test_a_kubelet_that_stops_leaves_no_process(tmp_path: Path) -> None:
    """Stopping ends every pod at once, keeps the API's objects, and leaves no process and no record behind."""
    async with support.cluster(tmp_path) as cluster:
        for n in range(4):
            await cluster.client.create("pods", support.pod(f"pod-{n}"))
        for n in range(4):
            await cluster.pod(f"pod-{n}", lambda p: support.state_of(p).get("started"), "started")
        records = [processes.Record.read(path) for path in (tmp_path / "run").iterdir()]
        await cluster.kubelet.stop()
        pods, _ = await cluster.client.list("pods", support.NAMESPACE)

    assert 4 == len(pods)
    assert [False] * 4 == [record.is_alive() for record in records if record]
    assert [] == list((tmp_path / "run").iterdir())
