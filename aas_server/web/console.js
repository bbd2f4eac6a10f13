"use strict";

const { Yasqe, Yasr } = Yasgui;

// What the server knows, and no query has to declare.
const PREFIXES = {
  g: "urn:aas-server:graph:",
  e: "https://api.eclass-cdp.com/",
  unit: "http://qudt.org/vocab/unit/",
  aas: "https://admin-shell.io/aas/3/1/",
  rdf: "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
  rdfs: "http://www.w3.org/2000/01/rdf-schema#",
  xsd: "http://www.w3.org/2001/XMLSchema#",
  skos: "http://www.w3.org/2004/02/skos/core#",
  qudt: "http://qudt.org/schema/qudt/",
  sosa: "http://www.w3.org/ns/sosa/",
};

const FIRST = `# What stands in all submodels, and where. Declared already: ${Object.keys(PREFIXES).join(", ")}.
SELECT ?element ?value ?unit WHERE {
  ?element g:value ?value .
  OPTIONAL { ?element g:unit ?unit }
} LIMIT 100
`;

// What the answers of the server mean, before its own words for it.
const REFUSALS = {
  400: "This cannot be answered",
  403: "This is not allowed",
  413: "There is too much of it",
  501: "This server has no graph",
  503: "The graph is not ready",
};

// Everything is asked for from where the page is, so that it works below any path of a proxy.
const address = (path) => new URL(path, document.baseURI).href;

/** The editor's grammar starts as if the prefixes of the server were declared. */
function declare() {
  const grammar = Yasqe.modes.sparql11;
  Yasqe.defineMode("sparql11", (...given) => {
    const mode = grammar(...given);
    return { ...mode, startState: (...at) => ({ ...mode.startState(...at), prefixes: { ...PREFIXES } }) };
  });
}

/** Triples may be none: Yasr takes a text that is empty for no answer, a line that is empty for no triples. */
function acceptNone() {
  const { setResponse } = Yasr.prototype;
  Yasr.prototype.setResponse = function (answer, ...others) {
    return setResponse.call(this, answer?.content === "" ? { ...answer, content: "\n" } : answer, ...others);
  };
}

/** What a refusal says: the messages of a Result (Part 2), or the text as it is. */
function messages(text) {
  try {
    return JSON.parse(text).messages.map((message) => ({ code: message.code, text: message.text }));
  } catch {
    return [{ code: "", text }];
  }
}

async function explain(error) {
  const told = messages(error.text);
  const title = REFUSALS[told[0]?.code] ?? "There is no answer";
  const texts = told.map(({ text }) => element("pre", {}, text));
  return element("div", { className: "refusal" }, element("h2", {}, title), ...texts);
}

function open() {
  declare();
  acceptNone();
  Yasr.registerPlugin("table", Answers);
  Yasr.defaults.errorRenderers = [explain];
  Yasqe.defaults.autocompleters = ["variables"]; // others ask lov.linkeddata.es, or declare prefixes of their own
  const desk = new Yasgui(document.getElementById("console"), {
    autofocus: false, // which would open the keyboard of a phone
    persistenceId: "aas-server-console",
    populateFromUrl: false, // a link may fill the editor (see `linked`), but choose no endpoint and run nothing
    copyEndpointOnNewTab: false,
    contextMenuContainer: document.body, // not in the row of tabs, which scrolls
    endpointCatalogueOptions: { getData: () => [] },
    requestConfig: { endpoint: address("sparql"), method: "POST", acceptHeaderGraph: "text/turtle" },
    yasqe: { value: FIRST, extraKeys: { Tab: false, "Shift-Tab": false } }, // who has no mouse has to get out
    yasr: { prefixes: PREFIXES, maxPersistentResponseSize: 0 }, // the browser keeps queries, not answers
  });
  // Those that were kept may know another one.
  for (const tab of Object.values(desk._tabs)) tab.setEndpoint(address("sparql"));
  return desk;
}

/** A tab of this name with this query: the one that is there or a new one; what stands in others is not touched. */
function show(desk, name, query) {
  const tab = Object.values(desk._tabs).find((each) => each.getName() === name) ?? desk.addTab(true, { name });
  desk.selectTabId(tab.getId());
  document.getElementById(`tab-${tab.getId()}`).scrollIntoView({ block: "nearest" });
  return tab.setQuery(query);
}

/** A link to this page may carry a query, as the editor's own links do. */
function linked(desk) {
  const given = new URLSearchParams(location.hash.slice(1));
  if (!given.has("query")) return;
  show(desk, given.get("tabTitle") || "Linked", given.get("query"));
  history.replaceState(null, "", location.pathname + location.search);
}

/** The library of queries at the left, where the server has one. */
async function fill(desk) {
  const answer = await fetch(address("sparql/queries"), { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const { queries } = await answer.json();
  const library = document.getElementById("library");
  library.querySelector("ul").replaceChildren(...queries.map((query) => entry(desk, query)));
  library.hidden = queries.length === 0;
}

/** One query of the library; of its parameters the values that may be changed in the editor. */
function entry(desk, { name, title, description, parameters, query }) {
  const run = () => show(desk, name, query).query().catch(() => {}); // what is wrong is shown with the answer
  const button = element("button", { type: "button", onclick: run }, title || name);
  const value = (each) => element("p", {}, element("code", {}, each.default), ` ${each.description}`);
  return element("li", {}, button, element("p", {}, description || ""), ...(parameters ?? []).map(value));
}

/** IRIs of elements begin with the root that the server believes to have; its description names it. */
async function learn(desk) {
  const answer = await fetch(address("sparql"), { headers: { Accept: "text/turtle" } });
  const [, root] = (await answer.text()).match(/^<(.+)\/sparql> a sd:Service/m) ?? [];
  if (!answer.ok || !root) return;
  Answers.root = root;
  desk.getTab()?.getYasr()?.refresh(); // an answer may have been quicker
}

/** The graph is built when it is first asked; until it is there, or where it never will be, that is said. */
async function awaken() {
  const notice = document.getElementById("notice");
  const headers = { "Content-Type": "application/sparql-query", Accept: "application/sparql-results+json" };
  const answer = await fetch(address("sparql"), { method: "POST", headers, body: "ASK {}" });
  notice.hidden = answer.ok;
  if (answer.ok) return;
  const [{ text }] = messages(await answer.text());
  notice.textContent = `${REFUSALS[answer.status] ?? "The graph cannot be asked"}: ${text}`;
  if (answer.status === 503) setTimeout(awaken, 1000 * (Number(answer.headers.get("Retry-After")) || 2));
}

const desk = open();
linked(desk);
for (const each of [fill(desk), learn(desk), awaken()]) each.catch(console.warn);
