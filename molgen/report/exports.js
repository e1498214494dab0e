// Files: what was decided, and what the filters left. A server makes SDF and XLSX; CSV and SMILES are made here as well.

const FORMATS = [["csv", "CSV"], ["smi", "SMILES"], ["sdf", "SDF"], ["xlsx", "XLSX with drawings"]];

/** One menu: which rows, which columns, which format; and the decisions in and out. */
function exportMenu() {
  const which = el("select", { id: "export-rows" }, ...[["shown", "shown now"], ["like", "liked"], ["maybe", "maybe"], ["reject", "rejected"], ["anyone", "liked by anyone"]].map(([value, label]) => el("option", { value }, label)));
  const only = el("input", { id: "export-card", type: "checkbox" });
  const formats = FORMATS.filter(([format]) => backEnd.server || ["csv", "smi"].includes(format));
  const picker = el("input", { id: "import", type: "file", accept: ".json,application/json", "aria-label": "Import decisions", onchange: async () => {
    if (picker.files[0]) await importDecisions(picker.files[0]);
    picker.value = "";
  } });
  return el("details", { class: "menu" }, el("summary", {}, "Export and import"),
    el("div", { class: "menu-body" },
      field("Molecules", which), el("label", { class: "check" }, only, "Only the columns on the cards"),
      el("div", { class: "buttons" }, ...formats.map(([format, label]) => el("button", { type: "button", id: `export-${format}`, onclick: () => exportFile(format, exportRows(which.value), only.checked, which.value) }, label))),
      backEnd.server ? null : el("p", { class: "quiet" }, "SDF of all candidates: candidates.sdf beside this file."),
      el("div", { class: "buttons" }, el("button", { type: "button", id: "save-decisions", onclick: () => download(new Blob([decisionsFile()], { type: "application/json" }), "decisions.json") }, "Save decisions")),
      backEnd.readonly ? null : field("Import decisions of another reviewer", picker)));
}

function exportRows(which) {
  if (which === "shown") { const rows = passingRows(); sortRows(rows); return rows; }
  const test = verdictTest(which);
  return report.smiles.map((_, row) => row).filter(test);
}

async function exportFile(format, rows, cardOnly, what) {
  const keys = cardOnly ? ["rank", "score", ...report.card.filter((key) => !["rank", "score"].includes(key))] : report.columns.map(({ key }) => key);
  try {
    if (!rows.length) throw new Error("no molecule to write");
    if (format === "csv") download(new Blob([csvText(rows, keys, cardOnly)], { type: "text/csv;charset=utf-8" }), `${what}.csv`);
    else if (format === "smi") download(new Blob([rows.map((row) => `${report.smiles[row]} candidate-${rankOf(row)}\n`).join("")], { type: "text/plain" }), `${what}.smi`);
    else download(await backEnd.file({ format, rows, columns: keys.filter((key) => key !== "likeness"), brief: cardOnly, reviewer: reviewer() }), `${what}.${format}`);
    tell(`${rows.length.toLocaleString("en")} molecules exported.`);
  } catch (error) {
    tell(`Nothing exported: ${error.message}.`);
  }
}

/** CSV with every value, or (`brief`) the SMILES and some columns alone. */
function csvText(rows, keys, brief) {
  const fixed = brief ? ["smiles"] : ["smiles", "inchikey", "scaffold", "alerts", "decision", "tags", "comment"];
  const values = {
    smiles: (row) => report.smiles[row], inchikey: (row) => report.inchikey[row], scaffold: scaffoldOf, alerts: (row) => alertsOf(row).join("; "),
    decision: (row) => myVerdict(row), tags: (row) => [...myOpinion(row).tags].join("; "), comment: (row) => myOpinion(row).comment,
  };
  const lines = rows.map((row) => [...fixed.map((name) => values[name](row)), ...keys.map((key) => valueOf(row, key))]);
  return [[...fixed, ...keys], ...lines].map((line) => `${line.map(cell).join(",")}\r\n`).join("");
}

/** A quoted cell; an apostrophe before a text that a spreadsheet would run as a formula. */
function cell(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "";
  if (typeof value === "number") return String(value);
  const text = /^ *[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function download(blob, name) {
  const address = URL.createObjectURL(blob);
  const safe = report.title.replace(/[^\w.-]+/g, "_").slice(0, 60);
  el("a", { href: address, download: `${safe}-${name}` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}
