"""Puts data into CloudWatch: each datum once, also when a put fails or nobody knows whether it did."""

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ParamValidationError,
)

from canario.telemetry.datapoints import NAMESPACE, Datum, batches

log = logging.getLogger(__name__)

_RETRY_SECONDS = 0.5
_KEPT_BATCHES = 3600  # an hour or more; what is older goes first
_MOST_DATA = 1000  # a call, as CloudWatch takes them
_BAD_REQUEST = range(400, 500)
_THROTTLED = {"Throttling", "ThrottlingException", "RequestLimitExceeded"}


@dataclass(frozen=True)
class Batch:
    """One PutMetricData. `doubtful` after a put whose answer never came: it may have been done."""

    data: Sequence[Datum]
    doubtful: bool = False


class Publisher:
    """A queue in front of a CloudWatch client, which must not retry on its own.

    No two `add`s may have the same timestamp: a datum that is there then proves that its batch is. `looks`: CloudWatch
    shows at once what it took. AWS's own may need minutes; there, what may have been done is not done again, so that
    nothing counts twice: those data are absent.
    """

    def __init__(self, client: Any, *, looks: bool = True) -> None:
        self._client, self._looks = client, looks
        self._queue: deque[Batch] = deque(maxlen=_KEPT_BATCHES)
        self._filled = asyncio.Event()
        self._putting = asyncio.Lock()

    def add(self, data: Sequence[Datum]) -> None:
        """Queue what one scrape gave, all of one timestamp."""
        if len(self._queue) == self._queue.maxlen:
            log.error("CloudWatch has taken none of %d batches; dropping the oldest data", _KEPT_BATCHES)
        self._queue.extend(Batch(batch) for batch in batches(data))
        self._filled.set()

    async def run(self) -> None:
        """Put what is queued, in order, until cancelled; `drain` puts the rest."""
        while True:
            await self._filled.wait()
            if not await self.drain():
                await asyncio.sleep(_RETRY_SECONDS)

    async def drain(self) -> bool:
        """Put everything that is queued; False when CloudWatch did not take it, which then stays queued."""
        return await asyncio.shield(asyncio.ensure_future(self._drain()))  # a put that has begun ends

    async def _drain(self) -> bool:
        async with self._putting:
            while self._queue:
                left = await asyncio.to_thread(self.put, self._next())
                if left is not None:
                    self._queue.appendleft(left)
                    return False
            self._filled.clear()
            return True

    def _next(self) -> Batch:
        """The oldest batch, with those after it that the same call takes: a slow CloudWatch must not be ever further
        behind."""
        batch = self._queue.popleft()
        while not batch.doubtful and self._queue and len(batch.data) + len(self._queue[0].data) <= _MOST_DATA:
            batch = Batch([*batch.data, *self._queue.popleft().data])
        return batch

    def put(self, batch: Batch) -> Batch | None:
        """Put it unless it is there already; None when it is done, else what is to be tried again."""
        try:
            if batch.doubtful and self._given_up(batch):
                return None
            self._client.put_metric_data(Namespace=NAMESPACE, MetricData=batch.data)
        except ClientError as error:
            return _after_refusal(batch, error)
        except ParamValidationError as error:
            log.error("dropping %d data that CloudWatch cannot take: %s", len(batch.data), error)
            return None
        except (EndpointConnectionError, ConnectTimeoutError) as error:  # nothing has been sent
            log.warning("putting %d data: %s; trying again", len(batch.data), error)
            return batch
        except BotoCoreError as error:
            log.warning("putting %d data: %s; they may be there", len(batch.data), error)
            return replace(batch, doubtful=True)
        return None

    def _given_up(self, batch: Batch) -> bool:
        """Whether a put that may have been done must not be done again."""
        if self._looks:
            return self._is_there(batch.data[0])
        log.error("dropping %d data that CloudWatch may have taken: it gave no answer", len(batch.data))
        return True

    def _is_there(self, datum: Datum) -> bool:
        period = datum["StorageResolution"]
        found = self._client.get_metric_statistics(
            Namespace=NAMESPACE,
            MetricName=datum["MetricName"],
            Dimensions=datum["Dimensions"],
            StartTime=datum["Timestamp"],
            EndTime=datum["Timestamp"] + timedelta(seconds=period),
            Period=period,
            Statistics=["SampleCount"],
        )
        return any(point["SampleCount"] > 0 for point in found["Datapoints"])


def _after_refusal(batch: Batch, error: ClientError) -> Batch | None:
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    if error.response["Error"]["Code"] in _THROTTLED:
        log.warning("CloudWatch throttles %d data; trying again", len(batch.data))
        return batch
    if status in _BAD_REQUEST:
        log.error("dropping %d data that CloudWatch refuses: %s", len(batch.data), error)
        return None
    log.warning("putting %d data: %s; they may be there", len(batch.data), error)
    return replace(batch, doubtful=True)
