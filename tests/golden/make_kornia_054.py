"""Writes kornia-0.5.4.json: what the augmentation classes of the 2021 notebooks make of given numbers.

Run with kornia 0.5.4, the release the notebooks pinned, which needs no more than torch to be imported:

    pip install --no-deps --target FOLDER kornia==0.5.4
    PYTHONPATH=FOLDER python tests/golden/make_kornia_054.py
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import torch

warnings.simplefilter("ignore")
# torch.solve has left torch since; kornia 0.5.4 needs its two results.
torch.solve = lambda b, a: (torch.linalg.solve(a, b), a)  # type: ignore[attr-defined]

import kornia  # noqa: E402
import kornia.augmentation as K  # noqa: E402

COUNT, SIZE = 2, 6


def main() -> None:
    assert kornia.__version__ == "0.5.4", kornia.__version__
    generator = torch.Generator().manual_seed(0)

    def uniform(*shape: int) -> torch.Tensor:
        return torch.rand(shape, generator=generator)

    images = uniform(COUNT, 3, SIZE, SIZE) * 1.2 - 0.1  # crops that are not clamped reach beyond 0 and 1
    affine = {
        "translations": (uniform(COUNT, 2) - 0.5) * 2,
        "center": torch.full((COUNT, 2), SIZE / 2 - 0.5),
        "scale": torch.ones(COUNT, 2),
        "angle": (uniform(COUNT) - 0.5) * 60,
        "sx": (uniform(COUNT) - 0.5) * 20,
        "sy": torch.zeros(COUNT),
    }
    last = SIZE - 1.0
    corners = torch.tensor([[0.0, 0.0], [last, 0.0], [last, last], [0.0, last]]).expand(COUNT, -1, -1)
    inwards = torch.tensor([[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]])
    perspective = {"start_points": corners, "end_points": corners + uniform(COUNT, 4, 2) * 2 * inwards}
    jitter = {
        "brightness_factor": 0.8 + 0.4 * uniform(COUNT),
        "contrast_factor": 0.8 + 0.4 * uniform(COUNT),
        "saturation_factor": 0.5 + uniform(COUNT),
        "hue_factor": (uniform(COUNT) - 0.5) * 0.4,
        "order": torch.tensor([2, 0, 3, 1]),
    }
    erasing = {
        "xs": torch.tensor([1.0, 0.0]),
        "ys": torch.tensor([0.0, 5.0]),
        "widths": torch.tensor([3.0, 6.0]),
        "heights": torch.tensor([2.0, 1.0]),
        "values": torch.zeros(COUNT),
    }
    points = torch.tensor([[[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, -1.0], [0.0, 0.0]]]).repeat(COUNT, 1, 1)
    spline = {"src": points, "dst": points + (uniform(COUNT, 5, 2) - 0.5) * 0.6}
    crop_ends = torch.tensor([[1.0, 0.0, 4.0, 3.0], [0.0, 2.0, 5.0, 5.0]])  # first x, first y, last x, last y
    crop = {"src": crop_ends[:, [[0, 1], [2, 1], [2, 3], [0, 3]]], "dst": corners.contiguous()}
    cases: dict[str, tuple[Any, dict[str, torch.Tensor]]] = {
        "flip": (K.RandomHorizontalFlip(p=1.0), {}),
        "sharpness": (K.RandomSharpness(p=1.0), {"sharpness_factor": torch.tensor([0.25, 1.5])}),
        "affine(padding=border)": (K.RandomAffine(30.0, padding_mode="border", p=1.0), affine),
        "affine(padding=reflection)": (K.RandomAffine(30.0, padding_mode="reflection", p=1.0), affine),
        "affine": (K.RandomAffine(30.0, p=1.0), affine),
        "perspective": (K.RandomPerspective(p=1.0), perspective),
        "jitter": (K.ColorJitter(p=1.0), jitter),
        "erasing": (K.RandomErasing(p=1.0), erasing),
        "rotation": (K.RandomRotation(30.0, p=1.0), {"degrees": torch.tensor([20.0, -75.0])}),
        "elastic": (K.RandomElasticTransform(p=1.0), {"noise": uniform(COUNT, 2, SIZE, SIZE) * 2 - 1}),
        "thinplate": (K.RandomThinPlateSpline(p=1.0), spline),
        "resizedcrop": (K.RandomResizedCrop((SIZE, SIZE), cropping_mode="resample", p=1.0), crop),
    }
    document: dict[str, Any] = {"images": plain(images), "cases": {}}
    for name, (augmentation, numbers) in cases.items():
        given = {key: plain(value) for key, value in numbers.items()}
        result = augmentation(images.clone(), params={**numbers, "batch_prob": torch.ones(COUNT, dtype=torch.bool)})
        document["cases"][name] = {"numbers": given, "result": plain(result)}
    path = Path(__file__).with_name("kornia-0.5.4.json")
    path.write_text(json.dumps(document, separators=(",", ":")).replace('"result"', '\n"result"') + "\n")


def plain(tensor: torch.Tensor) -> dict[str, Any]:
    """Shape and seven significant digits of every number: enough for float32."""
    return {"shape": list(tensor.shape), "values": [float(f"{x:.7g}") for x in tensor.double().flatten().tolist()]}


if __name__ == "__main__":
    main()
