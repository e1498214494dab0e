// Drawing a structure: a sketcher that the server has (OpenChemLib, where it is installed) fills the text field, which
// stays what is searched for.

let editor = null;

/** The button beside the structure field; without a sketcher it says how to get one. */
function sketchButton(input) {
  if (!backEnd.server) return null;
  const get = `No sketcher is installed where molgen runs. To get one: ${backEnd.sketcherHint}`;
  return el("button", { type: "button", id: "draw", title: backEnd.sketcher ? "Draw a structure" : get, onclick: () => (backEnd.sketcher ? openSketch(input) : tell(get)) }, "Draw");
}

async function openSketch(input) {
  const dialog = byId("sketch");
  try {
    const library = await import(new URL("static/sketcher.js", location.href));
    if (!editor) {
      const canvas = el("div", { id: "sketch-canvas" }), said = el("span", { id: "sketch-said", role: "status" });
      const close = (take) => { if (take) { input.value = drawn(); input.dispatchEvent(new Event("input", { bubbles: true })); } dialog.close(); input.focus(); };
      dialog.replaceChildren(el("div", { class: "buttons" }, said), canvas, el("div", { class: "buttons" },
        el("button", { type: "button", id: "sketch-take", onclick: () => close(true) }, "Search for it"),
        el("button", { type: "button", onclick: () => editor.clearAll() }, "Clear"), el("button", { type: "button", onclick: () => close(false) }, "Cancel")));
      dialog.showModal();
      editor = new library.CanvasEditor(canvas, { initialMode: "molecule" });
      editor.setOnChangeListener(() => { said.textContent = drawn(); });
    } else dialog.showModal();
    const text = input.value.trim();
    try {
      editor.setMolecule(library.Molecule.fromSmiles(text));
    } catch {
      editor.clearAll(); // SMARTS, or nothing
    }
    byId("sketch-said").textContent = drawn() || "Draw a structure; its SMILES is searched for.";
  } catch (error) {
    dialog.close();
    tell(`The sketcher could not be opened: ${error.message}`);
  }
}

const drawn = () => editor.getMolecule().toIsomericSmiles();
