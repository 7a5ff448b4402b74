// What the page shows: preferences, one loop or two, axes, start. The link is the state.

import { EXAMPLES, METHODS, OBJECTIVES } from "./methods.js";

export const MOST = 40; // responses
const round6 = x => Number(x.toFixed(6));

/** Return the parameters of a loop: its method's and its objective's. */
export const parametersOf = ({ method, objective }) => [
  ...METHODS[method].parameters, ...(Object.hasOwn(OBJECTIVES, objective) ? OBJECTIVES[objective] : [])];
export const parameter = (loop, name) => parametersOf(loop).find(p => p.name === name);
export const continuous = loop => parametersOf(loop).filter(p => !p.whole);

/** Return the range over which a parameter is drawn. */
export const range = (loop, name) => {
  const p = parameter(loop, name);
  return [p.low, loop.reach[name] ?? p.high];
};

/** Return a number in a parameter's range; `otherwise` where it is none. */
export function within(p, given, otherwise) {
  const v = Number(given);
  if (given === undefined || given === "" || !Number.isFinite(v)) return otherwise;
  const held = Math.min(Math.max(v, p.low), p.high ?? 1e6);
  return p.whole ? Math.round(Math.min(held, 1000)) : held;
}

/** Return values whose method's sum is at most 1: the last changed one stays. */
function summing({ method }, values, name) {
  const { sum } = METHODS[method], [kept, other] = name === sum[1] ? [...sum].reverse() : sum;
  return other ? { ...values, [other]: Math.min(values[other], round6(1 - values[kept])) } : values;
}

/** Return a loop with one value changed. */
export function changed(loop, name, v) {
  const values = { ...loop.values, [name]: within(parameter(loop, name), v, loop.values[name]) };
  return fitted({ ...loop, values: summing(loop, values, name) });
}

/** Return a loop with usual values where `kept` has none that fit. */
export function loopWith(method, objective = "ipo", kept = {}, axes = [], reach = {}) {
  const loop = { method, objective, axes, reach };
  const values = Object.fromEntries(parametersOf(loop).map(p => [
    p.name, within(p, Object.hasOwn(kept, p.name) ? kept[p.name] : undefined, p.usual)]));
  return fitted({ ...loop, values: summing(loop, values) });
}

/** Return a loop on its method's usual axes, where its own do not fit, wide enough for its values. */
function fitted(loop) {
  const names = continuous(loop).map(p => p.name);
  let [x = "beta", y = "lam"] = loop.axes;
  if (!names.includes(x)) x = "beta";
  if (!names.includes(y) || y === x) y = names.find(n => n !== x && n !== "lam") ?? "lam";
  const reach = { ...loop.reach };
  for (const p of parametersOf(loop)) {
    if (p.high !== null && p.high <= 1) continue;
    reach[p.name] = Math.max(reach[p.name] ?? (p.whole || p.name === "beta" ? 12 : 2), nice(loop.values[p.name]));
  }
  return { ...loop, axes: [x, y], reach };
}

const nice = v => {
  if (!(v > 0)) return 0;
  const ten = 10 ** Math.floor(Math.log10(v));
  return [1, 1.2, 2, 3, 5, 10].map(f => Number((f * ten).toPrecision(3))).find(f => f >= v);
};

/** Return a state with other preferences, and what belongs to them. */
const about = (P, labels, before, more) => ({ turn: [0.6, 0.35], ...before, example: null, P, labels, reference: null,
  start: null, three: P.length > 3 ? [0, 1, 2] : null, ...more });

/** Return the state of a named example: a surprise has a loop of its own. */
export function exampleState(key, before = null) {
  const { P, labels, reference = null, start = null, loop, axes, objective } = EXAMPLES[key];
  const loops = loop || !before ? [loopWith("mrs", objective, loop, axes)] : before.loops;
  return about(P, labels, before, { example: key, reference, start, loops });
}

/** Return the state of given preferences, with the loops of another. */
export const preferencesState = (P, labels, before) => about(whole(P), labels, before);

/** Return preferences whose lower half is 1 less the upper one, to the bit: what a link holds. */
export const whole = P => P.map((row, i) => row.map((p, j) => (i === j ? 0.5 : i < j ? p : 1 - P[j][i])));

export const normalised = policy => {
  const held = policy.map(p => Math.max(p, 1e-6)), sum = held.reduce((a, b) => a + b, 0);
  return held.map(p => p / sum);
};

/** Return what the answer to a question depends on, as a text to compare. */
export function keyOf({ kind, P, reference, start, method, objective, values, axes, ranges }) {
  const others = Object.entries(values).filter(([name]) => !axes.includes(name));
  const over = { plane: [others, axes, ranges], fine: [others, axes, ranges], classes: [others, axes, start] };
  return JSON.stringify([P, reference, method, objective, ...over[kind] ?? [values, start]]);
}

const plain = v => String(Number(v));
const numbers = list => list.map(plain).join("~");
const read = text => (text ?? "").split("~").map(Number);

