"""Ctrl-C with manners: the first one finishes the step and saves, the second one aborts at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

# SIGHUP: the terminal was closed. It does not exist on Windows.
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class StopSwitch:
    """While open, turns the first Ctrl-C, SIGTERM or SIGHUP into `is_pressed`, the second into KeyboardInterrupt.

    Until `arm` there is no step worth finishing, so the first one aborts already.
    """

    def __init__(self, on_first: Callable[[], None]) -> None:
        """on_first: tells the user; called inside the signal handler."""
        self._on_first = on_first
        self._pressed = self._armed = False
        self._before: dict[int, Any] = {}

    def arm(self) -> None:
        """From now on there is something to finish."""
        self._armed = True

    def is_pressed(self) -> bool:
        """Whether the run should end after this step."""
        return self._pressed

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # elsewhere Python allows no handlers
            for number in SIGNALS:
                if signal.getsignal(number) != signal.SIG_IGN or number == signal.SIGTERM:  # nohup stays nohup
                    self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._pressed or not self._armed:
            raise KeyboardInterrupt
        self._pressed = True
        self._on_first()
