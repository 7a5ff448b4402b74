"""The page without Python, in a real browser."""

import csv
import json
import random
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as xml
from pathlib import Path

import numpy as np
import pytest

import alignsim as asim
from alignsim.explorer import export
from alignsim.explorer.links import link as fragment
from alignsim.feedback.methods.catalogue import METHODS

pytestmark = pytest.mark.browser

INDEX = Path(__file__).resolve().parents[2] / "docs" / "index.md"
UNEVEN = "#e=uneven&a=mrs*ipo*beta*lam*alpha~0.6*beta~10*lam~0.8"


def test_it_says_what_the_closed_form_says(open_tab, static_page):
    tab = open_tab(static_page)
    assert tab.verdict == "It oscillates, turning 67° a round."
    # ρ² = α² + (βλa)²/3 is 1 at βλ = √3·√(1 − α²)/a, a = 0.3, α = 0.6
    signal = np.sqrt(3.0 * (1.0 - 0.6**2)) / 0.3
    told = tab.page.text_content(".distance")
    assert told == f"Settles for β below {signal / 0.8:.2f} or λ below {signal / 10:.3f}."
    assert tab.page.text_content(".maker") == "computed in this browser"


def test_sliders_and_exact_numbers_agree(open_tab, static_page):
    tab = open_tab(static_page)
    tab.set("β", 3)
    assert tab.verdict.startswith("It settles")
    slider = tab.page.locator(".slider", has_text="β").locator("input[type=range]")
    assert float(slider.input_value()) == 3
    slider.focus()
    for _ in range(40):
        slider.press("ArrowRight")
    tab.settle()
    assert float(tab.number("β").input_value()) > 5
    assert tab.lane("loop.values.beta") == float(tab.number("β").input_value())


def test_a_number_out_of_range_is_not_taken(open_tab, static_page):
    tab = open_tab(static_page)
    for wrong in ("-1", "1.5", ""):
        tab.number("λ").fill(wrong)
        tab.settle()
        assert tab.number("λ").get_attribute("aria-invalid") == "true"
        assert tab.lane("loop.values.lam") == 0.8
    tab.number("λ").fill("0.25")
    tab.settle()
    assert tab.lane("loop.values.lam") == 0.25


def test_the_point_is_dragged_and_moved_by_keys(open_tab, static_page):
    tab = open_tab(static_page)
    box = tab.page.locator(".plane canvas").bounding_box()
    tab.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tab.page.mouse.down()
    tab.page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 0.7 * box["height"], steps=5)
    tab.page.mouse.up()
    tab.settle()
    beta, lam = tab.lane("loop.values.beta"), tab.lane("loop.values.lam")
    assert 3 < beta < 5
    assert 0.15 < lam < 0.4
    tab.page.locator(".plane .handle").press("ArrowRight")
    tab.page.locator(".plane .handle").press("Shift+ArrowUp")
    tab.settle()
    assert tab.lane("loop.values.beta") == pytest.approx(beta + 0.12, abs=0.02)
    assert tab.lane("loop.values.lam") == pytest.approx(lam + 0.1, abs=0.005)


def test_the_start_is_dragged(open_tab, static_page):
    tab = open_tab(static_page)
    box = tab.page.locator(".simplex canvas").bounding_box()
    tab.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 0.3 * box["height"])
    tab.settle()
    start = tab.js("document.querySelector('.asim').view.state.start")
    assert sum(start) == pytest.approx(1)
    assert start[2] > 0.6  # towards the upper corner
    first = tab.lane("answer.orbit.policies.slice(0, 3)")
    assert first == pytest.approx(start, abs=1e-6)
    tab.page.get_by_role("button", name="Usual start").click()
    tab.settle()
    assert tab.js("document.querySelector('.asim').view.state.start") is None


