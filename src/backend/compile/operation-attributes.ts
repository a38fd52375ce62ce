import type { NativeAttribute, NativeBinding } from "../native.js";
import { attribute } from "./graph-def.js";
import type { Encoded } from "./protobuf.js";

/** Types that tfjs-node leaves out of its calls, which a graph must name: of which input each is the type. */
const LEFT_OUT: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  ExpandDims: { T: 0 },
};

/**
 * The attributes of an eager call, encoded for the same operation in a graph.
 *
 * @param inputTypes the types of the operation's inputs
 */
export function encodeAttributes(
  binding: NativeBinding,
  operation: string,
  attributes: readonly NativeAttribute[],
  inputTypes: readonly number[],
): Record<string, Encoded> {
  const encoded = Object.fromEntries(attributes.map((each) => [each.name, encode(binding, each)]));
  for (const [name, input] of Object.entries(LEFT_OUT[operation] ?? {})) {
    encoded[name] ??= attribute.type(inputTypes[input] as number);
  }
  return encoded;
}

function encode(binding: NativeBinding, { name, type, value }: NativeAttribute): Encoded {
  const one = <Value>(write: (value: Value) => Encoded): Encoded =>
    Array.isArray(value) ? attribute.list(value as Value[], write) : write(value as Value);
  switch (type) {
    case binding.TF_ATTR_STRING:
      return one((text: string) => attribute.string(String(text)));
    case binding.TF_ATTR_INT:
      return one(attribute.integer);
    case binding.TF_ATTR_FLOAT:
      return one(attribute.float);
    case binding.TF_ATTR_BOOL:
      return one(attribute.boolean);
    case binding.TF_ATTR_TYPE:
      return one(attribute.type);
    case binding.TF_ATTR_SHAPE: {
      const shape = value as number[] | number[][];
      return Array.isArray(shape[0])
        ? attribute.list(shape as number[][], attribute.shape)
        : attribute.shape(shape as number[]);
    }
    default:
      throw new Error(`attribute ${name} is of an unknown type (${type})`);
  }
}
