"""Documents that parse and are wrong, by hypothesis: known keys with strange values, which mutation seldom makes."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from readers import RUN

from generator.config import GenerateConfig
from generator.pictures.reading import RECIPE_KEY
from generator.pictures.recipe import Recipe

Documents = st.SearchStrategy[dict[str, Any]]

EDGES = (
    0,
    -1,
    2**31,
    2**53 + 1,
    2**63,
    2**64,
    10**400,
    -(2**70),
    0.0,
    -0.0,
    1e308,
    "",
    "\0",
    "\ud800",
    "../x",
    "\u202e",
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.sampled_from(EDGES))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=12,
)
TENSOR = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
BATCH = {"prompt": "sea", "steps": 10, "picture": [{"prompt": "sun", "seed": 3}]}


def near(good: dict[str, Any]) -> Documents:
    """This document with some of its values, at any depth of its tables, replaced, some keys gone and some added."""
    changed = {key: st.one_of(st.just(value), _near_value(value)) for key, value in good.items()}
    added = st.dictionaries(st.text(max_size=8), VALUES, max_size=2)
    return st.builds(lambda known, more: {**more, **known}, st.fixed_dictionaries({}, optional=changed), added)


def _near_value(value: Any) -> st.SearchStrategy[Any]:
    if isinstance(value, dict):
        return st.one_of(near(value), VALUES)
    if isinstance(value, list) and value:
        return st.one_of(st.lists(st.one_of(st.just(value[0]), _near_value(value[0])), max_size=4), VALUES)
    return VALUES


def to_json(document: dict[str, Any]) -> bytes:
    """As any program writes it; NaN too, and half characters as escapes."""
    return json.dumps(document).encode()


def to_toml(document: dict[str, Any]) -> bytes:
    """One line a key; TOML has no null, so such keys are left out."""
    rows = (f"{_quoted(key)} = {_toml_value(value)}\n" for key, value in document.items() if value is not None)
    return "".join(rows).encode("utf-8", "surrogatepass")


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        inner = ", ".join(f"{_quoted(key)} = {_toml_value(one)}" for key, one in value.items() if one is not None)
        return f"{{ {inner} }}"
    if isinstance(value, list):
        return "[" + ", ".join(_toml_value(one) for one in value if one is not None) + "]"
    return _quoted(value) if isinstance(value, str) else repr(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def to_safetensors(header: dict[str, Any]) -> bytes:
    """A file with this header and room for one tensor."""
    text = to_json(header)
    return len(text).to_bytes(8, "little") + text + bytes(8)


def to_picture(recipe: dict[str, Any]) -> bytes:
    """A PNG that carries this document where our recipes lie."""
    chunks, buffer = PngInfo(), io.BytesIO()
    chunks.add_itxt(RECIPE_KEY, json.dumps(recipe))
    Image.new("RGB", (8, 8)).save(buffer, "PNG", pnginfo=chunks)
    return buffer.getvalue()


STRUCTURED: dict[str, tuple[Documents, Callable[[dict[str, Any]], bytes]]] = {
    "checkpoint": (near({"weight": TENSOR, "__metadata__": {"format": "pt"}}), to_safetensors),
    "recipe": (near(Recipe(config=GenerateConfig(prompt="sea").to_dict()).to_dict()), to_picture),
    "record": (near({**RUN, "number": 3, "kind": "film"}), to_json),
    "json": (near(RUN), to_json),
    "result": (near(RUN), to_json),
    "facts": (near({"schema": 1, "facts": {"a": {"value": 1}}}), to_json),
    "toml": (near(BATCH), to_toml),
    "settings": (near(GenerateConfig(prompt="sea").to_dict()), to_toml),
    "batch": (near(BATCH), to_toml),
}
