"""From the values of `dreamrig video` to a film that is to be made, or made to its end. Does not import torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from dreamrig.errors import UsageError
from dreamrig.paths import given
from dreamrig.settings import Sources
from generator.config import LARGEST_SIDE, SMALLEST_SIDE, GenerateConfig
from generator.front.video.keyframes import first_frames, frames_for, read_keyframes
from generator.front.video.pictures import digest_of_folder, probe_folder
from generator.front.video.source import SourceFilm, probe_film, sha256_of
from generator.front.video.spec import DEFAULT_RATE, FilmSpec, parse_rate
from generator.pictures.paths import flag_of
from generator.pictures.recipe import IMAGE_START, Recipe
from generator.runs import folder as runs
from generator.runs.folder import Run
from generator.wishes.braces import escape, expand
from generator.wishes.prompts import SCENES
from generator.work.given import given_values, spread_size
from generator.work.order import Order
from generator.work.plan import Plan, draft
from generator.work.recipes import recipe_of

OF_ONE_PICTURE = ("story_every", "story_blend", "story_repeat", "frames_every")
"""Settings of a story, or of the frames, within one picture's steps."""
SIDE_MULTIPLE = 16
"""Fits every model we have."""
DEFAULT_FRAMES = 48


@dataclass(frozen=True, kw_only=True)
class FilmPlan:
    """What to make, as far as it is known before the networks are loaded."""

    plan: Plan
    spec: FilmSpec
    frame_steps: int = 0
    """Steps of every frame after the first; unused where a film is continued."""
    source: SourceFilm | None = None
    run: Run | None = None
    """What it continues."""
    recipe: Recipe | None = None
    """What the continued film was begun with."""

    def check(self) -> GenerateConfig:
        """Refuse what can be refused by now: UsageError. Returns the first frame's config but for the model's part."""
        if self.recipe is None and self.source is None:
            return self.plan.check()
        return self.plan.check_networks()  # the pictures of a film that is painted anew are no files yet

    def settle(self, defaults: Mapping[str, Any]) -> tuple[GenerateConfig, FilmSpec]:
        """The first frame's settings, and the film with what differs in the others, once the model is known."""
        if self.recipe is not None:
            return GenerateConfig.from_dict(self.recipe.config), self.spec
        given = {**self.plan.given, "start": IMAGE_START, "steps": self.frame_steps}
        # Without large steps that do not fade, every frame would only be its start once more, blurred a little.
        later = replace(self.plan, given=given).to_config(defaults, moves_on=True)
        first = later if self.source is not None else self.plan.to_config(defaults, moves_on=False)
        before, after = asdict(first), asdict(later)
        changes = {name: value for name, value in after.items() if value != before[name]}
        return first, replace(self.spec, frame_changes=changes)


def plan_film(values: Mapping[str, Any], sources: Sources) -> FilmPlan:
    """A film out of nothing that zooms, turns and pans."""
    values, starts = _with_keyframes(values)
    texts = {name: values[name.replace("-", "_")] for name in ("zoom", "rotate", "shift-x", "shift-y")}
    movement = {name: text for name, text in texts.items() if text is not None}
    spec = FilmSpec(
        frames=DEFAULT_FRAMES if values["frames"] is None else values["frames"],
        rate=values["fps"] or DEFAULT_RATE,
        scene_starts=starts,
        movement=movement,
        border=values["border"],
        crf=values["crf"],
        hold_seconds=values["hold"],
    )
    return FilmPlan(plan=_plan_pictures(values, sources), spec=spec, frame_steps=_frame_steps(values))


def _with_keyframes(values: Mapping[str, Any]) -> tuple[Mapping[str, Any], tuple[int, ...]]:
    """The values with the scenes of --keyframes as their prompt, and the frame in which each begins."""
    if values["keyframes"] is None:
        return values, ()
    if values["words"]:
        raise UsageError("--keyframes brings its own prompts.", hint="leave the prompt away, or --keyframes")
    path = given(values["keyframes"], "--keyframes")
    keyframes, rate = read_keyframes(path), parse_rate(values["fps"] or DEFAULT_RATE)
    starts, frames = first_frames(keyframes, rate), values["frames"] or frames_for(keyframes, rate)
    if starts[-1] >= frames:
        message = f"{frames} frames end before {keyframes[-1].prompt!r} begins, in frame {starts[-1]}."
        raise UsageError(message, hint="use more --frames, or leave --frames away")
    prompt = f" {SCENES} ".join(escape(one.prompt) for one in keyframes)
    return {**values, "words": [prompt], "frames": frames}, starts


