"""The stages' hints: there for every stage, in both languages, and right about names."""

import json
import re
from dataclasses import replace

import pytest
import yaml

from canario.mesh import appmesh
from canario.workshop import hints as package
from canario.workshop.application import deployment_manifest, load_balancer_manifest
from canario.workshop.dialects import DIALECTS, GATEWAY_API
from canario.workshop.gateway import balancer_manifest, way_in
from canario.workshop.gateway import deployment_manifest as gateway_deployment
from canario.workshop.hints import IN_EVERY_DIALECT, LANGUAGES, hints
from canario.workshop.mesh import mesh
from canario.workshop.names import SERVICES, names
from canario.workshop.request import STAGES
from tests.fakes import FakeImages

TURMA, DEFAULT = names("turma-01"), names("default")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_has_hints_in_every_language(stage: str, language: str, dialect: str) -> None:
    """At least two hints, then the solution; no place for a name is left open."""
    found = hints(stage, language, TURMA, dialect)

    assert 3 <= len(found)
    assert all(found)
    assert "{{" not in "".join(found)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("stage", STAGES)
def test_the_languages_say_the_same(stage: str, dialect: str) -> None:
    """As many hints in Portuguese as in English, other words, and the same commands at last."""
    english, portuguese = (hints(stage, language, TURMA, dialect) for language in LANGUAGES)

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
    """A file with a misspelt name would never be read; a part is one of two solutions at least."""
    files = [path for path in package.files("canario.workshop.hints").iterdir() if path.is_file()]
    texts = {path.name: path.read_text() for path in files}
    found = {name for name in texts if not name.endswith(".part.sh")}
    named = [name for text in texts.values() for name in re.findall(r"^\{\{part (.+)\}\}$", text, re.MULTILINE)]
    of_gateway = [f"{stage}.gateway" for stage in STAGES if stage not in IN_EVERY_DIALECT]
    ends = ("sh", *(f"{each}.md" for each in LANGUAGES))
    wanted = {f"{stage}.{end}" for stage in (*STAGES, *of_gateway) for end in ends}

    assert wanted == found - {"__init__.py"}
    assert {f"{name}.part.sh" for name in named} == set(texts) - found
    assert all(named.count(name) > 1 for name in named)


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


def test_hints_are_of_the_workshops_own_dialect() -> None:
    """App Mesh's commands would lead an attendee astray who works with Gateway API."""
    of_gateway = {stage: "".join(hints(stage, "en", TURMA, "gateway")) for stage in STAGES}

    assert hints("baseline", "en", TURMA) == hints("baseline", "en", TURMA, "gateway")
    assert [] == [stage for stage, text in of_gateway.items() if "appmesh.k8s.aws" in text or "virtual" in text.lower()]


def test_the_solutions_in_gateway_api_are_what_the_machine_applies() -> None:
    """Every object of the mesh's, the gateway's and the canary's scripts is one that `solve` would make."""
    inside, outside = mesh(TURMA, dict.fromkeys(SERVICES, "unused")), way_in(TURMA)
    with_canary = mesh(TURMA, dict.fromkeys((*SERVICES, "nodejsv2"), "unused"), canary_weights=(1_000_000, 0))
    whole = replace(inside, gateways=outside.gateways, gateway_routes=outside.gateway_routes)
    made = [balancer_manifest(TURMA, "gateway"), gateway_deployment(TURMA, "gateway")]
    machine = {(each["kind"], each["metadata"]["name"]): each for each in [*GATEWAY_API.render(whole, TURMA), *made]}
    typed = manifests(hints("gateway", "en", TURMA, "gateway")[-1])
    for service in SERVICES:
        typed |= manifests(hints("mesh", "en", TURMA, "gateway")[-1], service=service)
    canary = {(each["kind"], each["metadata"]["name"]): each for each in GATEWAY_API.render(with_canary, TURMA)}
    typed_canary = manifests(hints("canary", "en", TURMA, "gateway")[-1], registry="registry", tag="tag")
    del typed_canary["Deployment", "nodejsv2-app"]  # the same as in App Mesh's script

    assert set(machine) == set(typed)
    assert [] == [key for key, each in typed.items() if not part_of(each["spec"], machine[key]["spec"])]
    assert {("Service", "nodejsv2-app"), ("HTTPRoute", "nodejs-router")} == set(typed_canary)
    assert [] == [key for key, each in typed_canary.items() if not part_of(each["spec"], canary[key]["spec"])]
