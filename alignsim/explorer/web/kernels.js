// The loop in JavaScript: IPO with every method's coefficient rows, for few responses.
// Twin of alignsim.feedback and alignsim.analysis; tests/explorer compares them.

export const MOST_RESPONSES = 6;
export const ROUNDS = 3000;
const TOLERANCE = 1e-9, SINGULAR = 1e-13, MARGINAL = 1e-9, STEP = 1e-2;

const value = (polynomial, values) => polynomial.reduce(
  (sum, [c, ...names]) => sum + names.reduce((product, name) => product * values[name], c), 0);

/** Return the coefficient rows of a method: R, O (stages), N (slots) over (ref, slots, optima). */
export function wire(method, values) {
  const wiring = method.wirings.find(w => Object.entries(w.when).every(([k, v]) => values[k] === v));
  const D = method.slots.length, s = wiring.R.length, width = 1 + D + s;
  const rows = given => given.map(terms => {
    const row = new Float64Array(width);
    for (const [place, polynomial] of terms) row[place] = value(polynomial, values);
    return row;
  });
  return { method, D, s, width, R: rows(wiring.R), O: rows(wiring.O), N: rows(wiring.N) };
}

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
  return Object.assign(loop, { level }); // what the uniform offline sampler scores
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
  for (const p of policy) if (p > 0) sum -= p * Math.log(p);
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

