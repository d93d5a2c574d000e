"""The port `CloudMap`: the fake, and Cloud Map by moto and by MiniStack."""

import boto3
import pytest

from canario.adapters import aws
from canario.adapters.cloudmap import CloudMapServices
from canario.errors import Conflict, RemoteError
from canario.workshop.cloud_map import ADDRESS, CloudMap, Instance, ServiceName
from tests.fakes import FakeCloudMap

IP, OTHER = "10.0.0.7", "10.0.0.8"
ATTRIBUTES = {ADDRESS: IP, "k8s.io/pod": "nodejs-app-1"}


@pytest.fixture
def namespace(name: str) -> str:
    return f"{name}.pvt.local"


@pytest.fixture
def cloud(aws_or_fake: boto3.Session | None, namespace: str) -> CloudMap:
    """Cloud Map with two namespaces."""
    if aws_or_fake is None:
        return FakeCloudMap(spaces={namespace, f"other-{namespace}"})
    client = aws.client(aws_or_fake, "servicediscovery")
    for vpc, each in enumerate((namespace, f"other-{namespace}")):
        client.create_private_dns_namespace(Name=each, Vpc=f"vpc-{vpc}")
    return CloudMapServices(client)


@pytest.fixture
def service(cloud: CloudMap, namespace: str) -> ServiceName:
    """A service that is there."""
    found = ServiceName(namespace, "nodejs")
    cloud.create(found, "turma-01")
    return found


def test_namespaces_have_ids(cloud: CloudMap, namespace: str):
    """Every namespace is listed, by its name."""
    assert {namespace, f"other-{namespace}"} <= set(cloud.namespaces())


def test_services_say_whose_they_are(cloud: CloudMap, service: ServiceName):
    """A service is listed in its own namespace only, with the workshop it was made for; making it again is harmless."""
    other = ServiceName(f"other-{service.namespace}", "crystal")
    cloud.create(other, "")
    cloud.create(service, "turma-02")

    assert {service: "turma-01"} == cloud.services(service.namespace)
    assert {other: ""} == cloud.services(other.namespace)


def test_a_namespace_that_is_not_there_has_no_services(cloud: CloudMap, namespace: str):
    """It is empty for a reader, and refused by name to whoever makes a service in it."""
    missing = ServiceName(f"missing.{namespace}", "nodejs")

    assert {} == cloud.services(missing.namespace)
    assert {} == cloud.instances(missing) == cloud.discover(missing)
    with pytest.raises(RemoteError, match=f"no namespace {missing.namespace}"):
        cloud.create(missing, "")


def test_an_instance_is_there_as_it_was_registered(cloud: CloudMap, service: ServiceName):
    """What is registered is listed and discovered, healthy, with its attributes."""
    cloud.register(service, IP, ATTRIBUTES)

    assert {IP: Instance(ATTRIBUTES)} == cloud.instances(service) == cloud.discover(service)
    assert IP == cloud.discover(service)[IP].address


def test_registering_again_writes_the_attributes_anew(cloud: CloudMap, service: ServiceName):
    """The address of a pod that has gone may be another pod's."""
    cloud.register(service, IP, ATTRIBUTES)
    cloud.register(service, IP, {**ATTRIBUTES, "k8s.io/pod": "nodejs-app-2"})

    assert "nodejs-app-2" == cloud.instances(service)[IP].attributes["k8s.io/pod"]


def test_health_is_set_and_read(cloud: CloudMap, service: ServiceName):
    """An instance that is not healthy is still there, and says so; one that is not there is nobody's trouble."""
    cloud.register(service, IP, ATTRIBUTES)
    cloud.register(service, OTHER, {ADDRESS: OTHER})
    cloud.set_health(service, IP, False)
    cloud.set_health(service, "10.0.0.99", False)

    assert {IP: False, OTHER: True} == {key: each.healthy for key, each in cloud.instances(service).items()}
    assert {IP: False, OTHER: True} == {key: each.healthy for key, each in cloud.discover(service).items()}

    cloud.set_health(service, IP, True)
    assert cloud.instances(service)[IP].healthy


def test_deregistering_leaves_the_others(cloud: CloudMap, service: ServiceName):
    """It is harmless when repeated."""
    cloud.register(service, IP, ATTRIBUTES)
    cloud.register(service, OTHER, {ADDRESS: OTHER})
    cloud.deregister(service, IP)
    cloud.deregister(service, IP)

    assert [OTHER] == list(cloud.instances(service))


def test_a_service_goes_when_it_is_empty(cloud: CloudMap, service: ServiceName):
    """One with instances is refused; deleting it twice is harmless, and it can be made anew."""
    cloud.register(service, IP, ATTRIBUTES)
    with pytest.raises(Conflict):
        cloud.delete(service)
    cloud.deregister(service, IP)
    cloud.delete(service)
    cloud.delete(service)

    assert {} == cloud.services(service.namespace) == cloud.discover(service)

    cloud.create(service, "turma-01")
    cloud.register(service, IP, ATTRIBUTES)
    assert [IP] == list(cloud.instances(service))


def test_a_service_made_by_hand_is_nobodys(session: boto3.Session, name: str):
    """Only what Canario made is Canario's to delete."""
    client = aws.client(session, "servicediscovery")
    client.create_private_dns_namespace(Name=name, Vpc="vpc-1")
    cloud = CloudMapServices(client)
    client.create_service(Name="nodejs", NamespaceId=cloud.namespaces()[name])

    assert {ServiceName(name, "nodejs"): None} == cloud.services(name)


def test_a_service_that_was_made_anew_elsewhere_is_found(session: boto3.Session, name: str):
    """An id that is not in force any more is forgotten on the next look."""
    client = aws.client(session, "servicediscovery")
    client.create_private_dns_namespace(Name=name, Vpc="vpc-1")
    service, first, second = ServiceName(name, "nodejs"), CloudMapServices(client), CloudMapServices(client)
    first.create(service, "")
    second.services(name)
    first.delete(service)
    first.create(service, "")
    first.register(service, IP, ATTRIBUTES)

    assert {} == second.instances(service)
    assert [IP] == list(second.instances(service))
