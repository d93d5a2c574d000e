"""TLS in a sidecar's Envoy files: transport sockets, and the secrets that they name. Pure.

A manifest names files of the Envoy container. The sidecar's launcher links what is mounted into that container below
the pod's own directory (`link`), so that the controller can write real paths without knowing where the kubelet put
anything. It also serves their content to Envoy, anew when the kubelet has changed them: Envoy needs no restart for a
new certificate, and no listener or cluster is built anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from canario.mesh.model import Node, Port, Protocol
from canario.mesh.tls import CertificateFiles, ClientTls, ListenerTls, TlsMode, Validation
from lab.envoy.files import Resource
from lab.envoy.resources import served
from lab.mesh.world import Obj

MOUNTS = "mounts"  # below the pod's directory: a link for each mount of its Envoy
SECRETS = "sds"

_TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3"
_RAW = "type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer"
_INSPECTOR = "type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector"
_H2 = (Protocol.HTTP2, Protocol.GRPC)


def mounts_of(pod: Obj, container: str) -> tuple[str, ...]:
    """Where something is mounted into the pod's container, the longest path first."""
    for each in pod["spec"].get("containers") or ():
        if each["name"] == container:
            paths = (mount["mountPath"] for mount in each.get("volumeMounts") or ())
            return tuple(sorted(paths, key=lambda path: (-len(path), path)))
    return ()


def link(directory: Path, mounts: Mapping[str, str]) -> None:
    """Link every mount (path in the container → path on this machine) below the pod's directory."""
    for path, real in mounts.items():
        place = directory / MOUNTS / _key(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.symlink_to(real)


class Files:
    """What one pod's Envoy has mounted, and the secrets that it takes from there."""

    def __init__(self, directory: Path, mounts: Sequence[str]) -> None:
        self._directory = directory
        self._mounts = mounts
        self.secrets: dict[str, list[Resource]] = {}  # by file, as `write_files` takes them

    def certificate(self, files: CertificateFiles) -> Resource:
        """The reference to a certificate with its key."""
        chain, key = self._real(files.chain), self._real(files.key)
        content = {"certificate_chain": _file(chain), "private_key": _file(key)}
        return self._secret(f"certificate {files.chain} {files.key}", "tls_certificate", content)

    def trust(self, path: str) -> Resource:
        """The reference to the authorities in a file."""
        return self._secret(f"trust {path}", "validation_context", {"trusted_ca": _file(self._real(path))})

    def _secret(self, name: str, kind: str, content: Resource) -> Resource:
        file = f"{SECRETS}/{sha256(name.encode()).hexdigest()[:12]}.json"
        self.secrets[file] = [{"@type": f"{_TLS}.Secret", "name": name, kind: content}]
        return {"name": name, "sds_config": served()}

    def _real(self, path: str) -> Path:
        """Below nothing that is mounted it is a file that does not exist, which Envoy's log then names."""
        mount = next((each for each in self._mounts if Path(path).is_relative_to(each)), "/")
        return self._directory / MOUNTS / _key(mount) / Path(path).relative_to(mount)


def secured(listener: Resource, port: Port, files: Files) -> Resource:
    """The listener, which has one filter chain, as its port's TLS has it.

    PERMISSIVE and STRICT differ in nothing but the chain for plaintext, so that Envoy changes from one to the
    other without closing the listener's socket or its TLS connections.
    """
    if port.tls is None or not port.tls.is_on:
        return listener
    (plain,) = listener["filter_chains"]
    chains = [
        {
            **plain,
            "name": "tls",
            "filter_chain_match": {"transport_protocol": "tls"},
            "transport_socket": _downstream(port.tls, port.protocol, files),
        }
    ]
    if port.tls.mode is TlsMode.PERMISSIVE:
        chains.append({**plain, "name": "plaintext", "filter_chain_match": {"transport_protocol": "raw_buffer"}})
    inspector = {"name": "envoy.filters.listener.tls_inspector", "typed_config": {"@type": _INSPECTOR}}
    filters = [*listener.get("listener_filters", []), inspector]
    return {**listener, "listener_filters": filters, "filter_chains": chains}


def client_fields(policy: ClientTls | None, node: Node | None, files: Files) -> Resource:
    """The cluster's field `transport_socket`, or nothing where the calls are plaintext.

    A caller without any policy believes whoever answers where a listener takes nothing but TLS, as in App Mesh.
    """
    port = node.ports[0] if node and node.ports else Port(80)
    if policy is None:
        strict = port.tls is not None and port.tls.mode is TlsMode.STRICT
        return {"transport_socket": _upstream(_common({}, port.protocol))} if strict else {}
    if not policy.applies_to(port.number, port.tls):
        return {}
    common = _common(_trusting(policy.validation, files), port.protocol)
    if policy.certificate:
        common["tls_certificate_sds_secret_configs"] = [files.certificate(policy.certificate)]
    return {"transport_socket": _upstream(common)}


def _downstream(tls: ListenerTls, protocol: Protocol, files: Files) -> Resource:
    common = _common(_trusting(tls.validation, files) if tls.validation else {}, protocol)
    common["tls_certificate_sds_secret_configs"] = [files.certificate(tls.certificate)]
    config = {
        "@type": f"{_TLS}.DownstreamTlsContext",
        "common_tls_context": common,
        # Where plaintext is taken, a certificate is checked when it is shown, and not asked for.
        "require_client_certificate": tls.validation is not None and tls.mode is TlsMode.STRICT,
    }
    return {"name": "envoy.transport_sockets.tls", "typed_config": config}


def _upstream(common: Resource) -> Resource:
    config = {"@type": f"{_TLS}.UpstreamTlsContext", "common_tls_context": common}
    return {"name": "envoy.transport_sockets.tls", "typed_config": config}


def _common(trusting: Resource, protocol: Protocol) -> Resource:
    return {**trusting, **({"alpn_protocols": ["h2"]} if protocol in _H2 else {})}


def _trusting(validation: Validation, files: Files) -> Resource:
    return {
        "combined_validation_context": {
            "default_validation_context": {"match_typed_subject_alt_names": list(_names(validation.names))},
            "validation_context_sds_secret_config": files.trust(validation.trust),
        }
    }


def _names(names: Iterable[str]) -> Iterator[Resource]:
    for name in names:
        yield {"san_type": "URI" if "://" in name else "DNS", "matcher": {"exact": name}}


def _file(path: Path) -> Resource:
    return {"filename": str(path)}


def _key(path: str) -> str:
    """A mount's path as one name: `/etc/certs/` is `etc%2Fcerts`."""
    return quote(path.strip("/"), safe="") or "%2F"
