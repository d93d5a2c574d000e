"""Least privilege, derived: what the functions do over fakes, against what their roles allow, both ways."""

import re
from collections.abc import Mapping

import pytest

from canario.workshop import access, kinds
from canario.workshop.ports import Kind
from tests.infrastructure.calls import ADAPTERS, OTHERS, actions
from tests.infrastructure.conftest import ROOT, Template
from tests.infrastructure.reading import grants, of_type
from tests.infrastructure.test_cluster import FUNCTIONS, key_of_function
from tests.infrastructure.test_policies import EVERY
from tests.infrastructure.watching import Watch, resource

# Not seen over fakes: preflight asks the cluster by an adapter's own request; the controller's Role is handed on.
ASKS = {"stage_preflight": {("create", "subjectaccessreviews.authorization.k8s.io")}}
HANDS_ON = {(verb, "clusterroles.rbac.authorization.k8s.io=appmesh-controller") for verb in ("bind", "escalate")}
UNSEEN = {"appmesh": {**ASKS, "stage_controller": HANDS_ON}, "gateway": ASKS}

Watches = Mapping[str, Watch]


def granted(function: str, *tables: Mapping[str, access.Verbs]) -> set[tuple[str, str]]:
    return {
        (verb, what) for table in tables for what, verbs in table.get(function, {}).items() for verb in verbs.split()
    }


def watched_functions(templates: dict[str, Template]) -> dict[str, tuple[Template, str]]:
    """Function's key → its template, and its construct's name."""
    return {
        key_of_function(each): (templates[stack], name.partition("Function")[0])
        for stack in FUNCTIONS
        for name, each in of_type(templates[stack], "AWS::Lambda::Function").items()
    }


@pytest.mark.parametrize("dialect", access.DIALECTS)
def test_every_function_is_watched(watches: Watches, dialect: str, templates: dict[str, Template]) -> None:
    """One that the scenarios leave out would be allowed anything."""
    assert set(watched_functions(templates)) == set(watches[dialect].called)


def test_in_aws_a_function_may_do_what_it_does_and_nothing_else(
    watches: Watches, templates: dict[str, Template]
) -> None:
    """The actions that a function's code asks for are its role's, none is missing and none is superfluous."""
    always = {action for action, _ in EVERY}
    wrong = {}
    for key, (template, construct) in watched_functions(templates).items():
        allowed = {action for action, _ in grants(template, construct)} - always
        needed = actions(set().union(*(watch.called[key] for watch in watches.values())))
        if allowed != needed:
            wrong[key] = {"missing": sorted(needed - allowed), "superfluous": sorted(allowed - needed)}

    assert wrong == {}


@pytest.mark.parametrize("dialect", access.DIALECTS)
def test_in_the_cluster_a_function_may_do_what_it_does_and_nothing_else(watches: Watches, dialect: str) -> None:
    """Verb by verb, resource by resource, where that dialect is the only one."""
    watch, wrong = watches[dialect], {}
    for function in set(watch.asked) | set(access.functions([dialect])):
        allowed = granted(function, access.ANY, access.DIALECTS[dialect])
        needed = watch.asked.get(function, set()) | UNSEEN[dialect].get(function, set())
        if allowed != needed:
            wrong[function] = {"missing": sorted(needed - allowed), "superfluous": sorted(allowed - needed)}

    assert wrong == {}


def test_what_every_dialect_needs_is_written_once() -> None:
    """A right that each dialect's table has belongs into the one for all, which has none of a table's again."""
    each = [{(f, *pair) for f in table for pair in granted(f, table)} for table in access.DIALECTS.values()]
    every = {(f, *pair) for f in access.ANY for pair in granted(f, access.ANY)}

    assert set.intersection(*each) == set()
    assert every & set.union(*each) == set()


@pytest.mark.parametrize("function", access.functions(["appmesh", "gateway"]))
def test_a_role_names_kinds_that_there_are_and_no_wildcard(function: str) -> None:
    """A misspelt resource would be a Role that allows nothing."""
    verbs = {"get", "list", "create", "update", "patch", "delete", "bind", "escalate"}
    for rule in access.rules(function, ["appmesh", "gateway"]):
        assert re.fullmatch(r"[a-z]+(/proxy)?", rule.resource)
        assert re.fullmatch(r"[a-z0-9.]*", rule.group)
        assert set(rule.verbs) <= verbs


def test_every_call_to_the_cluster_is_made_in_a_scenario(watches: Watches) -> None:
    """A call site that no scenario reaches is one that nobody knows the permission of."""
    seen = set().union(*(asked for watch in watches.values() for asked in watch.asked.values()))
    missing = []
    for path in sorted((ROOT / "canario").rglob("*.py")):
        for verb, name in re.findall(r"kubernetes\.(get|list|patch|delete)\(([A-Z_]+)[,)]", path.read_text()):
            kind = getattr(kinds, name)
            if isinstance(kind, Kind) and (verb, resource(kind)) not in seen:
                missing.append(f"{path.name}: {verb} {name}")

    assert missing == []


def test_every_port_is_known_here(watches: Watches) -> None:
    """A port that nobody has mapped to an adapter would be taken for one that needs nothing."""
    called = (called for watch in watches.values() for called in watch.called.values())
    ports = {method.partition(".")[0] for methods in called for method in methods}

    assert ports - set(ADAPTERS) - OTHERS <= {"permissions"}
