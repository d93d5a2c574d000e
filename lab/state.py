"""Where a lab stands: `.lab/lab.json`, what every other command needs to find it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lab.net import Block

DIRECTORY = Path(".lab")
REGION = "us-west-1"  # the document's


@dataclass(frozen=True)
class Lab:
    """A lab that is up. Paths are below `directory`; `outputs` are the stacks' outputs by name."""

    directory: Path
    octet: int
    kubernetes: str  # the API's endpoint
    aws: str  # MiniStack's endpoint
    outputs: dict[str, str] = field(default_factory=dict)
    xray: str = ""  # the X-Ray endpoint: MiniStack has none
    kept: bool = False  # left standing on purpose; any other lab that is found is what a crash left

    @property
    def block(self) -> Block:
        return Block(self.octet)

    @property
    def kubeconfig(self) -> Path:
        return self.directory / "kubeconfig"

    @property
    def images(self) -> Path:
        return self.directory / "images.json"

    @property
    def proxy(self) -> str:
        """The VPC's HTTP proxy: how anything outside a pod reaches the lab's names."""
        return f"http://{self.block.vpc}:3128"

    def save(self) -> None:
        content = {**asdict(self), "directory": None}
        target = self.directory / "lab.json"
        fresh = target.with_suffix(".new")
        fresh.write_text(json.dumps(content, indent=1))
        fresh.rename(target)


def load(directory: Path = DIRECTORY) -> Lab | None:
    """The lab on record; None when there is none. Whether it still runs is another question."""
    try:
        content = json.loads((directory / "lab.json").read_text())
        return Lab(**{**content, "directory": directory.resolve()})
    except (OSError, ValueError, TypeError):
        return None


def forget(directory: Path = DIRECTORY) -> None:
    (directory / "lab.json").unlink(missing_ok=True)


def environment(lab: Lab) -> dict[str, str]:
    """What lets an AWS client find the lab, and nothing else."""
    away = f"127.0.0.1,localhost,{lab.block.api}"
    return {
        "AWS_ENDPOINT_URL": lab.aws,
        **({"AWS_ENDPOINT_URL_XRAY": lab.xray} if lab.xray else {}),
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "NO_PROXY": away,
        "no_proxy": away,
    }
