"""A browser, and the three ways in which the page is served to it."""

import contextlib
import functools
import http.server
import os
import threading
from pathlib import Path

import pytest

from alignsim.explorer import export

CHROMIUM = Path("/usr/bin/chromium")

PATIENCE = 120_000
"""Milliseconds: kernels are compiled meanwhile."""

IDLE = "document.querySelector('.asim')?.view?.idle"


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium, driven by Playwright."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"Chromium is not installed: {CHROMIUM} is no file")
    with playwright.sync_playwright() as play:
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        chromium = play.chromium.launch(executable_path=str(CHROMIUM), args=arguments)
        yield chromium
        chromium.close()


class Tab:
    """A tab of the browser, in which any complaint on the console is kept.

    ``ALIGNSIM_SLOWED=4`` slows its processor fourfold, which shows races.
    """

    def __init__(self, browser, address, settled=True, **options):
        options = {"viewport": {"width": 1280, "height": 1000}, **options}
        self.context = browser.new_context(accept_downloads=True, **options)
        self.page = self.context.new_page()
        if rate := os.environ.get("ALIGNSIM_SLOWED"):
            session = self.context.new_cdp_session(self.page)
            session.send("Emulation.setCPUThrottlingRate", {"rate": float(rate)})
        self.complaints = []
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(error.stack))
        self.page.goto(address)
        if settled:
            self.settle()

    def _heard(self, message):
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def settle(self):
        """Wait until all that was asked is on the page."""
        self.until(IDLE)

    def until(self, condition):
        """Wait until an expression holds; the page allows no ``eval`` but the driver's own."""
        self.page.evaluate(
            f"""async () => {{
              const last = performance.now() + {PATIENCE};
              while (!({condition})) {{
                if (performance.now() > last) throw new Error("still not: " + {condition!r});
                await new Promise(resolve => setTimeout(resolve, 5));
              }}
            }}"""
        )

    def js(self, code, argument=None):
        """What a function of the page returns."""
        return self.page.evaluate(code, argument)

    @property
    def verdict(self):
        return self.page.text_content(".verdict")

    @property
    def link(self):
        return self.js("document.querySelector('.asim').view.address()")

    @property
    def P(self):
        return self.js("document.querySelector('.asim').view.state.P")

    def lane(self, what, index=0):
        return self.js(f"document.querySelector('.asim').view.lanes[{index}].{what}")

    def number(self, symbol):
        """The field of a parameter's exact number."""
        return self.page.locator(".slider", has=self.page.locator("b", has_text=symbol)).locator(
            "input[type=number]"
        )

    def copied(self, what):
        """What a button copies; the browser's clipboard answers when it likes."""
        self.js("document.querySelector('.asim').view.copied = null")
        self.page.get_by_role("button", name=f"Copy {what}").click()
        self.until("document.querySelector('.asim').view.copied")
        return self.js("document.querySelector('.asim').view.copied")

    def set(self, symbol, value):
        self.number(symbol).fill(str(value))
        self.number(symbol).press("Enter")
        self.settle()


@pytest.fixture
def open_tab(browser):
    """Open tabs, and check at the end that none of them complained."""
    tabs = []

    def _open(address, **options):
        tabs.append(Tab(browser, address, **options))
        return tabs[-1]

    yield _open
    for tab in tabs:
        tab.context.close()
    assert [tab.complaints for tab in tabs] == [[] for _ in tabs]


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def static_page(tmp_path_factory):
    """The address of the exported folder."""
    folder = export(tmp_path_factory.mktemp("static"))
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@contextlib.contextmanager
def serving():
    """Serve the page from Python; yield its address."""
    pytest.importorskip("starlette", reason="Starlette is not installed")
    uvicorn = pytest.importorskip("uvicorn", reason="Uvicorn is not installed")
    from alignsim.explorer import running, server

    listening = running._bound("127.0.0.1", 0, False)
    config = uvicorn.Config(
        server.application(warm=False), log_level="error", ws_max_size=server.LARGEST_QUESTION,
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    served = uvicorn.Server(config)
    thread = threading.Thread(target=served.run, args=([listening],))
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    finally:
        served.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture(scope="session")
def served_page():
    """The address of the page behind Python."""
    with serving() as address:
        yield address
