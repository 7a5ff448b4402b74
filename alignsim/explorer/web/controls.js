// Everything that is clicked or typed: preferences, methods, sliders.

import { METHODS } from "./methods.js";
import { EXAMPLES, changed, continuous, exampleState, loopWith, parametersOf, preferencesState, range, whole } from "./state.js";

/** Return an element: h("button", {class: "x", onclick}, "text", child). */
export function h(tag, given = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, v] of Object.entries(given)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), v);
    else if (v === true) element.setAttribute(name, "");
    else if (v !== false && v !== null && v !== undefined) element.setAttribute(name, v);
  }
  element.append(...children.filter(c => c !== null && c !== undefined));
  return element;
}

/** Set a property, a text or a value, unless it is that already: nothing is laid out again then. */
export const put = (element, name, v) => { if (element[name] !== v) element[name] = v; };

export const choice = (label, options, onchange) => {
  const select = h("select", { "aria-label": label, onchange: () => onchange(select.value) },
    ...options.map(([v, words, disabled]) => h("option", { value: v, disabled: disabled || null }, words)));
  return { select, element: h("label", { class: "field" }, h("span", {}, label), select) };
};

const round = (v, [low, high]) => {
  const unit = 10 ** Math.ceil(Math.log10((high - low) / 1500));
  return Number((Math.round(v / unit) * unit).toPrecision(12));
};

/** Return a slider with its exact number. */
function slider(p, apply) {
  const id = `asim-${Math.random().toString(36).slice(2)}`;
  const bar = h("input", { type: "range", id, "aria-describedby": `${id}-about` });
  const exact = h("input", { type: "number", step: "any", "aria-label": `${p.about}: exact value` });
  let ends = [];
  bar.addEventListener("input", () => apply(p.whole ? Number(bar.value) : round(Number(bar.value), ends), false));
  bar.addEventListener("change", () => apply(p.whole ? Number(bar.value) : round(Number(bar.value), ends), true));
  const typed = done => {
    const v = Number(exact.value);
    const good = exact.value !== "" && v >= p.low && (p.high === null || v <= p.high) && (!p.whole || v === Math.round(v));
    exact.setAttribute("aria-invalid", String(!good));
    if (good) apply(v, done);
  };
  exact.addEventListener("input", () => typed(false));
  exact.addEventListener("change", () => typed(true));
  const meaning = p.about.slice(p.about.indexOf(", ") + 2);
  return {
    element: h("div", { class: "slider" },
      h("label", { for: id }, h("b", {}, p.symbol), h("span", { id: `${id}-about` }, meaning)), bar, exact),
    set(v, limits) {
      if (String(limits) !== String(ends)) {
        ends = limits;
        Object.assign(bar, { min: ends[0], max: ends[1], step: p.whole ? 1 : "any" });
      }
      const share = `${100 * (v - ends[0]) / (ends[1] - ends[0])}%`;
      put(bar, "value", String(v));
      if (bar.style.getPropertyValue("--share") !== share) bar.style.setProperty("--share", share);
      if (document.activeElement !== exact) { put(exact, "value", String(v)); put(exact, "ariaInvalid", "false"); }
    },
  };
}

/** Return the controls of one loop: objective, method, its parameters, the plane's axes. */
export function loopControls(view, index, objectives) {
  const change = (loop, commit) => view.change({ ...view.state,
    loops: view.state.loops.map((l, i) => (i === index ? loop : l)) }, commit);
  const now = () => view.state.loops[index];
  const method = choice("Method", Object.values(METHODS).map(m => [m.name, m.label]), name => {
    const { objective, values, axes } = now();
    change(loopWith(name, objective, values, axes), true);
  });
  const objective = choice("Objective", objectives, name => {
    const { method: of, values, axes } = now();
    change(loopWith(of, name, values, axes), true);
  });
  const update = h("p", { class: "update" }), names = h("p", { class: "names" }), rows = h("div", { class: "sliders" });
  let built = null, sliders = [];
  return {
    element: h("section", { class: "card loop", "aria-label": index ? "Second loop" : "Loop" },
      h("h2", {}, index ? "The other loop" : "Loop"),
      h("div", { class: "pair" }, method.element, objective.element), update, names, rows),
    set(loop) {
      put(method.select, "value", loop.method);
      put(objective.select, "value", loop.objective);
      const kind = `${loop.method} ${loop.objective}`;
      if (built !== kind) {
        built = kind;
        const { update: formula, aliases } = METHODS[loop.method];
        const order = parametersOf(loop).sort((a, b) => (b.name === "beta") - (a.name === "beta"));
        sliders = order.map(p => [p, slider(p, (v, commit) => change(changed(now(), p.name, v), commit))]);
        rows.replaceChildren(...sliders.map(([, s]) => s.element));
        update.textContent = formula;
        names.textContent = aliases.length ? `Also known as ${aliases.join(", ")}.` : "";
      }
      for (const [p, s] of sliders) s.set(loop.values[p.name], range(loop, p.name));
    },
  };
}

/** Return two selects for the parameters of the plane. */
export function axisControls(view, index) {
  const pick = side => choice(side ? "up" : "across", [], name => {
    const loop = view.state.loops[index], axes = [...loop.axes];
    if (axes[1 - side] === name) axes[1 - side] = axes[side];
    axes[side] = name;
    view.change({ ...view.state, loops: view.state.loops.map((l, i) => (i === index ? { ...loop, axes } : l)) }, true);
  });
  const picks = [pick(0), pick(1)];
  let built = null;
  return {
    element: h("div", { class: "inline" }, ...picks.map(p => p.element)),
    set(loop) {
      const kind = `${loop.method} ${loop.objective}`;
      if (built !== kind) {
        built = kind;
        for (const p of picks) {
          p.select.replaceChildren(...continuous(loop).map(each => h("option", { value: each.name }, each.symbol)));
        }
      }
      picks.forEach((p, side) => put(p.select, "value", loop.axes[side]));
    },
  };
}

