// The pictures. Each draws with a pen what a lane shows, and never asks where it draws.

import { canvasPen, contours, ticks } from "./pen.js";
import { parameter, range } from "./state.js";

export const SERIES = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"];
const SERIES_DARK = ["#4BA3DB", "#F08A4B", "#33C39A", "#E2A0C4", "#F2BC4B", "#8CCBF0"];
const DASHES = [[], [6, 3], [2, 3], [8, 3, 2, 3], [4, 2], [1, 2]];
export const PHASES = { cycle: "#E3B23C", invariant_circle: "#EFA54A", locked: "#B4611B",
  chaotic: "#74283B", drifting: "#B07AA8", undecided: "#9A9A9A" };
const LEVELS = [0.5, 0.8, 0.9, 1, 1.2, 1.5, 2, 3];
export const series = (dark, i) => (dark ? SERIES_DARK : SERIES)[i % SERIES.length];

const SCALES = {
  light: { calm: [[124, 178, 216], [232, 241, 248]], wild: [[253, 238, 214], [226, 134, 38]] },
  dark: { calm: [[47, 104, 148], [22, 38, 54]], wild: [[64, 44, 22], [196, 112, 30]] },
};

function shade(rho, dark) {
  const { calm, wild } = SCALES[dark ? "dark" : "light"];
  const [from, to] = rho < 1 ? calm : wild;
  const t = rho < 1 ? rho ** 2 : Math.min((rho - 1) / 1.6, 1) ** 0.75;
  return from.map((v, i) => v + t * (to[i] - v));
}

/** Return the frame of the plane: where it lies, and the maps between parameters and pixels. */
export function planeFrame(width, height, loop) {
  const box = { x: 46, y: 12, w: width - 46 - 14, h: height - 12 - 42 };
  const [[x0, x1], [y0, y1]] = loop.axes.map(name => range(loop, name));
  return { box,
    px: v => box.x + box.w * (v - x0) / (x1 - x0), py: v => box.y + box.h * (1 - (v - y0) / (y1 - y0)),
    vx: p => x0 + (x1 - x0) * (p - box.x) / box.w, vy: p => y0 + (y1 - y0) * (1 - (p - box.y) / box.h) };
}

const sheet = () => document.createElement("canvas");

const STEPS = 160, HATCH = { light: [0xffb2b2b2, 0xffeeeeee], dark: [0xff5c5c5c, 0xff2c2c2c] }, TABLES = {};

/** Return the colours of ρ = 0, 1/STEPS, … as the words of an ImageData. */
function colours(theme) {
  return TABLES[theme] ??= Uint32Array.from({ length: 513 }, (_, k) => (
    shade(k / STEPS, theme === "dark").reduceRight((word, v) => word * 256 + Math.round(v), 255)));
}

/** Draw ρ on a canvas of its own: interpolated to pixels first, coloured then. */
function landscape(canvas, rho, n, w, h, dark) {
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  const c = canvas.context ??= canvas.getContext("2d", { willReadFrequently: true });
  if (canvas.image?.width !== w || canvas.image.height !== h) canvas.image = c.createImageData(w, h);
  const { image } = canvas, words = new Uint32Array(image.data.buffer);
  const theme = dark ? "dark" : "light", table = colours(theme), [line, ground] = HATCH[theme];
  const left = new Int32Array(w), share = new Float64Array(w), row = new Float64Array(n);
  for (let x = 0; x < w; x++) {
    const gx = (x + 0.5) / w * (n - 1);
    left[x] = Math.min(Math.floor(gx), n - 2);
    share[x] = gx - left[x];
  }
  for (let y = 0; y < h; y++) {
    const gy = (1 - (y + 0.5) / h) * (n - 1), r = Math.min(Math.floor(gy), n - 2), v = gy - r;
    for (let q = 0; q < n; q++) row[q] = 0.5 + STEPS * ((1 - v) * rho[r * n + q] + v * rho[r * n + n + q]);
    for (let x = 0, at = y * w; x < w; x++, at++) {
      const q = left[x], value = row[q] + share[x] * (row[q + 1] - row[q]);
      if (value < 512) words[at] = table[value | 0];
      else words[at] = value === value ? table[512] : (x + y) % 7 < 1 ? line : ground;
    }
  }
  c.putImageData(image, 0, 0);
  return canvas;
}