def test_keyboard_reaches_everything(open_tab, static_page):
    tab = open_tab(static_page)
    seen = set()
    for _ in range(60):
        tab.page.keyboard.press("Tab")
        seen.add(
            tab.js("(e => e.getAttribute('aria-label') || e.labels?.[0]?.innerText || e.innerText)"
                   "(document.activeElement)")
        )  # fmt: skip
    told = " | ".join(str(each) for each in seen)
    for name in ("Copy link", "Compare", "rock beats paper", "Open a file", "Method", "Objective",
                 "exact value", "Present point", "Start of the orbit", "Save SVG"):  # fmt: skip
        assert name in told, name


def test_the_link_is_the_state(open_tab, static_page):
    tab = open_tab(static_page + UNEVEN)
    tab.page.get_by_label("Method").select_option("soft_reference")
    tab.settle()
    tab.set("β", 17.25)
    tab.page.get_by_label("c beats a").fill("0.9")
    tab.page.get_by_label("up", exact=True).select_option("mixup")
    tab.page.get_by_role("button", name="Compare").click()
    tab.settle()
    link = tab.link
    again = open_tab(link)
    assert again.link == link
    for what in ("answer.rho", "loop.axes", "loop.values"):
        assert again.lane(what) == tab.lane(what)
        assert again.lane(what, 1) == tab.lane(what, 1)
    assert again.verdict == tab.verdict


@pytest.mark.parametrize(
    "link",
    [
        "#a=mrs*ipo*beta*lam*alpha~NaN*beta~1e99*lam~-3",
        "#a=%3Cscript%3E*ipo*x*y",
        "#p=0.5~2~7&l=%E0%A4%A",
        "#p=0.9&l=%3Cb%3Ebold%3C%2Fb%3E~b%257Ec",
        "#e=__proto__&a=constructor*ipo*beta*beta&t=0~0~9&s=1~2",
        "#e=four&t=7~8~9&r=1e400&s=NaN~1~1~1",
    ],
)
def test_a_strange_link_does_no_harm(open_tab, static_page, link):
    tab = open_tab(static_page + link)
    assert tab.verdict
    assert tab.js("document.querySelectorAll('.asim b, .asim script').length") == 3
    assert np.isfinite(list(tab.lane("loop.values").values())).all()


def test_a_link_from_python_is_that_of_the_page(open_tab, static_page):
    P = np.array([[0.5, 0.1, 1 / 3], [0.9, 0.5, 0.25], [2 / 3, 0.75, 0.5]])
    labels = ["a~b", "ü & <i>", "100 %"]
    told = fragment(
        P, labels, method="replay", values={"fresh": 0.25, "kappa": 0.1, "beta": 3.5},
        reference=np.array([0.1, 0.2, -0.3]), start=np.array([0.2, 0.3, 0.5]),
    )  # fmt: skip
    tab = open_tab(static_page + told)
    state = tab.js("document.querySelector('.asim').view.state")
    assert state["labels"] == labels
    np.testing.assert_array_equal(np.triu(state["P"]), np.triu(P))
    assert state["reference"] == [0.1, 0.2, -0.3]
    assert state["start"] == pytest.approx([0.2, 0.3, 0.5])
    assert tab.lane("loop.values") == {"fresh": 0.25, "kappa": 0.1, "beta": 3.5, "lam": 1}
    again = open_tab(tab.link)
    assert again.link == tab.link
    assert again.js("document.querySelector('.asim').view.state.labels") == labels


def test_back_undoes(open_tab, static_page):
    tab = open_tab(static_page)
    tab.set("β", 3)
    tab.set("β", 5)
    tab.page.get_by_role("button", name="Back").click()
    tab.settle()
    assert tab.lane("loop.values.beta") == 3
    tab.page.get_by_role("button", name="Back").click()
    tab.settle()
    assert tab.lane("loop.values.beta") == 10
    assert tab.page.get_by_role("button", name="Back").is_disabled()


def test_the_browsers_own_back_undoes_too(open_tab, static_page):
    tab = open_tab(static_page)
    tab.set("β", 3)
    tab.page.go_back()
    tab.until("document.querySelector('.asim').view.state.loops[0].values.beta === 10")


