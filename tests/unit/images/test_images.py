from pathlib import Path
from typing import Any

from lab import images


def table(**more: Any) -> dict[str, images.Image]:
    found = images.table("python", mesh_directory=Path("mesh"), vpc="127.9.0.2", **{"v2_error_rate": 0.2, **more})
    return {image["repository"]: image for image in found}


def test_every_repository_runs() -> None:
    """Every repository of the workshop, the document's own images and the walkthroughs' are programs that exist."""
    document = {"app-mesh-lab-partner", "nodejs-v2", "appmesh-controller", "aws-appmesh-envoy", "aws-xray-daemon"}
    walkthroughs = {"feapp", "colorapp", "howto-k8s-retry-policy/colorapp", "howto-k8s-timeout-policy/colorapp"}
    clients = {"tutum/curl", "curlimages/curl", "vegeta", "fortio/fortio"}

    assert {*images.REPOSITORIES, *document, *walkthroughs, *clients} == set(table())
    assert all(Path(table()[name]["argv"][1]).is_file() for name in (*images.REPOSITORIES, *walkthroughs))


def test_only_the_canary_is_broken() -> None:
    """The error rate is the second nodejs's, by both of its names."""
    rates = {name: image["env"].get("ERROR_RATE") for name, image in table().items()}

    assert {"canario/nodejs-v2": "0.2", "nodejs-v2": "0.2"} == {name: rate for name, rate in rates.items() if rate}


def test_digest_depends_on_the_program() -> None:
    """The same bytes make the same manifest; other bytes, or another repository, another one."""
    one = images.manifest("canario/nodejs", b"a")

    assert images.manifest("canario/nodejs", b"a") == one
    assert images.manifest("canario/nodejs", b"b") != one
    assert images.manifest("canario/crystal", b"a") != one
