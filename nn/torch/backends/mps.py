"""`torch.backends.mps`: not there."""


def is_available() -> bool:
    """False: there is no GPU."""
    return False


def is_built() -> bool:
    """False: there is no GPU."""
    return False
