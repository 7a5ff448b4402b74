// The page: one state, one lane a loop, the link, history, saving.

import { keep, overSocket, overWidget, squareOf } from "./backends.js";
import { button, h, preferenceControls, put } from "./controls.js";
import { EVERY, Lane } from "./lane.js";
import { FONT, svgPen } from "./pen.js";
import { exampleState, fromLink, loopWith, MOST, preferencesState, toCommand, toLink, toPython } from "./state.js";

const LARGEST_FILE = 2 ** 20, STEP = 1000, TOLD = 6000, MOST_STEPS = 200;
const LOOKS = ["ink", "muted", "line", "card", "accent", "calm", "warm", "dark"];
const PLACES = { plane: [0, 90, 480, 400], simplex: [480, 90, 440, 400], multipliers: [0, 520, 300, 280], rounds: [300, 520, 620, 280] };
const [WIDTH, HEIGHT] = [940, 820]; // of what is saved, and where its pictures lie

const shape = ({ P, loops }) => [P.length, ...loops.map(loop => loop.method)].join();
const titled = name => name.split("_").map((word, i) => (/po$|^(sft|rlhf|kto)$/.test(word) ? word.toUpperCase()
  : i ? word : word[0].toUpperCase() + word.slice(1))).join(" ");

export class View {
  constructor(element, { python = null, objectives = ["ipo"], version = "", link = null, start = "", onlink = null } = {}) {
    Object.assign(this, { python, version, onlink, paged: link === null, lanes: [], past: [] });
    this.objectives = (objectives.length > 1 ? objectives : ["ipo", "dpo"]).map(name => [
      name, objectives.includes(name) ? titled(name) : `${titled(name)} (alignsim explore)`, !objectives.includes(name)]);
    this.preferences = preferenceControls(this);
    this.notice = h("p", { class: "notice", role: "status" });
    this.twin = button("", () => this.compare());
    this.back = button("← Back", () => this.undo(), { "aria-label": "Back to the state before" });
    this.body = h("div", { class: "body" }, this.preferences.element);
    this.root = h("div", { class: "asim" }, h("header", { class: "top" }, h("h1", {}, "Does this loop settle?"), this.notice,
      h("div", { class: "buttons" }, this.back, this.twin, button("Copy link", () => this.copy(this.address(), "The link")))), this.body);
    element.replaceChildren(this.root);
    this.root.view = this;
    this.dropping();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.themed());
    new MutationObserver(() => this.themed()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    if (this.paged) {
      const go = () => { if (location.hash !== toLink(this.state)) this.go(fromLink(location.hash)); };
      for (const moved of ["popstate", "hashchange"]) addEventListener(moved, go);
    }
    this.themed();
    const first = (this.paged ? location.hash : link) || start;
    this.go(first ? fromLink(first) : exampleState("rps"));
    this.last = toLink(this.state);
  }

  /** Whether all that was asked is on the page. */
  get idle() { return !this.pending && this.lanes.every(lane => lane.idle); }

