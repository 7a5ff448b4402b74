// The page: one state, one lane a loop, the link, history, saving.

import { overSocket, overWidget, squareOf } from "./backends.js";
import { h, preferenceControls, put } from "./controls.js";
import { EVERY, Lane } from "./lane.js";
import { FONT, svgPen } from "./pen.js";
import { exampleState, fromLink, loopWith, MOST, preferencesState, toCommand, toLink, toPython } from "./state.js";

const LARGEST_FILE = 2 ** 20, REPLACED = 250;

const shape = ({ P, loops }) => [P.length, ...loops.map(loop => loop.method)].join();
const titled = name => name.split("_").map((word, i) => (/po$|^(sft|rlhf|kto)$/.test(word) ? word.toUpperCase()
  : i ? word : word[0].toUpperCase() + word.slice(1))).join(" ");

export class View {
  constructor(element, { python = null, objectives = ["ipo"], version = "", link = null, start = "", onlink = null } = {}) {
    this.python = python;
    this.version = version;
    this.paged = link === null;
    this.onlink = onlink;
    this.objectives = (objectives.length > 1 ? objectives : ["ipo", "dpo"]).map(name => [
      name, objectives.includes(name) ? titled(name) : `${titled(name)} (alignsim explore)`, !objectives.includes(name)]);
    this.lanes = [];
    this.past = [];
    this.look = {};
    this.preferences = preferenceControls(this);
    this.notice = h("p", { class: "notice", role: "status" });
    this.twin = h("button", { type: "button", onclick: () => this.compare() }, "Compare two methods");
    this.back = h("button", { type: "button", onclick: () => this.undo(), "aria-label": "Back to the state before" }, "← Back");
    this.body = h("div", { class: "body" }, this.preferences.element);
    this.root = h("div", { class: "asim" }, h("header", { class: "top" }, h("h1", {}, "Does this loop settle?"),
      this.notice, h("div", { class: "buttons" }, this.back, this.twin,
        h("button", { type: "button", onclick: () => this.copy(this.address(), "The link") }, "Copy link"))), this.body);
    element.replaceChildren(this.root);
    this.root.view = this;
    this.dropping();
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.dark.addEventListener("change", () => this.themed());
    new MutationObserver(() => this.themed()).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    if (this.paged) {
      addEventListener("popstate", () => this.go(fromLink(location.hash)));
      addEventListener("hashchange", () => { if (location.hash !== toLink(this.state)) this.go(fromLink(location.hash)); });
    }
    this.readLook();
    const first = this.paged ? location.hash || start : link || start;
    this.go(first ? fromLink(first) : exampleState("rps"));
    this.last = toLink(this.state);
  }

  /** Whether all that was asked is on the page. */
  get idle() { return !this.pending && this.lanes.every(lane => lane.idle); }

