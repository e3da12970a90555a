"""Docstrings of layers: what a layer leaves out comes from its function."""

import inspect

import pytest

import nn
from nn.descriptions import described
from nn.of import Of


def scaled(input, factor=1.0, shift=0.0):
    """The function.

    Args:
        input: of any shape.
        factor: multiplies each entry,
            of which there may be many.
        shift: added to each entry.

    Raises:
        ValueError: the factor is 0.

    Source:
        A book.

    Example:
        >>> scaled(1.0)
        1.0
    """
    return input * factor + shift


def test_arguments_errors_and_source_come_from_the_function():
    text = described("The layer.\n\nExample:\n    >>> 1\n    1\n", scaled, ["shift", "factor"])
    assert text == (
        "The layer.\n\nArgs:\n    shift: added to each entry.\n    factor: multiplies each entry,\n"
        "        of which there may be many.\n\nRaises:\n    ValueError: the factor is 0.\n\n"
        "Source:\n    A book.\n\nExample:\n    >>> 1\n    1"
    )


def test_what_the_layer_says_itself_stands():
    text = described("The layer.\n\nArgs:\n    factor: mine.\n\nSource:\n    Mine.\n", scaled, ["factor"])
    assert "factor: mine." in text and "Mine." in text
    assert "multiplies" not in text and "A book." not in text


def test_a_function_without_a_docstring_adds_nothing():
    assert described("The layer.", lambda input, factor=1.0: input, ["factor"]) == "The layer."


def test_a_layer_of_a_users_own_function():
    class Scale(Of):
        """Multiplies and adds."""

        function = scaled
        factor: float = 1.0

    assert Scale(2.0)(3.0) == 6.0
    assert "factor: multiplies" in Scale.__doc__ and "shift" not in Scale.__doc__
    assert "See `nn.functional" not in Scale.__doc__

    class Silent(Of):
        function = scaled
        factor: float = 1.0

    assert Silent.__doc__ is None


MADE = [
    cls
    for cls in vars(nn).values()
    if isinstance(cls, type) and issubclass(cls, Of) and "function" in vars(cls)
]


def test_there_are_many():
    assert len(MADE) > 50


@pytest.mark.parametrize("cls", MADE, ids=lambda cls: cls.__name__)
def test_each_layer_says_what_its_options_do(cls):
    text = inspect.cleandoc(cls.__doc__)
    if cls.__name__.endswith(("1d", "3d")) and "2d`" in text:
        return  # the arguments are described at the layer for two axes
    options = inspect.signature(cls).parameters
    assert [name for name in options if f"\n    {name}: " not in text] == []
