"""The lab's addresses."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.net import API_PORT, Block, NoFreeBlockError, free_block, free_port, is_free

PODS = 112 * 254
BLOCKS = st.builds(Block, st.integers(1, 254))


def test_the_table_of_addresses() -> None:
    """As docs/contracts.md has it."""
    block = Block(7)

    assert ("127.7.0.1", "127.7.0.2") == (block.api, block.vpc)
    assert ("127.7.1.9", "127.7.2.1", "127.7.3.1") == (
        block.load_balancer(9),
        block.cluster_ip(1),
        block.cluster_ip(255),
    )
    assert ("127.7.16.1", "127.7.127.254") == (block.pod(1), block.pod(PODS))
    assert "127.7.144.1" == block.app_address("127.7.16.1")


@given(BLOCKS, st.integers(1, PODS), st.integers(1, PODS))
def test_addresses_are_nobody_elses(block: Block, n: int, m: int) -> None:
    """Pods, their applications, services and balancers never share one."""
    pods = {block.pod(n), block.pod(m)}
    others = {block.app_address(block.pod(n)), block.cluster_ip(1 + n % 3000), block.load_balancer(1 + m % 254)}

    assert (len({n, m}), set()) == (len(pods), pods & others)


@pytest.mark.parametrize("x", [0, 255, -1])
def test_a_block_is_one_octet(x: int) -> None:
    """1 to 254."""
    with pytest.raises(ValueError, match="not between 1 and 254"):
        Block(x)


@pytest.mark.parametrize("n", [0, PODS + 1])
def test_addresses_run_out(n: int) -> None:
    """With how many there are."""
    with pytest.raises(ValueError, match=f"not between 1 and {PODS}"):
        Block(1).pod(n)


@pytest.mark.parametrize("address", ["127.2.16.1", "127.1.15.1", "127.1.144.1"])
def test_only_pods_have_applications(address: str) -> None:
    """Another block's address, a service's, an application's own."""
    with pytest.raises(ValueError, match="is no pod IP"):
        Block(1).app_address(address)


def test_a_block_in_use_is_passed_over() -> None:
    """Its API's port is taken."""
    block = free_block(range(60, 100))
    with socket.create_server((block.api, API_PORT)):
        taken = is_free(block.api, API_PORT)
        with pytest.raises(NoFreeBlockError):
            free_block([block.x])

    assert not taken


def test_a_block_that_another_process_is_about_to_use_is_passed_over() -> None:
    """Two labs that start at the same moment do not meet."""
    code = "import sys, lab.net as n; print(n.free_block(range(60, 100)).x, flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        theirs = int(other.stdout.readline())
        with pytest.raises(NoFreeBlockError):
            free_block([theirs])
        other.communicate()

    assert theirs == free_block([theirs]).x


def test_a_free_port_can_be_listened_at() -> None:
    """At once."""
    with socket.create_server(("127.0.0.1", free_port())) as server:
        assert server.getsockname()[1] > 0
