"""The widget's module in a bare page, whose model passes messages to Python as a notebook does."""

import json

import pytest

import alignsim as asim
from alignsim.explorer import page
from alignsim.explorer.answers import reply
from tests.explorer.conftest import IDLE, Tab

pytestmark = pytest.mark.browser

MODEL = """async ({address, given, link}) => {
  const widget = (await import(address)).default, heard = [];
  window.saved = [];
  const values = {objectives: ["ipo", "dpo"], version: "9.9", link};
  const model = {
    get: name => values[name],
    set: (name, value) => { values[name] = value; },
    save_changes: () => window.saved.push(values.link),
    on: (event, f) => { if (event === 'msg:custom') heard.push(f); },
    send: async message => {
      const [header, bytes] = await window.ask(JSON.stringify(message));
      const view = new DataView(Uint8Array.from(bytes).buffer);
      heard.forEach(f => f(header, [view]));
    },
  };
  document.body.replaceChildren();
  const el = document.body.appendChild(document.createElement('div'));
  document.head.appendChild(document.createElement('style')).textContent = given;
  window.end = widget.render({model, el});
}"""


def test_python_answers_in_a_notebook(browser, static_page):
    asked = []

    def answer(message):
        asked.append(json.loads(message)["kind"])
        header, payload = reply(message)
        return [header, list(payload)]

    tab = Tab(browser, static_page)
    try:
        tab.page.expose_function("ask", answer)
        link = "#a=mrs*dpo*beta*lam*alpha~0.5*beta~1*lam~1"
        given = {"address": f"{static_page}explorer.js", "given": page.style(), "link": link}
        tab.js(MODEL, given)
        tab.settle()
        maker = "document.querySelector('.maker').textContent"
        tab.until(f"{maker} === 'computed by alignsim 9.9'")
        loop = asim.FeedbackMap(
            asim.preferences.cyclic(3, advantage=0.3), objective="dpo", beta=1.0, alpha=0.5
        )
        assert tab.lane("answer.rho") == pytest.approx(float(asim.stability(loop).spectral_radius))
        assert {"local", "plane", "rest", "classes"} <= set(asked)
        before = tab.page.url
        tab.set("β", 2.5)
        assert "beta~2.5" in tab.js("window.saved.at(-1)")
        assert tab.page.url == before  # the page around belongs to the notebook
        tab.js("window.end()")
        assert not tab.js(f"Boolean({IDLE}) && document.querySelector('.lane') !== null")
        assert tab.complaints == []
    finally:
        tab.context.close()
