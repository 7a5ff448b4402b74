// Who computes: JavaScript here, Python behind a socket or in a notebook. All answer questions.

import { METHODS } from "./methods.js";
import * as kernels from "./kernels.js";
import { fromLink, keyOf, parameter } from "./state.js";

const PATIENCE = 200; // milliseconds until JavaScript bridges
const LOST = "The connection to Python is lost; start alignsim explore again.";

const spread = ([low, high], n) => Array.from({ length: n }, (_, i) => low + (high - low) * i / (n - 1));
/** Return the logits with which the orbit of a state begins. */
export const startOf = q => (q.start ? Float64Array.from(q.start, Math.log)
  : kernels.usualStart(kernels.centred(Float64Array.from(q.reference ?? q.P.map(() => 0)))));

/** Return the values of a parameter among which a crossing is looked for. */
function candidates(loop, name) {
  const p = parameter(loop, name), v = loop.values[name];
  if (p.whole) return spread([p.low, 12], 12 - p.low + 1);
  if (p.high !== null && p.high <= 1) return spread([p.low, p.high], 65).filter(x => x < 1 || name !== "alpha");
  return v > 0 ? [p.low, ...spread([-2, 2], 97).map(e => v * 10 ** e)] : spread([p.low, 12], 65);
}

const kept = new Map(); // orbit classes that were computed when the page was made, by the key of their question

/** Keep orbit classes of states, each named by its link. */
export function keep(list) {
  for (const { link, codes, ...classes } of list) {
    const state = fromLink(link), runs = codes.replace(/(\d)x(\d+) ?/g, (_, code, n) => code.repeat(n));
    kept.set(keyOf({ kind: "classes", ...state, ...state.loops[0], axes: classes.axes }),
      { ...classes, codes: Float32Array.from(runs), before: true });
  }
}

const ANSWERS = {
  local(q, method) {
    const loop = kernels.loopOf(q, method, q.values), found = kernels.local(loop);
    const points = found.logits ? [{ policy: Array.from(kernels.softmax(found.logits)), stable: found.rho < 1 }] : [];
    return { ...found, points, orbit: { ...kernels.orbit(loop, startOf(q)), size: loop.K, responses: [...q.P.keys()] } };
  },
  plane: (q, method) => ({ n: q.n, rho: kernels.plane(q, method, q.values, q.axes, q.ranges.map(r => spread(r, q.n))) }),
  rest: (q, method) => ({ knobs: method.parameters.map(({ name }) => (
    kernels.crossings(q, method, q.values, name, candidates(q, name)))) }),
  attractors(q, method) {
    const K = q.P.length, loop = kernels.loopOf(q, method, q.values), starts = 48;
    const ends = Array.from({ length: starts }, (_, i) => { // a lattice of starts that does not repeat
      const z = Float64Array.from({ length: K }, (_, k) => 6 * (((i + 1) * Math.sqrt(k + 2)) % 1) - 3);
      return [...kernels.orbit(loop, z, 1200).policies.slice(-120 * K)];
    });
    return { list: [{ phase: null, period: 0, share: 1, points: Float32Array.from(ends.flat()) }], undecided: 0, starts };
  },
};

/** The backend without Python: IPO, every method, few responses; orbit classes where they were kept. */
export const here = {
  can: q => (q.kind === "classes" ? kept.has(keyOf(q)) : q.kind in ANSWERS && q.objective === "ipo"
    && q.P.length <= kernels.MOST_RESPONSES
    && METHODS[q.method].wirings.some(w => Object.entries(w.when).every(([k, v]) => q.values[k] === v))),
  ask: q => (q.kind === "classes" ? kept.get(keyOf(q)) : ANSWERS[q.kind](q, METHODS[q.method])),
};

/** Turn a message of Python, (header, buffer), into an answer. */
function decoded({ error, arrays: places = [], answer }, buffer) {
  if (error !== undefined) throw new Error(error);
  const arrays = Object.fromEntries(places.map(([name, offset, length]) => [name, new Float32Array(buffer, offset, length)]));
  const { policies, entropies, ...others } = arrays;
  if (policies) Object.assign(answer.orbit, { policies, entropies });
  answer.list?.forEach((found, i) => { found.points = arrays[`points${i}`]; });
  for (const key of ["rho", "angle"]) if (answer[key] === null) answer[key] = NaN;
  return Object.assign(answer, others);
}