const EDITABLE = 6;

/** Return the preferences: examples, a file, a matrix whose halves complement each other. */
export function preferenceControls(view) {
  const example = choice("Example", [["", "Your own"], ...Object.entries(EXAMPLES).map(
    ([key, e]) => [key, e.name, (e.objective ?? "ipo") !== "ipo" && !view.python])], key => {
    if (key) view.change(exampleState(key, view.state), true);
  });
  const upload = h("input", { type: "file", class: "hidden-input", "aria-label": "Open a file of preferences",
    onchange: () => { if (upload.files[0]) view.open(upload.files[0]); upload.value = ""; } });
  const problem = choice("Problem", [], v => view.pick(Number(v)));
  problem.element.hidden = true;
  const table = h("div", { class: "matrix" });
  const resize = by => {
    const { P, labels } = view.state, K = P.length + by;
    const grown = Array.from({ length: K }, (_, i) => Array.from({ length: K }, (_, j) => P[i]?.[j] ?? 0.5));
    const names = Array.from({ length: K }, (_, i) => labels[i] ?? String.fromCharCode(97 + i));
    view.change(preferencesState(grown, names, view.state), true);
  };
  const more = h("button", { type: "button", onclick: () => resize(1) }, "Add a response");
  const fewer = h("button", { type: "button", onclick: () => resize(-1) }, "Remove the last");
  let inputs = [], built = "";
  const edit = (i, j, input, commit) => {
    const p = Number(input.value), good = input.value !== "" && p >= 0 && p <= 1;
    input.setAttribute("aria-invalid", String(!good));
    if (!good) return;
    const P = view.state.P.map(row => [...row]);
    P[Math.min(i, j)][Math.max(i, j)] = i < j ? p : Number((1 - p).toFixed(12));
    view.change({ ...view.state, P: whole(P), example: null }, commit);
  };
  const build = labels => {
    inputs = labels.map((a, i) => labels.map((b, j) => {
      if (i === j) return null;
      const input = h("input", { type: "number", min: 0, max: 1, step: 0.01, "aria-label": `${a} beats ${b}`,
        oninput: () => edit(i, j, input, false), onchange: () => edit(i, j, input, true) });
      return input;
    }));
    const head = h("tr", {}, h("td", {}), ...labels.map(l => h("th", { scope: "col", title: l }, l)));
    const body = labels.map((l, i) => h("tr", {}, h("th", { scope: "row", title: l }, l),
      ...inputs[i].map(input => h("td", {}, input ?? h("span", {}, "½")))));
    table.replaceChildren(h("table", {}, h("caption", {}, "Chance that the row beats the column"), head, ...body));
  };
  return {
    element: h("section", { class: "card prefs", "aria-label": "Preferences" },
      h("h2", {}, "Preferences"), example.element, problem.element, table,
      h("div", { class: "buttons" }, more, fewer, h("label", { class: "button" }, "Open a file", upload))),
    problems(names, chosen) {
      problem.select.replaceChildren(...names.map((name, i) => h("option", { value: i }, name)));
      problem.select.value = String(chosen);
      problem.element.hidden = names.length < 2;
    },
    set(state) {
      put(example.select, "value", state.example ?? "");
      const K = state.P.length, key = JSON.stringify(state.labels);
      const small = K <= EDITABLE;
      if (!small) {
        built = "";
        table.replaceChildren(h("p", {}, `${K} responses: ${state.labels.slice(0, 8).join(", ")}${K > 8 ? ", …" : ""}`));
      } else {
        if (built !== key) { build(state.labels); built = key; }
        inputs.forEach((row, i) => row.forEach((input, j) => {
          if (!input || document.activeElement === input) return;
          put(input, "value", String(Number(state.P[i][j].toFixed(4))));
          put(input, "ariaInvalid", "false");
        }));
      }
      more.disabled = !small || K >= EDITABLE;
      fewer.disabled = !small || K <= 2;
    },
  };
}

/** Return selects of the three responses that the simplex shows, and the tetrahedron of four. */
export function cornerControls(view) {
  const box = h("div", { class: "inline" });
  let built = "";
  return {
    element: box,
    set({ P, labels, three }) {
      const key = JSON.stringify([labels, three]);
      box.hidden = P.length < 4;
      if (box.hidden || key === built) return;
      built = key;
      const shapes = P.length === 4 ? [choice("as", [["4", "tetrahedron"], ["3", "triangle of"]], v => (
        view.change({ ...view.state, three: v === "4" ? null : [0, 1, 2] }, true)))] : [];
      if (shapes.length) shapes[0].select.value = three ? "3" : "4";
      const picks = (three ?? []).map((k, side) => {
        const pick = choice(`corner ${side + 1}`, labels.map((l, i) => [i, l]), v => {
          const next = [...three], other = next.indexOf(Number(v));
          if (other >= 0) next[other] = next[side];
          next[side] = Number(v);
          view.change({ ...view.state, three: next }, true);
        });
        pick.select.value = String(k);
        return pick;
      });
      box.replaceChildren(...[...shapes, ...picks].map(p => p.element));
    },
  };
}