function mosaic({ codes, words, n }) {
  const canvas = Object.assign(sheet(), { width: n, height: n }), c = canvas.getContext("2d");
  codes.forEach((code, i) => {
    if (!PHASES[words[code]]) return;
    c.fillStyle = PHASES[words[code]];
    c.fillRect(i % n, n - 1 - Math.floor(i / n), 1, 1);
  });
  return canvas;
}

function axes(pen, box, look, { x, y, xs, ys, xLabel, yLabel, xWords = String, yWords = String }) {
  const style = { stroke: look.line, width: 1 };
  for (const v of xs) {
    pen.lines([[[x(v), box.y + box.h], [x(v), box.y + box.h + 4]]], style);
    pen.text(x(v), box.y + box.h + 17, xWords(v), { size: 11.5, fill: look.muted, anchor: "middle" });
  }
  for (const v of ys) {
    pen.lines([[[box.x - 4, y(v)], [box.x, y(v)]]], style);
    pen.text(box.x - 8, y(v) + 4, yWords(v), { size: 11.5, fill: look.muted, anchor: "end" });
  }
  if (xLabel) pen.text(box.x + box.w / 2, box.y + box.h + 35, xLabel, { size: box.w < 150 ? 11 : 13, fill: look.ink, anchor: "middle" });
  const turn = yLabel?.length > 2 ? -Math.PI / 2 : 0;
  if (yLabel) pen.text(box.x - 36, box.y + box.h / 2, yLabel, { size: 13, fill: look.ink, anchor: "middle", turn });
}

const corners = box => [[box.x, box.y], [box.x + box.w, box.y], [box.x + box.w, box.y + box.h], [box.x, box.y + box.h]];

/** Draw ρ over two parameters, its contour lines, and the classes of orbits. */
export function drawPlane(pen, look, lane) {
  const { loop, plane, classes } = lane, frame = planeFrame(pen.width, pen.height, loop), { box } = frame;
  const [[x0, x1], [y0, y1]] = loop.axes.map(name => range(loop, name));
  if (plane) {
    const { rho, n } = plane, key = `${box.w}/${box.h}/${look.dark}`;
    if (plane.key !== key) {
      plane.key = key;
      plane.picture = landscape(lane.sheet ??= sheet(), rho, n, Math.ceil(box.w / 2), Math.ceil(box.h / 2), look.dark);
      plane.contours ??= contours(rho, n, LEVELS);
    }
    pen.image(plane.picture, box.x, box.y, box.w, box.h);
    if (classes) pen.image(classes.picture ??= mosaic(classes), box.x, box.y, box.w, box.h, false, look.dark ? 0.62 : 0.82);
    const to = ([c, r]) => [box.x + c / (n - 1) * box.w, box.y + (1 - r / (n - 1)) * box.h];
    pen.clip(box.x, box.y, box.w, box.h, () => {
      LEVELS.forEach((level, k) => {
        const lines = plane.contours[k].map(segment => segment.map(to));
        if (!lines.length) return;
        const main = level === 1;
        pen.lines(lines, { stroke: look.ink, width: main ? 2 : 0.8, opacity: main ? 1 : 0.45 });
        const at = label(lines, box, k);
        if (at && !(classes && level > 1)) {
          pen.text(at[0], at[1] + 4, main ? "ρ = 1" : String(level), {
            size: main ? 12.5 : 10.5, weight: main ? 600 : 400, fill: look.ink, anchor: "middle",
            halo: look.card, opacity: main ? 1 : 0.8 });
        }
      });
    });
  }
  pen.lines([corners(box)], { stroke: look.line, close: true });
  const [x, y] = [frame.px(loop.values[loop.axes[0]]), frame.py(loop.values[loop.axes[1]])];
  pen.lines([[[x, box.y], [x, box.y + box.h]], [[box.x, y], [box.x + box.w, y]]], { stroke: look.ink, dash: [2, 4], opacity: 0.5 });
  pen.dot(x, y, 7, { fill: look.ink, stroke: look.card, width: 3 });
  const [xp, yp] = loop.axes.map(name => parameter(loop, name));
  axes(pen, box, look, { x: frame.px, y: frame.py, xs: ticks(x0, x1, pen.width < 340 ? 4 : 6), ys: ticks(y0, y1),
    xLabel: xp.symbol, yLabel: yp.symbol });
}

