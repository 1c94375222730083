// What an explanation is sent as: JSON, the map alone as .npy, or a picture; the client's Accept decides.
import { Float16Array } from '@petamoriken/float16';

const JSON_TYPE = 'application/json';
const NPY_TYPE = 'application/x-npy';
/** The first is for those who accept anything. */
export const TYPES = [JSON_TYPE, 'image/png', 'image/jpeg', 'image/webp', NPY_TYPE];

/** @returns what goes into the body */
export async function write(explanation, type, { map, kind, colormap, alpha, boxes }) {
  if (type === NPY_TYPE) return npy(explanation.map);
  if (type !== JSON_TYPE)
    return explanation.toBuffer({ kind, colormap, alpha, boxes, format: type.slice('image/'.length) });
  const said = explanation.toJSON();
  return { ...said, map: { ...said.map, ...encoded(explanation.map, map) }, boxes: await explanation.boxes() };
}

function encoded(map, as) {
  if (as === 'none') return {};
  const bytes = as === 'npy' ? npy(map) : bytesOf(as === 'float16' ? new Float16Array(map.data) : map.data);
  return { encoding: as, data: bytes.toString('base64') };
}

/** Little-endian, as every machine that Node runs on has its numbers. */
const bytesOf = ({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength);

/** As `numpy.save` writes it: a header that fills whole multiples of 64 bytes, then the values, rows first. */
function npy({ data, width, height, dims = [height, width] }) {
  const shape = `{'descr': '<f4', 'fortran_order': False, 'shape': (${dims.join(', ')}), }`;
  const header = `${shape.padEnd(64 * Math.ceil((shape.length + 11) / 64) - 11)}\n`;
  const magic = Buffer.from('\x93NUMPY\x01\x00\0\0', 'latin1');
  magic.writeUInt16LE(header.length, 8);
  return Buffer.concat([magic, Buffer.from(header, 'latin1'), bytesOf(data)]);
}
