// One loop on the page: its questions, its verdict, its pictures.

import { axisControls, cornerControls, h, loopControls, put } from "./controls.js";
import { drawMultipliers, drawPlane, drawRounds, drawSimplex, onCanvas, PHASES, planeFrame, series, simplexFrame } from "./panels.js";
import { changed, normalised, parameter, range } from "./state.js";
import { distance, figures, longRun, number, verdict } from "./words.js";
import { asker } from "./backends.js";
import { centred, softmax, usualStart } from "./kernels.js";

export const EVERY = ["plane", "simplex", "multipliers", "rounds"];
const SHOWS = { local: ["simplex", "multipliers", "rounds"], plane: ["plane"], fine: ["plane"], classes: ["plane"],
  rest: ["simplex"], attractors: ["simplex"], failed: EVERY };
const SIDE = 65, CLASSES = 65, PAUSE = 280, TRAIL = 90, SPOKEN = 500;

/** Make an element draggable, with arrow keys besides; `move(x, y)` in pixels of the canvas. */
function draggable(canvas, handle, { move, nudge, done }) {
  const at = event => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  let held = false;
  for (const element of [canvas, handle]) {
    element.addEventListener("pointerdown", event => {
      if (event.button) return;
      held = true;
      element.setPointerCapture(event.pointerId);
      handle.focus({ preventScroll: true });
      event.preventDefault();
      move(...at(event));
    });
    element.addEventListener("pointermove", event => { if (held) move(...at(event)); });
    for (const end of ["pointerup", "pointercancel"]) {
      element.addEventListener(end, () => { if (held) done(); held = false; });
    }
  }
  handle.addEventListener("keydown", event => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!step) return;
    event.preventDefault();
    nudge(...step.map(s => s * (event.shiftKey ? 10 : 1)));
  });
  handle.addEventListener("keyup", event => { if (event.key.startsWith("Arrow")) done(); });
}

const figure = (name, words, drawn, ...more) => {
  const canvas = h("canvas", { role: "img", "aria-label": words });
  return { name, words, draw: drawn, canvas, size: [0, 0],
    element: h("figure", { class: `card ${name}` }, h("figcaption", {}, h("h3", {}, words)), h("div", { class: "paper" }, canvas), ...more) };
};

export class Lane {
  constructor(view, index) {
    Object.assign(this, { view, index, answer: null, plane: null, classes: null, rest: null, attractors: null,
      trail: [], told: [], stale: new Set(), played: null, keys: {}, shown: {}, stamp: 0, by: "" });
    this.ask = asker(view.python, (...all) => this.show(...all), (question, words) => this.fail(question, words));
    this.controls = loopControls(view, index, view.objectives);
    this.axes = axisControls(view, index);
    this.corners = cornerControls(view);
    this.handle = h("button", { type: "button", class: "handle" });
    this.grip = h("button", { type: "button", class: "handle start" });
    this.legend = h("p", { class: "legend" });
    this.listed = h("p", { class: "legend" });
    this.play = h("button", { type: "button", onclick: () => this.watch() }, "Watch the rounds");
    this.many = h("button", { type: "button", onclick: () => this.scatter() }, "Many starts");
    this.again = h("button", { type: "button", onclick: () => view.change({ ...view.state, start: null }, true) }, "Usual start");
    this.figures = [
      figure("plane", "Stability over two parameters", drawPlane, this.axes.element, this.legend),
      figure("simplex", "The policy, round by round", drawSimplex, this.corners.element,
        h("div", { class: "buttons" }, this.play, this.many, this.again), this.listed),
      figure("multipliers", "Multipliers and the unit circle", drawMultipliers),
      figure("rounds", "Policies and entropy", drawRounds),
    ];
    const [plane, simplex] = this.figures;
    plane.canvas.after(this.handle);
    simplex.canvas.after(this.grip);
    this.headline = h("p", { class: "verdict" });
    this.distance = h("p", { class: "distance" });
    this.details = h("p", { class: "details" });
    this.maker = h("p", { class: "maker" });
    this.trouble = h("p", { class: "trouble", role: "alert" });
    this.spoken = h("p", { class: "spoken", "aria-live": "polite" });
    const save = (kind, words) => h("button", { type: "button", onclick: () => view.save(this, kind) }, words);
    this.element = h("div", { class: "lane" }, this.controls.element, h("div", { class: "show" },
      h("div", { class: "told" }, this.headline, this.distance, this.details, this.trouble, this.spoken),
      h("div", { class: "figures" }, ...this.figures.map(f => f.element)),
      h("div", { class: "buttons share" }, save("python", "Copy as Python"), save("command", "Copy as command"),
        save("svg", "Save SVG"), save("png", "Save PNG"), save("csv", "Save CSV"), this.maker)));
    this.listen(plane, simplex);
    this.watcher = new ResizeObserver(() => { this.measure(); this.draw(EVERY); });
    this.figures.forEach(f => this.watcher.observe(f.canvas));
  }

