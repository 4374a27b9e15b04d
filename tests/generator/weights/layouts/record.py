"""Write the files open-clip*.json beside this one: what open_clip itself makes of tiny networks.

Run it where open_clip_torch 3.3 and timm 1.0 are installed with the torchvision that fits their torch; the tests need
neither. Weights are not stored: names and shapes are, and the stream of numpy's RandomState is promised for ever.
"""

import json
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import timm
import torch
from open_clip.model import CLIPTextCfg, CLIPVisionCfg
from open_clip.transformer import TextTransformer
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

HERE = Path(__file__).parent
TOKENS = torch.tensor([[48, 3, 9, 27, 49] + [0] * 7, [48, *range(10, 20), 49]])


def draw_weights(network: nn.Module) -> dict[str, list[int]]:
    """Fill it as the tests do, and return the shapes."""
    random = np.random.RandomState(20)
    tensors = dict(sorted(network.state_dict().items()))
    network.load_state_dict(
        {name: torch.from_numpy(np.asarray(random.standard_normal(one.shape) * 0.1, dtype=np.float32))
         for name, one in tensors.items()}
    )  # fmt: skip
    return {name: list(one.shape) for name, one in tensors.items()}


def pixels(side: int, mean: tuple[float, ...], deviation: tuple[float, ...]) -> Tensor:
    """Two pictures of the stream of seed 21, normalised."""
    drawn = torch.from_numpy(np.random.RandomState(21).random_sample((2, 3, side, side)).astype(np.float32))
    return (drawn - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(deviation).view(3, 1, 1)


def write(name: str, network: nn.Module, seen: Tensor, said: Tensor, tokens: Tensor, packages: str) -> None:
    """One file."""
    shapes = {key: list(one.shape) for key, one in sorted(network.state_dict().items())}
    known: dict[str, Any] = {
        "source": f"{packages}; numbers: numpy RandomState(20) by sorted name, times 0.1; pixels: RandomState(21)",
        "shapes": shapes,
        "image": seen.tolist(),
        "tokens": tokens.tolist(),
        "text": said.tolist(),
    }
    (HERE / name).write_text(json.dumps(known, separators=(",", ":")) + "\n")


def record_clip() -> None:
    """A CLIP as LAION's H/14: heads of 80, the GELU itself."""
    image = CLIPVisionCfg(layers=2, width=160, head_width=80, patch_size=8, image_size=16)
    text = CLIPTextCfg(context_length=12, vocab_size=50, width=64, heads=1, layers=2)
    network = open_clip.CLIP(24, image, text, quick_gelu=False).eval()
    draw_weights(network)
    with torch.no_grad():
        seen = network.encode_image(pixels(16, open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD))
        said = network.encode_text(TOKENS)
    write("open-clip.json", network, seen, said, TOKENS, f"open_clip_torch {open_clip.__version__}")


class SmallSigLIP(nn.Module):
    """The two towers that open_clip puts together for a SigLIP, under its names."""

    def __init__(self) -> None:
        super().__init__()
        self.visual = nn.Module()
        self.visual.trunk = VisionTransformer(
            img_size=16, patch_size=8, embed_dim=144, depth=2, num_heads=2, mlp_ratio=1.5, class_token=False,
            global_pool="map", num_classes=0, act_layer="gelu_tanh",
        )  # fmt: skip
        self.text = TextTransformer(
            context_length=8, vocab_size=50, width=144, heads=2, layers=2, mlp_ratio=1.5, output_dim=144,
            no_causal_mask=True, pool_type="last", proj_bias=True,
            act_layer=lambda: nn.GELU(approximate="tanh"), norm_layer=lambda width: nn.LayerNorm(width, eps=1e-6),
        )  # fmt: skip
        self.logit_scale, self.logit_bias = nn.Parameter(torch.ones([])), nn.Parameter(torch.ones([]))


def record_siglip() -> None:
    """A SigLIP 2 with heads of 72 and a hidden layer of its own width, as SO400M has them."""
    network = SmallSigLIP().eval()
    draw_weights(network)
    tokens = torch.tensor([[7, 9, 3, 1, 0, 0, 0, 0], [4, 5, 6, 7, 8, 9, 10, 1]])
    with torch.no_grad():
        seen = network.visual.trunk(pixels(16, (0.5,) * 3, (0.5,) * 3))
        said = network.text(tokens)
    packages = f"open_clip_torch {open_clip.__version__}, timm {timm.__version__}"
    write("open-clip-siglip.json", network, seen, said, tokens, packages)


class SmallTimmCLIP(nn.Module):
    """The two towers that open_clip puts together for a CLIP with timm's image tower, under its names."""

    def __init__(self) -> None:
        super().__init__()
        self.visual = nn.Module()
        self.visual.trunk = timm.create_model(  # norms and switches are those of timm's own definition
            "vit_base_patch16_clip_224", img_size=16, patch_size=8, embed_dim=128, depth=2, num_heads=2, num_classes=0
        )
        self.visual.head = nn.Sequential(OrderedDict(drop=nn.Dropout(0.0), proj=nn.Linear(128, 24, bias=False)))
        self.text = TextTransformer(context_length=12, vocab_size=50, width=64, heads=1, layers=2, output_dim=24)
        self.logit_scale = nn.Parameter(torch.ones([]))


def record_timm_clip() -> None:
    """A CLIP whose picture is read by timm's vision transformer; both towers compute the GELU itself."""
    network = SmallTimmCLIP().eval()
    draw_weights(network)
    with torch.no_grad():
        seen = network.visual.head(
            network.visual.trunk(pixels(16, open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD))
        )
        said = network.text(TOKENS)
    packages = f"open_clip_torch {open_clip.__version__}, timm {timm.__version__}"
    write("open-clip-timm.json", network, seen, said, TOKENS, packages)


if __name__ == "__main__":
    record_clip()
    record_timm_clip()
    record_siglip()
