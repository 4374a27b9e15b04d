"""Everything needed to make a picture again, as a value. Importing this module does not import torch.

The full recipe lies in the run folder. The one inside a picture travels to strangers, so it holds no path, no host
and no user: an image to start from is named by its file name and its sha256.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import PurePath
from typing import Any

from dreamrig import __version__
from dreamrig.documents import DocumentError, convert
from dreamrig.errors import UsageError
from generator.config import STARTS, GenerateConfig
from generator.pictures.paths import describe_picture, flag_of, paths_in, with_names_alone

SCHEMA = 1
IMAGE_START = "image"
BATCH_SIZE = "batch_size"
"""In Recipe.machine, how many pictures were drawn in a step; left away for one."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One picture's making."""

    config: Mapping[str, Any]
    """GenerateConfig.to_dict(); in a picture, start is "image" where it was a path."""
    steps_done: int | None = None
    """Below config["steps"] for an interrupted run; None = not yet known."""
    tool: str = f"dreamrig {__version__}"
    versions: Mapping[str, str] = field(default_factory=dict)
    """python, torch, platform …"""
    weights: Mapping[str, str] = field(default_factory=dict)
    """name, sha256"""
    machine: Mapping[str, Any] = field(default_factory=dict)
    """device, threads, cpu, batch_size: what else can change the last digits."""
    start_image: Mapping[str, str] | None = None
    """name, sha256 of the image that the run started from."""
    pictures: tuple[Mapping[str, str], ...] = ()
    """setting, name, sha256 of every other picture that went in: image prompts and masks."""
    film: Mapping[str, Any] | None = None
    """FilmSpec.to_dict() where the config is that of a film's first frame (generator.front.video.spec)."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {"schema": SCHEMA, **asdict(self)}

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Recipe:
        """The inverse of to_dict for any document that claims to be one; unknown keys are passed over."""
        if facts.get("schema") != SCHEMA:
            raise UsageError("The recipe was written by another version of dreamrig.", hint="update dreamrig")
        try:
            return convert(cls, {"config": {}, **facts})
        except DocumentError as error:
            raise UsageError(
                f"The recipe is damaged: {error}.", hint="use another picture, or the run's folder"
            ) from None

    def public(self) -> Recipe:
        """The recipe without anything that tells about the machine's files."""
        config = dict(self.config)
        if config.get("start", GenerateConfig.start) not in STARTS:
            config["start"] = IMAGE_START
        config = with_names_alone(config)
        if "model" in config and not str(config["model"]).startswith("starter/"):  # a name, and no path
            config["model"] = PurePath(str(config["model"])).name
        film = None if self.film is None else {**self.film, "source_path": None}
        versions = {key: without_kernel(text) for key, text in self.versions.items()}
        return replace(self, config=config, film=film, versions=versions)

    def to_config(self, **overrides: Any) -> GenerateConfig:
        """The config to run again; UsageError where something is missing, or is no setting of this version."""
        values = {**self.config, **overrides}
        if values.get("start") == IMAGE_START and "start" not in overrides and self.film is None:
            known = self.start_image or {}
            name, sha256 = known.get("name", "?"), known.get("sha256", "?")
            raise UsageError(
                f"This picture started from the image {name!r} (sha256 {sha256[:12]}…), which it does not carry.",
                hint=f"give it again: --start /path/to/{name}",
            )
        self._require_pictures(values, overrides)
        return GenerateConfig.from_dict(values)

    def _require_pictures(self, values: Mapping[str, Any], overrides: Mapping[str, Any]) -> None:
        """UsageError for a setting that names a picture which this recipe, come from afar, does not carry."""
        for setting, path in paths_in(values):
            if setting not in overrides and not PurePath(path).is_absolute():
                known = [picture.get("sha256", "?") for picture in self.pictures if picture.get("name") == path]
                raise UsageError(
                    f"This picture was made with the image {path!r} (sha256 {(known or ['?'])[0][:12]}…), "
                    "which it does not carry.",
                    hint=f"give it again: {flag_of(setting)} with the path of {path}",
                )


def differences(old: Recipe, new: Recipe) -> list[str]:
    """One sentence fragment per thing that may change the pixels although the config is the same."""
    pairs = [("dreamrig", old.tool, new.tool)]
    for label, before, after in (
        ("", old.versions, new.versions),
        ("weights ", old.weights, new.weights),
        ("", {BATCH_SIZE: 1, **old.machine}, {BATCH_SIZE: 1, **new.machine}),
    ):
        pairs += [(f"{label}{key}", before[key], after[key]) for key in before if key in after]
    if old.weights.get("sha256") == new.weights.get("sha256"):  # the same by another name
        pairs = [pair for pair in pairs if pair[0] != "weights name"]
    changed = [(name, old, new) for name, old, new in pairs if without_kernel(old) != without_kernel(new)]
    return [f"{name} was {_short(old)}, is {_short(new)}" for name, old, new in changed]


def without_kernel(value: Any) -> Any:
    """A platform's name without the Linux kernel's own, which changes every week and no pixel; else the value."""
    return re.sub(r"^Linux-.*-([^-]+)-with-", r"Linux-\1-with-", value) if isinstance(value, str) else value


def _short(value: Any) -> str:
    text = str(value)
    return f"{text[:12]}…" if len(text) == 64 and text.isalnum() else text


def describe_start_image(start: str) -> dict[str, str] | None:
    """name and sha256 of the image that `start` names; None for the starts that are no image.

    UsageError where there is no such file.
    """
    return None if start in STARTS else describe_picture(start, f"--start, or use one of: {', '.join(STARTS)}")
