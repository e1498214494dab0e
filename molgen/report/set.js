// The set as a whole: a scatter plot (properties, scores, or the map of chemical space) with a lasso, and histograms.

const PLOT = { width: 640, height: 440, left: 58, bottom: 44, top: 12, right: 14 };
let plotted = null; // where each row stands on the canvas, for the lasso
let path = [];

function buildSet() {
  const numbers = report.columns.filter((column) => column.kind === "number" && column.key !== "likeness");
  const options = () => numbers.map((column) => el("option", { value: column.key }, column.label));
  const axis = (id, key) => { const select = el("select", { id, onchange: updateSet }, ...options()); select.value = key; return select; };
  const across = axis("set-x", report.components.length > 1 && columns.has(report.components[1]) ? report.components[1] : "score");
  across.prepend(el("option", { value: "map" }, "map of chemical space"));
  byId("set-controls").append(
    field("Across", across),
    field("Up", axis("set-y", columns.has(report.components[0]) ? report.components[0] : "score")),
    toggle("pareto", "Mark the Pareto front", false, updateSet),
    el("button", { type: "button", id: "lasso-clear", onclick: () => { state.lasso = null; update(); } }, "Clear lasso"));
  const canvas = byId("scatter");
  canvas.addEventListener("pointerdown", (event) => { path = [here(event)]; canvas.setPointerCapture(event.pointerId); });
  canvas.addEventListener("pointermove", (event) => { if (path.length) { path.push(here(event)); drawScatter(); } });
  canvas.addEventListener("pointerup", (event) => { path.push(here(event)); choose(); });
}

function here(event) {
  const box = event.currentTarget.getBoundingClientRect();
  return [((event.clientX - box.left) * PLOT.width) / box.width, ((event.clientY - box.top) * PLOT.height) / box.height];
}

/** What the lasso holds becomes a filter; a click without a lasso opens the nearest point. */
function choose() {
  const loop = path;
  path = [];
  const rows = [...plotted.rows];
  const [x, y] = [plotted.x, plotted.y];
  const extent = Math.max(...loop.map((p) => p[0])) - Math.min(...loop.map((p) => p[0])) + Math.max(...loop.map((p) => p[1])) - Math.min(...loop.map((p) => p[1]));
  if (extent < 8) {
    const [a, b] = loop[0];
    let best = -1, least = 100;
    for (const row of rows) { const far = (x[row] - a) ** 2 + (y[row] - b) ** 2; if (far < least) [best, least] = [row, far]; }
    drawScatter();
    if (best >= 0) openDetail(best);
    return;
  }
  state.lasso = new Set(rows.filter((row) => inside(loop, x[row], y[row])));
  update();
}

/** Whether a point lies within a loop (even-odd rule). */
function inside(loop, x, y) {
  let within = false;
  for (let i = 0, j = loop.length - 1; i < loop.length; j = i, i += 1) {
    const [[xi, yi], [xj, yj]] = [loop[i], loop[j]];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) within = !within;
  }
  return within;
}

function updateSet() {
  if (!report?.smiles.length || (byId("set").classList.contains("away") && !printing)) return;
  const [kx, ky] = [byId("set-x").value, byId("set-y").value];
  const map = kx === "map";
  byId("set-y").disabled = byId("pareto").disabled = map; // the map has its own axes
  const [vx, vy] = map ? [report.map_x, report.map_y] : [columns.get(kx).values, columns.get(ky).values];
  const lasso = state.lasso;
  state.lasso = null;
  const rows = passingRows().filter((row) => Number.isFinite(vx[row]) && Number.isFinite(vy[row]));
  state.lasso = lasso;
  const spread = (values) => { let [low, high] = [Infinity, -Infinity]; for (const row of rows) { low = Math.min(low, values[row]); high = Math.max(high, values[row]); } const margin = high > low ? 0.03 * (high - low) : 0.5; return [low - margin, high + margin]; };
  const [[x0, x1], [y0, y1]] = [spread(vx), spread(vy)];
  const x = new Float32Array(report.smiles.length), y = new Float32Array(report.smiles.length);
  for (const row of rows) {
    x[row] = PLOT.left + ((vx[row] - x0) / (x1 - x0)) * (PLOT.width - PLOT.left - PLOT.right);
    y[row] = PLOT.height - PLOT.bottom - ((vy[row] - y0) / (y1 - y0)) * (PLOT.height - PLOT.bottom - PLOT.top);
  }
  const label = (key) => { const column = columns.get(key); return column.unit ? `${column.label} (${column.unit})` : column.label; };
  plotted = { rows, x, y, axes: map ? null : { x: [x0, x1, label(kx)], y: [y0, y1, label(ky)] }, front: byId("pareto").checked && !map ? front(rows, kx, ky) : [] };
  drawScatter();
  const count = state.lasso ? `; ${state.lasso.size.toLocaleString("en")} in the lasso` : "";
  byId("set-said").textContent = `${rows.length.toLocaleString("en")} candidates that pass the filters${count}. Draw around some to filter by them; click one to open it.`;
  buildHistograms();
}

/** Rows that no other beats in both; which way is better is that of the component's desirability, or high. */
function front(rows, kx, ky) {
  const goal = (key) => { const i = report.components.indexOf(key); return i < 0 ? columns.get(key).values : report.desirability[i]; };
  const [a, b] = [goal(kx), goal(ky)];
  const order = [...rows].sort((i, j) => b[j] - b[i] || a[j] - a[i]).filter((row) => Number.isFinite(a[row]) && Number.isFinite(b[row]));
  let best = -Infinity;
  return order.filter((row) => { const on = a[row] > best; if (on) best = a[row]; return on; });
}

