/**
 * Bundles the two pages with esbuild, as their programs ask to be bundled: `node build.mjs OUT`. In OUT afterwards:
 * odk.html, enketo.html, transform.html, what each loads, and packed.json: how many bytes each file is with brotli.
 */
import { build } from "esbuild";
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";
import { compileAsync, Logger } from "sass";

const [out] = process.argv.slice(2);
if (!out) throw new Error("usage: node build.mjs OUT");
const require = createRequire(import.meta.url);
const ENKETO = dirname(require.resolve("enketo-core/package.json"));
const MODULES = dirname(ENKETO);

// package.json of enketo-core, "browser": names that whoever builds it gives a module of its own.
const enketoNames = {
  name: "enketo-names",
  setup(made) {
    const named = require("enketo-core/package.json").browser;
    made.onResolve({ filter: /^enketo\// }, async ({ path }) => {
      const found = named[path];
      return found === undefined ? undefined : made.resolve(found, { resolveDir: ENKETO, kind: "import-statement" });
    });
  },
};

const common = {
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022"],
  splitting: true,
  outdir: out,
  legalComments: "none",
  logLevel: "error",
  define: {
    "process.env.NODE_ENV": '"production"', __VUE_OPTIONS_API__: "true", __VUE_PROD_DEVTOOLS__: "false",
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false", global: "globalThis",
  },
  loader: { ".html": "text", ".svg": "dataurl", ".png": "dataurl", ".gif": "dataurl", ".woff": "file", ".woff2": "file" },
};

await mkdir(out, { recursive: true });
await build({ ...common, entryPoints: { odk: "odk.mjs" }, chunkNames: "odk-[hash]" });
await build({ ...common, entryPoints: { enketo: "enketo.mjs" }, chunkNames: "enketo-[hash]", plugins: [enketoNames] });
await build({ ...common, entryPoints: { transform: "transform.mjs" }, chunkNames: "transform-[hash]", external: ["libxslt"] });

const style = join(ENKETO, "src/sass/formhub/formhub.scss");
// Its style sheets name the packages they need as in the repository they come from.
const FROM = /^(?:file:\/\/)?\/packages\/enketo-core\/node_modules\//;
const importers = [{
  findFileUrl: (url) => (FROM.test(url) ? new URL(url.replace(FROM, ""), pathToFileURL(`${MODULES}/`)) : null),
}];
const { css } = await compileAsync(style, {
  style: "compressed", quietDeps: true, logger: Logger.silent, importers,
});
// Offline there is nobody who would send the fonts that it asks of others: the text is in the system's.
await writeFile(join(out, "enketo.css"), css.replace(/@import\s*(?:url\()?["']?(?:https?:)?\/\/[^;]*;/g, ""));

for (const [name, style] of [["odk", ""], ["enketo", '<link rel="stylesheet" href="enketo.css">'], ["transform", ""]]) {
  await writeFile(
    join(out, `${name}.html`),
    `<!doctype html><html lang="id"><head><meta charset="utf-8"><title>${name}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">${style}</head>
<body><button id="open">Buka</button><div id="form"></div><script type="module" src="${name}.js"></script></body></html>`,
  );
}

const packed = {};
for (const file of await readdir(out)) {
  packed[file] = brotliCompressSync(await readFile(join(out, file)), { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length;
}
await writeFile(join(out, "packed.json"), JSON.stringify(packed));