/** Return where a contour's label fits: on its middle segment that is well inside the frame. */
function label(lines, box, k) {
  const inside = lines.map(([a]) => a).filter(([x, y]) => x > box.x + 24 && x < box.x + box.w - 24
    && y > box.y + 14 && y < box.y + box.h - 14);
  return inside.length > 3 ? inside[Math.floor(inside.length * (0.35 + 0.06 * k))] : null;
}

/** Return the frame of a simplex: from a policy to pixels, and back where that is possible. */
export function simplexFrame(width, height, state) {
  const K = state.P.length;
  if (state.three === null && K === 4) return tetrahedron(width, height, state.turn);
  const side = Math.min(width - 56, (height - 62) * 2 / Math.sqrt(3)), tall = side * Math.sqrt(3) / 2;
  const left = (width - side) / 2, base = (height + tall) / 2;
  if (K === 2) {
    const y = height / 2, x = p => 40 + (width - 80) * p;
    return { labels: [[1, x(0), y], [0, x(1), y]], edges: [[[x(0), y], [x(1), y]]],
      to: p => [x(p[0]), y], from: px => { const p = Math.min(Math.max((px - 40) / (width - 80), 0), 1); return [p, 1 - p]; } };
  }
  const [a, b, c] = state.three ?? [0, 1, 2];
  const place = [[left, base], [left + side, base], [left + side / 2, base - tall]];
  const to = p => {
    const sum = p[a] + p[b] + p[c] || 1;
    const [u, v, w] = [p[a] / sum, p[b] / sum, p[c] / sum];
    return [place[0][0] * u + place[1][0] * v + place[2][0] * w, place[0][1] * u + place[1][1] * v + place[2][1] * w];
  };
  const from = (x, y, now) => {
    const w = (base - y) / tall, v = (x - left - w * side / 2) / side;
    const held = [1 - v - w, v, w].map(p => Math.max(p, 1e-4)), sum = held[0] + held[1] + held[2];
    const total = now[a] + now[b] + now[c], next = Array.from(now);
    [a, b, c].forEach((k, i) => { next[k] = held[i] / sum * total; });
    return next;
  };
  return { to, from, labels: [[a, ...place[0]], [b, ...place[1]], [c, ...place[2]]],
    edges: [[place[0], place[1]], [place[1], place[2]], [place[2], place[0]]] };
}

function tetrahedron(width, height, [yaw, pitch]) {
  const V = [[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], size = Math.min(width - 50, height - 50) / 3.2;
  const seen = V.map(([x, y, z]) => {
    const [c, s] = [Math.cos(yaw), Math.sin(yaw)], [d, t] = [Math.cos(pitch), Math.sin(pitch)];
    const [u, w] = [c * x + s * z, c * z - s * x];
    return [width / 2 + size * u, height / 2 + 6 - size * (d * y - t * w), t * y + d * w];
  });
  const back = seen.reduce((m, v, i) => (v[2] < seen[m][2] ? i : m), 0);
  const edges = [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]];
  return {
    to: p => [0, 1].map(k => seen.reduce((sum, v, i) => sum + p[i] * v[k], 0)), from: null,
    labels: seen.map(([x, y], i) => [i, x, y]),
    edges: edges.filter(e => !e.includes(back)).map(e => e.map(i => seen[i])),
    hidden: edges.filter(e => e.includes(back)).map(e => e.map(i => seen[i])) };
}

const policyAt = (orbit, t) => {
  const M = orbit.responses.length, p = new Float64Array(orbit.size);
  orbit.responses.forEach((k, i) => { p[k] = orbit.policies[t * M + i]; });
  return p;
};

