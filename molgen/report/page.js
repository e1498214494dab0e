// Puts the page together.

function start() {
  const made = new Date(document.lastModified);
  document.getElementById("made").textContent = ` · ${made.toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric" })}`;
  if (!report.rows.length) {
    document.getElementById("status").textContent = "This run holds no candidates. molgen rank picks them from a scored table.";
    return;
  }
  buildToolbar();
  buildSliders();
  document.getElementById("toolbar").hidden = false;
  document.getElementById("filters").hidden = false;
  const dialog = document.getElementById("detail");
  dialog.addEventListener("keydown", detailKey);
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || dialog.open || event.target.matches("input, select, textarea")) return;
    event.preventDefault();
    document.getElementById("search").focus();
  });
  update();
}

start();
