"""When a trace is whole. Pure."""

from canario.workshop.ports import Trace


def is_whole(trace: Trace, caller: str, callees: tuple[str, ...]) -> bool:
    """Whether no segment's parent is missing, and a segment of each callee was caused by one of the caller."""
    known = {segment.id for segment in trace.segments}
    if any(segment.parent is not None and segment.parent not in known for segment in trace.segments):
        return False
    services = {segment.id: segment.service for segment in trace.segments}
    caused = {segment.service for segment in trace.segments if segment.parent and services[segment.parent] == caller}
    return caused >= set(callees)
