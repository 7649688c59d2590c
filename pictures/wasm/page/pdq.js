// The hash of a picture, computed in this page. The picture goes nowhere.

/** Makes the hashing of one compiled module: `(ImageData) => { pdq, quality }`, or `null` where there is none. */
export async function load(address) {
  const { instance } = await WebAssembly.instantiateStreaming(fetch(address));
  const { memory, pixels, fingerprint, hash } = instance.exports;
  return ({ data, width, height }) => {
    const room = pixels(width, height);
    if (room === 0) return null;
    new Uint8Array(memory.buffer, room, data.length).set(data);
    const quality = fingerprint();
    if (quality < 0) return null;
    const bytes = new Uint8Array(memory.buffer, hash(), 32);
    const pdq = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return { pdq, quality };
  };
}

/** The pixels of a picture file, upright, with its colours as they stand. */
export async function decode(file) {
  const picture = await createImageBitmap(file, {
    imageOrientation: "from-image",
    colorSpaceConversion: "none",
    premultiplyAlpha: "none",
  });
  const { width, height } = picture;
  const canvas = new OffscreenCanvas(width, height);
  const drawn = canvas.getContext("2d", { willReadFrequently: true });
  drawn.drawImage(picture, 0, 0);
  picture.close();
  return drawn.getImageData(0, 0, width, height);
}
