// The loop in JavaScript: IPO with every method's coefficient rows, for few responses.
// Twin of alignsim.feedback and alignsim.analysis; tests/explorer compares them.

import { eliminate, restOf, symbol, wire } from "./schemes.js";

export const MOST_RESPONSES = 6;
export const ROUNDS = 3000;
const TOLERANCE = 1e-9, MARGINAL = 1e-9, STEP = 1e-2, EXACT = 4e-15, CLOSE = 1e-10;

/** Return a loop: preferences, reference logits, offline policy, beta, lam, and its wiring. */
export function loopOf(state, method, values) {
  const K = state.P.length, level = new Float64Array(K);
  const M = Float64Array.from(state.P.flat(), p => p - 0.5);
  const uniform = Float64Array.from(level, () => 1 / K);
  const loop = {
    K, M, uniform, method, reference: centred(Float64Array.from(state.reference ?? level)),
    wiring: wire(method, values), beta: values.beta, lam: values.lam, values,
  };
  for (let i = 0; i < K; i++) for (let j = 0; j < K; j++) level[i] += M[i * K + j] / K;
  const flat = Math.max(...level) - Math.min(...level) <= 1e-14;
  return Object.assign(loop, { level, flat }); // what the uniform offline sampler scores
}

export function centred(z) {
  const mean = z.reduce((a, b) => a + b, 0) / z.length;
  return z.map(v => v - mean);
}

export function softmax(z, out = new Float64Array(z.length)) {
  let top = -Infinity, sum = 0;
  for (let i = 0; i < z.length; i++) if (z[i] > top) top = z[i];
  for (let i = 0; i < z.length; i++) sum += out[i] = Math.exp(z[i] - top);
  for (let i = 0; i < z.length; i++) out[i] /= sum;
  return out;
}

export function entropy(policy) {
  let sum = 0;
  for (let i = 0; i < policy.length; i++) if (policy[i] > 0) sum -= policy[i] * Math.log(policy[i]);
  return sum;
}

/** Add scale·(P − ½)μ to out, μ = λπ + (1−λ)/K, less its mean. */
function pull(loop, policy, scale, out) {
  const { K, M, lam, level } = loop;
  let mean = 0;
  for (let i = 0; i < K; i++) {
    let v = 0;
    for (let j = 0; j < K; j++) v += M[i * K + j] * policy[j];
    v = scale * (lam * v + (1 - lam) * level[i]);
    out[i] += v;
    mean += v / K;
  }
  for (let i = 0; i < K; i++) out[i] -= mean;
}

/** Return the logits with which an orbit begins where no start is given. */
export function usualStart(reference) {
  const squares = centred(Float64Array.from(reference, (_, i) => (i + 1) ** 2));
  const size = Math.hypot(...squares);
  return reference.map((z, i) => z + STEP * squares[i] / size);
}

/** Return a function that replaces a state, an array of slots, by the next one, in place. */
export function rounds(loop, state) {
  const { K, wiring: { D, s, R, O, N }, reference, beta } = loop;
  const policy = new Float64Array(K), opponent = new Float64Array(K);
  const optima = Array.from({ length: s }, () => new Float64Array(K));
  const next = Array.from({ length: D }, () => new Float64Array(K));
  const words = [reference, ...state, ...optima];
  const terms = row => Array.from(row, (share, v) => ({ share, word: words[v] })).filter(term => term.share !== 0);
  const [from, against, update] = [R, O, N].map(rows => rows.map(terms));
  const combine = (row, out) => {
    for (let i = 0; i < K; i++) out[i] = 0;
    for (const { share, word } of row) for (let i = 0; i < K; i++) out[i] += share * word[i];
  };
  return () => {
    for (let i = 0; i < s; i++) {
      combine(against[i], opponent);
      combine(from[i], optima[i]);
      pull(loop, softmax(opponent, policy), beta, optima[i]);
    }
    for (let d = 0; d < D; d++) combine(update[d], next[d]);
    for (let d = 0; d < D; d++) for (let i = 0; i < K; i++) state[d][i] = next[d][i];
  };
}

/** Return the state with which an orbit from these logits begins. */
export function begin(loop, logits) {
  return loop.method.slots.map(slot => {
    if (slot === "start") return Float64Array.from(logits);
    if (slot === "reference") return loop.reference.slice();
    const nothing = new Float64Array(loop.K);
    if (slot === "score") pull(loop, softmax(logits), loop.beta, nothing);
    return nothing;
  });
}