/** A backend that sends questions away; `send(id, question)`, and `receive(header, buffer)` later. */
function away(send) {
  const open = new Map();
  let last = 0;
  return {
    ask: question => new Promise((resolve, reject) => {
      open.set(++last, { resolve, reject });
      send(last, question);
    }),
    receive(header, buffer) {
      const waiting = open.get(header.id);
      open.delete(header.id);
      try { waiting?.resolve(decoded(header, buffer)); } catch (error) { waiting.reject(error); }
    },
    lost() {
      this.closed = true;
      for (const { reject } of open.values()) reject(new Error(LOST));
      open.clear();
    },
  };
}

/** Python behind `alignsim explore`: one socket a tab. */
export function overSocket(address) {
  const socket = new WebSocket(address), opened = new Promise(resolve => { socket.onopen = resolve; });
  socket.binaryType = "arraybuffer";
  const there = away((id, question) => {
    if (there.closed) there.lost();
    else opened.then(() => socket.send(JSON.stringify({ id, ...question })));
  });
  socket.onmessage = ({ data }) => {
    const length = new DataView(data).getUint32(0, true);
    there.receive(JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length))), data.slice(4 + length));
  };
  socket.onclose = () => there.lost();
  there.read = async file => {
    const reply = await fetch(`read?name=${encodeURIComponent(file.name)}`, {
      method: "POST", body: await file.arrayBuffer(), headers: { "Content-Type": "application/octet-stream" } });
    const found = await reply.json();
    if (found.error !== undefined) throw new Error(found.error);
    return found;
  };
  return there;
}

/** Python in a notebook's kernel, by the widget's messages. */
export function overWidget(model) {
  const there = away((id, question) => model.send({ id, ...question }));
  model.on("msg:custom", (header, buffers) => {
    const view = buffers?.[0];
    there.receive(header, view ? view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength) : null);
  });
  there.read = async file => {
    const bytes = new Uint8Array(await file.arrayBuffer());
    let text = "";
    for (const byte of bytes) text += String.fromCharCode(byte);
    return there.ask({ kind: "read", name: file.name, content: btoa(text) });
  };
  return there;
}

/** Ask Python, one question of a kind at a time, the newest next; JavaScript bridges the wait. */
export function asker(there, show, fail) {
  const busy = {}, next = {};
  const bridge = question => { // at once, so that all the answers of a frame are drawn together
    if (here.can(question)) show(question, here.ask(question), there ? "bridge" : "here");
  };
  const ask = async question => {
    const { kind } = question;
    if (!there || there.closed) {
      if (here.can(question)) bridge(question);
      else fail(question, there ? LOST : "This page computes IPO for up to six responses; for the rest run alignsim explore.");
    } else if (busy[kind]) {
      next[kind] = question;
      if (busy[kind].late) bridge(question);
    } else {
      const turn = busy[kind] = { late: false };
      const timer = setTimeout(() => {
        turn.late = true;
        bridge(next[kind] ?? question);
      }, PATIENCE);
      try {
        const answer = await there.ask(question);
        if (!next[kind] || !turn.late) show(question, answer, "python");
      } catch (error) {
        fail(question, error.message);
      }
      clearTimeout(timer);
      const queued = next[kind];
      busy[kind] = next[kind] = null;
      if (queued) ask(queued);
    }
  };
  ask.idle = () => Object.values(busy).every(turn => !turn);
  return ask;
}

const ALONE = "This page alone reads a square of probabilities (.json, .csv); alignsim explore reads votes, rankings and ratings too.";

/** Return preferences in a text and their labels, for the page without Python: a square of numbers. */
export function squareOf(text) {
  let rows, labels;
  try {
    const parsed = JSON.parse(text);
    rows = parsed?.P ?? parsed;
    labels = parsed?.labels?.map(String);
  } catch {
    rows = text.trim().split(/\r?\n/).map(line => line.split(/[,;\t ]+/).filter(Boolean).map(Number));
  }
  const K = rows?.length ?? 0, square = K >= 2 && Array.isArray(rows) && rows.every(row => (
    Array.isArray(row) && row.length === K && row.every(p => p >= 0 && p <= 1)));
  if (!square) throw new Error(ALONE);
  if (rows.some((row, i) => row.some((p, j) => Math.abs(p + rows[j][i] - 1) > 1e-8))) {
    throw new Error("P[i][j] + P[j][i] must be 1: the two halves of the square disagree.");
  }
  return [rows, labels ?? rows.map((_, i) => `response ${i}`)];
}
