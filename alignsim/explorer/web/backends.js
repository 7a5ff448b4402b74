// Who computes: JavaScript here, Python behind a socket or in a notebook. All answer questions.

import { METHODS } from "./methods.js";
import * as kernels from "./kernels.js";
import { parameter } from "./state.js";

const spread = ([low, high], n) => Array.from({ length: n }, (_, i) => low + (high - low) * i / (n - 1));
const startOf = q => (q.start ? Float64Array.from(q.start, Math.log)
  : kernels.usualStart(kernels.centred(Float64Array.from(q.reference ?? q.P.map(() => 0)))));

/** Return the values of a parameter among which a crossing is looked for: (low, high, points). */
export function candidates(loop, name) {
  const p = parameter(loop, name), v = loop.values[name];
  if (p.whole) return spread([p.low, 12], 12 - p.low + 1);
  if (p.high !== null && p.high <= 1) return spread([p.low, p.high], 65).filter(x => x < 1 || name !== "alpha");
  if (v <= 0) return spread([p.low, 12], 65);
  return [p.low, ...Array.from({ length: 97 }, (_, i) => v * 10 ** ((i - 48) / 24))];
}

/** The backend without Python: IPO, every method, few responses. */
export const here = {
  name: "in this browser",
  can: q => q.objective === "ipo" && q.P.length <= kernels.MOST_RESPONSES
    && METHODS[q.method].wirings.some(w => Object.entries(w.when).every(([k, v]) => q.values[k] === v))
    && ["local", "plane", "rest", "attractors"].includes(q.kind),
  ask(q) { return ANSWERS[q.kind](q, METHODS[q.method]); },
};

const ANSWERS = {
  local(q, method) {
    const loop = kernels.loopOf(q, method, q.values), found = kernels.local(loop);
    const K = q.P.length, orbit = kernels.orbit(loop, startOf(q));
    const policy = found.logits && Array.from(kernels.softmax(found.logits));
    return { ...found, points: policy ? [{ policy, stable: found.rho < 1 }] : [],
      orbit: { ...orbit, size: K, responses: q.P.map((_, i) => i) } };
  },
  plane: (q, method) => ({ n: q.n, rho: kernels.plane(q, method, q.values, q.axes,
    q.ranges.map(r => spread(r, q.n))) }),
  rest: (q, method) => ({ knobs: method.parameters.map(p => kernels.crossings(
    q, method, q.values, p.name, candidates(q, p.name))) }),
  attractors(q, method) {
    const K = q.P.length, loop = kernels.loopOf(q, method, q.values), points = [];
    for (let i = 0; i < 48; i++) { // a lattice of starts that does not repeat
      const z = Float64Array.from({ length: K }, (_, k) => 6 * (((i + 1) * Math.sqrt(k + 2)) % 1) - 3);
      points.push(kernels.orbit(loop, z, 1200).policies.slice(-120 * K));
    }
    const all = new Float32Array(points.length * points[0].length);
    points.forEach((p, i) => all.set(p, i * p.length));
    return { list: [{ phase: null, period: 0, share: 1, points: all }], undecided: 0, starts: 48 };
  },
};

/** Turn a message of Python, (header, buffer), into an answer. */
export function decoded(header, buffer) {
  if (header.error !== undefined) throw new Error(header.error);
  const arrays = {};
  for (const [name, offset, length] of header.arrays ?? []) {
    arrays[name] = new Float32Array(buffer, offset, length);
  }
  const { answer } = header;
  if (arrays.policies) answer.orbit = { ...answer.orbit, policies: arrays.policies, entropies: arrays.entropies };
  if (arrays.rho) answer.rho = arrays.rho;
  if (arrays.codes) answer.codes = arrays.codes;
  answer.list?.forEach((found, i) => { found.points = arrays[`points${i}`]; });
  for (const key of ["rho", "angle"]) if (answer[key] === null) answer[key] = NaN;
  return answer;
}

/** A backend that sends questions away; `send(id, question)`, and `receive(header, buffer)` later. */
function away(name, send) {
  const open = new Map();
  let last = 0;
  return {
    name, can: () => true,
    ask: question => new Promise((resolve, reject) => {
      open.set(++last, { resolve, reject });
      send(last, question);
    }),
    receive(header, buffer) {
      const waiting = open.get(header.id);
      open.delete(header.id);
      if (!waiting) return;
      try { waiting.resolve(decoded(header, buffer)); } catch (error) { waiting.reject(error); }
    },
    lost() {
      for (const { reject } of open.values()) reject(new Error("The connection to Python is lost; start alignsim explore again."));
      open.clear();
    },
  };
}

/** Python behind `alignsim explore`: one socket a tab. */
export function overSocket(address) {
  const socket = new WebSocket(address), waiting = [];
  socket.binaryType = "arraybuffer";
  const there = away("alignsim", (id, question) => {
    const text = JSON.stringify({ id, ...question });
    if (socket.readyState === WebSocket.OPEN) socket.send(text);
    else if (socket.readyState === WebSocket.CONNECTING) waiting.push(text);
    else there.lost();
  });
  socket.onopen = () => waiting.splice(0).forEach(text => socket.send(text));
  socket.onmessage = ({ data }) => {
    const length = new DataView(data).getUint32(0, true);
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
    there.receive(header, data.slice(4 + length));
  };
  socket.onclose = () => { there.closed = true; there.lost(); };
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
  const there = away("alignsim", (id, question) => model.send({ id, ...question }));
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

const PATIENCE = 200; // milliseconds until JavaScript bridges

/** Ask Python, one question of a kind at a time, the newest next; JavaScript bridges the wait. */
export function asker(there, show, fail) {
  const busy = {}, next = {};
  const bridge = question => { // at once, so that all the answers of a frame are drawn together
    if (here.can(question)) show(question, here.ask(question), there ? "bridge" : "here");
  };
  const ask = async question => {
    const { kind } = question;
    if (!there || there.closed) {
      if (here.can(question)) return bridge(question);
      if (kind === "classes") return undefined;
      return fail(question, there ? "The connection to Python is lost; start alignsim explore again."
        : "This page computes IPO for up to six responses; for the rest run alignsim explore.");
    }
    if (busy[kind]) {
      next[kind] = question;
      return busy[kind].late ? bridge(question) : undefined;
    }
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
    busy[kind] = null;
    const queued = next[kind];
    next[kind] = null;
    if (queued) ask(queued);
    return undefined;
  };
  ask.idle = () => Object.values(busy).every(turn => !turn);
  return ask;
}

/** Return preferences in a text, for the page without Python: a square of numbers. */
export function squareOf(text) {
  let rows = null;
  try {
    const parsed = JSON.parse(text);
    rows = Array.isArray(parsed) ? parsed : parsed.P;
    const labels = parsed.labels?.map(String);
    return [checkedSquare(rows), labels];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  rows = text.trim().split(/\r?\n/).map(line => line.split(/[,;\t ]+/).filter(Boolean).map(Number));
  return [checkedSquare(rows), undefined];
}

function checkedSquare(rows) {
  const K = rows?.length ?? 0;
  const good = K >= 2 && rows.every(row => Array.isArray(row) && row.length === K && row.every(p => p >= 0 && p <= 1));
  if (!good) throw new Error("This page alone reads a square of probabilities (.json, .csv); alignsim explore reads votes, rankings and ratings too.");
  const wrong = rows.some((row, i) => row.some((p, j) => Math.abs(p + rows[j][i] - 1) > 1e-8));
  if (wrong) throw new Error("P[i][j] + P[j][i] must be 1: the two halves of the square disagree.");
  return rows;
}

