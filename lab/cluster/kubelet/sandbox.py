"""The surroundings of one pod's containers: its address, directory, volumes and kubeconfig."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from lab.cluster.kubelet.environment import Place, service_account
from lab.cluster.kubelet.machine import NODE, Machine
from lab.cluster.kubelet.program import Program, program
from lab.cluster.kubelet.volumes import Volumes
from lab.cluster.objects import Obj, name_of, namespace_of

_KEPT_LOGS = 2  # the log of the present run, and of the one before


class Sandbox:
    """Made when a pod is first seen; it holds an address until `close`. Raises NoAddressError."""

    def __init__(self, machine: Machine, pod: Obj) -> None:
        self._machine = machine
        self.uid: str = pod["metadata"]["uid"]
        self.ip = machine.addresses.take()
        self.directory = machine.pods_directory / f"{namespace_of(pod)}_{name_of(pod)}_{self.uid}"
        self.volumes = Volumes(self.directory / "volumes", machine.lookup)
        self._kubeconfig = self.directory / "kubeconfig"

    def prepare(self, pod: Obj) -> None:
        """Make the directories and the kubeconfig."""
        self.directory.mkdir(parents=True, exist_ok=True)
        account = service_account(pod)
        token = self._machine.api.issue_token(namespace_of(pod), account)
        self._kubeconfig.write_text(json.dumps(self._kubeconfig_of(pod, account, token)))
        self._kubeconfig.chmod(0o600)

    def program(self, pod: Obj, container: Obj) -> tuple[Program, str]:
        """A container's program and its image's id. Raises ImageError or ConfigError."""
        image = self._machine.images.find(container.get("image", ""))
        home = self.directory / "containers" / container["name"]
        home.mkdir(parents=True, exist_ok=True)
        api = self._machine.api
        place = Place(self.ip, self._machine.block, NODE, api.host, api.port, self._kubeconfig)
        found = program(
            pod,
            container,
            image=image,
            place=place,
            lookup=self._machine.lookup,
            mounts=self.volumes.mounts(container),
            directory=home,
        )
        return found, f"lab://{image.repository}"

    def log_path(self, container: str, run: int) -> Path:
        """Where the log of this run goes; those before the previous one are removed."""
        directory = self.directory / "logs" / container
        (directory / f"{run - _KEPT_LOGS}.log").unlink(missing_ok=True)
        return directory / f"{run}.log"

    def close(self, *, keep_files: bool) -> None:
        self._machine.addresses.give_back(self.ip)
        if not keep_files:
            shutil.rmtree(self.directory, ignore_errors=True)

    def _kubeconfig_of(self, pod: Obj, account: str, token: str) -> Obj:
        """JSON is YAML: any client reads it."""
        api = self._machine.api
        cluster = {"server": api.url, "certificate-authority": str(api.ca_file.resolve())}
        context = {"cluster": "lab", "user": account, "namespace": namespace_of(pod)}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "lab", "cluster": cluster}],
            "users": [{"name": account, "user": {"token": token}}],
            "contexts": [{"name": "lab", "context": context}],
            "current-context": "lab",
        }