  /** Read the sizes of the pictures, which the page is laid out for: not while it is drawn. */
  measure() { for (const f of this.figures) f.size = [f.canvas.clientWidth, f.canvas.clientHeight]; }

  get loop() { return this.view.state.loops[this.index]; }
  get state() { return this.view.state; }
  get idle() { return !this.resting && !this.drawing && this.ask.idle(); }

  listen(plane, simplex) {
    const set = (x, y, commit) => {
      const { axes } = this.loop, at = [x, y];
      const loop = axes.reduce((l, name, i) => {
        const ends = range(l, name), unit = 10 ** Math.floor(Math.log10((ends[1] - ends[0]) / 400));
        const held = Math.min(Math.max(at[i], ends[0]), ends[1]);
        return changed(l, name, Number((Math.round(held / unit) * unit).toPrecision(12)));
      }, this.loop);
      this.view.change({ ...this.state, loops: this.state.loops.map((l, i) => (i === this.index ? loop : l)) }, commit);
    };
    const done = () => this.view.commit();
    draggable(plane.canvas, this.handle, {
      move: (px, py) => {
        const frame = planeFrame(...plane.size, this.loop);
        set(frame.vx(px), frame.vy(py), false);
      },
      nudge: (dx, dy) => {
        const { axes, values } = this.loop, step = name => (range(this.loop, name)[1] - range(this.loop, name)[0]) / 100;
        set(values[axes[0]] + dx * step(axes[0]), values[axes[1]] + dy * step(axes[1]), false);
      },
      done,
    });
    const begin = (x, y) => {
      const frame = simplexFrame(...simplex.size, this.state);
      this.view.change({ ...this.state, start: normalised(frame.from(x, y, this.start())) }, false);
    };
    let before = null;
    draggable(simplex.canvas, this.grip, {
      move: (x, y) => {
        if (simplexFrame(1, 1, this.state).from) return begin(x, y);
        if (before) this.turn(0.01 * (x - before[0]), 0.01 * (y - before[1]));
        before = [x, y];
        return undefined;
      },
      nudge: (dx, dy) => {
        const frame = simplexFrame(...simplex.size, this.state);
        if (!frame.from) return this.turn(0.06 * dx, 0.06 * dy);
        const [x, y] = frame.to(this.start());
        return begin(x + 3 * dx, y - 3 * dy);
      },
      done: () => { before = null; done(); },
    });
  }

  turn(dx, dy) {
    const [yaw, pitch] = this.state.turn;
    this.view.change({ ...this.state, turn: [yaw + dx, Math.min(Math.max(pitch + dy, -1.5), 1.5)] }, false);
  }

  start() {
    const { start, reference, P } = this.state;
    return start ?? Array.from(softmax(usualStart(centred(Float64Array.from(reference ?? P.map(() => 0))))));
  }

  question(kind, more) {
    const { P, reference, start } = this.state, { method, objective, values, axes, reach } = this.loop;
    return { kind, P, reference, start, method, objective, values, axes, reach, stamp: ++this.stamp, ...more };
  }

