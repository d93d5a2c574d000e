"""No check of a stage passes before the stage's own work, on top of the stages before it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from canario.canary import Plan
from canario.errors import RemoteError
from canario.workshop.application import REPOSITORIES
from canario.workshop.dialects import DIALECTS, dialect_of
from canario.workshop.ports import Ports
from canario.workshop.request import Request
from canario.workshop.stages import stage
from tests.fakes import NOW
from tests.unit.workshop.istio import istio_world
from tests.unit.workshop.test_dialects import answer, pods_of_the_gateway, said, traced
from tests.unit.workshop.world import world

STORY = ("baseline", "controller", "mesh", "tracing", "gateway", "mtls")


@pytest.fixture(params=list(DIALECTS))
def request_(request: pytest.FixtureRequest) -> Request:
    return Request("default", request.param, "auto", "clean", Plan())


@pytest.mark.parametrize("number", range(len(STORY)), ids=STORY)
def test_no_check_passes_before_its_stage_is_solved(request_: Request, number: int) -> None:
    """All are asked when the stages before are solved; where Istio comes with the cluster, that is before it came."""
    this, before = STORY[number], STORY[:number]
    ports = replace(istio_world(request_) if request_.mesh == "gateway" else world(), dialects=(request_.mesh,))
    ports.records.put_stage("default", "run", "tracing", {"started": NOW.isoformat()}, NOW)
    if this == "controller":
        ports.kubernetes.objects.clear()
    else:
        for each in before:
            stage(each).solve(request_, ports)
    if "mesh" in before:
        answer(request_, ports, dialect_of(request_).servers[0])
        if this == "gateway":
            ports.http.answers = {url: each for url, each in ports.http.answers.items() if "ingress-gw" not in url}
    elif "baseline" in before:
        answer(request_, ports, "aiohttp")
    if "tracing" in before:
        traced(request_, ports)
    if "gateway" in before:
        pods_of_the_gateway(ports)

    assert [] == [name for name, status in said(this, request_, ports).items() if status == "passed"]


def test_nothing_is_clean_while_a_workshop_is_there(request_: Request) -> None:
    """Everything of the application is still listed."""
    ports = replace(istio_world(request_) if request_.mesh == "gateway" else world(), dialects=(request_.mesh,))
    stage("baseline").solve(request_, ports)

    assert {"nothing left": "failed"} == said("clean", request_, ports)


class NoZone:
    def records(self) -> dict[str, str]:
        raise RemoteError("reading the zone: it is not there")


def complete(request: Request) -> Ports:
    """A cluster and an account in which a workshop can begin."""
    ports = replace(istio_world(request) if request.mesh == "gateway" else world(), dialects=(request.mesh,))
    ready = {"allocatable": {"pods": "100"}, "conditions": [{"type": "Ready", "status": "True"}]}
    ports.kubernetes.put({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "one"}, "status": ready})
    ports.images.digests.update({f"{each}:{ports.images.tag}": "sha256:1" for each in REPOSITORIES.values()})
    return ports


def unready(ports: Ports) -> Ports:
    node = ports.kubernetes.objects["Node", None, "one"]
    node["status"]["conditions"][0]["status"] = "False"
    return ports


def full(ports: Ports) -> Ports:
    ports.kubernetes.objects["Node", None, "one"]["status"]["allocatable"]["pods"] = "1"
    return ports


def lacking_permission(ports: Ports) -> Ports:
    ports.permissions.lacking.append("create deployments")
    return ports


def without_images(ports: Ports) -> Ports:
    ports.images.digests.clear()
    return ports


def without_namespace(ports: Ports) -> Ports:
    ports.cloud_map.spaces.clear()
    return ports


LACKING: dict[str, Callable[[Ports], Ports]] = {
    "dialect": lambda ports: replace(ports, dialects=("another",)),
    "permissions": lacking_permission,
    "cluster": unready,
    "capacity": full,
    "images": without_images,
    "zone": lambda ports: replace(ports, zone=NoZone()),
    "Cloud Map": without_namespace,
}


@pytest.mark.parametrize("thing", LACKING)
def test_preflight_misses_each_thing_and_it_alone(request_: Request, thing: str) -> None:
    """It makes nothing: before is a world that lacks just that, after is the world that has everything."""
    lacking = said("preflight", request_, LACKING[thing](complete(request_)))
    ports = complete(request_)

    assert {"passed"} == set(said("preflight", request_, ports).values())
    assert [thing] == [name for name, status in lacking.items() if status != "passed"]
    assert set(LACKING) == set(lacking)
