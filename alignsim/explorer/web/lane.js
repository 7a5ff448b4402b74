// One loop on the page: its questions, its verdict, its pictures.

import { asker, startOf } from "./backends.js";
import { axisControls, button, cornerControls, h, loopControls, put, rounded } from "./controls.js";
import { softmax } from "./kernels.js";
import { drawMultipliers, drawPlane, drawRounds, drawSimplex, PHASES, planeFrame, series, simplexFrame } from "./panels.js";
import { canvasPen } from "./pen.js";
import { changed, keyOf, normalised, parameter, range } from "./state.js";
import { distance, figures, longRun, number, verdict } from "./words.js";

export const EVERY = ["plane", "simplex", "multipliers", "rounds"];
const SHOWS = { local: EVERY.slice(1), plane: ["plane"], fine: ["plane"], classes: ["plane"], rest: ["simplex"], attractors: ["simplex"] };
const SIDE = 65, PAUSE = 280, TRAIL = 90, SPOKEN = 500, WATCHED = 240, SEEN = 6;
const TOLD = { headline: "verdict", distance: "distance", details: "details", maker: "maker", trouble: "trouble", spoken: "spoken",
  legend: "legend", listed: "legend" };
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const MAKERS = { python: "computed by alignsim", here: "computed in this browser", bridge: "computed in this browser while Python is busy" };

/** Let a handle be dragged over its paper, or moved by arrow keys: `move(x, y, dx, dy)` in pixels. */
function draggable(handle, { move, nudge, done }) {
  const paper = handle.parentElement;
  let held = false;
  const on = (element, type, action) => element.addEventListener(type, action);
  const follow = event => {
    const box = paper.getBoundingClientRect();
    if (held) move(event.clientX - box.left, event.clientY - box.top, event.movementX, event.movementY);
  };
  on(paper, "pointerdown", event => {
    if (event.button) return;
    held = true;
    event.target.setPointerCapture(event.pointerId);
    handle.focus({ preventScroll: true });
    event.preventDefault();
    follow(event);
  });
  on(paper, "pointermove", follow);
  for (const end of ["pointerup", "pointercancel"]) on(paper, end, () => { if (held) done(); held = false; });
  on(handle, "keydown", event => {
    if (!ARROWS[event.key]) return;
    event.preventDefault();
    nudge(...ARROWS[event.key].map(step => step * (event.shiftKey ? 10 : 1)));
  });
  on(handle, "keyup", event => { if (ARROWS[event.key]) done(); });
}

export class Lane {
  constructor(view, index) {
    Object.assign(this, { view, index, answer: null, plane: null, classes: null, rest: null, attractors: null,
      trail: [], told: [], stale: new Set(), played: null, keys: {}, shown: {}, stamp: 0, by: "" });
    this.ask = asker(view.python, (...all) => this.show(...all), (...all) => this.fail(...all));
    this.controls = [loopControls(view, index), axisControls(view, index)];
    this.corners = cornerControls(view);
    this.handle = button("", null, { class: "handle" });
    this.grip = button("", null, { class: "handle start" });
    this.play = button("Watch the rounds", () => this.watch());
    this.again = button("Usual start", () => view.change({ ...view.state, start: null }, true));
    Object.assign(this, Object.fromEntries(Object.entries(TOLD).map(([name, kind]) => [name, h("p", { class: kind })])));
    this.trouble.role = "alert";
    this.spoken.ariaLive = "polite";
    const figure = (name, words, draw, handle = "", ...more) => {
      const canvas = h("canvas", { role: "img", "aria-label": words }), paper = h("div", { class: "paper" }, canvas, handle);
      return { name, draw, canvas, size: [0, 0],
        element: h("figure", { class: `card ${name}` }, h("figcaption", {}, h("h3", {}, words)), paper, ...more) };
    };
    this.figures = [
      figure("plane", "Stability over two parameters", drawPlane, this.handle, this.controls[1].element, this.legend),
      figure("simplex", "The policy, round by round", drawSimplex, this.grip, this.corners.element,
        h("div", { class: "buttons" }, this.play, button("Many starts", () => this.scatter()), this.again), this.listed),
      figure("multipliers", "Multipliers and the unit circle", drawMultipliers),
      figure("rounds", "Policies and entropy", drawRounds),
    ];
    const saves = ["Copy as Python", "Copy as command", "Save SVG", "Save PNG", "Save CSV"];
    this.element = h("div", { class: "lane" }, this.controls[0].element, h("div", { class: "show" },
      h("div", { class: "told" }, this.headline, this.distance, this.details, this.trouble, this.spoken),
      h("div", { class: "figures" }, ...this.figures.map(f => f.element)),
      h("div", { class: "buttons share" }, ...saves.map(words => button(words, () => view.save(this, words.split(" ").at(-1)))), this.maker)));
    this.listen();
    this.watcher = new ResizeObserver(() => { this.measure(); this.draw(EVERY); });
    this.figures.forEach(f => this.watcher.observe(f.canvas));
  }