def plan_restyle(values: Mapping[str, Any], sources: Sources) -> FilmPlan:
    """A film that exists, painted anew."""
    path = given(values["film"], "the film")
    if not path.exists() or not (path.is_file() or path.is_dir()):
        hint = "give the path of an MP4, WebM, MOV, MKV or GIF, or a folder of pictures"
        raise UsageError(f"There is no film {values['film']}.", hint=hint)
    if values.get("start") is not None:
        raise UsageError("A restyled film starts from its own pictures.", hint="leave --start away")
    seconds = values["seconds"]
    if seconds is not None and not 0 < seconds < math.inf:
        raise UsageError(f"--seconds is {seconds:g}.", hint="use more than 0")
    source = probe_source(path, values["fps"])
    rate = values["fps"] or str(source.rate)
    spec = FilmSpec(
        frames=source.frames_at(Fraction(FilmSpec(frames=1, rate=rate).to_format().rate), seconds),
        rate=rate,
        smoothing=values["smoothing"],
        source={"name": path.name, "sha256": digest_of_source(path)},
        source_path=str(path),
        crf=values["crf"],
        hold_seconds=values["hold"],
    )
    plan = _plan_pictures(_with_size(values, source), sources)
    plan = replace(plan, given={**plan.given, "start": IMAGE_START})
    return FilmPlan(plan=plan, spec=spec, frame_steps=_frame_steps(values), source=source)


def plan_resume(name: str) -> FilmPlan:
    """The rest of a film."""
    run = runs.find_run(name, to_resume=True)
    if run.kind != "film":
        hint = f"to go on with it, run: dreamrig generate --resume {run.id}"
        raise UsageError(f"The run {run.id} is no film.", hint=hint)
    if run.seen() == "running":
        raise UsageError(f"The film {run.id} is still being made.", hint="see: dreamrig history")
    recipe = recipe_of(run)
    spec = FilmSpec.from_dict(recipe.film or {})
    plan = Plan(prompt=run.prompt, given={}, recipe=recipe, run=run)
    return FilmPlan(plan=plan, spec=spec, source=_same_source(spec), run=run, recipe=recipe)


def probe_source(path: Path, rate: str | None) -> SourceFilm:
    """What is to be painted anew: a film, or a folder of pictures, so many a second. UsageError where it is neither."""
    return probe_folder(path, rate) if path.is_dir() else probe_film(path)


def digest_of_source(path: Path) -> str:
    """SHA-256 by which a film, or a folder of pictures, is known again."""
    return digest_of_folder(path) if path.is_dir() else sha256_of(path)


def _same_source(spec: FilmSpec) -> SourceFilm | None:
    """The film that is painted anew, still the same; None for a film out of nothing."""
    if spec.source_path is None or spec.source is None:
        return None
    path = Path(spec.source_path)
    if digest_of_source(path) != spec.source["sha256"]:
        raise UsageError(f"The film {path} has changed since.", hint="begin anew: dreamrig video restyle …")
    return probe_source(path, spec.rate)


def _plan_pictures(values: Mapping[str, Any], sources: Sources) -> Plan:
    """The plan of the pictures, as `generate` makes it."""
    words = expand(" ".join(values["words"] or ()))
    if len(words) > 1:
        raise UsageError(
            f"The braces stand for {len(words)} prompts, and a film has one.",
            hint='make them scenes of one film, "dawn ^ noon", or films of their own',
        )
    useless = [flag_of(name) for name in OF_ONE_PICTURE if values.get(name)]
    if useless:
        raise UsageError(f"{', '.join(useless)}: not for a film.", hint="leave it away: scenes share a film's frames")
    given = given_values(spread_size(values), sources)
    plan = draft(Order(prompt="".join(words), given=given, preset=values["preset"]))
    if not plan.prompt.strip():
        raise UsageError("There is no prompt.", hint='say what to draw, e.g. "sunset over the sea"')
    return plan


def _frame_steps(values: Mapping[str, Any]) -> int:
    steps = int(values["frame_steps"])
    if not 1 <= steps <= 100_000:
        raise UsageError(f"--frame-steps is {steps}.", hint="use 1 or more")
    return steps


def _with_size(values: Mapping[str, Any], source: SourceFilm) -> dict[str, Any]:
    """The values with the source's shape, where nobody chose a size: as many pixels as a picture has by default."""
    if any(values.get(name) is not None for name in ("size", "width", "height")):
        return dict(values)
    scale = math.sqrt(GenerateConfig.width * GenerateConfig.height / (source.width * source.height))
    sides = (round(side * scale / SIDE_MULTIPLE) * SIDE_MULTIPLE for side in (source.width, source.height))
    width, height = (min(max(side, SMALLEST_SIDE), LARGEST_SIDE) for side in sides)
    return {**values, "width": width, "height": height}
