// sharp at the steps of our intake: one decoding, upright, then copies of 2048 (quality 90 and 85) and 320 (quality 80), the square
// of 224 for a vector, and one of 512 as a hash needs it. Arguments: file, pictures, threads of each, at once, and how many before
// those that count.
const sharp = require('sharp');
const { readFileSync } = require('node:fs');
const [file, pictures, threads, atOnce, uncounted] = [process.argv[2], ...process.argv.slice(3).map(Number)];
sharp.cache(false);
sharp.concurrency(threads);
const original = readFileSync(file);

async function takeIn() {
  const inside = (side) => ({ width: side, height: side, fit: 'inside', withoutEnlargement: true });
  const { data, info } = await sharp(original, { limitInputPixels: 50e6 })
    .rotate().resize(inside(2048)).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const shown = () => sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } });
  await Promise.all([
    shown().jpeg({ quality: 90 }).toBuffer(),
    shown().jpeg({ quality: 85 }).toBuffer(),
    shown().resize(inside(320)).jpeg({ quality: 80 }).toBuffer(),
    shown().resize({ width: 224, height: 224, fit: 'cover', kernel: 'cubic' }).raw().toBuffer(),
    shown().resize({ width: 512, height: 512, fit: 'fill' }).raw().toBuffer(),
  ]);
}

// How long all took, and each.
async function takenIn(count) {
  const singly = [];
  let left = count;
  const begun = performance.now();
  const lane = async () => {
    while (left-- > 0) {
      const from = performance.now();
      await takeIn();
      singly.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return { whole_ms: performance.now() - begun, singly_ms: singly };
}

(async () => {
  await takenIn(uncounted);
  console.log(JSON.stringify({ ...await takenIn(pictures), peak_kib: process.resourceUsage().maxRSS }));
})();
