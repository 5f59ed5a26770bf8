/**
 * Builds the tablet app: `node build.mjs OUT [--replace FILE=OTHER ...]`. Run by field_forms/tablet/build.py, which brings
 * node and npm. `--replace` puts another module in the place of one (paths from here): tests build the app with a small
 * form of their own, or without encryption as a control.
 *
 * What comes out is a folder of static files: index.html, sw.js with the list of what it keeps, manifest, icons, and
 * assets/ whose names carry the hash of their content (so they can be kept for ever).
 */
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";

const HERE = dirname(fileURLToPath(import.meta.url));
const [out, ...options] = process.argv.slice(2);
if (!out) throw new Error("usage: node build.mjs OUT [--replace FILE=OTHER ...]");
const BASE = "/tablet/";

const replaced = new Map(
  options.filter((each) => each !== "--replace").map((each) => each.split("=").map((path) => resolve(HERE, path))),
);
const replacing = {
  name: "replacing",
  setup(made) {
    made.onLoad({ filter: /\.tsx?$/ }, async ({ path }) => {
      const other = replaced.get(path);
      if (!other) return undefined;
      const contents = await readFile(other, "utf8");
      return { contents, loader: other.endsWith("x") ? "tsx" : "ts", resolveDir: dirname(path) };
    });
  },
};

const common = {
  absWorkingDir: HERE,
  bundle: true,
  minify: true,
  target: ["es2022"],
  format: "esm",
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  logLevel: "warning",
  plugins: [replacing],
};

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });

const argon = await build({
  ...common,
  entryPoints: { argon: "src/lock/argon.worker.ts" },
  outdir: join(out, "assets"),
  entryNames: "[name]-[hash]",
  metafile: true,
});
const [argonFile] = Object.keys(argon.metafile.outputs).filter((file) => file.endsWith(".js"));

const app = await build({
  ...common,
  define: { __ARGON_WORKER__: JSON.stringify(BASE + built(argonFile)) },
  entryPoints: { app: "src/main.tsx", style: "src/style.css" },
  outdir: join(out, "assets"),
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  splitting: true,
  metafile: true,
});
const entries = Object.fromEntries(
  Object.entries(app.metafile.outputs)
    .filter(([, made]) => made.entryPoint)
    .map(([file, made]) => [made.entryPoint, built(file)]),
);

await cp(join(HERE, "public"), out, { recursive: true });
const page = (await readFile(join(HERE, "index.html"), "utf8"))
  .replace("%STYLE%", BASE + entries["src/style.css"])
  .replace("%SCRIPT%", BASE + entries["src/main.tsx"]);
await writeFile(join(out, "index.html"), page);

await writeFile(join(out, "LICENSES.txt"), await licences());

const kept = {};
for (const file of await files(out)) {
  // Reading a QR code is for enrolling, which needs a network anyway.
  if (file.endsWith(".txt") || file.startsWith("assets/jsQR-")) continue;
  kept[file === "index.html" ? BASE : BASE + file] = await hashOf(join(out, file));
}
const version = createHash("sha256").update(JSON.stringify(kept)).digest("hex").slice(0, 16);
await build({
  ...common,
  entryPoints: ["src/worker/sw.ts"],
  outfile: join(out, "sw.js"),
  format: "iife",
  define: { __KEPT__: JSON.stringify(kept), __VERSION__: JSON.stringify(version) },
});

// Packed once, here: a tablet at the edge of a network gets a quarter of the bytes, and the server packs nothing.
for (const file of await files(out)) {
  if (!/\.(js|css|html|svg|webmanifest|txt)$/.test(file)) continue;
  const content = await readFile(join(out, file));
  const packed = brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: content.length } });
  if (packed.length < content.length * 0.9) await writeFile(join(out, `${file}.br`), packed);
}

/** Licences of everything of others that went into the app. */
async function licences() {
  const inputs = [app, argon].flatMap((made) => Object.keys(made.metafile.inputs));
  const found = inputs.map((file) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1]).filter(Boolean);
  const names = [...new Set(found)].sort();
  const texts = [];
  for (const name of names) {
    const folder = join(HERE, "node_modules", name);
    const { version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const file = (await readdir(folder)).find((each) => /^(licen[cs]e|copying)/i.test(each));
    const text = file ? await readFile(join(folder, file), "utf8") : "";
    texts.push(`${name} ${version} (${license})\n\n${text.trim()}\n`);
  }
  return texts.join(`\n${"-".repeat(80)}\n\n`);
}

/** A file of the outcome as seen from its folder. */
function built(file) {
  return relative(resolve(out), resolve(HERE, file)).replaceAll("\\", "/");
}

async function files(folder, under = "") {
  const found = [];
  for (const entry of await readdir(join(folder, under), { withFileTypes: true })) {
    const name = under ? `${under}/${entry.name}` : entry.name;
    if (entry.isDirectory()) found.push(...(await files(folder, name)));
    else found.push(name);
  }
  return found.sort();
}

async function hashOf(path) {
  return createHash("sha256").update(await readFile(path)).digest("hex").slice(0, 16);
}
