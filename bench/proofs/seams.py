"""Whether a picture that was decoded in windows shows where they meet: jumps there, beside jumps elsewhere.

python -m bench.proofs.seams                        the table of docs/full-size.md: the starter's own plans, 1024x1024
python -m bench.proofs.seams --model imagenet-f16-1024 --size 768 --tile 384     random weights of full size
python -m bench.proofs.seams --picture FILE --tile 256 --factor 8                a picture that `generate --tile` drew

A decoder makes blocks of the size of a code, so that two neighbouring pixels of different codes differ more than two of
the same. A jump at a cut is therefore compared with those between other codes, in squares: 1 is no seam. `whole` is the
same latent decoded at once, and what the picture itself has at those places; `no overlap` is windows put side by side.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from generator.config import GenerateConfig

if TYPE_CHECKING:
    from torch import Tensor

    from generator.engine.windows import Window
    from generator.models.base import ImageModel

PROMPTS = ("a red house on a hill", "a castle at night", "two cats under a tree", "sunset over the sea")
STARTER = "starter"


def excess(picture: Tensor, windows: Sequence[Window], factor: int) -> float:
    """Mean squared jump where windows of a picture (1, 3, H, W) are cut, over that between all other codes."""
    import torch

    at_cuts: list[Tensor] = []
    elsewhere: list[Tensor] = []
    for axis, lines in ((2, {one.down.span.start for one in windows}), (3, {one.across.span.start for one in windows})):
        for cell in range(1, picture.shape[axis] // factor):
            after = cell * factor
            jump = picture.narrow(axis, after, 1) - picture.narrow(axis, after - 1, 1)
            (at_cuts if cell in lines else elsewhere).append(jump.square().mean())
    return float(torch.stack(at_cuts).mean() / torch.stack(elsewhere).mean())


def side_by_side(network: Callable[[Tensor], Tensor], latent: Tensor, windows: Sequence[Window], factor: int) -> Tensor:
    """The picture of a latent whose windows see nothing of each other and are not blended."""
    import torch

    rows, columns = latent.shape[2:]
    whole = torch.zeros(1, 3, rows * factor, columns * factor)
    for window in windows:
        down, across = window.down.span, window.across.span
        seen = network(latent[..., down.start : down.stop, across.start : across.stop])
        whole[..., down.start * factor : down.stop * factor, across.start * factor : across.stop * factor] = seen
    return whole


def latents_of(config: GenerateConfig, image: ImageModel, seed: int) -> Tensor:
    """Codes in patches of 4 x 4, drawn from a seed: (1, C, h, w)."""
    import torch

    from generator.models.codebook import rows_of

    generator = torch.Generator().manual_seed(seed)
    rows, columns = (-(-side // image.factor // 4) for side in (config.height, config.width))
    codes = torch.randint(len(image.codebook), (1, rows, columns), generator=generator)
    patches = codes.repeat_interleave(4, 1).repeat_interleave(4, 2)
    return rows_of(patches[:, : config.height // image.factor, : config.width // image.factor], image.codebook)


def starts(config: GenerateConfig) -> Iterator[tuple[str, ImageModel, Tensor]]:
    """What is decoded: of the starter its plans for some prompts, of other models patches of codes."""
    import torch

    from generator.models.choose import load_models
    from generator.models.codebook import rows_of
    from generator.models.full import Loader

    if config.model != STARTER:
        image, _ = Loader(config, torch.device("cpu")).image(config.model)
        yield "patches of random codes", image, latents_of(config, image, config.seed)
        return
    models = load_models(config)
    assert models.start is not None
    for prompt in PROMPTS:
        grid = config.height // models.image.factor, config.width // models.image.factor
        plan = models.start.predict(prompt, config.seed, *grid)
        yield prompt, models.image, rows_of(plan.codes[None], models.image.codebook)


def rows_of_table(config: GenerateConfig) -> Iterator[str]:
    """A Markdown table: a row for each start."""
    import torch

    from generator.engine.windows import IN_THE_END, ON_THE_WAY, Windows

    yield "| latent | whole | in a step | in the end | no overlap | whole - in the end, of 255 |"
    yield "|:--|--:|--:|--:|--:|--:|"
    for name, image, latent in starts(config):
        windows = Windows.of(config, image.factor)
        assert windows is not None
        grid, factor = latent.shape[2:], image.factor
        over = windows.over(grid, factor)
        first = tuple(places[len(places) // 2] for places in windows.first_cuts(grid))
        step = windows.over(grid, factor, (first[0], first[1]))
        with torch.inference_mode():
            whole = image.decode(latent)
            ended = windows.decode(image.decode, latent)
            stepped = windows.decode(image.decode, latent, (first[0], first[1]))
            hard = side_by_side(image.decode, latent, over, factor)
        found = (excess(whole, over, factor), excess(stepped, step, factor), excess(ended, over, factor))
        largest = 255 * float((ended - whole).abs().max())
        cells = " | ".join(f"{one:.2f}" for one in (*found, excess(hard, over, factor)))
        yield f"| {name} | {cells} | {largest:.2f} |"
    blends = f"{ON_THE_WAY.blend} codes in a step, {IN_THE_END.blend} in the end"
    yield f"\n{config.width}x{config.height} in windows of {config.tile}, blended over {blends}"


def of_file(path: str, tile: int, factor: int) -> float:
    """The excess of a picture file that was drawn in windows of so many pixels."""
    import numpy as np
    import torch
    from PIL import Image

    from generator.engine.windows import Windows

    pixels = np.asarray(Image.open(path).convert("RGB"), dtype=np.float32) / 255
    picture = torch.from_numpy(pixels).permute(2, 0, 1)[None]
    grid = [side // factor for side in picture.shape[2:]]
    return excess(picture, Windows(tile // factor, factor).over(grid, factor), factor)


def main(words: Sequence[str]) -> int:
    """The table, or one picture."""
    parser = argparse.ArgumentParser(prog="python -m bench.proofs.seams", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", type=int, default=1024, metavar="PX", help="sides of the picture (1024)")
    parser.add_argument("--tile", type=int, default=256, metavar="PX", help="sides of a window (256)")
    parser.add_argument("--model", default=STARTER, help="starter, or a model of full size with random weights")
    parser.add_argument("--seed", type=int, default=1, help="of the plans, or of the codes (1)")
    parser.add_argument("--picture", metavar="FILE", help="measure this file instead")
    parser.add_argument("--factor", type=int, default=8, metavar="PX", help="of the file's model: pixels per code (8)")
    asked = parser.parse_args(words)
    if asked.picture:
        print(f"{of_file(asked.picture, asked.tile, asked.factor):.2f}")
        return 0
    config = GenerateConfig(
        prompt="x",
        model=asked.model,
        random_weights=asked.model != STARTER,
        device="cpu",
        width=asked.size,
        height=asked.size,
        tile=asked.tile,
        seed=asked.seed,
    )
    for row in rows_of_table(config):
        print(row, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
