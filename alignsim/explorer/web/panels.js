// The pictures. Each draws with a pen what a lane shows, and never asks where it draws.

import { contour, ticks } from "./pen.js";
import { parameter, range } from "./state.js";

const SERIES = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"];
const SERIES_DARK = ["#4BA3DB", "#F08A4B", "#33C39A", "#E2A0C4", "#F2BC4B", "#8CCBF0"];
const DASHES = [[], [6, 3], [2, 3], [8, 3, 2, 3], [4, 2], [1, 2]];
export const PHASES = { cycle: "#E3B23C", invariant_circle: "#EFA54A", locked: "#B4611B",
  chaotic: "#74283B", drifting: "#B07AA8", undecided: "#9A9A9A" };
const LEVELS = [0.5, 0.8, 0.9, 1, 1.2, 1.5, 2, 3];
export const series = (dark, i) => (dark ? SERIES_DARK : SERIES)[i % SERIES.length];

const THEMES = { // colours from ρ = 0 to 1 and from there on, and the two of hatching
  light: { calm: [[124, 178, 216], [232, 241, 248]], wild: [[253, 238, 214], [226, 134, 38]], hatch: [0xffb2b2b2, 0xffeeeeee] },
  dark: { calm: [[47, 104, 148], [22, 38, 54]], wild: [[64, 44, 22], [196, 112, 30]], hatch: [0xff5c5c5c, 0xff2c2c2c] } };
const STEPS = 160, COLOURS = 513;

/** Return the colours of ρ = 0, 1/STEPS, … as the words of an ImageData. */
function colours(theme) {
  return theme.colours ??= Uint32Array.from({ length: COLOURS }, (_, k) => {
    const rho = k / STEPS, [from, to] = rho < 1 ? theme.calm : theme.wild;
    const t = rho < 1 ? rho ** 2 : Math.min((rho - 1) / 1.6, 1) ** 0.75;
    return [0, 1, 2].reduceRight((word, i) => word * 256 + Math.round(from[i] + t * (to[i] - from[i])), 255);
  });
}

/** Return the frame of the plane: where it lies, and the maps between parameters and pixels. */
export function planeFrame(width, height, loop) {
  const box = { x: 46, y: 12, w: width - 46 - 14, h: height - 12 - 42 };
  const [[x0, x1], [y0, y1]] = loop.axes.map(name => range(loop, name));
  return { box, ends: [[x0, x1], [y0, y1]],
    px: v => box.x + box.w * (v - x0) / (x1 - x0), py: v => box.y + box.h * (1 - (v - y0) / (y1 - y0)),
    vx: p => x0 + (x1 - x0) * (p - box.x) / box.w, vy: p => y0 + (y1 - y0) * (1 - (p - box.y) / box.h) };
}

/** Draw ρ on a canvas of its own: interpolated to pixels first, coloured then. */
function landscape(canvas, { rho, n }, w, h, dark) {
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h, image: new ImageData(w, h) });
  const { image } = canvas, words = new Uint32Array(image.data.buffer), theme = THEMES[dark ? "dark" : "light"];
  const table = colours(theme), [line, ground] = theme.hatch, row = new Float64Array(n);
  const places = (length, flip) => Array.from({ length }, (_, i) => { // the value before, and the share of the next
    const at = (flip ? 1 - (i + 0.5) / length : (i + 0.5) / length) * (n - 1), before = Math.min(Math.floor(at), n - 2);
    return [before, at - before];
  });
  const across = places(w), left = Int32Array.from(across, p => p[0]), share = Float64Array.from(across, p => p[1]);
  places(h, true).forEach(([r, v], y) => {
    for (let q = 0; q < n; q++) row[q] = 0.5 + STEPS * ((1 - v) * rho[r * n + q] + v * rho[r * n + n + q]);
    for (let x = 0, at = y * w; x < w; x++, at++) {
      const q = left[x], value = row[q] + share[x] * (row[q + 1] - row[q]);
      words[at] = value >= 0 ? table[Math.min(value, COLOURS - 1) | 0] : (x + y) % 7 < 1 ? line : ground;
    }
  });
  (canvas.context ??= canvas.getContext("2d", { willReadFrequently: true })).putImageData(image, 0, 0);
  return canvas;
}