/** Return policies (rounds + 1, K) and entropies of the orbit from these logits. */
export function orbit(loop, logits, total = ROUNDS) {
  const { K } = loop, state = begin(loop, centred(Float64Array.from(logits))), go = rounds(loop, state);
  const policies = new Float32Array((total + 1) * K), entropies = new Float32Array(total + 1);
  const policy = new Float64Array(K);
  for (let t = 0; t <= total; t++) {
    if (t > 0) go();
    softmax(state[0], policy);
    for (let i = 0; i < K; i++) policies[t * K + i] = policy[i];
    entropies[t] = entropy(policy);
  }
  return { policies, entropies };
}

const scratch = () => new Float64Array(MOST_RESPONSES);
const [POLICY, F, TRIED, WON] = [scratch(), scratch(), scratch(), scratch()];
const [A, B] = [new Float64Array(MOST_RESPONSES ** 2), new Float64Array(MOST_RESPONSES ** 2)];

/** Set F = ref + ηv(o) − o at o = z, and POLICY; return the largest |F|. */
function residual({ K, M, lam, reference, level }, eta, z) {
  let top = -Infinity, sum = 0, mean = 0, most = 0;
  for (let i = 0; i < K; i++) if (z[i] > top) top = z[i];
  for (let i = 0; i < K; i++) sum += POLICY[i] = Math.exp(z[i] - top);
  for (let i = 0; i < K; i++) POLICY[i] /= sum;
  for (let i = 0; i < K; i++) {
    let v = 0;
    for (let j = 0; j < K; j++) v += M[i * K + j] * POLICY[j];
    WON[i] = v;
    F[i] = eta * (lam * v + (1 - lam) * level[i]);
    mean += F[i] / K;
  }
  for (let i = 0; i < K; i++) {
    F[i] += reference[i] - z[i] - mean;
    const size = Math.abs(F[i]);
    if (!(size <= most)) most = size;
  }
  return most;
}

/** Solve Ax = F in place, A flat. */
function solve(K) {
  for (let c = 0; c < K; c++) {
    let p = c;
    for (let r = c + 1; r < K; r++) if (Math.abs(A[r * K + c]) > Math.abs(A[p * K + c])) p = r;
    if (p !== c) {
      for (let k = c; k < K; k++) {
        const held = A[c * K + k];
        A[c * K + k] = A[p * K + k];
        A[p * K + k] = held;
      }
      const held = F[c];
      F[c] = F[p];
      F[p] = held;
    }
    for (let r = c + 1; r < K; r++) {
      const f = A[r * K + c] / A[c * K + c];
      for (let k = c + 1; k < K; k++) A[r * K + k] -= f * A[c * K + k];
      F[r] -= f * F[c];
    }
  }
  for (let c = K - 1; c >= 0; c--) {
    for (let k = c + 1; k < K; k++) F[c] -= A[c * K + k] * F[k];
    F[c] /= A[c * K + c];
  }
}

/** Newton on ref + ηv(o) − o from z, in place; return whether it arrived. */
function newton(loop, eta, z, close) {
  const { K, M, lam } = loop;
  let here = residual(loop, eta, z);
  for (let step = 0; step < 40; step++) {
    let scale = 1;
    for (let i = 0; i < K; i++) scale = Math.max(scale, 1 + Math.abs(z[i]));
    if (here <= close * scale) return true;
    for (let i = 0; i < K; i++) { // I − ηλ(P−½)(diag π − ππᵀ)
      for (let j = 0; j < K; j++) {
        A[i * K + j] = (i === j ? 1 : 0) - eta * lam * (M[i * K + j] - WON[i]) * POLICY[j];
      }
    }
    solve(K);
    const move = F.slice(0, K), [old, before] = [z.slice(), here];
    for (let share = 1; ; share /= 2) {
      let mean = 0;
      for (let i = 0; i < K; i++) mean += (TRIED[i] = old[i] + share * move[i]) / K;
      for (let i = 0; i < K; i++) z[i] = TRIED[i] - mean;
      here = residual(loop, eta, z);
      if (here < before) break;
      if (before <= TOLERANCE * scale || share < 1e-6) { // rounding is all that is left, or lost
        z.set(old);
        return before <= TOLERANCE * scale;
      }
    }
  }
  return false;
}

