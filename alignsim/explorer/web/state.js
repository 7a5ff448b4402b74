// What the page shows: preferences, one loop or two, axes, start. The link is the state.

import { METHODS, OBJECTIVES } from "./methods.js";

export const MOST = 40; // responses
const round6 = x => Number(x.toFixed(6));
const skew = (n, margin) => Array.from({ length: n }, (_, i) => Array.from(
  { length: n }, (_, j) => round6(i === j ? 0.5 : 0.5 + margin(i, j))));
const cycle = (n, a) => skew(n, (i, j) => ((j - i + n) % n <= (n - 1) / 2 ? a : -a));
const upper = (n, above) => skew(n, (i, j) => (
  i < j ? above[i][j - i - 1] : -above[j][i - j - 1]) - (i < j ? 0.5 : -0.5));

/** Named preferences; those with `loop` are surprises of the gallery. */
export const EXAMPLES = {
  rps: { name: "Rock, paper, scissors", P: cycle(3, 0.3), labels: ["rock", "paper", "scissors"],
    python: "asim.preferences.cyclic(3, advantage=0.3)", command: "" },
  uneven: { name: "An uneven cycle", P: upper(3, [[0.9, 0.35], [0.7]]), labels: ["a", "b", "c"] },
  ordered: { name: "A clear order (Bradley–Terry)", labels: ["best", "good", "poor"],
    P: upper(3, [[0.731059, 0.880797], [0.731059]]) },
  four: { name: "Four responses", P: upper(4, [[0.624, 0.619, 0.969], [0.942, 0.269], [0.454]]),
    labels: ["a", "b", "c", "d"] },
  five: { name: "A cycle of five", P: cycle(5, 0.3), labels: ["a", "b", "c", "d", "e"],
    python: "asim.preferences.cyclic(5, advantage=0.3)", command: " --responses 5" },
  far: { name: "Surprise: stable, yet few starts settle", labels: ["a", "b", "c", "d"],
    P: upper(4, [[0.624, 0.619, 0.969], [0.942, 0.269], [0.454]]),
    reference: [-5.3686, -0.6416, 0.9502, 5.06], loop: { alpha: 0.35, beta: 30, lam: 1 },
    start: [0.0012, 0.0055, 0.9928, 0.0005] },
  winner: { name: "Surprise: a winner that is not found", labels: ["winner", "a", "b", "c"],
    P: upper(4, [[0.52, 0.52, 0.52], [1, 0], [1]]), loop: { alpha: 0.9, beta: 20, lam: 1 },
    start: [0.25, 0.25025, 0.249875, 0.249875] },
  sure: { name: "Surprise: ordered, and it oscillates", labels: ["best", "good", "poor"],
    P: upper(3, [[0.95, 1], [0.955]]), reference: [-12.666667, -0.066667, 12.733333],
    loop: { alpha: 0, beta: 40, lam: 1 } },
  hysteresis: { name: "Surprise: turning β back does not help (DPO)", P: cycle(3, 0.47),
    labels: ["rock", "paper", "scissors"], objective: "dpo", loop: { alpha: 0.5, beta: 0.79, lam: 1 },
    start: [0.02, 0.96, 0.02], python: "asim.preferences.cyclic(3, advantage=0.47)",
    command: " --advantage 0.47" },
};

/** Return the parameters of a loop: its method's and its objective's. */
export const parametersOf = ({ method, objective }) => [
  ...METHODS[method].parameters, ...(Object.hasOwn(OBJECTIVES, objective) ? OBJECTIVES[objective] : [])];

/** Return the usual values of a loop's parameters, those of another one kept where they fit. */
export function usualValues(loop, kept = {}) {
  const own = Object.fromEntries(parametersOf(loop).map(p => [
    p.name, Object.hasOwn(kept, p.name) ? within(p, kept[p.name], p.usual) : p.usual]));
  return summing(METHODS[loop.method], own);
}

function summing(method, values, changed = null) {
  const [first, second] = method.sum;
  if (first && values[first] + values[second] > 1) {
    const other = changed === second ? first : second;
    values[other] = round6(1 - values[other === first ? second : first]);
  }
  return values;
}

/** Return a number in a parameter's range; `otherwise` where it is none. */
export function within(parameter, given, otherwise) {
  const v = Number(given);
  if (given === null || given === "" || !Number.isFinite(v)) return otherwise;
  const held = Math.min(Math.max(v, parameter.low), parameter.high ?? 1e6);
  return parameter.whole ? Math.round(Math.min(held, 1000)) : held;
}

