"""The real station with toy networks, for nodes of a test: TOY_STEP_SECONDS, and TOY_STRANGER for one that differs."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from generator.crew import station


def load_toy_worker() -> Any:
    """The module of the toy worker, by its path: tests are no package."""
    spec = importlib.util.spec_from_file_location("toy_worker", Path(__file__).with_name("toy_worker.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Station(station.Station):
    """Draws 32 px pictures at a pace that a test chose."""

    def __init__(self, given: Mapping[str, Any], keep_seconds: float, **named: Any) -> None:
        toy = load_toy_worker()
        seconds = float(os.environ.get("TOY_STEP_SECONDS", "0.02"))

        def load(config: Any) -> Any:
            models = replace(toy.load_toys().slow_models(seconds), defaults=toy.DEFAULTS)
            for guide in models.guides if "TOY_STRANGER" in os.environ else ():
                guide.first = guide.first.flip(0)
            return models

        super().__init__(given, keep_seconds, load, **named)
