"""Is the GPU what its name says: memory, capability, and how much of a card of that name it reaches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provision.cards.datasheets import find_datasheet, with_article
from provision.cards.gpus import find_gpu
from provision.doctor.check import Evidence, FactReader, Finding, FixStep, evidence, passed, unknown, warned

MEMORY_SLACK = 0.12
"""Drivers keep some memory for themselves: an RTX 3090 lists 24576 MiB, or 24 MiB to 300 MiB less."""
SLOWEST_SHARE = 0.15
"""Of the speed that the table has for a GPU; below it, something is wrong with the GPU or its name."""
LOW_SHARE = 0.4
"""Below it, a GPU is worth a look: a T4 at its 70 W still reaches 0.5, most cards 0.75."""
HELD_SHARE = 0.9
"""Of a card's own power limit; below it, somebody holds the card back."""


def gpu_identity(facts: FactReader) -> Finding:
    """The name against the table, and what was measured against what the table says."""
    name = facts.get("cuda.gpu_name")
    if name is None:
        return unknown(facts, "cuda.gpu_name")
    proof = evidence(facts, "cuda.gpu_name", "cuda.memory_mib", "cuda.capability", "torch.kernel_tflops")
    entry = find_gpu(name)
    if entry is None:
        return passed(f"{name}: not in our table, but it computes.", *proof)
    if slips := _slips(facts, entry):
        return warned(f"It calls itself {name}, but {' and '.join(slips)}.", proof, LOOK_AT_GPU)
    share = _share(facts, entry)
    if share is not None and share < LOW_SHARE:
        return warned(f"Your {_short(name)} {_ceiling(facts, entry)}.", (*proof, *_power_proof(facts)), *_faster(facts))
    return passed(f"It is {with_article(_short(name))}: {_measured(facts)}{_beside(facts, entry)}.", *proof)


LOOK_AT_GPU = FixStep(
    "Close what else uses the GPU, plug a laptop in, run this again; if it stays, the card is not what it is sold as.",
    "nvidia-smi",
)


def _slips(facts: FactReader, entry: Mapping[str, Any]) -> list[str]:
    """Where the measured GPU differs from the table, in words."""
    slips = []
    capability, memory = facts.get("cuda.capability"), facts.get("cuda.memory_mib")
    if capability is not None and entry.get("capability") not in (None, capability):
        slips.append(f"its capability is {capability}, not {entry['capability']}")
    sizes = entry.get("memory_mib") or []
    sizes = sizes if isinstance(sizes, list) else [sizes]
    if memory is not None and sizes and not any(abs(memory - size) <= MEMORY_SLACK * size for size in sizes):
        slips.append(f"it has {memory} MiB, not {' or '.join(map(str, sizes))}")
    speed, full = facts.get("torch.kernel_tflops"), entry.get("fp32_tflops")
    if speed is not None and full is not None and speed < SLOWEST_SHARE * full:
        slips.append(f"it computes at {speed:.1f} TFLOP/s of {full:g}")
    return slips


def _full_speed(facts: FactReader, entry: Mapping[str, Any]) -> float | None:
    """TFLOP/s in fp32 that the datasheet of this very card gives, else the table of GPUs; None where neither does."""
    sheet = find_datasheet(facts.get("cuda.gpu_name") or "")
    full: float | None = sheet.peak_tflops("fp32") if sheet else entry.get("fp32_tflops")
    return full


def _share(facts: FactReader, entry: Mapping[str, Any]) -> float | None:
    speed, full = facts.get("torch.kernel_tflops"), _full_speed(facts, entry)
    return None if speed is None or not full else float(speed) / full


def _ceiling(facts: FactReader, entry: Mapping[str, Any]) -> str:
    """ "runs at 38% of an RTX 3090, 13.5 of 35.6 TFLOP/s: power limit 200 W of 350 W". Only where a share is known."""
    share, full = _share(facts, entry), _full_speed(facts, entry)
    speed = facts.get("torch.kernel_tflops")
    text = f"runs at {share:.0%} of {with_article(_short(facts.get('cuda.gpu_name')))}, {speed:.1f} of {full:g} TFLOP/s"
    return text + _held_words(facts)


def _beside(facts: FactReader, entry: Mapping[str, Any]) -> str:
    """ ", 78% of the datasheet: power limit 300 W of 350 W"; "" where the datasheet is not known."""
    share = _share(facts, entry)
    return "" if share is None else f", {share:.0%} of the datasheet{_held_words(facts)}"


def _held_words(facts: FactReader) -> str:
    limit, usual = facts.get("cuda.power_limit_watts"), facts.get("cuda.power_default_watts")
    return f": power limit {limit} W of {usual} W" if _is_held(facts) else ""


def _is_held(facts: FactReader) -> bool:
    limit, usual = facts.get("cuda.power_limit_watts"), facts.get("cuda.power_default_watts")
    return bool(limit and usual and limit < HELD_SHARE * usual)


def _power_proof(facts: FactReader) -> tuple[Evidence, ...]:
    known = facts.get("cuda.power_limit_watts") is not None
    return evidence(facts, "cuda.power_limit_watts", "cuda.power_default_watts") if known else ()


def _faster(facts: FactReader) -> tuple[FixStep, ...]:
    """What makes a slow card faster, the power limit first where that is it."""
    usual = facts.get("cuda.power_default_watts")
    if not _is_held(facts):
        return (LOOK_AT_GPU,)
    command = f"nvidia-smi -pl {usual}"
    if facts.place == "linux":
        return FixStep("Raise the power limit.", f"sudo {command}", "linux", True), LOOK_AT_GPU
    raise_limit = FixStep("Raise the power limit, in an elevated PowerShell of Windows.", command, "windows", True)
    return raise_limit, LOOK_AT_GPU


def _measured(facts: FactReader) -> str:
    speed, memory = facts.get("torch.kernel_tflops"), facts.get("cuda.memory_mib")
    parts = [f"capability {facts.get('cuda.capability')}"]
    if memory is not None:
        parts.insert(0, f"{memory} MiB")
    if speed is not None:
        parts.append(f"{speed:.1f} TFLOP/s measured")
    return ", ".join(parts)


def _short(name: str) -> str:
    return name.removeprefix("NVIDIA ").removeprefix("GeForce ")
