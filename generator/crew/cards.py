"""The cards of this machine, and how a worker is bound to one of them. Loads no torch."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from generator.crew.settings import slug

VISIBLE = "CUDA_VISIBLE_DEVICES"


def cards_here(api: Any = None) -> list[tuple[str, str]]:
    """Name and UUID of each card of this machine; none where they are not told. api: pynvml where None."""
    try:
        api = api or importlib.import_module("pynvml")
        api.nvmlInit()
        cards = [api.nvmlDeviceGetHandleByIndex(index) for index in range(api.nvmlDeviceGetCount())]
        found = [(_text(api.nvmlDeviceGetName(card)), _text(api.nvmlDeviceGetUUID(card))) for card in cards]
    except Exception:  # noqa: BLE001 - no driver, no library: there is no card to name
        return []
    return found if all(slug(name) for name, _ in found) else []


def _text(found: str | bytes) -> str:
    return found.decode() if isinstance(found, bytes) else found


def several_cards(
    wants: Callable[[str], bool] = lambda card: True,
    cards: Sequence[tuple[str, str]] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> list[str]:
    """What CUDA calls each card that may draw, where a worker for each is worth it; [] = one process draws by itself.

    Those that CUDA_VISIBLE_DEVICES shows, and else all that are wanted.   wants: of a card's name as a slug.
    cards: as of cards_here, which is asked where it is None.
    """
    shown = environ.get(VISIBLE)
    if shown is not None and "," not in shown:
        return []  # one card or none, and no library has to be asked
    cards = cards_here() if cards is None else cards
    if shown is not None:
        found = [word.strip() for word in shown.split(",") if word.strip()]
        return found if 1 < len(found) <= len(cards) else []
    found = [uuid for name, uuid in cards if uuid and wants(slug(name))]
    return found if len(cards) > 1 else []


def bound_to(card: str) -> dict[str, str]:
    """Variables for a worker that draws on that card alone; "" = on whichever it finds."""
    return {VISIBLE: card} if card else {}