  /** Ask what the present state needs; nothing that is known already. */
  refresh() {
    const { P, labels, reference, start, three, turn } = this.state, { method, objective, values, axes } = this.loop;
    this.controls.set(this.loop);
    this.axes.set(this.loop);
    this.corners.set(this.state);
    const others = Object.entries(values).filter(([name]) => !axes.includes(name));
    const ranges = axes.map(name => range(this.loop, name));
    const keys = {
      local: JSON.stringify([P, reference, start, method, objective, values]),
      plane: JSON.stringify([P, reference, method, objective, others, axes, ranges]),
      point: JSON.stringify([method, axes, ranges, axes.map(name => values[name])]),
      corners: JSON.stringify([labels, reference, start, three, turn]),
      labels: JSON.stringify(labels),
    };
    const fresh = kind => {
      const isNew = this.keys[kind] !== keys[kind];
      this.keys[kind] = keys[kind];
      return isNew;
    };
    const [moved, redrawn] = [fresh("local"), fresh("plane")];
    if (fresh("point") || (redrawn && this.classes)) this.draw(["plane"]);
    if (fresh("corners") || (moved && (this.attractors || this.played !== null))) this.draw(["simplex"]);
    if (fresh("labels")) this.draw(["rounds"]);
    if (this.answer && this.answer.orbit.size !== P.length) {
      this.answer = null;
      this.draw(EVERY);
    }
    if (moved) {
      this.trouble.textContent = "";
      this.attractors = this.rest = null;
      this.played = null;
      const K = P.length;
      const seen = K <= 6 ? P.map((_, i) => i) : [...new Set([...(this.state.three ?? []), 0, 1, 2, 3, 4, 5])].slice(0, 6);
      this.ask(this.question("local", { responses: seen }));
    }
    if (redrawn) {
      this.classes = null;
      this.ask(this.question("plane", { n: SIDE, ranges }));
    }
    if (moved || redrawn) {
      clearTimeout(this.pause);
      this.resting = true;
      this.pause = setTimeout(() => {
        this.resting = false;
        this.ask(this.question("rest", {}));
        if (this.view.python && this.plane && this.plane.n < SIDE) this.ask(this.question("fine", { ranges }));
        if (this.view.python && !this.classes) this.ask(this.question("classes", { n: CLASSES, ranges }));
      }, PAUSE);
    }
    this.draw([]);
  }

  show(question, answer, by) {
    const { kind, stamp } = question;
    if (!this.loop) return;
    if (stamp < (this.shown[kind] ?? 0)) return;
    this.shown[kind] = stamp;
    const same = key => JSON.stringify(question[key]) === JSON.stringify(this.loop[key] ?? this.state[key]);
    const live = ["P", "reference", "method", "objective"].every(same);
    if (kind === "local" && live) {
      this.answer = answer;
      this.by = by;
      if (answer.multipliers.length) this.trail = [...this.trail, answer.multipliers].slice(-TRAIL);
    } else if ((kind === "plane" || kind === "fine") && live && same("axes") && same("reach")) {
      if (!(this.plane && kind === "fine" && stamp < this.shown.plane)) this.plane = answer;
    }
    else if (kind === "rest" && live && same("values") && same("start")) {
      this.rest = answer;
      if (this.answer && answer.points?.length) this.answer.points = answer.points;
    } else if (kind === "classes" && live && same("axes")) this.classes = answer;
    else if (kind === "attractors" && live && same("values")) this.attractors = answer;
    this.draw(SHOWS[kind], { kind, by });
  }

  fail(question, words) {
    if (!this.loop) return;
    if (question.kind === "classes" || question.kind === "fine") return; // the page does without
    this.trouble.textContent = words;
    if (question.kind === "local") {
      this.answer = null;
      this.headline.textContent = "No answer.";
      this.distance.textContent = this.details.textContent = "";
    }
    if (question.kind === "local" || question.kind === "plane") this.plane = null;
    this.draw(EVERY, { kind: "failed" });
  }

