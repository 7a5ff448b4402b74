// One picture, two papers: the same strokes on a canvas or as SVG.

/** Return a pen that draws on a canvas context, in CSS pixels. */
export function canvasPen(canvas, width, height) {
  const scale = Math.min(window.devicePixelRatio || 1, 2);
  const [w, h] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  const c = canvas.context ??= canvas.getContext("2d");
  c.setTransform(scale, 0, 0, scale, 0, 0);
  c.clearRect(0, 0, width, height);
  const trace = (lines, close) => {
    c.beginPath();
    for (const line of lines) {
      line.forEach(([x, y], i) => (i ? c.lineTo(x, y) : c.moveTo(x, y)));
      if (close) c.closePath();
    }
  };
  const paint = ({ fill, stroke, width: lineWidth = 1, dash = [], opacity = 1, join = "round" }) => {
    c.globalAlpha = opacity;
    if (fill) { c.fillStyle = fill; c.fill(); }
    if (stroke) {
      Object.assign(c, { strokeStyle: stroke, lineWidth, lineJoin: join, lineCap: join });
      c.setLineDash(dash);
      c.stroke();
    }
    c.globalAlpha = 1;
  };
  return {
    width, height,
    lines(lines, style) { trace(lines, style.close); paint(style); },
    dot(x, y, r, style) { c.beginPath(); c.arc(x, y, r, 0, 2 * Math.PI); paint(style); },
    dots(points, r, { fill, opacity }) { // squares of a circle's area: so small, they look the same
      const side = r * Math.sqrt(Math.PI);
      c.globalAlpha = opacity;
      c.fillStyle = fill;
      for (const [x, y] of points) c.fillRect(x - side / 2, y - side / 2, side, side);
      c.globalAlpha = 1;
    },
    text(x, y, words, { size = 12, fill, anchor = "start", weight = 400, turn = 0, halo, opacity = 1 }) {
      c.save();
      c.translate(x, y);
      c.rotate(turn);
      c.font = `${weight} ${size}px ${FONT}`;
      c.textAlign = { start: "left", middle: "center", end: "right" }[anchor];
      c.textBaseline = "alphabetic";
      c.globalAlpha = opacity;
      if (halo) { Object.assign(c, { strokeStyle: halo, lineWidth: 3, lineJoin: "round" }); c.strokeText(words, 0, 0); }
      c.fillStyle = fill;
      c.fillText(words, 0, 0);
      c.restore();
    },
    image(source, x, y, w, h, smooth = true, opacity = 1) {
      c.imageSmoothingEnabled = smooth;
      c.globalAlpha = opacity;
      c.drawImage(source, x, y, w, h);
      c.globalAlpha = 1;
    },
    clip(x, y, w, h, draw) {
      c.save();
      c.beginPath();
      c.rect(x, y, w, h);
      c.clip();
      draw();
      c.restore();
    },
  };
}

export const FONT = 'system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif';
const escaped = text => String(text).replace(/[&<>"]/g, c => `&#${c.charCodeAt(0)};`);

/** Return a pen that writes SVG; `parts` holds the elements. */
export function svgPen(width, height) {
  const parts = [], n = v => Number(v.toFixed(2));
  let clips = 0;
  const look = ({ fill = "none", stroke = "none", width: w = 1, dash = [], opacity = 1 }) => (
    `fill="${fill}" stroke="${stroke}" stroke-width="${w}"`
    + (dash.length ? ` stroke-dasharray="${dash}"` : "") + (opacity < 1 ? ` opacity="${opacity}"` : ""));
  return {
    width, height, parts,
    lines(lines, style) {
      const d = lines.map(line => `M${line.map(p => `${n(p[0])} ${n(p[1])}`).join("L")}${style.close ? "Z" : ""}`);
      if (d.length) parts.push(`<path d="${d.join("")}" stroke-linejoin="round" ${look(style)}/>`);
    },
    dots(points, r, style) { for (const [x, y] of points) this.dot(x, y, r, style); },
    dot(x, y, r, style) { parts.push(`<circle cx="${n(x)}" cy="${n(y)}" r="${r}" ${look(style)}/>`); },
    text(x, y, words, { size = 12, fill, anchor = "start", weight = 400, turn = 0, halo }) {
      const spin = turn ? ` transform="rotate(${n(turn * 180 / Math.PI)} ${n(x)} ${n(y)})"` : "";
      const edge = halo ? ` stroke="${halo}" stroke-width="3" paint-order="stroke"` : "";
      parts.push(`<text x="${n(x)}" y="${n(y)}" font-size="${size}" font-weight="${weight}" `
        + `text-anchor="${anchor}" fill="${fill}"${edge}${spin}>${escaped(words)}</text>`);
    },
    image(source, x, y, w, h, smooth = true, opacity = 1) {
      parts.push(`<image href="${source.toDataURL()}" x="${n(x)}" y="${n(y)}" width="${n(w)}" `
        + `height="${n(h)}" preserveAspectRatio="none" opacity="${opacity}"`
        + `${smooth ? "" : ' style="image-rendering:pixelated"'}/>`);
    },
    clip(x, y, w, h, draw) {
      const id = `clip${++clips}-${parts.length}-${n(width)}`;
      parts.push(`<clipPath id="${id}"><rect x="${n(x)}" y="${n(y)}" width="${n(w)}" `
        + `height="${n(h)}"/></clipPath><g clip-path="url(#${id})">`);
      draw();
      parts.push("</g>");
    },
  };
}

/** Return "nice" ticks of an axis. */
export function ticks(low, high, count = 5) {
  const raw = (high - low) / count, ten = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map(f => f * ten).find(f => f >= raw * 0.999);
  const found = [];
  for (let v = Math.ceil(low / step - 1e-9) * step; v <= high + step * 1e-9; v += step) {
    found.push(Number(v.toPrecision(12)));
  }
  return found;
}

/** Return line segments of each level set of a grid (n × n), in grid coordinates. */
export function contours(grid, n, levels) {
  const found = levels.map(() => []);
  for (let r = 0; r + 1 < n; r++) {
    for (let c = 0; c + 1 < n; c++) {
      const i = r * n + c, a = grid[i], b = grid[i + 1], d = grid[i + n], e = grid[i + n + 1];
      const least = Math.min(a, b, d, e), most = Math.max(a, b, d, e);
      if (!(most - least < Infinity)) continue; // one is no number
      for (let k = 0; k < levels.length; k++) {
        const level = levels[k], ends = [];
        if (level <= least || level > most) continue;
        if ((a < level) !== (b < level)) ends.push([c + (level - a) / (b - a), r]);
        if ((b < level) !== (e < level)) ends.push([c + 1, r + (level - b) / (e - b)]);
        if ((d < level) !== (e < level)) ends.push([c + (level - d) / (e - d), r + 1]);
        if ((a < level) !== (d < level)) ends.push([c, r + (level - a) / (d - a)]);
        for (let at = 0; at + 1 < ends.length; at += 2) found[k].push([ends[at], ends[at + 1]]);
      }
    }
  }
  return found;
}
