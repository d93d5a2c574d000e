"""The registrar, whatever the cluster and Cloud Map look like."""

from collections.abc import Mapping

from hypothesis import given

from canario.workshop import registrar
from canario.workshop.cloud_map import NODE, POD, ServiceName
from canario.workshop.kinds import Kind
from canario.workshop.ports import Manifest
from canario.workshop.registrar import is_ready, reconcile
from tests.fakes import FakeCloudMap
from tests.properties.registrar_strategies import FOREIGN, Objects, attributes, clouds, nodes, pods, service


def mapped(cluster: Objects) -> list[str]:
    """The apps whose node is found by Cloud Map."""
    return [str(each["metadata"]["name"]) for each in cluster.nodes if registrar.service_of(each)]


def ready(cluster: Objects) -> dict[tuple[ServiceName, str], str]:
    """(service, address) → pod, of every ready pod that is to be registered."""
    return {
        (service(each["metadata"]["labels"]["app"]), each["status"]["podIP"]): str(each["metadata"]["name"])
        for each in cluster.pods
        if is_ready(each) and each["metadata"]["labels"]["app"] in mapped(cluster) and "podIP" in each["status"]
    }


def alive(cluster: Objects) -> set[tuple[str, str]]:
    """(address, pod) of every pod that is not on its way out."""
    return {
        (each["status"].get("podIP", ""), str(each["metadata"]["name"]))
        for each in cluster.pods
        if "deletionTimestamp" not in each["metadata"]
    }


def assert_settled(cluster: Objects, cloud: FakeCloudMap) -> None:
    for (name, address), pod in ready(cluster).items():
        instance = cloud.registered[name][address]
        assert instance.healthy
        assert attributes(name.name, pod, address).items() <= instance.attributes.items()
    for name, instances in cloud.registered.items():
        for address, instance in instances.items():
            if NODE in instance.attributes:
                assert name.name in mapped(cluster)
                assert (address, instance.attributes[POD]) in alive(cluster)
                assert instance.healthy == ((name, address) in ready(cluster))


@given(nodes=nodes(), pods=pods(), cloud=clouds())
def test_cloud_map_comes_to_be_as_the_pods_are(nodes: list[Manifest], pods: list[Manifest], cloud: FakeCloudMap):
    """Every ready pod is registered completely, no dead one is, and a second look has nothing to do."""
    cluster = Objects(nodes, pods)

    assert () == reconcile(cluster, cloud).problems
    assert_settled(cluster, cloud)
    assert () == reconcile(cluster, cloud).done


@given(nodes=nodes(), pods=pods(), cloud=clouds())
def test_a_ready_pod_is_never_taken_out(nodes: list[Manifest], pods: list[Manifest], cloud: FakeCloudMap):
    """Not even for a moment: nothing is deregistered that is to be there."""
    cluster = Objects(nodes, pods)
    reconcile(cluster, cloud)

    taken = {(name, address) for what, name, address in cloud.calls if what == "deregister"}
    assert not taken & set(ready(cluster))


@given(nodes=nodes(), pods=pods(), cloud=clouds())
def test_what_others_registered_stays(nodes: list[Manifest], pods: list[Manifest], cloud: FakeCloudMap):
    """Instances without the registrar's attributes, their services, and services that somebody else made."""
    theirs = {name for name, instances in cloud.registered.items() if "theirs" in instances}
    by_hand = set(cloud.registered) - set(cloud.workshops)
    reconcile(Objects(nodes, pods), cloud)

    assert all(FOREIGN == cloud.registered[name]["theirs"].attributes for name in theirs)
    assert by_hand <= set(cloud.registered)


class Racing(Objects):
    """A cluster that changes, and whose other registrar has caught up, while the first one is reading."""

    def __init__(self, before: Objects, after: Objects, cloud: FakeCloudMap) -> None:
        super().__init__(before.nodes, before.pods)
        self._after, self._cloud, self._raced = after, cloud, False

    def list(self, kind: Kind, namespace: str | None = None, labels: Mapping[str, str] | None = None) -> list[Manifest]:
        found = super().list(kind, namespace, labels)
        if kind.name == "Pod" and not self._raced:
            self._raced = True
            self.nodes, self.pods = self._after.nodes, self._after.pods
            reconcile(self._after, self._cloud)
        return found


@given(nodes=nodes(), before=pods(), after=pods(), cloud=clouds())
def test_two_registrars_do_not_fight(
    nodes: list[Manifest], before: list[Manifest], after: list[Manifest], cloud: FakeCloudMap
):
    """One that acts on what it saw a moment ago mends on its next look what it broke."""
    now = Objects(nodes, after)
    reconcile(Racing(Objects(nodes, before), now, cloud), cloud)

    assert_settled(now, cloud)
    assert () == reconcile(now, cloud).done
