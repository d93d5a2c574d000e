"""How data leave for CloudWatch when it is slow."""

from dataclasses import dataclass, field
from typing import Any

from canario.adapters.metrics_writer import Publisher


@dataclass
class Taking:
    """A CloudWatch that takes everything, call by call."""

    calls: list[list[Any]] = field(default_factory=list)

    def put_metric_data(self, Namespace: str, MetricData: list[Any]) -> None:  # noqa: N803  boto3's names
        self.calls.append(list(MetricData))


async def test_what_has_piled_up_leaves_in_the_fewest_calls() -> None:
    """Seconds that waited share a call, as far as CloudWatch takes them, in their order: the publisher catches up."""
    cloudwatch = Taking()
    publisher = Publisher(cloudwatch)
    for second in range(7):
        publisher.add([{"Timestamp": second, "Value": number} for number in range(300)])

    assert await publisher.drain()
    assert [900, 900, 300] == [len(call) for call in cloudwatch.calls]
    assert [second for second in range(7) for _ in range(300)] == [
        each["Timestamp"] for call in cloudwatch.calls for each in call
    ]