/** Return the state as the fragment of a link. */
export function toLink(state) {
  const q = new URLSearchParams();
  if (state.example) q.set("e", state.example);
  else {
    q.set("p", numbers(state.P.flatMap((row, i) => row.slice(i + 1))));
    q.set("l", state.labels.map(l => encodeURIComponent(l).replaceAll("~", "%7E")).join("~"));
    if (state.reference) q.set("r", numbers(state.reference));
  }
  if (state.start) q.set("s", numbers(state.start));
  state.loops.forEach((loop, i) => q.set("ab"[i], [loop.method, loop.objective, ...loop.axes,
    ...parametersOf(loop).map(p => `${p.name}~${loop.values[p.name]}`),
    ...Object.entries(loop.reach).map(([name, v]) => `${name}~~${v}`)].join("*")));
  if (state.three) q.set("t", state.three.join("~"));
  return `#${q}`.replaceAll("%7E", "~");
}

function loopFrom(text) {
  const [method, objective, x, y, ...pairs] = text.split("*"), values = {}, reach = {};
  if (!Object.hasOwn(METHODS, method)) return loopWith("mrs");
  for (const [name, v, far] of pairs.map(pair => pair.split("~"))) {
    if (far === undefined) values[name] = v;
    else if (Number(far) > 0 && Number(far) <= 1e6) reach[name] = Number(far);
  }
  return loopWith(method, /^[a-z_]{1,30}$/.test(objective) ? objective : "ipo", values, [x, y], reach);
}

/** Return P and labels of a link, or null where they are not preferences. */
function preferencesFrom(q) {
  const given = read(q.get("p")), K = Math.round((1 + Math.sqrt(1 + 8 * given.length)) / 2);
  const fits = K >= 2 && K <= MOST && given.length === K * (K - 1) / 2;
  if (!fits || !given.every(p => p >= 0 && p <= 1)) return null;
  let at = 0, labels = [];
  const P = Array.from({ length: K }, (_, i) => Array.from({ length: K }, (_, j) => (i < j ? given[at++] : 0)));
  try { labels = (q.get("l") ?? "").split("~").map(decodeURIComponent); } catch { /* none */ }
  return [P, labels.length === K ? labels.map(l => l.slice(0, 80)) : P.map((_, i) => `response ${i}`)];
}

/** Return the state of a link's fragment; whatever is wrong in it becomes usual. */
export function fromLink(fragment) {
  const q = new URLSearchParams(fragment.replace(/^#/, "")), named = q.get("e") ?? "";
  let state = exampleState(Object.hasOwn(EXAMPLES, named) ? named : "rps");
  const given = q.has("p") && preferencesFrom(q), K = (given ? given[0] : state.P).length;
  if (given) {
    const r = read(q.get("r"));
    state = preferencesState(...given, state);
    if (r.length === K && r.every(v => Math.abs(v) < 1e3)) state.reference = r;
  }
  const s = read(q.get("s")), t = read(q.get("t"));
  if (s.length === K && s.every(v => v > 0 && v < 1)) state.start = normalised(s);
  else if (q.has("a")) state.start = null;
  const loops = ["a", "b"].filter(k => q.has(k)).map(k => loopFrom(q.get(k)));
  if (loops.length) state.loops = loops;
  const distinct = t.length === 3 && new Set(t).size === 3;
  if (K > 3 && distinct && t.every(i => Number.isInteger(i) && i >= 0 && i < K)) state.three = t;
  if (K === 4 && !q.has("t") && q.has("a")) state.three = null;
  return state;
}

const array = rows => `[${rows.map(r => `[${r.map(plain).join(", ")}]`).join(", ")}]`;

/** Return Python code that computes what the page shows. */
export function toPython({ P, reference, start, example }, { method, objective, values }) {
  const list = v => `[${v.map(plain).join(", ")}]`, first = start ? [list(start)] : [];
  const given = [`"${method}"`, "P", ...Object.entries(values).map(([name, v]) => `${name}=${plain(v)}`),
    ...objective === "ipo" ? [] : [`objective="${objective}"`], ...reference ? ["reference=reference"] : []];
  return ["import alignsim as asim", "", `P = ${EXAMPLES[example]?.python ?? array(P)}`,
    ...reference ? [`reference = asim.simplex.softmax(${list(reference)})`] : [],
    `loop = asim.method(${given.join(", ")})`, "print(asim.stability(loop))",
    `print(asim.classify(${["loop", ...first].join(", ")}))`, `orbit = loop.run(${[...first, "rounds=3000"].join(", ")})`, ""].join("\n");
}

/** Return a command that follows the orbit, or null where the command line cannot. */
export function toCommand({ P, reference, start, example }, { method, objective, values }) {
  if (reference) return null;
  const told = [`--method ${method}`, ...Object.entries(values).map(([name, v]) => `--${name.replaceAll("_", "-")} ${plain(v)}`),
    ...objective === "ipo" ? [] : [`--objective ${objective}`], ...start ? [`--start=${start.map(plain).join(",")}`] : []].join(" ");
  const named = EXAMPLES[example]?.command;
  return named === undefined ? `echo '{"P": ${array(P)}}' | alignsim simulate - ${told}` : `alignsim simulate${named} ${told}`;
}
