"""Gaps of MiniStack that the lab closes."""

from __future__ import annotations

from typing import Any

from lab.ministack import Answer, once_a_name


def test_a_namespace_has_a_service_once() -> None:
    """A second service of the name is refused as AWS refuses it; another name, or another namespace, is no matter."""
    there: dict[str, dict[str, Any]] = {}

    def create(data: dict[str, Any]) -> Answer:
        there[str(len(there))] = {**data, "Id": f"srv-{len(there)}"}
        return 200, {}, b"made"

    made = once_a_name(create, there)
    wanted = [("ns-1", "nodejs"), ("ns-1", "nodejs"), ("ns-1", "crystal"), ("ns-2", "nodejs")]
    answers = [made({"NamespaceId": namespace, "Name": name}) for namespace, name in wanted]

    assert [200, 400, 200, 200] == [status for status, _, _ in answers]
    assert b"ServiceAlreadyExists" in answers[1][2]
    assert 3 == len(there)
