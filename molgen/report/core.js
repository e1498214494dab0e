// The report's data and state, and the small tools that every part of the page uses.

const report = JSON.parse(document.getElementById("data").textContent);
const columns = new Map(report.columns.map((column) => [column.key, column]));
const likesKey = `molgen.likes.${report.key}`;
const state = { query: "", likedOnly: false, noAlerts: false, ranges: new Map(), sort: "rank", descending: false, view: "grid" };
const likes = loadLikes();

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

/** The drawing of a molecule (made by the report itself, the only markup that is parsed), or its SMILES. */
function drawing(smiles, label) {
  const markup = report.drawings[smiles];
  if (!markup) return el("code", { class: "smiles" }, smiles);
  const template = document.createElement("template");
  template.innerHTML = markup;
  const image = template.content.firstChild;
  image.setAttribute("role", "img");
  image.setAttribute("aria-label", label);
  return image;
}

/** A value as text, with the digits of its column. */
function shown(value, column) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return value;
  return value.toLocaleString("en", { minimumFractionDigits: column.digits, maximumFractionDigits: column.digits });
}

/** A raw component value: up to three significant digits after the point. */
function plain(value) {
  if (value === null || value === undefined) return "–";
  return typeof value === "number" ? String(Number(value.toPrecision(4))) : value;
}

/** A bar for a number between 0 and 1. */
function bar(value, label) {
  const width = 100 * Math.min(Math.max(value ?? 0, 0), 1);
  return el("span", { class: "bar", role: "img", "aria-label": label }, el("i", { style: `width:${width.toFixed(1)}%` }));
}

function loadLikes() {
  try {
    return new Set(JSON.parse(localStorage.getItem(likesKey)) ?? []);
  } catch {
    return new Set(); // storage is blocked or holds something else: likes last until the page is closed
  }
}

function isLiked(row) {
  return likes.has(row.smiles);
}

/** Likes a molecule or takes the like back, and shows it everywhere. */
function toggleLike(row) {
  if (!likes.delete(row.smiles)) likes.add(row.smiles);
  try {
    localStorage.setItem(likesKey, JSON.stringify([...likes]));
  } catch {
    // as above
  }
  for (const button of document.querySelectorAll("button.like")) {
    if (button.dataset.smiles === row.smiles) button.setAttribute("aria-pressed", String(isLiked(row)));
  }
  update();
}

/** The star of a molecule. */
function likeButton(row, reachable) {
  const star = svg("path", { d: "M12 3.2l2.7 5.7 6.2.8-4.6 4.3 1.2 6.2L12 17.1l-5.5 3.1 1.2-6.2L3.1 9.7l6.2-.8z" });
  return el(
    "button",
    {
      class: "like", type: "button", "data-smiles": row.smiles, "aria-pressed": String(isLiked(row)),
      "aria-label": `Like candidate ${row.values.rank}`, title: "Like (L)", tabindex: reachable ? null : "-1",
      onclick: (event) => { event.stopPropagation(); toggleLike(row); },
    },
    svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, star),
  );
}
