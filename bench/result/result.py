"""What one measurement found, and the file it lives in (schema bench-result/1).

Stored are raw block times and what decides them; it/s, medians, intervals and words are derived on reading, by
`stats` and `verdict`. A result holds no host name, no user name, no serial number and no path.
Importing this module imports no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Annotated, Any, Literal, get_args

from msgspec import Meta

from bench.result import reading
from bench.result.limits import (
    FEWEST_BLOCKS,
    FEWEST_SESSIONS,
    MOST_BLOCKS,
    MOST_SAMPLES,
    MOST_SESSIONS,
    Card,
    Count,
    Few,
    Flops,
    Generation,
    Hash,
    Hex,
    Instant,
    Joules,
    Mib,
    Name,
    Reading,
    Reason,
    Remark,
    Seconds,
    Setting,
    Share,
    Span,
    Text,
    Threads,
    Uuid,
    Version,
    Watts,
    Whole,
    WslVersion,
)
from dreamrig import documents
from dreamrig.errors import UsageError
from dreamrig.plain import to_plain

SCHEMA = "bench-result/1"
ANEW = "make it anew: dreamrig bench run"
MOST_STEPS = 1_000_000
"""Of a picture."""

Place = Literal["linux", "wsl", "windows", "mac", "container", "colab-hosted", "colab-local", "other"]
PLACES: tuple[str, ...] = get_args(Place)
Profile = Literal["strict", "as-shipped"]
Effort = Literal["quick", "default", "thorough"]
EFFORTS: tuple[Effort, ...] = get_args(Effort)
"""The shortest first."""


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Which networks were run."""

    name: Text
    sha256: Hex
    """Over all weight files; "" where they are random."""
    random: bool
    """Weights drawn at random: as fast, and no picture."""


@dataclass(frozen=True, kw_only=True)
class WorkloadUsed:
    """What was run; results with different hashes measure different work."""

    name: Name
    version: Version
    hash: Hash
    profile: Profile
    params: Mapping[str, Setting]
    """Every pinned value."""
    batch: Few
    step_files: bool
    """Whether each step wrote its picture and metadata, as the notebook of 2021 did."""
    weights: Weights


@dataclass(frozen=True, kw_only=True)
class Tool:
    """The dreamrig that measured."""

    version: Text
    commit: Hex | None = None
    is_dirty: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Device:
    """What computed."""

    kind: Literal["cpu", "cuda", "mps"]
    name: Card
    memory_mib: Mib | None = None
    """Of the card; None on a CPU."""
    uuid_hash: Hex | None = None
    """Tells one card from another without naming it."""
    driver: Text | None = None
    cuda_driver: Text | None = None
    """Highest CUDA that the driver supports."""
    capability: Text | None = None
    """e.g. "8.6"."""
    pci_generation: Generation | None = None
    power_limit_watts: Watts | None = None
    default_power_limit_watts: Watts | None = None
    count: Few = 1
    """Cards in the machine; one of them computed."""