/** Return where the loop rests: {logits, opponent}, or {reason}; `near` is a start for Newton. */
export function fixedPoint(loop, near = null, rest = restOf(loop.wiring), close = EXACT) {
  const { K, M, lam, beta, reference, flat } = loop;
  if (loop.method.mixes && loop.values.alpha === 1) return { reason: "none_at_alpha_1" };
  const still = beta === 0 || (lam === 0 && flat);
  if (rest.kind === "held") {
    const eta = rest.gain * beta, z = (near ?? reference).slice();
    if (!newton(loop, eta, z, close)) {
      z.set(reference);
      for (let at = Math.min(1, eta), by = 1.5; ;) { // continuation in η
        const before = z.slice();
        if (newton(loop, at, z, close)) {
          if (at >= eta) break;
          by = Math.min(by * 1.1, 1.5);
        } else if (by < 1.001) return { reason: "not_found" };
        else { z.set(before); at /= by; by = Math.sqrt(by); }
        at = Math.min(at * by, eta);
      }
    }
    const logits = rest.gain === rest.lift || rest.gain === 0
      ? z : z.map((o, i) => reference[i] + rest.lift / rest.gain * (o - reference[i]));
    return { logits, opponent: z };
  }
  if (rest.kind === "other") return { reason: "not_found" };
  if (rest.kind === "free" || still) return { reason: "set_by_the_start" };
  const rows = [], b = new Array(K + 1).fill(0);
  for (let i = 0; i < K; i++) rows.push([...M.slice(i * K, i * K + K), -1]);
  rows.push([...new Array(K).fill(1), 0]);
  b[K] = 1;
  const sole = eliminate(rows, b) > 1e-12;
  const policy = b.slice(0, K).map(m => (m - (1 - lam) / K) / lam);
  if (!sole || !policy.every(p => p > 0 && isFinite(p))) return { reason: "no_interior_equilibrium" };
  const logits = centred(Float64Array.from(policy, Math.log));
  return { logits, opponent: logits };
}

/** Return the ω_k > 0 of the modes ±iω_k of (P − ½)(diag π − ππᵀ). */
export function rotations({ K, M }, policy) {
  if (K === 3) { // ω² = π₀π₁π₂(sum of the margins around the cycle)²
    const around = M[1] + M[5] + M[6];
    return [Math.abs(around) * Math.sqrt(policy[0] * policy[1] * policy[2])];
  }
  const n = K - 1, q = policy.map(Math.sqrt), last = q[n] + 1, c = [];
  for (let i = 0; i < K; i++) { // Householder: these columns are orthogonal to √π
    for (let k = 0; k < n; k++) B[i * n + k] = q[i] * ((i === k ? 1 : 0) - (i === n ? last : q[i]) * q[k] / last);
  }
  for (let k = 0; k < n; k++) c.push(new Float64Array(n));
  for (let k = 1; k < n; k++) {
    for (let i = 0; i < K; i++) {
      TRIED[i] = 0;
      for (let j = 0; j < K; j++) TRIED[i] += M[i * K + j] * B[j * n + k];
    }
    for (let l = 0; l < k; l++) for (let i = 0; i < K; i++) c[l][k] += B[i * n + l] * TRIED[i];
  }
  if (n === 1) return [];
  if (n === 3) return [Math.hypot(c[0][1], c[0][2], c[1][2])];
  if (n === 4) {
    const s = Math.hypot(c[0][1] + c[2][3], c[0][2] - c[1][3], c[0][3] + c[1][2]);
    const t = Math.hypot(c[0][1] - c[2][3], c[0][2] + c[1][3], c[0][3] - c[1][2]);
    return [(s + t) / 2, Math.abs(s - t) / 2];
  }
  let a = 0, b = 0;
  for (let i = 0; i < 5; i++) {
    const [x, y, z, u] = [0, 1, 2, 3, 4].filter(j => j !== i);
    b += (c[x][y] * c[z][u] - c[x][z] * c[y][u] + c[x][u] * c[y][z]) ** 2;
    for (let j = 0; j < i; j++) a += c[j][i] ** 2;
  }
  const first = (a + Math.sqrt(Math.max(a * a - 4 * b, 0))) / 2;
  return first === 0 ? [0, 0] : [Math.sqrt(first), Math.sqrt(b / first)];
}