def test_the_matrix_keeps_its_complement(open_tab, static_page):
    tab = open_tab(static_page)
    tab.page.get_by_label("rock beats paper").fill("0.35")
    tab.settle()
    assert tab.page.get_by_label("paper beats rock").input_value() == "0.65"
    tab.page.get_by_label("scissors beats rock").fill("1.2")
    tab.settle()
    assert tab.page.get_by_label("scissors beats rock").get_attribute("aria-invalid") == "true"
    P = np.array(tab.js("document.querySelector('.asim').view.state.P"))
    np.testing.assert_allclose(P + P.T, 1.0)
    assert P[0, 1] == 0.35
    for _ in range(3):
        tab.page.get_by_role("button", name="Add a response").click()
        tab.settle()
    assert len(tab.js("document.querySelector('.asim').view.state.P")) == 6
    assert tab.page.get_by_role("button", name="Add a response").is_disabled()
    assert tab.verdict


def open_file(tab, name, content):
    told = "addEventListener('opened', () => { window.opened = true; })"
    tab.js(f"document.querySelector('.asim').{told}")
    tab.page.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": "text/plain", "buffer": content}
    )
    tab.until("window.opened")
    tab.js("window.opened = false")
    tab.settle()
    return tab.page.text_content(".notice")


def test_files(open_tab, static_page):
    tab = open_tab(static_page)
    assert "is read" in open_file(
        tab, "two.json", b'{"P": [[0.5, 0.9], [0.1, 0.5]], "labels": ["x", "y"]}'
    )
    assert tab.js("document.querySelector('.asim').view.state.labels") == ["x", "y"]
    assert tab.verdict
    before = tab.link
    assert "square of probabilities" in open_file(
        tab, "votes.csv", b"left,right,winner\na,b,left\n"
    )
    assert "disagree" in open_file(tab, "bad.csv", b"0.5,0.9\n0.9,0.5\n")
    assert "larger than 1 MB" in open_file(tab, "big.csv", b"0" * (2**20 + 1))
    assert tab.link == before


def test_what_is_copied_as_python_says_the_same(open_tab, static_page):
    for link in (
        "",
        "#e=sure",
        "#e=four&s=0.4~0.3~0.2~0.1&a=replay*ipo*beta*kappa*fresh~0.4*kappa~0.2*beta~9*lam~0.7",
    ):
        tab = open_tab(static_page + link)
        names = {}
        exec(compile(tab.copied("as Python"), "copied", "exec"), names)
        rho = asim.stability(names["loop"]).spectral_radius
        assert tab.lane("answer.rho") == pytest.approx(float(rho), rel=1e-9)
        M = len(names["P"])
        last = tab.lane(f"answer.orbit.policies.slice({30 * M}, {31 * M})")
        np.testing.assert_allclose(last, names["orbit"].policies[30], atol=1e-5)


@pytest.mark.parametrize(
    "link",
    ["", UNEVEN, "#e=five&a=nash_md*ipo*beta*kappa*kappa~0.2*beta~4*lam~1&s=0.2~0.3~0.1~0.3~0.1"],
)
def test_what_is_copied_as_a_command_runs(open_tab, static_page, tmp_path, link):
    tab = open_tab(static_page + link)
    runs = tab.copied("as command").replace(
        "alignsim simulate", f"{shlex.quote(sys.executable)} -m alignsim simulate"
    )
    environment = {"PYTHONPATH": f"{asim.__path__[0]}/..", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        ["bash", "-c", f"{runs} --rounds 50 --data orbit.csv"], capture_output=True, text=True,
        cwd=tmp_path, check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "orbit.csv").is_file()


