// How a method wires a round: its coefficient rows, where it rests, its symbol.
// Twin of alignsim.feedback.methods.scheme.

const TOLERANCE = 1e-9, SINGULAR = 1e-13;

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

/** Solve Ax = b in place by elimination; return the smallest pivot over the largest. */
export function eliminate(A, b) {
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

const RE = new Float64Array(64), IM = new Float64Array(64), S = new Float64Array(8);

/** Return the D multipliers of a mode with gain ig: eigenvalues of the symbol S(ig), D at most 2. */
export function symbol({ D, s, R, O, N }, g) {
  const first = 1 + D; // words of the vocabulary, D numbers each: slots are unit vectors
  for (let v = 0; v < first; v++) for (let e = 0; e < D; e++) {
    RE[v * D + e] = v === e + 1 ? 1 : 0;
    IM[v * D + e] = 0;
  }
  for (let i = 0; i < s; i++) for (let e = 0; e < D; e++) {
    let a = 0, b = 0, c = 0, d = 0;
    for (let v = 1; v < first + i; v++) {
      a += R[i][v] * RE[v * D + e];
      b += R[i][v] * IM[v * D + e];
      c += O[i][v] * RE[v * D + e];
      d += O[i][v] * IM[v * D + e];
    }
    RE[(first + i) * D + e] = a - g * d;
    IM[(first + i) * D + e] = b + g * c;
  }
  for (let d = 0; d < D; d++) for (let e = 0; e < D; e++) {
    let re = 0, im = 0;
    for (let v = 1; v < first + s; v++) {
      re += N[d][v] * RE[v * D + e];
      im += N[d][v] * IM[v * D + e];
    }
    S[2 * (d * D + e)] = re;
    S[2 * (d * D + e) + 1] = im;
  }
  if (D === 1) return [[S[0], S[1]]];
  const [a, b, c, d] = [0, 2, 4, 6].map(k => [S[k], S[k + 1]]), half = [(a[0] + d[0]) / 2, (a[1] + d[1]) / 2];
  const [p, q] = [(a[0] - d[0]) / 2, (a[1] - d[1]) / 2];
  const crossed = [b[0] * c[0] - b[1] * c[1], b[0] * c[1] + b[1] * c[0]];
  const [x, y] = [p * p - q * q + crossed[0], 2 * p * q + crossed[1]], size = Math.hypot(x, y);
  const re = Math.sqrt((size + Math.abs(x)) / 2), im = re === 0 ? 0 : y / (2 * re);
  const root = x >= 0 ? [re, im] : [Math.abs(im), y < 0 ? -re : re];
  const sign = half[0] * root[0] + half[1] * root[1] < 0 ? -1 : 1;
  const [u, w] = [half[0] + sign * root[0], half[1] + sign * root[1]], norm = u * u + w * w;
  if (norm === 0) return [[0, 0], [0, 0]];
  const det = [a[0] * d[0] - a[1] * d[1] - crossed[0], a[0] * d[1] + a[1] * d[0] - crossed[1]];
  return [[u, w], [(det[0] * u + det[1] * w) / norm, (det[1] * u - det[0] * w) / norm]];
}