  address() { return (this.paged ? location.href.replace(/#.*$/, "") : "") + toLink(this.state); }

  themed() {
    const style = getComputedStyle(this.root);
    this.look = Object.fromEntries(LOOKS.map(name => [name, style.getPropertyValue(`--${name}`).trim()]));
    this.look.dark = this.look.dark === "1";
    this.lanes.forEach(lane => lane.draw(EVERY));
  }

  /** Take a state: build or end lanes, ask what is new. */
  go(state) {
    this.state = state;
    this.preferences.set(state);
    while (this.lanes.length > state.loops.length) this.lanes.pop().end();
    while (this.lanes.length < state.loops.length) {
      this.lanes.push(new Lane(this, this.lanes.length));
      this.body.append(this.lanes.at(-1).element);
    }
    put(this.root.dataset, "lanes", String(this.lanes.length));
    put(this.twin, "textContent", this.lanes.length > 1 ? "Show one method" : "Compare two methods");
    this.back.disabled = this.past.length === 0;
    this.lanes.forEach(lane => lane.refresh());
  }

  /** Change the state, drawn in the next frame; `commit` is a step that Back undoes. */
  change(state, commit = false) {
    const first = !this.pending, kind = shape(this.state);
    this.pending = this.state = state;
    const frame = () => { const next = this.pending; this.pending = null; if (next) this.go(next); };
    if (kind !== shape(state)) frame(); // nothing is drawn of another shape
    else if (first) requestAnimationFrame(frame);
    clearTimeout(this.committing);
    if (commit) this.commit();
    else this.committing = setTimeout(() => this.commit(), STEP);
  }

  changeLoop(index, loop, commit) {
    this.change({ ...this.state, loops: this.state.loops.map((old, i) => (i === index ? loop : old)) }, commit);
  }

  commit() {
    clearTimeout(this.committing);
    const link = toLink(this.state);
    if (link === this.last) return;
    this.past = [...this.past, this.last].slice(-MOST_STEPS);
    this.back.disabled = false;
    this.linked(link, "pushState");
  }

  /** Tell the address, or the notebook, what is shown. */
  linked(link, how) {
    this.last = link;
    this.onlink?.(link);
    if (!this.paged) return;
    try { history[how](null, "", link); } catch { /* a browser that limits how often */ }
  }

  undo() {
    const link = this.past.pop();
    if (link === undefined) return;
    this.linked(link, "replaceState");
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
    this.telling = setTimeout(() => { this.notice.textContent = ""; }, TOLD);
  }

  async copy(text, what) {
    try { await navigator.clipboard.writeText(text); } catch { // as where the page is framed, or served to other machines
      const area = h("textarea", { class: "spoken" }, text);
      this.root.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    this.copied = text;
    this.tell(`${what} is on the clipboard.`);
  }

  dropping() {
    const on = (type, over) => this.root.addEventListener(type, event => {
      event.preventDefault();
      this.root.classList.toggle("over", over);
      if (type === "drop" && event.dataTransfer.files[0]) this.open(event.dataTransfer.files[0]);
    });
    on("dragover", true);
    on("dragleave", false);
    on("drop", false);
  }

  /** Read a dropped file: Python by the package's readers, else a square of numbers. */
  async open(file) {
    try {
      if (file.size > LARGEST_FILE) throw new Error(`${file.name} is larger than 1 MB; read it with alignsim inspect.`);
      let found;
      if (this.python && !this.python.closed) found = await this.python.read(file);
      else {
        const [P, labels] = squareOf(await file.text());
        found = { problems: [{ name: file.name, P, labels }], notes: [] };
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

  /** Copy or save what a lane shows, as Python, command, SVG, PNG or CSV. */
  save(lane, kind) {
    const { state } = this, save = (blob, type) => download(`alignsim-${lane.loop.method}.${kind.toLowerCase()}`, blob, type);
    if (kind === "Python") this.copy(toPython(state, lane.loop), "Python code");
    else if (kind === "command") {
      const command = toCommand(state, lane.loop);
      if (command) this.copy(command, "The command");
      else this.tell("The command line takes no reference; copy it as Python.");
    } else if (kind === "CSV" && lane.answer) save(csv(state, lane.answer.orbit), "text/csv");
    else if (kind === "SVG" && lane.answer) save(picture(this.look, lane), "image/svg+xml");
    else if (lane.answer) {
      const image = new Image();
      image.onload = () => {
        const canvas = Object.assign(document.createElement("canvas"), { width: 2 * WIDTH, height: 2 * HEIGHT });
        canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
        canvas.toBlob(blob => save(blob, "image/png"));
      };
      image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(picture(this.look, lane))}`;
    }
  }
}

function download(name, content, type) {
  const link = h("a", { href: URL.createObjectURL(new Blob([content], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function csv({ labels }, { policies, entropies, responses }) {
  const M = responses.length, quoted = text => `"${text.replaceAll('"', '""')}"`;
  const rows = Array.from(entropies, (e, t) => [t, ...policies.slice(t * M, t * M + M), e]);
  return [["round", ...responses.map(k => quoted(labels[k])), "entropy"], ...rows, ""].join("\n");
}

/** Return all pictures of a lane as one SVG, under its verdict. */
function picture(look, lane) {
  const parts = lane.figures.map(({ name, draw }) => {
    const [x, y, ...size] = PLACES[name], pen = svgPen(...size);
    draw(pen, look, lane);
    return `<g transform="translate(${x} ${y})">${pen.parts.join("")}</g>`;
  });
  const title = svgPen(WIDTH, 90);
  title.text(20, 38, lane.headline.textContent, { size: 22, weight: 600, fill: look.ink });
  title.text(20, 64, `${lane.distance.textContent} ${lane.details.textContent}`, { size: 12.5, fill: look.muted });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" `
    + `font-family='${FONT}'><rect width="100%" height="100%" fill="${look.card}"/>${title.parts.join("")}${parts.join("")}</svg>`;
}

/** Show the explorer in an element; options `python` (a backend), `objectives`, `link`, `start`. */
export function mount(element, options = {}) {
  return new View(element, options);
}

/** Show it where the page asks for it: `<main data-explorer>`. */
export function mountAll() {
  addEventListener("message", ({ data }) => { // a page around this one has a theme
    if (["light", "dark"].includes(data?.theme)) document.documentElement.dataset.theme = data.theme;
  });
  const classes = document.querySelector("script.classes");
  if (classes) keep(JSON.parse(classes.textContent));
  for (const element of document.querySelectorAll("[data-explorer]")) {
    const { socket, objectives = "ipo", version, start } = element.dataset;
    const python = socket ? overSocket(new URL(socket, location.href.replace(/^http/, "ws")).href) : null;
    mount(element, { python, version, start, objectives: objectives.split(",") });
  }
}

/** Show it in a notebook (anywidget). */
export function render({ model, el }) {
  const view = mount(el, { python: overWidget(model), objectives: model.get("objectives"), version: model.get("version"),
    link: model.get("link"), onlink: link => { model.set("link", link); model.save_changes(); } });
  return () => view.lanes.forEach(lane => lane.end());
}
