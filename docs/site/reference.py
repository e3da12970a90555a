"""The reference: a page for each module, written from signatures and docstrings."""

from __future__ import annotations

import importlib
import inspect
import re
import textwrap
from collections.abc import Iterator
from types import ModuleType
from typing import Any

OURS = {"autograd_lite", "nn", "visualize"}
SECTIONS = re.compile(r"^(Args|Attributes|Returns|Raises|Source|Example):\n", re.MULTILINE)
ITEM = re.compile(r"^(\S[^:\n]*): ", re.MULTILINE)
TITLES = {"Args": "Arguments", "Raises": "Errors"}


def public(module: ModuleType) -> dict[str, Any]:
    """The classes and functions of ours that a module exports, by name."""
    names = getattr(module, "__all__", None) or [name for name in dir(module) if not name.startswith("_")]
    found = {name: getattr(module, name) for name in names}
    return {name: f for name, f in found.items() if _is_code(f) and f.__module__.split(".")[0] in OURS}


def _is_code(value: Any) -> bool:
    return inspect.isclass(value) or inspect.isfunction(value)


def pages(modules: list[str]) -> Iterator[tuple[str, str]]:
    """Each module with its page in Markdown. What a page of a submodule shows is left out."""
    exported = {name: public(importlib.import_module(name)) for name in modules}
    classes = {f for found in exported.values() for f in found.values() if inspect.isclass(f)}
    places = {}  # the anchor of each name, with that of a submodule last
    for name in sorted(modules):
        places |= {(key, id(f)): f"{name}.md#{name}.{key}" for key, f in exported[name].items()}
    anchors = {f"{name}.{key}": places[key, id(f)] for name in modules for key, f in exported[name].items()}
    for name, found in exported.items():
        text = [f"# {name}", described(inspect.getdoc(importlib.import_module(name)) or "")]
        for key, f in sorted(found.items()):
            if places[key, id(f)] == f"{name}.md#{name}.{key}":
                text.append(f"## {key} {{ #{name}.{key} }}\n\n{entry(key, f)}")
                text.extend(methods(f, classes) if inspect.isclass(f) else [])
        yield name, crossed("\n\n".join(text) + "\n", anchors)


def crossed(text: str, anchors: dict[str, str]) -> str:
    """The text with a link at each public name between backticks."""

    def linked(match: re.Match[str]) -> str:
        anchor = anchors.get(re.sub(r"^ag\.", "autograd_lite.", match[1]))
        return f"[{match[0]}]({anchor})" if anchor else match[0]

    return re.sub(r"`([\w.]+)`", linked, text)


def entry(name: str, f: Any) -> str:
    """The signature and the docstring of a class or function."""
    return f"``` {{ .python .signature }}\n{signature(name, f)}\n```\n\n{described(inspect.getdoc(f) or '')}"


def methods(cls: type, shown: set[type]) -> Iterator[str]:
    """The methods of a class. Those that a base on some page describes are left out."""
    if any(base in shown for base in cls.__mro__[1:]):
        owners = [cls]
    else:
        owners = [base for base in reversed(cls.__mro__) if base.__module__.split(".")[0] in OURS]
    found = {name: f for base in owners for name, f in vars(base).items() if not name.startswith("_")}
    plain = []
    for name, f in sorted(found.items()):
        f = getattr(f, "__func__", f)
        if inspect.isfunction(f) and f.__doc__ and f.__qualname__.endswith(f".{name}"):
            yield f"### {cls.__name__}.{name}\n\n{entry(name, f)}"
        elif len(owners) > 1 and (inspect.isroutine(f) or isinstance(f, property)):
            plain.append(f"`{name}`")
    if plain:
        yield "Also, named as in NumPy and PyTorch: " + ", ".join(plain) + "."


def signature(name: str, f: Any) -> str:
    """A call as in Python's source: annotations without quotes, arrays' dtypes by name."""
    try:
        text = str(inspect.signature(f))
    except ValueError:
        return f"{name}(...)"
    text = re.sub(r"(: |-> )(['\"])(.*?)\2(?=[,)]| =|$)", r"\1\3", text)
    text = re.sub(r"^\((self|cls)(: Any)?(, )?", "(", text)
    text = re.sub(r"(?:<class |ForwardRef\()'(?:numpy\.)?(\w+)'[>)]", r"\1", text)
    text = re.sub(r"<(?:function )?(\S+)[^<>]*>", r"\1", text)
    return name + (text.removesuffix(" -> None") if inspect.isclass(f) else text)


def described(docstring: str) -> str:
    """A docstring in Markdown: its sections as lists, its example as code."""
    body, *sections = SECTIONS.split(docstring)
    text = [prose(body)]
    for title, lines in zip(sections[::2], map(textwrap.dedent, sections[1::2]), strict=True):
        text.append(f"**{TITLES.get(title, title)}**")
        if title in ("Args", "Attributes", "Raises"):
            _, *items = ITEM.split(lines)
            pairs = zip(items[::2], items[1::2], strict=True)
            text.append("\n".join(f"- `{name}`: {escaped(' '.join(said.split()))}" for name, said in pairs))
        else:
            text.append(prose(lines))
    return "\n\n".join(text)


def prose(text: str) -> str:
    """Paragraphs in Markdown; those that begin with a prompt are code."""
    shown = []
    for paragraph in re.split(r"\n{2,}", text.strip("\n")):
        if paragraph.startswith(">>>"):
            shown.append(f"```pycon\n{paragraph}\n```")
        else:
            shown.append(paragraph if paragraph.startswith("    ") else escaped(paragraph))
    return "\n\n".join(shown)


def escaped(text: str) -> str:
    """Text whose stars, underscores and brackets are themselves; `code` and *emphasis* stay."""
    signs = {"<": "&lt;"}
    return re.sub(
        r"(`[^`]*`|(?<!\S)\*\w+\*(?!\w))|([*_<\[\]])", lambda m: m[1] or signs.get(m[2], f"\\{m[2]}"), text
    )
