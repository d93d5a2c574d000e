"""The stages in the document's order, one file each; the numbers in the file names are the order."""

from canario.errors import InvalidInput
from canario.workshop.request import STAGES
from canario.workshop.stage import Stage
from canario.workshop.stages import (
    s01_preflight,
    s02_baseline,
    s03_controller,
    s04_mesh,
    s05_tracing,
    s06_discovery,
    s07_gateway,
    s08_canary,
    s09_mtls,
    s10_clean,
)

_MODULES = (
    s01_preflight,
    s02_baseline,
    s03_controller,
    s04_mesh,
    s05_tracing,
    s06_discovery,
    s07_gateway,
    s08_canary,
    s09_mtls,
    s10_clean,
)
_STAGES: dict[str, Stage] = {module.STAGE.id: module.STAGE for module in _MODULES}


def stage(stage_id: str) -> Stage:
    """The stage of that id. Raises InvalidInput."""
    if stage_id not in _STAGES:
        raise InvalidInput("stage", stage_id, ", ".join(STAGES))
    return _STAGES[stage_id]


def all_stages() -> tuple[Stage, ...]:
    """Every stage, in order."""
    return tuple(_STAGES[stage_id] for stage_id in STAGES)
