"""What goes wrong in the lab itself, in one line for the person who started it."""


class LabError(Exception):
    """A step of the lab failed: what was being done, to what, what to do next."""
