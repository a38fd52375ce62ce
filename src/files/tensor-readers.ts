import { DataError } from "../errors.js";
import type { OpenFile } from "./open-file.js";
import { decoders } from "./quants.js";
import type { TensorFile, TensorInfo } from "./tensor-file.js";

/** The reading half of a `TensorFile`: looks a tensor up, reads its bytes, decodes them. */
export function tensorReaders(
  file: OpenFile,
  tensors: ReadonlyMap<string, TensorInfo>,
): Pick<TensorFile, "read" | "readBytes" | "close"> {
  const bytesOf = (name: string, { offset, byteLength }: TensorInfo) =>
    file.bytes(offset, byteLength, `tensor "${name}"`);
  return {
    read(name) {
      const info = requireTensor(file.path, tensors, name);
      const decode = decoders.get(info.dtype);
      if (!decode) throw unreadableType(file.path, name, info.dtype);
      return decode(bytesOf(name, info));
    },
    readBytes: (name) => bytesOf(name, requireTensor(file.path, tensors, name)),
    close: () => file.close(),
  };
}

function requireTensor(path: string, tensors: ReadonlyMap<string, TensorInfo>, name: string): TensorInfo {
  const info = tensors.get(name);
  if (info) return info;
  const some = [...tensors.keys()].slice(0, 5).join(", ");
  throw new DataError(`${path} has no tensor "${name}"`, {
    code: "files/missing-tensor",
    value: name,
    hint: `It holds ${tensors.size} tensors: ${some}${tensors.size > 5 ? ", …" : ""}`,
  });
}

function unreadableType(path: string, name: string, dtype: string): DataError {
  return new DataError(`${path}: tensor "${name}" is stored as ${dtype}, which cannot be read as float32`, {
    code: "files/unreadable-type",
    value: dtype,
    hint: `Types that can be read: ${[...decoders.keys()].join(", ")}. \`readBytes\` gives any tensor's raw bytes.`,
  });
}
