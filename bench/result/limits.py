"""What the fields of a result may hold, as kinds: msgspec checks them when a stranger's document is read."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

MOST_BLOCKS = 10_000
MOST_SAMPLES = 10_000
MOST_SESSIONS = 30
FEWEST_SESSIONS = 3
"""Whose medians make an interval; fewer count as one."""
FEWEST_BLOCKS = 3
"""Of a session: below it, nothing is kept."""

Text = Annotated[str, Meta(max_length=200)]
Name = Annotated[str, Meta(max_length=60, pattern=r"^[a-z0-9][a-z0-9.-]*$")]
Card = Annotated[str, Meta(max_length=200, pattern=r"\S")]
Remark = Annotated[str, Meta(max_length=1000)]
Reason = Annotated[str, Meta(max_length=400)]
Uuid = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
Instant = Annotated[str, Meta(max_length=40, pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+)$")]
Hash = Annotated[str, Meta(max_length=64, pattern=r"^[0-9a-f]{8,64}$")]
Hex = Annotated[str, Meta(max_length=64, pattern=r"^[0-9a-f]*$")]

Count = Annotated[int, Meta(ge=1, le=10**9)]
Whole = Annotated[int, Meta(ge=0, le=10**9)]
Version = Annotated[int, Meta(ge=1, le=10_000)]
Few = Annotated[int, Meta(ge=1, le=1024)]
Threads = Annotated[int, Meta(ge=1, le=100_000)]
Generation = Annotated[int, Meta(ge=1, le=20)]
WslVersion = Annotated[int, Meta(ge=1, le=2)]

Seconds = Annotated[float, Meta(ge=0, le=1e7)]
Span = Annotated[float, Meta(ge=1e-9, le=1e7)]
"""Seconds that something took: never nothing, because one divides by them."""
Mib = Annotated[float, Meta(ge=0, le=1e9)]
Watts = Annotated[float, Meta(ge=0, le=1e5)]
Joules = Annotated[float, Meta(ge=0, le=1e12)]
Flops = Annotated[float, Meta(ge=1, le=1e18)]
Share = Annotated[float, Meta(ge=0, le=1e18)]
Reading = Annotated[float, Meta(ge=-1e18, le=1e18)]
"""Of a gauge."""

Setting = bool | int | float | Annotated[str, Meta(max_length=2000)] | None
"""A pinned value, or a flag of torch."""
