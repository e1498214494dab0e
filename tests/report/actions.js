// What a chemist does on the page, each step checked; the results replace the page's content.
const results = [];
const check = (name, holds) => results.push(`${holds ? "ok" : "FAILED"} ${name}`);
const files = [];
URL.createObjectURL = (blob) => { files.push(blob); return "#"; };
const all = (selector) => [...document.querySelectorAll(selector)];
const ranks = () => all("#grid .card .rank").map((node) => Number(node.textContent));
const press = (node, key) => node.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
const type = (node, value) => { node.value = value; node.dispatchEvent(new Event("input", { bubbles: true })); };
const rows = [...report.rows];

async function actions() {
  check("every candidate is shown in order", ranks().join() === rows.map((row) => row.values.rank).join());
  const search = document.getElementById("search");
  type(search, rows[3].inchikey.toLowerCase());
  check("a text filters", ranks().join() === "4");
  type(search, "no such text");
  check("an empty result is said", document.getElementById("status").textContent.includes("No candidate passes"));
  type(search, "");
  const weight = all(".slider input").find((node) => node.getAttribute("aria-label") === "MW, minimum");
  const limit = 0.1 * Math.round(Number(weight.min) + 0.3 * (weight.max - weight.min)); // MW has one digit
  type(weight, Math.round(limit * 10));
  check("a range filters", ranks().length === rows.filter((row) => row.values.MW >= limit - 0.05).length && ranks().length < rows.length);
  document.getElementById("reset").click();
  check("ranges are reset", ranks().length === rows.length);
  setSort("MW", true);
  check("sorted by weight", ranks()[0] === [...rows].sort((a, b) => b.values.MW - a.values.MW)[0].values.rank);
  setSort("rank", false);

  const cards = all("#grid .card");
  cards[0].focus();
  press(cards[0], "ArrowRight");
  check("arrows move", document.activeElement === cards[1]);
  press(cards[1], "l");
  check("L likes and the focus stays", isLiked(rows[1]) && document.activeElement === cards[1]);
  press(cards[1], "Enter");
  const dialog = document.getElementById("detail");
  check("Enter opens", dialog.open && dialog.textContent.includes("Candidate 2"));
  press(document.activeElement, "ArrowRight");
  press(document.activeElement, "ArrowRight");
  check("arrows walk on in the panel", dialog.textContent.includes("Candidate 4"));
  dialog.close();
  document.getElementById("liked-only").click();
  check("only the liked one", ranks().join() === "2");
  document.getElementById("liked-only").click();
  document.getElementById("liked-smi").click();
  document.getElementById("liked-csv").click();
  check("SMILES export", (await files[0].text()) === `${rows[1].smiles} candidate-2\n`);
  check("CSV export", (await files[1].text()).split("\r\n")[1].includes(rows[1].inchikey));
  check("formulas are disarmed", cell("=1+1") === "'=1+1" && cell(-1) === "-1");
  check("likes are kept", localStorage.getItem(likesKey).includes(rows[1].smiles));
  all('[data-view="table"]')[0].click();
  check("the table has every row", all("table.rows tbody tr").length === rows.length);
  check("markup in a value is text", all("table.rows td").some((node) => node.textContent.startsWith("<scr")));
  document.body.replaceChildren(el("pre", { id: "results" }, results.join("\n")));
}

actions().catch((error) => document.body.replaceChildren(el("pre", { id: "results" }, `FAILED ${error.stack}`)));
