"""What a device can do at most, as a value; bench.measure.products measures it. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from provision.cards.datasheets import Datasheet, find_datasheet

SCHEMA = "bench-ceilings/1"


@dataclass(frozen=True, kw_only=True)
class Ceilings:
    """A device's own limits."""

    device: str
    kind: str
    """cpu, cuda or mps."""
    threads: int | None
    torch: str
    matmul_tflops: Mapping[str, float]
    """Precision -> TFLOP/s of the fastest large product."""
    matmul_side: Mapping[str, int]
    copy_gb_per_second: float
    """Decimal gigabytes read plus those written."""
    seconds: float
    """What measuring took."""
    schema: str = field(default=SCHEMA)

    @property
    def sheet(self) -> Datasheet | None:
        """The maker's figures of this device, where they are known."""
        return find_datasheet(self.device)

    def shares(self) -> dict[str, float]:
        """Precision, or "copy" -> part of the datasheet's figure that was reached; only what has one."""
        sheet = self.sheet
        if sheet is None:
            return {}
        found = {name: reached / sheet.peak_tflops(name) for name, reached in self.matmul_tflops.items()}
        if sheet.bandwidth_gb_per_second is not None:
            found["copy"] = self.copy_gb_per_second / sheet.bandwidth_gb_per_second.value
        return found

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON; the value of `ceilings` in a result."""
        return {**vars(self), "matmul_tflops": dict(self.matmul_tflops), "matmul_side": dict(self.matmul_side)}


def parse_ceilings(document: Mapping[str, Any] | None) -> Ceilings | None:
    """The inverse of to_dict; None for nothing, and for what is no such document: a result may hold anything there."""
    if document is None or document.get("schema") != SCHEMA:
        return None
    tflops, copied = document.get("matmul_tflops"), document.get("copy_gb_per_second")
    if not isinstance(tflops, Mapping) or not all(map(_is_rate, tflops.values())) or not _is_rate(copied):
        return None
    threads, seconds = document.get("threads"), document.get("seconds")
    return Ceilings(
        device=str(document.get("device", ""))[:200],
        kind=str(document.get("kind", ""))[:20],
        threads=threads if isinstance(threads, int) else None,
        torch=str(document.get("torch", ""))[:100],
        matmul_tflops={str(name)[:20]: float(value) for name, value in tflops.items()},
        matmul_side={},
        copy_gb_per_second=float(copied),  # type: ignore[arg-type]  # _is_rate has looked
        seconds=float(seconds) if isinstance(seconds, int | float) else 0.0,
    )


def _is_rate(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 1e-9 < value < 1e9
