import { bytes, type Encoded, float, integer, message } from "./protobuf.js";

/** The version that graphs of TensorFlow 2.15 carry; later ones read it. */
const PRODUCER = 1645;

/** One node's attribute, as TensorFlow's `AttrValue`. */
export const attribute = {
  string: (value: string) => bytes(2, value),
  integer: (value: number) => integer(3, value),
  float: (value: number) => float(4, value),
  boolean: (value: boolean) => integer(5, value),
  type: (dtype: number) => integer(6, dtype),
  shape: (shape: readonly number[]) => bytes(7, shapeProto(shape)),
  tensor: (dtype: number, shape: readonly number[], content: Uint8Array) =>
    bytes(8, message(integer(1, dtype), bytes(2, shapeProto(shape)), bytes(4, content))),
  /** Several values of one kind. A list's fields have the same numbers as the single value's. */
  list: <Value>(values: readonly Value[], one: (value: Value) => Encoded) =>
    bytes(1, message(...values.map(one))),
};

/** A node: its operation and the names of the outputs it reads (`"name"` is `"name:0"`). */
export function nodeDef(
  name: string,
  operation: string,
  inputs: readonly string[],
  attributes: Readonly<Record<string, Encoded>>,
): Encoded {
  return message(
    bytes(1, name),
    bytes(2, operation),
    ...inputs.map((input) => bytes(3, input)),
    ...Object.entries(attributes).map(([key, value]) => bytes(5, message(bytes(1, key), bytes(2, value)))),
  );
}

/** A `GraphDef`. */
export const graphDef = (nodes: readonly Encoded[]): Encoded =>
  message(...nodes.map((node) => bytes(1, node)), bytes(4, integer(1, PRODUCER)));

/** A `SavedModel` that holds one graph under the tag `serve`. */
export const savedModel = (graph: Encoded): Encoded =>
  message(
    integer(1, 1),
    bytes(2, message(bytes(1, message(bytes(4, "serve"), bytes(5, "2.15.1"))), bytes(2, graph))),
  );

const shapeProto = (shape: readonly number[]): Encoded =>
  message(...shape.map((length) => bytes(2, integer(1, length))));
