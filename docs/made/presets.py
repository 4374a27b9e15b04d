"""docs/presets.md: the presets side by side, and every augmentation with its settings.

`python -m docs.made.presets` writes it anew; a test keeps it current.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from generator.presets import PRESETS, Preset
from generator.wishes import augmentations as augment_spec
from generator.wishes.augmentations import KINDS, Setting

PAGE = Path(__file__).parents[1] / "presets.md"
CURVES_RECORD = PAGE.with_name("preset-losses.json")
ABOUT: Mapping[str, str] = {
    "flip": "Left and right exchanged.",
    "sharpness": "Blended with its 3x3 mean (the middle counts five times), by a number from 0 to the factor: 0 is the "
    "mean, 1 the cutout; so a factor below 1 softens, as in the notebooks.",
    "affine": "Turned by up to so many degrees either way, slanted along x, shifted by a fraction of the side.",
    "perspective": "Tilted: each corner moves inwards by up to half this fraction of the side; black beyond.",
    "jitter": "Brightness added, contrast multiplied, saturation multiplied, hue turned (0.5 is half the circle), in "
    "random order; clamped to [0, 1].",
    "erasing": "A black rectangle: its area as a fraction, its height over its width. together: one for all cutouts.",
    "noise": "Gaussian noise times a factor of each cutout's own, from 0 to this.",
    "gaussian": "Gaussian noise of this deviation.",
    "rotation": "Turned by up to so many degrees either way; black beyond.",
    "elastic": "Every pixel moved by noise blurred over sigma pixels.",
    "thinplate": "Bent over five points moved by up to this fraction of half a side. together: p decides for all.",
    "crop": "Padded with a mirrored margin (a fraction of the side) and cut again at random; p decides for all.",
    "resizedcrop": "A part of it, by area and height over width, stretched to the whole; p decides for all.",
}
INTRODUCTION = """\
# Presets and augmentations

A preset is a whole set of knobs under one name. It is stronger than what the model likes best and weaker than anything
you say yourself:

```bash
dreamrig generate --preset adafruit "sunset over the sea"
dreamrig generate --preset crowson --cutouts 32 --model starter "sunset over the sea"
```

The four notebooks' presets are tested against their published loops, written out a second time: same draws, same
losses, same latent. Their augmentations have the values and the distributions of kornia 0.5.4, the release the
notebooks ran, slips included: it reads `translate=0.1` as up and down alone, `shear=5` as along x alone, and sharpness
0.3 as a softening. The random numbers themselves are ours, so no seed gives the very picture it gave in a notebook.
None of the five has been judged by eye with the large networks yet: their weights were not at hand.

With `--model starter` a preset keeps its algorithm, leaves size and CLIP to the starter, and counts its step size in
deviations of the starter's codebook, whose numbers are large: a raw step of 0.05 would change nothing.
"""
MIDDLE = """\
## Augmentations

`--augmentations "flip sharpness(0.3,p=0.4) affine(30,padding=border)"`: one after another, each on the cutouts that
its p picks. The first setting may go without its name; a range is written `0.1..0.4`. What is drawn comes from the
run's seed, so the same seed makes the same picture. Gradients are summed in a fixed order on every device; that was
tried on CPUs, not on CUDA yet.

| name | settings and defaults | what it does |
|---|---|---|
"""


CURVES = """
## How the loss falls

![Two charts of the loss over the steps, one line for each preset](pictures/preset-losses.svg)

{record}

The loss is half the squared angle between what CLIP makes of the picture and of the prompt. Left, the whole picture is
looked at, in the same way for all presets. Right, each preset's own loss, which its optimiser sees: over its own
cutouts and augmentations, and with its pull to the start; those of two presets cannot be compared.

| | start | cutouts | whole picture, first step | last step |
|---|---|---|---|---|
{rows}

What this means: with these networks every preset comes nearer to the prompt with every seed, and the bands tell how
much seeds differ. What it does not mean: that one preset is better than another. The starter's CLIP is not OpenAI's, a
low distance is no beautiful picture (noise that only a network likes has a low one too), the steps are far fewer than
the notebooks ran, and `dreamrig` begins at a picture of the prompt that another network planned and is held
there, so it has little left to gain. With the original networks nothing was run.
"""


def render_page() -> str:
    """The page as text."""
    presets = "\n".join(_render_preset(preset) for preset in PRESETS.values())
    kinds = "".join(map(_render_kind, KINDS))
    return f"{INTRODUCTION}\n{_render_table()}\n{presets}\n{MIDDLE}{kinds}{render_curves()}"


def render_curves(record: Path = CURVES_RECORD) -> str:
    """The section about the recorded losses; none where nothing was recorded."""
    if not record.is_file():
        return ""
    facts = json.loads(record.read_text(encoding="utf-8"))
    seeds = len(facts["presets"]["crowson"]["runs"])
    words = (
        f'The starter networks, "{facts["prompt"]}", {facts["side"]}x{facts["side"]} pixels, {facts["steps"]} steps, '
        f"{seeds} seeds each, on a CPU. Lines are means over the seeds, bands reach from the lowest to the highest. "
        "Recorded by `python -m docs.made.preset_curves`; every number stands in "
        "[preset-losses.json](preset-losses.json)."
    )
    rows = [
        f"| {name} | {of['start']} | {of['cutouts']} | {_ends(of['runs'])} |" for name, of in facts["presets"].items()
    ]
    return CURVES.format(record=textwrap.fill(words, 118), rows="\n".join(rows))


def _ends(runs: list[dict[str, Any]]) -> str:
    """The whole picture's distance in the first and in the last step: mean, lowest and highest of the seeds."""
    cells = []
    for place in (0, -1):
        values = [run["whole_picture"][place][1] for run in runs]
        cells.append(f"{sum(values) / len(values):.3f} ({min(values):.3f}–{max(values):.3f})")
    return " | ".join(cells)


def _render_table() -> str:
    """Every field in which the presets differ."""
    names = list(PRESETS)
    lines = [f"| | {' | '.join(names)} |", "|---|" + "---|" * len(names)]
    for field in PRESETS["crowson"].values:
        values = [PRESETS[name].values[field] for name in names]
        if len(set(values)) > 1 and field != "augmentations":
            lines.append(f"| {field} | {' | '.join(map(_in_words, values))} |")
    return "\n".join(lines) + "\n"


def _in_words(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _render_preset(preset: Preset) -> str:
    return "\n".join(_preset_lines(preset)) + "\n"


def _preset_lines(preset: Preset) -> Iterator[str]:
    yield f"## {preset.name}\n"
    yield f"{preset.about}\n"
    text = augment_spec.format(augment_spec.parse(preset.values["augmentations"]))
    yield f"Augmentations: {f'`{text}`' if text else 'none'}.\n"
    yield f"Source: {preset.source}."


def _render_kind(name: str) -> str:
    settings = ", ".join(_render_setting(key, setting) for key, setting in KINDS[name].items())
    return f"| `{name}` | {settings} | {ABOUT[name]} |\n"


def _render_setting(name: str, setting: Setting) -> str:
    default = setting.default
    if isinstance(default, tuple):
        return f"{name} {default[0]:g}..{default[1]:g}"
    if isinstance(default, bool):
        return f"{name} {_in_words(default)}"
    if isinstance(default, str):
        return f"{name} {'/'.join(setting.words)}"
    return f"{name} {default:g}"


def main() -> None:
    """Write the page."""
    PAGE.write_text(render_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
