"""The page behind ``alignsim explore``: served to this machine only, answered by Python."""

from __future__ import annotations

import asyncio
import functools
import queue
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from alignsim.explorer import page
from alignsim.explorer.uploads import LARGEST

LOOPBACK = ("127.0.0.1", "localhost", "::1")

LARGEST_QUESTION = 2**18
"""Bytes of a message of the page."""

SLOW = re.compile(r'"kind": ?"(rest|fine|classes|attractors|read)"')
"""Questions that may take longer than a frame; the others do not wait for them."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Worker:
    """One thread that computes, one thing at a time; it does not keep a process alive."""

    def __init__(self) -> None:
        self._tasks: queue.SimpleQueue[tuple[Callable[[], Any], Callable[[Any], Any]]]
        self._tasks = queue.SimpleQueue()
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        while True:
            task, done = self._tasks.get()
            found = task()
            with suppress(RuntimeError):  # the loop that waited has been closed
                done(found)

    async def do(self, task: Callable[[], Any]) -> Any:
        """Return what a task returns, which raises nothing."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()

        def arrived(found: Any) -> None:
            if not future.done():
                future.set_result(found)

        self._tasks.put((task, lambda found: loop.call_soon_threadsafe(arrived, found)))
        return await future

    def begin(self, task: Callable[[], Any]) -> None:
        """Do a task whose result nobody needs."""
        self._tasks.put((task, lambda _: None))


def application(hosts: tuple[str, ...] = LOOPBACK, warm: bool = True) -> Starlette:
    """Return the application; it answers requests for ``hosts`` only, all if there are none.

    ``warm``: begin at once to compile what the first questions need.
    """
    quick, slow = Worker(), Worker()
    if warm:
        for worker, kinds in ((quick, ("local", "plane")), (slow, ("rest", "classes"))):
            worker.begin(functools.partial(_compile, kinds))

    def file(kind: str, text: Callable[[], str]) -> Callable[[Request], Response]:
        return lambda _: Response(text(), media_type=kind, headers=HEADERS)

    def document() -> str:
        from alignsim.objectives import OBJECTIVES

        return page.document(socket="answers", objectives=",".join(OBJECTIVES))

    async def upload(request: Request) -> Response:
        if not _same_origin(request):
            return JSONResponse({"error": "another page may not ask this"}, 403, HEADERS)
        content = await _body(request)
        if content is None:
            told = f"the file is larger than {LARGEST:,} bytes, which is the most the page takes"
            return JSONResponse({"error": told}, 413, HEADERS)
        name = request.query_params.get("name", "")
        return JSONResponse(await slow.do(lambda: _read(name, content)), 200, HEADERS)

    async def answers(socket: WebSocket) -> None:
        if not _same_origin(socket):
            await socket.close(1008)
            return
        await socket.accept()
        open_: set[asyncio.Future[None]] = set()
        with suppress(WebSocketDisconnect):
            while True:
                message = await socket.receive_text()
                worker = slow if SLOW.search(message) else quick
                task = asyncio.ensure_future(_answer(socket, worker, message))
                open_.add(task)
                task.add_done_callback(open_.discard)

    return Starlette(
        routes=[
            Route("/", file("text/html", document)),
            Route("/explorer.js", file("text/javascript", page.module)),
            Route("/style.css", file("text/css", page.style)),
            Route("/read", upload, methods=["POST"]),
            WebSocketRoute("/answers", answers),
        ],
        middleware=[
            Middleware(
                TrustedHostMiddleware, allowed_hosts=list(hosts) or ["*"], www_redirect=False
            )
        ],
    )


async def _answer(socket: WebSocket, worker: Worker, message: str) -> None:
    found = await worker.do(lambda: _answered(message))
    with suppress(RuntimeError, WebSocketDisconnect):  # the tab was closed meanwhile
        await socket.send_bytes(found)


def _answered(message: str) -> bytes:
    from alignsim.explorer.answers import answered

    return answered(message)


def _read(name: str, content: bytes) -> dict[str, Any]:
    from alignsim.explorer.answers import MOST_RESPONSES
    from alignsim.explorer.uploads import read

    try:
        return read(name, content, MOST_RESPONSES)
    except (ValueError, OSError, MemoryError) as error:
        return {"error": " ".join(str(error).split())}


async def _body(request: Request) -> bytes | None:
    """Return what is sent, None if it is too much, whatever its length is said to be."""
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > LARGEST:
        return None
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > LARGEST:
            return None
    return bytes(content)


def _same_origin(connection: HTTPConnection) -> bool:
    """Return whether no page of another origin asks; programs other than browsers send none."""
    origin = connection.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == connection.headers.get("host", "")


def _compile(kinds: tuple[str, ...]) -> None:
    """Answer questions with which the page begins, so that their kernels are there."""
    from alignsim.explorer.answers import answered
    from alignsim.explorer.warming import question

    for kind in kinds:
        answered(question(kind))
