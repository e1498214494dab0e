// Files made in the browser: what was liked, and what the filters left.

function likedRows() {
  return report.rows.filter(isLiked);
}

function exportCsv(rows, what) {
  const head = ["smiles", "inchikey", "scaffold", "alerts", "liked", ...report.columns.map((column) => column.key)];
  const lines = rows.map((row) => [
    row.smiles, row.inchikey, row.scaffold, row.alerts.join("; "), isLiked(row) ? "yes" : "no",
    ...report.columns.map((column) => row.values[column.key]),
  ]);
  const text = [head, ...lines].map((line) => line.map(cell).join(",")).join("\r\n");
  download(`${text}\r\n`, `${what}.csv`, "text/csv");
}

/** A quoted cell; an apostrophe before a text that a spreadsheet would run as a formula. */
function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  const text = /^ *[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function exportSmiles(rows, what) {
  download(rows.map((row) => `${row.smiles} candidate-${row.values.rank}\n`).join(""), `${what}.smi`, "text/plain");
}

function download(text, name, type) {
  const address = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const safe = report.title.replace(/[^\w.-]+/g, "_").slice(0, 60);
  const link = el("a", { href: address, download: `${safe}-${name}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}
