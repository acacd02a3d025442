// SPDX-License-Identifier: Apache-2.0
// Reads `application/x-tune-columns`: typed arrays straight out of the answer, without parsing or copying.

export interface ColumnHead {
  name: string;
  type: 'f64' | 'i32' | 'u8' | 'u32';
  offset: number; // from the end of the head
  dictionary?: string[]; // the column holds codes
  nan?: number[]; // rows whose NaN was reported; another NaN is absent
}

export interface Column extends ColumnHead {
  data: Float64Array | Int32Array | Uint8Array | Uint32Array;
}

export interface Columns {
  rows: number;
  seq: number;
  full: boolean; // all trials, not only those touched since
  columns: Column[];
}

const magic = 'TUNECOL1';
const arrays = { f64: Float64Array, i32: Int32Array, u8: Uint8Array, u32: Uint32Array };

/** Throws an Error that says what is wrong with the bytes. The arrays are views of `buffer`. */
export function readColumns(buffer: ArrayBuffer): Columns {
  if (buffer.byteLength < 12) throw new Error('columns: the answer is cut short');
  const bytes = new Uint8Array(buffer);
  for (let i = 0; i < 8; ++i) if (bytes[i] !== magic.charCodeAt(i)) throw new Error('columns: this is no column data');
  const length = new DataView(buffer).getUint32(8, true);
  const begin = 12 + length;
  if (begin > buffer.byteLength) throw new Error('columns: the head is cut short');
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(12, begin)));
  const columns: Column[] = head.columns.map((c: ColumnHead) => {
    const type = arrays[c.type];
    if (!type) throw new Error(`columns: type ${c.type} of ${c.name} is unknown`);
    const at = begin + c.offset;
    if (at + head.rows * type.BYTES_PER_ELEMENT > buffer.byteLength) throw new Error(`columns: ${c.name} is cut short`);
    const aligned = at % type.BYTES_PER_ELEMENT === 0;
    const data = aligned
      ? new type(buffer, at, head.rows)
      : new type(buffer.slice(at, at + head.rows * type.BYTES_PER_ELEMENT));
    return { ...c, data };
  });
  return { rows: head.rows, seq: head.seq, full: head.full, columns };
}

/** The other way, for tests. */
export function writeColumns(
  head: { rows: number; seq: number; full: boolean },
  columns: Omit<Column, 'offset'>[],
): ArrayBuffer {
  let offset = 0;
  const heads = columns.map(({ data, ...c }) => {
    const at = offset;
    offset += Math.ceil(data.byteLength / 8) * 8;
    return { ...c, offset: at };
  });
  let text = JSON.stringify({ ...head, columns: heads });
  while ((12 + text.length) % 8) text += ' ';
  const bytes = new Uint8Array(12 + text.length + offset);
  bytes.set(new TextEncoder().encode(magic));
  new DataView(bytes.buffer).setUint32(8, text.length, true);
  bytes.set(new TextEncoder().encode(text), 12);
  columns.forEach((c, i) =>
    bytes.set(new Uint8Array(c.data.buffer, c.data.byteOffset, c.data.byteLength), 12 + text.length + heads[i].offset),
  );
  return bytes.buffer;
}
