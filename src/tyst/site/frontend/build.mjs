// Builds the site's front end into ../static/dist: the scripts by esbuild, the two fonts (SIL Open Font License), and
// the countries' names in four languages from the language data that comes with node. Run by `npm run build`.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const dist = `${here}../static/dist`;
mkdirSync(dist, { recursive: true });

await build({
  entryPoints: [`${here}wireguard.ts`, `${here}copy.ts`, `${here}card.ts`, `${here}waiting.ts`, `${here}voucher.ts`],
  outdir: dist,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  legalComments: "none",
  logLevel: "warning",
});

const fonts = fileURLToPath(new URL("../../../../node_modules/@fontsource-variable", import.meta.url));
mkdirSync(`${dist}/fonts`, { recursive: true });
for (const name of ["newsreader", "public-sans"]) {
  copyFileSync(`${fonts}/${name}/files/${name}-latin-wght-normal.woff2`, `${dist}/fonts/${name}.woff2`);
}

const source = readFileSync(`${here}../../core/country.py`, "utf8").split("_CODES = (")[1].split(")")[0];
const codes = [...source.matchAll(/\b[a-z]{2}\b/g)].map((match) => match[0]);
const names = {};
for (const language of ["en", "sv", "de", "nb"]) {
  const known = new Intl.DisplayNames([language], { type: "region" });
  const order = new Intl.Collator(language);
  const rows = codes.map((code) => [code, known.of(code.toUpperCase())]);
  names[language] = rows.sort((one, other) => order.compare(one[1], other[1]));
}
writeFileSync(`${dist}/countries.json`, JSON.stringify(names));
