// How a method wires a round: its coefficient rows, where it rests, its symbol.
// Twin of alignsim.feedback.methods.scheme.

const TOLERANCE = 1e-9, SINGULAR = 1e-13;

const unit = (length, at) => Array.from({ length }, (_, i) => +(i === at));
const size = v => Math.max(...v.map(Math.abs));
const evaluated = (polynomial, values) => polynomial.reduce(
  (sum, [c, ...names]) => sum + names.reduce((product, name) => product * values[name], c), 0);

/** Return the coefficient rows of a method: R, O (stages), N (slots) over (ref, slots, optima). */
export function wire(method, values) {
  const wiring = method.wirings.find(w => Object.entries(w.when).every(([k, v]) => values[k] === v));
  const D = method.slots.length, s = wiring.R.length;
  const rows = given => given.map(terms => {
    const row = new Array(1 + D + s).fill(0);
    for (const [place, polynomial] of terms) row[place] = evaluated(polynomial, values);
    return row;
  });
  const wired = { method, D, s, R: rows(wiring.R), O: rows(wiring.O), N: rows(wiring.N) };
  return Object.assign(wired, { rest: rest(wired), symbols: symbols(wired) });
}

/** Return what the stages play against and the new slots, as vectors over some basis: `words` are
 *  the reference and the slots; a stage that plays against a vector adds what `pulled` makes of it. */
function followed({ R, O, N }, words, pulled) {
  const known = [...words];
  const sum = row => known[0].map((_, k) => known.reduce((total, word, v) => total + row[v] * word[k], 0));
  const opponents = O.map((row, i) => {
    const against = sum(row), more = pulled(against);
    known.push(sum(R[i]).map((x, k) => x + more[k]));
    return against;
  });
  return [opponents, N.map(sum)];
}

/** Return the new slots as polynomials in x = ig, the gain of a mode: D numbers for each power. */
function symbols(wiring) {
  const { D, s } = wiring, length = (s + 1) * D;
  const slots = Array.from({ length: D }, (_, e) => unit(length, e));
  const timesX = v => [...new Array(D).fill(0), ...v.slice(0, -D)];
  return followed(wiring, [new Array(length).fill(0), ...slots], timesX)[1];
}

/** Solve Ax = b in place, A of n × n in rows; return the smallest pivot over the largest. */
export function solve(A, b, n) {
  let least = Infinity, most = 0;
  for (let c = 0; c < n; c++) {
    let p = c;
    for (let r = c + 1; r < n; r++) if (Math.abs(A[r * n + c]) > Math.abs(A[p * n + c])) p = r;
    if (p !== c) {
      for (let k = c; k < n; k++) [A[c * n + k], A[p * n + k]] = [A[p * n + k], A[c * n + k]];
      [b[c], b[p]] = [b[p], b[c]];
    }
    const pivot = A[c * n + c];
    least = Math.min(least, Math.abs(pivot));
    most = Math.max(most, Math.abs(pivot));
    for (let r = c + 1; r < n; r++) {
      const f = A[r * n + c] / pivot;
      for (let k = c + 1; k < n; k++) A[r * n + k] -= f * A[c * n + k];
      b[r] -= f * b[c];
    }
  }
  for (let c = n - 1; c >= 0; c--) {
    for (let k = c + 1; k < n; k++) b[c] -= A[c * n + k] * b[k];
    b[c] /= A[c * n + c];
  }
  return least / most;
}

/** Return how a method rests: held by the reference, loose or free, with gain and lift. */
function rest(wiring) {
  const { method, D } = wiring, last = D + 1; // the basis: the reference, the slots, one pull
  const words = Array.from({ length: 1 + D }, (_, v) => unit(D + 2, v));
  const [opponents, update] = followed(wiring, words, () => unit(D + 2, last));
  const held = update.flatMap((row, d) => unit(D, d).map((one, e) => one - row[1 + e]));
  const pulled = update.map(row => row[last]);
  const det = D === 1 ? held[0] : held[0] * held[3] - held[1] * held[2];
  const small = SINGULAR * size(held) ** D;
  const positions = method.slots.map(slot => slot === "start" || slot === "reference");
  if (update.some((row, d) => positions[d] && row[0] !== 0) && Math.abs(det) > small) {
    const lift = [...pulled];
    solve([...held], lift, D);
    const gains = opponents.map(row => row[last] + lift.reduce((sum, x, d) => sum + row[1 + d] * x, 0));
    const one = Math.max(...gains) - Math.min(...gains) <= TOLERANCE * (1 + size(gains));
    return { kind: one && gains[0] >= 0 ? "held" : "other", gain: gains[0], lift: lift[0] };
  }
  // what the pulls add is taken back by the slots only where it lies in the range of `held`
  const columns = unit(D, 0).map((_, e) => held.filter((_, i) => i % D === e));
  const widest = columns.reduce((a, b) => (Math.hypot(...b) > Math.hypot(...a) ? b : a));
  const width = Math.hypot(...widest), along = pulled.reduce((sum, x, d) => sum + x * widest[d], 0) / width ** 2;
  const left = D === 2 && Math.abs(det) > TOLERANCE * size(held) ** D ? [0]
    : width > TOLERANCE ? pulled.map((x, d) => x - along * widest[d]) : pulled;
  return { kind: size(left) > TOLERANCE * size(pulled) ? "loose" : "free", gain: NaN, lift: NaN };
}

/** Return the D multipliers of a mode with gain ig: eigenvalues of the symbol S(ig), D at most 2. */
export function multipliersOf({ D, symbols: rows }, g) {
  const entries = [];
  for (const row of rows) for (let e = 0; e < D; e++) {
    let re = 0, im = 0;
    for (let k = row.length - D + e; k >= 0; k -= D) [re, im] = [row[k] - g * im, g * re];
    entries.push([re, im]);
  }
  if (D === 1) return entries;
  const [a, b, c, d] = entries;
  const times = (u, v) => [u[0] * v[0] - u[1] * v[1], u[0] * v[1] + u[1] * v[0]];
  const plus = (u, v, sign = 1) => [u[0] + sign * v[0], u[1] + sign * v[1]];
  const half = plus(a, d).map(x => x / 2), apart = plus(a, d, -1).map(x => x / 2), crossed = times(b, c);
  const [x, y] = plus(times(apart, apart), crossed); // the eigenvalues are half ± √(x + iy)
  const large = Math.sqrt((Math.hypot(x, y) + Math.abs(x)) / 2), other = large === 0 ? 0 : y / (2 * large);
  const root = x >= 0 ? [large, other] : [Math.abs(other), y < 0 ? -large : large];
  const first = plus(half, root, half[0] * root[0] + half[1] * root[1] < 0 ? -1 : 1);
  const norm = first[0] ** 2 + first[1] ** 2;
  if (norm === 0) return [[0, 0], [0, 0]];
  const second = times(plus(times(a, d), crossed, -1), [first[0] / norm, -first[1] / norm]); // det / first
  return [first, second];
}
