// Draws /openapi.json. Everything is put in as text, never as markup.

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// Text in which backquotes mark code.
function prose(text) {
  return (text ?? "")
    .split(/`+/)
    .map((part, i) => (i % 2 ? element("code", {}, part) : part));
}

function typeOf(schema) {
  if (!schema) return "nothing";
  if (schema.$ref) {
    const name = schema.$ref.split("/").at(-1);
    return element("a", { href: `#schema-${name}` }, name);
  }
  if (schema.anyOf) {
    return schema.anyOf.flatMap((each, i) => (i ? [" or ", typeOf(each)] : [typeOf(each)])).flat();
  }
  if (schema.allOf) {
    // A problem, and the codes that it may have here.
    const [base, { properties }] = schema.allOf;
    const codes = properties.code.enum.map((each) => element("code", {}, each));
    return [typeOf(base), ": ", ...codes.flatMap((each, i) => (i ? [", ", each] : [each]))];
  }
  if (schema.type === "array") return ["list of ", typeOf(schema.items)].flat();
  if (schema.enum) return schema.enum.map((each) => JSON.stringify(each)).join(" | ");
  if ("const" in schema) return JSON.stringify(schema.const);
  return schema.type ?? "anything";
}

function limits(schema) {
  const names = ["minLength", "maxLength", "minimum", "maximum", "pattern", "default"];
  const parts = names
    .filter((name) => schema[name] !== undefined && schema[name] !== null)
    .map((name) => `${name} ${schema[name]}`);
  return prose([schema.description, ...parts].filter(Boolean).join("; "));
}

function table(head, rows) {
  const headRow = element("tr", {}, ...head.map((each) => element("th", { scope: "col" }, each)));
  const bodyRows = rows.map((cells) =>
    element("tr", {}, ...cells.map((cell) => element("td", {}, ...[cell].flat()))),
  );
  return element(
    "div",
    { class: "scroll" },
    element("table", {}, element("thead", {}, headRow), element("tbody", {}, ...bodyRows)),
  );
}

function contentOf(body) {
  const schema = Object.values(body?.content ?? {})[0]?.schema;
  return schema ? typeOf(schema) : "no body";
}

function drawOperation(path, method, operation) {
  const id = `${method}${path}`;
  const drawn = element(
    "article",
    { id },
    element(
      "h3",
      {},
      element("span", { class: "method" }, method.toUpperCase()),
      " ",
      element("code", {}, path),
    ),
    element("p", {}, ...prose(operation.summary)),
    ...(operation.description ? [element("p", {}, ...prose(operation.description))] : []),
  );
  if (operation.security?.length === 0) {
    drawn.append(element("p", { class: "public" }, "Needs no access token."));
  }
  if (operation.parameters?.length) {
    drawn.append(
      table(
        ["parameter", "in", "type", ""],
        operation.parameters.map((each) => [
          each.name,
          each.in,
          typeOf(each.schema),
          limits(each.schema),
        ]),
      ),
    );
  }
  const exchanged = Object.entries(operation.responses).map(([status, response]) => [
    status,
    contentOf(response),
  ]);
  if (operation.requestBody) exchanged.unshift(["request", contentOf(operation.requestBody)]);
  drawn.append(table(["", "body"], exchanged));
  const link = element("a", { href: `#${id}` }, `${method.toUpperCase()} ${path}`);
  return [drawn, element("li", {}, link)];
}

function drawSchema(name, schema) {
  const required = new Set(schema.required ?? []);
  const drawn = element(
    "details",
    { id: `schema-${name}` },
    element("summary", {}, name),
    element("p", {}, ...prose(schema.description)),
  );
  if (schema.properties) {
    drawn.append(
      table(
        ["member", "type", "", ""],
        Object.entries(schema.properties).map(([member, each]) => [
          element("code", {}, member),
          typeOf(each),
          required.has(member) ? "" : "optional",
          limits(each),
        ]),
      ),
    );
  } else {
    drawn.append(element("p", {}, ...[typeOf(schema)].flat()));
  }
  return drawn;
}

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) target.open = true;
  target?.scrollIntoView();
}

const response = await fetch("/openapi.json");
const api = await response.json();
document.getElementById("description").append(...prose(api.info.description));
const byTag = new Map();
for (const [path, operations] of Object.entries(api.paths)) {
  for (const [method, operation] of Object.entries(operations)) {
    const tag = operation.tags?.[0] ?? "other";
    if (!byTag.has(tag)) byTag.set(tag, []);
    byTag.get(tag).push(drawOperation(path, method, operation));
  }
}
for (const [tag, drawn] of byTag) {
  document.getElementById("contents").append(
    element("h2", {}, tag),
    element("ul", {}, ...drawn.map(([, item]) => item)),
  );
  document.getElementById("operations").append(
    element("h2", {}, tag),
    ...drawn.map(([article]) => article),
  );
}
for (const [name, schema] of Object.entries(api.components.schemas).sort()) {
  document.getElementById("schemas").append(drawSchema(name, schema));
}
window.addEventListener("hashchange", openTarget);
openTarget();
