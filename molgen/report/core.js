// The page's data as columns, its state, and the small tools that every part uses.

let report = null; // columns, texts and settings of the page (see report/payload.py)
let columns = null; // key -> column, with its `values`: a Float64Array, or texts
const state = {
  query: "", ranges: new Map(), verdict: "all", noAlerts: false, structure: "", hits: null, like: "", lasso: null,
  sort: "rank", descending: false, view: "grid", size: "medium", group: "", expanded: new Set(), aligned: false, showAlerts: true,
};

/** Takes the data in: numbers become typed arrays (NaN where there is none), texts are looked up once. */
function receive(data) {
  report = data;
  columns = new Map(data.columns.map((column) => [column.key, { ...column, values: unpack(data.values[column.key], column.kind) }]));
  report.desirability = data.components.map((name) => unpack(data.values[`${name}.desirability`], "number"));
  report.rowOf = new Map(data.smiles.map((smiles, row) => [smiles, row]));
  report.rank = columns.get("rank").values;
}

function unpack(packed, kind) {
  if (kind === "text") return packed.codes.map((code) => (code < 0 ? null : packed.levels[code]));
  return Float64Array.from(packed, (value) => (value === null ? NaN : value));
}

/** An element with attributes, listeners ("onclick") and children; text is never read as HTML. */
function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const svgNamespace = Object.assign(document.createElement("div"), { innerHTML: "<svg></svg>" }).firstChild.namespaceURI;

/** An SVG element. */
function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(svgNamespace, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

const byId = (id) => document.getElementById(id);

/** A molecule's drawing, made by molgen itself (the only markup that is parsed), with marks behind atoms. */
function drawing(markup, label, marks = []) {
  if (!markup) return el("span", { class: "blank" });
  const template = document.createElement("template");
  template.innerHTML = markup;
  const image = template.content.firstChild;
  image.setAttribute("role", "img");
  image.style.setProperty("--w", `${image.getAttribute("width")}px`);
  image.setAttribute("aria-label", label);
  for (const [kind, atoms] of marks) mark(image, kind, atoms);
  return image;
}

/** Where each atom stands in a drawing. */
function atomPlaces(image) {
  return image.dataset.xy.split(" ").filter(Boolean).map((place) => place.split(",").map(Number));
}

/** Discs behind some atoms; `kind` is the class that page.css colours. */
function mark(image, kind, atoms) {
  if (!atoms?.length) return;
  const places = atomPlaces(image);
  const discs = atoms.filter((atom) => places[atom]).map((atom) => svg("circle", { cx: places[atom][0], cy: places[atom][1], r: 11 }));
  image.prepend(svg("g", { class: `mark ${kind}` }, ...discs));
}

/** A value as text, with the digits of its column. */
function shown(value, column) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (typeof value !== "number") return value;
  return value.toLocaleString("en", { minimumFractionDigits: column.digits, maximumFractionDigits: column.digits });
}

const valueOf = (row, key) => columns.get(key)?.values[row];
const shownOf = (row, key) => shown(valueOf(row, key), columns.get(key));
const rankOf = (row) => report.rank[row];
const alertsOf = (row) => report.alerts.rows[row].map((code) => report.alerts.levels[code]);
const scaffoldOf = (row) => report.scaffold.levels[report.scaffold.codes[row]];

/** A raw component value: four significant digits. */
function plain(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return typeof value === "number" ? String(Number(value.toPrecision(4))) : value;
}

/** A bar for a number between 0 and 1. */
function bar(value, label) {
  const filled = el("i");
  filled.style.width = `${(100 * Math.min(Math.max(value || 0, 0), 1)).toFixed(1)}%`;
  return el("span", { class: "bar", role: "img", "aria-label": label }, filled);
}

/** Waits until nothing was asked for `wait` milliseconds, then does it once. */
function settled(act, wait) {
  let timer = 0;
  return (...given) => { clearTimeout(timer); timer = setTimeout(() => act(...given), wait); };
}

/** Something stored by the browser for this page, or the fallback where storage is blocked or holds something else. */
function stored(name, fallback) {
  try {
    return JSON.parse(localStorage.getItem(`molgen.${name}.${report.key}`)) ?? fallback;
  } catch {
    return fallback;
  }
}

function store(name, value) {
  try {
    localStorage.setItem(`molgen.${name}.${report.key}`, JSON.stringify(value));
    return true;
  } catch {
    return false; // what is decided then lasts until the page is closed; the decisions can be saved to a file
  }
}
