"""How the suite really measures: the peer's loop, processes, capabilities. torch comes when something is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from dreamrig import console

if TYPE_CHECKING:
    from bench.measure.peer.cases import PeerCase, ProcessMemory
    from bench.measure.peer.turns import StepPair
    from bench.measure.time_to_loss import LossRace
    from generator.config import GenerateConfig
    from generator.models.base import Models

WORKLOAD, ON_CUDA = "starter-128", "adafruit-480-pure"
ON_A_CPU, MOST_ON_CUDA = 4, 8
"""Pictures in a step."""


def peer_pairs(case: PeerCase, count: int) -> Iterator[StepPair]:
    """Steps of ours and of the peer's loop in turn."""
    from bench.measure.peer.cases import pairs_of

    return pairs_of(case, count)


def starter_pairs(count: int) -> Iterator[StepPair]:
    """Steps of the pinned starter by the engine and by the plain loop, with the same networks."""
    from bench.measure.peer.loop import PeerLoop
    from bench.measure.peer.turns import WARM_STEPS, engine_step, in_turn
    from bench.workloads import find_workload
    from generator.models.starter import load_starter

    config, models = find_workload(WORKLOAD).config(device="cpu", threads=1), load_starter()
    own = engine_step(config, models, count + WARM_STEPS)
    return in_turn(own, PeerLoop.begin(config, models).step, count)


def together_pairs(device: str, count: int) -> tuple[int, Sequence[StepPair]]:
    """Steps of several pictures in turn with those of one: how many, and seconds per picture."""
    from bench.measure.peer.turns import StepPair
    from bench.measure.together import rounds_of
    from bench.workloads import find_workload
    from generator.models.choose import load_models

    is_cpu = device == "cpu"
    name, profile = (WORKLOAD, "strict") if is_cpu else (ON_CUDA, "as-shipped")
    own = {"threads": 1} if is_cpu else {"random_weights": True}
    config = find_workload(name, profile).config(device=device, **own)
    models = load_models(config)
    most = ON_A_CPU if is_cpu else _as_many_as_fit(config, models)
    rounds = rounds_of(config, models, (1, most), count)
    return most, [StepPair(found[most], found[1]) for found in rounds]


def _as_many_as_fit(config: GenerateConfig, models: Models) -> int:
    """Pictures in a step, into the free memory of the device; NotReadyError where no two do."""
    from dreamrig.errors import NotReadyError
    from generator.devices import available_memory_mib
    from generator.engine.memory import estimate_together_mib

    free = available_memory_mib(models.image.codebook.device)
    for most in range(MOST_ON_CUDA, 1, -1):
        if estimate_together_mib([config] * most, models) <= free:
            return most
    raise NotReadyError("No two pictures fit into the memory of the card.", hint="close what else is on it")


def process_memory(who: str, case: PeerCase) -> ProcessMemory:
    """Of a fresh process that takes a few steps of one of both."""
    from bench.measure.peer.cases import memory_of

    return memory_of(who, case)


def races(prompts: int, seeds: int, flat_steps: int) -> Sequence[LossRace]:
    """Coarse to fine against flat, on the starter."""
    from bench.measure.time_to_loss import PROMPTS, WAYS, race
    from generator.models.starter import load_starter

    models, (way, differs) = load_starter(), next(iter(WAYS.items()))
    return [
        race(models, prompt, seed, {way: differs}, flat_steps) for seed in range(seeds) for prompt in PROMPTS[:prompts]
    ]


def has_cuda() -> bool:
    """Whether torch sees a CUDA device."""
    import torch

    return torch.cuda.is_available()


def has_bfloat16_units() -> bool:
    """Whether the processor multiplies in bfloat16 by itself."""
    import torch

    able: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16") or able.get("amx_tile"))


def ceiling_share() -> float:
    """What part of its own measured products the CUDA device reaches in a step as shipped."""
    from bench.claims.roofline import standing
    from bench.measure.measured import MeasureWishes
    from bench.measure.session import Session
    from bench.workloads import find_workload
    from dreamrig.errors import NotReadyError

    wishes = MeasureWishes(effort="quick", device="cuda", random_weights=True)
    session = Session(wishes, watch=lambda _: None, say=console.print_note, should_stop=lambda: False)
    place = standing(session.run(find_workload(ON_CUDA, "as-shipped")))
    if place is None or place.share is None:
        word = "unknown" if place is None else place.disturbance or "unknown"
        raise NotReadyError(f"The measurement was {word}.", hint="run it again while nothing else uses the card")
    return place.share
