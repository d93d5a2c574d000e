from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from lab.envoy.files import CDS, LDS, rds
from lab.net import Block
from lab.vpc.names import Records
from lab.vpc.resources import Vpc, envoy_files
from lab.vpc.world import Port, Service

VPC = Vpc(Block(9), Path("vpc"))
NAMES = ["a.local", "b.local", "x.elb", "web.ns.svc", "127.9.16.1"]


def service(number: int, *, ip: bool = True) -> Service:
    return Service(
        "ns",
        f"web{number}",
        VPC.block.cluster_ip(number),
        f"{number}.elb" if ip else "",
        VPC.block.load_balancer(number) if ip else "",
        (Port(3000, ((VPC.block.pod(number), 3000),)), Port(80, ())),
    )


def domains(services: list[Service], records: Records) -> dict[str, str]:
    """domain → virtual host, of the proxy."""
    [proxy] = envoy_files(VPC, services, records)[rds("proxy")]
    return {domain: host["name"] for host in proxy["virtual_hosts"] for domain in host["domains"]}


def test_port_80_needs_no_port() -> None:
    """A name leads to the Service's port; without a port in the URL, to port 80."""
    found = domains([service(1)], {"a.local": ("1.elb",)})

    assert found["a.local:3000"] == "lb.ns.web1.3000"
    assert found["a.local"] == found["a.local:80"] == "lb.ns.web1.80"


def test_no_load_balancer_yet() -> None:
    """A Service without an address has no listener, but its names work."""
    files = envoy_files(VPC, [service(1, ip=False)], {})

    assert [listener["name"] for listener in files[LDS]] == ["proxy"]
    assert "web1.ns.svc.cluster.local:3000" in domains([service(1, ip=False)], {})


@given(
    st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), min_size=1, max_size=1).map(tuple)),
    st.integers(0, 4),
)
def test_envoy_takes_it(records: dict[str, tuple[str, ...]], count: int) -> None:
    """No domain, cluster or listener comes twice, and every route leads to a cluster that is there."""
    files = envoy_files(VPC, [service(number + 1) for number in range(count)], records)
    [proxy] = files[rds("proxy")]
    names = Counter(domain for host in proxy["virtual_hosts"] for domain in host["domains"])
    names.update((file, resource["name"]) for file in (CDS, LDS) for resource in files[file])
    routes = [route for host in proxy["virtual_hosts"] for route in host["routes"]]
    wanted = {route["route"]["cluster"] for route in routes if "route" in route}

    assert set(names.values()) <= {1}
    assert wanted <= {cluster["name"] for cluster in files[CDS]}
