"""`dreamrig prove` with tiny networks of random numbers, as a process that can be killed: BANDS WORD..."""

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from generator.front.cli.prove import prove
from generator.front.prove.session import ProofScope
from generator.front.prove.subjects import STARTER_SUBJECT
from generator.models.base import Models, StartPlan
from generator.work.door import GeneratorDoor
from provision.machine.recorded import Recorded


class Image:
    """Codes of 8 px, painted by random numbers; kills its process at the DIES_AT-th picture."""

    factor = 8

    def __init__(self) -> None:
        numbers = torch.Generator().manual_seed(1)
        self.codebook = torch.randn(16, 4, generator=numbers)
        self.paint = torch.randn(4, 3, 8, 8, generator=numbers) * 0.2
        self.left = int(os.environ.get("DIES_AT", "0"))

    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0.5 + torch.nn.functional.conv_transpose2d(latent, self.paint, stride=8)

    def encode(self, image: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.conv2d(image, self.paint, stride=8)


class Guide:
    """A random reading of 8 px cutouts; every text is one direction."""

    size, width = 8, 6
    weights = torch.randn(192, 6, generator=torch.Generator().manual_seed(2))

    def encode_text(self, texts: Any) -> torch.Tensor:
        return torch.ones(len(texts), 6)

    def encode_image(self, cutouts: torch.Tensor) -> torch.Tensor:
        return torch.tanh(cutouts.flatten(1) - 0.5) @ self.weights

    def unknown_words(self, text: str) -> dict[str, list[str]]:
        return {}


class Start:
    """Plans code after code."""

    def predict(self, text: str, seed: int, rows: int, columns: int) -> StartPlan:
        return StartPlan(torch.arange(rows * columns).view(rows, columns) % 16, "a plan")


if __name__ == "__main__":
    torch.set_num_threads(1)
    toy = replace(STARTER_SUBJECT, name="toy", side=16, steps=2, cutouts=2)
    models = Models(image=Image(), guides=(Guide(),), start=Start(), name="toy", sha256="00")
    scope = ProofScope(subjects=[toy], bands=Path(sys.argv[1]), machine=lambda: Recorded({}))
    sys.exit(prove(sys.argv[2:], GeneratorDoor(load_models=lambda config: models), scope))
