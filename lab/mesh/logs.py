"""Access logs as Envoy has them.

Any path but `/dev/stdout` and `/dev/stderr` is a file below the pod's own directory: a process of the lab writes
nowhere else.
"""

from __future__ import annotations

from pathlib import Path

from canario.mesh.policies import AccessLog
from lab.envoy.files import Resource
from lab.envoy.resources import ACCESS_LOG_FORMAT, stdout_log

_TYPE = "type.googleapis.com/envoy.extensions.access_loggers"
_STREAMS = {"/dev/stdout": "Stdout", "/dev/stderr": "Stderr"}


def access_log(log: AccessLog | None, directory: Path) -> list[Resource]:
    """A node's access log; where none is written, a line a request to standard output."""
    if log is None:
        return [stdout_log()]
    probes = stdout_log()["filter"]
    if log.path in _STREAMS:
        kind = _STREAMS[log.path]
        config = {"@type": f"{_TYPE}.stream.v3.{kind}AccessLog", **_format(log)}
        return [{"name": f"envoy.access_loggers.{kind.lower()}", "filter": probes, "typed_config": config}]
    path = log_file(log.path, directory)
    config = {"@type": f"{_TYPE}.file.v3.FileAccessLog", "path": str(path), **_format(log)}
    return [{"name": "envoy.access_loggers.file", "filter": probes, "typed_config": config}]


def make_log_directories(log: AccessLog | None, directory: Path) -> None:
    """Envoy makes a log's file, but no directory for it, and refuses the listener instead."""
    if log and log.path not in _STREAMS:
        log_file(log.path, directory).parent.mkdir(parents=True, exist_ok=True)


def log_file(path: str, directory: Path) -> Path:
    """Where the log that the object calls `path` lies: `<directory>/files/<path>`, never above it."""
    parts = [part for part in path.split("/") if part not in ("", ".", "..")]
    return directory.joinpath("files", *parts)


def _format(log: AccessLog) -> Resource:
    if log.json:
        return {"log_format": {"json_format": dict(log.json)}}
    text = ACCESS_LOG_FORMAT if log.text is None else _lines(log.text)
    return {"log_format": {"text_format_source": {"inline_string": text}}}


def _lines(text: str) -> str:
    return text if text.endswith("\n") else f"{text}\n"