const sheet = (width = 0, height = 0) => Object.assign(document.createElement("canvas"), { width, height });

function mosaic({ codes, words, n }) {
  const canvas = sheet(n, n), c = canvas.getContext("2d");
  codes.forEach((code, i) => {
    c.fillStyle = PHASES[words[code]] ?? "transparent";
    c.fillRect(i % n, n - 1 - Math.floor(i / n), 1, 1);
  });
  return canvas;
}

const corners = box => [[box.x, box.y], [box.x + box.w, box.y], [box.x + box.w, box.y + box.h], [box.x, box.y + box.h]];

/** Draw a frame with ticks and labels. */
function axes(pen, box, look, { x, y, xs, ys, xLabel, yLabel, words = String }) {
  const style = { stroke: look.line }, base = box.y + box.h;
  pen.lines([corners(box)], { ...style, close: true });
  pen.lines([...xs.map(v => [[x(v), base], [x(v), base + 4]]), ...ys.map(v => [[box.x - 4, y(v)], [box.x, y(v)]])], style);
  for (const v of xs) pen.text(x(v), base + 17, words(v), { size: 11.5, fill: look.muted, anchor: "middle" });
  for (const v of ys) pen.text(box.x - 8, y(v) + 4, words(v), { size: 11.5, fill: look.muted, anchor: "end" });
  pen.text(box.x + box.w / 2, base + 35, xLabel, { size: box.w < 150 ? 11 : 13, fill: look.ink, anchor: "middle" });
  pen.text(box.x - 36, box.y + box.h / 2, yLabel, { size: 13, fill: look.ink, anchor: "middle", turn: yLabel.length > 2 ? -Math.PI / 2 : 0 });
}

/** Draw ρ over two parameters, its contour lines, and the classes of orbits. */
export function drawPlane(pen, look, lane) {
  const { loop, plane, classes } = lane, frame = planeFrame(pen.width, pen.height, loop), { box, ends } = frame;
  if (plane) {
    const { n } = plane, key = `${box.w}/${box.h}/${look.dark}`;
    if (plane.key !== key) {
      plane.picture = landscape(lane.sheet ??= sheet(), plane, Math.ceil(box.w / 2), Math.ceil(box.h / 2), look.dark);
      plane.contours ??= LEVELS.map(level => contour(plane.rho, n, level));
      plane.key = key;
    }
    pen.image(plane.picture, box.x, box.y, box.w, box.h);
    if (classes) {
      const [[x0, x1], [y0, y1]] = classes.ranges;
      pen.image(classes.picture ??= mosaic(classes), frame.px(x0), frame.py(y1), frame.px(x1) - frame.px(x0), frame.py(y0) - frame.py(y1),
        { smooth: false, opacity: look.dark ? 0.62 : 0.82 });
    }
    LEVELS.forEach((level, k) => {
      const main = level === 1, size = main ? 12.5 : 10.5;
      const lines = plane.contours[k].map(segment => segment.map(([c, r]) => (
        [box.x + c / (n - 1) * box.w, box.y + (1 - r / (n - 1)) * box.h])));
      pen.lines(lines, { stroke: look.ink, width: main ? 2 : 0.8, opacity: main ? 1 : 0.45 });
      const inside = lines.map(([a]) => a).filter(([x, y]) => x > box.x + 24 && x < box.x + box.w - 24
        && y > box.y + 14 && y < box.y + box.h - 14);
      if (inside.length < 4 || (classes && level > 1)) return;
      const [x, y] = inside[Math.floor(inside.length * (0.35 + 0.06 * k))];
      pen.text(x, y + 4, main ? "ρ = 1" : String(level), { size, weight: main ? 600 : 400, fill: look.ink,
        anchor: "middle", halo: look.card, opacity: main ? 1 : 0.8 });
    });
  }
  const [x, y] = [frame.px(loop.values[loop.axes[0]]), frame.py(loop.values[loop.axes[1]])];
  pen.lines([[[x, box.y], [x, box.y + box.h]], [[box.x, y], [box.x + box.w, y]]], { stroke: look.ink, dash: [2, 4], opacity: 0.5 });
  pen.dot(x, y, 7, { fill: look.ink, stroke: look.card, width: 3 });
  const [xLabel, yLabel] = loop.axes.map(name => parameter(loop, name).symbol);
  axes(pen, box, look, { x: frame.px, y: frame.py, xs: ticks(...ends[0], pen.width < 340 ? 4 : 6), ys: ticks(...ends[1]), xLabel, yLabel });
}

