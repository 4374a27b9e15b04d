"""One training loop for every stage: resumable, and the same from the same seed however often it was interrupted.

Batches are drawn from the seed and the step number alone, so no generator state needs saving: a resumed run sees the
batches the uninterrupted one would have seen.
"""

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from generator.starter import words

StepFunction = Callable[[int, np.random.Generator], dict[str, Tensor]]
"""step number and its own generator -> losses; the one called `loss` is minimised."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast a stage trains."""

    steps: int
    learning_rate: float
    warmup: int = 100
    weight_decay: float = 0.0
    average: float = 0.0
    """Decay of the exponential moving average of the weights that is shipped; 0 = the last weights."""

    def factor(self, step: int) -> float:
        """Learning-rate factor: linear warm-up, then a cosine to 2 %."""
        warm = min(1.0, (step + 1) / self.warmup)
        return warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, step / self.steps))))


AnyModule = TypeVar("AnyModule", bound=nn.Module)


def channels_last(model: AnyModule) -> AnyModule:
    """`model` with its convolutions laid out as oneDNN likes them best."""
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub of Module.to lacks it
    return model


def token_batch(texts: Iterable[str]) -> Tensor:
    """Tokens of texts, (N, T) int64, as long as the longest of them."""
    tokens = torch.tensor([words.tokens(text) for text in texts])
    return tokens[:, : int((tokens != words.PAD).sum(1).max())]


def train(
    name: str,
    model: nn.Module,
    step: StepFunction,
    schedule: Schedule,
    folder: Path,
    *,
    seed: int,
    save_seconds: float = 60,
) -> nn.Module:
    """Train `model` in place, from its checkpoint in `folder` if there is one; returned with averaged weights."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        parameters, schedule.learning_rate, betas=(0.9, 0.98), weight_decay=schedule.weight_decay
    )
    averaged = {key: value.detach().clone() for key, value in model.state_dict().items()}
    checkpoint = folder / f"{name}.checkpoint.pt"
    start, spent = _restore(checkpoint, model, optimiser, averaged)
    began = saved = time.process_time()
    for index in range(start, schedule.steps):
        for group in optimiser.param_groups:
            group["lr"] = schedule.learning_rate * schedule.factor(index)
        losses = step(index, np.random.default_rng((seed, index)))
        optimiser.zero_grad(set_to_none=True)
        losses["loss"].backward()  # type: ignore[no-untyped-call]  # torch ships this method untyped
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        _average(averaged, model, schedule.average, index)
        if index % 50 == 0 or index == schedule.steps - 1:
            _report(name, index, schedule.steps, losses, spent + time.process_time() - began)
        if time.process_time() - saved > save_seconds:
            saved = time.process_time()
            _save(checkpoint, model, optimiser, averaged, index + 1, spent + saved - began)
    _save(checkpoint, model, optimiser, averaged, schedule.steps, spent + time.process_time() - began)
    model.load_state_dict(averaged)
    return model.eval()


def _average(averaged: dict[str, Tensor], model: nn.Module, decay: float, step: int) -> None:
    decay = min(decay, (1 + step) / (10 + step))
    for key, value in model.state_dict().items():
        if value.dtype.is_floating_point and decay > 0:
            averaged[key].lerp_(value, 1 - decay)
        else:
            averaged[key].copy_(value)


def _report(name: str, index: int, steps: int, losses: dict[str, Tensor], cpu_seconds: float) -> None:
    shown = " ".join(f"{key} {float(value.detach()):.4f}" for key, value in losses.items())
    print(f"{name} {index}/{steps} {shown} cpu_minutes {cpu_seconds / 60:.1f}", flush=True)


def _save(
    path: Path, model: nn.Module, optimiser: torch.optim.Optimizer, averaged: dict[str, Tensor], step: int, spent: float
) -> None:
    state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "averaged": averaged}
    temporary = path.with_suffix(".tmp")
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({**state, "step": step, "cpu_seconds": spent}, temporary)
    temporary.replace(path)


def _restore(
    path: Path, model: nn.Module, optimiser: torch.optim.Optimizer, averaged: dict[str, Tensor]
) -> tuple[int, float]:
    if not path.exists():
        return 0, 0.0
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    averaged.update(state["averaged"])
    return int(state["step"]), float(state["cpu_seconds"])
