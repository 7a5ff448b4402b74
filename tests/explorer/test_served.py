"""The page behind Python, in a real browser."""

import http.client
import json
import threading
from urllib.parse import urlsplit

import numpy as np
import pytest

import alignsim as asim
from alignsim.explorer import server
from alignsim.explorer.uploads import LARGEST
from tests.explorer.conftest import serving
from tests.explorer.test_page import open_file

pytestmark = pytest.mark.browser

VOTES = b"left,right,winner\na,b,left\nb,c,left\nc,a,left\na,c,right\na,b,tie\n"
SHOWN = "document.querySelector('.maker').textContent"


def by_python(tab):
    tab.until(f"{SHOWN}.startsWith('computed by alignsim')")
    tab.settle()


def test_python_answers(open_tab, served_page):
    tab = open_tab(served_page)
    by_python(tab)
    assert tab.verdict == "It oscillates, turning 67° a round."
    assert "turns on a closed curve" in tab.page.text_content(".details")
    assert "invariant circle" in tab.page.text_content(".plane .legend")
    tab.set("β", 2)
    assert tab.verdict.startswith("It settles")
    assert "converges" in tab.page.text_content(".details")


def test_dpo(open_tab, served_page):
    loop = asim.FeedbackMap(
        [[0.5, 0.9, 0.35], [0.1, 0.5, 0.7], [0.65, 0.3, 0.5]],
        objective="dpo", beta=1.5, alpha=0.6, lam=1.0,
        reference=asim.simplex.softmax([0.3, 0.2, -0.5]),
    )  # fmt: skip
    r = "r=0.3~0.2~-0.5&a=mrs*dpo*beta*lam*alpha~0.6*beta~1.5*lam~1"
    tab = open_tab(f"{served_page}#p=0.9~0.35~0.7&l=a~b~c&{r}")
    by_python(tab)
    assert tab.lane("answer.rho") == pytest.approx(float(asim.stability(loop).spectral_radius))
    found = asim.fixed_points(loop)
    points = [p for p in found.policies.reshape(-1, 3).tolist() if np.isfinite(p).all()]
    assert len(tab.lane("answer.points")) == len(points)


def test_parameters_of_an_objective_are_set(open_tab, served_page):
    tab = open_tab(f"{served_page}#e=uneven&a=mrs*dpo*beta*lam*alpha~0.6*beta~1.5*lam~1")
    tab.page.get_by_label("Objective").select_option("cdpo")
    tab.set("label smoothing", 0.25)
    by_python(tab)
    loop = asim.FeedbackMap(
        tab.P, objective="cdpo", label_smoothing=0.25, beta=1.5, alpha=0.6, lam=1.0
    )
    rho = float(asim.stability(loop).spectral_radius)
    assert tab.lane("answer.rho") == pytest.approx(rho)
    tab.page.get_by_label("up", exact=True).select_option("label_smoothing")
    again = open_tab(tab.link)
    by_python(again)
    assert again.lane("answer.rho") == pytest.approx(rho)
    assert again.lane("loop.axes") == ["beta", "label_smoothing"]
    assert "label_smoothing=0.25" in again.copied("as Python")
    assert " --label-smoothing 0.25 " in again.copied("as command")


def test_many_starts(open_tab, served_page):
    tab = open_tab(f"{served_page}#e=hysteresis")
    by_python(tab)
    tab.page.get_by_role("button", name="Many starts").click()
    tab.settle()
    told = tab.page.locator(".simplex .legend").last.text_content()
    assert "converges" in told
    assert "%" in told
    assert len(tab.lane("attractors.list.map(a => a.phase)")) == 2


def test_votes_are_read_by_the_package(open_tab, served_page):
    tab = open_tab(served_page)
    assert "votes.csv is read." in open_file(tab, "votes.csv", VOTES)
    P = np.array(tab.js("document.querySelector('.asim').view.state.P"))
    assert P[0, 1] == 0.75
    before = tab.link
    told = open_file(tab, "../../etc/passwd.csv", b"nothing\nof use\n")
    assert told.startswith("passwd.csv")
    assert "/tmp" not in told
    assert tab.link == before


