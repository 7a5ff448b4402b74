"""A server that runs until Ctrl-C, and a browser that opens its page."""

from __future__ import annotations

import socket
import threading
import webbrowser
from collections.abc import Callable

import uvicorn

from alignsim.explorer.server import LARGEST_QUESTION, LOOPBACK, application

PORT = 8420
"""Where the page is looked for first; any free port is taken if it is in use."""

SHUTDOWN = 1
"""Seconds for which tabs may keep the server from ending."""


def serve(
    fragment: str, *, host: str, port: int | None, browse: bool, tell: Callable[[str], None]
) -> None:
    """Serve the page until it is interrupted; ``tell`` gets its address."""
    listening = _bound(host, PORT if port is None else port, port is None)
    hosts = LOOPBACK if host in LOOPBACK else ()
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listening.getsockname()[1]}/{fragment}"
    config = uvicorn.Config(
        application(hosts),
        log_level="warning",
        ws_max_size=LARGEST_QUESTION,
        timeout_graceful_shutdown=SHUTDOWN,
    )
    tell(address)
    if browse:
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
    try:
        uvicorn.Server(config).run([listening])
    finally:
        listening.close()


def _bound(host: str, port: int, else_any: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for tried in (port, 0) if else_any else (port,):
        bound = socket.socket(family, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((host, tried))
        except OSError as error:
            bound.close()
            told = error.strerror or error
            failure = OSError(f"--port {tried} of {host} cannot be used: {told}; give another one")
        else:
            bound.listen()
            return bound
    raise failure from None