  /** Read the sizes of the pictures, which the page is laid out for: not while it is drawn. */
  measure() { for (const f of this.figures) f.size = [f.canvas.clientWidth, f.canvas.clientHeight]; }

  get loop() { return this.view.state.loops[this.index]; }
  get state() { return this.view.state; }
  get idle() { return !this.resting && !this.drawing && this.ask.idle(); }
  get planeFrame() { return planeFrame(...this.figures[0].size, this.loop); }
  get simplexFrame() { return simplexFrame(...this.figures[1].size, this.state); }

  listen() {
    const { view } = this, done = () => view.commit();
    const set = at => view.changeLoop(this.index, this.loop.axes.reduce((loop, name, i) => {
      const ends = range(loop, name);
      return changed(loop, name, Math.min(Math.max(rounded(at[i], ends), ends[0]), ends[1]));
    }, this.loop));
    draggable(this.handle, { done,
      move: (x, y) => set([this.planeFrame.vx(x), this.planeFrame.vy(y)]),
      nudge: (...steps) => set(this.loop.axes.map((name, i) => {
        const [low, high] = range(this.loop, name);
        return this.loop.values[name] + steps[i] * (high - low) / 100;
      })) });
    const begin = (x, y) => view.change({ ...this.state, start: normalised(this.simplexFrame.from(x, y, this.start())) });
    const turn = (dx, dy) => {
      const [yaw, pitch] = this.state.turn;
      view.change({ ...this.state, turn: [yaw + dx, Math.min(Math.max(pitch + dy, -1.5), 1.5)] });
    };
    draggable(this.grip, { done,
      move: (x, y, dx, dy) => (this.simplexFrame.from ? begin(x, y) : turn(0.01 * dx, 0.01 * dy)),
      nudge: (dx, dy) => {
        if (!this.simplexFrame.from) return turn(0.06 * dx, 0.06 * dy);
        const [x, y] = this.simplexFrame.to(this.start());
        return begin(x + 3 * dx, y - 3 * dy);
      } });
  }

  start() { return this.state.start ?? Array.from(softmax(startOf(this.state))); }

  question(kind, more) {
    const { P, reference, start } = this.state, { method, objective, values, axes } = this.loop;
    return { kind, P, reference, start, method, objective, values, axes, ranges: axes.map(name => range(this.loop, name)), ...more };
  }

  send(kind, more) { this.ask({ ...this.question(kind, more), stamp: ++this.stamp }); }

