// The loop in JavaScript: IPO with every method's coefficient rows, for few responses.
// Twin of alignsim.feedback and alignsim.analysis; tests/explorer compares them.

import { multipliersOf, solve, wire } from "./schemes.js";

export const MOST_RESPONSES = 6;
export const ROUNDS = 3000;
const TOLERANCE = 1e-9, MARGINAL = 1e-9, STEP = 1e-2, EXACT = 4e-15, CLOSE = 1e-10;

/** Return a loop: preferences, reference logits, offline policy, beta, lam, and its wiring. */
export function loopOf({ P, reference }, method, values) {
  const K = P.length, M = Float64Array.from(P.flat(), p => p - 0.5);
  const level = Float64Array.from(P, row => row.reduce((sum, p) => sum + (p - 0.5) / K, 0)); // the uniform offline policy's
  const flat = Math.max(...level) - Math.min(...level) <= 1e-14;
  const loop = { K, M, level, flat, method, values, B: new Float64Array(K * K), wiring: wire(method, values),
    areas: areas(K, M), reference: centred(Float64Array.from(reference ?? level.map(() => 0))) };
  return tuned(loop, values);
}

/** Set β, and the matrix B whose product with a policy is (P − ½)μ, μ = λπ + (1−λ)/K. */
function tuned(loop, { beta, lam }) {
  const { K, M, B, level } = loop;
  for (let i = 0; i < K * K; i++) B[i] = lam * M[i] + (1 - lam) * level[Math.floor(i / K)];
  return Object.assign(loop, { beta, lam });
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

/** Set out to Bπ. */
function scored({ K, B }, policy, out) {
  for (let i = 0; i < K; i++) {
    let v = 0;
    for (let j = 0; j < K; j++) v += B[i * K + j] * policy[j];
    out[i] = v;
  }
  return out;
}

/** Add scale·(a − mean a) to out. */
function pull(a, scale, out) {
  let mean = 0;
  for (let i = 0; i < out.length; i++) mean += a[i] / out.length;
  for (let i = 0; i < out.length; i++) out[i] += scale * (a[i] - mean);
  return out;
}

/** Return the logits with which an orbit begins where no start is given. */
export function usualStart(reference) {
  const squares = centred(Float64Array.from(reference, (_, i) => (i + 1) ** 2));
  const length = Math.hypot(...squares);
  return reference.map((z, i) => z + STEP * squares[i] / length);
}

/** Return a function that replaces a state, an array of slots, by the next one, in place. */
export function rounds(loop, state) {
  const { K, wiring: { D, s, R, O, N }, reference, beta } = loop, vectors = n => Array.from({ length: n }, () => new Float64Array(K));
  const [policy, opponent, score] = vectors(3), optima = vectors(s), next = vectors(D);
  const words = [reference, ...state, ...optima];
  const combine = (row, out) => {
    out.fill(0);
    for (let v = 0; v < row.length; v++) if (row[v]) for (let i = 0; i < K; i++) out[i] += row[v] * words[v][i];
  };
  return () => {
    for (let i = 0; i < s; i++) {
      combine(O[i], opponent);
      combine(R[i], optima[i]);
      pull(scored(loop, softmax(opponent, policy), score), beta, optima[i]);
    }
    for (let d = 0; d < D; d++) combine(N[d], next[d]);
    for (let d = 0; d < D; d++) state[d].set(next[d]);
  };
}

/** Return the state with which an orbit from these logits begins. */
export function begin(loop, logits) {
  const nothing = () => new Float64Array(loop.K);
  const slots = { start: () => Float64Array.from(logits), reference: () => loop.reference.slice(),
    score: () => pull(scored(loop, softmax(logits), nothing()), loop.beta, nothing()) };
  return loop.method.slots.map(slot => (slots[slot] ?? nothing)());
}

/** Return policies (rounds + 1, K) and entropies of the orbit from these logits. */
export function orbit(loop, logits, total = ROUNDS) {
  const { K } = loop, state = begin(loop, centred(Float64Array.from(logits))), go = rounds(loop, state);
  const policies = new Float32Array((total + 1) * K), entropies = new Float32Array(total + 1);
  const policy = new Float64Array(K);
  for (let t = 0; t <= total; t++) {
    if (t > 0) go();
    policies.set(softmax(state[0], policy), t * K);
    entropies[t] = entropy(policy);
  }
  return { policies, entropies };
}

const scratch = Array.from({ length: MOST_RESPONSES + 1 }, (_, K) => ( // by the number of responses
  { policy: new Float64Array(K), S: new Float64Array(K), F: new Float64Array(K), A: new Float64Array(K * K) }));

/** Set F = ref + ηBπ − o at o = z, policy and S = Bπ; return the largest |F|. */
function residual(loop, eta, z) {
  const { policy, S, F } = scratch[loop.K];
  F.set(loop.reference);
  pull(scored(loop, softmax(z, policy), S), eta, F);
  let most = 0;
  for (let i = 0; i < z.length; i++) most = Math.max(most, Math.abs(F[i] -= z[i]));
  return most;
}

/** Newton on ref + ηBπ − o from z, in place; return whether it arrived. */
function newton(loop, eta, z, close) {
  const { K, B } = loop, { policy, S, F, A } = scratch[K];
  let here = residual(loop, eta, z);
  for (let step = 0; step < 40; step++) {
    let scale = 1;
    for (let i = 0; i < K; i++) scale = Math.max(scale, 1 + Math.abs(z[i]));
    if (here <= close * scale) return true;
    for (let i = 0; i < K; i++) for (let j = 0; j < K; j++) { // I − ηB(diag π − ππᵀ)
      A[i * K + j] = (i === j) - eta * (B[i * K + j] - S[i]) * policy[j];
    }
    solve(A, F, K);
    const move = F.slice(), old = z.slice(), before = here;
    for (let share = 1; ; share /= 2) {
      z.set(old);
      here = residual(loop, eta, pull(move, share, z));
      if (here < before) break;
      if (before <= TOLERANCE * scale || share < 1e-6) { // rounding is all that is left, or lost
        z.set(old);
        return before <= TOLERANCE * scale;
      }
    }
  }
  return false;
}

/** Solve for z with Newton from `near`, else by continuation in η; return whether it was found. */
function heldPoint(loop, eta, z, close) {
  if (newton(loop, eta, z, close)) return true;
  z.set(loop.reference);
  for (let at = Math.min(1, eta), by = 1.5; by >= 1.001; at = Math.min(at * by, eta)) {
    const before = z.slice();
    if (newton(loop, at, z, close)) {
      if (at >= eta) return true;
      by = Math.min(by * 1.1, 1.5);
    } else {
      z.set(before);
      at /= by;
      by = Math.sqrt(by);
    }
  }
  return false;
}

/** Return where the loop rests: {logits, opponent}, or {reason}; `near` is a start for Newton. */
export function fixedPoint(loop, near = null, close = EXACT) {
  const { K, M, lam, beta, reference, flat, wiring: { rest } } = loop;
  if (loop.method.mixes && loop.values.alpha === 1) return { reason: "none_at_alpha_1" };
  if (rest.kind === "held") {
    const z = (near ?? reference).slice();
    if (!heldPoint(loop, rest.gain * beta, z, close)) return { reason: "not_found" };
    const lifted = rest.gain === 0 ? 1 : rest.lift / rest.gain;
    return { logits: z.map((o, i) => reference[i] + lifted * (o - reference[i])), opponent: z };
  }
  if (rest.kind === "other") return { reason: "not_found" };
  if (rest.kind === "free" || beta === 0 || (lam === 0 && flat)) return { reason: "set_by_the_start" };
  const A = [], b = [...new Array(K).fill(0), 1]; // (P − ½)μ is level, and μ a policy
  for (let i = 0; i < K; i++) A.push(...M.slice(i * K, i * K + K), -1);
  A.push(...new Array(K).fill(1), 0);
  const sole = solve(A, b, K + 1) > 1e-12;
  const policy = b.slice(0, K).map(m => (m - (1 - lam) / K) / lam);
  if (!sole || !policy.every(p => p > 0 && isFinite(p))) return { reason: "no_interior_equilibrium" };
  const logits = centred(Float64Array.from(policy, Math.log));
  return { logits, opponent: logits };
}

/** Return triples and fives of responses, each with the square of its part in the rotations:
 *  the Pfaffian of its margins, bordered by ones. */
function areas(K, M) {
  const without = (s, j) => s.filter(i => i !== j);
  const pfaffian = ([first, ...others]) => (first === undefined ? 1 : others.reduce(
    (sum, j, r) => sum + (-1) ** r * M[first * K + j] * pfaffian(without(others, j)), 0));
  const subsets = Array.from({ length: 2 ** K }, (_, set) => [...Array(K).keys()].filter(i => set >> i & 1));
  return [3, 5].map(n => subsets.filter(s => s.length === n).map(members => (
    { members, square: members.reduce((sum, j, r) => sum + (-1) ** r * pfaffian(without(members, j)), 0) ** 2 })));
}

/** Return the ω_k > 0 of the modes ±iω_k of (P − ½)(diag π − ππᵀ): Σω² and Πω² are sums over areas. */
export function rotations({ K, areas: found }, policy) {
  const [a, b] = found.map(list => {
    let sum = 0;
    for (const { members, square } of list) sum += members.reduce((product, i) => product * policy[i], square);
    return sum;
  });
  const first = (a + Math.sqrt(Math.max(a * a - 4 * b, 0))) / 2;
  return [Math.sqrt(first), first && Math.sqrt(b / first)].slice(0, (K - 1) >> 1);
}

/** Return the multipliers (re, im) at a rest point, one of each conjugate pair. */
export function multipliers(loop, opponent) {
  const { policy } = scratch[loop.K], still = loop.K % 2 ? [] : multipliersOf(loop.wiring, 0);
  const modes = rotations(loop, softmax(opponent, policy));
  return [modes.flatMap(omega => multipliersOf(loop.wiring, loop.beta * loop.lam * omega)), still];
}

/** Return the one of the largest modulus; a loop that nothing holds may stand still at 1. */
function leading({ wiring }, [turning, still]) {
  const one = wiring.rest.kind === "held" ? -1 : still.findIndex(m => Math.hypot(m[0] - 1, m[1]) <= TOLERANCE);
  return [...turning, ...still.filter((_, i) => i !== one)].reduce((a, b) => (Math.hypot(...b) > Math.hypot(...a) ? b : a), [0, 0]);
}

/** Return {rho, angle, logits, multipliers}, or {rho: NaN, reason} where the loop has no rest. */
export function local(loop) {
  const point = fixedPoint(loop);
  if (point.reason) return { rho: NaN, angle: NaN, verdict: "undecided", ...point, multipliers: [] };
  const [turning, still] = multipliers(loop, point.opponent), lead = leading(loop, [turning, still]);
  const rho = Math.hypot(...lead), angle = Math.abs(Math.atan2(lead[1], lead[0]));
  const verdict = Math.abs(rho - 1) < MARGINAL ? "marginal" : rho < 1 ? "stable" : "unstable";
  const all = [...turning.flatMap(([re, im]) => [[re, im], [re, -im]]), ...still];
  return { rho, angle, verdict, logits: point.logits, multipliers: all };
}

/** Return a function from a method's values to ρ, each fixed point near the last one. */
export function radius(state, method) {
  const own = method.parameters.map(p => p.name).filter(name => name !== "beta" && name !== "lam");
  let loop = null, near = null;
  return values => {
    loop ??= loopOf(state, method, values);
    if (own.some(name => values[name] !== loop.values[name])) loop.wiring = wire(method, values);
    loop.values = values;
    const point = fixedPoint(tuned(loop, values), near, CLOSE);
    if (point.reason) return NaN;
    near = point.opponent;
    return Math.hypot(...leading(loop, multipliers(loop, near)));
  };
}

/** Return ρ over two parameters, a row for each value of the second. */
export function plane(state, method, values, axes, spreads) {
  const rho = radius(state, method), strides = [1, spreads[0].length], found = new Float32Array(strides[1] * spreads[1].length);
  const [slow, fast] = axes[1] === "beta" || axes[1] === "lam" ? [0, 1] : [1, 0]; // a new wiring as seldom as can be
  spreads[slow].forEach((u, i) => spreads[fast].forEach((v, j) => {
    found[i * strides[slow] + j * strides[fast]] = rho({ ...values, [axes[slow]]: u, [axes[fast]]: v });
  }));
  return found;
}

/** Return the nearest values of a parameter at which ρ crosses 1, below and above the present. */
export function crossings(state, method, values, name, candidates) {
  const rho = radius(state, method), test = v => rho({ ...values, [name]: v }) - 1;
  const own = test(values[name]), { whole } = method.parameters.find(p => p.name === name);
  const outwards = side => {
    let [near, before] = [values[name], own];
    for (const far of side) {
      const at = test(far);
      if (!isFinite(at)) return null;
      if (at * before < 0 || (before === 0 && at !== 0)) {
        if (whole) return far;
        let [low, high] = [near, far];
        for (let k = 0; k < 50; k++) {
          const middle = (low + high) / 2;
          if (test(middle) * at > 0) high = middle; else low = middle;
        }
        return (low + high) / 2;
      }
      [near, before] = [far, at];
    }
    return null;
  };
  if (!isFinite(own)) return { name, below: null, above: null };
  return { name, below: outwards(candidates.filter(v => v < values[name]).reverse()),
    above: outwards(candidates.filter(v => v > values[name])) };
}