def test_problems_of_a_file_are_chosen(open_tab, served_page):
    tab = open_tab(served_page)
    one, other = [[0.5, 0.9], [0.1, 0.5]], [[0.5, 0.25], [0.75, 0.5]]
    open_file(tab, "two.json", json.dumps({"p": {"P": one}, "q": {"P": other}}).encode())
    tab.page.get_by_label("Problem").select_option("1")
    tab.settle()
    first = tab.js("document.querySelector('.asim').view.state.P[0][1]")
    assert first == 0.25


def test_two_tabs_keep_to_themselves(open_tab, served_page):
    one, two = open_tab(served_page), open_tab(f"{served_page}#e=ordered")
    by_python(one)
    by_python(two)
    for beta in (2.0, 6.0, 11.0):
        one.number("β").fill(str(beta))
        two.number("β").fill(str(beta / 2))
    one.settle()
    two.settle()
    loops = [
        asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=11, alpha=0.6, lam=0.8),
        asim.FeedbackMap(two.P, beta=5.5, alpha=0.6, lam=0.8),
    ]  # fmt: skip
    for tab, loop in zip((one, two), loops, strict=True):
        assert tab.lane("answer.rho") == pytest.approx(float(asim.stability(loop).spectral_radius))
        wanted = loop.run(rounds=30).policies[30]
        assert tab.lane("answer.orbit.policies.slice(90, 93)") == pytest.approx(wanted, abs=1e-5)


def test_javascript_bridges_until_python_is_ready(open_tab, monkeypatch):
    """As while kernels are compiled; what is shown says so."""
    ready, answered = threading.Event(), server._answered
    monkeypatch.setattr(server, "_answered", lambda m: (ready.wait(60), answered(m))[1])
    with serving() as address:
        tab = open_tab("about:blank#", settled=False)
        tab.page.goto(address)
        tab.until(f"{SHOWN} === 'computed in this browser while Python is busy'")
        assert tab.verdict == "It oscillates, turning 67° a round."
        tab.number("β").fill("2")
        tab.until("document.querySelector('.verdict').textContent.startsWith('It settles')")
        ready.set()
        by_python(tab)
        assert tab.lane("loop.values.beta") == 2
        assert tab.verdict.startswith("It settles")


def test_a_lost_connection_is_said_and_bridged(open_tab):
    with serving() as address:
        tab = open_tab(address)
        by_python(tab)
    tab.until("document.querySelector('.asim').view.python.closed")
    tab.set("β", 2)
    assert tab.verdict.startswith("It settles")
    tab.page.get_by_label("Objective").select_option("dpo")
    tab.until(
        "document.querySelector('.trouble').textContent.includes('start alignsim explore again')"
    )
    tab.complaints.clear()  # the browser's own about the socket


def asked(address, method, path, body=None, **headers):
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=120)
    connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
    reply = connection.getresponse()
    text = reply.read().decode()
    connection.close()
    return reply.status, text


def test_other_hosts_and_origins_are_refused(served_page):
    assert asked(served_page, "GET", "/")[0] == 200
    assert asked(served_page, "GET", "/", Host="evil.example")[0] == 400
    post = asked(served_page, "POST", "/read?name=v.csv", VOTES, Origin="http://evil.example")
    assert post == (403, '{"error":"another page may not ask this"}')
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Version": "13",
               "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ=="}  # fmt: skip
    assert asked(served_page, "GET", "/answers", **upgrade, Origin="http://evil.example")[0] == 403
    own = served_page.rstrip("/")
    connection = http.client.HTTPConnection(urlsplit(served_page).netloc, timeout=120)
    connection.request("GET", "/answers", headers={
        **{k.replace("_", "-"): v for k, v in upgrade.items()}, "Origin": own})  # fmt: skip
    assert connection.getresponse().status == 101
    connection.close()


def test_large_uploads_are_refused(served_page):
    large = b"0" * (LARGEST + 1)
    assert asked(served_page, "POST", "/read?name=v.csv", large)[0] == 413
    chunks = (large[i : i + 65536] for i in range(0, len(large), 65536))  # no length is said
    assert asked(served_page, "POST", "/read?name=v.csv", chunks)[0] == 413
    status, text = asked(served_page, "POST", "/read?name=v.csv", VOTES)
    assert status == 200
    assert '"labels":["a","b","c"]' in text