  /** Ask what the present state needs; nothing that is known already. */
  refresh() {
    const { P, labels, start, three, turn } = this.state, { loop } = this, { ranges } = this.question();
    this.controls.forEach(each => each.set(loop));
    this.corners.set(this.state);
    const fresh = (name, key) => {
      const isNew = this.keys[name] !== key;
      this.keys[name] = key;
      return isNew;
    };
    const [moved, redrawn, other] = ["local", "plane", "classes"].map(kind => fresh(kind, keyOf(this.question(kind))));
    const looks = { plane: [loop.method, loop.axes, ranges, loop.axes.map(name => loop.values[name])],
      simplex: [labels, start, three, turn], rounds: labels };
    this.draw(Object.keys(looks).filter(name => fresh(`${name} look`, JSON.stringify(looks[name]))));
    if (this.answer && this.answer.orbit.size !== P.length) {
      this.answer = null;
      this.draw(EVERY);
    }
    if (moved) {
      this.trouble.textContent = "";
      if (this.attractors || this.played !== null) this.draw(["simplex"]);
      this.attractors = this.rest = this.played = null;
      const first = P.length <= SEEN ? [] : three;
      this.send("local", { responses: [...new Set([...first, ...P.keys()])].slice(0, SEEN) });
    }
    if (redrawn) this.send("plane", { n: SIDE });
    if (redrawn || other) {
      if (this.classes) this.draw(["plane"]);
      this.classes = null;
    }
    if (moved || redrawn) {
      clearTimeout(this.pause);
      this.resting = true;
      this.pause = setTimeout(() => {
        this.resting = false;
        this.send("rest");
        if (this.view.python && this.plane && this.plane.n < SIDE) this.send("fine");
        if (!this.classes) this.send("classes", { n: SIDE });
      }, PAUSE);
    }
    this.draw([]);
  }

  show(question, answer, by) {
    const { kind, stamp } = question, { loop, shown } = this;
    if (!loop || stamp < (shown[kind] ?? 0)) return;
    shown[kind] = stamp;
    const now = this.question(kind), present = keyOf(question) === keyOf(now);
    const same = (...names) => names.every(name => JSON.stringify(question[name]) === JSON.stringify(now[name]));
    if (kind === "local" && same("P", "reference", "method", "objective")) {
      Object.assign(this, { answer, by });
      if (answer.multipliers.length) this.trail = [...this.trail, answer.multipliers].slice(-TRAIL);
    } else if (kind === "plane" && same("P", "reference", "method", "objective", "axes", "ranges")) {
      if (!(stamp < shown.fine)) this.plane = answer;
    } else if (kind === "fine" && present) this.plane = answer;
    else if (kind === "classes" && present && answer.ranges.every(([, end], i) => end <= now.ranges[i][1])) this.classes = answer;
    else if (kind === "attractors" && present) this.attractors = answer;
    else if (kind === "rest" && present) this.rest = answer;
    if (this.answer && this.rest?.points?.length) this.answer.points = this.rest.points; // whichever came first
    this.draw(SHOWS[kind], { kind, by });
  }

  fail({ kind }, words) {
    if (!this.loop || kind === "classes" || kind === "fine") return; // the page does without
    this.trouble.textContent = words;
    if (kind === "local") {
      this.answer = null;
      this.headline.textContent = "No answer.";
      this.distance.textContent = this.details.textContent = "";
    }
    if (kind === "local" || kind === "plane") this.plane = null;
    this.draw(EVERY, { kind: "failed" });
  }

  /** Draw these figures again, once all that is known by now has come. */
  draw(names, told = null) {
    names.forEach(name => this.stale.add(name));
    if (told) this.told.push(told);
    if (this.drawing) return;
    this.drawing = true;
    queueMicrotask(() => {
      this.drawing = false;
      const old = this.answer && this.answer.orbit.size !== this.state.P.length;
      if (!this.loop || old) return; // the state has changed; its frame comes
      this.say();
      if (!this.figures[0].size[0]) this.measure();
      this.figures.filter(f => this.stale.has(f.name)).forEach(f => this.drawOne(f));
      this.place();
      this.stale.clear();
      for (const detail of this.told.splice(0)) {
        this.view.root.dispatchEvent(new CustomEvent("drawn", { detail: { ...detail, lane: this.index } }));
      }
    });
  }

