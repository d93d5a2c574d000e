"""TLS in App Mesh's manifests: `listeners[].tls` and `clientPolicy.tls`, read and written.

Certificates come from files. ACM's keys reach nothing but AWS's own App Mesh, which has ended, and an SDS provider
is no part of a mesh's manifests; both are refused.
"""

from collections.abc import Mapping
from typing import Any

from canario.errors import InvalidInput
from canario.mesh.appmesh_names import Manifest
from canario.mesh.fields import Fields
from canario.mesh.tls import CertificateFiles, ClientTls, ListenerTls, TlsMode, Validation

_ELSEWHERE = {
    "acm": "file (only AWS's own App Mesh could use ACM, and it ended on 2026-09-30)",
    "sds": "file (there is no SDS provider here)",
}


def parse_listener_tls(listener: Fields) -> ListenerTls | None:
    tls = listener.inner_or_none("tls")
    if tls is None:
        return None
    with tls:
        mode = tls.text("mode")
        if mode not in list(TlsMode):
            raise InvalidInput(tls.where("mode"), mode, ", ".join(TlsMode))
        return ListenerTls(TlsMode(mode), _certificate(tls.inner("certificate")), _validation_or_none(tls))


def parse_client_tls(owner: Fields) -> ClientTls | None:
    """`owner.clientPolicy.tls`: `owner` is `backendDefaults` or a backend's `virtualService`."""
    policy = owner.inner_or_none("clientPolicy")
    if policy is None:
        return None
    with policy:
        tls = policy.inner_or_none("tls")
        if tls is None:
            return None
        with tls:
            certificate = tls.inner_or_none("certificate")
            return ClientTls(
                validation=_validation(tls.inner("validation")),
                certificate=_certificate(certificate) if certificate else None,
                enforce=tls.flag_or("enforce", True),
                ports=tls.numbers("ports"),
            )


def parse_default_tls(spec: Fields) -> ClientTls | None:
    """The policy of every backend that has none of its own."""
    defaults = spec.inner_or_none("backendDefaults")
    if defaults is None:
        return None
    with defaults:
        return parse_client_tls(defaults)


def render_listener_tls(tls: ListenerTls | None) -> Manifest:
    """What a listener's manifest has more."""
    if tls is None:
        return {}
    fields: Manifest = {"mode": str(tls.mode), "certificate": _certificate_spec(tls.certificate)}
    if tls.validation:
        fields["validation"] = _validation_spec(tls.validation)
    return {"tls": fields}


def render_client_tls(tls: ClientTls | None) -> Manifest:
    """What `backendDefaults`, or a backend's `virtualService`, has more."""
    if tls is None:
        return {}
    fields: Manifest = {"validation": _validation_spec(tls.validation)}
    if tls.certificate:
        fields["certificate"] = _certificate_spec(tls.certificate)
    if not tls.enforce:
        fields["enforce"] = False
    if tls.ports:
        fields["ports"] = list(tls.ports)
    return {"clientPolicy": {"tls": fields}}


def _certificate(fields: Fields) -> CertificateFiles:
    with _file(fields) as file:
        return CertificateFiles(file.text("certificateChain"), file.text("privateKey"))


def _validation_or_none(tls: Fields) -> Validation | None:
    fields = tls.inner_or_none("validation")
    return _validation(fields) if fields else None


def _validation(fields: Fields) -> Validation:
    with fields:
        with _file(fields.inner("trust")) as file:
            trust = file.text("certificateChain")
        names = fields.inner_or_none("subjectAlternativeNames")
        if names is None:
            return Validation(trust)
        with names, names.inner("match") as match:
            return Validation(trust, match.texts("exact"))


def _file(fields: Fields) -> Fields:
    """The fields of a source that is a file."""
    with fields:
        for source, allowed in _ELSEWHERE.items():
            if fields.present(source):
                raise InvalidInput(fields.path, source, allowed)
        return fields.inner("file")


def _certificate_spec(files: CertificateFiles) -> Mapping[str, Any]:
    return {"file": {"certificateChain": files.chain, "privateKey": files.key}}


def _validation_spec(validation: Validation) -> Mapping[str, Any]:
    spec: Manifest = {"trust": {"file": {"certificateChain": validation.trust}}}
    if validation.names:
        spec["subjectAlternativeNames"] = {"match": {"exact": list(validation.names)}}
    return spec
