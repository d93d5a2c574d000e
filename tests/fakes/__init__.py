"""In-memory stand-ins for every port, with state that a test can read and set: one module a neighbourhood of ports.

The contract suites in `tests/contracts/adapters` hold them to the same promises as the real adapters.
"""

from tests.fakes.cloud_map import FakeCloudMap
from tests.fakes.events import FakeEvents
from tests.fakes.kubernetes import FakeKubernetes, merge
from tests.fakes.network import FakeCertificates, FakeHttp, FakeTls, FakeZone
from tests.fakes.nodes import FakeDataPlane, FakeMetrics, FakeRouters
from tests.fakes.now import NOW
from tests.fakes.ports import fake_ports
from tests.fakes.rollout_records import FakeRolloutRecords
from tests.fakes.traces import FakeTraces
from tests.fakes.workshops import FakeImages, FakePermissions, FakeTasks, FakeWaits, FakeWorkshopRecords

__all__ = [
    "NOW",
    "FakeCertificates",
    "FakeCloudMap",
    "FakeDataPlane",
    "FakeEvents",
    "FakeHttp",
    "FakeImages",
    "FakeKubernetes",
    "FakeMetrics",
    "FakePermissions",
    "FakeRolloutRecords",
    "FakeRouters",
    "FakeTasks",
    "FakeTls",
    "FakeTraces",
    "FakeWaits",
    "FakeWorkshopRecords",
    "FakeZone",
    "fake_ports",
    "merge",
]