  drawOne({ canvas, draw, size: [width, height] }) {
    if (width > 20 && height > 20) draw(canvasPen(canvas, width, height), this.view.look, this);
  }

  place() {
    const { planeFrame: plane, simplexFrame: simplex, loop: { axes, values } } = this, [xName, yName] = axes, solid = !simplex.from;
    const move = (handle, [x, y], words) => {
      handle.style.transform = `translate(${x}px, ${y}px)`;
      handle.ariaLabel = words;
    };
    const told = axes.map(name => `${parameter(this.loop, name).symbol} ${number(values[name], 4)}`).join(", ");
    move(this.handle, [plane.px(values[xName]), plane.py(values[yName])], `Present point: ${told}. Arrow keys move it.`);
    move(this.grip, simplex.to(this.start()), solid ? "Start. Arrow keys turn the tetrahedron." : "Start of the orbit. Arrow keys move it.");
    this.grip.classList.toggle("solid", solid);
    this.again.disabled = !this.state.start;
  }

  say() {
    const { answer, rest, loop, classes, attractors, plane, view } = this;
    if (!answer) return;
    put(this.headline, "textContent", verdict(answer));
    put(this.headline.dataset, "verdict", answer.verdict);
    const where = distance(loop, answer, rest);
    if (where || answer.verdict === "undecided") put(this.distance, "textContent", where);
    this.distance.classList.toggle("stale", !rest);
    put(this.details, "textContent", figures(answer, rest));
    put(this.maker, "textContent", `${MAKERS[this.by]}${this.by === "python" ? ` ${view.version}` : ""}`);
    const heard = `${this.headline.textContent} ${this.distance.textContent}`;
    clearTimeout(this.speaking);
    if (heard !== this.spoken.textContent) this.speaking = setTimeout(() => { this.spoken.textContent = heard; }, SPOKEN);
    const seen = [...new Set(classes?.codes)].map(code => classes.words[code]).filter(word => PHASES[word]);
    const legend = classes ? seen.map(word => [PHASES[word], word.replace("_", " ")])
      : [[null, `Blue settles, orange does not; lines of equal ρ.${plane?.rho.some(Number.isNaN) ? " Hatched: undecided." : ""}`]];
    if (classes && !seen.length) legend.push([null, "Every orbit converges."]);
    explain(this.legend, classes?.before ? [...legend, [null, "(precomputed)"]] : legend);
    const marks = answer.points.length ? "● rest point that attracts, ⊗ one that repels." : "";
    explain(this.listed, attractors ? attractors.list.map((found, i) => [series(view.look.dark, i),
      found.phase ? `${number(100 * found.share, 3)} % of ${attractors.starts} starts: ${longRun(found)}`
        : `the last rounds from ${attractors.starts} starts`]) : [[null, `Ring: the start. ${marks}`]]);
  }

  scatter() {
    if (this.attractors) this.attractors = null;
    else this.send("attractors");
    this.draw(["simplex"]);
  }

  watch() {
    clearInterval(this.clock);
    const show = played => {
      this.played = played;
      this.play.textContent = played === null ? "Watch the rounds" : `Round ${played}: stop`;
      this.draw(["simplex"]);
    };
    if (this.played !== null || !this.answer) return show(null);
    this.attractors = null;
    this.clock = setInterval(() => {
      if (this.played === null || this.played >= WATCHED) {
        clearInterval(this.clock);
        show(null);
      } else show(this.played + 1);
    }, 70);
    return show(0);
  }

  end() {
    clearInterval(this.clock);
    clearTimeout(this.pause);
    clearTimeout(this.speaking);
    this.watcher.disconnect();
    this.element.remove();
  }
}

/** Show [colour, words] of a legend, unless they are there already. */
function explain(legend, entries) {
  const key = JSON.stringify(entries);
  if (legend.key === key) return;
  legend.key = key;
  legend.replaceChildren(...entries.map(([colour, words]) => (
    h("span", {}, colour ? h("span", { class: "swatch", style: `background: ${colour}` }) : "", words))));
}
