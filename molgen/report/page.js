// Puts the page together.

let backEnd = null;

async function start() {
  const data = JSON.parse(byId("data").textContent);
  backEnd = data.server ? serverBackEnd(data) : fileBackEnd(data);
  buildTabs();
  try {
    receive(await backEnd.table());
  } catch (error) {
    byId("status").textContent = `The candidates could not be loaded: ${error.message}`;
    return;
  }
  if (!report.smiles.length) {
    byId("status").textContent = "This run holds no candidates. molgen rank picks them from a scored table.";
    return;
  }
  const wanted = stored("card", report.card).filter((key) => columns.has(key));
  report.card = wanted;
  state.size = stored("size", "medium") in SIZES ? stored("size", "medium") : "medium";
  buildToolbar();
  buildCardChoice();
  buildSliders();
  buildAgreement();
  buildSet();
  for (const id of ["toolbar", "who", "filters", "card-fold", "reviewers"]) byId(id).hidden = false;
  const dialog = byId("detail");
  dialog.addEventListener("keydown", detailKey);
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => { painting = false; paint(true); focusCursor(true); });
  document.addEventListener("keydown", pageKey);
  addEventListener("scroll", () => paint(), { passive: true });
  addEventListener("resize", settled(() => paint(true), 100));
  for (const [when, on] of [["beforeprint", true], ["afterprint", false]]) addEventListener(when, () => { printing = on; paint(true); updateSet(); });
  addEventListener("beforeunload", (event) => { if (unsent.length) event.preventDefault(); });
  learn(await backEnd.events(0));
  update();
  document.documentElement.dataset.ready = "yes";
  prepareInBackground();
  listen();
}

function pageKey(event) {
  if (byId("detail").open || event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") byId("search").focus();
  else if (event.key.toUpperCase() === "U" && !event.defaultPrevented) undo();
  else return;
  event.preventDefault();
}

/** Prints when all is drawn: a browser's own Print does not wait for what a server draws. */
async function printPage() {
  printing = true;
  paint(true);
  await draw(entries.slice(0, MOST_PRINTED).map(({ row }) => row));
  print();
}

/** One part of the page at a time, named by the address; all of them where nothing runs scripts, and on paper. */
function buildTabs() {
  const show = () => {
    const parts = [...document.querySelectorAll("main > section")];
    const wanted = parts.find((part) => part.id === location.hash.slice(1)) ?? byId("candidates");
    for (const part of parts) part.classList.toggle("away", part !== wanted);
    for (const link of document.querySelectorAll(".contents a")) link.setAttribute("aria-current", String(link.hash === `#${wanted.id}`));
    if (report) { paint(true); updateSet(); }
  };
  addEventListener("hashchange", () => { show(); scrollTo(0, Math.min(scrollY, document.querySelector(".contents").offsetTop)); });
  show();
}

/** A line about what just happened or failed; nothing takes it away. */
function tell(text) {
  byId("told").textContent = text;
}

start();
