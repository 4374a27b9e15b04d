"""Enlarging a finished picture by a published super-resolution network, loaded by spandrel (the extra [upscale]).

spandrel knows the architecture from the tensors. It imports torchvision, so neither is imported unless --upscale asks.
Files are read by our own reader, which runs no pickle.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from dreamrig.errors import NotReadyError, UsageError, code_of
from dreamrig.extras import pip_command
from dreamrig.paths import given
from generator.models.missing import Look, lacks, together
from generator.pictures.upscale import LARGEST_SIDE, Enlarge
from generator.weights import registry
from generator.weights.convert import convert
from generator.weights.registry import MODEL, Kind

if TYPE_CHECKING:
    import torch
    from PIL import Image
    from torch import Tensor

USUAL = "realesrgan-x4plus"
"""The network of an --upscale that names none."""
KIND: Kind = "upscaler"
LARGEST_FACTOR = 8
TILE, SMALLEST_TILE, MARGIN = 256, 64, 32
"""Pixels of the small picture. Real-ESRGAN's own program takes a margin of 10."""
REQUIREMENT = "spandrel>=0.4.1"


class UpscaleNetwork(Protocol):
    """A super-resolution network on a device."""

    @property
    def scale(self) -> int:
        """How many times larger its pictures are."""
        ...

    def __call__(self, image: Tensor, /) -> Tensor:
        """(1, 3, h, w) in [0, 1] -> (1, 3, h * scale, w * scale) in [0, 1]."""
        ...


Tensors = Mapping[str, "Tensor"]
Load = Callable[[Tensors, "torch.device"], UpscaleNetwork]


def network_upscaler(
    model: str | None, factor: int | None, device: str, *, base: Path | None = None, load: Load | None = None
) -> Enlarge:
    """What enlarges by a network; all that can be refused is refused now, the network is loaded when it is needed.

    model: a name of the registry or a file, None = the usual one.   factor: times, None = as the network does.
    base: the folder of weights, None = this machine's.   load: from tensors to a network, None = spandrel's.
    UsageError for what cannot be; NotReadyError where spandrel or the weights are missing.
    """
    name = published_upscaler(model, factor)
    looks: list[Look] = [] if load else [import_spandrel]
    looks += [] if name is None else [partial(registry.require_ready, [name], base)]
    if lacking := lacks(looks):
        raise together(lacking)
    read, to_network = _reader(model or USUAL, name, base), load or import_spandrel()

    def enlarge(picture: Image.Image) -> Image.Image:
        from generator.devices import resolve_device

        place = resolve_device(device)
        network = to_network(read(), place)
        return enlarge_with(network, picture, factor or network.scale, place)

    return enlarge


def published_upscaler(model: str | None, factor: int | None) -> str | None:
    """The network of the registry that is meant, None where it is a file that is there; UsageError for what cannot be.

    model, factor: as network_upscaler takes them.
    """
    if factor is not None and not 2 <= factor <= LARGEST_FACTOR:
        raise UsageError(f"--upscale is {factor}.", hint=f"use 2 to {LARGEST_FACTOR}")
    file = given(model or USUAL, "--upscale-with")
    if file.is_file():
        return None
    if file.suffix.lower() in (".pth", ".pt", ".ckpt", ".safetensors"):
        raise UsageError(f"There is no file {model}.", hint="give the path of a .safetensors or .pth file")
    entry = registry.find(model or USUAL)
    if entry.kind != KIND:
        names = ", ".join(name for name, one in registry.entries().items() if one.kind == KIND)
        raise UsageError(f"{entry.name} does not enlarge pictures.", hint=f"use one of: {names}, or a file")
    return entry.name


def _reader(model: str, name: str | None, base: Path | None) -> Callable[[], Tensors]:
    """Where the tensors come from: the weights called `name`, or where there is none, the file `model`."""
    if name is not None:
        return lambda: registry.converted_tensors(name, base)
    file = given(model, "--upscale-with")
    return lambda: read_file(file)


def read_file(file: Path) -> Tensors:
    """The tensors of somebody's own file, by way of safetensors; CheckpointError where it is none."""
    from safetensors.torch import load_file

    with tempfile.TemporaryDirectory(prefix="dreamrig-") as folder:
        convert(file, KIND, Path(folder) / MODEL, outline=None)  # spandrel will tell
        return load_file(Path(folder) / MODEL)


def import_spandrel() -> Load:
    """spandrel's loader; NotReadyError where it is missing, or its torchvision does not fit this torch."""
    try:
        import spandrel
    except (ImportError, RuntimeError, OSError) as error:  # a torchvision for another torch fails with any of these
        missing = isinstance(error, ModuleNotFoundError)
        reason = f"{error.name} is not installed" if missing else f"it cannot be imported: {error}"  # type: ignore[union-attr]  # missing says which error
        from generator.models.companions import torchvision_command

        hint = f"run: {torchvision_command()}; then: {pip_command(REQUIREMENT)}"
        raise NotReadyError(f"--upscale needs spandrel, and {reason}.", hint=hint) from error

    def load(tensors: Tensors, device: torch.device) -> UpscaleNetwork:
        try:
            found: Any = spandrel.ModelLoader(device=device).load_from_state_dict(dict(tensors))
        except spandrel.UnsupportedModelError:
            raise UsageError("spandrel knows no network with these tensors.", hint="use another file") from None
        channels = found.input_channels, found.output_channels
        if not isinstance(found, spandrel.ImageModelDescriptor) or channels != (3, 3) or found.scale < 2:
            raise UsageError(f"A {found.architecture.name} like this does not enlarge.", hint="use another file")
        network: UpscaleNetwork = found.eval()
        return network

    return load


# ---- the work --------------------------------------------------------------------------------------------------------


def enlarge_with(network: UpscaleNetwork, picture: Image.Image, factor: int, device: torch.device) -> Image.Image:
    """The picture `factor` times as large: the network goes over it until it is, and what is too much is reduced.

    UsageError where it would be larger on the way than any picture here may be.
    """
    from PIL import Image

    size = picture.width * factor, picture.height * factor
    while picture.width < size[0]:
        if network.scale * max(picture.size) > LARGEST_SIDE:
            raise UsageError(f"Enlarged {factor} times it is more than {LARGEST_SIDE} wide.", hint="enlarge by less")
        picture = enlarge_once(network, picture, device)
    return picture if picture.size == size else picture.resize(size, Image.Resampling.LANCZOS)


def enlarge_once(network: UpscaleNetwork, picture: Image.Image, device: torch.device) -> Image.Image:
    """The network over the whole picture, in smaller tiles where the memory runs out."""
    import numpy as np
    import torch

    from generator.devices import release_memory
    from generator.pictures.png import to_picture
    from generator.pictures.tiles import enlarge_in_tiles

    pixels = torch.from_numpy(np.asarray(picture.convert("RGB"), dtype=np.float32) / 255)
    image = pixels.permute(2, 0, 1)[None].to(device)
    tile = TILE
    while True:
        try:
            with torch.inference_mode():
                return to_picture(enlarge_in_tiles(network, image, network.scale, tile, MARGIN)[0])
        except (RuntimeError, MemoryError) as error:
            if code_of(error) != "out_of_memory" or tile <= SMALLEST_TILE:
                raise
        release_memory(device)
        tile //= 2