export const parameter = (loop, name) => parametersOf(loop).find(p => p.name === name);
export const continuous = loop => parametersOf(loop).filter(p => !p.whole);

/** Return a loop with one value changed. */
export function changed(loop, name, v) {
  const values = { ...loop.values, [name]: within(parameter(loop, name), v, loop.values[name]) };
  return fitted({ ...loop, values: summing(METHODS[loop.method], values, name) });
}

/** Return a loop on its method's usual axes, where its own do not fit, wide enough for its values. */
function fitted(loop) {
  const names = continuous(loop).map(p => p.name);
  let [x, y] = loop.axes ?? ["beta", "lam"];
  if (!names.includes(x)) x = "beta";
  if (!names.includes(y) || y === x) y = names.find(n => n !== x && n !== "lam") ?? "lam";
  const reach = { ...loop.reach };
  for (const p of parametersOf(loop)) {
    if (p.high !== null && p.high <= 1) continue;
    const usual = p.whole ? 12 : p.name === "beta" ? 12 : 2;
    reach[p.name] = Math.max(reach[p.name] ?? usual, nice(loop.values[p.name]));
  }
  return { ...loop, axes: [x, y], reach };
}

const nice = v => {
  if (!(v > 0)) return 0;
  const ten = 10 ** Math.floor(Math.log10(v));
  return [1, 1.2, 2, 3, 5, 10].map(f => Number((f * ten).toPrecision(3))).find(f => f >= v);
};

/** Return the range over which a parameter is drawn. */
export const range = (loop, name) => {
  const p = parameter(loop, name);
  return [p.low, loop.reach[name] ?? p.high];
};

export function loopWith(method, objective = "ipo", kept = {}, axes = null) {
  return fitted({ method, objective, values: usualValues({ method, objective }, kept), axes, reach: {} });
}

/** Return the state of a named example. */
export function exampleState(key, before = null) {
  const e = EXAMPLES[key], K = e.P.length;
  const loops = e.loop || !before
    ? [loopWith("mrs", e.objective ?? "ipo", e.loop ?? {}, e.loop ? ["beta", "alpha"] : null)]
    : before.loops;
  return { example: key, P: e.P, labels: e.labels, reference: e.reference ?? null,
    start: e.start ?? null, loops, three: K > 3 ? [0, 1, 2] : null, turn: [0.6, 0.35] };
}

/** Return preferences whose lower half is 1 less the upper one, to the bit: what a link holds. */
export const whole = P => P.map((row, i) => row.map((p, j) => (i === j ? 0.5 : i < j ? p : 1 - P[j][i])));

/** Return the state of given preferences, with the loops of another. */
export const preferencesState = (P, labels, before) => ({
  ...before, example: null, P: whole(P), labels, reference: null, start: null,
  three: P.length > 3 ? [0, 1, 2] : null });

const numbers = list => list.map(v => String(Number(v))).join("~");
const read = text => text.split("~").map(Number);
const above = P => P.flatMap((row, i) => row.slice(i + 1));

/** Return the state as the fragment of a link. */
export function toLink(state) {
  const q = new URLSearchParams();
  if (state.example) q.set("e", state.example);
  else {
    q.set("p", numbers(above(state.P)));
    q.set("l", state.labels.map(l => encodeURIComponent(l).replaceAll("~", "%7E")).join("~"));
    if (state.reference) q.set("r", numbers(state.reference));
  }
  if (state.start) q.set("s", numbers(state.start));
  state.loops.forEach((loop, i) => q.set(i ? "b" : "a", [
    loop.method, loop.objective, ...loop.axes,
    ...parametersOf(loop).map(p => `${p.name}~${loop.values[p.name]}`),
    ...Object.entries(loop.reach).map(([name, v]) => `${name}~~${v}`)].join("*")));
  if (state.three) q.set("t", state.three.join("~"));
  return `#${q}`.replaceAll("%7E", "~");
}

function loopFrom(text) {
  const [method, objective, x, y, ...pairs] = text.split("*");
  if (!Object.hasOwn(METHODS, method)) return loopWith("mrs");
  const loop = { method, objective: /^[a-z_]{1,30}$/.test(objective) ? objective : "ipo",
    values: {}, reach: {}, axes: [x, y] };
  for (const pair of pairs) {
    const [name, v, far] = pair.split("~"), p = parameter(loop, name);
    if (!p) continue;
    if (far === undefined) loop.values[name] = v;
    else if (Number(far) > 0 && Number(far) <= 1e6) loop.reach[name] = Number(far);
  }
  loop.values = usualValues(loop, loop.values);
  return fitted(loop);
}