function drawScatter() {
  const canvas = byId("scatter"), style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const scale = devicePixelRatio || 1;
  [canvas.width, canvas.height] = [PLOT.width * scale, PLOT.height * scale];
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  pen.font = "12px system-ui, sans-serif";
  axes(pen, colour);
  const { rows, x, y } = plotted;
  const many = rows.length > 2000, size = many ? 1.6 : 3;
  const groups = [["--train-line", (row) => !myVerdict(row)], ["--maybe", (row) => myVerdict(row) === "maybe"], ["--reject", (row) => myVerdict(row) === "reject"], ["--like", (row) => myVerdict(row) === "like"]];
  for (const [name, test] of groups) {
    pen.fillStyle = colour(name);
    for (const row of rows) {
      if (!test(row)) continue;
      pen.globalAlpha = state.lasso && !state.lasso.has(row) ? 0.15 : many && name === "--train-line" ? 0.5 : 0.85;
      dot(pen, name, x[row], y[row], name === "--train-line" ? size : size + 2);
    }
  }
  pen.globalAlpha = 1;
  pen.strokeStyle = colour("--s1");
  pen.lineWidth = 2;
  for (const row of plotted.front) { pen.beginPath(); pen.arc(x[row], y[row], 6, 0, 7); pen.stroke(); }
  if (path.length > 1) { pen.strokeStyle = colour("--accent"); pen.setLineDash([5, 4]); pen.beginPath(); path.forEach(([a, b], i) => (i ? pen.lineTo(a, b) : pen.moveTo(a, b))); pen.stroke(); pen.setLineDash([]); }
}

/** A point whose form tells the decision as well as its colour does: triangle, disc, cross; a square for none. */
function dot(pen, name, x, y, r) {
  pen.beginPath();
  if (name === "--like") { pen.moveTo(x, y - r - 1); pen.lineTo(x + r + 1, y + r); pen.lineTo(x - r - 1, y + r); }
  else if (name === "--maybe") pen.arc(x, y, r, 0, 7);
  else if (name === "--reject") { for (const [a, b] of [[-r, -r], [r, -r]]) { pen.moveTo(x + a, y + b); pen.lineTo(x - a, y - b); } pen.lineWidth = 2; pen.strokeStyle = pen.fillStyle; pen.stroke(); return; }
  else pen.rect(x - r, y - r, 2 * r, 2 * r);
  pen.fill();
}

function axes(pen, colour) {
  pen.fillStyle = colour("--quiet");
  pen.strokeStyle = colour("--line");
  const [left, right, top, bottom] = [PLOT.left, PLOT.width - PLOT.right, PLOT.top, PLOT.height - PLOT.bottom];
  pen.strokeRect(left, top, right - left, bottom - top);
  if (!plotted.axes) { pen.textAlign = "center"; pen.fillText("principal components of the fingerprints", (left + right) / 2, bottom + 34); return; }
  const { x, y } = plotted.axes;
  pen.textAlign = "center";
  for (const value of ticks(x[0], x[1])) pen.fillText(short(value), left + ((value - x[0]) / (x[1] - x[0])) * (right - left), bottom + 16);
  pen.fillText(x[2], (left + right) / 2, bottom + 34);
  pen.textAlign = "right";
  for (const value of ticks(y[0], y[1])) pen.fillText(short(value), left - 6, bottom - ((value - y[0]) / (y[1] - y[0])) * (bottom - top) + 4);
  pen.save();
  pen.translate(13, (top + bottom) / 2);
  pen.rotate(-Math.PI / 2);
  pen.textAlign = "center";
  pen.fillText(y[2], 0, 0);
  pen.restore();
}

/** Round numbers inside [low, high]. */
function ticks(low, high) {
  const raw = (high - low) / 5, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((candidate) => candidate >= raw * 0.999);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i <= high / step + 1e-9; i += 1) found.push(i * step);
  return found;
}

const short = (value) => String(Number(value.toPrecision(4)));

/** What is shown against all candidates and, where the run has them, the training molecules. */
function buildHistograms() {
  const rows = passingRows();
  byId("set-histograms").replaceChildren(...report.histograms.map((key) => setHistogram(columns.get(key), rows)));
}

function setHistogram(column, rows) {
  const { values } = column;
  const reference = report.reference?.[column.key];
  let [low, high] = reference ? [reference.low, reference.high] : [Infinity, -Infinity];
  for (const value of values) { if (value < low) low = value; if (value > high) high = value; }
  if (!(high > low)) return el("span");
  const bins = 40;
  const shares = (items) => { const counts = new Array(bins).fill(0); let n = 0; for (const value of items) if (!Number.isNaN(value)) { counts[Math.min(bins - 1, Math.floor((bins * (value - low)) / (high - low)))] += 1; n += 1; } return counts.map((count) => count / (n || 1)); };
  const known = reference && shares(reference.values), mine = shares(rows.map((row) => values[row]));
  const most = Math.max(...mine, ...(known ?? [0]), 1e-9);
  const outline = (list) => `M0 100${list.map((share, i) => `V${(100 - (94 * share) / most).toFixed(1)}H${((i + 1) * 300) / bins}`).join("")}V100`;
  const image = svg("svg", { class: "chart", viewBox: "0 0 300 100", preserveAspectRatio: "none", role: "img", "aria-label": `${column.label} of the candidates shown` });
  if (known) image.append(svg("path", { class: "area", d: `${outline(known)}Z` }));
  image.append(svg("path", { class: "line s0", d: outline(mine), "vector-effect": "non-scaling-stroke" }));
  return el("figure", {}, el("h3", {}, column.unit ? `${column.label} (${column.unit})` : column.label), image, el("figcaption", {}, el("span", {}, shown(low, column)), el("span", {}, shown(high, column))));
}
