// Makes the calls that standard input lists, one after the other, with Medusa's JS client or its React hooks, and prints
// what came of each: {"status", "data"}, or {"status", "error"} with the body of a refusal.
//
//   {"baseUrl", "apiKey"?, "maxRetries"?, "origin"?, "calls": [call, ...]}
//
// A call is {"js": "admin.customers.list", "arguments": [...]}, {"query": "useAdminCustomers", "arguments": [...]} or
// {"mutation": "useAdminUpdateCustomer", "arguments": [...], "payload"}. In arguments, {"$date": "..."} is a Date and
// {"$result": [0, "customer", "id"]} a part of what an earlier call brought. With "origin" the calls are made by a page of
// that origin: jsdom's XMLHttpRequest asks the server for leave first (CORS), and keeps its cookies.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(`${process.env.CLIENTS}/package.json`);
const input = JSON.parse(readFileSync(0, "utf8"));
const results = [];

if (input.origin) {
  const { JSDOM, VirtualConsole } = require("jsdom");
  const { window } = new JSDOM('<div id="root"></div>', {
    url: input.origin, pretendToBeVisual: true, virtualConsole: new VirtualConsole(),
  });
  for (const name of ["window", "document", "navigator", "XMLHttpRequest", "HTMLElement", "Node", "location"]) {
    Object.defineProperty(globalThis, name, { value: name === "window" ? window : window[name], configurable: true });
  }
}

const Medusa = require("@medusajs/medusa-js").default;
const { baseUrl, apiKey, maxRetries = 0 } = input;
const client = new Medusa({ baseUrl, apiKey, maxRetries });

function revived(value) {
  if (Array.isArray(value)) return value.map(revived);
  if (value === null || typeof value !== "object") return value;
  if ("$date" in value) return new Date(value.$date);
  if ("$result" in value) return value.$result.reduce((part, step, depth) => (depth ? part[step] : results[step].data), null);
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, revived(part)]));
}

function brought({ response, ...data }) {
  return { status: response.status, data };
}

function refused(error) {
  return { status: error.response?.status ?? null, error: error.response?.data ?? error.message };
}

async function byJs(path, parameters) {
  const steps = path.split(".");
  const name = steps.pop();
  const resource = steps.reduce((part, step) => part[step], client);
  return resource[name](...parameters).then(brought, refused);
}

// Renders a component that uses the hook, as the guide's examples do, and waits until it has something to show.
function byHook({ query, mutation, payload }, parameters) {
  const React = require("react");
  const { createRoot } = require("react-dom/client");
  const { QueryClient } = require("@tanstack/react-query");
  const hooks = require("medusa-react");
  const root = createRoot(document.getElementById("root"));
  return new Promise((resolve) => {
    function finish(result) {
      setTimeout(() => {
        const text = document.getElementById("root").textContent;
        root.unmount();
        resolve({ ...result, text });
      });
    }
    function Query() {
      const { isLoading, isError, error, response, ...data } = hooks[query](...parameters);
      React.useEffect(() => {
        if (isError) finish(refused(error));
        else if (!isLoading) finish({ status: response.status, data: JSON.parse(JSON.stringify(data)) });
      }, [isLoading, isError]);
      const people = data.customers ?? (data.customer ? [data.customer] : []);
      return React.createElement("ul", null, people.map((each) => React.createElement("li", { key: each.id }, each.first_name)));
    }
    function Mutation() {
      const { mutate } = hooks[mutation](...parameters);
      React.useEffect(() => {
        mutate(revived(payload), {
          onSuccess: (body) => finish(brought(body)),
          onError: (error) => finish(refused(error)),
        });
      }, []);
      return null;
    }
    const queryClientProviderProps = {
      client: new QueryClient({ defaultOptions: { queries: { retry: false } }, logger: { log() {}, warn() {}, error() {} } }),
    };
    const provider = { queryClientProviderProps, baseUrl, apiKey };
    root.render(React.createElement(hooks.MedusaProvider, provider, React.createElement(query ? Query : Mutation)));
  });
}

for (const call of input.calls) {
  const parameters = (call.arguments ?? []).map(revived);
  results.push(call.js ? await byJs(call.js, parameters) : await byHook(call, parameters));
}
process.stdout.write(JSON.stringify(results), () => process.exit(0));
