"""The stages' hints: there for every stage, in both languages, and right about names."""

import json
import re

import pytest
import yaml

from canario.mesh import appmesh
from canario.workshop import hints as package
from canario.workshop.application import deployment_manifest, load_balancer_manifest
from canario.workshop.hints import LANGUAGES, hints
from canario.workshop.mesh import mesh
from canario.workshop.names import SERVICES, names
from canario.workshop.request import STAGES
from tests.fakes import FakeImages

TURMA, DEFAULT = names("turma-01"), names("default")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_has_hints_in_every_language(stage: str, language: str) -> None:
    """At least two hints, then the solution; no place for a name is left open."""
    found = hints(stage, language, TURMA)

    assert 3 <= len(found)
    assert all(found)
    assert "{{" not in "".join(found)


@pytest.mark.parametrize("stage", STAGES)
def test_the_languages_say_the_same(stage: str) -> None:
    """As many hints in Portuguese as in English, other words, and the same commands at last."""
    english, portuguese = (hints(stage, language, TURMA) for language in LANGUAGES)

    assert len(english) == len(portuguese)
    assert english[-1] == portuguese[-1]
    assert all(one != other for one, other in zip(english[:-1], portuguese[:-1], strict=True))


def test_the_default_workshop_reads_the_documents_own_names() -> None:
    """Somebody who follows the document finds its names in the hints."""
    solution = hints("mesh", "en", DEFAULT)[-1]

    assert "kubectl label namespace appmesh-workshop-ns mesh=app-mesh" in solution
    assert "turma" not in solution


def test_a_stage_without_hints_has_none() -> None:
    """A stage that somebody adds is no error before its hints are written."""
    assert () == hints("lunch", "en", TURMA)


def test_every_file_of_hints_is_of_a_stage() -> None:
    """A file with a misspelt name would never be read."""
    found = {path.name for path in package.files("canario.workshop.hints").iterdir() if path.is_file()}
    wanted = {f"{stage}.{end}" for stage in STAGES for end in ("sh", *(f"{each}.md" for each in LANGUAGES))}

    assert wanted == found - {"__init__.py"}


def manifests(script: str, **variables: str) -> dict[tuple[str, str], dict]:
    """What the script's here-documents apply, with the shell's variables filled in."""
    found = {}
    for text in re.findall(r"<<EOF\n(.*?)\nEOF", script, re.DOTALL):
        filled = re.sub(r"\$(\w+)", lambda name: variables[name[1]], text)
        found |= {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(filled)}
    return found


def part_of(small: object, large: object) -> bool:
    """Whether all that `small` says, `large` says too; other fields may be there."""
    if isinstance(small, dict):
        return isinstance(large, dict) and all(key in large and part_of(small[key], large[key]) for key in small)
    if isinstance(small, list):
        return isinstance(large, list) and len(small) == len(large) and all(map(part_of, small, large))
    return small == large


def test_the_solution_of_mesh_is_what_the_machine_applies() -> None:
    """Every mesh object of the script is one that `solve` would make, field by field, but for the backends' patch."""
    rendered = appmesh.render(mesh(TURMA, dict.fromkeys(SERVICES, "balancer")))
    machine = {(each["kind"], each["metadata"]["name"]): each for each in rendered}
    typed = {}
    for service in SERVICES:
        typed |= manifests(hints("mesh", "en", TURMA)[-1], service=service, balancer="balancer")

    assert set(machine) == set(typed)
    assert [] == [key for key, each in typed.items() if not part_of(each["spec"], machine[key]["spec"])]


@pytest.mark.parametrize("service", SERVICES)
def test_the_solution_of_baseline_is_what_the_machine_applies(service: str) -> None:
    """Deployment and load balancer of each service, as typed, are part of what `solve` makes."""
    images, name = FakeImages(), f"{service}-app"
    script = hints("baseline", "en", TURMA)[-1].replace("$1", service)
    arguments = re.search(rf"^service {service} (\d) (\d+) (\S+)$", script, re.MULTILINE)
    assert arguments
    for number, value in enumerate(arguments.groups(), start=2):
        script = script.replace(f"${number}", value)
    typed = manifests(script, registry=images.registry, tag=images.tag)
    made = deployment_manifest(TURMA, service, images), load_balancer_manifest(TURMA, service)

    container = typed["Deployment", name]["spec"]["template"]["spec"]["containers"][0]
    made_container = made[0]["spec"]["template"]["spec"]["containers"][0]
    container["ports"] = made_container["ports"]
    made_container["env"] = [each for each in made_container["env"] if each["name"] != "UPSTREAMS"]  # set afterwards
    assert part_of(typed["Deployment", name]["spec"], made[0]["spec"]), json.dumps(made[0]["spec"], indent=1)
    assert part_of(typed["Service", f"{name}-service"]["metadata"]["annotations"], made[1]["metadata"]["annotations"])
    assert typed["Service", f"{name}-service"]["spec"]["selector"] == made[1]["spec"]["selector"]


def test_only_the_frontend_is_told_whom_to_call() -> None:
    """A service that was told its own name would call itself for ever."""
    pod = deployment_manifest(TURMA, "frontend", FakeImages())["spec"]["template"]["spec"]
    upstreams = next(each["value"] for each in pod["containers"][0]["env"] if each["name"] == "UPSTREAMS")
    script = hints("baseline", "en", TURMA)[-1]

    assert 1 == script.count("UPSTREAMS")
    assert f"set env deployment/frontend-app \\\n  UPSTREAMS={upstreams}\n" in script


def test_hints_of_the_mesh_are_not_given_in_another_dialect() -> None:
    """App Mesh's commands would lead an attendee astray who works with Gateway API; the others are the same in both."""
    found = {stage: hints(stage, "en", names("default"), "gateway") for stage in ("baseline", "mesh", "mtls")}

    assert hints("baseline", "en", names("default")) == found["baseline"]
    assert ((), ()) == (found["mesh"], found["mtls"])
