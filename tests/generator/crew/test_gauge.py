"""What a card says for the owner's page: whole, full of holes, and on a processor nothing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch

from generator.crew import gauge
from generator.crew.protocol import Gauged, decode, encode
from provision.machine.nvml import NvmlGauge


class Card:
    """The functions of pynvml that are asked; whatever else is called raises, as in WSL much does."""

    def __init__(self, **known: Any) -> None:
        self.__dict__.update(known)


def memory(card: str) -> Any:
    return SimpleNamespace(used=5 * 2**30, total=8 * 2**30)


def test_a_card_tells_memory_and_heat() -> None:
    api = Card(nvmlDeviceGetMemoryInfo=memory, nvmlDeviceGetTemperature=lambda card, which: 61)
    found = gauge.look(NvmlGauge(api, "card"))
    assert found == Gauged(used_mib=5120, total_mib=8192, celsius=61.0)
    assert decode(encode(found)) == found


def test_what_it_does_not_tell_is_not_known() -> None:
    assert gauge.look(NvmlGauge(Card(), "card")) == Gauged()
    assert gauge.look(NvmlGauge(Card(nvmlDeviceGetMemoryInfo=memory), "card")).celsius is None


def test_a_processor_is_not_asked() -> None:
    told: list[Gauged] = []
    gauge.watch(told.append, torch.device("cpu"))
    assert told == []