@dataclass(frozen=True, kw_only=True)
class Host:
    """The machine around the device."""

    os: Text
    kernel: Text | None = None
    cpu: Text | None = None
    cpu_threads: Threads | None = None
    memory_mib: Mib | None = None
    wsl_version: WslVersion | None = None
    windows_build: Whole | None = None
    is_container: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Software:
    """What ran on it."""

    python: Text
    torch: Text
    cuda_runtime: Text | None = None
    cudnn: Text | None = None
    threads: Threads | None = None
    flags: Mapping[str, Setting] = field(default_factory=dict)
    """precision, tf32_matmul, tf32_convolutions, cudnn_benchmark, deterministic: as they were during the steps."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """Some steps in a row, timed as one: the device was waited for at both ends and nowhere between."""

    steps: Count
    seconds: Span


@dataclass(frozen=True, kw_only=True)
class Warmup:
    """What was run before the first block that counts."""

    steps: Whole
    seconds: Seconds
    is_settled: bool
    """Whether block medians had stopped moving."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One whole picture: start, steps, last decode and PNG; networks loaded and warm."""

    steps: Count
    seconds: Span


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Every time that was taken, in seconds."""

    blocks: Annotated[tuple[Block, ...], Meta(min_length=1, max_length=MOST_BLOCKS)]
    first_step_seconds: Seconds | None = None
    """Cold: kernels are loaded and memory is taken for the first time."""
    import_seconds: Seconds | None = None
    """Of torch and the engine; None where they had been imported before."""
    load_seconds: Seconds | None = None
    """Of the networks, from disk to device."""
    warmup: Warmup | None = None
    picture: Picture | None = None
    """None where a picture would have taken too long."""
    session_blocks: Annotated[tuple[Count, ...], Meta(max_length=MOST_SESSIONS)] = ()
    """How many of the blocks each fresh process measured; empty for one process."""
    ended_early: bool = False
    """Whether somebody ended it before its time was over."""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Highest while measuring, MiB."""

    peak_allocated_mib: Mib | None = None
    """Of torch's allocator on the device."""
    peak_reserved_mib: Mib | None = None
    peak_process_mib: Mib | None = None
    """Resident memory of the process."""


@dataclass(frozen=True, kw_only=True)
class Telemetry:
    """What the device said about itself while the blocks ran."""

    source: Text
    """nvml or psutil."""
    interval_seconds: Span
    seconds: Annotated[tuple[Reading, ...], Meta(max_length=MOST_SAMPLES)]
    """When each sample was taken, from the first block on."""
    samples: Mapping[str, Annotated[tuple[Reading | None, ...], Meta(max_length=MOST_SAMPLES)]]
    """One column per field of bench.measure.telemetry, as long as `seconds`; what cannot be read is missing."""
    missing: Mapping[str, Reason] = field(default_factory=dict)
    """Field -> why it could not be read."""


@dataclass(frozen=True, kw_only=True)
class Energy:
    """Of the device over the blocks."""

    joules: Joules | None = None
    steps: Count | None = None
    source: Text | None = None
    """counter, or sampled power; None = not known."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """Arithmetic and traffic of one step; None = not counted."""

    flops_per_step: Flops | None = None
    flops_method: Text | None = None
    """counted or estimated, see generator.engine.flops."""
    least_flops_per_step: Flops | None = None
    """With the thriftiest convolutions known: what no library can go below, which is what bounds are made from."""
    flops_by_precision: Mapping[str, Share] | None = None
    """fp32, fp16, bf16, ...: the same FLOPs by the type of the numbers that were multiplied."""
    bytes_per_step: Flops | None = None
    """If every operator reads its inputs from memory once and writes its outputs once; fusing and caches need less."""


@dataclass(frozen=True, kw_only=True)
class BenchResult:
    """One measurement of one workload on one machine."""

    id: Uuid
    """A UUID."""
    created: Instant
    """UTC, RFC 3339."""
    place: Place
    """One of PLACES."""
    effort: Effort
    workload: WorkloadUsed
    tool: Tool
    device: Device
    host: Host
    software: Software
    timing: Timing
    memory: Memory = field(default_factory=Memory)
    telemetry: Telemetry | None = None
    energy: Energy = field(default_factory=Energy)
    work: Work = field(default_factory=Work)
    ceilings: Mapping[str, Any] | None = None
    """What `bench ceiling` measured on the same device, where it was."""
    price: Mapping[str, Any] | None = None
    """What an hour of this machine cost, as told by its owner or its landlord."""
    session: Text | None = None
    """Equal for results that were measured interleaved."""
    note: Remark | None = None

    @property
    def step_seconds(self) -> tuple[float, ...]:
        """Seconds per step, one number per block."""
        return tuple(block.seconds / block.steps for block in self.timing.blocks)

    @property
    def session_step_seconds(self) -> list[tuple[float, ...]]:
        """The same, apart for each fresh process."""
        seconds, found, start = self.step_seconds, [], 0
        for count in self.timing.session_blocks or (len(seconds),):
            found.append(seconds[start : start + count])
            start += count
        return found

    @property
    def samples(self) -> tuple[float, ...]:
        """What the pace is the median of: blocks of one session, or the medians of several.

        A session is not the machine: memory lies elsewhere in the next one, so that blocks of one say nothing of it.
        """
        return tuple(map(median, self.session_step_seconds)) if self.has_sessions else self.step_seconds

    @property
    def has_sessions(self) -> bool:
        """Whether fresh processes enough measured it, so that `samples` are their medians, each knowing of no other.

        What was ended after one or two of them says as much as one.
        """
        return len(self.timing.session_blocks) >= FEWEST_SESSIONS

    @property
    def load_seconds(self) -> float:
        """How long the device had been under load at the end of a session: its pace is of the first so many seconds."""
        warmup = self.timing.warmup.seconds if self.timing.warmup else 0.0
        return warmup + sum(block.seconds for block in self.timing.blocks) / max(1, len(self.timing.session_blocks))

    @property
    def label(self) -> str:
        """For people: the device's name and the place."""
        return f"{self.device.name} ({self.place})"

    def to_dict(self) -> dict[str, Any]:
        """The document, ready for JSON."""
        return {"schema": SCHEMA, **to_plain(self)}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], source: str = "the result") -> BenchResult:
        """The inverse of to_dict; UsageError names `source` and the first field that is wrong."""
        require_schema(document, source)
        result = reading.build(cls, document, source)
        _require_sense(result, source)
        return result


