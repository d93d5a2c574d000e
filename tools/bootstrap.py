"""Set up what `make lab` and `make test` need, below this checkout and nowhere else.

Three steps, each skipped while its lock file is unchanged since it last succeeded:
the virtual environment `.venv` from `requirements.txt`, Node.js from PyPI where the machine has none
that is new enough, and the CDK command line from `package-lock.json`.

The first lines run on any Python, so that one that is too old is told so in words.
"""

import sys

NEEDED = (3, 11)
if sys.version_info < NEEDED:
    sys.exit(
        "canario: Python %d.%d or newer is needed; %s is %d.%d. Name another one: make PYTHON=python3.12 ..."
        % (NEEDED[0], NEEDED[1], sys.executable, sys.version_info[0], sys.version_info[1])
    )

import hashlib
import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
LOG = ROOT / ".cache" / "setup.log"
NODE_NEEDED = 22


class Refused(Exception):
    """A set-up step that failed, in one line that says what to do."""


def main():
    LOG.parent.mkdir(exist_ok=True)
    LOG.write_text("")
    try:
        make_environment()
        install_packages()
        install_node_tools()
    except Refused as error:
        sys.exit("canario: %s" % error)


def make_environment():
    wanted = "%d.%d\n" % tuple(sys.version_info[:2])
    if up_to_date("python", wanted.encode()) and works([BIN / "python", "-m", "pip", "--version"]):
        return
    # The Makefile's `python3` may be that of the very .venv that goes now.
    python = getattr(sys, "_base_executable", sys.executable)
    say("making the virtual environment .venv with Python %s" % wanted.strip())
    shutil.rmtree(VENV, ignore_errors=True)
    run(
        [python, "-m", "venv", str(VENV)],
        "cannot make a virtual environment with %s: its venv module is incomplete "
        "(Debian: apt-get install python3-venv)" % python,
    )
    done("python", wanted.encode())


def install_packages():
    pip_install("requirements.txt", "Python packages")


def install_node_tools():
    if not node_is_new_enough(shutil.which("node")):
        pip_install("requirements-node.txt", "Node.js")
    lock = (ROOT / "package-lock.json").read_bytes()
    if up_to_date("npm", lock) and (ROOT / "node_modules").is_dir():
        return
    say("installing the CDK command line (package-lock.json)")
    run(
        ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"],
        "npm could not install what package-lock.json names: is the npm registry reachable?",
    )
    done("npm", lock)


def node_is_new_enough(node):
    if node is None:
        return False
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    return int((version.lstrip("v").split(".")[0] or "0").strip() or 0) >= NODE_NEEDED


def pip_install(name, what):
    lock = (ROOT / name).read_bytes()
    if up_to_date(name, lock):
        return
    say("installing %s (%s)" % (what, name))
    run(
        [
            str(BIN / "python"),
            "-m",
            "pip",
            "install",
            "--require-hashes",
            "--disable-pip-version-check",
            "--no-input",
            "-r",
            str(ROOT / name),
        ],
        "pip could not install what %s names: is a package index reachable (pip config, PIP_INDEX_URL)?" % name,
    )
    done(name, lock)


def up_to_date(step, content):
    stamp = VENV / ("canario-%s.stamp" % step)
    return stamp.is_file() and stamp.read_text() == hashlib.sha256(content).hexdigest()


def done(step, content):
    (VENV / ("canario-%s.stamp" % step)).write_text(hashlib.sha256(content).hexdigest())


def works(command):
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def run(command, failure):
    """Run `command` at the project's top, its output in the log; raise Refused with `failure` when it fails."""
    # The environment's own bin first: that is where a Node from PyPI stands.
    environment = dict(os.environ, PATH="%s%s%s" % (BIN, os.pathsep, os.environ.get("PATH", "")))
    with LOG.open("a") as log:
        try:
            code = subprocess.run(command, cwd=ROOT, env=environment, stdout=log, stderr=log, check=False).returncode
        except OSError as error:
            raise Refused("%s (%s)" % (failure, error)) from error
    if code:
        raise Refused("%s Its output is in %s." % (failure, LOG.relative_to(ROOT)))


def say(text):
    sys.stdout.write("canario: %s\n" % text)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