/** Return where the corners of a tetrahedron are seen, and how near. */
function tetrahedron(width, height, [yaw, pitch]) {
  const size = Math.min(width - 50, height - 50) / 3.2, [c, s, d, t] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
  return [[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]].map(([x, y, z]) => {
    const [u, w] = [c * x + s * z, c * z - s * x];
    return [width / 2 + size * u, height / 2 + 6 - size * (d * y - t * w), t * y + d * w];
  });
}

/** Return the frame of a simplex: from a policy to pixels, and back where that is possible. */
export function simplexFrame(width, height, { P, three, turn }) {
  const K = P.length, solid = K === 4 && three === null, shown = K === 2 ? [0, 1] : solid ? [0, 1, 2, 3] : three ?? [0, 1, 2];
  const side = Math.min(width - 56, (height - 62) * 2 / Math.sqrt(3)), tall = side * Math.sqrt(3) / 2;
  const left = (width - side) / 2, base = (height + tall) / 2;
  const places = solid ? tetrahedron(width, height, turn) : K === 2 ? [[width - 40, height / 2], [40, height / 2]]
    : [[left, base], [left + side, base], [left + side / 2, base - tall]];
  const total = p => shown.reduce((sum, k) => sum + p[k], 0);
  const to = p => [0, 1].map(axis => shown.reduce((sum, k, i) => sum + p[k] * places[i][axis], 0) / (total(p) || 1));
  const from = (x, y, now) => {
    const w = (base - y) / tall, v = (x - left - w * side / 2) / side, u = (x - 40) / (width - 80);
    const held = (K === 2 ? [u, 1 - u] : [1 - v - w, v, w]).map(p => Math.max(p, 1e-4)), sum = held.reduce((a, b) => a + b, 0);
    return Array.from(now, (p, k) => (shown.includes(k) ? held[shown.indexOf(k)] / sum * total(now) : p));
  };
  const back = solid ? places.reduce((far, v, i) => (v[2] < places[far][2] ? i : far), 0) : -1;
  const edges = hidden => places.flatMap((a, i) => places.slice(0, i).flatMap((b, j) => (
    [i, j].includes(back) === hidden ? [[a, b]] : [])));
  return { to, from: solid ? null : from, labels: shown.map((k, i) => [k, ...places[i]]), edges: edges(false), hidden: edges(true) };
}

