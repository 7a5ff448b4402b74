// Everything that is clicked or typed: preferences, methods, sliders.

import { EXAMPLES, METHODS } from "./methods.js";
import { changed, continuous, exampleState, loopWith, parametersOf, preferencesState, range, whole } from "./state.js";

/** Return an element: h("button", {class: "x", onclick}, "text", child). */
export function h(tag, given = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, v] of Object.entries(given)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), v);
    else element.setAttribute(name, v);
  }
  element.append(...children);
  return element;
}

/** Set a property, a text or a value, unless it is that already: nothing is laid out again then. */
export const put = (element, name, v) => { if (element[name] !== v) element[name] = v; };

export const button = (words, onclick, given = {}) => h("button", { type: "button", onclick, ...given }, words);

/** Return a select with its label; `show` what may be chosen, [value, words, disabled], and what is. */
export function choice(label, onchange) {
  const select = h("select", { "aria-label": label, onchange: () => onchange(select.value) });
  let shown = "";
  return {
    element: h("label", { class: "field" }, h("span", {}, label), select),
    show(options, v) {
      const key = JSON.stringify(options);
      if (shown !== key) select.replaceChildren(...options.map(([value, words, disabled]) => (
        h("option", { value, ...disabled && { disabled: "" } }, words))));
      shown = key;
      put(select, "value", String(v));
    },
  };
}

/** Return whether a field holds a number that it may, and mark it where not. */
function valid(input) {
  const { badInput, valueMissing, rangeUnderflow, rangeOverflow, stepMismatch } = input.validity;
  const bad = badInput || valueMissing || rangeUnderflow || rangeOverflow || (stepMismatch && input.step === "1");
  input.setAttribute("aria-invalid", String(bad));
  return !bad;
}

/** Return a field of a number; `apply` gets what is typed where it may be, and whether that is done. */
function exactNumber(given, apply) {
  const type = done => () => { if (valid(input)) apply(Number(input.value), done); };
  const input = h("input", { type: "number", required: "", ...given, oninput: type(false), onchange: type(true) });
  return input;
}

/** Show a value in a field, unless it is typed there just now. */
function fill(input, v) {
  if (document.activeElement === input) return;
  put(input, "value", String(v));
  put(input, "ariaInvalid", "false");
}

/** Return a number rounded to about a thousandth of a range. */
export const rounded = (v, [low, high]) => {
  const unit = 10 ** Math.ceil(Math.log10((high - low) / 1500));
  return Number((Math.round(v / unit) * unit).toPrecision(12));
};

/** Return a slider with its exact number. */
function slider(p, apply) {
  const id = `asim-${crypto.getRandomValues(new Uint32Array(1))[0]}`, step = p.whole ? 1 : "any", meaning = p.about.slice(p.about.indexOf(", ") + 2);
  const slid = done => () => apply(p.whole ? Number(bar.value) : rounded(Number(bar.value), [bar.min, bar.max]), done);
  const bar = h("input", { type: "range", id, step, "aria-describedby": `${id}-about`, oninput: slid(false), onchange: slid(true) });
  const exact = exactNumber({ step, min: p.low, ...p.high !== null && { max: p.high }, "aria-label": `${p.about}: exact value` }, apply);
  return {
    element: h("div", { class: "slider" },
      h("label", { for: id }, h("b", {}, p.symbol), h("span", { id: `${id}-about` }, meaning)), bar, exact),
    set(v, [min, max]) {
      put(bar, "min", String(min));
      put(bar, "max", String(max));
      put(bar, "value", String(v));
      const share = `${100 * (v - min) / (max - min)}%`;
      if (bar.style.getPropertyValue("--share") !== share) bar.style.setProperty("--share", share);
      fill(exact, v);
    },
  };
}

/** Return the controls of one loop: objective, method, its parameters. */
export function loopControls(view, index) {
  const now = () => view.state.loops[index], change = (loop, commit) => view.changeLoop(index, loop, commit);
  const other = given => { const { method, objective, values, axes } = { ...now(), ...given }; change(loopWith(method, objective, values, axes), true); };
  const method = choice("Method", name => other({ method: name })), objective = choice("Objective", name => other({ objective: name }));
  const update = h("p", { class: "update" }), names = h("p", { class: "names" }), rows = h("div", { class: "sliders" });
  let built = null, sliders = [];
  return {
    element: h("section", { class: "card loop", "aria-label": index ? "Second loop" : "Loop" },
      h("h2", {}, index ? "The other loop" : "Loop"),
      h("div", { class: "pair" }, method.element, objective.element), update, names, rows),
    set(loop) {
      method.show(Object.values(METHODS).map(m => [m.name, m.label]), loop.method);
      objective.show(view.objectives, loop.objective);
      const kind = `${loop.method} ${loop.objective}`;
      if (built !== kind) {
        built = kind;
        const { update: formula, aliases } = METHODS[loop.method];
        const order = parametersOf(loop).sort((a, b) => (b.name === "beta") - (a.name === "beta"));
        sliders = order.map(p => [p.name, slider(p, (v, commit) => change(changed(now(), p.name, v), commit))]);
        rows.replaceChildren(...sliders.map(([, s]) => s.element));
        update.textContent = formula;
        names.textContent = aliases.length ? `Also known as ${aliases.join(", ")}.` : "";
      }
      for (const [name, s] of sliders) s.set(loop.values[name], range(loop, name));
    },
  };
}

