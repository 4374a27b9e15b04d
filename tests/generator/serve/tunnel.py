"""A proxy on loopback between a browser and a server: a quick tunnel, or a connection that died in a pocket."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Literal

STREAM = b"text/event-stream"


class Tunnel:
    """Passes bytes on; `holds_streams` keeps answers that are streams back until they end, as a quick tunnel does."""

    def __init__(self, target: int, holds_streams: bool = False) -> None:
        self.target, self.holds_streams = target, holds_streams
        self.dead: set[socket.socket] = set()
        """Clients who hear nothing any more, and are not told so."""
        self.clients: set[socket.socket] = set()
        self.asked: list[str] = []
        """First lines of all requests."""
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """What the browser is given."""
        return f"http://127.0.0.1:{self.port}"

    def go_silent(self) -> None:
        """Every connection there is goes on without a byte, as after a change of networks; new ones work."""
        self.dead |= self.clients

    def close(self) -> None:
        """No more connections."""
        self.listening.close()
        for client in list(self.clients):
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listening.accept()
                self.clients.add(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.target)) as server:
            back = threading.Thread(target=self._answer, args=(server, client), daemon=True)
            back.start()
            while data := client.recv(65536):
                if client not in self.dead:
                    self._note(data)
                    server.sendall(data)
            server.shutdown(socket.SHUT_RDWR)
            back.join()

    def _note(self, data: bytes) -> None:
        line = data.partition(b"\r\n")[0].decode(errors="replace")
        if line.endswith("HTTP/1.1"):
            self.asked.append(line)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        held, mode = b"", "pass"
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                mode = self._mode(data, mode)
                if mode == "hold":
                    held += data
                elif client not in self.dead:
                    client.sendall(data)
            if client not in self.dead:
                client.sendall(held)
                client.shutdown(socket.SHUT_RDWR)

    def _mode(self, data: bytes, before: str) -> Literal["pass", "hold"]:
        return "hold" if before == "hold" or (self.holds_streams and STREAM in data[:2000]) else "pass"
