"""A cluster in which things take their time to go: finalizers, full namespaces, controllers that answer late."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from canario.errors import Conflict, RemoteError
from canario.workshop.kinds import APP_MESH, DEPLOYMENT
from canario.workshop.ports import Kind, Manifest, Ports
from tests.unit.workshop.envoys import EnvoyTls
from tests.unit.workshop.world import SettledKubernetes, world

HELD = "finalizers.appmesh.k8s.aws/aws-appmesh-resources"
GOING = "2026-11-02T12:00:00Z"
CONTROLLER = ("Deployment", "appmesh-system", "appmesh-controller")


class Killed(BaseException):
    """The function's process ended here."""


class DyingKubernetes(SettledKubernetes):
    """`delete` only begins; `settle` is what the cluster's own controllers do meanwhile.

    App Mesh's objects have its controller's finalizer, as on EKS. The process is killed at the call `kill_at`, before
    the call has done anything or, with `too_late`, after it.
    """

    calls = 0
    kill_at = -1
    too_late = False

    def put(self, manifest: Manifest) -> Manifest:
        metadata = manifest["metadata"]
        if manifest["apiVersion"] == APP_MESH and "deletionTimestamp" not in metadata:
            manifest = {**manifest, "metadata": {**metadata, "finalizers": metadata.get("finalizers") or [HELD]}}
        return super().put(manifest)

    def delete(self, kind: Kind, name: str, namespace: str | None = None) -> None:
        self._call(lambda: self._begin((kind.name, namespace, name)))

    def patch(self, kind: Kind, name: str, namespace: str | None, patch: Manifest) -> Manifest:
        live = self.objects.get((kind.name, namespace, name))
        version = patch.get("metadata", {}).get("resourceVersion")
        if live and version and live["metadata"]["resourceVersion"] != version:
            raise Conflict(f"{kind.name} {name} changed since it was read")
        done = self._call(lambda: super(DyingKubernetes, self).patch(kind, name, namespace, patch))
        self._drop_if_free((kind.name, namespace, name))
        return done

    def apply(self, manifest: Manifest) -> Manifest:
        return self._call(lambda: super(DyingKubernetes, self).apply(manifest))

    def get(self, kind: Kind, name: str, namespace: str | None = None) -> Manifest | None:
        return self._call(lambda: super(DyingKubernetes, self).get(kind, name, namespace))

    def list(self, kind: Kind, namespace: str | None = None, labels: Mapping[str, str] | None = None) -> list[Manifest]:
        return self._call(lambda: super(DyingKubernetes, self).list(kind, namespace, labels))

    def settle(self) -> None:
        """One round of the namespace controller, the garbage collector, App Mesh's and the CRDs'."""
        for key in [key for key in self.objects if key[0] == "Pod"]:
            owner = key[2].rpartition("-")[0]
            if ("Deployment", key[1], owner) not in self.objects:
                del self.objects[key]
        for key, each in list(self.objects.items()):
            if not _is_going(each):
                continue
            if each["metadata"].get("finalizers") == [HELD] and CONTROLLER in self.objects:
                del self.objects[key]
        for key, each in list(self.objects.items()):
            if key[0] == "Namespace" and _is_going(each):
                self._empty(key)

    def _empty(self, namespace: tuple[str, str | None, str]) -> None:
        inside = [key for key in self.objects if key[1] == namespace[2]]
        for key in inside:
            self._begin(key)
        if not inside:
            del self.objects[namespace]

    def _begin(self, key: tuple[str, str | None, str]) -> None:
        found = self.objects.get(key)
        if found is None:
            return
        if key[0] == "Namespace" or found["metadata"].get("finalizers"):
            found["metadata"].setdefault("deletionTimestamp", GOING)
            return
        del self.objects[key]
        self.applied.pop(key, None)
        self._register()

    def _drop_if_free(self, key: tuple[str, str | None, str]) -> None:
        found = self.objects.get(key)
        if found and _is_going(found) and key[0] != "Namespace" and not found["metadata"].get("finalizers"):
            del self.objects[key]

    def _call(self, work: Callable[[], Any]) -> Any:
        self.calls += 1
        killed = self.calls == self.kill_at
        if killed and not self.too_late:
            raise Killed
        done = work()
        if killed:
            raise Killed
        return done

    def _register(self) -> None:
        """The registrar is another process: it is never killed with the function, and its calls do not count."""
        calls, kill_at = self.calls, self.kill_at
        self.kill_at = -1
        try:
            super()._register()
        finally:
            self.calls, self.kill_at = calls, kill_at


def dying() -> Ports:
    """`world()` in which nothing goes at once."""
    ports = world()
    kubernetes = DyingKubernetes()
    kubernetes.addresses, kubernetes.cloud = {}, ports.cloud_map
    return replace(ports, kubernetes=kubernetes, tls=EnvoyTls(kubernetes))


def without_controller(ports: Ports) -> None:
    """Somebody has deleted App Mesh's controller: its finalizers are nobody's any more."""
    ports.kubernetes.delete(DEPLOYMENT, CONTROLLER[2], CONTROLLER[1])


def broken(*_: Any, **__: Any) -> Any:
    raise RemoteError("no answer")


def _is_going(manifest: Manifest) -> bool:
    return "deletionTimestamp" in manifest["metadata"]