/** Return a list with a value at a place; where it was before comes what was there. */
const swapped = (list, place, v) => list.map((old, i) => (i === place ? v : old === v ? list[place] : old));

/** Return two selects for the parameters of the plane. */
export function axisControls(view, index) {
  const picks = ["across", "up"].map((label, side) => choice(label, name => {
    const loop = view.state.loops[index];
    view.changeLoop(index, { ...loop, axes: swapped(loop.axes, side, name) }, true);
  }));
  return {
    element: h("div", { class: "inline" }, ...picks.map(p => p.element)),
    set(loop) { picks.forEach((p, side) => p.show(continuous(loop).map(each => [each.name, each.symbol]), loop.axes[side])); },
  };
}

/** Return selects of the three responses that the simplex shows, and the tetrahedron of four. */
export function cornerControls(view) {
  const change = three => view.change({ ...view.state, three }, true);
  const shape = choice("as", v => change(v === "4" ? null : [0, 1, 2]));
  const picks = [0, 1, 2].map(side => choice(`corner ${side + 1}`, v => change(swapped(view.state.three ?? [0, 1, 2], side, Number(v)))));
  const element = h("div", { class: "inline" }, shape.element, ...picks.map(p => p.element));
  return {
    element,
    set({ P, labels, three }) {
      element.hidden = P.length < 4;
      shape.element.hidden = P.length !== 4;
      shape.show([["4", "tetrahedron"], ["3", "triangle of"]], three ? "3" : "4");
      picks.forEach((pick, side) => {
        pick.element.hidden = !three;
        if (three) pick.show(labels.map((l, i) => [i, l]), three[side]);
      });
    },
  };
}

const EDITABLE = 6;

/** Return the preferences: examples, a file, a matrix whose halves complement each other. */
export function preferenceControls(view) {
  const example = choice("Example", key => { if (key) view.change(exampleState(key, view.state), true); });
  const examples = [["", "Your own"], ...Object.entries(EXAMPLES).map(([key, { title, objective = "ipo" }]) => [
    key, title, objective !== "ipo" && !view.python])];
  const upload = h("input", { type: "file", class: "hidden-input", "aria-label": "Open a file of preferences",
    onchange: () => { if (upload.files[0]) view.open(upload.files[0]); upload.value = ""; } });
  const problem = choice("Problem", i => view.pick(Number(i)));
  problem.element.hidden = true;
  const table = h("div", { class: "matrix" });
  const resize = by => {
    const { P, labels } = view.state, K = P.length + by, all = [...new Array(K).keys()];
    view.change(preferencesState(all.map(i => all.map(j => P[i]?.[j] ?? 0.5)),
      all.map(i => labels[i] ?? String.fromCharCode(97 + i)), view.state), true);
  };
  const more = button("Add a response", () => resize(1)), fewer = button("Remove the last", () => resize(-1));
  const edit = (i, j) => (p, commit) => {
    const P = structuredClone(view.state.P);
    P[Math.min(i, j)][Math.max(i, j)] = i < j ? p : Number((1 - p).toFixed(12));
    view.change({ ...view.state, P: whole(P), example: null }, commit);
  };
  let inputs = [], built = "";
  const build = labels => {
    inputs = labels.map((a, i) => labels.map((b, j) => (
      i === j ? null : exactNumber({ min: 0, max: 1, step: 0.01, "aria-label": `${a} beats ${b}` }, edit(i, j)))));
    const head = (scope, label) => h("th", { scope, title: label }, label);
    table.replaceChildren(h("table", {}, h("caption", {}, "Chance that the row beats the column"),
      h("tr", {}, h("td"), ...labels.map(l => head("col", l))), ...labels.map((l, i) => (
        h("tr", {}, head("row", l), ...inputs[i].map(input => h("td", {}, input ?? h("span", {}, "½"))))))));
  };
  return {
    element: h("section", { class: "card prefs", "aria-label": "Preferences" },
      h("h2", {}, "Preferences"), example.element, problem.element, table,
      h("div", { class: "buttons" }, more, fewer, h("label", { class: "button" }, "Open a file", upload))),
    problems(names, chosen) {
      problem.show(names.map((name, i) => [i, name]), chosen);
      problem.element.hidden = names.length < 2;
    },
    set({ P, labels, example: key }) {
      example.show(examples, key ?? "");
      const K = P.length, shown = JSON.stringify(labels);
      if (built !== shown && K <= EDITABLE) build(labels);
      if (K > EDITABLE) table.replaceChildren(h("p", {}, `${K} responses: ${labels.slice(0, 8).join(", ")}${K > 8 ? ", …" : ""}`));
      else inputs.forEach((row, i) => row.forEach((input, j) => { if (input) fill(input, Number(P[i][j].toFixed(4))); }));
      built = shown;
      more.disabled = K >= EDITABLE;
      fewer.disabled = K > EDITABLE || K <= 2;
    },
  };
}
