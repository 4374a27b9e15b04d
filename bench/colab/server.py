"""The process behind `dreamrig colab`: Jupyter's server, open to Colab's page and to nobody else.

Started by bench.colab.local with a folder of its own for configuration; imports jupyter_server, so nothing else may
import this module.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from jupyter_server.auth import IdentityProvider
from jupyter_server.serverapp import ServerApp

if TYPE_CHECKING:
    from tornado.web import RequestHandler


class OneOriginProvider(IdentityProvider):
    """Asks for the allowed origin even where the token is right.

    Jupyter's own lets every request with a token skip that question, so a page that got hold of the address could
    run code on this machine.
    """

    def should_check_origin(self, handler: RequestHandler) -> bool:
        """Always."""
        return True


def main() -> int:
    """Serve until a signal comes, or until the process that started this one is gone; returns the exit code.

    The one argument is the path of the server's settings.
    """
    threading.Thread(target=stop_with_parent, daemon=True).start()
    ServerApp.launch_instance(argv=[f"--config={sys.argv[1]}"])
    return 0


def stop_with_parent() -> None:
    """Our end of the pipe on standard input closes when its other end does, also by kill -9."""
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