def saved(tab, name, tmp_path):
    with tab.page.expect_download() as waiting:
        tab.page.get_by_role("button", name=name).first.click()
    path = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def test_pictures_and_numbers_are_saved(open_tab, static_page, tmp_path):
    tab = open_tab(static_page)
    root = xml.parse(saved(tab, "Save SVG", tmp_path)).getroot()
    texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"It oscillates, turning 67° a round.", "rock", "ρ = 1", "entropy"} <= set(texts)
    images = list(root.iter("{http://www.w3.org/2000/svg}image"))
    assert len(images) == 2  # ρ, and the classes of orbits
    assert saved(tab, "Save PNG", tmp_path).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    with saved(tab, "Save CSV", tmp_path).open() as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["round", "rock", "paper", "scissors", "entropy"]
    assert len(rows) == 3002
    loop = asim.FeedbackMap(asim.preferences.cyclic(3, advantage=0.3), beta=10, alpha=0.6, lam=0.8)
    wanted = loop.run(rounds=20).policies
    np.testing.assert_allclose(np.array(rows[1:22], dtype=float)[:, 1:4], wanted, atol=1e-5)


def test_other_names_of_a_method_are_listed(open_tab, static_page):
    tab = open_tab(static_page)
    for method in METHODS.values():
        tab.page.get_by_label("Method").select_option(method.name)
        tab.settle()
        names = ", ".join(alias.name for alias in method.aliases)
        assert tab.page.text_content(".names") == (names and f"Also known as {names}.")


def test_a_drag_draws_each_picture_once_a_frame(open_tab, static_page):
    tab = open_tab(static_page)
    drawn = tab.js(
        """async () => {
          const lane = document.querySelector(".asim").view.lanes[0], drawn = [];
          const draw = lane.drawOne.bind(lane);
          lane.drawOne = figure => { drawn.push(figure.name); draw(figure); };
          const move = async (symbol, value) => {
            const bar = [...document.querySelectorAll(".slider")].find(
              row => row.querySelector("b").textContent === symbol).querySelector("[type=range]");
            bar.value = value;
            bar.dispatchEvent(new Event("input"));
            await new Promise(resolve => document.querySelector(".asim").addEventListener(
              "drawn", resolve, { once: true }));
            return drawn.splice(0);
          };
          return [await move("α", 0.3), await move("β", 4)];
        }"""
    )
    every = ["plane", "simplex", "multipliers", "rounds"]
    assert drawn == [every, every]
    tab.settle()


def test_two_methods_side_by_side(open_tab, static_page):
    tab = open_tab(static_page)
    tab.page.get_by_role("button", name="Compare two methods").click()
    tab.settle()
    assert tab.page.locator(".verdict").count() == 2
    assert tab.lane("loop.method", 1) == "extragradient"
    assert tab.lane("answer.rho", 1) != tab.lane("answer.rho", 0)
    tab.page.get_by_role("button", name="Show one method").click()
    tab.settle()
    assert tab.page.locator(".verdict").count() == 1


