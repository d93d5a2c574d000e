"""Services and names as Envoy's files. Pure.

Every port of a Service is one cluster. Every load balancer port is one listener in front of its cluster. The
proxy has one virtual host for each cluster, with every name (and port) that leads there.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.envoy import files, resources
from lab.envoy.files import Resource
from lab.net import VPC_PROXY_PORT, Block
from lab.vpc.names import Records, resolve
from lab.vpc.passthrough import passing_tls
from lab.vpc.world import Address, Port, Service

PROXY = "proxy"  # the listener's name and its route configuration's
_DIRECT = "direct"  # the cluster of requests that name an address of the block themselves
_HTTP = 80
_TIMEOUT = resources.seconds(60)  # an idle load balancer of AWS gives up after so long

_NO_LIMIT = 1_000_000_000  # a load balancer breaks no circuits; Envoy's own default is three retries at a time
_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_CLUSTER_FIELDS: Resource = {
    "circuit_breakers": {
        "thresholds": [
            dict.fromkeys(("max_connections", "max_pending_requests", "max_requests", "max_retries"), _NO_LIMIT)
        ]
    },
    "typed_extension_protocol_options": {
        _OPTIONS: {
            "@type": f"type.googleapis.com/{_OPTIONS}",
            # Shorter than any server's: a server that closes an idle connection may cost a request.
            "common_http_protocol_options": {"idle_timeout": resources.seconds(4)},
            "explicit_http_config": {"http_protocol_options": {}},
        }
    },
}

_RETRIES: Resource = {  # only what no backend can have begun to work on
    "retry_on": "connect-failure,refused-stream,reset-before-request",
    "num_retries": 3,
    "retry_host_predicate": [
        {
            "name": "envoy.retry_host_predicates.previous_hosts",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
            },
        }
    ],
    "host_selection_retry_max_attempts": "3",
}


@dataclass(frozen=True)
class Vpc:
    """Where the VPC is: its block, and the directory of its Envoy."""

    block: Block
    directory: Path


def envoy_files(vpc: Vpc, services: Sequence[Service], records: Records) -> dict[str, list[Resource]]:
    """Every file of the VPC's Envoy (relative path → its resources)."""
    backends = {_cluster_name(service, port): port.endpoints for service in services for port in service.ports}
    proxy, addressed = _proxy(vpc, services, records)
    backends |= addressed
    fronts = [
        (service.ip, port.number, _cluster_name(service, port))
        for service in services
        if service.ip
        for port in service.ports
    ]
    return {
        # Endpoints inside their clusters, a load balancer's route inside its listener.
        files.CDS: [
            *(resources.static_cluster(name, at, **_CLUSTER_FIELDS) for name, at in backends.items()),
            _direct(),
        ],
        files.rds(PROXY): [proxy],
        files.LDS: [
            _listener(vpc, PROXY, (vpc.block.vpc, VPC_PROXY_PORT), None),
            *(passing_tls(_listener(vpc, name, (ip, port), _load_balancer(name)), name) for ip, port, name in fronts),
        ],
    }


def _cluster_name(service: Service, port: Port) -> str:
    return f"lb.{service.namespace}.{service.name}.{port.number}"


def _listener(vpc: Vpc, name: str, address: Address, routes: Resource | None) -> Resource:
    return resources.http_listener(name, address, routes=routes, visible=False, log=False, generate_request_id=False)


def _load_balancer(name: str) -> Resource:
    return resources.route_configuration(name, [_virtual_host(name, ["*"], name)])


def _virtual_host(name: str, domains: Sequence[str], cluster: str) -> Resource:
    action = {"cluster": cluster, "timeout": _TIMEOUT, "retry_policy": _RETRIES}
    return resources.virtual_host(name, domains, [resources.route({"prefix": "/"}, action)])


def _proxy(
    vpc: Vpc, services: Sequence[Service], records: Records
) -> tuple[Resource, Mapping[str, tuple[Address, ...]]]:
    """The proxy's routes, and the clusters of names that lead to plain addresses."""
    owners = {name: service for service in services for name in service.names}
    domains: defaultdict[str, list[str]] = defaultdict(list)
    addressed: dict[str, tuple[Address, ...]] = {}
    problems: list[Resource] = []
    for name in sorted({*owners, *records}):
        answer = resolve(name, records, owners)
        if answer.problem:
            problems.append(_problem(name, answer.problem))
        elif answer.hosts[0] in owners:
            service = owners[answer.hosts[0]]
            for port in service.ports:
                domains[_cluster_name(service, port)] += _domains(name, port.number)
        else:
            for number in _ports(services):
                cluster = f"address.{name}.{number}"
                addressed[cluster] = tuple((host, number) for host in answer.hosts)
                domains[cluster] += _domains(name, number)
    hosts = [_virtual_host(cluster, found, cluster) for cluster, found in sorted(domains.items())]
    literal = _virtual_host(_DIRECT, [f"127.{vpc.block.x}.*"], _DIRECT)
    elsewhere = _elsewhere(records, services)
    return resources.route_configuration(PROXY, [*hosts, *problems, literal, elsewhere]), addressed


def _ports(services: Sequence[Service]) -> list[int]:
    """Where an address may be asked for: an A record knows no port, so every one that somebody listens at."""
    asked = [port for service in services for port in service.ports]
    return sorted({_HTTP, *(port.number for port in asked), *(at for port in asked for _, at in port.endpoints)})


def _domains(name: str, port: int) -> list[str]:
    return [f"{name}:{port}", name] if port == _HTTP else [f"{name}:{port}"]


def _direct() -> Resource:
    """Requests to an address of the block go there: the VPC routes to pods as a VPC does."""
    return {
        "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
        "name": _DIRECT,
        "type": "ORIGINAL_DST",
        "lb_policy": "CLUSTER_PROVIDED",
        "connect_timeout": resources.seconds(1),
        "original_dst_lb_config": {"use_http_header": True, "http_header_name": ":authority"},
    }


def _problem(name: str, problem: str) -> Resource:
    return resources.virtual_host(f"broken.{name}", [name, f"{name}:*"], [_refusal(problem)])


def _elsewhere(records: Records, services: Sequence[Service]) -> Resource:
    balancers = sum(bool(service.ip) for service in services)
    looked = (
        f"not among {len(records)} records of Route 53's private zones, {balancers} load balancers, "
        f"{len(services)} Kubernetes services and their ports"
    )
    return resources.virtual_host("elsewhere", ["*"], [_refusal(looked)])


def _refusal(why: str) -> dict[str, Any]:
    """502 with one line that names the host as the client wrote it."""
    line = f"lab VPC: no way to %REQ(:AUTHORITY)%: {why.replace('%', '%%')}\n"
    body = {"text_format_source": {"inline_string": line}}
    return {
        "match": {"prefix": "/"},
        "direct_response": {"status": 502, "body": {"inline_string": "-"}, "body_format": body},
    }
