"""Measure how fast the explorer answers: from a slider to the redrawn frame, and from the command.

    python benchmarks/explorer.py [--write]

It needs Chromium and ``pip install ".[browser,explore]"``. A slider is moved at 60 Hz; a latency is
the time from its event to the animation frame after the one in which all was redrawn. α redraws the
diagram and the orbit, β the orbit, so that these are the slowest and the most frequent drags.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measuring import Row
from playwright.sync_api import Browser, sync_playwright

from alignsim.explorer import export

TABLE = Path(__file__).with_name("explorer.md")
CHROMIUM = "/usr/bin/chromium"
MOVES = 150
MEDIAN = {"JavaScript": 30, "Python": 70}
START = 2.5

DRAG = """async ([symbol, kind, moves]) => {
  const root = document.querySelector(".asim");
  const row = [...root.querySelectorAll(".slider")]
    .find(each => each.querySelector("b").textContent === symbol);
  const bar = row.querySelector("input[type=range]");
  const low = Number(bar.min), high = Number(bar.max), latencies = [];
  let open = [];
  root.addEventListener("drawn", event => {
    if (event.detail.kind !== kind) return;
    const answered = open;
    open = [];
    requestAnimationFrame(() => {
      const now = performance.now();
      latencies.push(...answered.map(since => now - since));
    });
  });
  for (let i = 0; i < moves; i++) {
    bar.value = low + (high - low) * (0.5 + 0.4 * Math.sin(i / 12));
    open.push(performance.now());
    bar.dispatchEvent(new Event("input", { bubbles: true }));
    await new Promise(resolve => setTimeout(resolve, 1000 / 60));
  }
  await new Promise(resolve => setTimeout(resolve, 1000));
  return latencies;
}"""
READY = """async () => {
  while (!document.querySelector(".verdict")?.textContent) {
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}"""
BY_PYTHON = """async () => {
  const view = document.querySelector(".asim").view;
  while (!view.idle || !/alignsim/.test(document.querySelector(".maker").textContent)) {
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}"""
SETTLED = """async () => {
  while (!document.querySelector(".asim").view.idle) {
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}"""


def dragged(browser: Browser, address: str, backend: str) -> list[Row]:
    """Return latencies of both drags."""
    rows = []
    for symbol, kind in (("α", "plane"), ("β", "local")):
        page = browser.new_context(viewport={"width": 1280, "height": 1000}).new_page()
        page.goto(address)
        page.evaluate(READY)
        page.evaluate(BY_PYTHON if backend == "Python" else SETTLED)
        page.evaluate(DRAG, [symbol, kind, 30])
        found = sorted(page.evaluate(DRAG, [symbol, kind, MOVES]))
        median, late = statistics.median(found), found[int(0.95 * len(found))]
        wanted = MEDIAN[backend]
        rows.append(
            Row(
                f"{backend}, {symbol} dragged: {len(found)} of {MOVES} moves answered",
                f"median {median:.0f} ms, 95 % within {late:.0f} ms",
                f"≤ {wanted} ms, ≤ {2 * wanted} ms",
                median <= wanted and late <= 2 * wanted,
            )
        )
        page.context.close()
    return rows


def started() -> tuple[subprocess.Popen[str], str]:
    """Return a server and its address."""
    command = [sys.executable, "-m", "alignsim", "explore", "--no-browser", "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout
    address = next(word for word in server.stdout.readline().split() if word.startswith("http"))
    return server, address


def start_up(browser: Browser) -> Row:
    """Return the time from the command to the first verdict, the kernels being cached."""
    found = []
    for _ in range(5):
        page = browser.new_page()
        begun = time.perf_counter()
        server, address = started()
        page.goto(address)
        page.evaluate(READY)
        found.append(time.perf_counter() - begun)
        page.close()
        server.kill()
        server.wait()
    seconds = statistics.median(found)
    return Row(
        "`alignsim explore` to the first verdict, median of 5",
        f"{seconds:.1f} s", f"≤ {START} s", seconds <= START,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="keep the table")
    options = parser.parse_args()
    with sync_playwright() as play, tempfile.TemporaryDirectory() as folder:
        arguments = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = play.chromium.launch(executable_path=CHROMIUM, args=arguments)
        rows = dragged(browser, export(Path(folder, "page.html")).as_uri(), "JavaScript")
        server, address = started()
        try:
            rows += dragged(browser, address, "Python")
        finally:
            server.kill()
            server.wait()
        rows.append(start_up(browser))
        browser.close()
    header = ["| work | measured | required | reached |", "| --- | --- | --- | --- |"]
    table = "\n".join([*header, *map(str, rows)])
    print(table)
    if options.write:
        TABLE.write_text(f"{table}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
