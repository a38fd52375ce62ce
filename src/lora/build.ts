import { Random } from "../backend/index.js";
import { type Tensor, type Tensor2D, tf } from "../backend/tf.js";
import { OptionError } from "../errors.js";
import { type Linear, moduleOf, type Parameter, type TransformerDecoder } from "../model/index.js";
import { LoraAdapter } from "./adapter.js";
import { type ResolvedLoraConfig, scaleOf } from "./config.js";
import { initialise } from "./initialise.js";
import { LoraLayer, rowNorms } from "./layer.js";
import { saveAdapter } from "./save.js";
import { modulesToCopy, requireKeysUsed, targetLinears, valueFor } from "./targets.js";

export interface BuildOptions {
  name: string;
  seed: number;
  /** Whether ranks larger than a layer are let through, as in files and in what adapters are joined to. @default false */
  anyRank?: boolean;
}

/**
 * Makes an adapter for a model without attaching it.
 *
 * @throws {AdapterError} for targets that are not there
 * @throws {OptionError} for a rank larger than a layer; nothing is left behind
 */
export function buildAdapter(
  model: TransformerDecoder,
  config: ResolvedLoraConfig,
  { name, seed, anyRank }: BuildOptions,
): LoraAdapter {
  const linears = targetLinears(model, config);
  const paths = linears.map(({ path }) => path);
  requireKeysUsed("rankPattern", config.rankPattern, paths);
  requireKeysUsed("alphaPattern", config.alphaPattern, paths);
  if (!anyRank) for (const linear of linears) requireFittingRank(linear, rankOf(config, linear));
  const copied = weightsToCopy(model, config, linears);

  const random = new Random(seed);
  const made: Parameter[] = [];
  const own = (of: string, part: string, values: () => Tensor, trainable = true): Parameter => {
    const parameter = {
      name: `${of}.${part}`,
      variable: tf.tidy(() => tf.variable(values())),
      trainable,
    };
    made.push(parameter);
    return parameter;
  };
  try {
    const residuals = new Map<Parameter, Parameter>();
    const layers = linears.map((linear) => buildLayer(linear, { config, name, random, own, residuals }));
    const copies = copied.map((weight): [Parameter, Parameter] => {
      const leaf = weight.name.slice(moduleOf(weight).length + 1);
      const copy = () => tf.clone(weight.variable);
      return [weight, own(moduleOf(weight), `modules_to_save.${name}.${leaf}`, copy)];
    });
    const save = (folder: string) => saveAdapter(model, folder, { name });
    return new LoraAdapter({ name, config, layers, copies: new Map(copies), residuals, save });
  } catch (error) {
    for (const { variable } of made) variable.dispose();
    throw error;
  }
}

interface LayerOptions {
  config: ResolvedLoraConfig;
  name: string;
  random: Random;
  own(of: string, part: string, values: () => Tensor, trainable?: boolean): Parameter;
  /** Receives what is left of the weight, if not all of it is. */
  residuals: Map<Parameter, Parameter>;
}

function buildLayer(linear: Linear, { config, name, random, own, residuals }: LayerOptions): LoraLayer {
  const { weight, layout, path } = linear;
  const r = rankOf(config, linear);
  const alpha = valueFor(config.alphaPattern, path) ?? config.loraAlpha;
  const scale = scaleOf(alpha, r, config.useRslora);
  const oriented = (matrix: Tensor): Tensor2D =>
    (layout === "outIn" ? matrix : tf.transpose(matrix)) as Tensor2D;

  const start = tf.tidy(() =>
    initialise(config.initLoraWeights, oriented(weight.variable), r, scale, random),
  );
  try {
    const { residual } = start;
    if (residual)
      residuals.set(
        weight,
        own(path, `residual.${name}.weight`, () => oriented(residual), false),
      );
    const parts = {
      linear,
      a: own(path, `lora_A.${name}.weight`, () => start.a),
      b: own(path, `lora_B.${name}.weight`, () => start.b),
      scale,
      alpha,
      dropout: config.loraDropout,
    };
    if (!config.useDora) return new LoraLayer(parts);
    // The frozen part and BA start as the base's weight together, so the lengths are those of its rows.
    const lengths = () => rowNorms(weight.variable as Tensor2D, layout);
    const magnitude = own(path, `lora_magnitude_vector.${name}.weight`, lengths);
    return new LoraLayer({ ...parts, magnitude });
  } finally {
    tf.dispose({ ...start });
  }
}

const rankOf = ({ rankPattern, r }: ResolvedLoraConfig, { path }: Linear): number =>
  valueFor(rankPattern, path) ?? r;

function requireFittingRank({ path, sizes }: Linear, r: number): void {
  const most = Math.min(sizes.in, sizes.out);
  if (r <= most) return;
  throw new OptionError(`rank ${r} is larger than ${path}, which maps ${sizes.in} numbers to ${sizes.out}`, {
    code: "lora/rank-too-large",
    value: r,
    hint: `Choose r of at most ${most} there, or give this module its own in rankPattern.`,
  });
}

/** The base's weights that the adapter has a full copy of: modules to save, and biases. */
function weightsToCopy(
  model: TransformerDecoder,
  { modulesToSave, bias }: ResolvedLoraConfig,
  linears: readonly Linear[],
): Parameter[] {
  const modules = new Set(modulesToCopy(model, modulesToSave));
  const biases = new Set(linears.map((linear) => linear.bias));
  const added = new Set(model.adapters.attached.flatMap((adapter) => adapter.parameters()));
  return model.parameters().filter((parameter) => {
    if (added.has(parameter)) return false;
    if (modules.has(moduleOf(parameter))) return true;
    if (bias === "all") return parameter.name.endsWith(".bias");
    return bias === "lora_only" && biases.has(parameter);
  });
}