/** Return the state of a link's fragment; whatever is wrong in it becomes usual. */
export function fromLink(fragment) {
  const q = new URLSearchParams(fragment.replace(/^#/, ""));
  let state = exampleState(Object.hasOwn(EXAMPLES, q.get("e") ?? "") ? q.get("e") : "rps");
  if (q.has("p")) {
    const given = read(q.get("p")), K = Math.round((1 + Math.sqrt(1 + 8 * given.length)) / 2);
    const fits = K >= 2 && K <= MOST && given.length === K * (K - 1) / 2;
    if (fits && given.every(p => p >= 0 && p <= 1)) {
      const rows = [];
      for (let i = 0, at = 0; i < K; at += K - 1 - i, i++) rows.push(given.slice(at, at + K - 1 - i));
      const P = rows.map((_, i) => rows.map((_, j) => (i < j ? rows[i][j - i - 1] : 0)));
      let labels = [];
      try { labels = (q.get("l") ?? "").split("~").map(decodeURIComponent); } catch { /* none */ }
      if (labels.length !== K) labels = P.map((_, i) => `response ${i}`);
      state = preferencesState(P, labels.map(l => l.slice(0, 80)), state);
      const r = read(q.get("r") ?? "");
      if (r.length === K && r.every(v => Math.abs(v) < 1e3)) state.reference = r;
    }
  }
  const K = state.P.length, s = read(q.get("s") ?? "");
  if (s.length === K && s.every(v => v > 0 && v < 1)) state.start = normalised(s);
  else if (!EXAMPLES[state.example]?.start || q.has("a")) state.start = null;
  const loops = ["a", "b"].filter(k => q.has(k)).map(k => loopFrom(q.get(k)));
  if (loops.length) state.loops = loops;
  const t = read(q.get("t") ?? "");
  const distinct = t.length === 3 && new Set(t).size === 3;
  if (K > 3 && distinct && t.every(i => Number.isInteger(i) && i >= 0 && i < K)) state.three = t;
  if (K === 4 && q.get("t") === null && q.has("a")) state.three = null;
  return state;
}

export const normalised = policy => {
  const held = policy.map(p => Math.max(p, 1e-6)), sum = held.reduce((a, b) => a + b, 0);
  return held.map(p => p / sum);
};

const plain = v => String(Number(v));
const array = rows => `[${rows.map(r => `[${r.map(plain).join(", ")}]`).join(", ")}]`;
const options = loop => parametersOf(loop).map(p => `${p.name}=${plain(loop.values[p.name])}`);

/** Return Python code that computes what the page shows. */
export function toPython(state, loop) {
  const lines = ["import alignsim as asim", "",
    `P = ${EXAMPLES[state.example]?.python ?? array(state.P)}`];
  const given = [`"${loop.method}"`, "P", ...options(loop)];
  if (loop.objective !== "ipo") given.push(`objective="${loop.objective}"`);
  if (state.reference) {
    lines.push(`reference = asim.simplex.softmax([${state.reference.map(plain).join(", ")}])`);
    given.push("reference=reference");
  }
  const start = state.start ? `, [${state.start.map(plain).join(", ")}]` : "";
  const run = state.start ? `${start.slice(2)}, rounds=3000` : "rounds=3000";
  return [...lines, `loop = asim.method(${given.join(", ")})`, "print(asim.stability(loop))",
    `print(asim.classify(loop${start}))`, `orbit = loop.run(${run})`, ""].join("\n");
}

/** Return a command that follows the orbit, or null where the command line cannot. */
export function toCommand(state, loop) {
  if (state.reference) return null;
  const named = EXAMPLES[state.example]?.command;
  const told = parametersOf(loop).map(p => `--${p.name.replaceAll("_", "-")} ${plain(loop.values[p.name])}`);
  const start = state.start ? ` --start=${state.start.map(plain).join(",")}` : "";
  const objective = loop.objective === "ipo" ? "" : ` --objective ${loop.objective}`;
  const end = `--method ${loop.method} ${told.join(" ")}${objective}${start}`;
  if (named !== undefined) return `alignsim simulate${named} ${end}`;
  return `echo '{"P": ${array(state.P)}}' | alignsim simulate - ${end}`;
}
