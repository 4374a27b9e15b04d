"""The sound of a source film in the new one: its packets as they are, or encoded anew where MP4 does not take them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.front.video.encode import require_av

if TYPE_CHECKING:
    from av.container import OutputContainer

COPIED_CODECS = frozenset({"aac", "mp3", "ac3", "eac3", "opus", "alac", "flac"})
"""What players expect inside an MP4."""
NEW_CODEC, NEW_FORMAT, PIECE_SAMPLES = "aac", "fltp", 1024
BITS_PER_SAMPLE, MOST_BITS_PER_SECOND = 5, 128_000
"""Of each channel. AAC holds 6 bits a sample at most, so at a low rate the usual 128 kbit/s cannot be."""


class AudioFeed:
    """Hands the source's sound to the new film bit by bit, so that both lie side by side in the file."""

    def __init__(self, source: Any, stream: Any, starts_at: float, ends_at: float) -> None:
        """starts_at: where the source's picture begins.   ends_at: where the new film ends after that; seconds."""
        self._source, self._stream = source, stream
        self._starts_at, self._ends_at = Fraction(starts_at).limit_denominator(1_000_000), ends_at
        self._out: Any = None
        self._container: Any = None
        self._packets: Iterator[Any] = iter(())
        self._next: Any = None
        self.is_copied = is_at_home_in_mp4(stream)

    def attach(self, container: OutputContainer) -> None:
        """Make the stream in the new film; before any of its frames is written."""
        self._container = container
        if self.is_copied:
            self._out = container.add_stream_from_template(self._stream)
        else:
            self._out = self._new_stream(container)
        self._packets = self._copied() if self.is_copied else self._encoded()
        self._next = next(self._packets, None)

    def _new_stream(self, container: OutputContainer) -> Any:
        rate = self._stream.codec_context.sample_rate
        stream: Any = container.add_stream(NEW_CODEC, rate=rate, layout=self._layout())
        stream.bit_rate = min(BITS_PER_SAMPLE * rate, MOST_BITS_PER_SECOND) * min(
            2, self._stream.codec_context.channels
        )
        return stream

    def _layout(self) -> str:
        """Of new sound: more than two channels are mixed down."""
        return "mono" if self._stream.codec_context.channels == 1 else "stereo"

    def feed(self, until: float, *, is_last: bool = False) -> None:
        """Write all sound that belongs before `until`, in seconds of the new film; at the end all that is left."""
        while self._next is not None and (is_last or self._time(self._next) <= until):
            self._container.mux(self._next)
            self._next = next(self._packets, None)

    def _time(self, packet: Any) -> float:
        return float((packet.pts or 0) * packet.time_base)

    def _copied(self) -> Iterator[Any]:
        for packet in self._source.demux(self._stream):
            if packet.pts is None or packet.dts is None:  # the mark at the end
                continue
            shift = round(self._starts_at / packet.time_base)
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            if packet.pts >= 0 and packet.pts * packet.time_base < self._ends_at:
                packet.stream = self._out
                yield packet

    def _encoded(self) -> Iterator[Any]:
        for frame in self._pieces():
            frame.pts -= round(self._starts_at / frame.time_base)
            if frame.pts >= 0 and frame.pts * frame.time_base < self._ends_at:
                yield from self._out.encode(frame)
        yield from self._out.encode(None)

    def _pieces(self) -> Iterator[Any]:
        """The sound in short frames of the new codec's kind, whatever lengths it comes in."""
        rate = self._stream.codec_context.sample_rate
        resampler = require_av().AudioResampler(NEW_FORMAT, self._layout(), rate, frame_size=PIECE_SAMPLES)
        for frame in self._source.decode(self._stream):
            if frame.pts is not None:
                yield from resampler.resample(frame)
        yield from resampler.resample(None)


def is_at_home_in_mp4(stream: Any) -> bool:
    """Whether its packets can stay as they are: a codec that players expect there, and that MP4 takes at this rate."""
    if stream.codec_context.codec.canonical_name not in COPIED_CODECS:
        return False
    av = require_av()
    try:
        with av.open(io.BytesIO(), "w", format="mp4") as trial:
            trial.add_stream_from_template(stream)
            trial.start_encoding()
    except (av.FFmpegError, ValueError):
        return False
    return True


@contextmanager
def open_audio(path: Path | None, starts_at: float, ends_at: float) -> Iterator[AudioFeed | None]:
    """The first sound track of a film; None where there is none."""
    if path is None:
        yield None
        return
    av = require_av()
    with av.open(str(path)) as source:
        streams = source.streams.audio
        yield AudioFeed(source, streams[0], starts_at, ends_at) if streams else None
