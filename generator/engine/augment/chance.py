"""Where the random numbers of a run come from, so that a run can be repeated and continued.

Where to cut and how far to turn is drawn on the CPU, the same on every device. Noise for every pixel is drawn where the
pixels are. On the CPU both are streams whose states a checkpoint keeps. On any other device noise is a function of the
seed and the step alone: generators of two kinds of devices cannot read each other's states, and a run that is begun on
one may go on on another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor

NOISE_SEED_OFFSET = 0x5EED
DRAWS, NOISE = "random.draws", "random.noise"
"""Names of the streams' states among the tensors of a checkpoint."""


class Chance:
    """Two generators: of what is drawn on the CPU, and of noise on a device."""

    def __init__(self, seed: int, device: torch.device | str = "cpu") -> None:
        self.seed, self.device = seed, torch.device(device)
        self.draws = torch.Generator().manual_seed(seed)
        self.noise = torch.Generator(self.device).manual_seed((seed + NOISE_SEED_OFFSET) % 2**63)

    @property
    def keeps_noise(self) -> bool:
        """Whether noise is a stream that goes on from step to step."""
        return self.device.type == "cpu"

    def begin(self, step: int) -> None:
        """Get ready to draw for the step with this index."""
        if not self.keeps_noise:
            self.noise.manual_seed(noise_seed(self.seed, step))

    def uniform(self, *shape: int) -> Tensor:
        """Numbers on [0, 1) on the CPU, float64."""
        return torch.rand(shape, generator=self.draws, dtype=torch.float64)

    def uniform_noise(self, *shape: int) -> Tensor:
        """Numbers on [0, 1) on the device, float32."""
        return torch.rand(shape, generator=self.noise, device=self.device)

    def normal_noise(self, *shape: int) -> Tensor:
        """Standard normal numbers on the device, float32."""
        return torch.randn(shape, generator=self.noise, device=self.device)

    def states(self) -> dict[str, Tensor]:
        """What a checkpoint has to keep."""
        kept = {DRAWS: self.draws.get_state()}
        return {**kept, NOISE: self.noise.get_state()} if self.keeps_noise else kept

    def restore(self, tensors: Mapping[str, Tensor], step: int) -> None:
        """Go on as the checkpoint's run would have; with noise from another device, as seed and step say."""
        self.draws.set_state(tensors[DRAWS])
        if not self.keeps_noise:
            return
        state = tensors.get(NOISE)
        if state is not None and state.shape == self.noise.get_state().shape:
            self.noise.set_state(state)
        else:
            self.noise.manual_seed(noise_seed(self.seed, step))


def noise_seed(seed: int, step: int) -> int:
    """The seed of a step's noise, as unlike its neighbours' as any other number."""
    digest = hashlib.sha256(f"noise {seed} {step}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
