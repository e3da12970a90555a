import pytest


@pytest.fixture(scope="session")
def torch():
    """PyTorch, where it is installed; tests that ask for it carry the marker `torch`."""
    return pytest.importorskip("torch")
