import { type CompiledStep, compileStep } from "../backend/index.js";
import { type Scalar, type Tensor, type Tensor1D, type Tensor2D, type Tensor4D, tf } from "../backend/tf.js";
import { windowMask } from "./attention.js";
import { type Choice, type ChosenTokens, chooseTokens, seeing } from "./choose-tokens.js";
import type { DecoderConfig } from "./config.js";
import type { PassInput } from "./decoder.js";
import type { Memory } from "./memory.js";

/** One more token for each sequence. */
export interface DecodingInput {
  /** The newest token of each sequence, `[batch]` int32. */
  tokenIds: Tensor1D;
  /** The place in the window that it takes, int32: earlier ones hold earlier tokens. */
  place: Scalar;
  /** The place of each sequence's first token, `[batch]` int32; before it the window holds filling. */
  starts: Tensor1D;
  /** For each block a window of keys and values, `[batch, keyHeads, window, headSize]`. Step writes into it. */
  memory: Memory[];
  /** How the tokens after the newest are chosen. */
  choice: Choice;
  /** `"xla"` compiles further, into one machine program; `false` computes eagerly. @default true */
  compile?: boolean | "xla";
}

export interface DecodingOutput extends ChosenTokens {
  /** The input's windows with the newest token in them; on TensorFlow's library they share its memory. */
  memory: Memory[];
  /** The input's `choice.seen` with the newest token in it. */
  seen?: Tensor2D;
}

/** What a decoder computes for a token. */
interface Model {
  readonly config: DecoderConfig;
  pass(input: PassInput): Tensor;
  project(hidden: Tensor2D): Tensor2D;
}

type NamedTensors = Record<string, Tensor | undefined>;
/** What a compiled step has frozen in. */
type Frozen = Pick<DecodingInput, "compile"> & Pick<Choice, "topK">;

/**
 * Computes one token within a window of fixed length and chooses the next, so that each token is the same function
 * of tensors of the same shapes and can be compiled into one call: nearly twice as fast as a thousand small ones.
 */
export class DecodingStep {
  private readonly compiled = new Map<string, CompiledStep<NamedTensors, NamedTensors>>();

  constructor(private readonly model: Model) {}

  /** The caller owns the output, and goes on owning the input. */
  run({ memory, choice, compile, ...input }: DecodingInput): DecodingOutput {
    const { topK, ...chance } = choice;
    const step = this.step({ compile, topK });
    const { tokens, logProbs, seen, ...windows } = step({ ...input, ...chance, ...pack(memory) });
    return { tokens, logProbs, seen, memory: unpack(windows) } as DecodingOutput;
  }

  dispose(): void {
    for (const step of this.compiled.values()) step.dispose();
    this.compiled.clear();
  }

  private step(frozen: Frozen): CompiledStep<NamedTensors, NamedTensors> {
    const key = JSON.stringify(frozen);
    const { compile = true } = frozen;
    const step =
      this.compiled.get(key) ??
      compileStep<NamedTensors, NamedTensors>((inputs) => computeToken(this.model, inputs, frozen), {
        compile: compile !== false,
        xla: compile === "xla",
      });
    this.compiled.set(key, step);
    return step;
  }
}

function computeToken(
  model: Model,
  { tokenIds, place, starts, seen, temperature, topP, repetitionPenalty, uniforms, ...windows }: NamedTensors,
  { compile, topK }: Frozen,
): NamedTensors {
  const [newest, at, first] = [tokenIds as Tensor1D, place as Scalar, starts as Tensor1D];
  const batch = newest.shape[0];
  const memory = unpack(windows).map((window) => ({ ...window, place: at, inPlace: compile !== "xla" }));
  const lastPosition = model.config.contextLength - 1; // where answers that have ended wait for the others
  const hidden = model.pass({
    tokenIds: tf.reshape(newest, [batch, 1]),
    positions: tf.reshape(tf.minimum(tf.sub(at, first), tf.scalar(lastPosition, "int32")), [batch, 1]),
    mask: windowMask(memory[0]?.keys?.shape[2] ?? 0, first, at),
    memory,
  }); // [batch, 1, hidden]
  const logits = model.project(tf.squeeze(hidden, [1]));
  const sightings = seen && seeing(seen as Tensor2D, newest);
  const choice = { temperature, topK, topP, repetitionPenalty, seen: sightings, uniforms } as Choice;
  return { ...chooseTokens(logits, choice), seen: sightings, ...pack(memory) };
}

/** Compiled steps take and give tensors by name: `keys.0`, `values.0`, `keys.1`, … */
function pack(memory: readonly Memory[]): NamedTensors {
  const named = memory.flatMap(({ keys, values }, i) => [
    [`keys.${i}`, keys],
    [`values.${i}`, values],
  ]);
  return Object.fromEntries(named);
}

function unpack(windows: NamedTensors): Memory[] {
  return Array.from({ length: Object.keys(windows).length / 2 }, (_, i) => ({
    keys: windows[`keys.${i}`] as Tensor4D,
    values: windows[`values.${i}`] as Tensor4D,
  }));
}