/** Draw the orbit in the simplex: old rounds pale, the last ones dark; rest points by stability. */
export function drawSimplex(pen, look, lane) {
  const { state, answer, attractors, played } = lane, frame = simplexFrame(pen.width, pen.height, state);
  pen.lines(frame.hidden, { stroke: look.line, dash: [3, 4] });
  pen.lines(frame.edges, { stroke: look.line, width: 1.2 });
  for (const [k, x, y] of frame.labels) {
    const anchor = x < pen.width * 0.34 ? "start" : x > pen.width * 0.66 ? "end" : "middle";
    const at = { start: Math.max(x - 20, 4), end: Math.min(x + 20, pen.width - 4), middle: x }[anchor];
    pen.text(at, y < pen.height / 2 ? y - 8 : y + 18, short(state.labels[k], pen.width < 340 ? 11 : 22), { size: 12.5, fill: look.ink, anchor });
  }
  if (!answer) return;
  const { orbit } = answer, M = orbit.responses.length, total = orbit.entropies.length, { accent, card, ink } = look;
  const points = (first, end) => Array.from({ length: end - first }, (_, i) => {
    const p = new Float64Array(orbit.size);
    orbit.responses.forEach((k, m) => { p[k] = orbit.policies[(first + i) * M + m]; });
    return frame.to(p);
  });
  if (attractors) {
    attractors.list.forEach((found, i) => {
      const K = orbit.size, style = { fill: series(look.dark, i), opacity: 0.9 };
      const ends = Array.from({ length: found.points.length / K }, (_, k) => frame.to(found.points.subarray(k * K, k * K + K)));
      if (found.period === 1) ends.forEach(([x, y]) => pen.dot(x, y, 6, style));
      else pen.dots(ends, 1.8, style);
    });
  } else if (played === null) {
    const early = points(0, Math.min(total, 400));
    pen.lines([early.slice(0, 120)], { stroke: accent, opacity: 0.28 });
    pen.dots(early, 1.5, { fill: accent, opacity: 0.3 });
    pen.dots(points(Math.max(total - 600, 0), total), 1.7, { fill: ink, opacity: 0.8 });
  } else {
    const seen = points(0, played + 1);
    pen.lines([seen.slice(-25)], { stroke: accent, width: 1.6, opacity: 0.55 });
    pen.dots(seen, 1.6, { fill: accent, opacity: 0.3 });
    pen.dot(...seen.at(-1), 5, { fill: accent, stroke: card, width: 1.5 });
  }
  if (frame.from) {
    const at = frame.to(lane.start());
    pen.dot(...at, 7, { stroke: card, width: 5 });
    pen.dot(...at, 7, { stroke: accent, width: 2.5 });
  }
  for (const { policy, stable } of answer.points) {
    const [x, y] = frame.to(policy);
    pen.dot(x, y, 7.5, { fill: card, opacity: 0.9 });
    pen.dot(x, y, 6, { stroke: ink, width: 2, fill: stable ? ink : null });
    if (!stable) pen.lines([[[x - 3.5, y - 3.5], [x + 3.5, y + 3.5]], [[x - 3.5, y + 3.5], [x + 3.5, y - 3.5]]], { stroke: ink, width: 1.6 });
  }
}

const short = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

/** Draw the multipliers beside the unit circle, with the trail that they left. */
export function drawMultipliers(pen, look, lane) {
  const { trail } = lane, multipliers = lane.answer?.multipliers ?? [], size = Math.min(pen.width, pen.height);
  const far = Math.max(1.25, ...multipliers.map(m => Math.min(Math.hypot(...m) * 1.12, 4)));
  const unit = (size / 2 - 14) / far, [cx, cy] = [pen.width / 2, pen.height / 2], at = cx + unit * Math.SQRT1_2;
  const to = ([re, im]) => [cx + unit * re, cy - unit * im], style = { size: 11, fill: look.muted, anchor: "end" };
  pen.dot(cx, cy, unit, { fill: look.calm, stroke: look.ink, width: 1.5 });
  pen.lines([[[4, cy], [pen.width - 4, cy]], [[cx, 4], [cx, pen.height - 4]]], { stroke: look.line });
  pen.text(pen.width - 4, cy - 5, "Re", style);
  pen.text(cx + 5, 14, "Im", { ...style, anchor: "start" });
  pen.text(at - 3, cy + at - cx - 5, "1", style);
  trail.forEach((set, i) => pen.dots(set.map(to), 1.8, { fill: look.accent, opacity: 0.08 + 0.4 * (i + 1) / trail.length }));
  for (const m of multipliers) {
    pen.dot(...to(m), 5.5, { fill: Math.hypot(...m) >= 1 ? look.warm : look.accent, stroke: look.card, width: 1.5 });
  }
}

