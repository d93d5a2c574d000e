"""The images: their repositories, the build that fills them, the tag that deployments ask for."""

import json
from pathlib import Path

import pytest

from canario.workshop.application import REPOSITORIES as USED
from stacks.constructs import image_tag as tags
from stacks.constructs.collector_image import REPOSITORY as COLLECTOR
from stacks.constructs.image_builds import BUILDS, buildspec
from stacks.images import REPOSITORIES
from stacks.settings import Settings
from tests.infrastructure.conftest import Assembly, Template, read
from tests.infrastructure.reading import of_type


@pytest.fixture(scope="module")
def images(templates: dict[str, Template]) -> Template:
    return templates["CanarioImages"]


def test_what_is_built_is_what_is_used(images: Template) -> None:
    """Every repository that a deployment names is made, and built into."""
    made = {each["RepositoryName"] for each in of_type(images, "AWS::ECR::Repository").values()}

    assert made - {COLLECTOR} == set(REPOSITORIES) == set(USED.values()) == set(BUILDS)


def test_a_tag_is_pushed_once_looked_through_and_not_kept_for_ever(images: Template) -> None:
    """Immutable, scanned on push, with an end; and emptied when the stack goes, so that nothing is left to pay."""
    for each in of_type(images, "AWS::ECR::Repository").values():
        rules = json.loads(each["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]

        assert each["ImageTagMutability"] == "IMMUTABLE"
        assert each["ImageScanningConfiguration"] == {"ScanOnPush": True}
        assert each["EmptyOnDelete"] is True
        assert {rule["selection"]["countType"] for rule in rules} == {"sinceImagePushed", "imageCountMoreThan"}


def test_functions_ask_for_the_tag_that_is_built(templates: dict[str, Template], images: Template) -> None:
    """The build's tag, the functions' and the output's are one."""
    (project,) = of_type(images, "AWS::CodeBuild::Project").values()
    built = {each["Name"]: each["Value"] for each in project["Environment"]["EnvironmentVariables"]}["TAG"]
    asked = {
        each["Environment"]["Variables"]["CANARIO_IMAGE_TAG"]
        for each in of_type(templates["CanarioWorkshop"], "AWS::Lambda::Function").values()
    }

    assert asked == {built} == {images["Outputs"]["ImageTag"]["Value"]}


def test_another_program_is_another_tag(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The tag is of what an image is made from, and a setting overrides it."""
    for name in ("Dockerfile", "demo.py", "requirements.txt"):
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(tags, "SOURCE", tmp_path)
    before = tags.image_tag(Settings())
    (tmp_path / "README.md").write_text("said about it")
    same = tags.image_tag(Settings())
    (tmp_path / "demo.py").write_text("another program")

    assert before == same != tags.image_tag(Settings())
    assert "v7" == tags.image_tag(Settings(image_tag="v7"))


def test_the_build_starts_when_the_tag_is_new_and_may_start_nothing_else(images: Template) -> None:
    """Whoever starts it may start this project alone."""
    (start,) = of_type(images, "Custom::AWS").values()
    (project,) = (name for name, each in images["Resources"].items() if each["Type"] == "AWS::CodeBuild::Project")
    (policy,) = (
        each["PolicyDocument"]["Statement"]
        for each in of_type(images, "AWS::IAM::Policy").values()
        if "codebuild" in json.dumps(each)
    )

    assert images["Outputs"]["ImageTag"]["Value"] in json.dumps(start)
    assert policy == [
        {"Action": "codebuild:StartBuild", "Effect": "Allow", "Resource": {"Fn::GetAtt": [project, "Arn"]}}
    ]


def test_the_build_pushes_into_the_repositories_and_no_other(images: Template) -> None:
    """And reads its own sources."""
    (role,) = (each for each in of_type(images, "AWS::IAM::Role").values() if "Policies" in each)
    statements = role["Policies"][0]["PolicyDocument"]["Statement"]
    by_service = {str(each["Action"]): each["Resource"] for each in statements}
    (pushed,) = (resource for action, resource in by_service.items() if "PutImage" in action)

    assert {each["Fn::GetAtt"][0] for each in pushed} == set(of_type(images, "AWS::ECR::Repository"))
    assert [resource for action, resource in by_service.items() if resource == "*"] == ["*"]
    assert by_service["ecr:GetAuthorizationToken"] == "*"


def test_an_image_that_is_there_is_not_built_again() -> None:
    """Its tag could not be pushed: the build would fail."""
    *commands, _ = json.loads(buildspec())["phases"]["build"]["commands"]  # the collector's: test_collector.py

    assert len(commands) == len(BUILDS)
    for repository, command in zip(BUILDS, commands, strict=True):
        assert command.startswith(
            f"if aws ecr describe-images --repository-name {repository} --image-ids imageTag=$TAG "
        )
        assert f"docker push $REGISTRY/{repository}:$TAG" in command


def test_the_machine_that_builds_is_of_the_nodes_architecture(assembly_of: Assembly) -> None:
    """What an ARM machine builds does not run on x86, nor the other way round."""
    kinds = []
    for name in ("own", "own, all else"):
        (project,) = of_type(read(assembly_of(name))["CanarioImages"], "AWS::CodeBuild::Project").values()
        kinds.append(project["Environment"]["Type"])

    assert kinds == ["LINUX_CONTAINER", "ARM_CONTAINER"]


def test_one_rule_alone_listens_to_pushes(templates: dict[str, Template]) -> None:
    """On the account's own bus, where ECR speaks, to those that went well; a second one would start all twice."""
    rules = [rule for template in templates.values() for rule in of_type(template, "AWS::Events::Rule").values()]
    (heard,) = (each for each in rules if each.get("EventPattern", {}).get("source") == ["aws.ecr"])

    assert heard["EventPattern"]["detail"] == {"action-type": ["PUSH"], "result": ["SUCCESS"]}
    assert "EventBusName" not in heard
    assert ["Start"] == [each["Arn"]["Fn::GetAtt"][0].partition("Function")[0] for each in heard["Targets"]]


def test_the_lab_builds_nothing(assembly_of: Assembly) -> None:
    """Its images are programs of the checkout, and MiniStack has no CodeBuild."""
    images = read(assembly_of("lab"))["CanarioImages"]

    assert not of_type(images, "AWS::CodeBuild::Project")
    assert len(of_type(images, "AWS::ECR::Repository")) == len(REPOSITORIES) + 1