/** Draw the orbit in the simplex: old rounds pale, the last ones dark; rest points by stability. */
export function drawSimplex(pen, look, lane) {
  const { state, answer, attractors, played } = lane, frame = simplexFrame(pen.width, pen.height, state);
  pen.lines(frame.hidden ?? [], { stroke: look.line, dash: [3, 4] });
  pen.lines(frame.edges, { stroke: look.line, width: 1.2 });
  for (const [k, x, y] of frame.labels) {
    const top = y < pen.height / 2, wide = pen.width < 340 ? 11 : 22;
    const anchor = x < pen.width * 0.34 ? "start" : x > pen.width * 0.66 ? "end" : "middle";
    pen.text(anchor === "start" ? Math.max(x - 20, 4) : anchor === "end" ? Math.min(x + 20, pen.width - 4) : x,
      top ? y - 8 : y + 18, short(state.labels[k], wide), { size: 12.5, fill: look.ink, anchor });
  }
  if (!answer) return;
  const { orbit } = answer, total = orbit.entropies.length;
  const point = t => frame.to(policyAt(orbit, t));
  if (attractors) {
    attractors.list.forEach((found, i) => {
      const M = orbit.size, style = { fill: series(look.dark, i), opacity: 0.9 };
      const points = Array.from({ length: found.points.length / M }, (_, k) => frame.to(found.points.subarray(k * M, k * M + M)));
      if (found.period === 1) points.forEach(([x, y]) => pen.dot(x, y, 6, style));
      else pen.dots(points, 1.8, style);
    });
  } else if (played === null) {
    const early = Math.min(total, 400), late = Math.max(total - 600, 0);
    pen.lines([Array.from({ length: Math.min(early, 120) }, (_, t) => point(t))], { stroke: look.accent, width: 1, opacity: 0.28 });
    const points = (from, end) => Array.from({ length: end - from }, (_, i) => point(from + i));
    pen.dots(points(0, early), 1.5, { fill: look.accent, opacity: 0.3 });
    pen.dots(points(late, total), 1.7, { fill: look.ink, opacity: 0.8 });
  } else {
    const first = Math.max(0, played - 24);
    pen.lines([Array.from({ length: played - first + 1 }, (_, i) => point(first + i))], { stroke: look.accent, width: 1.6, opacity: 0.55 });
    for (let t = 0; t <= played; t++) pen.dot(...point(t), 1.6, { fill: look.accent, opacity: 0.3 });
    pen.dot(...point(played), 5, { fill: look.accent, stroke: look.card, width: 1.5 });
  }
  if (frame.from) {
    const [x, y] = frame.to(lane.start());
    pen.dot(x, y, 7, { stroke: look.card, width: 5 });
    pen.dot(x, y, 7, { stroke: look.accent, width: 2.5 });
  }
  for (const rest of answer.points) mark(pen, look, frame.to(rest.policy), rest.stable);
}

function mark(pen, look, [x, y], stable) {
  const r = 6;
  pen.dot(x, y, r + 1.5, { fill: look.card, opacity: 0.9 });
  pen.dot(x, y, r, { stroke: look.ink, width: 2, fill: stable ? look.ink : null });
  if (!stable) pen.lines([[[x - 3.5, y - 3.5], [x + 3.5, y + 3.5]], [[x - 3.5, y + 3.5], [x + 3.5, y - 3.5]]], { stroke: look.ink, width: 1.6 });
}

export const short = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

/** Draw the multipliers beside the unit circle, with the trail that they left. */
export function drawMultipliers(pen, look, lane) {
  const { answer, trail } = lane, size = Math.min(pen.width, pen.height);
  const far = Math.max(1.25, ...(answer?.multipliers ?? []).map(m => Math.min(Math.hypot(...m) * 1.12, 4)));
  const unit = (size / 2 - 14) / far, [cx, cy] = [pen.width / 2, pen.height / 2];
  const to = ([re, im]) => [cx + unit * re, cy - unit * im];
  pen.dot(cx, cy, unit, { fill: look.calm, stroke: look.ink, width: 1.5 });
  pen.lines([[[4, cy], [pen.width - 4, cy]], [[cx, 4], [cx, pen.height - 4]]], { stroke: look.line });
  pen.text(pen.width - 4, cy - 5, "Re", { size: 11, fill: look.muted, anchor: "end" });
  pen.text(cx + 5, 14, "Im", { size: 11, fill: look.muted });
  pen.text(cx + unit * Math.SQRT1_2 - 3, cy + unit * Math.SQRT1_2 - 5, "1", { size: 11, fill: look.muted, anchor: "end" });
  trail.forEach((set, i) => set.forEach(m => pen.dot(...to(m), 1.8, { fill: look.accent, opacity: 0.08 + 0.4 * (i + 1) / trail.length })));
  for (const m of answer?.multipliers ?? []) {
    const out = Math.hypot(...m) >= 1, [x, y] = to(m);
    pen.dot(x, y, 5.5, { fill: out ? look.warm : look.accent, stroke: look.card, width: 1.5 });
  }
}

const grouped = new Intl.NumberFormat("en").format;
const WINDOW = 5; // rounds to either side, at least, but for the first ones