const grouped = new Intl.NumberFormat("en").format;
const WINDOW = 5; // rounds to either side, at least, but for the first ones

/** Return least and most about each of some rounds, evenly spread over their logarithm. */
function bands(value, total, bins) {
  return Array.from({ length: bins }, (_, b) => {
    const at = Math.floor(total ** (b / (bins - 1))) - 1, half = Math.max(Math.min(WINDOW, at >> 1), Math.round(at * 0.05));
    let [least, most] = [Infinity, -Infinity];
    for (let t = Math.max(at - half, 0); t <= at + half && t < total; t++) {
      const v = value(t);
      least = Math.min(least, v);
      most = Math.max(most, v);
    }
    return [at + 1, least, most];
  });
}

/** Draw policies and entropy: the first 100 rounds as lines, all of them as min–max bands. */
export function drawRounds(pen, look, { answer, state }) {
  const narrow = pen.width < 520, left = 46, gap = narrow ? 30 : 46, w = (pen.width - left - gap - 10) / 2, tall = pen.height - 84;
  const orbit = answer?.orbit ?? { policies: [], entropies: [], responses: [] }, M = orbit.responses.length;
  const total = orbit.entropies.length || 3001, first = Math.min(100, total - 1);
  const named = orbit.responses.map((k, i) => ({ label: state.labels[k], value: t => orbit.policies[t * M + i],
    stroke: series(look.dark, i), dash: DASHES[i % DASHES.length], opacity: 0.22 }));
  const rows = [
    { y0: 22, h: tall * 0.6, most: 1, label: "probability", count: 4, drawn: named },
    { y0: tall * 0.6 + 44, h: tall * 0.4, most: Math.max(Math.log(state.P.length), 1e-9), label: "entropy", count: 2,
      drawn: answer ? [{ value: t => orbit.entropies[t], stroke: look.ink, dash: [], opacity: 0.3 }] : [] }];
  const sides = [
    { x0: left, x: t => t / first, xs: ticks(0, first, narrow ? 3 : 5), label: `the first ${first}` },
    { x0: left + w + gap, x: t => Math.log(t) / Math.log(total), xs: (narrow ? [1, 10, 1000] : [1, 10, 100, 1000]).filter(t => t < total),
      label: `all ${grouped(total - 1)}, least to most` }];
  rows.forEach(({ y0, h, most, label, count, drawn }, row) => sides.forEach((side, all) => {
    const x = t => side.x0 + w * side.x(t), y = v => y0 + h * (1 - v / most);
    for (const { value, stroke, dash, opacity } of drawn) {
      if (all) {
        const band = bands(value, total, Math.max(40, Math.round(w / 2)));
        const upper = band.map(([t, , v]) => [x(t), y(v)]), lower = band.map(([t, v]) => [x(t), y(v)]).reverse();
        pen.lines([[...upper, ...lower]], { fill: stroke, opacity, close: true });
        pen.lines([upper, lower], { stroke, opacity: 0.75 });
      } else { // wider lines, dashed, take longer than all the rest
        pen.lines([Array.from({ length: first + 1 }, (_, t) => [x(t), y(value(t))])], { stroke, dash });
      }
    }
    axes(pen, { x: side.x0, y: y0, w, h }, look, { x, y, xs: row ? side.xs : [], ys: all ? [] : ticks(0, most, count), words: grouped,
      xLabel: row ? `${narrow ? "" : "round, "}${side.label}` : "", yLabel: all ? "" : label });
  }));
  let at = left;
  for (const { label, stroke, dash } of named) {
    const words = short(label, narrow ? 10 : 18), room = 38 + 6.6 * words.length;
    if (at + room > pen.width + 8) return;
    pen.lines([[[at, 10], [at + 18, 10]]], { stroke, width: 2, dash });
    pen.text(at + 23, 14, words, { size: 12, fill: look.ink });
    at += room;
  }
}
