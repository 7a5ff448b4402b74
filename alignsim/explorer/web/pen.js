// One picture, two papers: the same strokes on a canvas or as SVG.

export const FONT = 'system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif';

/** Return a pen that draws on a canvas, in CSS pixels. */
export function canvasPen(canvas, width, height) {
  const scale = Math.min(window.devicePixelRatio || 1, 2);
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  const c = canvas.context ??= canvas.getContext("2d");
  c.setTransform(scale, 0, 0, scale, 0, 0);
  c.clearRect(0, 0, width, height);
  const paint = ({ fill, stroke, width: lineWidth = 1, dash = [], opacity = 1 }) => {
    Object.assign(c, { globalAlpha: opacity, fillStyle: fill, strokeStyle: stroke, lineWidth, lineJoin: "round", lineCap: "round" });
    c.setLineDash(dash);
    if (fill) c.fill();
    if (stroke) c.stroke();
  };
  return {
    width, height,
    lines(lines, style) {
      c.beginPath();
      for (const line of lines) {
        line.forEach(([x, y], i) => (i ? c.lineTo(x, y) : c.moveTo(x, y)));
        if (style.close) c.closePath();
      }
      paint(style);
    },
    dot(x, y, r, style) { c.beginPath(); c.arc(x, y, r, 0, 2 * Math.PI); paint(style); },
    dots(points, r, { fill, opacity = 1 }) { // squares of a circle's area: so small, they look the same
      const side = r * Math.sqrt(Math.PI);
      Object.assign(c, { globalAlpha: opacity, fillStyle: fill });
      for (const [x, y] of points) c.fillRect(x - side / 2, y - side / 2, side, side);
    },
    text(x, y, words, { size = 12, fill, anchor = "start", weight = 400, turn = 0, halo, opacity = 1 }) {
      c.save();
      c.translate(x, y);
      c.rotate(turn);
      Object.assign(c, { font: `${weight} ${size}px ${FONT}`, textAlign: anchor === "middle" ? "center" : anchor,
        globalAlpha: opacity, fillStyle: fill, strokeStyle: halo, lineWidth: 3, lineJoin: "round" });
      if (halo) c.strokeText(words, 0, 0);
      c.fillText(words, 0, 0);
      c.restore();
    },
    image(source, x, y, w, h, { smooth = true, opacity = 1 } = {}) {
      Object.assign(c, { imageSmoothingEnabled: smooth, globalAlpha: opacity });
      c.drawImage(source, x, y, w, h);
    },
  };
}

/** Return a pen that writes SVG; `parts` holds the elements. */
export function svgPen(width, height) {
  const parts = [], n = v => Number(v.toFixed(2));
  const escaped = text => String(text).replace(/[&<>"]/g, c => `&#${c.charCodeAt(0)};`);
  const look = ({ fill = "none", stroke = "none", width: w = 1, dash = [], opacity = 1 }) => (
    `fill="${fill}" stroke="${stroke}" stroke-width="${w}" stroke-linejoin="round" stroke-dasharray="${dash.join(" ") || "none"}" opacity="${opacity}"`);
  return {
    width, height, parts,
    lines(lines, style) {
      const d = lines.map(line => `M${line.map(p => `${n(p[0])} ${n(p[1])}`).join("L")}${style.close ? "Z" : ""}`);
      parts.push(`<path d="${d.join("")}" ${look(style)}/>`);
    },
    dot(x, y, r, style) { parts.push(`<circle cx="${n(x)}" cy="${n(y)}" r="${r}" ${look(style)}/>`); },
    dots(points, r, style) { for (const [x, y] of points) this.dot(x, y, r, style); },
    text(x, y, words, { size = 12, fill, anchor = "start", weight = 400, turn = 0, halo = "none", opacity = 1 }) {
      parts.push(`<text transform="translate(${n(x)} ${n(y)}) rotate(${n(turn * 180 / Math.PI)})" font-size="${size}" `
        + `font-weight="${weight}" text-anchor="${anchor}" fill="${fill}" stroke="${halo}" stroke-width="3" `
        + `paint-order="stroke" opacity="${opacity}">${escaped(words)}</text>`);
    },
    image(source, x, y, w, h, { smooth = true, opacity = 1 } = {}) {
      parts.push(`<image href="${source.toDataURL()}" x="${n(x)}" y="${n(y)}" width="${n(w)}" height="${n(h)}" `
        + `preserveAspectRatio="none" opacity="${opacity}" style="image-rendering:${smooth ? "auto" : "pixelated"}"/>`);
    },
  };
}

/** Return "nice" ticks of an axis. */
export function ticks(low, high, count = 5) {
  const raw = (high - low) / count, ten = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map(f => f * ten).find(f => f >= raw * 0.999), first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Return line segments of a level set of a grid (n × n), in grid coordinates. */
export function contour(grid, n, level) {
  const found = [];
  for (let r = 0; r + 1 < n; r++) {
    for (let c = 0; c + 1 < n; c++) {
      const i = r * n + c, a = grid[i], b = grid[i + 1], d = grid[i + n], e = grid[i + n + 1], ends = [];
      const low = Math.min(a, b, d, e), high = Math.max(a, b, d, e);
      if (!(level > low && level <= high && high < Infinity)) continue; // none, or one is no number
      if ((a < level) !== (b < level)) ends.push([c + (level - a) / (b - a), r]);
      if ((b < level) !== (e < level)) ends.push([c + 1, r + (level - b) / (e - b)]);
      if ((d < level) !== (e < level)) ends.push([c + (level - d) / (e - d), r + 1]);
      if ((a < level) !== (d < level)) ends.push([c, r + (level - a) / (d - a)]);
      for (let at = 0; at + 1 < ends.length; at += 2) found.push([ends[at], ends[at + 1]]);
    }
  }
  return found;
}
