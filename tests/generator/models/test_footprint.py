"""What a step of the full-size networks keeps, counted on the meta device: no weights, no arithmetic, exact bytes."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from dreamrig.errors import NotReadyError
from generator.engine.flops import Operator, watch_operators
from generator.models import clip, guides, reference, vqgan
from generator.models.allocators import BLOCKS, HEAP, allocator_of
from generator.models.codebook import floats_while_choosing, nearest_codes
from generator.models.footprint import Footprint, guide_kept
from generator.models.vqgan import VQGAN, VQGANArchitecture

MIB = 2**20
SMALL = VQGANArchitecture(
    codes=30, channels=32, multipliers=(1, 1, 2), attention_levels=(2,), code_width=8, z_channels=8
)
F16 = vqgan.ARCHITECTURES["imagenet-f16-1024"]


@pytest.mark.parametrize("name", ["small", "imagenet-f16-1024", "openimages-gumbel-f8"])
def test_what_autograd_keeps_of_a_decoder(name: str) -> None:
    sizes = vqgan.ARCHITECTURES.get(name, SMALL)
    with torch.device("meta"):
        network = VQGAN(sizes).prepare()
        latent = torch.zeros(1, sizes.code_width, 12, 8, requires_grad=True)
        kept = kept_floats(lambda: network.decode(latent), network)
        network.checkpointed = True
        kept_few = kept_floats(lambda: network.decode(latent), network)
    pixels = 12 * 8 * sizes.factor**2
    assert kept == pytest.approx(Footprint(sizes, ()).decoder_kept(pixels), rel=0.05)
    assert kept_few == pytest.approx(Footprint(sizes, (), checkpointed=True).decoder_kept(pixels), rel=0.05)


@pytest.mark.parametrize("name", guides.ARCHITECTURES)
def test_what_autograd_keeps_of_a_guide(name: str) -> None:
    sizes = guides.ARCHITECTURES[name]
    with torch.device("meta"):
        network = guides.make(sizes).prepare()
        pixels = torch.zeros(2, 3, sizes.side, sizes.side, requires_grad=True)
        kept = kept_floats(lambda: network.encode_image(pixels), network)
    assert kept == pytest.approx(2 * guide_kept(sizes), rel=0.03)


@pytest.mark.parametrize(
    ("side", "cutouts", "checkpointed", "guide"),
    [
        (64, 16, False, "ViT-B/32"),
        (512, 1, False, "ViT-B/32"),
        (512, 1, True, "ViT-B/32"),
        (128, 16, True, "ViT-B/16"),
        (128, 8, True, "SigLIP2-B/16"),
        (256, 8, False, "RN50"),
    ],
)
def test_what_lives_at_the_worst_moment_of_a_step(side: int, cutouts: int, checkpointed: bool, guide: str) -> None:
    sizes = guides.ARCHITECTURES[guide]
    with torch.device("meta"):
        image, network = VQGAN(F16).prepare(channels_last=True), guides.make(sizes).prepare()
        image.checkpointed = checkpointed
        latent = torch.zeros(1, 256, side // 16, side // 16, requires_grad=True)
        living = Living({tensor.untyped_storage()._cdata for tensor in (*all_of(image), *all_of(network))})
        with watch_operators(living.look):
            cut = image.decode(latent).mean() * torch.zeros(cutouts, 3, sizes.side, sizes.side)
            torch.autograd.grad(network.encode_image(cut).sum(), latent)
    predicted = Footprint(F16, (sizes,), checkpointed=checkpointed).alive_mib(side, side, cutouts)
    assert living.peak_bytes / MIB == pytest.approx(predicted, rel=0.1)


@pytest.mark.parametrize("guide", ["ViT-B/32", "RN50"])
@pytest.mark.parametrize("checkpointed", [False, True])
def test_what_lives_in_a_step_of_the_reference_networks(guide: str, checkpointed: bool) -> None:
    sizes = clip.ARCHITECTURES[guide]
    with torch.device("meta"):
        try:
            image, network = reference.ReferenceVQGAN(F16), reference.make_clip(sizes)
        except NotReadyError as error:
            pytest.skip(error.message)
        for frozen in (image, network):
            frozen.eval().requires_grad_(False)
        image.checkpointed = checkpointed
        latent = torch.zeros(1, 256, 8, 8, requires_grad=True)
        living = Living({tensor.untyped_storage()._cdata for tensor in (*all_of(image), *all_of(network))})
        with watch_operators(living.look):
            cut = image.decode(latent).mean() * torch.zeros(4, 3, sizes.side, sizes.side)
            torch.autograd.grad(network.encode_image(cut).sum(), latent)
    footprint = Footprint(F16, (sizes,), checkpointed=checkpointed, is_reference=True)
    assert living.peak_bytes / MIB == pytest.approx(footprint.alive_mib(128, 128, 4), rel=0.1)


@pytest.mark.parametrize(("rows", "width"), [(1024, 8), (8192, 24), (4096, 65)])
@pytest.mark.parametrize("cells", [20, 600])
def test_what_lives_while_codes_are_chosen(rows: int, width: int, cells: int) -> None:
    latent, codebook = torch.zeros(1, width, 2, cells // 2), torch.rand(rows, width)
    living = Living({latent.untyped_storage()._cdata, codebook.untyped_storage()._cdata})
    with watch_operators(living.look):
        nearest_codes(latent, codebook)
    rest = 8 * (rows + cells) * (width + 3)  # cells and rows themselves, twice, their squares, the indices
    assert abs(living.peak_bytes - 4 * floats_while_choosing(cells, codebook)) <= rest


class Living:
    """Adds up the storages that operators make, as long as somebody holds them; `known` ones aside."""

    def __init__(self, known: set[int]) -> None:
        self.counted = known
        self.bytes = self.peak_bytes = 0

    def look(self, operator: Operator) -> None:
        """At what an operator made."""
        made = operator.result
        for tensor in made if isinstance(made, (tuple, list)) else (made,):
            if isinstance(tensor, Tensor):
                self.see(tensor.untyped_storage())

    def see(self, storage: Any) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self.counted:
            return
        self.counted.add(key)
        self.bytes += size
        self.peak_bytes = max(self.peak_bytes, self.bytes)
        weakref.finalize(storage, self.forget, key, size)

    def forget(self, key: int, size: int) -> None:
        self.counted.discard(key)
        self.bytes -= size


def test_every_guide_adds_what_it_keeps_and_half_precision_halves_it() -> None:
    sizes = clip.ARCHITECTURES["ViT-B/32"]
    one, two = Footprint(F16, (sizes,)), Footprint(F16, (sizes, sizes))
    assert two.guides_mib(8) - one.guides_mib(8) == pytest.approx(8 * guide_kept(sizes) * 4 / MIB)
    assert Footprint(F16, (sizes,), guide_bytes=2).guides_mib(8) == one.guides_mib(8) / 2


def test_an_allocator_adds_its_holes_and_its_library() -> None:
    footprint = Footprint(F16, (clip.ARCHITECTURES["ViT-B/32"],), allocator=BLOCKS)
    added = footprint.step_mib(64, 64, 4) - footprint.alive_mib(64, 64, 4)
    kept = footprint.decoder_kept(64 * 64) * 4 / MIB
    assert added == pytest.approx(BLOCKS.library_mib + 0.1 * (kept**2 + footprint.guides_mib(4) ** 2) ** 0.5)
    assert HEAP.spread_mib(20.0, 0.0) == 0.0
    assert HEAP.spread_mib(1e6, 0.0) == HEAP.picture_limit_mib
    assert (allocator_of("cpu"), allocator_of("cuda")) == (HEAP, BLOCKS)


def kept_floats(run: Callable[[], Tensor], network: nn.Module) -> int:
    """Numbers that autograd keeps for the way back, each storage once, weights and what is derived from them aside."""
    weights = {tensor.untyped_storage()._cdata for tensor in all_of(network)}
    kept: dict[int, tuple[int, Tensor]] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in weights:
            kept[storage._cdata] = (storage.nbytes() // tensor.element_size(), tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        run()
    return sum(count for count, _ in kept.values())


def all_of(network: nn.Module) -> Iterator[Tensor]:
    """All weights, and the tensors that prepare() made of them."""
    for module in network.modules():
        yield from module.parameters(recurse=False)
        yield from (value for value in vars(module).values() if isinstance(value, Tensor))
        for folded in (getattr(module, name, None) or () for name in ("stem", "folded", "shortcut")):
            for layer in folded if isinstance(folded, tuple) else (folded,):
                yield from (layer.weight, layer.bias)
