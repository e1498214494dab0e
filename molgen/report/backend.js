// Where the page gets its data: the file itself (a mailed report), or `molgen review` (a server). Both answer the same calls.

/** A report that is complete in itself. Structures are searched by the matcher of smarts.js, prints are made here. */
function fileBackEnd(data) {
  const graphs = new Map(); // row -> molecule, parsed when a structure is first looked for
  const graph = (row) => {
    if (!graphs.has(row)) graphs.set(row, readSmiles(data.smiles[row]));
    return graphs.get(row);
  };
  let prints = null, blocks = null;
  return {
    server: false, readonly: false,
    table: async () => data,
    pictures: async (rows, { aligned, query }) => {
      const wanted = query ? readQuery(query) : null;
      return rows.map((row) => ({
        svg: (aligned && data.aligned[row]) || data.pictures[data.smiles[row]],
        match: wanted ? firstMatch(wanted, graph(row)) : [],
      }));
    },
    substructure: async (query) => {
      const wanted = readQuery(query);
      return report.smiles.map((_, row) => row).filter((row) => firstMatch(wanted, graph(row)));
    },
    similar: async (smiles) => {
      const print = morgan(readPasted(smiles));
      prints ??= data.smiles.map((_, row) => morgan(graph(row)));
      return prints.map((one) => tanimoto(one, print));
    },
    molecule: async (row) => data.details[row],
    blocks: async () => {
      blocks ??= (await unzipped(data.blocks)).split("$$$$\n");
      return blocks;
    },
    events: async () => stored("events", []),
    send: async (events, all) => { store("events", all); },
  };
}

/** The server. Numbers of rows are those of its table. */
function serverBackEnd(settings) {
  const ask = async (path, body) => {
    const options = body === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    const answer = await fetch(path, { ...options, credentials: "same-origin" });
    if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error ?? `the server answered ${answer.status}`);
    return answer;
  };
  const json = async (path, body) => (await ask(path, body)).json();
  return {
    server: true, readonly: settings.readonly, sketcher: settings.sketcher, sketcherHint: settings.sketcherHint,
    table: () => json("api/table"),
    pictures: async (rows, { aligned, query }) => (await json("api/pictures", { rows, aligned, query: query ?? "" })).pictures,
    substructure: async (query) => (await json("api/substructure", { query })).rows,
    similar: async (smiles) => (await json("api/similar", { smiles })).similarity,
    molecule: (row) => json(`api/molecule/${row}`),
    events: (after) => json(`api/events?after=${after}`).then((found) => found.events),
    send: (events) => json("api/events", { events }),
    take: (record) => json("api/import", record),
    file: async (wanted) => (await ask("api/export", wanted)).blob(),
  };
}

/** The text in base64 of gzip. */
async function unzipped(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}
