"""What the engine asks of its networks: five small protocols and the bundle that carries them.

Importing this module does not import torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from dreamrig.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor


class ImageModel(Protocol):
    """A VQGAN: latents to pictures and back. Weights are frozen, the networks in eval mode."""

    @property
    def codebook(self) -> Tensor:
        """Rows of the codebook, (K, C) float32, on the device everything runs on."""
        ...

    @property
    def factor(self) -> int:
        """Pixels per code along one side (f)."""
        ...

    def decode(self, latent: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, 3, h * factor, w * factor), nominal range [0, 1], not clamped."""
        ...

    def encode(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, C, H / factor, W / factor), not quantised.

        A model may also have an attribute `checkpointed`: set to True, decode remembers little and computes it again.
        """
        ...


class GuideModel(Protocol):
    """A CLIP: says how well cutouts fit a text. Weights are frozen."""

    @property
    def size(self) -> int:
        """Side in pixels of the square cutouts it reads (S)."""
        ...

    @property
    def width(self) -> int:
        """Length of an embedding (D)."""
        ...

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        """P texts -> (P, D), not normalised."""
        ...

    def encode_image(self, cutouts: Tensor) -> Tensor:
        """(N, 3, S, S) in [0, 1] -> (N, D), not normalised; the pixel normalisation is inside."""
        ...

    def unknown_words(self, text: str) -> dict[str, list[str]]:
        """Words of the text the model never learnt -> known words near to each."""
        ...


@dataclass(frozen=True)
class StartPlan:
    """Where a run starts: one code per latent cell, and in words what was planned."""

    codes: Tensor
    """(rows, columns) int64, indices into the codebook."""
    words: str = ""


class StartModel(Protocol):
    """A feed-forward guess from a text to the code grid."""

    def predict(self, text: str, seed: int, rows: int, columns: int) -> StartPlan:
        """Same text, seed and grid: the same plan. Draws from no global random generator."""
        ...


class AestheticModel(Protocol):
    """Says how beautiful people would call what a guide saw."""

    def scores(self, embeddings: Tensor) -> Tensor:
        """(N, D), not normalised -> (N,), about 1 to 10."""
        ...


class FeatureModel(Protocol):
    """A network that was trained to recognise things: what style and content are measured with. Weights are frozen."""

    def features(self, image: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
        """(B, 3, H, W) in [0, 1] -> activations (B, c, h, w) that hold style, shallow to deep, and those of content."""
        ...


@dataclass(frozen=True)
class Models:
    """All networks of one run, on one device."""

    image: ImageModel
    guides: tuple[GuideModel, ...]
    guide_weights: tuple[float, ...] = ()
    """How much each guide counts where nobody says; empty = all alike."""
    start: StartModel | None = None
    aesthetic: tuple[AestheticModel | None, ...] = ()
    """What judges the embeddings of each guide, None = nothing does; empty = nobody asked for it."""
    perceptual: FeatureModel | None = None
    """For style and content; None = nobody asked for them."""
    name: str = ""
    sha256: str = ""
    """Over all weight files; a checkpoint continues only with the same weights."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """GenerateConfig values this pair likes best, for the fields a user left alone."""
    memory_mib: Callable[[int, int, int], float] | None = None
    """(width, height, cutouts at a time) -> MiB that the device holds for one step of these networks on top of the
    loaded weights: activations, gradients, scratch, and what the allocator adds to them; None = unknown."""
    checkpointed_memory_mib: Callable[[int, int, int], float] | None = None
    """The same with checkpointed decoding; None = it saves nothing that is known."""

    def with_guides_that_count(self, weights: tuple[float, ...]) -> Models:
        """The same without the guides of weight 0, the others' weights adding up to 1.

        weights: one for each guide, none below 0; empty = the models' own. UsageError for another number of them.
        """
        weights = weights or self.guide_weights or (1.0,) * len(self.guides)
        if len(weights) != len(self.guides):
            raise UsageError(
                f"There are {len(weights)} guide_weights for {len(self.guides)} guides.",
                hint="give one number for each guide",
            )
        counting = [(guide, weight) for guide, weight in zip(self.guides, weights, strict=True) if weight]
        judges = [judge for judge, weight in zip(self.aesthetic, weights, strict=False) if weight]
        return replace(
            self,
            guides=tuple(guide for guide, _ in counting),
            guide_weights=tuple(weight / sum(weights) for _, weight in counting),
            aesthetic=tuple(judges),
        )
