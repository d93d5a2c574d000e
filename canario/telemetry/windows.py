"""The windows that a collector's data are told in. Pure."""


def window_of(second: int, length: int) -> int:
    """The start of the window that has the second before `second`, both of the epoch: what was read at the end of a
    window is of that window."""
    return (second - 1) // length * length
