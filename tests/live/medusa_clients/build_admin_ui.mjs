// Builds Medusa's admin UI in the working directory, into the folder `admin-ui`, from the sources in its npm package.
//
// esbuild does it in a few seconds. The package's own build, by webpack, takes a minute and 300 MB of packages. The page
// has to set ENVIRONMENT, which stands for the `process.env` of that build: see `AdminUi` in `__init__.py`.
import { cp, readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const require = createRequire(`${process.cwd()}/package.json`);
const ui = `${process.cwd()}/node_modules/@medusajs/admin-ui/ui`;

const tailwind = {
  name: "tailwind",
  setup(build) {
    build.onLoad({ filter: /global\.css$/ }, async ({ path }) => {
      const { plugins } = require(`${ui}/postcss.config.js`);
      const { css } = await require("postcss")(plugins).process(await readFile(path), { from: path });
      return { contents: css, loader: "css" };
    });
  },
};

await require("esbuild").build({
  entryPoints: [`${ui}/src/main.tsx`],
  bundle: true,
  splitting: true,
  format: "esm",
  jsx: "automatic",
  outdir: "admin-ui",
  define: { "process.env.NODE_ENV": '"production"', "process.env": "ENVIRONMENT", global: "window" },
  loader: { ".svg": "dataurl", ".ttf": "file" },
  plugins: [tailwind],
  logLevel: "error",
});
await cp(`${ui}/public`, "admin-ui/public", { recursive: true });