/** Return least and most about each of some rounds, evenly spread over their logarithm. */
function bands(values, stride, offset, bins) {
  const total = values.length / stride, found = [];
  for (let b = 0; b < bins; b++) {
    const at = Math.floor(total ** (b / (bins - 1))) - 1, half = Math.max(Math.min(WINDOW, at >> 1), Math.round(at * 0.05));
    let least = Infinity, most = -Infinity;
    for (let t = Math.max(at - half, 0); t <= at + half && t < total; t++) {
      const v = values[t * stride + offset];
      least = Math.min(least, v);
      most = Math.max(most, v);
    }
    found.push([at + 1, least, most]);
  }
  return found;
}

/** Draw policies and entropy: the first 100 rounds as lines, all of them as min–max bands. */
export function drawRounds(pen, look, lane) {
  const { answer, state } = lane, K = state.P.length, narrow = pen.width < 520;
  const left = 46, gap = narrow ? 30 : 46, wide = (pen.width - left - gap - 10) / 2, tall = pen.height - 84;
  const rows = [[22, tall * 0.6], [22 + tall * 0.6 + 22, tall * 0.4]];
  const total = answer ? answer.orbit.entropies.length - 1 : 3000, first = Math.min(100, total);
  const top = Math.max(Math.log(K), 1e-9);
  rows.forEach(([y0, h], row) => {
    const most = row ? top : 1, y = v => y0 + h * (1 - v / most);
    const boxes = [{ x: left, y: y0, w: wide, h }, { x: left + wide + gap, y: y0, w: wide, h }];
    boxes.forEach((box, side) => {
      const x = side ? t => box.x + box.w * Math.log(t) / Math.log(total + 1) : t => box.x + box.w * t / first;
      if (answer) {
        const { orbit } = answer, M = orbit.responses.length;
        const drawn = row ? [[orbit.entropies, 1, 0, look.ink, []]]
          : orbit.responses.map((k, i) => [orbit.policies, M, i, series(look.dark, i), DASHES[i % DASHES.length]]);
        pen.clip(box.x, box.y - 2, box.w, box.h + 4, () => {
          for (const [values, stride, offset, stroke, dash] of drawn) {
            if (side) {
              const band = bands(values, stride, offset, Math.max(40, Math.round(box.w / 2)));
              const upper = band.map(([t, , v]) => [x(t), y(v)]), lower = band.map(([t, v]) => [x(t), y(v)]).reverse();
              pen.lines([[...upper, ...lower]], { fill: stroke, opacity: row ? 0.3 : 0.22, close: true });
              pen.lines([upper, lower], { stroke, width: 1, opacity: 0.75 });
            } else {
              const line = Array.from({ length: first + 1 }, (_, t) => [x(t), y(values[t * stride + offset])]);
              pen.lines([line], { stroke, dash }); // wider ones, dashed, take longer than all the rest
            }
          }
        });
      }
      pen.lines([corners(box)], { stroke: look.line, close: true });
      axes(pen, box, look, { x, y, xs: row ? (side ? (narrow ? [1, 10, 1000] : [1, 10, 100, 1000]).filter(t => t <= total) : ticks(0, first, narrow ? 3 : 5)) : [],
        ys: side ? [] : ticks(0, most, row ? 2 : 4), yLabel: side ? "" : row ? "entropy" : "probability",
        xLabel: row ? (side ? `${narrow ? "" : "round, "}all ${grouped(total)}, least to most` : `${narrow ? "" : "round, "}the first ${first}`) : "", xWords: grouped });
    });
  });
  if (!answer) return;
  let at = left;
  answer.orbit.responses.forEach((k, i) => {
    const words = short(state.labels[k], narrow ? 10 : 18), stroke = series(look.dark, i);
    const room = 30 + 6.6 * words.length;
    if (at + room > pen.width) return;
    pen.lines([[[at, 10], [at + 18, 10]]], { stroke, width: 2, dash: DASHES[i % DASHES.length] });
    pen.text(at + 23, 14, words, { size: 12, fill: look.ink });
    at += room + 8;
  });
}

/** Draw on a canvas of the page, at its size there. */
export function onCanvas({ canvas, draw, size: [width, height] }, look, lane) {
  if (width > 20 && height > 20) draw(canvasPen(canvas, width, height), look, lane);
}
