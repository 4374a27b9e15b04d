"""Under which heading of --help a flag stands: some eighty in one list are more than anybody reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import typer.core

GROUPS: Mapping[str, tuple[str, ...]] = {
    "What to move towards": (
        "image_prompts",
        "noise_prompts",
        "regions",
        "story_every",
        "story_blend",
        "story_repeat",
    ),
    "What it begins with": ("start_noise", "mask", "init_weight", "init_target", "init_decay", "pixel_pull"),
    "Steps": (
        "per_dimension_steps",
        "shared_moment",
        "offset_levels",
        "step_schedule",
        "warmup_steps",
        "schedule_every",
        "patience",
        "stop_after",
        "optimiser",
        "weight_decay",
        "ema",
    ),
    "Cutouts": (
        "cut_power",
        "cut_min_fraction",
        "whole_every",
        "cut_noise",
        "cut_method",
        "cut_clamp",
        "augmentations",
    ),
    "What else the picture has to be": (
        "boundary_tv",
        "tv",
        "palette",
        "palette_colours",
        "symmetry",
        "symmetry_axis",
        "edge",
        "edge_colour",
        "edge_width",
        "saturation",
        "seamless",
        "overlay",
        "overlay_every",
        "overlay_until",
        "overlay_alpha",
    ),
    "Networks, memory and speed": (
        "model",
        "guides",
        "guide_weights",
        "backend",
        "precision",
        "random_weights",
        "cut_batch",
        "checkpointed_decoding",
        "fit",
        "deterministic",
    ),
    "Kept on the way": ("preview_every", "checkpoint_every", "frames_every"),
}
"""Heading -> fields of GenerateConfig; the fields that most people want stand without one."""

GROUP_OF = {name: heading for heading, names in GROUPS.items() for name in names}


class GroupedCommand(typer.core.TyperCommand):
    """A command whose help puts options under the heading they name as their `rich_help_panel`.

    typer does that in boxes only, and those cut long flags off at 80 columns.
    """

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments, options without a heading, then heading after heading.

        Both are click's, which lies inside of typer in some versions and beside it in others.
        """
        sections: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            usual = "Arguments" if parameter.param_type_name == "argument" else "Options"
            if record is not None:
                sections.setdefault(getattr(parameter, "rich_help_panel", None) or usual, []).append(record)
        for heading, records in sections.items():
            if records:
                with formatter.section(heading):
                    formatter.write_dl(records)
