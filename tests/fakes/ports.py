"""Every port of a stage, together."""

from collections.abc import Iterable
from datetime import datetime

from canario.workshop.ports import Manifest, Ports
from tests.fakes.cloud_map import FakeCloudMap
from tests.fakes.events import FakeEvents
from tests.fakes.kubernetes import FakeKubernetes
from tests.fakes.lifetimes import FakeLifetimes
from tests.fakes.network import FakeCertificates, FakeHttp, FakeTls, FakeZone
from tests.fakes.nodes import FakeDataPlane, FakeMetrics, FakeRouters
from tests.fakes.now import NOW
from tests.fakes.rollout_records import FakeRolloutRecords
from tests.fakes.traces import FakeTraces
from tests.fakes.workshops import FakeImages, FakePermissions, FakeWorkshopRecords


def fake_ports(
    objects: Iterable[Manifest] = (), dialects: tuple[str, ...] = ("appmesh",), now: datetime = NOW
) -> Ports:
    """Every port of a stage, in memory; reach each fake by its field."""
    return Ports(
        kubernetes=FakeKubernetes(*objects),
        http=FakeHttp(),
        zone=FakeZone(),
        cloud_map=FakeCloudMap(),
        images=FakeImages(),
        records=FakeWorkshopRecords(),
        lifetimes=FakeLifetimes(),
        events=FakeEvents(),
        permissions=FakePermissions(),
        traces=FakeTraces(),
        rollouts=FakeRolloutRecords(),
        routers=FakeRouters(),
        data_plane=FakeDataPlane(),
        metrics=FakeMetrics(),
        certificates=FakeCertificates(),
        tls=FakeTls(),
        now=now,
        dialects=dialects,
    )
