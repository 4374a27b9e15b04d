"""How a run is asked to end early: by anybody who can press, or by Ctrl-C with manners."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Protocol, Self

# SIGHUP: the terminal was closed. It does not exist on Windows.
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Stop(Protocol):
    """What a run asks after each step."""

    def arm(self) -> None:
        """From now on there is a step to finish."""
        ...

    def is_pressed(self) -> bool:
        """Whether the run should end after this step."""
        ...


class StopButton:
    """A Stop that any thread may press, at any time: the step at hand is finished and kept, then the run ends."""

    def __init__(self) -> None:
        self._pressed = False  # one assignment, no lock: a signal handler may not wait for one

    def arm(self) -> None:
        """Nothing changes: what was pressed before the first step ends the run after it."""

    def press(self) -> None:
        """Ask the run to end; safe from any thread and in a signal handler."""
        self._pressed = True

    def is_pressed(self) -> bool:
        """Whether somebody pressed."""
        return self._pressed


class StopSwitch(StopButton):
    """While open, turns the first Ctrl-C, SIGTERM or SIGHUP into `press`, the second into KeyboardInterrupt.

    Until `arm` there is no step worth finishing, so the first one aborts already.
    """

    def __init__(self, on_first: Callable[[], None]) -> None:
        """on_first: tells the user; called inside the signal handler."""
        super().__init__()
        self._on_first = on_first
        self._armed = False
        self._before: dict[int, Any] = {}

    def arm(self) -> None:
        """From now on there is something to finish."""
        self._armed = True

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
        if self.is_pressed() or not self._armed:
            raise KeyboardInterrupt
        self.press()
        self._on_first()
