"""The code asset of all functions: `canario`, `lambdas` and the packages of lambdas/requirements.txt.

A second one has `cryptography` as well, for the functions that make certificates: it is as large as all the rest.

Packages are installed without Docker, for the runtime's Python and architecture whatever this machine's are, into
a cache that is keyed by the lock: a synthesis with a warm cache runs no pip and needs no network.
"""

import compileall
import contextlib
import hashlib
import os
import py_compile
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import jsii
from aws_cdk import AssetHashType, BundlingOptions, DockerImage, ILocalBundling
from aws_cdk import aws_lambda as lambda_

from stacks.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "lambdas" / "requirements.txt"
SOURCES = ("canario", "lambdas")
CACHE = ROOT / ".cache" / "lambdas"

# Lambda's Amazon Linux 2023 has glibc 2.34.
_WHEELS = {"arm64": "aarch64", "x86_64": "x86_64"}
_NOT_NEEDED = shutil.ignore_patterns(
    "__pycache__", "*.pyc", "*.pyi", "tests", "requirements.txt", "bin",
    # For kubeconfigs, which the command line reads and no function: a third of the asset, unpacked at each cold start.
    "lightkube*", "msgspec", "yaml", "_yaml",
)  # fmt: skip
_CERTIFICATES = ("cryptography*", "cffi*", "_cffi*", "pycparser*")


class BundlingFailed(Exception):
    """pip could not install the functions' packages; the text says what to look at."""


def function_code(settings: Settings, *, certificates: bool = False) -> lambda_.Code:
    """The asset; call it once a stack. Its hash covers the lock, the sources and what they are built for."""
    return lambda_.Code.from_asset(
        str(ROOT / "lambdas"),
        asset_hash_type=AssetHashType.CUSTOM,
        asset_hash=_digest(*_inputs(settings, certificates)),
        # `image` is what CDK would use if the local bundling declined; it never does.
        bundling=BundlingOptions(image=DockerImage.from_registry("scratch"), local=_Bundling(settings, certificates)),
    )


@jsii.implements(ILocalBundling)
class _Bundling:
    def __init__(self, settings: Settings, certificates: bool) -> None:
        self._settings, self._certificates = settings, certificates

    def try_bundle(self, output_dir: str, *, image: DockerImage, **_: object) -> bool:
        target = Path(output_dir)
        # Not there until it is whole: the CDK takes whatever directory a killed synthesis has left for the asset.
        target.rmdir()
        with tempfile.TemporaryDirectory(dir=target.parent, prefix="bundling-") as scratch:
            code = Path(scratch) / "code"
            left_out = () if self._certificates else _CERTIFICATES
            shutil.copytree(_packages(self._settings), code, ignore=shutil.ignore_patterns(*left_out))
            for name in SOURCES:
                shutil.copytree(ROOT / name, code / name, ignore=_NOT_NEEDED)
                _compile(code / name, self._settings, below=code)
            os.replace(code, target)
        return True


def _packages(settings: Settings) -> Path:
    """The directory with the installed packages, made on first use."""
    done = CACHE / _digest(*_lock_inputs(settings))
    if not done.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            _pip_install(Path(scratch) / "packages", settings)
            shutil.copytree(Path(scratch) / "packages", Path(scratch) / "done", ignore=_NOT_NEEDED)
            _compile(Path(scratch) / "done", settings, below=Path(scratch) / "done")
            with contextlib.suppress(OSError):  # another synthesis was faster
                os.replace(Path(scratch) / "done", done)
    return done


def _pip_install(target: Path, settings: Settings) -> None:
    machine = _WHEELS[settings.architecture]
    platforms = [f"--platform={tag}_{machine}" for tag in ("manylinux2014", "manylinux_2_28", "manylinux_2_34")]
    command = [
        sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-compile",
        "--require-hashes", "--only-binary=:all:", "--implementation=cp", f"--python-version={settings.python_version}",
        *platforms, "--target", str(target), "--requirement", str(LOCK),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise BundlingFailed(
            f"pip could not install {LOCK.relative_to(ROOT)} for Python {settings.python_version} on "
            f"{settings.architecture}: is a package index reachable? {_last_error(done.stderr)}"
        )


def _last_error(text: str) -> str:
    errors = [line for line in text.splitlines() if line.startswith("ERROR")]
    return errors[-1] if errors else "pip said nothing"


def _compile(directory: Path, settings: Settings, *, below: Path) -> None:
    """Ship bytecode where this interpreter writes the runtime's: a cold start then compiles nothing."""
    if settings.python_version == f"{sys.version_info.major}.{sys.version_info.minor}":
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        compileall.compile_dir(directory, quiet=2, stripdir=str(below), invalidation_mode=mode)


def _inputs(settings: Settings, certificates: bool) -> Iterator[bytes]:
    yield from _lock_inputs(settings)
    yield b"certificates" if certificates else b""
    for name in SOURCES:
        for path in sorted(path for path in (ROOT / name).rglob("*") if path.is_file()):
            if path.suffix != ".pyc":
                yield str(path.relative_to(ROOT)).encode()
                yield path.read_bytes()


def _lock_inputs(settings: Settings) -> Iterator[bytes]:
    yield Path(__file__).read_bytes()
    yield f"{settings.python_version} {settings.architecture}".encode()
    yield LOCK.read_bytes()


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()