def require_schema(document: Mapping[str, Any], source: str) -> None:
    """Refuse a document of another kind, or of a version that is not known yet."""
    found = document.get("schema")
    if found == SCHEMA:
        return
    family, _, version = str(found).partition("/")
    if family == SCHEMA.partition("/")[0] and version.isdigit():
        raise UsageError(
            f"{source}: schema is {found!r}, written by a newer dreamrig; this one reads {SCHEMA!r}.",
            hint="update dreamrig: git pull",
        )
    shown = "missing" if found is None else repr(found)[:60]
    raise UsageError(f"{source} is no result of the benchmark: schema is {shown}.", hint="make one: dreamrig bench run")


def _require_sense(result: BenchResult, source: str) -> None:
    """What a schema cannot say."""
    try:
        datetime.fromisoformat(result.created).astimezone(UTC)
    except (ValueError, OverflowError):  # the year 1 somewhere in the east
        raise UsageError(f"{source}: created is {result.created!r}, which is no date.", hint=ANEW) from None
    steps = result.workload.params.get("steps", 1)
    if isinstance(steps, bool) or not isinstance(steps, int) or not 1 <= steps <= MOST_STEPS:
        raise UsageError(f"{source}: workload.params.steps is {documents.quote(steps)}.", hint=ANEW)
    counts = result.timing.session_blocks
    if counts and sum(counts) != len(result.timing.blocks):
        told = f"timing.session_blocks tell of {sum(counts)} blocks, there are {len(result.timing.blocks)}"
        raise UsageError(f"{source}: {told}.", hint=ANEW)
    if len(counts) > 1 and min(counts) < FEWEST_BLOCKS:
        told = f"timing.session_blocks tell of a session of {min(counts)} blocks, below {FEWEST_BLOCKS}"
        raise UsageError(f"{source}: {told}.", hint=ANEW)
    telemetry = result.telemetry
    for name, column in (telemetry.samples if telemetry else {}).items():
        if telemetry and len(column) != len(telemetry.seconds):
            raise UsageError(
                f"{source}: telemetry.samples.{name} has {len(column)} entries, seconds has {len(telemetry.seconds)}.",
                hint=ANEW,
            )


def read_result(path: Path) -> BenchResult:
    """The result in a file. UsageError, naming file and field, for anything that is not exactly one."""
    return BenchResult.from_dict(reading.read_json(path), reading.show_path(path))


def write_result(result: BenchResult, path: Path) -> None:
    """Write the file, whole or not at all; its folder must exist."""
    documents.write_object(path, result.to_dict(), indent=1)
