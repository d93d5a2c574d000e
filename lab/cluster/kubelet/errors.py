"""Why a container cannot be started yet.

Unstartable        has the reason and message that `kubectl describe` shows for a waiting container
├── ImageError     no such image in images.json
├── ConfigError    a variable's source is missing or not supported
└── VolumeError    a volume's source is missing (worth another try) or not supported
"""


class Unstartable(Exception):
    """`reason` is the waiting state's, `event` the Event's."""

    reason = "CreateContainerError"
    event = "Failed"

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


class ImageError(Unstartable):
    reason = "ErrImagePull"


class ConfigError(Unstartable):
    reason = "CreateContainerConfigError"


class VolumeError(Unstartable):
    reason = "ContainerCreating"
    event = "FailedMount"