def test_a_tetrahedron_turns(open_tab, static_page):
    tab = open_tab(static_page + "#e=four&a=mrs*ipo*beta*lam*alpha~0.3*beta~10*lam~1")
    tab.page.get_by_label("as", exact=True).select_option("4")
    tab.settle()
    before = tab.js("document.querySelector('.asim').view.state.turn")
    tab.page.locator(".simplex .handle").press("ArrowRight")
    tab.settle()
    assert tab.js("document.querySelector('.asim').view.state.turn") != before


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    "link", ["", "#e=four&a=soft_reference*ipo*beta*mixup*beta~4&b=mrs*ipo*beta*lam"]
)
def test_no_accessibility_violation(open_tab, static_page, theme, link):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe is not installed"
    )
    tab = open_tab(static_page + link, color_scheme=theme)
    found = axe.Axe().run(tab.page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("width", [320, 400, 700, 900, 1280, 1920])
def test_no_width_needs_sideways_scrolling(open_tab, static_page, width):
    tab = open_tab(static_page, viewport={"width": width, "height": 800})
    for link in ("#e=rps", "#e=five&a=soft_reference*ipo*beta*mixup*beta~4&b=mrs*ipo*beta*lam"):
        tab.js(f"location.hash = {json.dumps(link)}")
        tab.until(
            f"document.querySelector('.asim').view.state.loops.length === {1 + link.count('b=')}"
        )
        tab.settle()
        assert tab.js("document.documentElement.scrollWidth") == width
        cards = "[...document.querySelectorAll('.asim .card')]"
        assert tab.js(f"{cards}.filter(c => c.scrollWidth > c.clientWidth + 1).length") == 0


def test_the_verdict_is_spoken_once_it_rests(open_tab, static_page):
    tab = open_tab(static_page)
    spoken = "document.querySelector('.spoken').textContent"
    tab.until(f"{spoken}.startsWith('It oscillates')")
    tab.set("β", 2)
    tab.until(f"{spoken}.startsWith('It settles')")


def test_one_file_from_disk(open_tab, tmp_path):
    page = export(tmp_path / "page.html")
    tab = open_tab(page.as_uri() + UNEVEN)
    assert tab.verdict == "It oscillates, turning 57° a round."
    tab.set("β", 1)
    assert "beta~1*" in tab.link


@pytest.mark.parametrize("example", ["rps", "four", "far", "sure"])
def test_orbit_classes_of_examples_are_precomputed(open_tab, static_page, example):
    tab = open_tab(f"{static_page}#e={example}")
    codes = np.array(tab.lane("classes.codes.join()").split(","), dtype=float)
    state = tab.js("document.querySelector('.asim').view.state")
    (x, y), values = tab.lane("loop.axes"), tab.lane("loop.values")
    ends = [tab.lane(f"loop.reach.{name} ?? 1") for name in (x, y)]
    reference = None if state["reference"] is None else asim.simplex.softmax(state["reference"])
    side = tab.lane("classes.n")
    across, up = (np.linspace(0.0, end, side) for end in ends)
    loops = asim.FeedbackMap(
        state["P"], reference=reference, **(values | {x: across[::16], y: up[::16, None]})
    )
    wanted = asim.classify(loops, state["start"], rounds=3000).code
    np.testing.assert_array_equal(codes.reshape(side, side)[::16, ::16], wanted)
    assert tab.page.text_content(".plane .legend").endswith("(precomputed)")


def test_orbit_classes_are_shown_only_of_the_state_that_they_are_of(open_tab, static_page):
    tab = open_tab(static_page)
    for symbol, value, known in (
        ("β", 3, True),
        ("λ", 0.4, True),
        ("α", 0.5, False),
        ("α", 0.6, True),
    ):
        tab.set(symbol, value)
        assert tab.lane("classes !== null") == known, (symbol, value)
    tab.page.locator(".simplex .handle").press("ArrowRight")
    tab.settle()
    assert tab.lane("classes === null")
    assert "precomputed" not in tab.page.text_content(".plane .legend")
    tab.page.get_by_role("button", name="Usual start").click()
    tab.settle()
    assert tab.lane("classes !== null")
    for label, value in (("Method", "extragradient"), ("Example", "uneven"), ("Example", "rps")):
        tab.page.get_by_label(label).select_option(value)
        tab.settle()
        assert tab.lane("classes === null")


def test_a_page_is_exported_with_the_loop_that_is_given(open_tab, tmp_path):
    P = np.array([[0.5, 0.9, 0.25], [0.1, 0.5, 0.7], [0.75, 0.3, 0.5]])
    page = export(
        tmp_path / "page.html", P, labels=["x", "y", "z"], method="nash_md", kappa=0.3, beta=35.0,
        reference=[0.5, 0.25, 0.25], start=[0.2, 0.3, 0.5],
    )  # fmt: skip
    tab = open_tab(page.as_uri())
    assert tab.lane("loop.method") == "nash_md"
    assert tab.lane("loop.values") == {"kappa": 0.3, "beta": 35, "lam": 1}
    codes = np.array(tab.lane("classes.codes.join()").split(","), dtype=float)
    loops = asim.method(
        "nash_md", P, reference=[0.5, 0.25, 0.25], kappa=0.3, beta=np.linspace(0, 50, 65), lam=1.0
    )
    wanted = asim.classify(loops, [0.2, 0.3, 0.5], rounds=3000).code
    np.testing.assert_array_equal(codes.reshape(65, 65)[-1], wanted)
    assert len(set(wanted)) > 1


def test_the_explorer_of_the_site_works_from_disk(open_tab, tmp_path):
    (framed,) = re.findall(
        r"```\{raw\} html\n(.*?)```", INDEX.read_text(encoding="utf-8"), re.DOTALL
    )
    (tmp_path / "explorer").mkdir()
    export(tmp_path / "explorer" / "index.html")
    site = tmp_path / "index.html"
    site.write_text(f"<!doctype html><title>site</title>{framed}", encoding="utf-8")
    tab = open_tab(site.as_uri(), settled=False)
    frame = tab.page.frame_locator("iframe")
    frame.locator(".verdict", has_text="It oscillates, turning 67°").wait_for()
    for theme in ("dark", "light"):
        tab.js("theme => { document.documentElement.dataset.theme = theme; }", theme)
        frame.locator(f"html[data-theme={theme}]").wait_for()


def test_what_needs_python_says_so(open_tab, static_page):
    tab = open_tab(static_page + "#e=rps&a=mrs*dpo*beta*lam*alpha~0.5*beta~1*lam~1")
    assert "alignsim explore" in tab.page.text_content(".trouble")
    tab.page.get_by_label("Objective").select_option("ipo")
    tab.settle()
    assert tab.page.text_content(".trouble") == ""


def test_five_hundred_random_interactions(open_tab, static_page):
    """Whatever is clicked, typed or dragged, the page answers, and complains about nothing."""
    tab = open_tab(static_page)
    rng = random.Random(5)
    kinds = [".asim button", ".asim select", ".asim input", ".asim canvas"]
    clicked = """async steps => {
      const done = [];
      for (const step of steps) {
        done.push(one(...step));
        await new Promise(requestAnimationFrame);
      }
      return done;
      function one(kind, share, more) {
      const all = [...document.querySelectorAll(kind)].filter(e => !e.disabled && e.type !== 'file'
        && !/Save|Copy/.test(e.innerText) && e.offsetParent);
      const e = all[Math.floor(share * all.length)];
      if (!e) return '';
      const fire = type => e.dispatchEvent(new Event(type, {bubbles: true}));
      if (e.tagName === 'SELECT') {
        const given = [...e.options].filter(o => !o.disabled);
        e.value = given[Math.floor(more * given.length)].value;
        fire('change');
      } else if (e.tagName === 'INPUT') {
        const span = Number(e.max || 1.2) - Number(e.min || 0);
        e.value = more < 0.03 ? '' : String(Number(e.min || 0) + span * more);
        fire('input');
        if (more < 0.7) fire('change');
      } else if (e.tagName === 'CANVAS') {
        const box = e.getBoundingClientRect();
        const at = {clientX: box.left + box.width * more, clientY: box.top + box.height * share,
          pointerId: 1, button: 0, bubbles: true};
        e.setPointerCapture = () => {};
        for (const type of ['pointerdown', 'pointermove', 'pointerup']) {
          e.dispatchEvent(new PointerEvent(type, at));
        }
      } else e.click();
      return e.tagName;
      }
    }"""
    steps = [[rng.choice(kinds), rng.random(), rng.random()] for _ in range(500)]
    done = tab.js(clicked, steps)
    assert {"BUTTON", "SELECT", "INPUT", "CANVAS"} <= set(done)
    tab.settle()
    state = tab.js("document.querySelector('.asim').view.state")
    P = np.array(state["P"])
    np.testing.assert_allclose(P + P.T, 1.0)
    assert tab.verdict
    again = open_tab(tab.link)
    assert again.link == tab.link
