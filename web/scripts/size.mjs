// Fails where the first load is too large: the entry of the page and all that it imports at once.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const LIMIT = 150 * 1024;
const built = join(dirname(fileURLToPath(import.meta.url)), '../../python/keyhole/page');

function read(path) {
  try {
    return readFileSync(join(built, path));
  } catch {
    console.error(`size: ${join(built, path)} is missing: run npm run build first`);
    process.exit(1);
  }
}

const manifest = JSON.parse(read('.vite/manifest.json').toString());
const first = new Set();

function visit(name) {
  if (first.has(name)) return;
  first.add(name);
  for (const one of manifest[name].imports ?? []) visit(one);
}

for (const [name, chunk] of Object.entries(manifest)) if (chunk.isEntry) visit(name);

let total = 0;
for (const name of first) {
  const { file } = manifest[name];
  if (file.endsWith('.js')) total += gzipSync(read(file), { level: 9 }).length;
}
const shown = `${(total / 1024).toFixed(1)} kB of ${LIMIT / 1024} kB`;
if (total > LIMIT) {
  console.error(`size: the first load is ${shown} of compressed script: load more by route`);
  process.exit(1);
}
console.log(`size: the first load is ${shown} of compressed script`);
