"""What a picture is compared with, as the scenes of a story come and go."""

from __future__ import annotations

import torch

from generator.engine.aims import Aim, Aims
from generator.wishes.prompts import Prompt


def test_panels_are_made_again_only_when_the_shares_have_changed() -> None:
    """They are tensors on the device: made anew in every step, each step would wait for them."""
    aims = Aims(
        tuple(
            Aim(Prompt(text, 1.0, scene=scene), (torch.ones(1, 4),), False) for scene, text in enumerate(("sea", "fog"))
        ),
        regions={"": None},
        scenes=2,
    )
    first = aims.panels((1.0, 0.0))
    assert aims.panels((1.0, 0.0)) is first
    both = aims.panels((0.5, 0.5))
    assert [panel.weights.tolist() for panel in both] == [[0.5, 0.5]]
    assert aims.panels((0.5, 0.5)) is both
    assert [panel.weights.tolist() for panel in aims.panels((1.0, 0.0))] == [[1.0]]
