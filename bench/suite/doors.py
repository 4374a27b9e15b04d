"""How the suite really measures: the peer's loop, processes, capabilities. torch comes when something is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from dreamrig import console

if TYPE_CHECKING:
    from bench.measure.peer.cases import PeerCase, ProcessMemory
    from bench.measure.peer.turns import StepPair
    from bench.measure.time_to_loss import LossRace

WORKLOAD, ON_CUDA = "starter-128", "adafruit-480-pure"


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
