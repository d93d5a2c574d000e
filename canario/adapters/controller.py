"""Metrics about the controller itself, put into CloudWatch (docs/operating.md)."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from canario.adapters import aws
from canario.canary.ports import Measure
from canario.errors import RemoteError

NAMESPACE = "Canario/Controller"

logger = logging.getLogger(__name__)


class ControllerMetrics:
    """The port `Controller`. PutMetricData and not log lines: a rollout is counted where its logs are not read too."""

    def __init__(self, client: Any, namespace: str = NAMESPACE) -> None:
        self._client, self._namespace = client, namespace

    def put(self, measures: Sequence[Measure], now: datetime) -> None:
        """Best effort: that nobody counts a rollout is no reason to roll it back."""
        data = [
            {
                "MetricName": each.name,
                "Value": each.value,
                "Unit": each.unit,
                "Timestamp": now,
                "Dimensions": [{"Name": name, "Value": value} for name, value in each.dimensions.items()],
            }
            for each in measures
        ]
        try:
            with aws.doing(f"putting {len(data)} metrics into {self._namespace}"):
                self._client.put_metric_data(Namespace=self._namespace, MetricData=data)
        except RemoteError as error:
            logger.warning("controller's metrics not put: %s", error)
