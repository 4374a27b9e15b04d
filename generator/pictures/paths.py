"""Which settings name picture files, and how to find, describe and rewrite the paths in them. Does not import torch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from dreamrig.errors import UsageError
from dreamrig.paths import given, open_given
from generator.config import STARTS
from generator.wishes.prompts import Prompt, parse_masks, parse_pictures

CHUNK_BYTES = 1024 * 1024
LARGEST_PICTURE_BYTES = 512 * 1024 * 1024
"""More than the largest picture that Pillow opens takes in any usual format."""
Change = Callable[[str], str]


def _change_start(text: str, masks: Mapping[str, str], change: Change) -> str:
    return text if text in STARTS or not text.strip() else change(text)


def _change_path(text: str, masks: Mapping[str, str], change: Change) -> str:
    return change(text) if text.strip() else text


def _change_masks(text: str, masks: Mapping[str, str], change: Change) -> str:
    return " | ".join(f"{name}={change(path)}" for name, path in parse_masks(text).items())


def _change_pictures(text: str, masks: Mapping[str, str], change: Change) -> str:
    scenes: dict[int, list[Prompt]] = {}
    for prompt in parse_pictures(text, masks):
        scenes.setdefault(prompt.scene, []).append(replace(prompt, text=change(prompt.text)))
    return " ^ ".join(" | ".join(map(str, prompts)) for prompts in scenes.values())


# Setting -> (its text, the masks' names, what to do with each path) -> its text with the paths changed.
FIELDS: Mapping[str, Callable[[str, Mapping[str, str], Change], str]] = {
    "start": _change_start,
    "mask": _change_path,
    "overlay": _change_path,
    "outline": _change_path,
    "style": _change_path,
    "content": _change_path,
    "regions": _change_masks,
    "image_prompts": _change_pictures,
}


def with_paths(values: Mapping[str, Any], change: Change) -> dict[str, Any]:
    """Settings with `change` applied to every path in them; UsageError where a list of paths cannot be read."""
    masks = parse_masks(str(values.get("regions", "")))
    changed = {name: FIELDS[name](values[name], masks, change) for name in FIELDS if isinstance(values.get(name), str)}
    return {**values, **changed}


def with_absolute_paths(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings whose paths hold wherever the run is repeated from."""
    return with_paths(values, lambda path: str(given(path)))


def with_names_alone(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that tell no folder."""
    return with_paths(values, lambda path: PurePath(path).name)


def paths_in(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(setting, path) for every path but that of `start`."""
    found: list[tuple[str, str]] = []
    for name in FIELDS:
        if name != "start":
            found += [(name, path) for path in _collect(name, values)]
    return found


def _collect(name: str, values: Mapping[str, Any]) -> list[str]:
    found: list[str] = []

    def keep(path: str) -> str:
        found.append(path)
        return path

    if isinstance(values.get(name), str):
        FIELDS[name](values[name], parse_masks(str(values.get("regions", ""))), keep)
    return found


def describe_pictures(values: Mapping[str, Any]) -> list[dict[str, str]]:
    """setting, name and sha256 of every picture but the start's; UsageError where there is no such file."""
    return [{"setting": name, **describe_picture(path, flag_of(name))} for name, path in paths_in(values)]


def describe_picture(path: str, hint: str) -> dict[str, str]:
    """name and sha256 of a picture file; UsageError where it cannot be read, or is no file of a picture's size."""
    file = given(path, hint.partition(",")[0])
    digest = hashlib.sha256()
    try:
        with open_given(file, LARGEST_PICTURE_BYTES) as opened:
            while chunk := opened.read(CHUNK_BYTES):
                digest.update(chunk)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such file"
        raise UsageError(f"Cannot read the image {path}: {reason}.", hint=f"check the path after {hint}") from error
    return {"name": file.name, "sha256": digest.hexdigest()}


def flag_of(setting: str) -> str:
    """The flag of a setting."""
    return "--" + setting.replace("_", "-")