/** Return a function that replaces a state, an array of slots, by the next one. */
export function rounds(loop) {
  const { K, wiring: { D, s, R, O, N }, reference, beta } = loop;
  const policy = new Float64Array(K), opponent = new Float64Array(K);
  const optima = Array.from({ length: s }, () => new Float64Array(K));
  const next = Array.from({ length: D }, () => new Float64Array(K));
  const combine = (row, words, out) => {
    out.fill(0);
    for (let v = 0; v < row.length; v++) {
      if (row[v] !== 0) for (let i = 0; i < K; i++) out[i] += row[v] * words[v][i];
    }
  };
  return state => {
    const words = [reference, ...state, ...optima];
    for (let i = 0; i < s; i++) {
      combine(O[i], words, opponent);
      combine(R[i], words, optima[i]);
      pull(loop, softmax(opponent, policy), beta, optima[i]);
    }
    N.forEach((row, d) => combine(row, words, next[d]));
    next.forEach((slot, d) => state[d].set(slot));
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
  const { K } = loop, state = begin(loop, centred(Float64Array.from(logits))), go = rounds(loop);
  const policies = new Float32Array((total + 1) * K), entropies = new Float32Array(total + 1);
  const policy = new Float64Array(K);
  for (let t = 0; t <= total; t++) {
    if (t > 0) go(state);
    policies.set(softmax(state[0], policy), t * K);
    entropies[t] = entropy(policy);
  }
  return { policies, entropies };
}

/** Solve Ax = b in place by elimination; return the smallest pivot over the largest. */
function eliminate(A, b) {
  const n = b.length;
  let least = Infinity, most = 0;
  for (let c = 0; c < n; c++) {
    let p = c;
    for (let r = c + 1; r < n; r++) if (Math.abs(A[r][c]) > Math.abs(A[p][c])) p = r;
    [A[c], A[p]] = [A[p], A[c]];
    [b[c], b[p]] = [b[p], b[c]];
    const size = Math.abs(A[c][c]);
    least = Math.min(least, size);
    most = Math.max(most, size);
    for (let r = c + 1; r < n; r++) {
      const f = A[r][c] / A[c][c];
      for (let k = c; k < n; k++) A[r][k] -= f * A[c][k];
      b[r] -= f * b[c];
    }
  }
  for (let c = n - 1; c >= 0; c--) {
    for (let k = c + 1; k < n; k++) b[c] -= A[c][k] * b[k];
    b[c] /= A[c][c];
  }
  return least / most;
}

/** Return how a method rests: held by the reference, loose or free, with gain and lift. */
export function restOf({ method, D, s, width, R, O, N }) {
  const basis = v => Float64Array.from({ length: width }, (_, i) => +(i === v));
  const known = Array.from({ length: 1 + D }, (_, v) => basis(v));
  const of = row => {
    const out = new Float64Array(width);
    known.forEach((word, v) => { if (row[v]) word.forEach((x, i) => { out[i] += row[v] * x; }); });
    return out;
  };
  const opponents = O.map((row, i) => {
    const seen = of(row), own = of(R[i]);
    own[1 + D + i] += 1;
    known.push(own);
    return seen;
  });
  const update = N.map(of);
  const tail = row => row.slice(1 + D).reduce((a, b) => a + b, 0);
  const held = update.map((row, d) => Array.from({ length: D }, (_, e) => +(d === e) - row[1 + e]));
  const pulled = update.map(tail);
  const size = Math.max(...held.map(row => row.reduce((a, b) => a + Math.abs(b), 0)));
  const position = method.slots.map(slot => slot === "start" || slot === "reference");
  const det = D === 1 ? held[0][0] : held[0][0] * held[1][1] - held[0][1] * held[1][0];
  const anchored = update.some((row, d) => position[d] && row[0] !== 0)
    && Math.abs(det) > SINGULAR * size ** D;
  if (anchored) {
    const lift = pulled.slice();
    eliminate(held.map(row => row.slice()), lift);
    const gains = opponents.map(row => tail(row) + lift.reduce((a, x, d) => a + row[1 + d] * x, 0));
    const spread = Math.max(...gains) - Math.min(...gains);
    const one = spread <= 1e-9 * (1 + Math.max(...gains.map(Math.abs)));
    return { kind: one && gains[0] >= 0 ? "held" : "other", gain: gains[0], lift: lift[0] };
  }
  const columns = Array.from({ length: D }, (_, e) => held.map(row => row[e]));
  const norm = v => Math.hypot(...v);
  const widest = columns.reduce((a, b) => (norm(b) > norm(a) ? b : a));
  let left = pulled;
  if (D === 2 && Math.abs(det) > TOLERANCE * size ** D) left = [0];
  else if (norm(widest) > TOLERANCE) {
    const along = widest.reduce((a, x, i) => a + x * pulled[i], 0) / norm(widest) ** 2;
    left = pulled.map((x, i) => x - along * widest[i]);
  }
  const most = v => Math.max(...v.map(Math.abs));
  return { kind: most(left) > TOLERANCE * most(pulled) ? "loose" : "free", gain: NaN, lift: NaN };
}

/** Newton on ref + ηv(o) − o from z, in place; return whether it arrived. */
function newton(loop, eta, z) {
  const { K, M, lam, reference } = loop, policy = new Float64Array(K), F = new Float64Array(K);
  const residual = at => {
    F.set(reference);
    pull(loop, softmax(at, policy), eta, F);
    let most = 0;
    for (let i = 0; i < K; i++) most = Math.max(most, Math.abs(F[i] -= at[i]));
    return most;
  };
  let here = residual(z);
  for (let step = 0; step < 40; step++) {
    const scale = 1 + Math.max(...z.map(Math.abs));
    if (here <= 4e-15 * scale) return true;
    const move = Array.from(F), A = [];
    for (let i = 0; i < K; i++) { // I − ηλ(P−½)(diag π − ππᵀ)
      const row = A[i] = new Float64Array(K);
      let won = 0;
      for (let j = 0; j < K; j++) won += M[i * K + j] * policy[j];
      for (let j = 0; j < K; j++) {
        row[j] = +(i === j) - eta * lam * (M[i * K + j] - won) * policy[j];
      }
    }
    eliminate(A, move);
    let share = 1;
    for (let cut = 0; ; cut++) {
      const tried = centred(z.map((v, i) => v + share * move[i])), there = residual(tried);
      if (there < here || cut > 20) {
        if (!(there < here)) { residual(z); return here <= TOLERANCE * scale; }
        z.set(tried);
        here = there;
        break;
      }
      share /= 2;
    }
  }
  return here <= TOLERANCE * (1 + Math.max(...z.map(Math.abs)));
}

/** Return where the loop rests: {logits, opponent}, or {reason}; `near` is a start for Newton. */
export function fixedPoint(loop, near = null, rest = restOf(loop.wiring)) {
  const { K, M, lam, beta, reference, level } = loop;
  if (loop.method.mixes && loop.values.alpha === 1) return { reason: "none_at_alpha_1" };
  const flat = Math.max(...level) - Math.min(...level) <= 1e-14;
  const still = beta === 0 || (lam === 0 && flat);
  if (rest.kind === "held") {
    const eta = rest.gain * beta, z = Float64Array.from(near ?? reference);
    if (!newton(loop, eta, z)) {
      z.set(reference);
      for (let at = Math.min(1, eta), by = 1.5; ;) { // continuation in η
        const before = z.slice();
        if (newton(loop, at, z)) {
          if (at >= eta) break;
          by = Math.min(by * 1.1, 1.5);
        } else if (by < 1.001) return { reason: "not_found" };
        else { z.set(before); at /= by; by = Math.sqrt(by); }
        at = Math.min(at * by, eta);
      }
    }
    const logits = rest.gain === rest.lift || rest.gain === 0
      ? z.slice() : z.map((o, i) => reference[i] + rest.lift / rest.gain * (o - reference[i]));
    return { logits, opponent: z };
  }
  if (rest.kind === "other") return { reason: "not_found" };
  if (rest.kind === "free" || still) return { reason: "set_by_the_start" };
  const A = [], b = new Array(K + 1).fill(0);
  for (let i = 0; i < K; i++) A.push([...M.slice(i * K, i * K + K), -1]);
  A.push([...new Array(K).fill(1), 0]);
  b[K] = 1;
  const sole = eliminate(A, b) > 1e-12;
  const policy = b.slice(0, K).map(m => (m - (1 - lam) / K) / lam);
  if (!sole || !policy.every(p => p > 0 && isFinite(p))) return { reason: "no_interior_equilibrium" };
  const logits = centred(Float64Array.from(policy, Math.log));
  return { logits, opponent: logits };
}

/** Return the ω_k > 0 of the modes ±iω_k of (P − ½)(diag π − ππᵀ). */
export function rotations({ K, M }, policy) {
  const n = K - 1, q = policy.map(Math.sqrt), w = q.slice();
  w[n] += 1; // a Householder reflection: its first columns are orthogonal to √π
  const B = (i, k) => q[i] * (+(i === k) - w[i] * w[k] / w[n]);
  const c = Array.from({ length: n }, () => new Float64Array(n)), T = new Float64Array(K);
  for (let k = 0; k < n; k++) {
    for (let i = 0; i < K; i++) {
      T[i] = 0;
      for (let j = 0; j < K; j++) T[i] += M[i * K + j] * B(j, k);
    }
    for (let l = 0; l < k; l++) {
      let sum = 0;
      for (let i = 0; i < K; i++) sum += B(i, l) * T[i];
      c[l][k] = sum;
    }
  }
  if (n === 1) return [];
  if (n === 2) return [Math.abs(c[0][1])];
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

const times = ([a, b], [c, d]) => [a * c - b * d, a * d + b * c];
const plus = ([a, b], [c, d]) => [a + c, b + d];

/** Return the D multipliers of a mode with gain ig: eigenvalues of the symbol S(ig). */
export function symbol({ D, s, R, O, N }, g) {
  const known = [null, ...Array.from({ length: D }, (_, d) => Array.from(
    { length: D }, (_, e) => [+(d === e), 0]))];
  const of = row => Array.from({ length: D }, (_, e) => {
    let re = 0, im = 0;
    for (let v = 1; v < known.length; v++) {
      if (row[v] !== 0) { re += row[v] * known[v][e][0]; im += row[v] * known[v][e][1]; }
    }
    return [re, im];
  });
  for (let i = 0; i < s; i++) {
    const seen = of(O[i]);
    known.push(of(R[i]).map((x, e) => [x[0] - g * seen[e][1], x[1] + g * seen[e][0]]));
  }
  const S = N.map(of);
  if (D === 1) return [S[0][0]];
  const [[a, b], [c, d]] = S;
  const half = plus(a, d).map(x => x / 2);
  const apart = plus(a, d.map(x => -x)).map(x => x / 2);
  const [x, y] = plus(times(apart, apart), times(b, c)), size = Math.hypot(x, y);
  const re = Math.sqrt((size + Math.abs(x)) / 2), im = re === 0 ? 0 : y / (2 * re);
  const root = x >= 0 ? [re, im] : [Math.abs(im), y < 0 ? -re : re];
  const sign = half[0] * root[0] + half[1] * root[1] < 0 ? -1 : 1;
  const large = plus(half, root.map(v => sign * v)), norm = large[0] ** 2 + large[1] ** 2;
  if (norm === 0) return [large, large];
  const det = plus(times(a, d), times(b, c).map(v => -v)); // no digits cancel in det / large
  return [large, times(det, [large[0] / norm, -large[1] / norm])];
}

/** Return the multipliers (re, im) at a rest point, all or one of each conjugate pair. */
export function multipliers(loop, opponent, every = true, rest = restOf(loop.wiring)) {
  const found = [], policy = softmax(opponent);
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
  let loop = null, rest = null, near = null, before = null;
  return values => {
    const own = method.parameters.filter(p => p.name !== "beta" && p.name !== "lam");
    if (!loop || own.some(p => values[p.name] !== before[p.name])) {
      loop = loopOf(state, method, values);
      rest = restOf(loop.wiring);
    }
    before = values;
    Object.assign(loop, { beta: values.beta, lam: values.lam, values });
    const point = fixedPoint(loop, near, rest);
    if (point.reason) return NaN;
    near = point.opponent;
    return Math.hypot(...largest(multipliers(loop, near, false, rest)));
  };
}

/** Return ρ on n × n values of two parameters, a row for each value of the second. */
export function plane(state, method, values, [x, y], [xs, ys]) {
  const rho = radius(state, method), found = new Float32Array(xs.length * ys.length);
  const outer = y === "beta" || y === "lam" ? xs : ys; // the wiring changes as seldom as can be
  const inner = outer === xs ? ys : xs;
  outer.forEach((o, i) => inner.forEach((v, j) => {
    const at = outer === xs ? { [x]: o, [y]: v } : { [x]: v, [y]: o };
    found[outer === xs ? j * xs.length + i : i * xs.length + j] = rho({ ...values, ...at });
  }));
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