  address() {
    return this.paged ? location.href.replace(/#.*$/, "") + toLink(this.state) : toLink(this.state);
  }

  readLook() {
    const style = getComputedStyle(this.root), of = name => style.getPropertyValue(`--${name}`).trim();
    this.look = Object.fromEntries(["ink", "muted", "line", "card", "accent", "calm", "warm"].map(name => [name, of(name)]));
    this.look.dark = of("dark") === "1";
  }

  themed() {
    this.readLook();
    this.lanes.forEach(lane => lane.draw(EVERY));
  }

  /** Take a state: build or end lanes, ask what is new. */
  go(state) {
    this.state = state;
    this.preferences.set(state);
    while (this.lanes.length > state.loops.length) this.lanes.pop().end();
    while (this.lanes.length < state.loops.length) {
      const lane = new Lane(this, this.lanes.length);
      this.lanes.push(lane);
      this.body.append(lane.element);
    }
    put(this.root.dataset, "lanes", String(this.lanes.length));
    put(this.twin, "textContent", this.lanes.length > 1 ? "Show one method" : "Compare two methods");
    this.back.disabled = this.past.length === 0;
    this.lanes.forEach(lane => lane.refresh());
  }

  /** Change the state, drawn in the next frame; `commit` is a step that Back undoes. */
  change(state, commit) {
    const first = !this.pending, kind = shape(this.state);
    this.pending = state;
    this.state = state;
    const frame = () => { const next = this.pending; this.pending = null; if (next) this.go(next); };
    if (kind !== shape(state)) frame(); // nothing is drawn of another shape
    else if (first) requestAnimationFrame(frame);
    clearTimeout(this.replacing);
    if (commit) this.commit();
    else this.replacing = setTimeout(() => this.commit(), 4 * REPLACED);
  }

  commit() {
    clearTimeout(this.replacing);
    const link = toLink(this.state);
    if (link === this.last) return;
    this.past = [...this.past, this.last].slice(-200);
    this.last = link;
    this.back.disabled = false;
    this.onlink?.(link);
    if (this.paged) {
      try { history.pushState(null, "", link); } catch { /* a browser that limits how often */ }
    }
  }

  undo() {
    const link = this.past.pop();
    if (link === undefined) return;
    this.last = link;
    if (this.paged) history.replaceState(null, "", link);
    this.onlink?.(link);
    this.go(fromLink(link));
  }

  compare() {
    const [first, second] = this.state.loops;
    const other = loopWith(first.method === "extragradient" ? "mrs" : "extragradient", first.objective, first.values);
    this.change({ ...this.state, loops: second ? [first] : [first, other] }, true);
  }

  tell(words) {
    this.notice.textContent = words;
    clearTimeout(this.telling);
    this.telling = setTimeout(() => { this.notice.textContent = ""; }, 6000);
  }

  async copy(text, what) {
    try { await navigator.clipboard.writeText(text); } catch {
      const area = h("textarea", { class: "spoken" });
      area.value = text;
      this.root.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    this.copied = text;
    this.tell(`${what} is on the clipboard.`);
  }

  dropping() {
    this.root.addEventListener("dragover", event => { event.preventDefault(); this.root.classList.add("over"); });
    this.root.addEventListener("dragleave", () => this.root.classList.remove("over"));
    this.root.addEventListener("drop", event => {
      event.preventDefault();
      this.root.classList.remove("over");
      if (event.dataTransfer.files[0]) this.open(event.dataTransfer.files[0]);
    });
  }

  /** Read a dropped file: Python by the package's readers, else a square of numbers. */
  async open(file) {
    try {
      if (file.size > LARGEST_FILE) throw new Error(`${file.name} is larger than 1 MB; read it with alignsim inspect.`);
      let found;
      if (this.python?.read && !this.python.closed) found = await this.python.read(file);
      else {
        const [P, labels] = squareOf(await file.text());
        found = { problems: [{ name: file.name, P, labels: labels ?? P.map((_, i) => `response ${i}`) }], notes: [] };
      }
      if (found.problems[0].P.length > MOST) throw new Error(`${file.name} has more than ${MOST} responses; read it with alignsim inspect.`);
      this.found = found.problems;
      this.pick(0);
      this.tell([`${file.name} is read.`, ...found.notes].join(" "));
    } catch (error) {
      this.tell(error.message);
    }
    this.root.dispatchEvent(new CustomEvent("opened"));
  }

  pick(i) {
    const { P, labels } = this.found[i];
    this.preferences.problems(this.found.map(p => p.name), i);
    this.change(preferencesState(P, labels, this.state), true);
  }

  save(lane, kind) {
    const name = `alignsim-${lane.loop.method}`;
    if (kind === "python") return this.copy(toPython(this.state, lane.loop), "Python code");
    if (kind === "command") {
      const command = toCommand(this.state, lane.loop);
      return command ? this.copy(command, "The command") : this.tell("The command line takes no reference; copy it as Python.");
    }
    if (!lane.answer) return undefined;
    if (kind === "csv") return download(`${name}.csv`, csv(this.state, lane), "text/csv");
    const { svg, width, height } = picture(this, lane);
    if (kind === "svg") return download(`${name}.svg`, svg, "image/svg+xml");
    const image = new Image();
    image.onload = () => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 2 * width, height: 2 * height });
      canvas.getContext("2d").drawImage(image, 0, 0, 2 * width, 2 * height);
      canvas.toBlob(blob => download(`${name}.png`, blob, "image/png"));
    };
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
    return undefined;
  }
}

function download(name, content, type) {
  const link = h("a", { href: URL.createObjectURL(new Blob([content], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function csv(state, { answer: { orbit } }) {
  const M = orbit.responses.length, quoted = text => `"${String(text).replaceAll('"', '""')}"`;
  const rows = [["round", ...orbit.responses.map(k => quoted(state.labels[k])), "entropy"].join(",")];
  orbit.entropies.forEach((e, t) => rows.push([t, ...orbit.policies.slice(t * M, t * M + M), e].join(",")));
  return `${rows.join("\n")}\n`;
}

/** Return all pictures of a lane as one SVG, under its verdict. */
function picture({ look }, lane) {
  const sizes = { plane: [480, 400], simplex: [440, 400], multipliers: [300, 280], rounds: [620, 280] };
  const places = { plane: [0, 90], simplex: [480, 90], multipliers: [0, 520], rounds: [300, 520] };
  const parts = lane.figures.map(f => {
    const pen = svgPen(...sizes[f.name]);
    f.draw(pen, look, lane);
    return `<g transform="translate(${places[f.name]})">${pen.parts.join("")}</g>`;
  });
  const title = svgPen(940, 90);
  title.text(20, 38, lane.headline.textContent, { size: 22, weight: 600, fill: look.ink });
  title.text(20, 64, `${lane.distance.textContent} ${lane.details.textContent}`, { size: 12.5, fill: look.muted });
  const [width, height] = [940, 820];
  return { width, height, svg: `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" `
    + `viewBox="0 0 ${width} ${height}" font-family='${FONT}'><rect width="100%" height="100%" fill="${look.card}"/>`
    + `${title.parts.join("")}${parts.join("")}</svg>` };
}

/** Show the explorer in an element; options `python` (a backend), `objectives`, `link`, `start`. */
export function mount(element, options = {}) {
  return new View(element, options);
}

/** Show it where the page asks for it: `<main data-explorer>`. */
export function mountAll() {
  for (const element of document.querySelectorAll("[data-explorer]")) {
    const { socket, objectives, version, start } = element.dataset;
    const python = socket ? overSocket(new URL(socket, location.href.replace(/^http/, "ws")).href) : null;
    mount(element, { python, version, start, objectives: objectives ? objectives.split(",") : ["ipo"] });
  }
}

/** Show it in a notebook (anywidget). */
export function render({ model, el }) {
  const view = mount(el, { python: overWidget(model), objectives: model.get("objectives"), version: model.get("version"),
    link: model.get("link"), onlink: link => { model.set("link", link); model.save_changes(); } });
  return () => view.lanes.forEach(lane => lane.end());
}