/** Return the multipliers (re, im) at a rest point, all or one of each conjugate pair. */
export function multipliers(loop, opponent, every = true, rest = restOf(loop.wiring)) {
  const found = [], policy = softmax(opponent, POLICY);
  for (const omega of rotations(loop, policy)) {
    for (const m of symbol(loop.wiring, loop.beta * loop.lam * omega)) {
      found.push(m);
      if (every) found.push([m[0], -m[1]]);
    }
  }
  if (loop.K % 2 === 0) {
    const still = symbol(loop.wiring, 0);
    const one = still.findIndex(m => Math.hypot(m[0] - 1, m[1]) <= 1e-9);
    if (rest.kind !== "held" && one >= 0 && !every) still[one] = [0, 0];
    found.push(...still);
  }
  return found;
}

const largest = values => values.reduce((a, b) => (Math.hypot(...b) > Math.hypot(...a) ? b : a));

/** Return {rho, angle, logits, multipliers}, or {rho: NaN, reason} where the loop has no rest. */
export function local(loop, near = null) {
  const rest = restOf(loop.wiring), point = fixedPoint(loop, near, rest);
  if (point.reason) return { rho: NaN, angle: NaN, verdict: "undecided", ...point, multipliers: [] };
  const lead = largest(multipliers(loop, point.opponent, false, rest));
  const rho = Math.hypot(...lead), angle = Math.abs(Math.atan2(lead[1], lead[0]));
  const verdict = Math.abs(rho - 1) < MARGINAL ? "marginal" : rho < 1 ? "stable" : "unstable";
  const all = multipliers(loop, point.opponent, true, rest);
  return { rho, angle, verdict, logits: point.logits, multipliers: all };
}

/** Return a function from β, λ and a method's values to ρ, each fixed point near the last one. */
export function radius(state, method) {
  const own = method.parameters.map(p => p.name).filter(name => name !== "beta" && name !== "lam");
  const before = own.map(() => NaN);
  let loop = null, rest = null, near = null;
  return values => {
    if (!loop || own.some((name, i) => values[name] !== before[i])) {
      loop = loopOf(state, method, values);
      rest = restOf(loop.wiring);
      own.forEach((name, i) => { before[i] = values[name]; });
    }
    loop.beta = values.beta;
    loop.lam = values.lam;
    const point = fixedPoint(loop, near, rest, CLOSE);
    if (point.reason) return NaN;
    near = point.opponent;
    let most = 0;
    for (const [re, im] of multipliers(loop, near, false, rest)) most = Math.max(most, re * re + im * im);
    return Math.sqrt(most);
  };
}

/** Return ρ on n × n values of two parameters, a row for each value of the second. */
export function plane(state, method, values, [x, y], [xs, ys]) {
  const rho = radius(state, method), found = new Float32Array(xs.length * ys.length);
  const outer = y === "beta" || y === "lam" ? xs : ys; // the wiring changes as seldom as can be
  const inner = outer === xs ? ys : xs, at = { ...values }, [slow, fast] = outer === xs ? [x, y] : [y, x];
  outer.forEach((o, i) => {
    at[slow] = o;
    inner.forEach((v, j) => {
      at[fast] = v;
      found[outer === xs ? j * xs.length + i : i * xs.length + j] = rho(at);
    });
  });
  return found;
}

/** Return the nearest values of a parameter at which ρ crosses 1, below and above the present. */
export function crossings(state, method, values, name, candidates) {
  const rho = radius(state, method), test = v => rho({ ...values, [name]: v }) - 1;
  const own = test(values[name]), whole = method.parameters.find(p => p.name === name).whole;
  const outwards = side => {
    let last = [values[name], own];
    for (const v of side) {
      const at = test(v);
      if (!isFinite(at)) return null;
      if (at * last[1] < 0 || (last[1] === 0 && at !== 0)) {
        if (whole) return v;
        let [low, high] = [last[0], v];
        for (let k = 0; k < 50; k++) {
          const middle = (low + high) / 2;
          if (test(middle) * at > 0) high = middle; else low = middle;
        }
        return (low + high) / 2;
      }
      last = [v, at];
    }
    return null;
  };
  if (!isFinite(own)) return { name, below: null, above: null };
  return {
    name, below: outwards(candidates.filter(v => v < values[name]).reverse()),
    above: outwards(candidates.filter(v => v > values[name])),
  };
}
