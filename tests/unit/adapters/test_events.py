"""Events that EventBridge does not take."""

import math

import pytest

from canario.adapters.events import Bus
from canario.errors import RemoteError


class RefusingClient:
    """EventBridge taking the call and refusing the event."""

    def put_events(self, **_: object):
        entry = {"ErrorCode": "InternalFailure", "ErrorMessage": "try again"}
        return {"FailedEntryCount": 1, "Entries": [entry]}


def test_an_event_that_is_refused_is_an_error():
    """A success with a failed entry inside is a failure, and says which event, which bus and why."""
    with pytest.raises(RemoteError, match="event StagePassed on the bus b: InternalFailure: try again"):
        Bus(RefusingClient(), "b").put("StagePassed", {})


def test_a_detail_that_is_no_json_is_refused():
    """Not-a-number would reach the bus as text that no consumer can read."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        Bus(RefusingClient(), "b").put("RolloutDecided", {"E": math.inf})
