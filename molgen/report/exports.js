// Files: what was decided, and what the filters left.

const FORMATS = [["csv", "CSV"], ["smi", "SMILES"], ["sdf", "SDF"], ["xlsx", "XLSX with drawings"]];

/** One menu: which rows, which columns, which format; and the decisions in and out. */
function exportMenu() {
  const which = el("select", { id: "export-rows" }, ...[["shown", "shown now"], ["like", "liked"], ["maybe", "maybe"], ["reject", "rejected"], ["anyone", "liked by anyone"]].map(([value, label]) => el("option", { value }, label)));
  const only = el("input", { id: "export-card", type: "checkbox" });
  const picker = el("input", { id: "import", type: "file", accept: ".json,application/json", "aria-label": "Import decisions", onchange: async () => {
    if (picker.files[0]) await importDecisions(picker.files[0]);
    picker.value = "";
  } });
  return el("details", { id: "export-menu", class: "menu" }, el("summary", {}, "Export and import"),
    el("div", { class: "menu-body" },
      field("Molecules", which), el("label", { class: "check" }, only, "Only the columns on the cards"),
      el("div", { class: "buttons" }, ...FORMATS.map(([format, label]) => el("button", { type: "button", id: `export-${format}`, onclick: () => exportFile(format, exportRows(which.value), only.checked, which.value) }, label))),
      el("div", { class: "buttons" },
        el("button", { type: "button", id: "copy-smiles", title: "One SMILES a line", onclick: () => copyRows(exportRows(which.value), (rows) => rows.map((row) => report.smiles[row]).join("\n")) }, "Copy SMILES"),
        el("button", { type: "button", id: "copy-table", title: "To paste into a spreadsheet", onclick: () => copyRows(exportRows(which.value), (rows) => csvText(rows, exportKeys(only.checked), only.checked, "\t")) }, "Copy table")),
      el("div", { class: "buttons" }, el("button", { type: "button", id: "save-decisions", onclick: () => download(new Blob([decisionsFile()], { type: "application/json" }), "decisions.json") }, "Save decisions"),
        el("button", { type: "button", id: "print", title: "All that are shown, at most 500", onclick: printPage }, "Print")),
      backEnd.readonly ? null : field("Import decisions of another reviewer", picker)));
}

function exportRows(which) {
  if (which === "shown") return passingRows();
  const test = verdictTest(which);
  return report.smiles.map((_, row) => row).filter(test);
}

const exportKeys = (cardOnly) => (cardOnly ? ["rank", "score", ...report.card.filter((key) => !["rank", "score"].includes(key))] : report.columns.map(({ key }) => key));

async function copyRows(rows, text) {
  if (!rows.length) { tell("Nothing copied: no molecule is chosen."); return; }
  tell((await copyText(text(rows))) ? `${rows.length.toLocaleString("en")} molecules copied.` : "The browser does not let this page copy; export a file.");
}

/** SDF from the mol blocks that the report carries, with the values as data items. */
async function sdfText(rows, keys, brief) {
  const blocks = await backEnd.blocks();
  const line = (text) => String(text).replaceAll(">", " ").replace(/\s+/g, " ").trim(); // a line break would end an item
  return rows.map((row) => {
    const items = fields(row, keys, brief).filter(([, value]) => value !== null && value !== undefined && value !== "" && !Number.isNaN(value));
    return `candidate-${rankOf(row)}${blocks[row]}${items.map(([name, value]) => `>  <${line(name)}>\n${line(value)}\n\n`).join("")}$$$$\n`;
  }).join("");
}

async function exportFile(format, rows, cardOnly, what) {
  const keys = exportKeys(cardOnly);
  try {
    if (!rows.length) throw new Error("no molecule to write");
    if (format === "csv") download(new Blob([csvText(rows, keys, cardOnly)], { type: "text/csv;charset=utf-8" }), `${what}.csv`);
    else if (format === "sdf" && !backEnd.server) download(new Blob([await sdfText(rows, keys, cardOnly)], { type: "chemical/x-mdl-sdfile" }), `${what}.sdf`);
    else if (format === "xlsx" && !backEnd.server) download(await xlsxFile(rows, keys, cardOnly), `${what}.xlsx`);
    else if (format === "smi") download(new Blob([rows.map((row) => `${report.smiles[row]} candidate-${rankOf(row)}\n`).join("")], { type: "text/plain" }), `${what}.smi`);
    else download(await backEnd.file({ format, rows, columns: keys.filter((key) => key !== "likeness"), brief: cardOnly, reviewer: reviewer() }), `${what}.${format}`);
    tell(`${rows.length.toLocaleString("en")} molecules exported.`);
  } catch (error) {
    tell(`Nothing exported: ${error.message}.`);
  }
}

/** What a file says of a candidate, as pairs of name and value: everything, or (`brief`) the SMILES and some columns. */
function fields(row, keys, brief) {
  const found = [["smiles", report.smiles[row]]];
  if (!brief) {
    const mine = myOpinion(row);
    found.push(["inchikey", report.inchikey[row]], ["scaffold", scaffoldOf(row)], ["alerts", alertsOf(row).join("; ")],
      ["decision", mine.verdict], ["tags", [...mine.tags].join("; ")], ["comment", mine.comment]);
  }
  return [...found, ...keys.map((key) => [key, valueOf(row, key)])];
}

/** A table with a header, for a file or (with tabs) the clipboard. */
function csvText(rows, keys, brief, separator = ",") {
  const end = separator === "," ? "\r\n" : "\n";
  const lines = rows.map((row) => fields(row, keys, brief).map(([, value]) => value));
  return [fields(rows[0], keys, brief).map(([name]) => name), ...lines].map((line) => `${line.map((value) => cell(value, separator)).join(separator)}${end}`).join("");
}

/** An apostrophe before a text that a spreadsheet would run as a formula. */
const harmless = (text) => (/^ *[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]/.test(text) ? `'${text}` : text);

/** A cell, quoted where it must be. */
function cell(value, separator = ",") {
  if (value === null || value === undefined || Number.isNaN(value)) return "";
  if (typeof value === "number") return String(value);
  const text = harmless(value);
  return text.includes(separator) || /["\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function download(blob, name) {
  const address = URL.createObjectURL(blob);
  const safe = report.title.replace(/[^\w.-]+/g, "_").slice(0, 60);
  el("a", { href: address, download: `${safe}-${name}` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}