  /** Draw these figures again, once all that is known by now has come. */
  draw(figures, told = null) {
    figures.forEach(name => this.stale.add(name));
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
      for (const one of this.told.splice(0)) {
        this.view.root.dispatchEvent(new CustomEvent("drawn", { detail: { ...one, lane: this.index } }));
      }
    });
  }

  drawOne(one) { onCanvas(one, this.view.look, this); }

  place() {
    const [plane, simplex] = this.figures, { axes, values } = this.loop;
    const frame = planeFrame(...plane.size, this.loop);
    const move = (handle, x, y, words) => {
      handle.style.transform = `translate(${x}px, ${y}px)`;
      handle.setAttribute("aria-label", words);
    };
    const told = axes.map(name => `${parameter(this.loop, name).symbol} ${number(values[name], 4)}`).join(", ");
    move(this.handle, frame.px(values[axes[0]]), frame.py(values[axes[1]]), `Present point: ${told}. Arrow keys move it.`);
    const ternary = simplexFrame(...simplex.size, this.state);
    const solid = !ternary.from, [x, y] = ternary.to(this.start());
    this.grip.classList.toggle("solid", solid);
    move(this.grip, x, y, solid ? "Start. Arrow keys turn the tetrahedron." : "Start of the orbit. Arrow keys move it.");
    this.again.disabled = !this.state.start;
  }

  say() {
    const { answer, rest, loop } = this;
    if (!answer) return;
    put(this.headline, "textContent", verdict(answer));
    put(this.headline.dataset, "verdict", answer.verdict);
    const where = distance(loop, answer, rest);
    if (where || answer.verdict === "undecided") put(this.distance, "textContent", where);
    this.distance.classList.toggle("stale", !rest);
    put(this.details, "textContent", figures(answer, rest));
    put(this.maker, "textContent", { python: `computed by alignsim ${this.view.version}`, here: "computed in this browser",
      bridge: "computed in this browser while Python is busy" }[this.by] ?? "");
    const heard = `${this.headline.textContent} ${this.distance.textContent}`;
    clearTimeout(this.speaking);
    if (heard !== this.spoken.textContent) this.speaking = setTimeout(() => { this.spoken.textContent = heard; }, SPOKEN);
    const seen = this.classes ? [...new Set(this.classes.codes)].map(code => this.classes.words[code]).filter(w => PHASES[w]) : [];
    explain(this.legend, seen.length ? seen.map(word => [PHASES[word], word.replace("_", " ")])
      : [[null, `Blue settles, orange does not; lines of equal ρ.${this.plane?.rho.some(v => v !== v) ? " Hatched: undecided." : ""}`]]);
    const marks = answer.points.length ? "● rest point that attracts, ⊗ one that repels." : "";
    explain(this.listed, this.attractors ? this.attractors.list.map((found, i) => [series(this.view.look.dark, i),
      found.phase ? `${number(100 * found.share, 3)} % of ${this.attractors.starts} starts: ${longRun(found)}`
        : `the last rounds from ${this.attractors.starts} starts`]) : [[null, `Ring: the start. ${marks}`]]);
  }

  scatter() {
    if (this.attractors) this.attractors = null;
    else this.ask(this.question("attractors", {}));
    this.draw(["simplex"]);
  }

  watch() {
    clearInterval(this.clock);
    if (this.played !== null) {
      this.played = null;
    } else if (this.answer) {
      this.attractors = null;
      this.played = 0;
      this.clock = setInterval(() => {
        if (this.played === null || this.played >= 240) { clearInterval(this.clock); this.played = null; }
        else this.played += 1;
        this.play.textContent = this.played === null ? "Watch the rounds" : `Round ${this.played}: stop`;
        this.draw(["simplex"]);
      }, 70);
    }
    this.play.textContent = this.played === null ? "Watch the rounds" : "Stop";
    this.draw(["simplex"]);
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
  legend.replaceChildren(...entries.map(([colour, words]) => {
    const box = colour && h("span", { class: "swatch" });
    if (box) box.style.background = colour;
    return h("span", {}, box, words);
  }));
}
